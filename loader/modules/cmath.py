"""Guest module `cmath`.

Source: MicroPython py/modcmath.c; the formulas decide the last bits and signed zeros.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from loader.modules.native import function, get_complex, get_float

if TYPE_CHECKING:
    from loader.vm import VM


def _sin(x: float) -> float:
    return math.sin(x) if math.isfinite(x) else math.nan


def _cos(x: float) -> float:
    return math.cos(x) if math.isfinite(x) else math.nan


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _log_abs(z: complex) -> float:
    square = z.real * z.real + z.imag * z.imag
    return 0.5 * math.log(square) if square else -math.inf


@function(1)
def phase(value: Any) -> float:
    z = get_complex(value)
    return math.atan2(z.imag, z.real)


@function(1)
def polar(value: Any) -> tuple[float, float]:
    z = get_complex(value)
    return (math.hypot(z.real, z.imag), math.atan2(z.imag, z.real))


@function(2)
def rect(size: Any, angle: Any) -> complex:
    r, phi = get_float(size), get_float(angle)
    return complex(r * _cos(phi), r * _sin(phi))


@function(1)
def exp(value: Any) -> complex:
    z = get_complex(value)
    size = _exp(z.real)
    return complex(size * _cos(z.imag), size * _sin(z.imag))


@function(1)
def log(value: Any) -> complex:
    z = get_complex(value)
    return complex(_log_abs(z), math.atan2(z.imag, z.real))


@function(1)
def log10(value: Any) -> complex:
    z = get_complex(value)
    size = math.hypot(z.real, z.imag)
    scale = 0.4342944819032518
    return complex(math.log10(size) if size else -math.inf, scale * math.atan2(z.imag, z.real))


@function(1)
def sqrt(value: Any) -> complex:
    z = get_complex(value)
    root = math.hypot(z.real, z.imag) ** 0.5
    theta = 0.5 * math.atan2(z.imag, z.real)
    return complex(root * _cos(theta), root * _sin(theta))


@function(1)
def cos(value: Any) -> complex:
    z = get_complex(value)
    return complex(_cos(z.real) * _cosh(z.imag), -_sin(z.real) * _sinh(z.imag))


@function(1)
def sin(value: Any) -> complex:
    z = get_complex(value)
    return complex(_sin(z.real) * _cosh(z.imag), _cos(z.real) * _sinh(z.imag))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    functions = (phase, polar, rect, exp, log, log10, sqrt, cos, sin)
    names: dict[str, object] = {each.__name__: each for each in functions}
    return {**names, "e": math.e, "pi": math.pi}
