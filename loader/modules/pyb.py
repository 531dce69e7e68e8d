"""Guest module `pyb`: the pyboard's names for what `machine` has, and LEDs and a switch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from loader.modules import machine as host_machine
from loader.modules._hardware import Device, bind, pause, recorded
from loader.modules._machine_pins import Pin
from loader.modules.native import get_int
from loader.modules.time import ticks_diff, ticks_ms, ticks_us

if TYPE_CHECKING:
    from loader.vm import VM


class LED(Device):
    """One of the board's LEDs."""

    def __init__(self, id: int) -> None:
        self._label = id
        self._level = 0
        self._record("")

    def on(self) -> None:
        self._record("on")
        self._level = 255

    def off(self) -> None:
        self._record("off")
        self._level = 0

    def toggle(self) -> None:
        self._record("toggle")
        self._level = 0 if self._level else 255

    def intensity(self, *args: Any) -> int | None:
        if not args:
            return self._level
        self._record("intensity", *args)
        self._level = get_int(args[0])
        return None


class Switch(Device):
    """The user switch, not pressed unless the host drives the pin "SW"."""

    def __init__(self) -> None:
        self._record("")

    def value(self) -> bool:
        return bool(self._bench.pin("SW").level)

    __call__ = value

    def callback(self, function: Any) -> None:
        self._record("callback", function)
        state = self._bench.pin("SW")
        state.handler = None if function is None else lambda _: function()
        state.trigger = 1


class Servo(Device):
    """A servo motor that keeps the angle it was given."""

    def __init__(self, id: int) -> None:
        self._label = id
        self._angle = 0

    def angle(self, *args: Any) -> int | None:
        if not args:
            return self._angle
        self._record("angle", *args)
        self._angle = args[0]
        return None


class Accel(Device):
    """An accelerometer at rest."""

    def x(self) -> int:
        return 0

    def y(self) -> int:
        return 0

    def z(self) -> int:
        return 22

    def tilt(self) -> int:
        return 0


_SHARED = "ADC DAC I2C SPI UART Timer RTC Signal unique_id freq bootloader".split()


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    shared = host_machine.namespace(vm)

    def delay(duration: Any) -> None:
        pause(vm, max(0, get_int(duration)) / 1000)

    def udelay(duration: Any) -> None:
        pause(vm, max(0, get_int(duration)) / 1_000_000)

    def rng() -> int:
        return int.from_bytes(os.urandom(4), "little") & 0x3FFFFFFF

    return {
        **{name: shared[name] for name in _SHARED},
        **bind(vm, "pyb", LED, Switch, Servo, Accel, Pin),
        "hard_reset": shared["reset"],
        "delay": delay,
        "udelay": udelay,
        "millis": ticks_ms,
        "micros": ticks_us,
        "elapsed_millis": lambda start: ticks_diff(ticks_ms(), start),
        "elapsed_micros": lambda start: ticks_diff(ticks_us(), start),
        "rng": rng,
        "wfi": shared["idle"],
        "stop": recorded(vm, "pyb.stop"),
        "standby": shared["deepsleep"],
        "disable_irq": shared["disable_irq"],
        "enable_irq": shared["enable_irq"],
        "main": recorded(vm, "pyb.main"),
        "usb_mode": recorded(vm, "pyb.usb_mode"),
        "country": recorded(vm, "pyb.country", "XX"),
        "sync": lambda: None,
    }
