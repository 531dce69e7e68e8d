"""What a flash memory allows: erase units, write unit, erased value, overwriting.

A `Geometry` is the memory as hardware, apart from the firmware in front of it, whose
departures are quirks of the board. Planners and the virtual board share it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from boards import Board, EraseRegion, Partition, Quirk
from romfs.errors import DoesNotFit, FlashError

PAGE = 256
"""Bytes one program command takes at most. Source: the page of every SPI NOR chip here;
for other memories it is only the grain at which operations are counted."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Typical seconds of one operation.

    Attributes:
        erase: One erase unit.
        program: One page.
    """

    erase: float
    program: float


# Typical figures of each class of memory, rounded. Source: datasheets of W25Q16JV (SPI NOR),
# nRF52832, SAMD21/SAMD51, RA6M5 and Ensemble MRAM; a given chip may differ by a factor of two.
_TIMING = {
    "nrf": Timing(0.085, 0.0026),
    "samd": Timing(0.006, 0.010),
    "renesas-ra": Timing(0.060, 0.0045),
    "mram": Timing(0.0, 0.00002),
    "spi nor": Timing(0.045, 0.0007),
}


@dataclass(frozen=True, slots=True)
class Geometry:
    """One flash memory, or a stretch of one.

    Attributes:
        size: Bytes.
        erase: Erase units in address order, covering `size`; empty: nothing is ever erased.
        write: Offset and length of a write must be multiples of this.
        page: Bytes programmed by one command; a write is split at its multiples.
        erased: Value of every byte after an erase.
        overwrites: True for memory (MRAM, RAM) that takes any value without an erase.
        timing: How long operations take.
    """

    size: int
    erase: tuple[EraseRegion, ...] = ()
    write: int = 1
    page: int = PAGE
    erased: int = 0xFF
    overwrites: bool = False
    timing: Timing = _TIMING["spi nor"]

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise FlashError(f"a flash memory of {self.size} bytes")
        if not self.erase and not self.overwrites:
            raise FlashError("memory that must be erased needs erase units")
        end = 0
        for region in self.erase:
            if region.offset != end or region.block_size <= 0:
                raise FlashError(f"erase region at {region.offset:#x} does not follow {end:#x}")
            count = region.count
            if count is None:
                count = (self.size - region.offset) // region.block_size
            end = region.offset + count * region.block_size
        if self.erase and end != self.size:
            raise FlashError(f"erase units end at {end:#x}, the memory at {self.size:#x}")

    @classmethod
    def uniform(
        cls,
        size: int,
        block: int = 4096,
        *,
        write: int = 1,
        page: int = PAGE,
        erased: int = 0xFF,
        overwrites: bool = False,
        timing: Timing = _TIMING["spi nor"],
    ) -> Geometry:
        """A memory whose erase units all have `block` bytes."""
        return cls(
            size, (EraseRegion(0, block, size // block),), write, page, erased, overwrites, timing
        )

    @classmethod
    def of(cls, board: Board, partition: Partition) -> Geometry:
        """The memory behind a ROMFS partition whose size is known.

        Raises:
            DoesNotFit: The size is a build option and was not chosen (`Partition.with_size`).
        """
        if partition.size is None:
            raise DoesNotFit(f"{board.id} {partition.name}: its size is a build option; choose one")
        overwrites = Quirk.NO_ERASE_NEEDED in partition.quirks or not partition.erase
        kind = "mram" if overwrites else board.port
        return cls(
            size=partition.size,
            erase=partition.erase,
            write=partition.write or 1,
            erased=0xFF if partition.erase else 0,  # RAM without an image reads as 0
            overwrites=overwrites,
            timing=_TIMING.get(kind, _TIMING["spi nor"]),
        )

    def block_at(self, offset: int) -> tuple[int, int]:
        """Start and size of the erase unit that holds `offset`.

        Raises:
            FlashError: `offset` is outside the memory.
        """
        if not 0 <= offset < self.size:
            raise FlashError(f"outside the {self.size:#x} bytes of this memory", address=offset)
        for region in reversed(self.erase):
            if offset >= region.offset:
                into = (offset - region.offset) // region.block_size
                return region.offset + into * region.block_size, region.block_size
        return 0, self.size

    def blocks(self, offset: int = 0, length: int | None = None) -> Iterator[tuple[int, int]]:
        """Yield (start, size) of each erase unit that a range touches."""
        stop = self.size if length is None else offset + length
        while offset < stop:
            start, size = self.block_at(offset)
            yield start, size
            offset = start + size

    def pages(self, offset: int, length: int) -> Iterator[tuple[int, int]]:
        """Yield (offset, length) of the pieces into which a write is split at pages."""
        stop = offset + length
        while offset < stop:
            end = min(stop, (offset // self.page + 1) * self.page)
            yield offset, end - offset
            offset = end
