"""A ROMFS partition and its geometry: where it is, and what can be erased and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from boards.quirks import Quirk
from romfs.errors import BoardError


@dataclass(frozen=True, slots=True)
class EraseRegion:
    """A run of equal erase units.

    Attributes:
        offset: From partition start.
        block_size: Bytes erased at once.
        count: Blocks in the run, or None: as many as the partition holds.
    """

    offset: int
    block_size: int
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """One ROMFS partition, which `vfs.rom_ioctl` calls a segment.

    Attributes:
        index: Segment id.
        name: For messages and layouts.
        address: Where the CPU reads it; None if chosen at run time or by a build option.
        size: None if a build option decides (see `with_size`).
        end: Address after the last byte; may be known where `address` is not.
        usable_size: Less than `size` where the CPU cannot reach all of it.
        device: The memory it is in.
        base: Address of that memory's first byte; None if it has no fixed one.
        flash_offset: From the start of that memory.
        erase: Physical erase units; empty where nothing can or need be erased by the firmware.
        write: Offset and length of a write must be multiples of this; None: not writable.
        write_note: Why, or what else holds for a write.
        segment: Class of the segment object: "memoryview", or a block device's.
        block_size: Block size of the block device; None for a memoryview.
        prepare_returns: What rom_ioctl(3) returns on success, the smallest write it
            advertises; None if it always returns -22 (EINVAL).
        min_prepare: What rom_ioctl(6) returns; None for -22.
        prepare_takes_offset: Whether rom_ioctl(3) erases from a given offset; None where
            it does not work at all.
        memory_mapped: Whether the CPU reads it in place.
        address_static: Whether `address` is settled before boot.
        size_configurable: Whether a make or CMake variable sets the size.
        anchored_at_end: Whether another size moves `address`, not `end`.
        example_size: A size upstream's option might be given, for illustration.
        note: Anything else.
        quirks: Those that hold here, of the board and of this partition.
    """

    index: int
    name: str
    address: int | None = None
    size: int | None = None
    end: int | None = None
    usable_size: int | None = None
    device: str | None = None
    base: int | None = None
    flash_offset: int | None = None
    erase: tuple[EraseRegion, ...] = ()
    write: int | None = None
    write_note: str | None = None
    segment: str = "memoryview"
    block_size: int | None = None
    prepare_returns: int | None = None
    min_prepare: int | None = None
    prepare_takes_offset: bool | None = None
    memory_mapped: bool = True
    address_static: bool = True
    size_configurable: bool = False
    anchored_at_end: bool = False
    example_size: int | None = None
    note: str | None = None
    quirks: tuple[Quirk, ...] = ()

    def __post_init__(self) -> None:
        where = f"romfs[{self.index}]"
        if self.size is not None:
            if self.size <= 0:
                raise BoardError(f"{where}.size: {self.size}; leave it out if it is not known")
            self._check_erase(where, self.size)
            if self.usable_size is not None and not 0 < self.usable_size <= self.size:
                raise BoardError(
                    f"{where}.usable: {self.usable_size} bytes, but the partition has {self.size}"
                )
            if None not in (self.address, self.end) and self.end != self._end(self.size):
                raise BoardError(f"{where}.end: {self.end:#x} is not address + size")
        for name, unit in (("write", self.write), ("block_size", self.block_size)):
            if unit is not None and unit <= 0:
                raise BoardError(f"{where}.{name}: {unit} is not positive")
        if self.is_block_device and self.block_size is None:
            raise BoardError(f"{where}.block_size: missing, and {self.segment} is a block device")
        if not self.is_block_device and self.block_size is not None:
            raise BoardError(f"{where}.block_size: a memoryview has none")

    def _end(self, size: int) -> int:
        return (self.address or 0) + size

    def _check_erase(self, where: str, size: int) -> None:
        """Erase regions cover the partition without gap or rest."""
        at = 0
        for region in self.erase:
            if region.block_size <= 0:
                raise BoardError(f"{where}.erase: {region.block_size} is not positive")
            if region.offset != at:
                raise BoardError(f"{where}.erase: region at {region.offset:#x} follows {at:#x}")
            left = size - at
            count = left // region.block_size if region.count is None else region.count
            at += count * region.block_size
        if not self.erase or at == size:
            return
        unit = self.erase[-1].block_size
        if at < size < at + unit:
            raise BoardError(
                f"{where}.size: {size} bytes is not a whole number of {unit}-byte erase units "
                f"({size - at} over)"
            )
        raise BoardError(f"{where}.erase: covers {at} bytes, but the partition has {size}")

    @property
    def is_block_device(self) -> bool:
        """Whether the segment object is erased and written through its own methods."""
        return self.segment != "memoryview"

    @property
    def writable(self) -> bool:
        """Whether the running firmware can write it."""
        return self.is_block_device or self.prepare_returns is not None

    @property
    def capacity(self) -> int | None:
        """Bytes an image may have; None where `with_size` must say first."""
        return self.usable_size if self.usable_size is not None else self.size

    @property
    def alignment(self) -> int:
        """What the offset and length of an erase must be multiples of, everywhere."""
        units = [region.block_size for region in self.erase]
        return max([*units, self.block_size or 1, self.min_prepare or 1])

    @property
    def at_risk(self) -> int:
        """Bytes from the start that a power cut in a small write there may lose; 0: none.

        Where a driver reads, erases and programs a whole unit for every write, or can
        program a unit only as a whole. An image that begins with as much padding loses
        only that.
        """
        if Quirk.ERASE_NOT_SEEN_AS_BLANK in self.quirks:
            return max([region.block_size for region in self.erase[:1]] + [self.block_size or 0])
        if Quirk.PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE in self.quirks and (self.write or 0) > 256:
            return self.write or 0
        return 0

    def erase_size_at(self, offset: int) -> int:
        """Bytes erased together at `offset`; 0 where nothing is erased.

        Raises:
            BoardError: `offset` is outside the partition.
        """
        return self._block(offset)[1] if self.erase else 0

    def erase_blocks(self, length: int, offset: int = 0) -> Iterator[tuple[int, int]]:
        """Yield (offset, size) of each erase unit that `length` bytes from `offset` touch."""
        at, stop = offset, offset + length
        while self.erase and at < stop:
            start, size = self._block(at)
            yield start, size
            at = start + size

    def _block(self, offset: int) -> tuple[int, int]:
        for region in self.erase:
            into = offset - region.offset
            if into >= 0 and (region.count is None or into < region.count * region.block_size):
                start = region.offset + into // region.block_size * region.block_size
                if self.size is None or start < self.size:
                    return start, region.block_size
        size = "unknown" if self.size is None else f"{self.size:#x}"
        raise BoardError(f"offset {offset:#x} is outside {self.name}, whose size is {size}")

    def with_size(self, size: int) -> Partition:
        """The partition of a firmware built with this size.

        Raises:
            BoardError: The size is fixed, or is not a whole number of erase units, or there
                is not that much memory below the end of the partition.
        """
        chosen_later = self.size_configurable or not self.address_static
        if not chosen_later and Quirk.SIZE_AT_RUN_TIME not in self.quirks:
            if size != self.size:
                raise BoardError(f"{self.name} always has {self.size} bytes, not {size}")
            return self
        address, end, offset = self.address, self.end, self.flash_offset
        if self.anchored_at_end and end is not None:
            address = end - size
            if address < (self.base or 0):
                room = end - (self.base or 0)
                raise BoardError(f"{self.name}: {size} bytes, but only {room} are below its end")
        elif address is not None:
            end = address + size
        if address is not None and self.base is not None:
            offset = address - self.base
        erase = self.erase
        if erase:
            last = erase[-1]
            count = max(size - last.offset, 0) // last.block_size
            erase = (*erase[:-1], replace(last, count=count))
        return replace(
            self,
            address=address,
            end=end,
            flash_offset=offset,
            size=size,
            usable_size=size,
            erase=erase,
        )
