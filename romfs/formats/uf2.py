"""UF2: 512-byte blocks, each with an address, made for drag and drop.

Files for several chip families may be concatenated; a bootloader takes the blocks of its
own family. So a file is read as one memory for each family.

Source: UF2 specification (github.com/microsoft/uf2); picotool for the RP2350-E10 block.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field

from romfs.errors import FormatError, OverlapError
from romfs.formats.memory import ADDRESS_LIMIT, Memory

BLOCK = 512
DATA_OFFSET = 32
DATA_SIZE = 476
PAGE = 256
"""Payload bytes of each block we write: the size every bootloader takes."""

MAGIC_0 = 0x0A324655
MAGIC_1 = 0x9E5D5157
MAGIC_END = 0x0AB16F30

NOT_MAIN_FLASH = 0x0001
FILE_CONTAINER = 0x1000
FAMILY_PRESENT = 0x2000
MD5_PRESENT = 0x4000
TAGS_PRESENT = 0x8000

RP2_FAMILIES = {
    0xE48BFF56: "RP2040",
    0xE48BFF57: "RP2XXX absolute",
    0xE48BFF58: "RP2XXX data",
    0xE48BFF59: "RP2350 Arm secure",
    0xE48BFF5A: "RP2350 RISC-V",
    0xE48BFF5B: "RP2350 Arm non-secure",
}
RP2350_FAMILIES = frozenset((0xE48BFF59, 0xE48BFF5A, 0xE48BFF5B))
RP2_SECTOR = 4096

ABSOLUTE_FAMILY = 0xE48BFF57
# The tag telling picotool that an absolute block carries nothing, and its usual address,
# the last page of the 16 MiB window. Source: picotool, gen_abs_block().
RP2_IGNORE_TAG = 0x9957E3
ABSOLUTE_ADDRESS = 0x10FF_FF00
_ABSOLUTE_PAYLOAD = b"\xef" * PAGE


@dataclass
class Uf2File:
    """A UF2 file.

    Attributes:
        families: Family id -> its memory, in file order; the id is None where blocks
            carry none.
        absolute_block: Address of the RP2350-E10 block, or None. It is written first,
            and works around a fault of stepping A2 of the chip (drag and drop with a
            partition table); it programs no data of its own.
        tags: Family id -> extension tags, type to value.
        skipped: Blocks marked as not for main flash, left out.
    """

    families: dict[int | None, Memory] = field(default_factory=dict)
    absolute_block: int | None = None
    tags: dict[int | None, dict[int, bytes]] = field(default_factory=dict)
    skipped: int = 0


@dataclass
class _Run:
    """Blocks numbered together; a family has several when files were concatenated."""

    total: int
    seen: dict[int, tuple[int, bytes]] = field(default_factory=dict)


def family_name(family: int | None) -> str:
    """A family for people to read."""
    if family is None:
        return "no family id"
    name = RP2_FAMILIES.get(family)
    return f"family {family:#010x}" + (f" ({name})" if name else "")


def is_uf2(data: bytes) -> bool:
    """Whether a file begins as a UF2 block does."""
    return data[:8] == struct.pack("<II", MAGIC_0, MAGIC_1)


def read_uf2(data: bytes) -> Uf2File:
    """Read a UF2 file and check every block, its numbering and its checksums.

    Raises:
        FormatError: A block is malformed, blocks are missing, or an MD5 does not match.
        OverlapError: Two blocks of one family claim one address with different data.
    """
    if not data or len(data) % BLOCK:
        raise FormatError(
            f"a UF2 file is whole blocks of {BLOCK} bytes, this one has {len(data) % BLOCK} "
            f"bytes over"
            if data
            else "the file is empty: no UF2 block",
            offset=len(data) - len(data) % BLOCK,
        )
    file = Uf2File()
    runs: dict[int | None, list[_Run]] = {}
    regions: dict[int | None, dict[tuple[int, int], bytes]] = {}
    for offset in range(0, len(data), BLOCK):
        block = data[offset : offset + BLOCK]
        magic_0, magic_1, flags, address, size, number, total, last = struct.unpack_from(
            "<8I", block
        )
        (magic_end,) = struct.unpack_from("<I", block, BLOCK - 4)
        if (magic_0, magic_1, magic_end) != (MAGIC_0, MAGIC_1, MAGIC_END):
            raise FormatError("a UF2 block has wrong magic numbers", offset=offset)
        if flags & FILE_CONTAINER:
            raise FormatError(
                "this UF2 file carries files for a file system, not flash content", offset=offset
            )
        family = last if flags & FAMILY_PRESENT else None
        if size > DATA_SIZE - (24 if flags & MD5_PRESENT else 0):
            raise FormatError(f"a UF2 block claims {size} payload bytes", offset=offset)
        if number >= total:
            raise FormatError(f"UF2 block number {number} of {total}", offset=offset)
        payload = block[DATA_OFFSET : DATA_OFFSET + size]
        tags = _read_tags(block, size, offset) if flags & TAGS_PRESENT else {}
        if family == ABSOLUTE_FAMILY and _is_ignored(payload, number, total, flags, tags):
            file.absolute_block = address
            continue
        if flags & MD5_PRESENT:
            start, length = struct.unpack_from("<II", block, BLOCK - 28)
            regions.setdefault(family, {})[start, length] = block[BLOCK - 20 : BLOCK - 4]
        if tags:
            file.tags.setdefault(family, {}).update(tags)
        _number(runs.setdefault(family, []), number, total, address, payload, offset)
        if flags & NOT_MAIN_FLASH:
            file.skipped += 1
            continue
        _place(file.families.setdefault(family, Memory()), address, payload, family)
    for family, of_family in runs.items():
        for run in of_family:
            if len(run.seen) < run.total:
                missing = next(n for n in range(run.total) if n not in run.seen)
                raise FormatError(
                    f"UF2 {family_name(family)}: {run.total - len(run.seen)} of {run.total} "
                    f"blocks are missing, first is number {missing}; the file is truncated"
                )
    for family, checksums in regions.items():
        _check_md5(file.families.get(family, Memory()), checksums, family)
    return file


def _number(
    runs: list[_Run], number: int, total: int, address: int, payload: bytes, offset: int
) -> None:
    """Note a block's number in its run, or begin the next run."""
    run = runs[-1] if runs else None
    repeated = run is not None and run.seen.get(number) == (address, payload)
    complete = run is not None and len(run.seen) == run.total
    if run is None or run.total != total or (complete and not repeated):
        run = _Run(total)
        runs.append(run)
    if run.seen.setdefault(number, (address, payload)) != (address, payload):
        raise FormatError(f"two different UF2 blocks have number {number}", offset=offset)


def _place(memory: Memory, address: int, payload: bytes, family: int | None) -> None:
    try:
        memory.add(address, payload, what=f"UF2 block ({family_name(family)})")
    except OverlapError:
        # A block that is there twice, as some writers make, changes nothing.
        if not memory.holds(address, payload):
            raise


def _is_ignored(
    payload: bytes, number: int, total: int, flags: int, tags: dict[int, bytes]
) -> bool:
    """Whether this is the RP2350-E10 block. Source: picotool, check_abs_block()."""
    return (
        payload == _ABSOLUTE_PAYLOAD
        and (number, total) == (0, 2)
        and (not flags & TAGS_PRESENT or RP2_IGNORE_TAG in tags)
    )


def _read_tags(block: bytes, size: int, offset: int) -> dict[int, bytes]:
    """The extension tags after the payload, each on a 4-byte boundary."""
    tags: dict[int, bytes] = {}
    at = DATA_OFFSET + size + (-size % 4)
    while at + 4 <= DATA_OFFSET + DATA_SIZE:
        length, kind = block[at], int.from_bytes(block[at + 1 : at + 4], "little")
        if (length, kind) in ((0xFF, 0xFFFFFF), (0, 0)):
            break
        if length < 4 or at + length > DATA_OFFSET + DATA_SIZE:
            raise FormatError(f"UF2 extension tag of {length} bytes", offset=offset + at)
        tags[kind] = block[at + 4 : at + length]
        at += length + (-length % 4)
    return tags


def _check_md5(memory: Memory, checksums: dict[tuple[int, int], bytes], family: int | None) -> None:
    """Check what can be: a region may reach beyond what the file holds."""
    for (start, length), wanted in checksums.items():
        region = memory.read(start, length)
        if region is None:
            continue
        if hashlib.md5(region, usedforsecurity=False).digest() != wanted:
            raise FormatError(
                f"UF2 {family_name(family)}: MD5 of {start:#x}..{start + length:#x} does not "
                f"match; the file is damaged"
            )


def write_uf2(file: Uf2File, *, fill: int = 0xFF) -> bytes:
    """Write a UF2 file, families one after the other, each numbered from 0.

    Pages are 256 bytes at multiples of 256; bytes of a page that are not given are
    `fill`. For the RP2 chips whole 4 KiB sectors are written: their boot ROM loses data
    when a sector in the middle is only partly filled (erratum RP2040-E14).

    Raises:
        FormatError: There is nothing to write, or a tag is too long for a block.
    """
    out = bytearray()
    if file.absolute_block is not None:
        out += _block(
            file.absolute_block,
            _ABSOLUTE_PAYLOAD,
            0,
            2,
            ABSOLUTE_FAMILY,
            # Without the rounding of other tags: picotool compares these four bytes.
            struct.pack("<I", RP2_IGNORE_TAG << 8 | 4),
        )
    for family, memory in file.families.items():
        unit = RP2_SECTOR if family in RP2_FAMILIES else PAGE
        pages = {
            page: part.flat(fill=fill, start=page, end=page + PAGE)
            for sector, content in memory.blocks(unit).items()
            for page in range(sector, min(sector + unit, ADDRESS_LIMIT), PAGE)
            for part in (content.window(page, page + PAGE),)
        }
        tags = b"".join(
            _tag(kind, value)
            for kind, value in sorted(file.tags.get(family, {}).items())
            if kind != RP2_IGNORE_TAG
        )
        if len(tags) > DATA_SIZE - PAGE:
            raise FormatError(
                f"UF2 extension tags take {len(tags)} bytes, a block has {DATA_SIZE - PAGE}"
            )
        for number, (address, page_bytes) in enumerate(pages.items()):
            # Tags need not be repeated in every block.
            block_tags = tags if number == 0 else b""
            out += _block(address, page_bytes, number, len(pages), family, block_tags)
    if not out:
        raise FormatError("nothing to write: a UF2 file needs at least one block")
    return bytes(out)


def _tag(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    if length > 0xFE:
        raise FormatError(f"UF2 extension tag {kind:#08x} of {length} bytes is too long")
    return bytes([length]) + kind.to_bytes(3, "little") + value + bytes(-length % 4)


def _block(
    address: int, payload: bytes, number: int, total: int, family: int | None, tags: bytes = b""
) -> bytes:
    flags = (FAMILY_PRESENT if family is not None else 0) | (TAGS_PRESENT if tags else 0)
    head = struct.pack(
        "<8I", MAGIC_0, MAGIC_1, flags, address, len(payload), number, total, family or 0
    )
    # Padding of zeros reads as the end of the tags.
    data = (payload + tags).ljust(DATA_SIZE, b"\0")
    return head + data + struct.pack("<I", MAGIC_END)
