"""Intel HEX, read and written through `intelhex`.

That library keeps a Python object for each byte. So a file is handed to it in pieces of
at most 64 KiB, cut where the file itself sets a new upper address: memory stays bounded
for images of many megabytes.

Source: Intel, Hexadecimal Object File Format Specification, revision A (1988).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

from intelhex import IntelHex
from intelhex import IntelHexError as LibraryError

from romfs.errors import FormatError
from romfs.formats.memory import Memory

CHUNK = 0x1_0000
END_RECORD = ":00000001FF"

# Where an extended segment (02) or linear (04) address record begins.
_NEW_UPPER_ADDRESS = re.compile(r"(?m)^(?=[ \t]*:02[0-9A-Fa-f]{4}0[24])")
# Block start/end, padded and custom data records of a micro:bit Universal Hex.
_UNIVERSAL = re.compile(r"(?m)^[ \t]*:[0-9A-Fa-f]{6}0[A-Ea-e]")


@dataclass(frozen=True)
class HexFile:
    """A HEX file.

    Attributes:
        memory: Its data.
        start: The start address record: `{"EIP": n}` or `{"CS": n, "IP": n}`; empty
            without one.
    """

    memory: Memory
    start: dict[str, int] = field(default_factory=dict)


def read_hex(data: bytes) -> HexFile:
    """Read a HEX file, strictly.

    Raises:
        FormatError: A record is malformed or of an unknown type, a checksum is wrong, or
            the end record is missing or not last.
        OverlapError: Two records claim one address.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise FormatError("not Intel HEX: a byte is not ASCII", offset=error.start) from error
    lines = text.split()
    if not lines or not lines[0].startswith(":"):
        raise FormatError("not Intel HEX: the first record does not begin with ':'", offset=0)
    if _UNIVERSAL.search(text):
        raise FormatError(
            "this is a micro:bit Universal Hex, several firmwares in one file; "
            "separate it first and use the part of one board"
        )
    ends = [number for number, line in enumerate(lines) if line.upper() == END_RECORD]
    if not ends:
        raise FormatError("the end record is missing: the file is truncated", offset=len(data))
    if ends[0] != len(lines) - 1:
        raise FormatError(f"records follow the end record in line {ends[0] + 1}")
    memory = Memory()
    start: dict[str, int] = {}
    line = 1
    for piece in _NEW_UPPER_ADDRESS.split(text):
        part = IntelHex()
        try:
            part.loadhex(io.StringIO(piece))
        except LibraryError as error:
            # The library counts lines from the piece's first.
            raise FormatError(f"Intel HEX: {_renumbered(str(error), line - 1)}") from error
        for low, high in part.segments():
            memory.add(low, part.tobinstr(low, high - 1), what=f"HEX data from line {line} on")
        if part.start_addr:
            if start and start != part.start_addr:
                raise FormatError("Intel HEX: two different start address records")
            start = dict(part.start_addr)
        line += piece.count("\n")
    return HexFile(memory, start)


def write_hex(file: HexFile) -> bytes:
    """A HEX file of 16-byte records with LF line ends; the same input gives the same bytes."""
    out = io.StringIO()
    if file.start:
        head = IntelHex()
        head.start_addr = dict(file.start)
        _write(head, out)
    for block in file.memory.blocks(CHUNK).values():
        part = IntelHex()
        for address, data in block:
            part.frombytes(data, offset=address)
        _write(part, out)
    out.write(END_RECORD + "\n")
    return out.getvalue().encode("ascii")


def _renumbered(message: str, before: int) -> str:
    """The message with the line number it names counted from the start of the file."""
    return re.sub(r"line (\d+)", lambda found: f"line {int(found[1]) + before}", message)


def _write(part: IntelHex, out: io.StringIO) -> None:
    """Write all records of a part but its end record."""
    text = io.StringIO()
    part.write_hex_file(text)
    out.write(text.getvalue().removesuffix(END_RECORD + "\n"))
