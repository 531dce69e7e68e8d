"""ESP32 flash content: the partition table and the program images it points to.

Everything is at flash offsets. A firmware.bin of MicroPython begins not at offset 0 but
where the chip's ROM expects the bootloader, so its base differs from chip to chip.

Source: ESP-IDF, partition_table and esp_image_format.h; esptool for bootloader offsets.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import xor

from romfs.errors import DoesNotFit, FormatError
from romfs.formats.memory import Memory
from romfs.sizes import show_size

TABLE_OFFSET = 0x8000
TABLE_SECTOR = 0x1000
TABLE_SIZE = 0xC00
SECTOR = 0x1000
APP, DATA = 0, 1
ROMFS_SUBTYPE = 0x8F
"""The subtype upstream's table gives the partition; the firmware looks at the label only."""

_ROW = struct.Struct("<2sBBII16sI")
_ROW_MAGIC = b"\xaa\x50"
_MD5_ROW = b"\xeb\xeb" + b"\xff" * 14
_END_ROW = b"\xff" * 32
_HEADER = struct.Struct("<BBBBI4sHBHH4sB")
_IMAGE_MAGIC = 0xE9

CHIPS = {
    0: ("ESP32", 0x1000),
    2: ("ESP32-S2", 0x1000),
    5: ("ESP32-C3", 0),
    9: ("ESP32-S3", 0),
    12: ("ESP32-C2", 0),
    13: ("ESP32-C6", 0),
    16: ("ESP32-H2", 0),
    18: ("ESP32-P4", 0x2000),
    20: ("ESP32-C61", 0),
    23: ("ESP32-C5", 0x2000),
}
"""Chip id in an image -> name, and flash offset of the bootloader."""

BASES = (0, 0x1000, 0x2000)
"""Flash offsets at which a firmware file may begin."""


@dataclass(frozen=True)
class EspPartition:
    """A row of the table; offset and size in bytes of flash."""

    type: int
    subtype: int
    offset: int
    size: int
    label: str
    flags: int = 0

    @property
    def end(self) -> int:
        """First offset after it."""
        return self.offset + self.size

    def pack(self) -> bytes:
        """The row as stored."""
        return _ROW.pack(
            _ROW_MAGIC,
            self.type,
            self.subtype,
            self.offset,
            self.size,
            self.label.encode(),
            self.flags,
        )


@dataclass(frozen=True)
class PartitionTable:
    """The partition table.

    Attributes:
        rows: In the order stored.
        md5: Whether a checksum row follows them, as ESP-IDF writes since version 3.1.
    """

    rows: tuple[EspPartition, ...]
    md5: bool = True

    def find(self, label: str) -> EspPartition | None:
        """The partition of that label."""
        return next((row for row in self.rows if row.label == label), None)

    @property
    def romfs(self) -> EspPartition | None:
        """Where MicroPython looks: type data, label "romfs". Source: boards.md section 5."""
        return next((row for row in self.rows if row.type == DATA and row.label == "romfs"), None)

    @property
    def end(self) -> int:
        """First flash offset after all partitions."""
        return max((row.end for row in self.rows), default=TABLE_OFFSET + TABLE_SECTOR)

    def pack(self) -> bytes:
        """The table as stored, 0xC00 bytes.

        Raises:
            FormatError: It has too many rows.
        """
        body = b"".join(row.pack() for row in self.rows)
        if self.md5:
            body += _MD5_ROW + hashlib.md5(body, usedforsecurity=False).digest()
        if len(body) > TABLE_SIZE - len(_END_ROW):
            raise FormatError(f"a partition table of {len(self.rows)} rows is too long")
        return body.ljust(TABLE_SIZE, b"\xff")

    def check(self) -> None:
        """Check that partitions have names of their own and lie apart, on whole sectors.

        Raises:
            FormatError: They do not.
        """
        last = TABLE_OFFSET + TABLE_SECTOR
        before = "the partition table"
        seen: set[str] = set()
        # Types 2 and 3 name the bootloader and this table itself.
        placed = [row for row in self.rows if row.type not in (2, 3)]
        for row in sorted(placed, key=lambda row: row.offset):
            if row.label in seen:
                raise FormatError(f"two partitions are named {row.label!r}")
            seen.add(row.label)
            if row.offset < last:
                raise FormatError(
                    f"partition {row.label!r} at {row.offset:#x} overlaps {before} by "
                    f"{show_size(last - row.offset)}"
                )
            if row.offset % (0x1_0000 if row.type == APP else SECTOR):
                raise FormatError(f"partition {row.label!r} at {row.offset:#x} is not aligned")
            last, before = row.end, f"partition {row.label!r}"


def read_table(data: bytes) -> PartitionTable:
    """Read a partition table from the bytes at its place.

    Raises:
        FormatError: A row is malformed, the checksum is wrong, or there is no end.
    """
    rows: list[EspPartition] = []
    md5 = False
    for at in range(0, TABLE_SIZE, 32):
        row = data[at : at + 32]
        if len(row) < 32:
            break
        if row == _END_ROW:
            table = PartitionTable(tuple(rows), md5)
            table.check()
            return table
        if md5:
            raise FormatError("rows follow the checksum of the partition table", offset=at)
        if row[:16] == _MD5_ROW:
            if hashlib.md5(data[:at], usedforsecurity=False).digest() != row[16:]:
                raise FormatError(
                    "the partition table is damaged: its MD5 does not match", offset=at
                )
            md5 = True
            continue
        magic, kind, subtype, offset, size, label, flags = _ROW.unpack(row)
        if magic != _ROW_MAGIC:
            raise FormatError("a row of the partition table is malformed", offset=at)
        name = label.split(b"\0", 1)[0].decode("utf-8", "replace")
        rows.append(EspPartition(kind, subtype, offset, size, name, flags))
    raise FormatError("the partition table has no end: it is truncated", offset=len(data))


def find_base(data: bytes) -> int | None:
    """The flash offset at which a firmware file begins, or None if it is not for ESP32.

    Told by where the partition table is, which is at one flash offset on all chips.
    """
    marked = [base for base in BASES if data[TABLE_OFFSET - base :][:2] == _ROW_MAGIC]
    for base in marked:
        with contextlib.suppress(FormatError):
            read_table(data[TABLE_OFFSET - base :][:TABLE_SIZE])
            return base
    # A damaged table is one, too: whoever reads it is told what is wrong.
    return marked[0] if marked and data[:1] == bytes([_IMAGE_MAGIC]) else None


def table_of(memory: Memory) -> PartitionTable | None:
    """The partition table of flash content; None if there is none at its place.

    Raises:
        FormatError: There is one, and it is malformed.
    """
    if memory.read(TABLE_OFFSET, 2) != _ROW_MAGIC:
        return None
    length = min(TABLE_SIZE, memory.window(TABLE_OFFSET, TABLE_OFFSET + TABLE_SIZE).size)
    return read_table(memory.read(TABLE_OFFSET, length) or b"")


@dataclass(frozen=True)
class EspImage:
    """A program image.

    Attributes:
        chip: Chip id.
        size: Bytes with checksum and hash.
        flash_size: Bytes of flash it was built for, or None if it does not say.
    """

    chip: int
    size: int
    flash_size: int | None

    @property
    def chip_name(self) -> str:
        """Name of the chip."""
        return CHIPS[self.chip][0] if self.chip in CHIPS else f"chip {self.chip}"


def check_image(memory: Memory, offset: int, what: str) -> EspImage:
    """Check a program image: header, segments, checksum and hash.

    Args:
        memory: Flash content.
        offset: Where the image begins.
        what: Names it in an error.
    Raises:
        FormatError: It is malformed, truncated or damaged.
    """
    head = memory.read(offset, _HEADER.size)
    if head is None or head[0] != _IMAGE_MAGIC:
        raise FormatError(f"no program image at {offset:#x}, where {what} is")
    _, segments, _, size_and_speed, *_, hashed = _HEADER.unpack(head)
    chip = _HEADER.unpack(head)[6]
    at = offset + _HEADER.size
    checksum = 0xEF
    for _ in range(segments):
        at, checksum = _segment(memory, at, checksum, what)
    at += 15 - at % 16
    stored = memory.read(at, 1)
    at += 1
    digest = memory.read(at, 32) if hashed else b""
    if stored is None or digest is None:
        raise FormatError(f"{what} is truncated")
    if stored[0] != checksum:
        raise FormatError(
            f"{what} is damaged: its checksum is {stored[0]:#04x}, its content has {checksum:#04x}"
        )
    whole = memory.read(offset, at - offset)
    if hashed and whole is not None and hashlib.sha256(whole).digest() != digest:
        raise FormatError(f"{what} is damaged: its SHA-256 does not match")
    # High half of byte 3: 1 MiB shifted. Source: esp_image_flash_size_t.
    shift = size_and_speed >> 4
    flash_size = 1 << 20 << shift if shift <= 7 else None
    return EspImage(chip, at + len(digest) - offset, flash_size)


def _segment(memory: Memory, at: int, checksum: int, what: str) -> tuple[int, int]:
    head = memory.read(at, 8)
    length = int.from_bytes(head[4:], "little") if head else 0
    data = memory.read(at + 8, length) if head else None
    if data is None:
        raise FormatError(f"{what} is truncated or damaged: a segment at {at:#x} is not all there")
    # XOR of all bytes, eight columns at a time: a megabyte in Python's own loop is slow.
    folded = reduce(xor, memoryview(data[: len(data) - len(data) % 8]).cast("Q"), 0)
    for byte in (*folded.to_bytes(8, "little"), *data[len(data) - len(data) % 8 :]):
        checksum ^= byte
    return at + 8 + length, checksum


def check_firmware(memory: Memory, table: PartitionTable) -> EspImage | None:
    """Check every program image of which the flash content holds the start.

    Returns:
        The first one, the bootloader where it is there.
    Raises:
        FormatError: One is damaged, larger than its partition, or they are for different
            chips.
    """
    found: list[tuple[str, EspImage]] = []
    for base in sorted(set(BASES)):
        start = memory.read(base, 1)
        if start == bytes([_IMAGE_MAGIC]) and base < TABLE_OFFSET:
            image = check_image(memory, base, "the bootloader")
            if CHIPS.get(image.chip, ("", base))[1] != base:
                raise FormatError(
                    f"the bootloader at {base:#x} is for {image.chip_name}, which expects it at "
                    f"{CHIPS[image.chip][1]:#x}"
                )
            found.append(("the bootloader", image))
            break
    for row in table.rows:
        if row.type == APP and memory.read(row.offset, 1) == bytes([_IMAGE_MAGIC]):
            what = f"the program in partition {row.label!r}"
            image = check_image(memory, row.offset, what)
            if image.size > row.size:
                raise DoesNotFit(
                    f"{what} is {show_size(image.size)}, the partition holds "
                    f"{show_size(row.size)} ({show_size(image.size - row.size)} over)"
                )
            found.append((what, image))
    for what, image in found[1:]:
        if image.chip != found[0][1].chip:
            raise FormatError(
                f"{found[0][0]} is for {found[0][1].chip_name}, {what} for {image.chip_name}: "
                "parts of different boards"
            )
    return found[0][1] if found else None


def with_romfs(
    table: PartitionTable,
    size: int,
    *,
    flash_size: int | None,
    offset: int | None = None,
    shrink: str | None = None,
    used: Iterable[tuple[str, int]] = (),
) -> PartitionTable:
    """The table with a partition "romfs" in it.

    Args:
        table: A table that has none.
        size: Bytes, whole sectors.
        flash_size: Bytes of flash, or None if unknown.
        offset: Where to put it; after the last partition unless given.
        shrink: Label of a partition whose end is given up for it.
        used: Labels and bytes taken by what is stored in partitions.
    Raises:
        FormatError: It overlaps, or there is one already.
        DoesNotFit: There is no room.
    """
    if table.romfs is not None:
        raise FormatError(
            f"the table has a partition 'romfs' already, at {table.romfs.offset:#x} with "
            f"{show_size(table.romfs.size)}"
        )
    if size <= 0 or size % SECTOR:
        raise FormatError(f"a partition of {size} bytes is not whole sectors of {SECTOR}")
    rows = list(table.rows)
    if shrink is not None:
        row = table.find(shrink)
        if row is None:
            labels = ", ".join(row.label for row in table.rows)
            raise FormatError(f"no partition {shrink!r} to shrink; there are {labels}")
        room = row.size - dict(used).get(shrink, 0)
        if size > room:
            raise DoesNotFit(
                f"partition {shrink!r} can give up {show_size(room // SECTOR * SECTOR)}, "
                f"{show_size(size)} are asked for"
            )
        rows[rows.index(row)] = replace(row, size=row.size - size)
        offset = row.end - size if offset is None else offset
    at = -(-table.end // SECTOR) * SECTOR if offset is None else offset
    if flash_size is not None and at + size > flash_size:
        raise DoesNotFit(
            f"a partition of {show_size(size)} at {at:#x} ends "
            f"{show_size(at + size - flash_size)} beyond the {show_size(flash_size)} of flash; "
            "take the room from another partition with --shrink"
        )
    new = EspPartition(DATA, ROMFS_SUBTYPE, at, size, "romfs")
    place = next((i for i, row in enumerate(rows) if row.offset > at), len(rows))
    rows.insert(place, new)
    made = PartitionTable(tuple(rows), table.md5)
    made.check()
    return made
