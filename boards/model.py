"""Board and its parts: plain facts, checked on construction, without I/O.

Addresses are the device's, sizes are bytes. None means unknown, or chosen by whoever
builds the firmware; each attribute says which.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from boards.abi import MpyAbi
from boards.partition import Partition
from boards.quirks import Quirk
from romfs.errors import BoardError

STATUSES = ("default", "opt-in", "disabled")
KINDS = ("bootloader", "firmware", "romfs", "filesystem", "reserved")


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
