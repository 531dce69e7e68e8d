"""Deterministic CBOR of the few types that manifests, indexes and configurations need.

RFC 8949, section 4.2.1, and narrower: unsigned numbers to 32 bits, byte and text strings,
arrays, null, booleans, and maps whose keys are small numbers. A value has one form only;
the decoder refuses every other, so what was signed is what is understood.
"""

from __future__ import annotations

from typing import TypeAlias

from romfs.errors import PackageError

Value: TypeAlias = (
    int | bytes | str | bool | list["Value"] | tuple["Value", ...] | dict[int, "Value"] | None
)

MAX_DEPTH = 6
_SIMPLE: dict[int, bool | None] = {0xF4: False, 0xF5: True, 0xF6: None}


def encode(value: Value) -> bytes:
    """The one form of a value.

    Raises:
        PackageError: A number or type this subset does not have.
    """
    if value is None or isinstance(value, bool):
        return bytes((next(byte for byte, one in _SIMPLE.items() if one is value),))
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return _head(3, len(text)) + text
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(map(encode, value))
    items = sorted(value.items())
    return _head(5, len(items)) + b"".join(_head(0, key) + encode(item) for key, item in items)


def _head(major: int, number: int) -> bytes:
    if not 0 <= number < 1 << 32:
        raise PackageError(f"{number} is not a number of 32 bits without sign")
    if number < 24:
        return bytes((major << 5 | number,))
    for low, size in ((24, 1), (25, 2), (26, 4)):
        if number < 1 << 8 * size:
            return bytes((major << 5 | low,)) + number.to_bytes(size, "big")
    raise AssertionError


def decode(data: bytes | bytearray | memoryview) -> Value:
    """The value that `data` is, all of it.

    Raises:
        PackageError: It is not one value in its one form.
    """
    value, at = _item(bytes(data), 0, 0)
    if at != len(data):
        raise PackageError(f"CBOR: {len(data) - at} bytes after the value")
    return value


def _number(data: bytes, at: int) -> tuple[int, int]:
    low = data[at] & 31
    if low < 24:
        return low, at + 1
    if low > 26:
        raise PackageError(f"CBOR: number form {low} at byte {at}")
    size = 1 << (low - 24)
    raw = data[at + 1 : at + 1 + size]
    value = int.from_bytes(raw, "big")
    if len(raw) < size or value < (24, 0x100, 0x10000)[low - 24]:
        raise PackageError(f"CBOR: number at byte {at} is cut off, or longer than needed")
    return value, at + 1 + size


def _item(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if at >= len(data) or depth > MAX_DEPTH:
        raise PackageError(f"CBOR: ends early or too deep at byte {at}")
    first = data[at]
    major = first >> 5
    if major == 7:
        if first not in _SIMPLE:
            raise PackageError(f"CBOR: simple value {first:#x} at byte {at}")
        return _SIMPLE[first], at + 1
    if major not in (0, 2, 3, 4, 5):
        raise PackageError(f"CBOR: major type {major} at byte {at}")
    number, at = _number(data, at)
    if major == 0:
        return number, at
    if major in (2, 3):
        content = data[at : at + number]
        if len(content) < number:
            raise PackageError(f"CBOR: string at byte {at} is cut off")
        return (content if major == 2 else _text(content, at)), at + number
    if major == 4:
        values: list[Value] = []
        for _ in range(number):
            value, at = _item(data, at, depth + 1)
            values.append(value)
        return values, at
    return _map(data, at, number, depth)


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[Value, int]:
    fields: dict[int, Value] = {}
    last = -1
    for _ in range(count):
        if at >= len(data) or data[at] >> 5:
            raise PackageError(f"CBOR: map key at byte {at} is not a number")
        key, at = _number(data, at)
        if key <= last:
            raise PackageError(f"CBOR: map keys out of order at byte {at}")
        last = key
        fields[key], at = _item(data, at, depth + 1)
    return fields, at


def _text(content: bytes, at: int) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise PackageError(f"CBOR: text at byte {at} is not UTF-8") from None
