"""Firmware files made up for tests, as the build systems lay them out."""

from __future__ import annotations

import hashlib
import struct
from functools import reduce
from operator import xor

from romfs.formats import esp
from romfs.formats.esp import EspPartition, PartitionTable

RP2_ROMFS = (0x1008_0000, 0x2_0000)

EMPTY_IMAGE = b"\xd2\xcd\x31\x00"


def romfs_image(size: int) -> bytes:
    """A ROMFS image of about `size` bytes: one file of counting bytes."""
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)

    def varuint(value: int) -> bytes:
        out = [value & 0x7F]
        while value := value >> 7:
            out.insert(0, 0x80 | value & 0x7F)
        return bytes(out)

    def record(kind: bytes, payload: bytes) -> bytes:
        return kind + varuint(len(payload)) + payload

    name = b"data.bin"
    file = record(b"\x05", varuint(len(name)) + name + record(b"\x02", data))
    return b"\xd2\xcd\x31" + varuint(len(file)) + file


def rp2_firmware(
    *,
    romfs: tuple[int, int] | None = RP2_ROMFS,
    base: int = 0x1000_0000,
    header_at: int = 0x1D8,
    size: int = 0x3000,
) -> bytes:
    """RP2 firmware with binary info; one of its strings is seen through RAM."""
    out = bytearray(b"\x5a" * size)
    entries_at, data_at, mapping_at = 0x1000, 0x1100, 0x1080
    # A row of the copy table: what is at data_at in flash runs at 0x2000_0000.
    out[mapping_at : mapping_at + 16] = struct.pack(
        "<4I", base + data_at, 0x2000_0000, 0x2000_0400, 0
    )
    pointers: list[int] = []
    at = data_at

    def put(data: bytes) -> int:
        nonlocal at
        out[at : at + len(data)] = data
        address = 0x2000_0000 + at - data_at
        at += -(-len(data) // 4) * 4
        return address

    def device(name: bytes, address: int, length: int) -> None:
        text = put(name + b"\0")
        entry = struct.pack("<HHIIIIH", 7, 0x504D, text, address, length, 0, 1)
        pointers.append(put(entry))

    device(b"MicroPython", 0x100A_0000, 0x16_0000)
    if romfs is not None:
        device(b"ROMFS", *romfs)
    pointers.append(put(struct.pack("<HHII", 6, 0x5052, 0xB63C_FFBB, put(b"pico\0"))))
    pointers.append(put(struct.pack("<HHII", 5, 0x5052, 0x68F4_65DE, base + size)))
    out[entries_at : entries_at + 4 * len(pointers)] = struct.pack(f"<{len(pointers)}I", *pointers)
    out[header_at : header_at + 20] = struct.pack(
        "<5I",
        0x7188_EBF2,
        base + entries_at,
        base + entries_at + 4 * len(pointers),
        base + mapping_at,
        0xE71A_A390,
    )
    return bytes(out)


def esp_image(chip: int, *, size: int = 3000, flash: int = 2, hashed: bool = True) -> bytes:
    """An ESP32 program image of one segment; `flash` counts doublings of 1 MiB."""
    data = (bytes(range(256)) * (size // 256 + 1))[: size - size % 4]
    head = struct.pack(
        "<BBBBI4sHBHH4sB", 0xE9, 1, 2, flash << 4, 0x4008_0000, b"\xee\0\0\0", chip,
        0, 0, 0xFFFF, bytes(4), hashed,
    )  # fmt: skip
    body = head + struct.pack("<II", 0x3F40_0020, len(data)) + data
    body += bytes(15 - len(body) % 16) + bytes([reduce(xor, data, 0xEF)])
    return body + (hashlib.sha256(body).digest() if hashed else b"")


DEFAULT_TABLE = (
    EspPartition(1, 2, 0x9000, 0x6000, "nvs"),
    EspPartition(1, 1, 0xF000, 0x1000, "phy_init"),
    EspPartition(0, 0, 0x1_0000, 0x1F_0000, "factory"),
)
ROMFS_TABLE = (
    *DEFAULT_TABLE[:2],
    EspPartition(0, 0, 0x1_0000, 0x1D_0000, "factory"),
    EspPartition(1, 0x8F, 0x1E_0000, 0x2_0000, "romfs"),
)
"""Upstream's partitions-4MiB.csv and partitions-4MiB-romfs.csv."""


def esp_parts(
    chip: int = 9, rows: tuple[EspPartition, ...] = ROMFS_TABLE, app_size: int = 9000
) -> list[tuple[int, bytes]]:
    """Flash offsets and content: bootloader, table, program."""
    return [
        (esp.CHIPS[chip][1], esp_image(chip)),
        (0x8000, PartitionTable(rows).pack()),
        (0x1_0000, esp_image(chip, size=app_size)),
    ]


def esp_firmware(
    chip: int = 9, rows: tuple[EspPartition, ...] = ROMFS_TABLE, app_size: int = 9000
) -> bytes:
    """A firmware.bin: from the bootloader on, as upstream's makeimg.py joins it."""
    pieces = esp_parts(chip, rows, app_size)
    out = bytearray()
    for offset, data in pieces:
        out += b"\xff" * (offset - pieces[0][0] - len(out)) + data
    return bytes(out)
