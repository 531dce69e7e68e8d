"""Where the files of an image come from."""

from __future__ import annotations

from pathlib import Path

from romfs.errors import BuildError
from romfs.sources.base import Select, Source, SourceEntry

__all__ = ["Select", "Source", "SourceEntry", "open_source"]


def open_source(path: Path) -> Source:
    """The source at `path`, told by what is there.

    Raises:
        BuildError: It is nothing an image can be built from.
        OSError: It cannot be read.
    """
    if path.is_dir():
        from romfs.sources.directory import DirectorySource

        return DirectorySource(path)
    with path.open("rb") as file:
        head = file.read(512)
    from romfs.sources.fat import FatSource, looks_like_fat

    if looks_like_fat(head):
        return FatSource(path)
    raise BuildError(
        "not a directory and not a FAT image; an image is built from one of these",
        path=str(path),
    )
