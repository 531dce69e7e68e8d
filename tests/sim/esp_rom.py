"""An ESP chip on a serial port: ROM boot loader, then esptool's flasher, on a pty.

esptool itself is the client. What it uploads is not run, only taken for the flasher that
it is; from then on the flasher's commands are served, over a model of NOR flash.
Source: esptool documentation, "Serial Protocol"; register addresses as esptool has them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pty
import select
import struct
import threading
import tty
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flash.board.nor import FlashFault, NorFlash, PowerCut
from flash.geometry import Geometry
from romfs.errors import FlashError

FLASH_SIZE = 4 << 20
FLASH_ID = 0x1640EF
"""RDID of a 4 MiB chip: manufacturer EF, type 40, capacity 2 ** 0x16."""


@dataclass(frozen=True)
class Chip:
    """What tells chips apart, and where their SPI registers are."""

    magic: int | None
    chip_id: int | None
    spi: int
    usr2: int
    w0: int


CHIPS = {
    "esp32": Chip(0x00F01D83, None, 0x3FF4_2000, 0x24, 0x80),
    "esp32s3": Chip(None, 9, 0x6000_2000, 0x20, 0x58),
    "esp32c3": Chip(None, 5, 0x6000_2000, 0x20, 0x58),
}


@dataclass
class EspRom:
    """The chip.

    Attributes:
        chip: Which one.
        flash: Its flash.
        fail_block: Number of the data block, from 1, that the flasher cannot write.
        stall_block: Number of the data block after which nothing is heard any more.
        damage_read: Flip a bit of what is read back, without its checksum.
        lie: Say that blocks are written, and write none.
        deaf: Answer nothing.
    """

    chip: str = "esp32s3"
    flash: NorFlash = field(default_factory=lambda: NorFlash(Geometry.uniform(FLASH_SIZE)))
    fail_block: int | None = None
    stall_block: int | None = None
    damage_read: bool = False
    lie: bool = False
    deaf: bool = False
    stub: bool = False
    blocks: int = 0
    log: list[str] = field(default_factory=list)
    _registers: dict[int, int] = field(default_factory=dict)
    _unpack: zlib._Decompress | None = None
    _at: int = 0
    _erased: int = 0
    _gone: bool = False

    def power_up(self) -> None:
        """In the boot loader again, as after a reset."""
        self.stub = False
        self._gone = False
        self.blocks = 0

    def serve(self, packet: bytes) -> Iterator[bytes]:
        """Frames that answer one frame."""
        if len(packet) < 8 or packet[0] != 0 or self.deaf or self._gone:
            return
        _, op, size, check = struct.unpack("<BBHI", packet[:8])
        data = packet[8:]
        if len(data) != size:
            yield self._answer(op, error=7)
            return
        try:
            yield from self._command(op, data, check)
        except PowerCut:
            self._gone = True
        except FlashFault:
            yield self._answer(op, error=0xC4)
        except FlashError:
            yield self._answer(op, error=0xC5)

    def _answer(self, op: int, data: bytes = b"", value: int = 0, error: int = 0) -> bytes:
        status = bytes((1, error)) if error else bytes(2)
        body = data + status + (b"" if self.stub else bytes(2))
        return struct.pack("<BBHI", 1, op, len(body), value) + body

    def _command(self, op: int, data: bytes, check: int) -> Iterator[bytes]:
        chip = CHIPS[self.chip]
        words = struct.unpack(f"<{min(len(data), 32) // 4}I", data[: min(len(data), 32) // 4 * 4])
        if op == 0x08:  # SYNC: the ROM answers eight times
            for _ in range(8):
                yield self._answer(op, value=0 if self.stub else 0x2012_0707)
        elif op == 0x0A:  # READ_REG
            yield self._answer(op, value=self._read_register(words[0]))
        elif op == 0x09:  # WRITE_REG
            self._write_register(words[0], words[1])
            yield self._answer(op)
        elif op == 0x14 and chip.chip_id is not None:  # GET_SECURITY_INFO
            info = struct.pack("<IB7BII", 0, 0, *bytes(7), chip.chip_id, 0)
            yield self._answer(op, info)
        elif op in (0x05, 0x0B, 0x0D) or (op == 0x0F and self.stub):
            # MEM_BEGIN, SPI_SET_PARAMS, SPI_ATTACH; CHANGE_BAUDRATE: a pty has any speed
            yield self._answer(op)
        elif op == 0x07:  # MEM_DATA
            yield self._answer(op, error=0 if _checksum(data[16:]) == check else 0xC1)
        elif op == 0x06:  # MEM_END: run what was uploaded
            yield self._answer(op)
            self.stub = True
            yield b"OHAI"
        elif op == 0x13:  # SPI_FLASH_MD5
            digest = hashlib.md5(self.flash.read(words[0], words[1]))
            yield self._answer(op, digest.digest() if self.stub else digest.hexdigest().encode())
        elif self.stub:
            yield from self._stub_command(op, data, check, words)
        else:
            yield self._answer(op, error=5)  # "received message is invalid"

    def _stub_command(
        self, op: int, data: bytes, check: int, words: tuple[int, ...]
    ) -> Iterator[bytes]:
        if op == 0x10:  # FLASH_DEFL_BEGIN
            self._unpack, self._at, self._erased = zlib.decompressobj(), words[3], words[3]
            self.log.append(f"begin {words[3]:#x} {words[0]}")
            yield self._answer(op)
        elif op == 0x11:  # FLASH_DEFL_DATA
            yield from self._block(op, data[16:], check)
        elif op in (0x12, 0x04, 0x02):
            yield self._answer(op)
        elif op == 0xD1:  # ERASE_REGION
            self.log.append(f"erase {words[0]:#x} {words[1]}")
            self.flash.erase(words[0], words[1])
            yield self._answer(op)
        elif op == 0xD2:  # READ_FLASH: frames, and a checksum of all
            yield self._answer(op)
            content = self.flash.read(words[0], words[1])
            seen = bytes((content[0] ^ 1,)) + content[1:] if self.damage_read else content
            for at in range(0, len(content), words[2]):
                yield seen[at : at + words[2]]
            yield hashlib.md5(content).digest()
        else:
            yield self._answer(op, error=0xFF)

    def _block(self, op: int, data: bytes, check: int) -> Iterator[bytes]:
        self.blocks += 1
        if self.blocks == self.stall_block:
            self._gone = True
            return
        if _checksum(data) != check or self._unpack is None:
            yield self._answer(op, error=0xC1)
            return
        if self.fail_block is not None and self.blocks >= self.fail_block:
            yield self._answer(op, error=0xC4)
            return
        plain = self._unpack.decompress(data)
        if not self.lie:
            while self._erased < self._at + len(plain):
                self.flash.erase_block(self._erased)
                self._erased += 4096
            self.flash.program(self._at, plain)
        self._at += len(plain)
        yield self._answer(op)

    def _read_register(self, address: int) -> int:
        chip = CHIPS[self.chip]
        if address == 0x4000_1000 and chip.magic is not None:
            return chip.magic
        return self._registers.get(address, 0)

    def _write_register(self, address: int, value: int) -> None:
        chip = CHIPS[self.chip]
        if address == chip.spi and value & 1 << 18:
            # A command to the flash chip, done at once; the register reads as idle again.
            command = self._registers.get(chip.spi + chip.usr2, 0) & 0xFF
            self._registers[chip.spi + chip.w0] = FLASH_ID if command == 0x9F else 0
        else:
            self._registers[address] = value


def _checksum(data: bytes) -> int:
    value = 0xEF
    for byte in data:
        value ^= byte
    return value


def _escaped(frame: bytes) -> bytes:
    return b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


@contextmanager
def on_a_port(rom: EspRom) -> Iterator[str]:
    """The chip on a pty; gives the path of the port."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    stop = threading.Event()

    def work() -> None:
        pending = b""
        while not stop.is_set():
            if not select.select([master], [], [], 0.02)[0]:
                continue
            try:
                pending += os.read(master, 65536)
            except OSError as error:
                if error.errno == errno.EIO:
                    continue
                return
            *frames, pending = pending.split(b"\xc0")
            for frame in frames:
                plain = frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                for answer in rom.serve(plain):
                    os.write(master, _escaped(answer))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)
