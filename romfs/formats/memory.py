"""What a firmware file says: bytes at addresses, never two at one address."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from romfs.errors import FormatError, OverlapError

ADDRESS_LIMIT = 1 << 32
"""All formats here hold 32-bit addresses."""


class Segment(NamedTuple):
    """A run of bytes without a hole."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + len(self.data)


class Memory:
    """Segments in address order; neighbours that touch are one segment.

    Pieces arrive in any order (UF2 files may be shuffled), so they are kept as they come
    and joined once, when they are first looked at.
    """

    def __init__(self, pieces: Iterable[tuple[int, bytes]] = ()) -> None:
        self._starts: list[int] = []
        self._pieces: list[Segment] = []
        self._joined: tuple[Segment, ...] | None = None
        for address, data in pieces:
            self.add(address, data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memory) and self.segments == other.segments

    __hash__ = None  # type: ignore[assignment]  # it can be added to

    def __repr__(self) -> str:
        spans = ", ".join(f"{s.address:#x}+{len(s.data):#x}" for s in self.segments)
        return f"Memory({spans})"

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def add(self, address: int, data: bytes | memoryview, *, what: str = "data") -> None:
        """Place bytes; adding none is no change.

        Args:
            address: Of the first byte.
            data: The bytes.
            what: Names them in an error.
        Raises:
            OverlapError: Some of those addresses are taken.
            FormatError: An address is negative or beyond 32 bits.
        """
        if not data:
            return
        end = address + len(data)
        if address < 0 or end > ADDRESS_LIMIT:
            raise FormatError(f"{what} at {address:#x}..{end:#x} is outside 32-bit addresses")
        at = bisect_right(self._starts, address)
        for other in self._pieces[max(at - 1, 0) : at + 1]:
            low, high = max(address, other.address), min(end, other.end)
            if low < high:
                raise OverlapError(
                    f"{what} at {address:#x}..{end:#x} overlaps what is at "
                    f"{other.address:#x}..{other.end:#x} by {high - low} bytes",
                    address=low,
                    length=high - low,
                )
        self._starts.insert(at, address)
        self._pieces.insert(at, Segment(address, bytes(data)))
        self._joined = None

    @property
    def segments(self) -> tuple[Segment, ...]:
        """In address order, with a hole between any two."""
        if self._joined is None:
            runs: list[list[Segment]] = []
            for piece in self._pieces:
                if runs and runs[-1][-1].end == piece.address:
                    runs[-1].append(piece)
                else:
                    runs.append([piece])
            self._joined = tuple(
                Segment(run[0].address, b"".join(piece.data for piece in run)) for run in runs
            )
        return self._joined

    @property
    def size(self) -> int:
        """Bytes held, holes not counted."""
        return sum(len(piece.data) for piece in self._pieces)

    @property
    def start(self) -> int:
        """Lowest address; 0 when empty."""
        return self._pieces[0].address if self._pieces else 0

    @property
    def end(self) -> int:
        """First address after the highest; 0 when empty."""
        return self._pieces[-1].end if self._pieces else 0

    def read(self, address: int, length: int) -> bytes | None:
        """The bytes of a range, or None where some of it is not there."""
        for segment in self.segments:
            if segment.address <= address and address + length <= segment.end:
                return segment.data[address - segment.address :][:length]
        return None

    def holds(self, address: int, data: bytes) -> bool:
        """Whether just these bytes are at an address. Cheap between additions, too."""
        end = address + len(data)
        at = bisect_right(self._starts, address) - 1
        have = address
        while 0 <= at < len(self._pieces) and have < end:
            piece = self._pieces[at]
            low, high = have - piece.address, min(end, piece.end) - piece.address
            if low < 0 or low >= len(piece.data):
                return False
            if piece.data[low:high] != data[have - address :][: high - low]:
                return False
            have = piece.address + high
            at += 1
        return have == end

    def window(self, start: int, end: int) -> Memory:
        """The part inside `start`..`end`."""
        part = Memory()
        for segment in self.segments:
            low, high = max(start, segment.address), min(end, segment.end)
            if low < high:
                part.add(low, segment.data[low - segment.address : high - segment.address])
        return part

    def without(self, start: int, end: int) -> Memory:
        """The part outside `start`..`end`."""
        part = self.window(0, start)
        for segment in self.window(end, ADDRESS_LIMIT):
            part.add(*segment)
        return part

    def remove(self, start: int, end: int) -> None:
        """Forget what lies inside `start`..`end`."""
        rest = list(self.without(start, end))
        self._starts = [segment.address for segment in rest]
        self._pieces = rest
        self._joined = None

    def blocks(self, size: int) -> dict[int, Memory]:
        """Cut at multiples of `size`: block address -> what lies in that block."""
        cut: dict[int, Memory] = {}
        for address, data in self.segments:
            at = address
            while at < address + len(data):
                block = at - at % size
                until = min(block + size, address + len(data))
                cut.setdefault(block, Memory()).add(at, data[at - address : until - address])
                at = until
        return cut

    def flat(self, *, fill: int = 0xFF, start: int | None = None, end: int | None = None) -> bytes:
        """One run of bytes from `start` to `end`, holes filled.

        Args:
            fill: Value of bytes that no segment holds; erased flash reads 0xFF.
            start: First address; the lowest held, unless given.
            end: First address after it; the highest held, unless given.
        """
        low = self.start if start is None else start
        high = self.end if end is None else end
        out = bytearray([fill]) * max(high - low, 0)
        for address, data in self.window(low, high):
            out[address - low : address - low + len(data)] = data
        return bytes(out)
