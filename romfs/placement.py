"""Where in an image each piece of data goes.

Two aims pull apart: a small image, and one in which an edit moves as little as
possible, since every erase block that changes must be sent and rewritten. With room
to spare (`slack`) each piece gets a slot it can grow in; with a previous image, what
has not changed stays where it was.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_SLOT_UNIT = 64  # slots end on multiples of this, so that small edits do not show
_SLOT_STEPS = 4  # bits: between two powers of two there are 8 to 16 sizes of slots
WORST_GROWTH = 1.25
"""How much larger than a fresh image one laid out around a previous image may be."""


class Piece(NamedTuple):
    """A run of bytes to place; equal contents are one piece.

    Attributes:
        digest: SHA-256 of the content: its identity.
        size: Bytes, not 0.
        align: Power of two its offset must be a multiple of.
        owner: A path that has this content, to find its former place by.
    """

    digest: bytes
    size: int
    align: int
    owner: str


class Former(NamedTuple):
    """Where a previous image had its data, as offsets from image start."""

    by_digest: Mapping[bytes, int]
    by_owner: Mapping[str, int]


def align_up(offset: int, align: int) -> int:
    """The first multiple of `align` not below `offset`."""
    return -(-offset // align) * align


def place(pieces: Sequence[Piece], start: int, *, slack: bool) -> tuple[dict[bytes, int], int]:
    """Place pieces one after the other.

    Args:
        pieces: In the order wanted.
        start: First offset that may be used, from image start.
        slack: Leave each piece room to grow.
    Returns:
        Offset of each piece by digest, and the offset after the last one.
    """
    placed: dict[bytes, int] = {}
    offset = end = start
    for piece in pieces:
        offset = align_up(offset, piece.align)
        placed[piece.digest] = offset
        end = offset + piece.size
        offset = slot_end(offset, piece.size) if slack else end
    return placed, end


def place_around(
    pieces: Sequence[Piece], start: int, former: Former
) -> tuple[dict[bytes, int], int] | None:
    """Place pieces so that those of a previous image stay where they were.

    What is new takes the place of its owner's former content if that fits, else the
    first gap that holds it, else the end.

    Returns:
        As `place`; None where more pieces would move than stay.
    """
    placed: dict[bytes, int] = {}
    moved: list[Piece] = []
    used = _Intervals()
    for piece in pieces:
        offset = former.by_digest.get(piece.digest)
        if offset is None or offset < start or offset % piece.align:
            moved.append(piece)
        elif used.is_free(offset, piece.size):
            placed[piece.digest] = offset
            used.add(offset, piece.size)
        else:
            moved.append(piece)  # the previous image had it overlap another piece
    if len(moved) > len(placed):
        return None
    for piece in moved:
        offset = former.by_owner.get(piece.owner)
        if (
            offset is None
            or offset < start
            or offset % piece.align
            or not used.is_free(offset, piece.size)
        ):
            offset = used.first_gap(start, piece.size, piece.align)
        placed[piece.digest] = offset
        used.add(offset, piece.size)
    return placed, used.end(start)


def slot_end(offset: int, size: int) -> int:
    """Where the slot of a piece ends.

    Slots come in a few sizes, a sixteenth to an eighth apart, so a piece that grows or
    shrinks a little keeps its slot, and what follows its place, even where nobody
    remembers how large it was.
    """
    step = max(1 << (size >> _SLOT_STEPS).bit_length(), _SLOT_UNIT)
    return align_up(offset + align_up(size, step), _SLOT_UNIT)


class _Intervals:
    """Disjoint used ranges, sorted."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def is_free(self, offset: int, size: int) -> bool:
        at = bisect.bisect_right(self.starts, offset)
        clear_below = at == 0 or self.ends[at - 1] <= offset
        clear_above = at == len(self.starts) or offset + size <= self.starts[at]
        return clear_below and clear_above

    def add(self, offset: int, size: int) -> None:
        at = bisect.bisect_right(self.starts, offset)
        self.starts.insert(at, offset)
        self.ends.insert(at, offset + size)

    def first_gap(self, start: int, size: int, align: int) -> int:
        offset = align_up(start, align)
        for used_from, used_to in zip(self.starts, self.ends, strict=True):
            if offset + size <= used_from:
                break
            offset = max(offset, align_up(used_to, align))
        return offset

    def end(self, start: int) -> int:
        return self.ends[-1] if self.ends else start


def former_places(files: Iterable[tuple[str, int, bytes]]) -> Former:
    """Index a previous image: (path, data offset, SHA-256) of each of its files."""
    by_digest: dict[bytes, int] = {}
    by_owner: dict[str, int] = {}
    for path, offset, digest in files:
        by_digest.setdefault(digest, offset)
        by_owner[path] = offset
    return Former(by_digest, by_owner)
