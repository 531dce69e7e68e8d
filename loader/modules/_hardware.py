"""What the stand-ins for hardware share: a record of calls, and state the host can set.

Nothing here drives anything. Calls of the stand-ins go into `vm.calls`, and a test
on the host plays the outside world through `Bench`: it sets pins, answers on buses and
feeds UARTs. Timers fire while the guest sleeps, idles or waits, never in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from loader.vm import VM


class Call(NamedTuple):
    """One recorded call.

    Attributes:
        name: What was called: `machine.Pin.value`, with the object's own name in brackets
            where there are several: `machine.Pin(25).value`.
        args: Its positional arguments.
        named: Its keyword arguments.
    """

    name: str
    args: tuple[Any, ...]
    named: dict[str, Any]

    def __str__(self) -> str:
        given = [repr(value) for value in self.args]
        given += [f"{name}={value!r}" for name, value in self.named.items()]
        return f"{self.name}({', '.join(given)})"


MOST_CALLS = 100_000
"""Calls kept in the record; a program that polls a pin makes them without end."""


def note(vm: VM, call: Call) -> None:
    """Add to the record, unless it is full."""
    if len(vm.calls) < MOST_CALLS:
        vm.calls.append(call)


@dataclass(eq=False)
class PinState:
    """A pin, however many `Pin` objects the guest made of it."""

    level: int = 0
    handler: Callable[[Any], Any] | None = None
    trigger: int = 0
    subject: Any = None


@dataclass(eq=False)
class Alarm:
    """A running timer."""

    due: float  # seconds of the monotonic clock
    period: float | None  # None fires once
    fire: Callable[[], Any]


@dataclass
class Bench:
    """The outside world of one run, for the host to set and inspect.

    Attributes:
        pins: State by pin id.
        i2c: Registers of the devices on a bus, by (bus id, address).
        spi_reply: What an SPI bus answers, by bus id; zeros if absent.
        uart_input: Bytes yet to be read from a UART, by id.
        analog: Reading of an ADC by pin or channel, 0 to 65535.
        memory: Simulated registers of `machine.mem8` and its like, by address.
        values: What is left: NVS, RTC memory and so on, by a name.
        alarms: Running timers.
    """

    pins: dict[Any, PinState] = field(default_factory=dict)
    i2c: dict[tuple[Any, int], bytearray] = field(default_factory=dict)
    spi_reply: dict[Any, bytes] = field(default_factory=dict)
    uart_input: dict[Any, bytearray] = field(default_factory=dict)
    analog: dict[Any, int] = field(default_factory=dict)
    memory: dict[int, int] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)

    def pin(self, name: Any) -> PinState:
        """The state of a pin, made on first use."""
        return self.pins.setdefault(name, PinState())

    def set_pin(self, name: Any, level: int) -> None:
        """Drive a pin from outside; an interrupt handler that waits for the edge is called."""
        state = self.pin(name)
        before, state.level = state.level, int(bool(level))
        edge = 1 if state.level > before else 2 if state.level < before else 0
        if state.handler is not None and state.trigger & edge:
            state.handler(state.subject)

    def start(self, alarm: Alarm) -> None:
        """Start a timer."""
        self.alarms.append(alarm)

    def fire_due(self) -> None:
        """Call what is due."""
        now = time.monotonic()
        for alarm in sorted(self.alarms, key=lambda each: each.due):
            if alarm.due > now or alarm not in self.alarms:
                continue
            if alarm.period is None:
                self.alarms.remove(alarm)
            else:
                alarm.due += alarm.period
            alarm.fire()

    def next_due(self) -> float | None:
        """Seconds until the next timer fires, or None."""
        if not self.alarms:
            return None
        return max(0.0, min(alarm.due for alarm in self.alarms) - time.monotonic())


def bench_of(vm: VM) -> Bench:
    """The outside world of a run."""
    found = vm.__dict__.get("bench")
    if found is None:
        found = vm.__dict__["bench"] = Bench()
    return found


def pause(vm: VM, seconds: float) -> None:
    """Sleep, and let timers fire meanwhile."""
    bench: Bench | None = vm.__dict__.get("bench")
    if bench is None or not bench.alarms:
        time.sleep(seconds)
        return
    end = time.monotonic() + seconds
    while True:
        bench.fire_due()
        left = end - time.monotonic()
        if left <= 0:
            return
        due = bench.next_due()
        time.sleep(left if due is None else min(left, due))


class Device:
    """Base of stand-in classes: records under the name of its module and class.

    Attributes:
        vm: The run; set on the subclass made for it.
        module: Name of the guest module.
    """

    vm: VM
    module = "machine"
    _label: Any = None

    def _record(self, method: str, *args: Any, **named: Any) -> None:
        name = f"{self.module}.{type(self).__name__}"
        if self._label is not None:
            name += f"({self._label})"
        note(self.vm, Call(f"{name}.{method}" if method else name, args, named))

    @property
    def _bench(self) -> Bench:
        return bench_of(self.vm)


def bind(vm: VM, module: str, *kinds: type[Device]) -> dict[str, object]:
    """Subclasses of `kinds` for one run, by name."""
    return {kind.__name__: type(kind.__name__, (kind,), {"vm": vm, "module": module})
            for kind in kinds}  # fmt: skip


def recorded(vm: VM, name: str, result: Any = None) -> Callable[..., Any]:
    """A function that records its calls and returns `result`."""

    def call(*args: Any, **named: Any) -> Any:
        note(vm, Call(name, args, named))
        return result

    return call


def constants(names: str, first: int = 0) -> dict[str, int]:
    """Numbered names."""
    return {name: first + at for at, name in enumerate(names.split())}
