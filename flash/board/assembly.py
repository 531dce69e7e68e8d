"""Puts a board's flash together from its row: memories, their files, addresses, driver."""

from __future__ import annotations

import mmap
import random
from dataclasses import dataclass, replace
from pathlib import Path

from boards import Board, Flash, Partition, Quirk
from flash.board.bus import Bus, Placed
from flash.board.device import Memory
from flash.board.drivers import Disk, Driver
from flash.board.faults import Faults
from flash.board.nor import NorFlash, Supply
from flash.geometry import Geometry
from romfs.errors import DoesNotFit

DEFAULT_SIZE = 128 * 1024
"""Where a build option sets the size and the board's row gives no example."""

_NEIGHBOUR = 64 * 1024
_DISK_ADDRESS = 1 << 32  # of a chip the CPU does not see
_FILESYSTEM = 256 * 1024


@dataclass(frozen=True, slots=True)
class Assembly:
    """The flash of one virtual board.

    Attributes:
        board: The row, with every partition's size and address settled.
        supply: Power and counting, shared by all memories.
        bus: All memories by address.
        segments: The ROMFS partitions' memories, by segment id.
        mapped: What the processor sees of them.
        driver: The firmware's way to them.
        disk: The user filesystem's block device, if it is in flash.
        disk_memory: What that is stored in.
        maps: Open file mappings.
    """

    board: Board
    supply: Supply
    bus: Bus
    segments: tuple[NorFlash, ...]
    mapped: tuple[Memory, ...]
    driver: Driver
    disk: Disk | None
    disk_memory: NorFlash | None
    maps: tuple[mmap.mmap, ...]

    def close(self) -> None:
        """Release the files."""
        for each in self.maps:
            each.close()


def assemble(
    board: Board,
    flash: Path,
    *,
    size: int | None = None,
    faults: Faults | None = None,
    seed: int = 0,
    romfs: bool = True,
    disk: Path | None = None,
) -> Assembly:
    """Build the flash of a board over files.

    Args:
        board: Its row.
        flash: File of partition 0; partition N is in the file with `.N` appended. A missing
            file is made blank, a short one is continued blank.
        size: Bytes of partition 0, where the firmware's builder chooses them.
        faults: What fails.
        seed: Decides what torn operations leave.
        romfs: False for a firmware without the partition.
        disk: File behind the user filesystem's part of the flash; None: only what reaches it
            by mistake finds it.
    Raises:
        DoesNotFit: A file is longer than its partition.
        BoardError: The board cannot have that size.
    """
    faults = Faults() if faults is None else faults
    board = settled(board, size)
    supply = Supply(cut_after=faults.cut, tear=faults.tear, fail=faults.fail, seed=seed)
    segments, mapped, maps, places = [], [], [], []
    for part in board.partitions:
        path = flash if part.index == 0 else flash.with_name(f"{flash.name}.{part.index}")
        geometry = Geometry.of(board, part)
        content = _open(path, geometry)
        memory = NorFlash(
            geometry,
            content,
            supply=supply,
            name=part.name,
            worn=faults.worn if part.index == 0 else (),
        )
        maps.append(content)
        segments.append(memory)
        mapped.append(Memory(path.resolve(), geometry.size, part.usable_size or geometry.size))
        places.append(Placed(part.address or 0, memory))
    _place_neighbours(board, places, supply)
    place = None if disk is None else _place_disk(board, places, supply, disk)
    bus = Bus(places)
    device = None
    if place is not None:
        device = Disk(bus, place.address, place.size, place.block_size)
        if isinstance(place.memory.memory, mmap.mmap) and place.memory not in segments:
            maps.append(place.memory.memory)
        path = flash if disk is None or place.memory in segments else disk
        mapped.append(Memory(path.resolve(), place.size, place.size))
    driver = Driver(board, bus, romfs=romfs, filesystem=_filesystem_address(board, places))
    return Assembly(
        board,
        supply,
        bus,
        tuple(segments),
        tuple(mapped),
        driver,
        device,
        None if place is None else place.memory,
        tuple(maps),
    )


def settled(board: Board, size: int | None = None) -> Board:
    """The board with a size and an address for every partition."""
    parts = []
    for part in board.partitions:
        wanted = size if part.index == 0 else None
        if wanted is None:
            wanted = part.size or part.example_size or DEFAULT_SIZE
        sized: Partition = part.with_size(wanted) if wanted != part.size else part
        if sized.address is None:
            place = sized.flash_offset
            sized = replace(
                sized, address=0x1000_0000 * (1 + part.index) if place is None else place
            )
        if sized.usable_size is not None and sized.usable_size == sized.size:
            sized = replace(sized, usable_size=None)
        parts.append(sized)
    return replace(board, partitions=tuple(parts), flash=_after(board.flash, parts))


def _after(flash: Flash, parts: list[Partition]) -> Flash:
    """The layout with a filesystem that begins behind a partition put in front of it."""
    regions = []
    for region in flash.regions:
        begin = region.start
        for part in parts:
            if begin is None or region.kind != "filesystem" or begin != part.address:
                continue
            if region.size is not None:
                size = part.size or 0
                if size < region.size and not part.anchored_at_end:
                    region = replace(region, start=begin + size, size=region.size - size)
        regions.append(region)
    return replace(flash, regions=tuple(regions))


def _open(path: Path, geometry: Geometry) -> mmap.mmap:
    length = path.stat().st_size if path.exists() else 0
    if length > geometry.size:
        raise DoesNotFit(
            f"{path} has {length} bytes, {length - geometry.size} more than the partition"
        )
    with path.open("ab") as out:
        out.write(bytes((geometry.erased,)) * (geometry.size - length))
    with path.open("r+b") as both:
        return mmap.mmap(both.fileno(), geometry.size)


def _place_neighbours(board: Board, places: list[Placed], supply: Supply) -> None:
    """Add what lies next to the partitions, holding data that must survive."""
    own = list(places)
    for region in board.layout():
        if region.start is None or region.kind == "romfs" or not own:
            continue
        size = _FILESYSTEM if region.size is None else min(region.size, _FILESYSTEM)
        address = region.start
        if region.kind != "filesystem":
            end = address + (region.size or 0)
            if any(place.address == end for place in own):
                size = min(size, _NEIGHBOUR)
                address = end - size
            elif not any(place.end == address for place in own):
                continue
        unit = own[0].memory.geometry.block_at(0)[1]
        size -= size % unit
        if size <= 0 or any(address < p.end and p.address < address + size for p in places):
            continue
        geometry = _stretch(own[0].memory.geometry, size, unit)
        memory = NorFlash(geometry, supply=supply, name=region.name)
        memory.load(random.Random(region.name).randbytes(size))
        places.append(Placed(address, memory))


def _stretch(like: Geometry, size: int, unit: int) -> Geometry:
    return replace(like, size=size, erase=Geometry.uniform(size, unit).erase)


def _filesystem_address(board: Board, places: list[Placed]) -> int | None:
    region = board.flash.filesystem
    start = None if region is None else region.start
    if Quirk.ROMFS_SHARES_FILESYSTEM in board.quirks and places:
        return places[0].address
    return start


def _place_disk(board: Board, places: list[Placed], supply: Supply, path: Path) -> Placed:
    """Back the user filesystem by a file, at its address if it has one."""
    start = _filesystem_address(board, places)
    for place in places:
        if place.address == start and place.memory.name.startswith("romfs"):
            return place  # the two are the same flash
    for index, place in enumerate(places):
        if place.address == start:
            geometry = place.memory.geometry
            memory = NorFlash(geometry, _open(path, geometry), supply=supply, name="filesystem")
            places[index] = Placed(place.address, memory)
            return places[index]
    geometry = Geometry.uniform(_FILESYSTEM, 4096)
    memory = NorFlash(geometry, _open(path, geometry), supply=supply, name="filesystem")
    place = Placed(_DISK_ADDRESS, memory)
    places.append(place)
    return place
