"""Guest module `binascii`: hexadecimal, base64 and CRC-32."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from loader.modules.native import (
    REQUIRED,
    any_int,
    buffer_of,
    check_count,
    function,
    get_str,
    parse_args,
    utf8,
)

if TYPE_CHECKING:
    from loader.vm import VM

_HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SEXTETS = {char: at for at, char in enumerate(_ALPHABET)}


@function(1, 2)
def hexlify(data: Any, separator: Any = None) -> bytes:
    content = buffer_of(data)
    if separator is None:
        return binascii.hexlify(content)
    mark = utf8(get_str(separator))[:1] or b"\0"
    return mark.join(b"%02x" % byte for byte in content)


@function(1)
def unhexlify(data: Any) -> bytes:
    content = buffer_of(data)
    if len(content) % 2 or not _HEX_DIGITS.issuperset(content):
        raise ValueError("non-hex digit")
    return binascii.unhexlify(content)


@function(1)
def a2b_base64(data: Any) -> bytes:
    bits = pending = 0
    padded = False
    result = bytearray()
    for char in buffer_of(data):
        if char == 0x3D:
            if pending == 2 or (pending == 4 and padded):
                pending = 0
                break
            padded = True
            continue
        sextet = _SEXTETS.get(char)
        if sextet is None:
            continue
        padded = False
        bits = bits << 6 | sextet
        pending += 6
        if pending >= 8:
            pending -= 8
            result.append(bits >> pending & 0xFF)
            bits &= (1 << pending) - 1
    if pending:
        raise ValueError("incorrect padding")
    return bytes(result)


def b2a_base64(*args: Any, **named: Any) -> bytes:
    """base64 of a buffer, with a newline unless `newline=False`."""
    check_count(len(args), 1, -1)
    data, newline = parse_args(args, named, (("data", REQUIRED), ("newline", True)), 2)
    return binascii.b2a_base64(buffer_of(data), newline=bool(newline))


@function(1, 2)
def crc32(data: Any, start: Any = 0) -> int:
    return binascii.crc32(buffer_of(data), any_int(start) & 0xFFFFFFFF)


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {
        "hexlify": hexlify,
        "unhexlify": unhexlify,
        "a2b_base64": a2b_base64,
        "b2a_base64": b2a_base64,
        "crc32": crc32,
    }
