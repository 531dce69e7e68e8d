"""Several sources as one."""

from __future__ import annotations

from collections.abc import Iterator

from romfs.errors import BuildError
from romfs.sources.base import Select, Source, SourceEntry


class CombinedSource:
    """The entries of all sources; no two may give one path.

    Args:
        sources: At least one; the first names the whole.
    """

    def __init__(self, *sources: Source) -> None:
        self.sources = sources

    @property
    def label(self) -> str:
        """The first source's."""
        return self.sources[0].label

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """See `Source.entries`.

        Raises:
            BuildError: Two sources give one path, or as for those.
        """
        found: dict[str, SourceEntry] = {}
        for source in self.sources:
            for entry in source.entries(select):
                before = found.setdefault(entry.path, entry)
                if before is not entry and not (before.load is None and entry.load is None):
                    raise BuildError(
                        f"is given twice: by {before.origin} and by {entry.origin}",
                        path=entry.path,
                    )
        yield from (found[path] for path in sorted(found, key=lambda path: path.split("/")))
