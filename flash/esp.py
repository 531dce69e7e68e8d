"""The ESP32 route: the chip's own boot loader on a serial port, through esptool as a library.

Where the partition is, is read from the table on the device. esptool compares an MD5 of
what it wrote; what is reported as verified here was read back as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module

from boards import Board
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write
from flash.transport import Capability, Done
from romfs.errors import (
    BoardError,
    DoesNotFit,
    FormatError,
    MissingExtra,
    NoPartition,
    NoPort,
    TransportError,
    VerifyError,
    WriteRefused,
)
from romfs.formats.esp import (
    SECTOR,
    TABLE_OFFSET,
    TABLE_SIZE,
    EspPartition,
    PartitionTable,
    read_table,
)
from romfs.sizes import show_size

BAUD = 460_800
_AT_ONCE = 64 << 10
"""Bytes of one transfer, so that progress can be told; esptool itself tells none."""
_ENCRYPTED = 1


class EspTool:
    """A chip in its boot loader, with esptool's flasher running on it.

    Args:
        port: Serial port.
        baud: Speed to change to.
        reset: Whether to bring the chip into its boot loader by the control lines; a board
            without them is put there by hand.
        attempts: How often to try to connect.
    Raises:
        MissingExtra: esptool is not installed.
        NoPort: There is no such port, or no chip that answers.
    """

    def __init__(
        self, port: str, *, baud: int = BAUD, reset: bool = True, attempts: int = 3
    ) -> None:
        try:
            self._tool = import_module("esptool")
            self._fatal: type[Exception] = import_module("esptool.util").FatalError
            self._log = import_module("esptool.logger").log
        except ImportError:
            raise MissingExtra("flashing with esptool", extra="esp") from None
        self.name = port
        self._reset = reset
        # It prints what it does; a library does not.
        self._log.set_verbosity("silent")
        mode = "default-reset" if reset else "no-reset"
        try:
            chip = self._tool.detect_chip(port, connect_mode=mode, connect_attempts=attempts)
        except (self._fatal, OSError) as error:
            raise NoPort(
                f"{port}: no ESP chip in its boot loader: {_plain(error)}; "
                "hold BOOT while resetting"
            ) from error
        self._chip = chip
        try:
            with self._told("cannot start the flasher on the chip"):
                self._chip = self._tool.run_stub(chip)
                self._tool.attach_flash(self._chip)
                if baud != self._chip.ESP_ROM_BAUD:
                    self._chip.change_baud(baud)
        except BaseException:
            self.close()
            raise

    @property
    def chip(self) -> str:
        """Name of the chip, like "ESP32-S3"."""
        return str(self._chip.CHIP_NAME)

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """Read flash.

        Raises:
            TransportError: The link is lost, or what arrives does not have its checksum.
        """
        progress = None if done is None else (lambda count, _total, _offset: done(count))
        with self._told(f"reading {length:#x} bytes at {offset:#x} failed"):
            return bytes(self._chip.read_flash(offset, length, progress))

    def md5(self, offset: int, length: int) -> str:
        """MD5 of flash, reckoned by the chip.

        Raises:
            TransportError: The link is lost.
        """
        with self._told(f"the checksum at {offset:#x} failed"):
            return str(self._chip.flash_md5sum(offset, length))

    def erase(self, offset: int, length: int) -> None:
        """Erase whole sectors.

        Raises:
            WriteRefused: The chip reports a failure.
        """
        with self._told(f"erasing at {offset:#x} failed", refused=True):
            self._tool.erase_region(self._chip, offset, length)

    def write(self, offset: int, data: bytes) -> None:
        """Erase the sectors that `data` touches and write them; esptool compares the MD5.

        Raises:
            WriteRefused: The chip reports a failure, or the MD5 is wrong.
        """
        with self._told(f"writing at {offset:#x} failed", refused=True):
            self._tool.write_flash(self._chip, [(offset, data)], no_progress=True)

    def restart(self) -> None:
        """Start the firmware."""
        with contextlib.suppress(self._fatal, OSError):
            self._tool.reset_chip(self._chip, "hard-reset" if self._reset else "no-reset")

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):
            self._chip._port.close()

    @contextlib.contextmanager
    def _told(self, what: str, *, refused: bool = False) -> Iterator[None]:
        try:
            yield
        except (self._fatal, OSError) as error:
            lost = isinstance(error, OSError) or _is_silence(error)
            kind = WriteRefused if refused and not lost else TransportError
            raise kind(f"{self.name}: {what}: {_plain(error)}") from error


def _plain(error: BaseException) -> str:
    """The first line: the rest is advice to users of another command."""
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _is_silence(error: BaseException) -> bool:
    text = str(error)
    marks = ("No serial data", "Packet content transfer", "data stream stopped", "Invalid head")
    return any(mark in text for mark in marks)


def device_table(tool: EspTool) -> PartitionTable:
    """The partition table on the device.

    Raises:
        NoPartition: There is none, or it is damaged.
    """
    try:
        return read_table(tool.read(TABLE_OFFSET, TABLE_SIZE))
    except FormatError as error:
        raise NoPartition(f"{tool.name}: no partition table on the device: {error}") from error


def find_partition(tool: EspTool, board: Board | None = None) -> EspPartition:
    """The ROMFS partition of the device.

    Raises:
        BoardError: The chip is not the board's.
        NoPartition: The table has none, or it is encrypted.
    """
    family = "" if board is None else (board.mcu_family or "").lower().replace("-", "")
    if board is not None and family and tool.chip.lower().replace("-", "") != family:
        raise BoardError(f"{tool.name} has an {tool.chip}, {board.id} an {board.mcu_family}")
    table = device_table(tool)
    part = table.romfs
    if part is None:
        have = ", ".join(f"{row.label} at {row.offset:#x}" for row in table.rows)
        raise NoPartition(
            f"{tool.name}: the partition table has no data partition 'romfs', only {have}; "
            "`romfs merge --add-partition` makes firmware with one"
        )
    if part.flags & _ENCRYPTED:
        raise NoPartition(
            f"{tool.name}: partition 'romfs' is encrypted; only the firmware writes it"
        )
    return part


class EspTransport:
    """A partition of a chip in its boot loader.

    Args:
        tool: The chip.
        part: The partition.
        expected: The image to be written; lets `sums` be answered by checksums the chip
            reckons, without reading everything.
        restart: Whether to start the firmware at the end.

    Attributes:
        carried: Bytes of data written, before esptool compresses them.
    """

    def __init__(
        self,
        tool: EspTool,
        part: EspPartition,
        expected: bytes | None = None,
        *,
        restart: bool = True,
    ) -> None:
        self.restart = restart
        self.name = tool.name
        self.tool = tool
        self.part = part
        self.expected = expected
        self.carried = 0
        self.capabilities = Capability.READBACK | Capability.SUMS | Capability.ERASE

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """See `Transport.sums`.

        The chip gives MD5, the plan compares CRC-32. Where the MD5 is that of the expected
        bytes, so is the CRC; where it is not, the bytes are read.
        """
        return [self._sum(offset, length) for offset, length in blocks]

    def _sum(self, offset: int, length: int) -> int:
        self._check(offset, length)
        if self.expected is not None:
            wanted = self.expected[offset : offset + length]
            for guess in (wanted, b"\xff" * length):
                digest = hashlib.md5(guess, usedforsecurity=False).hexdigest()
                if self.tool.md5(self.part.offset + offset, length) == digest:
                    return zlib.crc32(guess)
        return zlib.crc32(self.read(offset, length))

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """See `Transport.read`."""
        self._check(offset, length)
        return self.tool.read(self.part.offset + offset, length, done)

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """See `Transport.apply`.

        Writes that adjoin are one for esptool, which asks and checks much around each.
        """
        pending: list[Write] = []
        for step in steps:
            self._check(step.address, step.length)
            if isinstance(step, Write):
                if pending and pending[-1].address + pending[-1].length != step.address:
                    self._write(pending, done)
                pending.append(step)
                if sum(one.length for one in pending) >= _AT_ONCE:
                    self._write(pending, done)
                continue
            self._write(pending, done)
            at = self.part.offset + step.address
            if isinstance(step, Erase):
                self.tool.erase(at, -(-step.length // SECTOR) * SECTOR)
            elif isinstance(step, Commit):
                self.tool.write(at, step.data)
                self.carried += step.length
            elif isinstance(step, Verify):
                self._verify(step)
            else:
                assert isinstance(step, Spoil)
                continue  # writing erases: the erase of the first sector does it
            if done is not None:
                done(step, step.length)
        self._write(pending, done)

    def _write(self, pending: list[Write], done: Done | None) -> None:
        """Carry out writes that adjoin, and empty the list."""
        if not pending:
            return
        data = b"".join(step.data for step in pending)
        self.tool.write(self.part.offset + pending[0].address, data)
        self.carried += len(data)
        for step in pending:
            if done is not None:
                done(step, step.length)
        pending.clear()

    def _verify(self, step: Verify) -> None:
        found = self.read(step.address, step.length)
        if found != step.data:
            at = next(
                index for index, (a, b) in enumerate(zip(found, step.data, strict=True)) if a != b
            )
            raise VerifyError(
                f"{self.name}: reads back differently",
                address=step.address + at,
                length=step.length - at,
            )

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.part.size:
            raise DoesNotFit(
                f"outside the partition of {show_size(self.part.size)}",
                address=offset,
                length=length,
            )

    def close(self) -> None:
        """Start the firmware and give the port back."""
        if self.restart:
            self.tool.restart()
        self.tool.close()
