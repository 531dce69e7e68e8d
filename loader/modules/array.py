"""Guest module `array`: the host's array type, and what differs from it.

Guests work on exact host arrays, at the host's speed. The host refuses what the device
cuts or converts: values too large for an element, bytes on the right of `+`. The core
comes here when the host's own operation failed: `make` builds, `append`, `extend`,
`store` and `add` are the device's operations.

Source: MicroPython py/objarray.c (behaviour).
"""

from __future__ import annotations

import array as host
from typing import TYPE_CHECKING, Any

from loader.modules.native import (
    any_int,
    buffer_of,
    check_count,
    get_float,
    get_str,
    type_name,
    wrap,
)

if TYPE_CHECKING:
    from loader.vm import VM

_HOST_CODE = {code: code for code in "bBhHiIlLqQfd"} | {"P": "Q", "S": "Q"}
_FLOATS = "fd"
_COMPATIBLE = "lhs and rhs should be compatible"


class Objects(list[Any]):
    """An array of any objects, code "O"."""

    __slots__ = ()
    typecode = "O"

    def _guest_repr_(self) -> str:
        return f"array('O', {list.__repr__(self)})" if self else "array('O')"


Objects.__name__ = Objects.__qualname__ = "array"


def element(code: str, value: Any) -> Any:
    """A value as an array of type `code` keeps it: cut to the element's size."""
    if code in _FLOATS:
        return get_float(value)
    if isinstance(value, str) and code == "Q":
        return id(value) & (1 << 64) - 1
    return wrap(any_int(value), host.array(code).itemsize * 8, code.islower())


def make(*args: Any) -> Any:
    """`array(typecode[, values])`.

    Raises:
        ValueError: No such typecode.
    """
    check_count(len(args), 1, 2)
    code = get_str(args[0])[:1]
    if code == "O":
        return Objects(args[1] if len(args) == 2 and not _is_bytes(args[1]) else ())
    if code not in _HOST_CODE:
        raise ValueError("bad typecode")
    made: host.array[Any] = host.array(_HOST_CODE[code])
    if len(args) == 1:
        return made
    values = args[1]
    if _is_bytes(values):
        made.frombytes(_whole_elements(values, made.itemsize))
        return made
    for value in _iterate(values):
        append(made, value)
    return made


def _is_bytes(values: Any) -> bool:
    return isinstance(values, (bytes, bytearray))


def append(target: Any, value: Any) -> None:
    """`target.append(value)`, with the value cut or converted."""
    try:
        target.append(value)
    except (TypeError, OverflowError):
        target.append(element(target.typecode, value))


def extend(target: Any, values: Any) -> None:
    """`target.extend(values)`: a buffer's bytes as they are, else item by item."""
    if isinstance(target, Objects):
        target.extend(values)
    elif isinstance(values, (bytes, bytearray, memoryview, str, host.array)):
        target.frombytes(_whole_elements(values, target.itemsize))
    else:
        for value in _iterate(values):
            append(target, value)


def add(left: Any, right: Any) -> Any:
    """`left + right`, where right is any buffer."""
    result = left[:]
    result.frombytes(_whole_elements(right, left.itemsize))
    return result


def store(target: Any, index: Any, value: Any) -> None:
    """`target[index] = value` for an array or bytearray.

    Raises:
        TypeError: Not a number, or not an index.
        ValueError: A slice of one element size assigned to another.
        NotImplementedError: A slice assigned from what is no array, or with a step.
    """
    code = "B" if isinstance(target, bytearray) else target.typecode
    if isinstance(index, slice):
        if index.step not in (None, 1):
            raise NotImplementedError("only slices with step=1 (aka None) are supported")
        if not isinstance(value, (bytes, bytearray, memoryview, host.array)):
            raise NotImplementedError("array/bytes required on right side")
        size = 1 if isinstance(target, bytearray) else target.itemsize
        if memoryview(value).itemsize != size:
            raise ValueError(_COMPATIBLE)
        replacement: Any = host.array(code)
        replacement.frombytes(bytes(value))
        target[index] = replacement
        return
    if not isinstance(index, int):
        raise TypeError(f"{type_name(target)} indices must be integers, not {type_name(index)}")
    if not -len(target) <= index < len(target):
        raise IndexError(f"{type_name(target)} index out of range")
    target[index] = element(code, value)


def _whole_elements(data: Any, size: int) -> bytes:
    content = buffer_of(data)
    return bytes(content[: len(content) // size * size])


def _iterate(values: Any) -> Any:
    try:
        return iter(values)
    except TypeError:
        raise TypeError(f"'{type_name(values)}' object isn't iterable") from None


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict; guests calling the type get `make`."""
    return {"array": host.array}
