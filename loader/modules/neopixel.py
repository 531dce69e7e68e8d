"""Guest module `neopixel`: a strip of coloured LEDs, kept in a buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._hardware import Device, bind

if TYPE_CHECKING:
    from loader.vm import VM


class NeoPixel(Device):
    """The strip; `write()` records the bytes that would be sent."""

    ORDER = (1, 0, 2, 3)

    def __init__(self, pin: Any, n: int, bpp: int = 3, timing: Any = 1) -> None:
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.timing = timing
        self.buf = bytearray(n * bpp)

    def __len__(self) -> int:
        return self.n

    def __setitem__(self, i: int, v: Any) -> None:
        for place in range(self.bpp):
            self.buf[i * self.bpp + self.ORDER[place]] = v[place]

    def __getitem__(self, i: int) -> tuple[int, ...]:
        return tuple(self.buf[i * self.bpp + self.ORDER[place]] for place in range(self.bpp))

    def fill(self, v: Any) -> None:
        for at in range(self.n):
            self[at] = v

    def write(self) -> None:
        self._record("write", bytes(self.buf))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return bind(vm, "neopixel", NeoPixel)
