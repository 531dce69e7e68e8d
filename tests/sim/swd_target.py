"""A chip as pyOCD sees it once connected: its own memory map, flash behind an algorithm.

The wire itself, SWD, is not simulated: pyOCD's flash algorithms are machine code that
would have to run. What is pyOCD's here is the memory map and the interface of its classes.
"""

from __future__ import annotations

from enum import IntEnum
from importlib import import_module
from typing import Any

from flash.board.nor import FlashFault, NorFlash, PowerCut
from flash.geometry import Geometry

_exceptions: Any = import_module("pyocd.core.exceptions")
_flash: Any = import_module("pyocd.flash.flash")
_map: Any = import_module("pyocd.core.memory_map")

BASE = 0x0000_0000


class Algorithm(_flash.Flash):  # type: ignore[misc]
    """A flash algorithm over a model of NOR flash."""

    class Operation(IntEnum):
        """As pyOCD numbers them."""

        ERASE = 1
        PROGRAM = 2
        VERIFY = 3

    def __init__(self, nor: NorFlash, region: Any) -> None:
        self.nor = nor
        self._region = region
        self.active: int | None = None

    def init(
        self, operation: int, address: int | None = None, clock: int = 0, reset: bool = False
    ) -> None:
        assert self.active is None, "the algorithm before was not cleaned up"
        self.active = operation

    def cleanup(self) -> None:
        self.active = None

    def erase_sector(self, address: int) -> None:
        assert self.active == self.Operation.ERASE
        self._do(lambda: self.nor.erase_block(address - BASE), _exceptions.FlashEraseFailure)

    def program_page(self, address: int, bytes: bytes) -> None:
        assert self.active == self.Operation.PROGRAM
        self._do(lambda: self.nor.program(address - BASE, bytes), _exceptions.FlashProgramFailure)

    def _do(self, action: Any, failure: type[Exception]) -> None:
        try:
            action()
        except FlashFault:
            raise failure("flash algorithm failed") from None
        except PowerCut:
            raise _exceptions.TransferFaultError() from None


class Chip:
    """What a session's `target` is.

    Attributes:
        nor: Its flash.
        memory_map: pyOCD's own kind of map.
        unplugged: Whether every access fails.
        starts: How often it was started.
    """

    def __init__(self, size: int = 0x4_0000, sector: int = 4096, page: int = 256) -> None:
        self.nor = NorFlash(Geometry.uniform(size, sector))
        flash = _map.FlashRegion(start=BASE, length=size, blocksize=sector, page_size=page)
        flash.flash = Algorithm(self.nor, flash)
        ram = _map.RamRegion(start=0x2000_0000, length=0x1_0000)
        self.memory_map = _map.MemoryMap(flash, ram)
        self.unplugged = False
        self.starts = 0
        self.halted = False

    def read_memory_block8(self, address: int, count: int) -> list[int]:
        if self.unplugged or not self.nor.supply.on:
            raise _exceptions.TransferFaultError()
        return list(self.nor.read(address - BASE, count))

    def reset_and_halt(self) -> None:
        if self.unplugged or not self.nor.supply.on:
            raise _exceptions.TransferFaultError()
        self.halted = True

    def reset(self) -> None:
        if self.unplugged:
            raise _exceptions.ProbeDisconnected("gone")
        self.starts += 1
        self.halted = False


class Session:
    """What `ConnectHelper` gives."""

    class probe:
        unique_id = "0240000034544e45"

    def __init__(self, chip: Chip) -> None:
        self.target = chip
        self.open = True

    def close(self) -> None:
        self.open = False
