"""Varuints: base 128, most significant group first, high bit means more follow.

ROMFS images and .mpy files share this encoding.
"""

from __future__ import annotations

from romfs.errors import ImageError, TruncatedError

Buffer = bytes | bytearray | memoryview

# What a 32-bit device keeps of a varuint; above it bits are silently lost there.
MAX_PORTABLE = 0xFFFF_FFFF

_ONE_BYTE = tuple(bytes((value,)) for value in range(0x80))


def read_varuint(buffer: Buffer, offset: int, end: int | None = None) -> tuple[int, int]:
    """Decode one varuint.

    Args:
        buffer: What it is read from.
        offset: First byte, from the start of `buffer`.
        end: Offset its container ends at; the end of `buffer` if None.
    Returns:
        Value, and offset of the byte after it.
    Raises:
        TruncatedError: The container ends before the varuint does.
        ImageError: The value has more than 32 bits, of which a device keeps the low ones.
    Source: MicroPython extmod/vfs_rom.c, mp_decode_uint_checked.
    """
    value = 0
    for at in range(offset, len(buffer) if end is None else end):
        byte = buffer[at]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + 1
        if value > MAX_PORTABLE >> 7:
            raise ImageError("varuint does not fit in 32 bits", offset=offset)
    raise TruncatedError("varuint has no last byte", offset=offset)


def encode_varuint(value: int, width: int = 0) -> bytes:
    """Encode one varuint.

    Args:
        value: Not negative.
        width: Least number of bytes to use; leading 0x80 bytes, which every reader
            accepts, fill up. 0 for the canonical form.
    Raises:
        ValueError: `value` is negative or does not fit in 32 bits, so that a 32-bit
            device would read another number.
    """
    if 0 <= value < 0x80 and width < 2:
        return _ONE_BYTE[value]
    if not 0 <= value <= MAX_PORTABLE:
        raise ValueError(f"{value} does not fit in the 32 bits a device reads")
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    groups.extend(b"\x80" * (width - len(groups)))
    return bytes(reversed(groups))
