"""Floats as MicroPython prints and computes them where the host does otherwise.

Source: MicroPython py/formatfloat.c, py/objcomplex.c, py/modbuiltins.c (round).
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

_WIDE = Context(prec=1200)


def _rounded(value: float, exponent: int) -> tuple[str, int]:
    """Digits of a positive float down to 10**exponent, halves rounded up, and that exponent."""
    exact = Decimal(value)
    step = Decimal(1).scaleb(exponent)
    number = exact.quantize(step, rounding=ROUND_HALF_UP, context=_WIDE)
    digits = str(int(number.scaleb(-exponent, context=_WIDE)))
    return digits, exponent


def _shortest(value: float) -> str:
    """Digits that suffice to read a positive float back; more are never computed."""
    mantissa = repr(value).partition("e")[0].replace(".", "")
    return mantissa.strip("0") or "0"


def _significant(value: float, count: int) -> tuple[str, int]:
    """The first `count` digits of a positive float, and the exponent of the first."""
    if value == 0:
        return "0" * count, 0
    first = Decimal(value).adjusted()
    shortest = _shortest(value)
    if len(shortest) <= count:
        if Decimal(repr(value)).adjusted() > first:
            first += 1
        return shortest.ljust(count, "0"), first
    digits, _ = _rounded(value, first - count + 1)
    if len(digits) > count:  # rounded up to the next power of ten
        first += 1
        digits = digits[:count]
    return digits, first


def fixed(value: float, precision: int) -> str:
    """A positive float as `%f` shows it."""
    if not math.isfinite(value):
        return repr(value)
    shortest = Decimal(repr(value))
    if -int(shortest.as_tuple().exponent) <= precision:
        return format(shortest, f".{precision}f")
    digits, _ = _rounded(value, -precision)
    digits = digits.rjust(precision + 1, "0")
    return digits if not precision else digits[:-precision] + "." + digits[-precision:]


def exponential(value: float, precision: int, mark: str) -> str:
    """A positive float as `%e` shows it."""
    if not math.isfinite(value):
        return repr(value)
    digits, exponent = _significant(value, precision + 1)
    fraction = "." + digits[1:] if precision else ""
    return f"{digits[0]}{fraction}{mark}{exponent:+03d}"


def general(value: float, precision: int, mark: str) -> str:
    """A positive float as `%g` shows it."""
    if not math.isfinite(value):
        return repr(value)
    count = max(precision, 1)
    digits, exponent = _significant(value, count)
    digits = digits.rstrip("0") or "0"
    if exponent < -4 or exponent >= count:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}{mark}{exponent:+03d}"
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    rest = digits[exponent + 1 :]
    return f"{whole}.{rest}" if rest else whole


def formatted(value: float, precision: int, kind: str) -> str:
    """A positive float by one of the letters eEfFgG."""
    if kind in "fF":
        text = fixed(value, precision)
    elif kind in "eE":
        text = exponential(value, precision, kind)
    else:
        text = general(value, precision, "E" if kind == "G" else "e")
    return text.upper() if kind in "EFG" else text


def round_to(value: float, digits: int) -> float:
    """`round(value, digits)`, computed in floating point."""
    scale = float(10**digits) if digits >= 0 else 1 / 10**-digits
    return round(value * scale) / scale if math.isfinite(value * scale) else value


def complex_divide(lhs: complex, rhs: complex) -> complex:
    """`lhs / rhs` of complex numbers.

    Raises:
        ZeroDivisionError: `rhs` is zero.
    """
    if rhs.imag == 0:
        if rhs.real == 0:
            raise ZeroDivisionError("complex divide by zero")
        return complex(lhs.real / rhs.real, lhs.imag / rhs.real)
    if rhs.real == 0:
        return complex(lhs.imag / rhs.imag, -lhs.real / rhs.imag)
    square = rhs.real * rhs.real + rhs.imag * rhs.imag
    real, imag = rhs.real / square, rhs.imag / -square
    return complex(
        lhs.real * real - lhs.imag * imag,
        lhs.real * imag + lhs.imag * real,
    )


def complex_power(lhs: complex, rhs: complex) -> complex:
    """`lhs ** rhs` of complex numbers.

    Raises:
        ZeroDivisionError: Zero to a power that is negative or not real.
    """
    size = math.sqrt(lhs.real * lhs.real + lhs.imag * lhs.imag)
    if size == 0:
        if rhs.imag == 0 and rhs.real >= 0:
            return complex(1 if rhs.real == 0 else 0, 0)
        raise ZeroDivisionError("0.0 to a complex power")
    log, angle = math.log(size), math.atan2(lhs.imag, lhs.real)
    exponent = rhs.real * log - rhs.imag * angle
    turn = rhs.imag * log + rhs.real * angle
    scale = math.exp(exponent)
    return complex(scale * math.cos(turn), scale * math.sin(turn))
