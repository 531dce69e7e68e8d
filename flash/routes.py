"""Which routes lead to a board's partition without its firmware, and opening one.

Board data says how firmware is usually loaded; that a bootloader reaches the ROMFS
partition, too, is known of some (`Flashing.reaches_romfs`), of others the device tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boards import Board, Partition
from flash.bootloader import ATOMIC, make_target
from flash.target import Erasing, Target
from flash.transport import Transport
from romfs.errors import BoardError, MissingExtra, NoPort, TransportError

METHODS = ("uf2", "dfu", "esptool", "swd")

# Method names of board data -> routes here.
_ROUTES = {
    "uf2": "uf2",
    "dfuse-mboot": "dfu",
    "dfu-util": "dfu",
    "esptool": "esptool",
    "jlink": "swd",
    "jlink-hex": "swd",
    "pyocd": "swd",
    "idap": "swd",
    "picotool": "swd",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to open.

    Attributes:
        board: The board.
        partition: Segment id.
        size: Its bytes, where the board leaves them to a build option.
        where: Drive, serial port, "vendor:product", or serial number of device or probe;
            None: the only one there is.
        baud: Of a serial port.
        target: pyOCD's name for the chip; None: by the board.
        reset: Whether to start the firmware at the end.
        image: What will be written, if known.
    """

    board: Board
    partition: int = 0
    size: int | None = None
    where: str | None = None
    baud: int | None = None
    target: str | None = None
    reset: bool = True
    image: bytes | None = None

    def part(self) -> Partition:
        """The partition, with the size settled where somebody said it.

        Raises:
            BoardError: There is none, or it cannot have that size.
        """
        part = self.board.partition(self.partition)
        return part if self.size is None else part.with_size(self.size)

    def place(self) -> tuple[Partition, int, int]:
        """The partition, its address and its size.

        Raises:
            BoardError: A build option decides them, and nobody said.
        """
        part = self.part()
        if part.address is None or part.capacity is None:
            raise BoardError(
                f"{self.board.id}: address and size of {part.name} are a build option of the "
                "firmware; give --size"
            )
        return part, part.address, part.capacity


def methods_of(board: Board) -> tuple[str, ...]:
    """Routes that may reach the partition, those that surely do first."""
    ways = [way for way in board.flashing if way.method in _ROUTES]
    sure = [_ROUTES[way.method] for way in ways if way.reaches_romfs]
    maybe = [_ROUTES[way.method] for way in ways if way.reaches_romfs is None]
    return tuple(dict.fromkeys([*sure, *maybe]))


def open_route(method: str, wanted: Wanted) -> tuple[Transport, Target]:
    """Open one route.

    Raises:
        BoardError: The board has no such route, or the device is another board's.
        NoPort: No device, or several.
        NoPartition: The route does not lead to the partition.
        TransportError: The device does not answer.
        MissingExtra: A package is not installed.
    """
    known = {_ROUTES[way.method] for way in wanted.board.flashing if way.method in _ROUTES}
    if method != "swd" and method not in known:
        have = ", ".join(methods_of(wanted.board)) or "none"
        raise BoardError(f"{wanted.board.id} is not reached by {method}; routes it has: {have}")
    return {"uf2": _uf2, "dfu": _dfu, "esptool": _esp, "swd": _swd}[method](wanted)


def _uf2(wanted: Wanted) -> tuple[Transport, Target]:
    from flash import uf2

    ways = [way for way in wanted.board.flashing if way.method == "uf2"]
    if all(way.reaches_romfs is False for way in ways):
        # A drive would take the file and say nothing.
        raise BoardError(f"the UF2 bootloader of {wanted.board.id} does not write its partition")
    part, address, size = wanted.place()
    family = uf2.uf2_family(wanted.board)
    drive = uf2.choose_drive(family, None if wanted.where is None else Path(wanted.where))
    target = make_target(wanted.board, part, write=4096, erasing=Erasing.WHOLE)
    return uf2.Uf2Transport(drive, address, size, family), target


def _dfu(wanted: Wanted) -> tuple[Transport, Target]:
    from flash import dfu, dfu_devices, dfu_util

    part, address, size = wanted.place()
    by_command = False
    try:
        memories = list(dfu_devices.find_memories())
    except (MissingExtra, TransportError):
        if not dfu_util.available():
            raise
        memories, by_command = dfu_util.list_memories(), True
    memory = dfu_devices.choose_memory(memories, address, size, wanted.where)
    starts = [way.address for way in wanted.board.flashing if _ROUTES.get(way.method) == "dfu"]
    run = next((start for start in starts if start is not None), None) if wanted.reset else None
    regions = memory.erase_regions(address, size)
    if by_command:
        target = make_target(wanted.board, part, erase=regions, erasing=Erasing.WHOLE)
        return dfu_util.DfuUtilTransport(memory, address, size, run=run), target
    target = make_target(wanted.board, part, erase=regions, write=ATOMIC)
    return dfu.DfuTransport(memory, address, size, run=run), target


def _esp(wanted: Wanted) -> tuple[Transport, Target]:
    from flash import esp
    from romfs.formats.esp import DATA, EspPartition

    board = wanted.board
    port = wanted.where or _only_port()
    tool = esp.EspTool(port, baud=wanted.baud or esp.BAUD)
    try:
        if board.port == "esp8266":
            # No table there: the firmware's linker script decides.
            row = wanted.part()
            if row.flash_offset is None or row.size is None:
                raise BoardError(f"{board.id}: where {row.name} is in flash is not known")
            part = EspPartition(DATA, 0, row.flash_offset, row.size, row.name)
        else:
            part = esp.find_partition(tool, board)
            row = board.partition(wanted.partition).with_size(part.size)
        target = make_target(board, row, write=4096, erasing=Erasing.WHOLE)
        return esp.EspTransport(tool, part, wanted.image, restart=wanted.reset), target
    except BaseException:
        tool.close()
        raise


def _only_port() -> str:
    """The only serial port that may have a chip behind it.

    Raises:
        NoPort: There is none, or several.
    """
    from flash import ports

    found = [port for port in ports.list_ports() if port.likely]
    if len(found) == 1:
        return found[0].device
    if not found:
        raise NoPort("no USB serial port found; name one with --port")
    listing = ", ".join(f"{port.device} ({port.description})" for port in found)
    raise NoPort(f"several serial ports: {listing}; choose one with --port")


def _swd(wanted: Wanted) -> tuple[Transport, Target]:
    from flash import swd

    part, address, size = wanted.place()
    session = swd.open_session(wanted.board, probe=wanted.where, target=wanted.target)
    try:
        route = swd.SwdTransport(session, address, size, restart=wanted.reset)
        regions = route.erase_regions()
    except BaseException:
        session.close()
        raise
    return route, make_target(wanted.board, part, erase=regions, write=route.write)
