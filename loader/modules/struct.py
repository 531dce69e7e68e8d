"""Guest module `struct`: the host's, where codes, sizes and overflow agree; own code elsewhere.

Values too large are cut to their field, missing ones leave zeros, and pointers and
objects have codes of their own.

Source: MicroPython py/modstruct.c, py/binary.c (behaviour).
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from loader.modules._memory import object_at, pointer_to, text_at
from loader.modules.native import any_int, buffer_of, check_count, get_float, get_int, get_str, wrap

if TYPE_CHECKING:
    from loader.vm import VM

# Size and alignment of the native codes of a 64-bit unix, and the sizes that are standard.
_NATIVE = {
    "b": 1, "B": 1, "x": 1, "s": 1, "h": 2, "H": 2, "e": 2, "i": 4, "I": 4, "f": 4,
    "l": 8, "L": 8, "q": 8, "Q": 8, "d": 8, "P": 8, "O": 8, "S": 8,
}  # fmt: skip
_STANDARD = {**_NATIVE, "l": 4, "L": 4}
_NARROW = dict.fromkeys("lLPOS", 4)
"""What is a word long, on a 32-bit target."""
_BY_SIZE = {(4, True): "l", (4, False): "L", (8, True): "q", (8, False): "Q"}
_KEPT = 256
"""Format strings remembered."""
_HOST_CODE = {"O": "Q", "S": "Q", "P": "Q"}


class _Field(NamedTuple):
    code: str
    offset: int
    size: int  # of one element, or of the whole of a string
    repeat: int


class _Format(NamedTuple):
    """A parsed format string."""

    fields: tuple[_Field, ...]
    size: int
    values: int  # how many Python values it stands for
    order: str  # the host's prefix for single elements
    host: struct.Struct  # packs and unpacks all of it
    pointers: tuple[tuple[int, str], ...]  # which values are objects ("O") or texts ("S")


def parse(text: str, word: int = 8) -> _Format:
    """Parse a format string.

    Args:
        text: The format.
        word: Bytes of a machine word of the target.

    Raises:
        ValueError: It holds an unknown code.
    """
    order, native = "<", True
    rest = text
    if text[:1] in ("@", "<", ">", "!"):
        native = text[0] == "@"
        order = ">" if text[0] in ">!" else "<"
        rest = text[1:]
    sizes = _NATIVE if native else _STANDARD
    if word == 4:
        sizes = {**sizes, **_NARROW}
    fields, host_text = [], [order]
    at = values = index = 0
    while index < len(rest):
        start = index
        while index < len(rest) and rest[index].isdigit() and rest[index].isascii():
            index += 1
        count = int(rest[start:index]) if index > start else 1
        size = sizes.get(code := rest[index : index + 1])
        index += 1
        if size is None:
            raise ValueError("bad typecode")
        if native and size > 1 and count:
            padding = -at % size
            at += padding
            host_text.append("x" * padding)
        if code == "s":
            fields.append(_Field(code, at, count, 1))
            host_text.append(f"{count}s")
            values += 1
            at += count
            continue
        if code == "x":
            host_text.append("x" * count)
        else:
            fields.append(_Field(code, at, size, count))
            host_code = _HOST_CODE.get(code, code)
            if host_code in "lLQ" and code in "lLPOS":
                host_code = _BY_SIZE[size, host_code == "l"]
            host_text.append(f"{count}{host_code}")
            values += count
        at += size * count
    codes = [each.code for each in fields for _ in range(each.repeat)]
    pointers = tuple((place, code) for place, code in enumerate(codes) if code in "OS")
    return _Format(tuple(fields), at, values, order, struct.Struct("".join(host_text)), pointers)


def _resolved(form: _Format, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values with what their pointers point to."""
    if not form.pointers:
        return values
    found = list(values)
    for place, code in form.pointers:
        found[place] = (object_at if code == "O" else text_at)(found[place])
    return tuple(found)


def _fill(form: _Format, target: memoryview, values: tuple[Any, ...]) -> None:
    """Write `values` into `target`, which has the size of the format."""
    if len(values) == form.values and not form.pointers:
        try:
            target[:] = form.host.pack(*values)
        except (struct.error, TypeError, OverflowError):
            pass  # something to cut, to convert or to refuse: value by value below
        else:
            return
    given = iter(values)
    for code, offset, size, count in form.fields:
        for index in range(count):
            try:
                value = next(given)
            except StopIteration:
                return
            at = offset + index * size
            target[at : at + size] = element_bytes(code, size, value, form.order)


def element_bytes(code: str, size: int, value: Any, order: str = "<") -> bytes:
    """One element as bytes.

    Args:
        code: Its type code.
        size: Bytes of the field.
        value: A guest value.
        order: "<" or ">".
    """
    if code == "s":
        return bytes(buffer_of(value)[:size]).ljust(size, b"\0")
    if code in "efd":
        number = get_float(value)
        try:
            return struct.pack(order + code, number)
        except OverflowError:
            return struct.pack(order + code, float("inf") if number > 0 else float("-inf"))
    number = pointer_to(value, size) if code == "O" else any_int(value)
    number = wrap(number, size * 8, signed=False)
    return number.to_bytes(size, "big" if order == ">" else "little")


def _place(size: int, data: memoryview, offset: int) -> int:
    """Where `size` bytes at `offset`, which counts from the end if negative, start.

    Raises:
        ValueError: They are not all inside.
    """
    at = offset + len(data) if offset < 0 else offset
    if at < 0 or at + size > len(data):
        raise ValueError("buffer too small")
    return at


@functools.cache
def _codec(word: int) -> dict[str, object]:
    """The module's functions for a target whose machine words have `word` bytes."""
    known: dict[Any, _Format] = {}

    def _format(obj: Any) -> _Format:
        if type(obj) is str and obj in known:
            return known[obj]
        form = parse(get_str(obj), word)
        if type(obj) is str and len(known) < _KEPT:
            known[obj] = form
        return form

    def pack(*args: Any) -> bytes:
        check_count(len(args), 1, -1)
        form = _format(args[0])
        if len(args) - 1 == form.values and not form.pointers:
            try:
                return form.host.pack(*args[1:])
            except (struct.error, TypeError, OverflowError):
                pass  # see _fill
        result = bytearray(form.size)
        _fill(form, memoryview(result), args[1:])
        return bytes(result)

    def pack_into(*args: Any) -> None:
        check_count(len(args), 3, -1)
        form = _format(args[0])
        target = buffer_of(args[1], writable=True)
        at = _place(form.size, target, get_int(args[2]))
        _fill(form, target[at : at + form.size], args[3:])

    def unpack_from(*args: Any) -> tuple[Any, ...]:
        check_count(len(args), 2, 3)
        form = _format(args[0])
        offset = get_int(args[2]) if len(args) == 3 else 0
        try:
            if offset >= 0:
                return _resolved(form, form.host.unpack_from(args[1], offset))
        except (struct.error, TypeError):
            pass  # too small, or not a buffer of the host: the slow way says so, or can do it
        data = buffer_of(args[1])
        return _resolved(form, form.host.unpack_from(data, _place(form.size, data, offset)))

    def unpack(*args: Any) -> tuple[Any, ...]:
        check_count(len(args), 2, 3)
        return unpack_from(*args)

    def calcsize(*args: Any) -> int:
        check_count(len(args), 1, 1)
        return _format(args[0]).size

    return {
        "calcsize": calcsize,
        "pack": pack,
        "pack_into": pack_into,
        "unpack": unpack,
        "unpack_from": unpack_from,
    }


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return dict(_codec(vm.target.word))
