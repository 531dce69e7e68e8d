"""Guest module `onewire`: a bus without devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.classes import GuestType
from loader.modules._hardware import Device, bind
from loader.modules.native import buffer_of

if TYPE_CHECKING:
    from loader.vm import VM


class OneWireError(Exception, metaclass=GuestType):
    """No device answered."""


class OneWire(Device):
    """The bus. Its lines stay high, so a reset finds nobody."""

    SEARCH_ROM, MATCH_ROM, SKIP_ROM = 0xF0, 0x55, 0xCC

    def __init__(self, pin: Any) -> None:
        self.pin = pin
        self._record("", pin)

    def reset(self, required: bool = False) -> bool:
        self._record("reset", required)
        if required:
            raise OneWireError
        return False

    def readbit(self) -> int:
        self._record("readbit")
        return 1

    def readbyte(self) -> int:
        self._record("readbyte")
        return 0xFF

    def readinto(self, buf: Any) -> None:
        target = buffer_of(buf, writable=True)
        self._record("readinto", len(target))
        target[:] = b"\xff" * len(target)

    def writebit(self, value: int) -> None:
        self._record("writebit", value)

    def writebyte(self, value: int) -> None:
        self._record("writebyte", value)

    def write(self, buf: Any) -> None:
        self._record("write", bytes(buffer_of(buf)))

    def select_rom(self, rom: Any) -> None:
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def scan(self) -> list[bytearray]:
        self._record("scan")
        return []

    def crc8(self, data: Any) -> int:
        """The Dallas CRC: polynomial 0x31, least significant bit first."""
        crc = 0
        for byte in buffer_of(data):
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
        return crc


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {**bind(vm, "onewire", OneWire), "OneWireError": OneWireError}
