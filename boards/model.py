"""Board and its parts: plain facts, checked on construction, without I/O.

Addresses are the device's, sizes are bytes. None means unknown, or chosen by whoever
builds the firmware; each attribute says which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from boards.abi import MpyAbi
from boards.quirks import Quirk
from romfs.errors import BoardError

STATUSES = ("default", "opt-in", "disabled")
KINDS = ("bootloader", "firmware", "romfs", "filesystem", "reserved")


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
            BoardError: The size is not a whole number of erase units, or is fixed already.
        """
        if self.size is not None and size != self.size and not self.size_configurable:
            raise BoardError(f"{self.name} always has {self.size} bytes, not {size}")
        erase = tuple(
            replace(region, count=(size - region.offset) // region.block_size)
            if region is self.erase[-1]
            else region
            for region in self.erase
        )
        address, end, offset = self.address, self.end, self.flash_offset
        if self.anchored_at_end and end is not None:
            if address is not None and offset is not None:
                offset += end - size - address
            address = end - size
        elif address is not None:
            end = address + size
        return replace(
            self,
            address=address,
            end=end,
            flash_offset=offset,
            size=size,
            usable_size=size,
            erase=erase,
        )


@dataclass(frozen=True, slots=True)
class Region:
    """A named stretch of a memory.

    Attributes:
        name: Unique in its board.
        kind: One of `KINDS`.
        start: Address, or offset where the memory has no address; None if unknown.
        size: None if unknown or a build option.
        device: The memory it is in.
    """

    name: str
    kind: str
    start: int | None = None
    size: int | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BoardError(
                f"regions.{self.name}.kind: {self.kind!r} is not one of {', '.join(KINDS)}"
            )


@dataclass(frozen=True, slots=True)
class Flash:
    """The memory the firmware lives in, and who uses which part.

    Attributes:
        device: Its name.
        base: Address of its first byte; None: not mapped at a fixed place, and every
            `Region.start` is an offset.
        size: Bytes in the chip.
        main: Name of the region this firmware is in, where it is not the first one.
        regions: Everything but ROMFS, which `Board.layout` adds.
        note: Anything else.
    """

    device: str | None = None
    base: int | None = None
    size: int | None = None
    main: str | None = None
    regions: tuple[Region, ...] = ()
    note: str | None = None

    @property
    def firmware(self) -> Region | None:
        """Where the firmware is and how long it may be: adjoining regions are joined."""
        pieces = [r for r in self.regions if r.kind == "firmware"]
        if self.main is not None:
            pieces = [r for r in pieces if r.name == self.main]
        if not pieces:
            return None
        whole = pieces[0]
        for piece in pieces[1:]:
            adjoins = None not in (whole.start, whole.size) and piece.start == (
                (whole.start or 0) + (whole.size or 0)
            )
            if not adjoins or piece.device != whole.device or piece.size is None:
                break
            whole = replace(whole, size=(whole.size or 0) + piece.size)
        return whole

    @property
    def filesystem(self) -> Region | None:
        """The read/write filesystem, wherever it is."""
        return next((r for r in self.regions if r.kind == "filesystem"), None)


@dataclass(frozen=True, slots=True)
class Flashing:
    """One usual way to put firmware on the board.

    Attributes:
        method: Short name: "uf2", "esptool", "dfu-util", "dfuse-mboot", "jlink" ...
        address: Where the firmware goes; an offset on chips without fixed mapping.
        command: What a person types.
        uf2_family: Family id of UF2 blocks.
        uf2_name: Name of that family.
        erase: Erase unit of this way, where it differs from the flash's own.
        reaches_romfs: Whether it can write the ROMFS partition; None: not stated upstream.
        note: Anything else.
    """

    method: str
    address: int | None = None
    command: str | None = None
    uf2_family: int | None = None
    uf2_name: str | None = None
    erase: int | None = None
    reaches_romfs: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Boot:
    """What is mounted, and where imports look, when `boot.py` starts.

    Attributes:
        mount_point: Where ROMFS is mounted; None: it is not.
        mounted_segment: Which partition; the others are mounted by hand.
        sys_path: `sys.path`, or None if unknown.
        filesystem_mount: Where the read/write filesystem is mounted; None: there is none.
        initial_cwd: In words.
    """

    mount_point: str | None = "/rom"
    mounted_segment: int | None = 0
    sys_path: tuple[str, ...] | None = None
    filesystem_mount: str | None = None
    initial_cwd: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One firmware build: a board, its variant, and on multi-core chips the core.

    Attributes:
        port: MicroPython port.
        board: Upstream `BOARD`.
        variant: `BOARD_VARIANT`, or None for the plain build.
        core: Core of a multi-core chip, or None.
        name: `MICROPY_HW_BOARD_NAME`, which the device reports.
        vendor: Who makes it.
        product: What they call it.
        url: Where they say so.
        mcu: The best name known of the chip.
        mcu_family: As upstream's board.json says.
        mcu_name: `MICROPY_HW_MCU_NAME`, which the device reports after the board name.
        status: "default", "opt-in" (see `how`) or "disabled".
        how: What turns ROMFS on, or sets its size.
        mpy: What `.mpy` files it loads.
        partitions: ROMFS partitions, by segment id.
        flash: Memory layout.
        flashing: Usual ways to load firmware.
        boot: State when user code starts.
        frozen: Names of built-in and frozen modules, where known.
        notes: Sentences for users.
        quirks: Of the board and all its partitions.
        source: Files the facts were read from, in the MicroPython tree unless marked.
        commit: MicroPython commit they were read at.
    """

    port: str
    board: str
    variant: str | None = None
    core: str | None = None
    name: str | None = None
    vendor: str | None = None
    product: str | None = None
    url: str | None = None
    mcu: str | None = None
    mcu_family: str | None = None
    mcu_name: str | None = None
    status: str = "default"
    how: str | None = None
    mpy: MpyAbi = field(default_factory=MpyAbi)
    partitions: tuple[Partition, ...] = ()
    flash: Flash = field(default_factory=Flash)
    flashing: tuple[Flashing, ...] = ()
    boot: Boot = field(default_factory=Boot)
    frozen: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    quirks: tuple[Quirk, ...] = ()
    source: tuple[str, ...] = ()
    commit: str | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise BoardError(f"status: {self.status!r} is not one of {', '.join(STATUSES)}")
        if self.status != "disabled" and not self.partitions:
            raise BoardError("romfs: no partition, and status is not 'disabled'")
        self._check_overlap()

    def _check_overlap(self) -> None:
        spans = sorted(
            (region.start, region.start + region.size, region.name)
            for region in self.layout()
            if region.start is not None and region.size and region.kind != "reserved"
        )
        if Quirk.ROMFS_SHARES_FILESYSTEM in self.quirks:
            return
        for (_, end, one), (start, _, other) in pairwise(spans):
            if start < end:
                raise BoardError(
                    f"regions: {one} runs to {end:#x}, {end - start:#x} bytes into {other}; a "
                    f"board built that way says so with quirk '{Quirk.ROMFS_SHARES_FILESYSTEM}'"
                )

    @property
    def key(self) -> str:
        """`BOARD[-VARIANT][:CORE]`, unique in its port."""
        variant = "" if self.variant is None else f"-{self.variant}"
        return self.board + variant + ("" if self.core is None else f":{self.core}")

    @property
    def id(self) -> str:
        """`port/BOARD[-VARIANT][:CORE]`, unique."""
        return f"{self.port}/{self.key}"

    @property
    def native_arch(self) -> str | None:
        """What to give `mpy-cross -march`; None: compile to bytecode only."""
        return self.mpy.native_arch

    @property
    def transports(self) -> tuple[str, ...]:
        """Ways that may reach the ROMFS partition, the running firmware's own first."""
        own = [
            "blockdev" if partition.is_block_device else "rom_ioctl"
            for partition in self.partitions[:1]
            if partition.writable
        ]
        return (*own, *(way.method for way in self.flashing if way.reaches_romfs is not False))

    def partition(self, index: int = 0) -> Partition:
        """One ROMFS partition.

        Raises:
            BoardError: There is none with that segment id.
        """
        if not 0 <= index < len(self.partitions):
            count = len(self.partitions)
            raise BoardError(
                f"{self.id} has no ROMFS partition {index}; it has "
                + ("none" if not count else f"only 0..{count - 1}" if count > 1 else "only 0")
            )
        return self.partitions[index]

    def layout(self) -> tuple[Region, ...]:
        """All regions with ROMFS among them, in address order where addresses are known.

        A partition whose size nobody has chosen yet is listed without it, at its place.
        """
        placed: list[tuple[int, int, Region]] = []
        for region in self.flash.regions:
            # What has no address is on a memory of its own: last.
            placed.append((_after_all if region.start is None else region.start, 1, region))
        for part in self.partitions:
            start = part.address
            if start is None and self.flash.base is None:
                start = part.flash_offset
            size = None if start is None else part.size
            where = start if start is not None else part.end
            placed.append(
                (
                    _after_all if where is None else where,
                    0,
                    Region(part.name, "romfs", start, size, part.device),
                )
            )
        placed.sort(key=lambda item: item[:2])
        return tuple(region for _, _, region in placed)


_after_all = 1 << 64
