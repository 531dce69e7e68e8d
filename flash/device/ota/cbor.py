"""Deterministic CBOR (RFC 8949, 4.2) of a few types; anything written otherwise is refused.

Unsigned numbers, byte and text strings, arrays, null and booleans, and maps whose keys are
small numbers in ascending order. So one value has one form, and nothing can be hidden in it.
"""


def decode(data):
    """The value that `data` is, all of it.

    Raises:
        ValueError: It is not one value in its one form.
    """
    value, at = _item(data, 0, 0)
    if at != len(data):
        raise ValueError("bytes after the end")
    return value


def _number(data, at):
    low = data[at] & 31
    at += 1
    if low < 24:
        return low, at
    if low > 26:
        raise ValueError("a number of this form")
    size = 1 << (low - 24)
    if at + size > len(data):
        raise ValueError("ends early")
    value = int.from_bytes(data[at : at + size], "big")
    if value < (24, 256, 65536)[low - 24]:
        raise ValueError("a number longer than needed")
    return value, at + size


def _item(data, at, depth):
    if at >= len(data) or depth > 6:
        raise ValueError("ends early, or too deep")
    major = data[at] >> 5
    if major == 7:
        for byte, value in ((0xF4, False), (0xF5, True), (0xF6, None)):
            if data[at] == byte:
                return value, at + 1
        raise ValueError("a simple value of this form")
    number, at = _number(data, at)
    if major == 0:
        return number, at
    if major == 2 or major == 3:
        end = at + number
        if end > len(data):
            raise ValueError("ends early")
        content = bytes(data[at:end])
        return (content if major == 2 else content.decode()), end
    if major == 4:
        values = []
        for _ in range(number):
            value, at = _item(data, at, depth + 1)
            values.append(value)
        return values, at
    if major == 5:
        values = {}
        last = -1
        for _ in range(number):
            if at >= len(data) or data[at] >> 5:
                raise ValueError("a key that is not a number")
            key, at = _number(data, at)
            if key <= last:
                raise ValueError("keys out of order")
            last = key
            values[key], at = _item(data, at, depth + 1)
        return values, at
    raise ValueError("a value of this type")
