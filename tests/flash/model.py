"""A device without a process: its own Python source, run by CPython, over modelled flash.

The drivers and functions that are sent to real boards run here unchanged, against the
flash of the virtual board. So thousands of power cuts take seconds, and what they prove
holds for the code that ships.
"""

from __future__ import annotations

import builtins
import io
import re
import types
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boards
from boards import Board
from flash.board.assembly import Assembly, assemble
from flash.board.drivers import Refused, Segment
from flash.board.nor import NorFlash
from flash.link import Link
from flash.probe import FEATURES, DeviceInfo
from flash.probe import Segment as SegmentInfo
from flash.serial_repl import DeviceError, Repl
from flash.target import Target, resolve
from flash.typed import TypedTransport
from romfs.records import MAGIC, Kind, encode_padding, encode_record
from romfs.varuint import encode_varuint

Files = dict[str, bytes]


def make_image(files: Mapping[str, bytes], *, head: int = 0) -> bytes:
    """An image of flat files; `head` bytes of padding come first."""
    body = encode_padding(head)
    for name, data in files.items():
        content = encode_record(Kind.DATA_VERBATIM, data)
        body += encode_record(Kind.FILE, encode_varuint(len(name)) + name.encode() + content)
    length = encode_varuint(len(body))
    odd = (len(MAGIC) + len(length) + len(body)) % 2
    return MAGIC + b"\x80" * odd + length + body


def seen(partition: bytes) -> Files | None:
    """What a device would show of a partition: names and contents; None: it does not mount.

    As lenient as the firmware: whatever does not decode ends the listing.
    Source: MicroPython extmod/vfs_rom.c.
    """
    if partition[:3] != MAGIC:
        return None
    length, at = _varuint(partition, 3, len(partition))
    if at is None or at + length > len(partition):
        return None
    files: Files = {}
    end = at + length
    while at is not None and at < end:
        kind, start = _varuint(partition, at, end)
        if start is None or kind == 0:
            break
        size, start = _varuint(partition, start, end)
        if start is None:
            break
        at = start + size
        if kind == Kind.FILE:
            n, start = _varuint(partition, start, at)
            if start is None:
                break
            name = partition[start : start + n].decode("utf-8", "replace")
            data = _data(partition, start + n, at)
            if data is None:
                break
            files[name] = data
    return files


def _data(partition: bytes, at: int, end: int) -> bytes | None:
    kind, start = _varuint(partition, at, end)
    if start is None or kind != Kind.DATA_VERBATIM:
        return None
    size, start = _varuint(partition, start, end)
    return None if start is None else partition[start : start + size]


def _varuint(data: bytes, at: int, end: int) -> tuple[int, int | None]:
    value = 0
    while at < end:
        value = (value << 7 | data[at] & 0x7F) & 0xFFFFFFFF
        at += 1
        if data[at - 1] < 0x80:
            return value, at
    return 0, None


class Device:
    """One board's firmware interface over its flash, as the code sent to it finds it.

    Attributes:
        board: Its row.
        assembly: Its flash.
        flash: Memory of partition 0.
        target: Partition 0 as `flash.target` resolves it.
    """

    def __init__(self, board: str | Board, path: Path, *, size: int | None = None) -> None:
        row = boards.load(board) if isinstance(board, str) else board
        self.assembly: Assembly = assemble(row, path, size=size)
        self.board = self.assembly.board
        self.flash: NorFlash = self.assembly.segments[0]
        self.info = self._info()
        self.target: Target = resolve(self.info, self.info.segments[0], self.board)

    def _info(self) -> DeviceInfo:
        part = self.board.partitions[0]
        size = part.size or 0
        if part.is_block_device:
            kind = part.segment.rpartition(".")[2]
            segment = SegmentInfo(0, size, kind, part.block_size or 0)
        else:
            segment = SegmentInfo(
                0, size, "", -22 if part.min_prepare is None else part.min_prepare
            )
        return DeviceInfo(free=1 << 20, features=frozenset(FEATURES), segments=(segment,))

    def reset(self, content: bytes) -> None:
        """New power, `content` in the partition and nothing else, operations counted from 0."""
        supply = self.assembly.supply
        supply.restore()
        supply.log.clear()
        self.flash.load(content + b"\xff" * (self.window - len(content)))

    @property
    def window(self) -> int:
        """Bytes from partition start that tests look at; some partitions have 24 MiB."""
        return min(self.flash.geometry.size, 65536)

    def cut(self, number: int, *, torn: bool, seed: int = 0) -> None:
        """Ask for a power cut at operation `number` from now."""
        supply = self.assembly.supply
        number += supply.count
        supply.seed = seed
        supply.restore(cut_after=None if torn else number, tear=number if torn else None)

    def transport(self) -> TypedTransport:
        """A transport to partition 0 through the code that is sent to devices."""
        return TypedTransport(_LocalRepl(self), self.info, self.target)

    def close(self) -> None:
        """Let go of the flash file."""
        self.assembly.close()


class _View:
    """A memoryview segment: nothing is copied but what is looked at."""

    def __init__(self, flash: NorFlash) -> None:
        self._flash = flash

    def __getitem__(self, where: slice) -> bytes:
        stop = min(where.stop, self._flash.geometry.size)
        return self._flash.read(where.start, stop - where.start)


class _Object:
    """A block-device segment."""

    def __init__(self, device: Device, index: int) -> None:
        self._driver = device.assembly.driver
        self._index = index
        self._flash = device.flash
        self._block = device.board.partitions[index].block_size or 0

    def ioctl(self, op: int, arg: int) -> int | None:
        try:
            return self._driver.ioctl(self._index, op, arg)
        except Refused as refusal:
            raise OSError(refusal.errno) from None

    def readblocks(self, number: int, buffer: memoryview, offset: int = 0) -> None:
        buffer[:] = self._flash.read(number * self._block + offset, len(buffer))

    def writeblocks(self, number: int, data: memoryview, offset: int | None = None) -> int | None:
        try:
            return self._driver.writeblocks(self._index, number, bytes(data), offset)
        except Refused as refusal:
            raise OSError(refusal.errno) from None


class _NoLink:
    name = "model"
    baud = 115200
    sent = received = 0


class _LocalRepl(Repl):
    """Runs what would be sent, here."""

    def __init__(self, device: Device) -> None:
        link: Any = _NoLink()
        self.link: Link = link
        self._device = device
        self._out = io.StringIO()
        self._names: dict[str, Any] = {"__builtins__": self._builtins()}

    def _builtins(self) -> dict[str, Any]:
        vfs = types.ModuleType("vfs")
        vars(vfs).update(rom_ioctl=self._rom_ioctl, umount=lambda path: None)
        real = builtins.__import__

        def find(name: str, *args: Any) -> Any:
            return vfs if name == "vfs" else real(name, *args)

        def show(*words: object) -> None:
            self._out.write(" ".join(map(str, words)) + "\r\n")

        def view(buffer: Any) -> Any:
            return buffer if isinstance(buffer, _View) else memoryview(buffer)

        return {**vars(builtins), "__import__": find, "print": show, "memoryview": view}

    def _rom_ioctl(self, *args: Any) -> Any:
        plain = [bytes(arg) if isinstance(arg, memoryview) else arg for arg in args]
        answer = self._device.assembly.driver.rom_ioctl(plain)
        if not isinstance(answer, Segment):
            return answer
        if self._device.board.partitions[answer.index].is_block_device:
            return _Object(self._device, answer.index)
        return _View(self._device.flash)

    def run(self, code: str | bytes, timeout: float = 10.0) -> bytes:
        if isinstance(code, bytes):
            # CPython wants ASCII in bytes literals, MicroPython takes them as they are.
            code = re.sub(rb"[\x80-\xff]", lambda m: b"\\x%02x" % m[0][0], code).decode()
        self._out.seek(0)
        self._out.truncate()
        try:
            exec(compile(code, "<device>", "exec"), self._names)
        except (OSError, ValueError, NameError, SyntaxError) as error:
            raise DeviceError(f"on the device: {error!r}") from error
        return self._out.getvalue().encode()


def sums_of(image: bytes, target: Target, partition: bytes) -> list[int]:
    """What a device would answer when asked for the checksums a plan needs."""
    return [
        zlib.crc32(partition[at : min(at + size, len(image))])
        for at, size in target.blocks(len(image))
    ]
