"""Where the files of an image come from, behind one small interface.

A source yields entries: files, and directories (only empty ones need an entry). What
becomes of a file (compiled, kept, refused) is the build's business, not the source's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A file or directory that shall go into the image.

    Attributes:
        path: Its place in the image, parts joined with slashes, none leading.
        origin: Where it comes from, for messages.
        load: Reads the file's content; None for a directory.
        keep: Whether a .py file stays source, unless a rule says otherwise.
        optimize: Level for `mpy-cross -O` that the source asks for.
    """

    path: str
    origin: str
    load: Callable[[], bytes] | None
    keep: bool = False
    optimize: int | None = None


Select = Callable[[str, bool], bool]
"""Whether to take a path; the flag says whether it is a directory. A directory that is
not taken is not entered."""


class Source(Protocol):
    """Anything that can fill an image."""

    @property
    def label(self) -> str:
        """What the user called it, for messages."""

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """Every entry that `select` takes, sorted by path within each directory.

        Raises:
            BuildError: Something in the source cannot go into an image; names the path.
        """
