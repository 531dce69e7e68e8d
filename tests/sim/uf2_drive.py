"""A UF2 bootloader's drive: a directory in which a file turns into flash content.

Blocks are taken as the boot ROMs do: those of the own family, in any order, each once;
when all are there the board restarts and the drive is gone. What is not a block, not of
the family or not in flash is ignored without a word.
"""

from __future__ import annotations

import shutil
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flash.board.nor import NorFlash
from flash.geometry import Geometry
from romfs.formats.memory import Memory
from romfs.formats.uf2 import Uf2File, write_uf2

RP2040 = 0xE48BFF56
INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"


@dataclass
class Uf2Drive:
    """The drive and the flash behind it.

    Attributes:
        path: The directory; gone after a restart.
        base: Address of the flash.
        flash: What is behind it.
        family: What the bootloader takes.
        reach: Addresses it writes, or None for all of the flash.
        deaf: Take nothing at all.
        leave_after: Vanish after so many blocks, as at a power cut.
    """

    path: Path
    base: int = 0x1000_0000
    flash: NorFlash = field(default_factory=lambda: NorFlash(Geometry.uniform(0x20_0000)))
    family: int = RP2040
    reach: tuple[int, int] | None = None
    deaf: bool = False
    leave_after: int | None = None
    taken: dict[int, bytes] = field(default_factory=dict)
    restarted: bool = False
    _erased: set[int] = field(default_factory=set)

    def appear(self, info: str = INFO, *, shows_flash: bool = False) -> None:
        """Show the drive, as entering the bootloader does."""
        self.path.mkdir(parents=True)
        (self.path / "INFO_UF2.TXT").write_bytes(info.encode())
        (self.path / "INDEX.HTM").write_bytes(b"<html>")
        if shows_flash:
            content = Uf2File({self.family: Memory([(self.base, self.flash.read())])})
            (self.path / "CURRENT.UF2").write_bytes(write_uf2(content))
        self.taken.clear()
        self._erased.clear()
        self.restarted = False

    def poll(self) -> None:
        """Look at what has been copied."""
        if not self.path.is_dir():
            return
        for file in self.path.glob("*.UF2"):
            if file.name != "CURRENT.UF2":
                data = file.read_bytes()
                for at in range(0, len(data) - 511, 512):
                    if self.restarted:
                        return
                    self._block(data[at : at + 512])

    def _block(self, block: bytes) -> None:
        magic_0, magic_1, flags, address, size, number, total, family = struct.unpack_from(
            "<8I", block
        )
        ours = (magic_0, magic_1, block[508:]) == (0x0A324655, 0x9E5D5157, b"\x30\x6f\xb1\x0a")
        if self.deaf or not ours or not flags & 0x2000 or family != self.family:
            return
        low, high = self.reach or (self.base, self.base + self.flash.geometry.size)
        if number in self.taken or size != 256 or not low <= address <= high - size:
            return
        offset = address - self.base
        sector = offset // 4096 * 4096
        if sector not in self._erased:
            self.flash.erase_block(sector)
            self._erased.add(sector)
        self.flash.program(offset, block[32:288])
        self.taken[number] = block
        if len(self.taken) in (total, self.leave_after):
            self.restart()

    def restart(self) -> None:
        """Leave the bootloader: the drive is gone."""
        self.restarted = True
        shutil.rmtree(self.path)


@contextmanager
def running(drive: Uf2Drive) -> Iterator[Uf2Drive]:
    """The bootloader at work in the background."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            try:
                drive.poll()
            except FileNotFoundError:
                continue  # a file that is just being made, or gone

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield drive
    finally:
        stop.set()
        thread.join()
