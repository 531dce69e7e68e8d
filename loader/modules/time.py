"""Guest module `time`: the host's clocks with MicroPython's ticks arithmetic."""

from __future__ import annotations

import calendar
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.modules._hardware import pause
from loader.modules.native import function, get_float, get_int, type_name

if TYPE_CHECKING:
    from loader.vm import VM

TICKS_PERIOD = 1 << 62
"""Ticks wrap here on a target with 63-bit small integers, and everywhere inside this package."""


_HALF = TICKS_PERIOD // 2
_NOW = object()


def _ring(period: int) -> dict[str, object]:
    """Ticks functions of a target whose ticks wrap at `period`."""
    half = period // 2

    @function(0)
    def ring_ms() -> int:
        return time.monotonic_ns() // 1_000_000 % period

    @function(0)
    def ring_us() -> int:
        return time.monotonic_ns() // 1000 % period

    @function(0)
    def ring_cpu() -> int:
        return time.perf_counter_ns() % period

    @function(2)
    def ring_diff(end: int, start: int) -> int:
        return (end - start + half) % period - half

    @function(2)
    def ring_add(ticks: int, delta: int) -> int:
        if not -half < delta < half:
            raise OverflowError("ticks interval overflow")
        return (ticks + delta) % period

    return {
        "ticks_ms": ring_ms,
        "ticks_us": ring_us,
        "ticks_cpu": ring_cpu,
        "ticks_diff": ring_diff,
        "ticks_add": ring_add,
    }


def ticks_ms() -> int:
    return time.monotonic_ns() // 1_000_000 % TICKS_PERIOD


def ticks_us() -> int:
    return time.monotonic_ns() // 1000 % TICKS_PERIOD


def ticks_diff(end: int, start: int) -> int:
    """Signed distance from `start` to `end` on the ring."""
    return (end - start + _HALF) % TICKS_PERIOD - _HALF


def ticks_add(ticks: int, delta: int) -> int:
    """`delta` after `ticks` on the ring.

    Raises:
        OverflowError: `delta` is half the ring or more, so the result would be ambiguous.
    """
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) % TICKS_PERIOD


def _broken_down(convert: Callable[[float], time.struct_time]) -> Any:
    @function(0, 1)
    def split(seconds: Any = _NOW) -> tuple[int, ...]:
        moment = time.time() if seconds is _NOW else get_float(seconds)
        found = convert(int(moment // 1))
        return tuple(found)[:9]

    return split


@function(1)
def mktime(fields: Any) -> int:
    if not isinstance(fields, (tuple, list)):
        raise TypeError(f"object '{type_name(fields)}' isn't a tuple or list")
    if not 8 <= len(fields) <= 9:
        raise TypeError("mktime needs a tuple of length 8 or 9")
    values = [get_int(field) for field in fields[:6]]
    daylight = get_int(fields[8]) if len(fields) == 9 else -1
    try:
        return int(time.mktime((*values, 0, 0, daylight)))  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return _seconds_utc(values)


def _seconds_utc(fields: list[int]) -> int:
    return calendar.timegm((*fields, 0, 0, 0))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""

    @function(1)
    def sleep(seconds: Any) -> None:
        pause(vm, max(0.0, get_float(seconds)))

    @function(1)
    def sleep_ms(duration: Any) -> None:
        pause(vm, max(0, get_int(duration)) / 1000)

    @function(1)
    def sleep_us(duration: Any) -> None:
        pause(vm, max(0, get_int(duration)) / 1_000_000)

    return {
        **_ring(1 << vm.target.small_int_bits - 1),
        "clock": function(0)(time.process_time),
        "gmtime": _broken_down(time.gmtime),
        "localtime": _broken_down(time.localtime),
        "mktime": mktime,
        "sleep": sleep,
        "sleep_ms": sleep_ms,
        "sleep_us": sleep_us,
        "time": time.time,
        "time_ns": time.time_ns,
    }
