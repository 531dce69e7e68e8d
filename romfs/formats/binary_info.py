"""What RP2 firmware says of itself: pico-sdk binary info, read from flash content.

A header with two markers lies near the start of the firmware and points to an array of
pointers to entries. MicroPython lists its flash partitions there as block devices, among
them one named ROMFS when the firmware was built with `MICROPY_HW_ROMFS_BYTES`.

Source: pico-sdk, src/common/pico_binary_info (defs.h, structure.h); MicroPython
ports/rp2/rp2_flash.c.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from romfs.errors import FormatError
from romfs.formats.memory import Memory

XIP_BASE = 0x1000_0000
MARKER_START = 0x7188_EBF2
MARKER_END = 0xE71A_A390
SEARCH = 4096
"""Bytes from the start of flash searched for the header; the SDK puts it in the first 1 KiB."""

_TYPE_INT, _TYPE_STRING, _TYPE_BLOCK_DEVICE = 5, 6, 7
_TAG_RASPBERRY_PI = 0x5052
_ID_PROGRAM_NAME = 0x0203_1C86
_ID_PROGRAM_VERSION = 0x11A9_BC3A
_ID_BOARD = 0xB63C_FFBB
_ID_BINARY_END = 0x68F4_65DE
_MANY = 4096
"""More entries, or rows to copy at start-up, than any firmware has."""


@dataclass(frozen=True)
class BlockDevice:
    """A stretch of flash the firmware uses as a device.

    Attributes:
        name: "MicroPython" is the writable filesystem, "ROMFS" the partition.
        address: Where the CPU reads it.
        size: Bytes.
    """

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class BinaryInfo:
    """The entries that matter here.

    Attributes:
        devices: Block devices, in the order listed.
        program: Name and version of the firmware, or None.
        board: pico-sdk name of the board it is built for, or None.
        end: First address after the firmware, or None.
    """

    devices: tuple[BlockDevice, ...] = ()
    program: str | None = None
    version: str | None = None
    board: str | None = None
    end: int | None = None

    @property
    def romfs(self) -> BlockDevice | None:
        """The ROMFS partition, if the firmware has one."""
        return next((device for device in self.devices if device.name == "ROMFS"), None)


@dataclass
class _Reader:
    """Flash content seen at the addresses the program uses."""

    memory: Memory
    moved: list[tuple[int, int, int]] = field(default_factory=list)

    def read(self, address: int, length: int) -> bytes:
        for source, start, end in self.moved:
            if start <= address < end:
                address += source - start
                break
        data = self.memory.read(address, length)
        if data is None:
            raise FormatError(
                f"the binary info of this firmware points to {address:#x}, where the file has "
                "nothing; it is truncated or damaged"
            )
        return data

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def text(self, address: int) -> str:
        out = bytearray()
        while len(out) < 256 and (byte := self.read(address + len(out), 1)) != b"\0":
            out += byte
        return out.decode("utf-8", "replace")


def find_header(memory: Memory, start: int | None = None) -> int | None:
    """Address of the header near the start of flash content, or None without one."""
    for segment in memory:
        if start is None or segment.address <= start < segment.end:
            skip = 0 if start is None else start - segment.address
            window = segment.data[skip : skip + SEARCH]
            mark = struct.pack("<I", MARKER_START)
            at = window.find(mark)
            while at >= 0:
                if window[at + 16 : at + 20] == struct.pack("<I", MARKER_END):
                    return segment.address + skip + at
                at = window.find(mark, at + 1)
    return None


def read_binary_info(memory: Memory) -> BinaryInfo | None:
    """Read the binary info of flash content; None if it has none.

    Raises:
        FormatError: It points outside what the file holds.
    """
    header = find_header(memory)
    if header is None:
        return None
    reader = _Reader(memory)
    start, end, mapping = struct.unpack("<3I", reader.read(header + 4, 12))
    if not 0 <= end - start <= 4 * _MANY or (end - start) % 4:
        raise FormatError(f"the binary info of this firmware is damaged: {start:#x}..{end:#x}")
    if mapping:
        for _ in range(_MANY):
            row = struct.unpack("<3I", reader.read(mapping, 12))
            if not row[0]:
                break
            reader.moved.append((row[0], row[1], row[2]))
            mapping += 12
    return _collect(reader, start, end)


def _collect(reader: _Reader, start: int, end: int) -> BinaryInfo:
    devices: list[BlockDevice] = []
    texts: dict[int, str] = {}
    binary_end = None
    for address, kind, tag in _entries(reader, start, end):
        if kind == _TYPE_BLOCK_DEVICE:
            name, at, size = struct.unpack("<3I", reader.read(address + 4, 12))
            devices.append(BlockDevice(reader.text(name) if name else "", at, size))
        elif kind == _TYPE_STRING and tag == _TAG_RASPBERRY_PI:
            name, value = struct.unpack("<II", reader.read(address + 4, 8))
            texts[name] = reader.text(value)
        elif kind == _TYPE_INT and tag == _TAG_RASPBERRY_PI:
            name, value = struct.unpack("<II", reader.read(address + 4, 8))
            if name == _ID_BINARY_END:
                binary_end = value
    return BinaryInfo(
        tuple(devices),
        texts.get(_ID_PROGRAM_NAME),
        texts.get(_ID_PROGRAM_VERSION),
        texts.get(_ID_BOARD),
        binary_end,
    )


def _entries(reader: _Reader, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Address, type and tag of each entry."""
    for pointer in range(start, end, 4):
        address = reader.word(pointer)
        kind, tag = struct.unpack("<HH", reader.read(address, 4))
        yield address, kind, tag
