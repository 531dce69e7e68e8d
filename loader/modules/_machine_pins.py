"""Pins and what hangs on single pins: PWM, ADC, DAC, touch pads, signals."""

from __future__ import annotations

from typing import Any

from loader.modules._hardware import Device
from loader.modules.native import check_count


class PinBase:
    """Base class for pins made in guest code."""


class Signal:
    """A pin with a sense: on is active, whatever level that is."""

    def __init__(self, *args: Any, invert: Any = None) -> None:
        if not args:
            raise TypeError
        if len(args) > 1 and invert is None:
            # As on the device, further arguments are the pin's own and need a pin id.
            raise TypeError
        self._pin = args[0]
        self._inverted = bool(invert)

    def value(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 2)
        if args:
            self._pin.value(bool(args[0]) != self._inverted)
            return None
        return int(bool(self._pin.value()) != self._inverted)

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)


class _Irq:
    """What `Pin.irq` returns."""

    def __init__(self, pin: Pin) -> None:
        self._pin = pin

    def __call__(self) -> None:
        handler = self._pin._state.handler
        if handler is not None:
            handler(self._pin)

    def flags(self) -> int:
        return 0

    def trigger(self, *args: Any) -> int:
        if args:
            self._pin._state.trigger = args[0]
        return int(self._pin._state.trigger)


class Pin(Device, PinBase):
    """A pin. Inputs read what was last written or what the host set; pull-ups read 1."""

    IN, OUT, OPEN_DRAIN, ALT, ALT_OPEN_DRAIN, ANALOG = 0, 1, 2, 3, 4, 5
    PULL_UP, PULL_DOWN, PULL_HOLD = 1, 2, 4
    IRQ_RISING, IRQ_FALLING, IRQ_LOW_LEVEL, IRQ_HIGH_LEVEL = 1, 2, 4, 8
    WAKE_LOW, WAKE_HIGH = 4, 5
    LOW_POWER, MED_POWER, HIGH_POWER = 0, 1, 2
    DRIVE_0, DRIVE_1, DRIVE_2, DRIVE_3 = 0, 1, 2, 3
    OUT_PP, OUT_OD, AF_PP, AF_OD, PULL_NONE = 1, 2, 3, 4, 0

    def __init__(self, id: Any, mode: Any = -1, pull: Any = -1, **named: Any) -> None:
        self._label = id._label if isinstance(id, Pin) else id
        self._mode, self._pull, self._drive = self.IN, None, 0
        self._record("", mode, pull, **named)
        self._configure(mode, pull, named)

    @property
    def _state(self) -> Any:
        return self._bench.pin(self._label)

    def _configure(self, mode: Any, pull: Any, named: dict[str, Any]) -> None:
        if mode not in (-1, None):
            self._mode = mode
        if pull != -1:
            self._pull = pull
            if pull == self.PULL_UP and mode != self.OUT:
                self._state.level = 1
        if "drive" in named:
            self._drive = named["drive"]
        if named.get("value") is not None:
            self._state.level = int(bool(named["value"]))

    def init(self, mode: Any = -1, pull: Any = -1, **named: Any) -> None:
        self._record("init", mode, pull, **named)
        self._configure(mode, pull, named)

    def value(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 2)
        self._record("value", *args)
        if not args:
            return self._state.level
        self._bench.set_pin(self._label, args[0])
        return None

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)

    high, low = on, off

    def toggle(self) -> None:
        self.value(not self._state.level)

    def mode(self, *args: Any) -> Any:
        if args:
            self._record("mode", *args)
            self._mode = args[0]
        return self._mode

    def pull(self, *args: Any) -> Any:
        if args:
            self._record("pull", *args)
            self._pull = args[0]
        return self._pull

    def drive(self, *args: Any) -> Any:
        if args:
            self._record("drive", *args)
            self._drive = args[0]
        return self._drive

    def irq(self, handler: Any = None, trigger: int = 3, **named: Any) -> _Irq:
        self._record("irq", handler, trigger, **named)
        state = self._state
        state.handler, state.trigger, state.subject = handler, trigger, self
        return _Irq(self)

    def _guest_repr_(self) -> str:
        return f"Pin({self._label})"


def _pin_label(pin: Any) -> Any:
    return pin._label if isinstance(pin, Pin) else pin


class PWM(Device):
    """Pulses on a pin: frequency and duty are kept as set."""

    def __init__(self, dest: Any, **named: Any) -> None:
        self._label = _pin_label(dest)
        self._freq, self._duty = 0, 0
        self._record("", **named)
        self._configure(named)

    def _configure(self, named: dict[str, Any]) -> None:
        for name, value in named.items():
            if name in ("freq", "duty", "duty_u16", "duty_ns"):
                getattr(self, name)(value)

    def init(self, **named: Any) -> None:
        self._record("init", **named)
        self._configure(named)

    def deinit(self) -> None:
        self._record("deinit")

    def freq(self, *args: Any) -> Any:
        if not args:
            return self._freq
        self._record("freq", *args)
        self._freq = args[0]
        return None

    def duty_u16(self, *args: Any) -> Any:
        if not args:
            return self._duty
        self._record("duty_u16", *args)
        self._duty = args[0]
        return None

    def duty(self, *args: Any) -> Any:
        if not args:
            return self._duty >> 6
        self._record("duty", *args)
        self._duty = args[0] << 6
        return None

    def duty_ns(self, *args: Any) -> Any:
        period = 1_000_000_000 // self._freq if self._freq else 0
        if not args:
            return self._duty * period // 65535
        self._record("duty_ns", *args)
        self._duty = args[0] * 65535 // period if period else 0
        return None


class ADC(Device):
    """An analogue input; the host sets readings in `Bench.analog`."""

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3
    WIDTH_9BIT, WIDTH_10BIT, WIDTH_11BIT, WIDTH_12BIT = 9, 10, 11, 12
    CORE_TEMP, CORE_VREF, CORE_VBAT = 4, 5, 6

    def __init__(self, id: Any, **named: Any) -> None:
        self._label = _pin_label(id)
        self._record("", **named)

    def init(self, **named: Any) -> None:
        self._record("init", **named)

    def deinit(self) -> None:
        self._record("deinit")

    def read_u16(self) -> int:
        self._record("read_u16")
        return self._bench.analog.get(self._label, 0)

    def read(self) -> int:
        self._record("read")
        return self._bench.analog.get(self._label, 0) >> 4

    def read_uv(self) -> int:
        self._record("read_uv")
        return self._bench.analog.get(self._label, 0) * 3_300_000 // 65535

    def atten(self, *args: Any) -> None:
        self._record("atten", *args)

    def width(self, *args: Any) -> None:
        self._record("width", *args)

    def block(self) -> Any:
        return None


class DAC(Device):
    """An analogue output."""

    def __init__(self, id: Any, *args: Any, **named: Any) -> None:
        self._label = _pin_label(id)
        self._record("", *args, **named)

    def write(self, value: int) -> None:
        self._record("write", value)

    def deinit(self) -> None:
        self._record("deinit")


class TouchPad(Device):
    """A capacitive input; reads as untouched unless the host set `Bench.analog`."""

    def __init__(self, pin: Any) -> None:
        self._label = _pin_label(pin)
        self._record("")

    def read(self) -> int:
        self._record("read")
        return self._bench.analog.get(self._label, 1000)

    def config(self, *args: Any) -> None:
        self._record("config", *args)
