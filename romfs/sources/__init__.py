"""Where the files of an image come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from romfs.errors import BuildError
from romfs.sources.base import Select, Source, SourceEntry

if TYPE_CHECKING:
    from romfs.sources.manifest import ManifestOptions

__all__ = ["Select", "Source", "SourceEntry", "open_source"]


def open_source(path: Path, *, manifest: ManifestOptions | None = None) -> Source:
    """The source at `path`, told by what is there.

    Args:
        path: A directory, a FAT image, or a manifest.py.
        manifest: What a manifest may use besides its own directory.
    Raises:
        BuildError: It is nothing an image can be built from.
        OSError: It cannot be read.
    """
    if path.is_dir():
        from romfs.sources.directory import DirectorySource

        return DirectorySource(path)
    if path.suffix == ".py":
        from romfs.sources.manifest import ManifestSource

        return ManifestSource(path, manifest)
    with path.open("rb") as file:
        head = file.read(512)
    from romfs.sources.fat import FatSource, looks_like_fat

    if looks_like_fat(head):
        return FatSource(path)
    raise BuildError(
        "not a directory, FAT image or manifest.py; an image is built from one of these",
        path=str(path),
    )
