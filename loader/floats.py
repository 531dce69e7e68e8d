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


def _enough(value: float) -> str:
    """A positive float with 16 significant digits, or 17 if it takes them to read it back."""
    text = f"{value:.16g}"
    if float(text) == value:
        # The exponent is found by comparing with powers of ten rounded to floats.
        power = f"{value:.0e}"
        return (
            power
            if power.lstrip("-")[:2] == "1e" and "e" in text and float(power) == value
            else text
        )
    # The host rounds halves to even, a device up.
    for count in (16, 17):
        digits, exponent = _exactly(abs(value), count)
        if float(f"{digits[0]}.{digits[1:]}e{exponent}") == abs(value):
            break
    digits = digits.ljust(17, "0")
    if not -5 < exponent < 16:
        return f"{'-' * (value < 0)}{digits[0]}.{digits[1:].rstrip('0')}e{exponent:+03d}"
    number = Decimal(digits).scaleb(exponent - 16, context=_WIDE)
    return f"{'-' * (value < 0)}{number:f}".rstrip("0").rstrip(".")


def _exactly(value: float, count: int) -> tuple[str, int]:
    """The first `count` digits of a positive float, and the exponent of the first."""
    first = Decimal(value).adjusted()
    digits, _ = _rounded(value, first - count + 1)
    return (digits, first) if len(digits) == count else (digits[:count], first + 1)


def repr_float(value: float) -> str:
    """A float as `repr` shows it."""
    if not math.isfinite(value):
        return repr(value)
    text = _enough(value)
    return text if "." in text or "e" in text else text + ".0"


def _shortest(value: float) -> str:
    """Digits that suffice to read a positive float back; more are never computed."""
    mantissa = _enough(value).partition("e")[0].replace(".", "")
    return mantissa.strip("0") or "0"


def _significant(value: float, count: int) -> tuple[str, int]:
    """The first `count` digits of a positive float, and the exponent of the first."""
    if value == 0:
        return "0" * count, 0
    first = Decimal(value).adjusted()
    shortest = _shortest(value)
    if len(shortest) <= count:
        if Decimal(_enough(value)).adjusted() > first:
            first += 1
        return shortest.ljust(count, "0"), first
    return _exactly(value, count)


def fixed(value: float, precision: int) -> str:
    """A positive float as `%f` shows it."""
    if not math.isfinite(value):
        return repr(value)
    shortest = Decimal(_enough(value))
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


_ROOM = 31
"""Characters a device formats a float in; its sign takes one of them."""
_EXPONENTIAL_DIGITS = 24
"""Digits after the point that leave room for an exponent."""


def formatted(value: float, precision: int, kind: str, signed: bool = False) -> str:
    """A positive float by one of the letters eEfFgG.

    Args:
        signed: Whether a sign will precede it: what does not fit the room is cut.
    """
    if kind in "fF":
        text = _fitting(value, precision, _ROOM - signed) if math.isfinite(value) else repr(value)
    elif kind in "eE":
        text = exponential(value, min(precision, _EXPONENTIAL_DIGITS), kind)
    else:
        text = general(value, precision, "E" if kind == "G" else "e")
    return text.upper() if kind in "EFG" else text


def _fitting(value: float, precision: int, room: int) -> str:
    """A positive float as `%f` shows it in limited room, as `%g` if it is much too long."""
    whole = max(Decimal(value).adjusted(), 0) + 1
    if whole > 1 and whole + precision > room + 1:
        return general(value, precision, "e")
    return fixed(value, max(min(precision, room - 1 - whole), 0))


def round_to(value: float, digits: int) -> float:
    """`round(value, digits)`, computed in floating point."""
    scale = float(10**digits) if digits >= 0 else 1 / 10**-digits
    if not math.isfinite(value * scale):
        return value
    return math.copysign(round(value * scale) / scale, value)


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
