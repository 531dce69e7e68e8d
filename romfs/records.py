"""Records, the only structure of a ROMFS image: kind, length, payload.

Source: MicroPython extmod/vfs_rom.c; SPEC.md beside this file draws each record.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from romfs.errors import ImageError, TruncatedError
from romfs.varuint import encode_varuint, read_varuint

MAGIC = b"\xd2\xcd\x31"
"""First three bytes of an image: the varuint of `Kind.FILESYSTEM`."""


class Kind(IntEnum):
    """Record kinds a device knows, and ours; devices skip every other kind."""

    UNUSED = 0
    PADDING = 1
    DATA_VERBATIM = 2
    DATA_POINTER = 3
    DIRECTORY = 4
    FILE = 5
    FILESYSTEM = 0x14A6B1
    BUILD_INFO = 0x10A4B1  # its varuint reads "BI1", as FILESYSTEM's reads "RM1"


class Record(NamedTuple):
    """One record, as a window on the image."""

    kind: int  # plain int: unknown kinds are skipped, not refused
    offset: int  # of its first byte, from image start
    start: int  # offset of its payload
    end: int  # offset after it, where the next record starts


def read_record(image: memoryview, offset: int, end: int) -> Record:
    """Decode the record header at `offset`, within a container that ends at `end`.

    Raises:
        TruncatedError: The header or the payload runs past `end`.
        ImageError: The kind is UNUSED, at which a device stops reading.
    """
    kind, at = read_varuint(image, offset, end)
    length, start = read_varuint(image, at, end)
    if kind == Kind.UNUSED:
        raise ImageError("record of kind 0: a device stops reading here", offset=offset)
    if length > end - start:
        raise TruncatedError(
            f"record of kind {kind:#x} is {length} bytes long, "
            f"{length - (end - start)} more than its container holds",
            offset=offset,
        )
    return Record(kind, offset, start, start + length)


def iter_records(image: memoryview, start: int, end: int) -> Iterator[Record]:
    """Every record of the container `[start, end)`, in order.

    Raises:
        ImageError: As `read_record`.
    """
    while start < end:
        record = read_record(image, start, end)
        yield record
        start = record.end


def encode_record(kind: int, payload: bytes) -> bytes:
    """A record in its canonical form."""
    return encode_varuint(kind) + encode_varuint(len(payload)) + payload


def encode_padding(length: int, fill: bytes = b"\0") -> bytes:
    """A PADDING record of exactly `length` bytes, header included.

    Raises:
        ValueError: `length` is 1, which no record has.
    """
    if length == 0:
        return b""
    if length < 2:
        raise ValueError("the smallest padding record has 2 bytes")
    # The length field's own width depends on the length; one byte more than the
    # canonical form needs is legal, so some width always gives the exact size.
    width = next(w for w in range(1, 6) if length - 1 - w < 1 << 7 * w)
    payload = length - 1 - width
    return encode_varuint(Kind.PADDING) + encode_varuint(payload, width) + fill * payload
