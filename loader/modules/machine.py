"""Guest module `machine`: the unix build's, and stand-ins for what boards have."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.modules import _memory
from loader.modules._hardware import Alarm, Device, bench_of, bind, pause, recorded
from loader.modules._machine_buses import I2C, I2S, SPI, UART, SoftI2C, SoftSPI
from loader.modules._machine_pins import ADC, DAC, PWM, Pin, PinBase, Signal, TouchPad
from loader.modules.native import any_int, check_count, get_int

if TYPE_CHECKING:
    from loader.vm import VM

_FREQUENCY = 125_000_000


class Timer(Device):
    """A timer; it fires while the guest sleeps, idles or waits."""

    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else named.pop("id", -1)
        self._alarm: Alarm | None = None
        self._record("", *args[1:], **named)
        if named:
            self._start(**named)

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)
        self._start(**named)

    def _start(
        self,
        mode: int = PERIODIC,
        freq: float = -1,
        period: int = -1,
        callback: Callable[[Any], Any] | None = None,
        **_: Any,
    ) -> None:
        self._stop()
        seconds = 1 / freq if freq > 0 else max(period, 0) / 1000
        if callback is None:
            return
        handler = callback
        repeat = max(seconds, 0.001) if mode == self.PERIODIC else None
        alarm = Alarm(time.monotonic() + seconds, repeat, lambda: handler(self))
        self._alarm = alarm
        self._bench.start(alarm)

    def _stop(self) -> None:
        if self._alarm is not None and self._alarm in self._bench.alarms:
            self._bench.alarms.remove(self._alarm)
        self._alarm = None

    def deinit(self) -> None:
        self._record("deinit")
        self._stop()

    def value(self) -> int:
        return 0


class RTC(Device):
    """The clock: runs on from what was set, else from the host's time."""

    ALARM0 = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        self._record("", *args, **named)

    def datetime(self, *args: Any) -> Any:
        values = self._bench.values
        if args:
            self._record("datetime", *args)
            year, month, day, _, hours, minutes, seconds, _ = args[0]
            set_to = time.mktime((year, month, day, hours, minutes, seconds, 0, 0, -1))
            values["rtc_offset"] = set_to - time.time()
            return None
        now = time.localtime(time.time() + values.get("rtc_offset", 0.0))
        return (*now[:3], now.tm_wday, *now[3:6], 0)

    def init(self, *args: Any) -> None:
        self._record("init", *args)

    def now(self) -> tuple[int, ...]:
        year, month, day, _, hours, minutes, seconds, _ = self.datetime()
        return (year, month, day, hours, minutes, seconds, 0, 0)

    def memory(self, *args: Any) -> Any:
        if args:
            self._record("memory", *args)
            self._bench.values["rtc_memory"] = bytes(args[0])
            return None
        return self._bench.values.get("rtc_memory", b"")

    def alarm(self, *args: Any, **named: Any) -> None:
        self._record("alarm", *args, **named)

    def irq(self, *args: Any, **named: Any) -> None:
        self._record("irq", *args, **named)


class WDT(Device):
    """A watchdog that only records being fed."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._record("", *args, **named)

    def feed(self) -> None:
        self._record("feed")

    def timeout_ms(self, *args: Any) -> None:
        self._record("timeout_ms", *args)


class SDCard(Device):
    """An SD card slot without a card."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._record("", *args, **named)

    def info(self) -> None:
        return None

    def readblocks(self, block: int, buf: Any, *args: Any) -> None:
        raise OSError(19)

    def writeblocks(self, block: int, buf: Any, *args: Any) -> None:
        raise OSError(19)

    def ioctl(self, op: int, arg: Any) -> int:
        return 0

    def deinit(self) -> None:
        self._record("deinit")


class Memory(Device):
    """`mem8` and its like: memory of known objects, else simulated registers."""

    def __init__(self, bits: int) -> None:
        self._label = None
        self._bits = bits

    def _window(self, address: int) -> memoryview | None:
        try:
            return _memory.window(address, self._bits // 8)
        except MemoryError:
            return None

    def __getitem__(self, index: Any) -> int:
        address = any_int(index)
        view = self._window(address)
        if view is not None:
            return int.from_bytes(view, "little")
        registers = self._bench.memory
        return sum(registers.get(address + at, 0) << 8 * at for at in range(self._bits // 8))

    def __setitem__(self, index: Any, value: Any) -> None:
        address = any_int(index)
        data = (any_int(value) & (1 << self._bits) - 1).to_bytes(self._bits // 8, "little")
        view = self._window(address)
        if view is not None:
            view[:] = data
            return
        self._record(f"mem{self._bits}", address, any_int(value))
        self._bench.memory.update({address + at: byte for at, byte in enumerate(data)})

    def _guest_repr_(self) -> str:
        return f"<{self._bits}-bit memory>"


Memory.__name__ = Memory.__qualname__ = "mem"

_CLASSES = (
    Pin, PWM, ADC, DAC, TouchPad, I2C, SoftI2C, SPI, SoftSPI, UART, I2S, Timer, RTC, WDT, SDCard,
)  # fmt: skip
_RESET_CAUSES = {
    "PWRON_RESET": 1, "HARD_RESET": 2, "WDT_RESET": 3, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5,
    "BROWN_OUT_RESET": 6, "WLAN_WAKE": 1, "PIN_WAKE": 2, "RTC_WAKE": 3, "IDLE": 1, "SLEEP": 2,
    "DEEPSLEEP": 4,
}  # fmt: skip


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    bench = bench_of(vm)
    memory = bind(vm, "machine", Memory)["mem"]
    frequency = [_FREQUENCY]

    def leaving(name: str) -> Callable[..., Any]:
        """A function after which the program does not go on."""
        record = recorded(vm, f"machine.{name}")

        def call(*args: Any, **named: Any) -> None:
            record(*args, **named)
            raise SystemExit

        return call

    def freq(*args: Any, **named: Any) -> int | None:
        if not args:
            return frequency[0]
        recorded(vm, "machine.freq")(*args, **named)
        frequency[0] = get_int(args[0])
        return None

    def idle(*args: Any) -> None:
        check_count(len(args), 0, 0)
        pause(vm, 0.0)

    def lightsleep(*args: Any) -> None:
        recorded(vm, "machine.lightsleep")(*args)
        pause(vm, get_int(args[0]) / 1000 if args else 0.0)

    def time_pulse_us(pin: Any, level: Any, timeout_us: Any = 1_000_000) -> int:
        """A simulated pin does not change by itself: waiting for the pulse times out."""
        recorded(vm, "machine.time_pulse_us")(pin, level, timeout_us)
        return -1 if pin.value() == level else -2

    name = getattr(vm.board, "name", "host")
    unique = hashlib.sha256(str(name).encode()).digest()[:8]
    bench.values.setdefault("unique_id", unique)
    return {
        **bind(vm, "machine", *_CLASSES),
        **_RESET_CAUSES,
        "PinBase": PinBase,
        "Signal": Signal,
        "mem8": memory(8),  # type: ignore[operator]
        "mem16": memory(16),  # type: ignore[operator]
        "mem32": memory(32),  # type: ignore[operator]
        "unique_id": lambda: bench.values["unique_id"],
        "freq": freq,
        "idle": idle,
        "lightsleep": lightsleep,
        "sleep": lightsleep,
        "deepsleep": leaving("deepsleep"),
        "reset": leaving("reset"),
        "soft_reset": leaving("soft_reset"),
        "bootloader": leaving("bootloader"),
        "reset_cause": lambda: 1,
        "wake_reason": lambda: 0,
        "disable_irq": recorded(vm, "machine.disable_irq", 0),
        "enable_irq": recorded(vm, "machine.enable_irq"),
        "bitstream": recorded(vm, "machine.bitstream"),
        "dht_readinto": recorded(vm, "machine.dht_readinto"),
        "time_pulse_us": time_pulse_us,
    }
