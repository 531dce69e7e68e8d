"""Guest module `math`: the host's functions with MicroPython's errors.

Whatever is not a number where a number went in is a domain error, range errors too.

Source: MicroPython py/modmath.c (behaviour).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count, function, get_float, get_int, parse_args

if TYPE_CHECKING:
    from loader.vm import VM

_DOMAIN = "math domain error"

_SAME = "sqrt cos sin tan acos asin atan fabs".split()
"""Functions without a range error: the host's own, whose error texts the core converts."""

_ONE = "exp expm1 log2 log10 cosh sinh tanh acosh asinh atanh erf erfc".split()
_TWO = "atan2 fmod pow copysign".split()


def _one(compute: Callable[[float], float]) -> Callable[..., float]:
    """A function of one number."""

    def call(*args: Any) -> float:
        check_count(len(args), 1, 1)
        try:
            return compute(get_float(args[0]))
        except OverflowError:
            raise ValueError(_DOMAIN) from None

    return call


def _two(compute: Callable[[float, float], float]) -> Callable[..., float]:
    """A function of two numbers."""

    def call(*args: Any) -> float:
        check_count(len(args), 2, 2)
        x, y = get_float(args[0]), get_float(args[1])
        try:
            return compute(x, y)
        except (OverflowError, ZeroDivisionError):
            raise ValueError(_DOMAIN) from None

    return call


def _whole(compute: Callable[[float], int]) -> Callable[..., int]:
    """A function from a float to an int."""

    def call(*args: Any) -> int:
        check_count(len(args), 1, 1)
        x = get_float(args[0])
        if math.isinf(x):
            raise OverflowError("can't convert inf to int")
        if math.isnan(x):
            raise ValueError("can't convert NaN to int")
        return compute(x)

    return call


def _test(compute: Callable[[float], bool]) -> Callable[..., bool]:
    @function(1)
    def call(x: Any) -> bool:
        return compute(get_float(x))

    return call


def log(*args: Any) -> float:
    check_count(len(args), 1, 2)
    x = get_float(args[0])
    if x <= 0.0:
        raise ValueError(_DOMAIN)
    if len(args) == 1:
        return math.log(x)
    base = get_float(args[1])
    if base <= 0.0:
        raise ValueError(_DOMAIN)
    if base == 1.0:
        raise ZeroDivisionError("divide by zero")
    return math.log(x) / math.log(base)


@function(2)
def ldexp(x: Any, exponent: Any) -> float:
    try:
        return math.ldexp(get_float(x), get_int(exponent))
    except OverflowError:
        raise ValueError(_DOMAIN) from None


@function(1)
def frexp(x: Any) -> tuple[float, int]:
    return math.frexp(get_float(x))


@function(1)
def modf(x: Any) -> tuple[float, float]:
    return math.modf(get_float(x))


@function(1)
def factorial(n: Any) -> int:
    number = get_int(n)
    if number < 0:
        raise ValueError("negative factorial")
    return math.factorial(number)


def isclose(*args: Any, **named: Any) -> bool:
    check_count(len(args), 2, -1)
    spec = (("a", 0), ("b", 0), ("rel_tol", 1e-9), ("abs_tol", 0.0))
    values = parse_args(args, named, spec, 2)
    a, b, relative, absolute = (get_float(value) for value in values)
    if relative < 0.0 or absolute < 0.0:
        raise ValueError(_DOMAIN)
    return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)


def _from_libm(name: str, otherwise: Callable[[float], float]) -> Callable[[float], float]:
    """The C library's own function, whose last digits the device's results have."""
    try:
        compute: Any = getattr(ctypes.CDLL(ctypes.util.find_library("m")), name)
    except (OSError, AttributeError):
        return otherwise
    compute.argtypes, compute.restype = (ctypes.c_double,), ctypes.c_double

    def call(x: float) -> float:
        number = get_float(x)
        result: float = compute(number)
        if (math.isnan(result) and not math.isnan(number)) or (
            math.isinf(result) and not math.isinf(number)
        ):
            raise ValueError(_DOMAIN)
        return result

    return call


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    names: dict[str, object] = {name: getattr(math, name) for name in _SAME}
    names |= {name: _one(getattr(math, name)) for name in _ONE}
    names |= {name: _two(getattr(math, name)) for name in _TWO}
    names |= {
        "ceil": _whole(math.ceil),
        "floor": _whole(math.floor),
        "trunc": _whole(math.trunc),
        "degrees": _one(math.degrees),
        "radians": _one(math.radians),
        "factorial": factorial,
        "frexp": frexp,
        "gamma": _one(_from_libm("tgamma", math.gamma)),
        "lgamma": _one(_from_libm("lgamma", math.lgamma)),
        "isclose": isclose,
        "isfinite": _test(math.isfinite),
        "isinf": _test(math.isinf),
        "isnan": _test(math.isnan),
        "ldexp": ldexp,
        "log": log,
        "modf": modf,
        "e": math.e,
        "pi": math.pi,
        "tau": math.tau,
        "inf": math.inf,
        "nan": math.nan,
    }
    return names
