"""Guest module `uctypes`: structures over memory, described by dicts of encoded fields.

Source: MicroPython extmod/moductypes.c (encoding and behaviour).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from loader.modules._memory import remember, shared_bytearray, window
from loader.modules.native import any_int, check_count, function, get_float, get_int, wrap

if TYPE_CHECKING:
    from loader.vm import VM

LITTLE_ENDIAN, BIG_ENDIAN, NATIVE = 0, 1, 2
_POINTER_SIZE = 8

# A scalar is type << 27 | offset, a bit field has position and length above a shorter
# offset, an aggregate is a tuple that starts with kind << 29 | offset; all as 31-bit signed.
_TYPES = (
    "UINT8 INT8 UINT16 INT16 UINT32 INT32 UINT64 INT64"
    " BFUINT8 BFINT8 BFUINT16 BFINT16 BFUINT32 BFINT32 FLOAT32 FLOAT64"
).split()
_FLOAT32, _FLOAT64 = 14, 15
_STRUCT, _PTR, _ARRAY = 0, 1, 2
BF_POS, BF_LEN = 17, 22
_NO_FIELDS = "struct: no fields"
_SYNTAX = "syntax error in uctypes descriptor"


def _encoded(kind: int, bits: int) -> int:
    return wrap(kind << 31 - bits, 31, signed=True)


def _scalar(value: int) -> tuple[int, int]:
    """Type and offset (of a bit field: with position and length) of an encoded scalar."""
    return value >> 27 & 15, value & (1 << 27) - 1


def _size_of_type(kind: int) -> int:
    if kind == _FLOAT32:
        return 4
    if kind == _FLOAT64:
        return 8
    return 1 << ((kind & 7) >> 1)


def _is_bit_field(kind: int) -> bool:
    return 8 <= kind < _FLOAT32


def _aggregate(description: tuple[Any, ...]) -> tuple[int, int]:
    """Kind and offset of an aggregate."""
    first = get_int(description[0])
    return first >> 29 & 3, first & (1 << 29) - 1


def _size(description: Any, layout: int) -> tuple[int, int]:
    """Size of what `description` describes, and of the largest scalar in it."""
    if isinstance(description, tuple):
        kind, _ = _aggregate(description)
        if kind == _STRUCT:
            return _size(description[1], layout)
        if kind == _PTR:
            return _POINTER_SIZE, _POINTER_SIZE
        if kind == _ARRAY:
            element, count = _scalar(get_int(description[1]))
            if len(description) == 2:
                size = _size_of_type(element)
                return size * count, size
            size, largest = _size(description[2], layout)
            return size * get_int(description[1]), largest
        raise TypeError(_SYNTAX)
    if not isinstance(description, dict):
        raise TypeError("can't unambiguously get sizeof scalar" if isinstance(description, int)
                        else _SYNTAX)  # fmt: skip
    total = largest = 0
    for field in description.values():
        if isinstance(field, tuple):
            _, offset = _aggregate(field)
            size, widest = _size(field, layout)
        else:
            kind, offset = _scalar(get_int(field))
            if _is_bit_field(kind):
                offset &= (1 << BF_POS) - 1
            size = widest = _size_of_type(kind)
        largest = max(largest, widest)
        total = max(total, offset + size)
    if layout == NATIVE and largest:
        total = -(-total // largest) * largest
    return total, largest


def _load(address: int, kind: int, layout: int) -> int | float:
    size = _size_of_type(kind)
    data = bytes(window(address, size))
    order = "big" if layout == BIG_ENDIAN else "little"
    if kind in (_FLOAT32, _FLOAT64):
        code = (">" if layout == BIG_ENDIAN else "<") + "fd"[kind - _FLOAT32]
        result: float = struct.unpack(code, data)[0]
        return result
    return int.from_bytes(data, order, signed=bool(kind & 1))  # type: ignore[arg-type]


def _store(address: int, kind: int, layout: int, value: Any) -> None:
    size = _size_of_type(kind)
    target = window(address, size)
    order = "big" if layout == BIG_ENDIAN else "little"
    if kind in (_FLOAT32, _FLOAT64):
        code = (">" if layout == BIG_ENDIAN else "<") + "fd"[kind - _FLOAT32]
        target[:] = struct.pack(code, get_float(value))
        return
    number = wrap(any_int(value), size * 8, signed=False)
    target[:] = number.to_bytes(size, order)  # type: ignore[arg-type]


class Struct:
    """A structure, array or pointer at an address."""

    __slots__ = ("_uctypes_address", "_uctypes_description", "_uctypes_layout")

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 2, 3)
        put = object.__setattr__
        put(self, "_uctypes_address", get_int(args[0]))
        put(self, "_uctypes_description", args[1])
        put(self, "_uctypes_layout", get_int(args[2]) if len(args) == 3 else NATIVE)

    def _uctypes_field(self, name: str) -> Any:
        description = self._uctypes_description
        if not isinstance(description, dict):
            raise TypeError(_NO_FIELDS)
        return description[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"'struct' object has no attribute '{name}'")
        field = self._uctypes_field(name)
        address, layout = self._uctypes_address, self._uctypes_layout
        if isinstance(field, int):
            kind, offset = _scalar(field)
            if not _is_bit_field(kind):
                return _load(address + offset, kind, layout)
            position, length, offset = _bits(offset)
            value = _load(address + offset, kind & 6, layout)
            return int(value) >> position & (1 << length) - 1
        if not isinstance(field, tuple):
            raise TypeError(_SYNTAX)
        kind, offset = _aggregate(field)
        if kind == _STRUCT:
            return Struct(address + offset, field[1], layout)
        if kind == _ARRAY and len(field) == 2:
            element, count = _scalar(get_int(field[1]))
            if element == 0:
                return shared_bytearray(address + offset, count)
        return Struct(address + offset, field, layout)

    def _guest_setattr_(self, name: str, value: Any) -> None:
        field = self._uctypes_field(name)
        if not isinstance(field, int):
            raise TypeError(_SYNTAX)
        address, layout = self._uctypes_address, self._uctypes_layout
        kind, offset = _scalar(field)
        if not _is_bit_field(kind):
            _store(address + offset, kind, layout, value)
            return
        position, length, offset = _bits(offset)
        mask = (1 << length) - 1
        old = int(_load(address + offset, kind & 6, layout))
        new = old & ~(mask << position) | (any_int(value) & mask) << position
        _store(address + offset, kind & 6, layout, new)

    def _uctypes_element(self, index: Any) -> tuple[int, Any]:
        """Address and description (a scalar's type, or a dict) of an element."""
        description, layout = self._uctypes_description, self._uctypes_layout
        if not isinstance(description, tuple):
            raise TypeError("struct: can't index")
        number = get_int(index)
        kind, _ = _aggregate(description)
        base = self._uctypes_address
        if kind == _ARRAY:
            element, count = _scalar(get_int(description[1]))
            if len(description) == 3:
                count = get_int(description[1])
            if number >= count:
                raise IndexError("struct: index out of range")
            if len(description) == 2:
                return base + number * _size_of_type(element), element
            return base + number * _size(description[2], layout)[0], description[2]
        if kind == _PTR:
            base = int.from_bytes(window(base, _POINTER_SIZE), "little")
            target = description[1]
            if isinstance(target, int):
                element, _ = _scalar(target)
                return base + number * _size_of_type(element), element
            return base + number * _size(target, layout)[0], target
        raise TypeError("struct: can't index")

    def __getitem__(self, index: Any) -> Any:
        address, element = self._uctypes_element(index)
        if isinstance(element, int):
            return _load(address, element, self._uctypes_layout)
        return Struct(address, element, self._uctypes_layout)

    def __setitem__(self, index: Any, value: Any) -> None:
        address, element = self._uctypes_element(index)
        if isinstance(element, int):
            _store(address, element, self._uctypes_layout, value)

    def __int__(self) -> int:
        description = self._uctypes_description
        if isinstance(description, tuple) and _aggregate(description)[0] == _PTR:
            return int.from_bytes(window(self._uctypes_address, _POINTER_SIZE), "little")
        raise TypeError("can't convert struct to int")

    def __buffer__(self, flags: int) -> memoryview:
        size, _ = _size(self._uctypes_description, self._uctypes_layout)
        return window(self._uctypes_address, size)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def _guest_repr_(self) -> str:
        description = self._uctypes_description
        kind = "ERROR"
        if isinstance(description, tuple):
            kind = ("STRUCT", "PTR", "ARRAY", "ERROR")[_aggregate(description)[0]]
        elif isinstance(description, dict):
            kind = "STRUCT"
        return f"<struct {kind} {self._uctypes_address:x}>"


Struct.__name__ = Struct.__qualname__ = "struct"


def _bits(offset: int) -> tuple[int, int, int]:
    """Position, length and offset of a bit field."""
    return offset >> BF_POS & 31, offset >> BF_LEN & 31, offset & (1 << BF_POS) - 1


@function(1, 2)
def sizeof(what: Any, layout: Any = None) -> int:
    if isinstance(what, Struct):
        if layout is not None:
            raise TypeError
        return _size(what._uctypes_description, what._uctypes_layout)[0]
    return _size(what, NATIVE if layout is None else get_int(layout))[0]


@function(1)
def addressof(obj: Any) -> int:
    if isinstance(obj, Struct):
        return int(obj._uctypes_address)
    return remember(obj)


@function(2)
def bytes_at(address: Any, size: Any) -> bytes:
    return bytes(window(get_int(address), get_int(size)))


@function(2)
def bytearray_at(address: Any, size: Any) -> Any:
    return shared_bytearray(get_int(address), get_int(size))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    names: dict[str, object] = {name: _encoded(at, 4) for at, name in enumerate(_TYPES)}
    synonyms = {
        "VOID": "UINT8", "SHORT": "INT16", "USHORT": "UINT16", "INT": "INT32", "UINT": "UINT32",
        "LONG": "INT64", "ULONG": "UINT64", "LONGLONG": "INT64", "ULONGLONG": "UINT64",
    }  # fmt: skip
    names |= {name: names[same] for name, same in synonyms.items()}
    return {
        **names,
        "PTR": _encoded(_PTR, 2),
        "ARRAY": _encoded(_ARRAY, 2),
        "BF_POS": BF_POS,
        "BF_LEN": BF_LEN,
        "LITTLE_ENDIAN": LITTLE_ENDIAN,
        "BIG_ENDIAN": BIG_ENDIAN,
        "NATIVE": NATIVE,
        "struct": Struct,
        "sizeof": sizeof,
        "addressof": addressof,
        "bytes_at": bytes_at,
        "bytearray_at": bytearray_at,
    }
