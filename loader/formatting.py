"""`str.format` and the `%` operator.

Source: MicroPython py/objstr.c, mp_obj_str_format_helper and str_modulo_format.
"""

from __future__ import annotations

from typing import Any

from loader.floats import formatted
from loader.text import check_name, repr_, str_, type_name


def format_string(template: str, args: tuple[Any, ...], named: dict[str, Any]) -> str:
    """`template.format(*args, **named)`."""
    return _Formatter(args, named).format(template, 0)


class _Formatter:
    def __init__(self, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        self.args = args
        self.named = named
        self.auto = 0  # next automatic field; -1 once fields have been numbered

    def format(self, text: str, depth: int) -> str:
        out: list[str] = []
        at, end = 0, len(text)
        while at < end:
            char = text[at]
            if char == "}":
                if text[at + 1 : at + 2] != "}":
                    raise ValueError("single '}' encountered in format string")
                out.append("}")
                at += 2
            elif char != "{":
                stop = at + 1
                while stop < end and text[stop] not in "{}":
                    stop += 1
                out.append(text[at:stop])
                at = stop
            elif text[at + 1 : at + 2] == "{":
                out.append("{")
                at += 2
            else:
                piece, at = self.field(text, at + 1, depth)
                out.append(piece)
        return "".join(out)

    def field(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """A replacement field whose opening brace lies before `at`."""
        start = at
        while at < len(text) and text[at] not in "}!:":
            at += 1
        name, conversion, spec = text[start:at], "", ""
        if text[at : at + 1] == "!":
            conversion = text[at + 1 : at + 2]
            if not conversion:
                raise ValueError("end of format while looking for conversion specifier")
            if conversion not in "rs":
                raise ValueError(f"unknown conversion specifier {conversion}")
            at += 2
        if text[at : at + 1] == ":":
            at += 1
            start, nesting = at, 1
            while at < len(text):
                if text[at] == "{":
                    nesting += 1
                elif text[at] == "}":
                    nesting -= 1
                    if nesting == 0:
                        break
                at += 1
            spec = text[start:at]
        if at >= len(text):
            raise ValueError("unmatched '{' in format")
        if text[at] != "}":
            raise ValueError("expected ':' after format specifier")
        value = self.value(name)
        if spec:
            spec = self.format(spec, depth + 1)
        if conversion == "r":
            value = repr_(value)
        elif conversion == "s":
            value = str_(value)
        return (format_value(value, spec) if spec else str_(value)), at + 1

    def value(self, name: str) -> Any:
        digits = 0
        while digits < len(name) and name[digits].isdigit() and name[digits].isascii():
            digits += 1
        if not name:
            if self.auto < 0:
                raise ValueError(
                    "can't switch from manual field specification to automatic field numbering"
                )
            index = self.auto
            self.auto += 1
        elif digits:
            if self.auto > 0:
                raise ValueError(
                    "can't switch from automatic field numbering to manual field specification"
                )
            self.auto = -1
            index = int(name[:digits])
            if digits < len(name) and index < len(self.args):
                raise NotImplementedError("attributes not supported")
        else:
            stop = next((i for i, char in enumerate(name) if char in ".["), len(name))
            if name[:stop] not in self.named:
                raise KeyError(name[:stop])
            if stop < len(name):
                raise NotImplementedError("attributes not supported")
            return self.named[name]
        if index >= len(self.args):
            raise IndexError("tuple index out of range")
        return self.args[index]


def format_value(value: Any, spec: str) -> str:
    """A value by a format specification.

    Source: MicroPython py/objstr.c: [[fill]align][sign][#][0][width][,_][.precision][type].
    """
    fill, align, sign, alternate, width, comma, precision, kind = _parse_spec(spec)
    number = isinstance(value, int | float)
    if kind == "c" and sign:
        raise ValueError("sign not allowed with integer format specifier 'c'")
    if kind == "s" or (not kind and not number):
        if sign and kind:
            raise ValueError("sign not allowed in string format specifier")
        if align == "=" and not number:
            raise ValueError("'=' alignment not allowed in string format specifier")
        if number:
            raise ValueError(
                f"unknown format code '{kind}' for object of type '{type_name(value)}'"
            )
        if not isinstance(value, str | bytes | bytearray):
            raise TypeError(f"can't convert '{type_name(value)}' object to str implicitly")
        text = value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")
        if precision is not None:
            text = text[:precision]
        return _pad(text, fill or " ", "<" if align in ("", "0") else align, width)
    if not number:
        raise ValueError(f"unknown format code '{kind}' for object of type '{type_name(value)}'")
    if kind in tuple("eEfFgG%") or (isinstance(value, float) and kind in ("", "n")):
        return _format_float(float(value), fill, align, sign, alternate, width, precision, kind)
    if isinstance(value, float):
        raise ValueError(f"unknown format code '{kind}' for object of type 'float'")
    if kind == "c":
        return _pad(_low_byte(value), fill or " ", align or ">", width)
    body = format(abs(value), {"": "d", "n": "d"}.get(kind, kind))
    prefix = {"x": "0x", "X": "0X", "o": "0o", "b": "0b"}.get(kind, "") if alternate else ""
    if comma:
        if kind in ("", "n", "d"):
            body = format(abs(value), comma + "d")
        else:
            body = format(abs(value), "_" + kind).replace("_", comma)
    mark = "-" if value < 0 else sign if sign in ("+", " ") else ""
    return _pad_number(mark + prefix, body, fill, align, width)


def _format_float(
    value: float,
    fill: str,
    align: str,
    sign: str,
    alternate: bool,
    width: int,
    precision: int | None,
    kind: str,
) -> str:
    negative = str(value).startswith("-")
    mark = "-" if negative else sign if sign in ("+", " ") else ""
    digits = 6 if precision is None else precision
    if kind == "%":
        body = formatted(abs(value) * 100, digits, "f", bool(mark)) + "%"
    else:
        body = formatted(abs(value), digits, "g" if kind in ("", "n") else kind, bool(mark))
    return _pad_number(mark, body, fill, align, width)


def _parse_spec(spec: str) -> tuple[str, str, str, bool, int, str, int | None, str]:
    at = 0
    fill = align = sign = comma = kind = ""
    alternate = False
    width, precision = 0, None
    if spec[:1] in tuple("<>=^"):
        align, at = spec[0], 1
    elif len(spec) > 1 and spec[1] in "<>=^":
        fill, align, at = spec[0], spec[1], 2
    if spec[at : at + 1] in tuple("+- "):
        sign = spec[at]
        at += 1
    if spec[at : at + 1] == "#":
        alternate = True
        at += 1
    if spec[at : at + 1] == "0":
        if not align:
            align = "0"  # as "=" for numbers, none for strings
        if not fill:
            fill = "0"
        at += 1
    start = at
    while at < len(spec) and spec[at].isdigit():
        at += 1
    if at > start:
        width = int(spec[start:at])
    if spec[at : at + 1] in (",", "_"):
        comma = spec[at]
        at += 1
    if spec[at : at + 1] == ".":
        at += 1
        start = at
        while at < len(spec) and spec[at].isdigit():
            at += 1
        precision = int(spec[start:at]) if at > start else None
    if at < len(spec):
        kind = spec[at]
        at += 1
        if kind not in "bcdeEfFgGnosxX%":
            raise ValueError("invalid format specifier")
    if at < len(spec):
        raise ValueError("invalid format specifier")
    return fill, align, sign, alternate, width, comma, precision, kind


def _pad(text: str, fill: str, align: str, width: int) -> str:
    # Widths count bytes.
    missing = width - len(text if text.isascii() else text.encode("utf-8", "surrogateescape"))
    if missing <= 0:
        return text
    if align == "^":
        return fill * (missing // 2) + text + fill * (missing - missing // 2)
    return text + fill * missing if align == "<" else fill * missing + text


def _pad_number(mark: str, body: str, fill: str, align: str, width: int) -> str:
    fill, align = fill or " ", align or ">"
    if align in "=0":
        return mark + fill * (width - len(mark) - len(body)) + body
    return _pad(mark + body, fill, align, width)


def _low_byte(value: int) -> str:
    """What `c` shows of a number: a single byte, whatever the number."""
    byte = value & 0xFF
    return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)


# --------------------------------------------------------------------------------- percent


def format_percent(template: Any, arg: Any) -> Any:
    """`template % arg`."""
    text = template if isinstance(template, str) else template.decode("latin-1")
    out = _percent(text, arg, not isinstance(template, str))
    return out if isinstance(template, str) else out.encode("latin-1")


def _percent(text: str, arg: Any, raw: bool) -> str:
    args: tuple[Any, ...] | list[Any]
    if isinstance(arg, tuple):
        args, mapping = arg, None
    else:
        args, mapping = (arg,), arg if isinstance(arg, dict) else None
    used = 0

    def take() -> Any:
        nonlocal used
        if used >= len(args):
            raise TypeError("format string needs more arguments")
        used += 1
        return args[used - 1]

    out: list[str] = []
    at = 0
    while at < len(text):
        stop = text.find("%", at)
        if stop < 0:
            out.append(text[at:])
            break
        out.append(text[at:stop])
        at = stop + 1
        if at >= len(text):
            raise ValueError("incomplete format")
        if text[at] == "%":
            out.append("%")
            at += 1
            continue
        value: Any = _NO_VALUE
        if text[at] == "(":
            if mapping is None:
                raise TypeError("format needs a dict")
            close = text.find(")", at)
            if close < 0:
                raise ValueError("incomplete format key")
            value = mapping[check_name(text[at + 1 : close])]
            used = len(args)
            at = close + 1
        flags = ""
        while at < len(text) and text[at] in "-+ #0":
            flags += text[at]
            at += 1
        width, at = _number(text, at, take)
        precision = -1
        if text[at : at + 1] == ".":
            precision, at = _number(text, at + 1, take)
        if at >= len(text):
            raise ValueError("incomplete format")
        kind = text[at]
        if value is _NO_VALUE:
            value = take()
        if raw and kind == "s" and isinstance(value, bytes | bytearray):
            value = value.decode("latin-1")
        out.append(_convert(kind, value, flags, width, precision, at))
        at += 1
    if used < len(args) and mapping is None:
        raise TypeError("format string didn't convert all arguments")
    return "".join(out)


_NO_VALUE = object()


def _number(text: str, at: int, take: Any) -> tuple[int, int]:
    if text[at : at + 1] == "*":
        return _integer(take(), ""), at + 1
    start = at
    while at < len(text) and text[at].isdigit():
        at += 1
    return int(text[start:at] or 0), at


def _convert(kind: str, value: Any, flags: str, width: int, precision: int, at: int) -> str:
    left = "-" in flags
    if kind in "sr":
        text = repr_(value) if kind == "r" else str_(value)
        if precision >= 0:
            text = text[:precision]
        return _pad(text, " ", "<" if left else ">", width)
    if kind == "c":
        if isinstance(value, str):
            if len(value.encode("utf-8", "surrogateescape")) != 1:
                raise TypeError("%c needs int or char")
            text = value
        elif isinstance(value, int):
            text = _low_byte(value)
        else:
            raise TypeError("integer needed")
        return _pad(text, " ", "<" if left else ">", width)
    sign = "+" if "+" in flags else " " if " " in flags else ""
    fill = "0" if "0" in flags else " "
    align = "<" if left else "=" if fill == "0" else ">"
    if kind in "diuoxX":
        number = _integer(value, kind)
        body = format(abs(number), kind if kind in "oxX" else "d")
        prefix = {"x": "0x", "X": "0X", "o": "0o"}.get(kind, "") if "#" in flags else ""
        if precision > len(body):
            body = body.zfill(precision)
        mark = ("-" if number < 0 else sign) + prefix
        return _pad_number(mark, body, fill, align, width)
    if kind in "eEfFgG":
        real = _real(value)
        mark = "-" if str(real).startswith("-") else sign
        body = formatted(abs(real), 6 if precision < 0 else precision, kind, bool(mark))
        return _pad_number(mark, body, fill, align, width)
    raise ValueError(f"unsupported format character '{kind}' ({ord(kind):#x}) at index {at}")


def _integer(value: Any, kind: str) -> int:
    if isinstance(value, float) and kind in ("d", "i", "u"):
        return int(value)
    if isinstance(value, int):
        return int(value)
    convert = getattr(type(value), "__int__", None)
    if convert is None or isinstance(value, float | str):
        raise TypeError(f"can't convert {type_name(value)} to int")
    return int(convert(value))


def _real(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    convert = getattr(type(value), "__float__", None)
    if convert is None:
        raise TypeError(f"can't convert {type_name(value)} to float")
    return float(convert(value))
