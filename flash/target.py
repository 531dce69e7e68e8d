"""A ROMFS partition as the one who writes it must see it.

What the device answers and what its board's row knows, put together once: how to erase,
in which units to write, and what the last write, which makes the image mountable, can
guarantee. Quirks of boards are handled here and nowhere above.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from boards import Board, EraseRegion, Partition
from boards.quirks import Level, Quirk
from flash.probe import DeviceInfo, Segment
from romfs.errors import NoPartition

BLOCK = 4096
"""Comparison unit where erase units are unknown, tiny, or not needed."""

MAGIC = 3
"""Bytes without which nothing mounts an image. Source: MicroPython extmod/vfs_rom.c."""


class Erasing(Enum):
    """How a stretch of the partition is made ready for writing."""

    RANGE = "rom_ioctl(3) of a range"
    START = "rom_ioctl(3), always from the partition start"
    BLOCK = "ioctl(6) of a block"
    WHOLE = "writing whole blocks, which erases them"
    NONE = "nothing: writing replaces what was there"


# What is known of a port without a row for the board. Source: boards/*.toml, by port.
_PORT_QUIRKS = {
    "samd": (Quirk.ERASE_NOT_SEEN_AS_BLANK, Quirk.ALWAYS_REPORTS_SUCCESS),
    "renesas-ra": (Quirk.PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE, Quirk.ALWAYS_REPORTS_SUCCESS),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One partition to be written.

    Attributes:
        index: Segment id.
        size: Bytes an image may have.
        erasing: How to erase.
        erase: Units that are erased together, in address order; with `Erasing.NONE` only
            the grain at which content is compared.
        write: Offset and length of a write must be multiples of this.
        block_size: Of a block device; 0: a memoryview.
        twice: Whether a unit may be programmed again to clear more of its bits, so that
            the magic alone can be written last.
        commit: Bytes from the start that the last write covers.
        at_risk: Bytes that a power cut in the last write may leave unwritten behind a
            valid magic; 0: that write is all or nothing.
        known_units: Whether `erase` is known and not just assumed.
        erased: Value of every byte after an erase.
    """

    index: int
    size: int
    erasing: Erasing
    erase: tuple[EraseRegion, ...]
    write: int
    block_size: int = 0
    twice: bool = True
    commit: int = 16
    at_risk: int = 0
    known_units: bool = True
    erased: int = 0xFF

    @property
    def hole(self) -> int:
        """Bytes from the start that stay erased until the last write."""
        return MAGIC if self.twice else self.commit

    def blocks(self, length: int) -> Iterator[tuple[int, int]]:
        """Yield (offset, size) of every erase unit that an image of `length` bytes touches."""
        at = 0
        for region in self.erase:
            end = None if region.count is None else region.offset + region.count * region.block_size
            while at < length and (end is None or at < end):
                yield at, region.block_size
                at += region.block_size


def resolve(info: DeviceInfo, segment: Segment, board: Board | None) -> Target:
    """Put together what the device says and what is known of its board.

    Raises:
        NoPartition: The firmware can only read this partition.
    """
    part = _row(board, segment)
    port = board.port if board is not None else info.platform
    quirks = frozenset(part.quirks if part is not None else _PORT_QUIRKS.get(port, ()))
    if part is not None and not part.writable and not segment.block_device:
        raise NoPartition(
            f"partition {segment.index} cannot be written by the firmware of "
            f"{board.id if board else 'this device'}: its content is given from outside"
        )
    size = min(segment.size, (part.usable_size if part else None) or segment.size)
    erasing = _erasing(segment, port, quirks)
    physical = part.erase if part is not None else ()
    unit = segment.unit if segment.unit > 0 else 0
    known = True
    if erasing is Erasing.NONE:
        grain = max(physical[0].block_size if physical else 0, 1024)
        erase = _uniform(_grain(grain), size)
    elif (erasing is Erasing.RANGE and unit == 0) or erasing is Erasing.START:
        known = bool(physical)
        erase = physical or _uniform(BLOCK, size)
    else:
        erase = _uniform(_grain(unit), size)
    write = _write_unit(part, segment, port, quirks)
    rewrites = Quirk.ERASE_NOT_SEEN_AS_BLANK in quirks
    once = Quirk.PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE in quirks or (
        # Internal flash of stm32 with error correction takes a word only once.
        port in ("stm32", "pyboard") and not segment.block_device and write > 4
    )
    commit = max(write, 16)
    at_risk = 0
    if rewrites:
        at_risk = max(physical[0].block_size if physical else 8192, segment.unit)
        if segment.block_device:
            commit = segment.unit
    elif once and write > 256:
        at_risk = write
    return Target(
        index=segment.index,
        size=size,
        erasing=erasing,
        erase=erase,
        write=write,
        block_size=segment.unit if segment.block_device else 0,
        twice=not once,
        commit=commit,
        at_risk=at_risk,
        known_units=known,
    )


def _row(board: Board | None, segment: Segment) -> Partition | None:
    """The board's row for this segment, if the device bears it out."""
    if board is None or segment.index >= len(board.partitions):
        return None
    part = board.partitions[segment.index]
    kind = part.segment.rpartition(".")[2] if part.is_block_device else ""
    return part if bool(kind) == bool(segment.block_device) else None


def _erasing(segment: Segment, port: str, quirks: frozenset[Quirk]) -> Erasing:
    if segment.block_device:
        # On samd, ioctl(6) erases the user's file system.
        unsafe = Quirk.IOCTL_ERASE_HITS_FILESYSTEM in quirks or port == "samd"
        return Erasing.WHOLE if unsafe else Erasing.BLOCK
    if Quirk.NO_ERASE_NEEDED in quirks or Quirk.ERASE_NOT_SEEN_AS_BLANK in quirks:
        return Erasing.NONE
    if segment.unit > 0 or Quirk.MIN_PREPARE_ABSENT in quirks:
        return Erasing.RANGE
    return Erasing.START


def _write_unit(
    part: Partition | None, segment: Segment, port: str, quirks: frozenset[Quirk]
) -> int:
    if segment.block_device:
        if Quirk.IOCTL_ERASE_HITS_FILESYSTEM in quirks or port == "samd":
            return segment.unit
        return max(256, (part.write if part else None) or 1)
    if part is not None and part.write is not None:
        return max(4, part.write)
    return 2048 if port == "renesas-ra" else 32


def _grain(unit: int) -> int:
    """A multiple of the erase unit worth comparing: not tiny."""
    return unit if unit >= 1024 else -(-1024 // max(unit, 1)) * max(unit, 1)


def _uniform(block: int, size: int) -> tuple[EraseRegion, ...]:
    return (EraseRegion(0, block, -(-size // block)),)


def dangers(board: Board, part: Partition) -> list[tuple[Quirk, str]]:
    """What a write to this partition may destroy or fail at, beyond what this package avoids."""
    unavoidable = {
        Quirk.ROMFS_SHARES_FILESYSTEM,
        Quirk.MAY_OVERLAP_BOOTLOADER,
        Quirk.SHARED_BETWEEN_CORES,
        Quirk.DRIVER_PROBABLY_BROKEN,
    }
    return [
        (quirk, quirk.description)
        for quirk in part.quirks
        if quirk in unavoidable and quirk.level is not Level.NOTE
    ]
