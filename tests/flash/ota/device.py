"""The device's own update code, run by CPython over a modelled flash: thousands of boots a
second. The same files run in the real MicroPython in test_on_board.py.

Only what MicroPython brings is stood in for (`vfs`, `deflate`); nothing of the updater is.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import sys
import types
import zlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from flash.board.nor import NorFlash
from romfs.errors import TruncatedError
from romfs.image import Image
from romfs.records import MAGIC
from romfs.varuint import read_varuint

SOURCE = Path(__file__).parents[3] / "flash" / "device" / "ota"
RANGE, BLOCK, WHOLE, OVER, START = range(5)


class BlockDevice:
    """A segment as block-device boards hand it out."""

    def __init__(self, flash: NorFlash, unit: int, *, whole: bool) -> None:
        self.flash = flash
        self.unit = unit
        self.whole = whole

    def ioctl(self, op: int, arg: int) -> int:
        assert op == 6 and not self.whole
        self.flash.erase(arg * self.unit, self.unit)
        return 0

    def writeblocks(self, number: int, data: Any, offset: int | None = None) -> None:
        at = number * self.unit + (offset or 0)
        if offset is not None:
            self.flash.program(at, bytes(data))
            return
        assert self.whole and len(data) == self.unit
        # As samd does: read the erase unit, merge, erase, program all of it.
        start, size = self.flash.geometry.block_at(at)
        merged = bytearray(self.flash.read(start, size))
        merged[at - start : at - start + len(data)] = data
        self.flash.erase_block(start)
        self.flash.program(start, bytes(merged))


class Rom:
    """`vfs.VfsRom`: as little checked as the real one does."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        if bytes(data[:3]) != MAGIC:
            raise OSError(19)
        try:
            length, start = read_varuint(data, 3)
        except (TruncatedError, ValueError):
            raise OSError(19) from None
        if start + length > len(data):
            raise OSError(19)
        self.size = start + length

    def open(self, path: str, mode: str) -> io.BytesIO:
        assert mode == "rb"
        return io.BytesIO(bytes(Image(bytes(self.data)).file(path.strip("/")).data))


def _buffer(data: Any) -> memoryview:
    """`memoryview(data)`, where a block device has the buffer protocol."""
    whole: Any = data.flash.memory if isinstance(data, BlockDevice) else data
    return memoryview(whole)


class _DeflateIO:
    """`deflate.DeflateIO`, raw: what it does not need yet stays in the stream."""

    def __init__(self, stream: Any, form: int, window: int) -> None:
        self._stream = stream
        self._inflate = zlib.decompressobj(-window)

    def readinto(self, out: Any) -> int:
        got = b""
        while len(got) < len(out):
            data = self._stream.read()
            if self._inflate.eof:
                raise EOFError
            try:
                more = self._inflate.decompress(data, len(out) - len(got))
            except zlib.error:
                raise OSError(22) from None
            self._stream.seek(-len(self._inflate.unconsumed_tail), 1)
            if not more and not data:
                raise EOFError
            got += more
        out[:] = got
        return len(got)


class Device:
    """A device: flash that outlives boots, and the updater, which does not.

    Args:
        segments: Of each partition its flash, how it is erased, and its block-device unit.
    """

    def __init__(self, segments: dict[int, tuple[NorFlash, int, int]]) -> None:
        self.segments = segments
        self.mounted: dict[str, Rom] = {}

    def boot(self) -> Any:
        """The updater as a fresh boot finds it."""
        self.mounted.clear()
        _machine["device"] = self
        main = _load()
        main._config = main._running = None
        return main

    def mount(self) -> tuple[Any, bytes]:
        """Boot and mount: the updater, and the image it chose."""
        main = self.boot()
        main.mount(path=False)
        rom = self.mounted["/app"]
        return main, bytes(rom.data[: rom.size])


_machine: dict[str, Device] = {}


def _rom_ioctl(op: int, index: int, *args: Any) -> Any:
    flash, kind, unit = _machine["device"].segments[index]
    if op == 2:
        if unit:
            return BlockDevice(flash, unit, whole=kind == WHOLE)
        return memoryview(flash.memory)  # type: ignore[arg-type]
    if op == 3:
        assert kind in (RANGE, START)
        flash.erase(*(args if kind == RANGE else (0, *args)))
    elif op == 4:
        flash.program(args[0], bytes(args[1]))
    return 0


def _mount(filesystem: Rom, point: str) -> None:
    _machine["device"].mounted[point] = filesystem


def _umount(point: str) -> None:
    if _machine["device"].mounted.pop(point, None) is None:
        raise OSError(22)


def _load() -> Any:
    if "romfs_ota" in sys.modules:
        return sys.modules["romfs_ota"]
    vfs, deflate = types.ModuleType("vfs"), types.ModuleType("deflate")
    vars(vfs).update(
        VfsRom=lambda data: Rom(_buffer(data)), rom_ioctl=_rom_ioctl, mount=_mount, umount=_umount
    )
    vars(deflate).update(DeflateIO=_DeflateIO, RAW=1)
    sys.modules |= {"vfs": vfs, "deflate": deflate}
    spec = importlib.util.spec_from_file_location(
        "romfs_ota", SOURCE / "romfs_ota.py", submodule_search_locations=[str(SOURCE)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["romfs_ota"] = module
    spec.loader.exec_module(module)
    vars(sys.modules["romfs_ota.store"])["memoryview"] = _buffer
    for name in ("installer", "package", "delta"):
        # This process's memory is not the device's, and takes long to collect.
        vars(importlib.import_module(f"romfs_ota.{name}"))["gc"] = types.SimpleNamespace(
            collect=lambda: None
        )
    return module


def part(name: str) -> Any:
    """A module of the updater, such as "install"."""
    _load()
    return importlib.import_module(f"romfs_ota.{name}")


def ed25519(key: bytes, message: bytes, signature: bytes) -> bool:
    """What a device with Ed25519 would bring."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


class Bytes:
    """A package in memory, as a source. It may end early, or never."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0

    def readinto(self, offset: int, buffer: Any) -> None:
        self.reads += len(buffer)
        if offset + len(buffer) > len(self.data):
            raise OSError("the package ends early")
        buffer[:] = self.data[offset : offset + len(buffer)]
