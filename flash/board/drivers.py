"""What `vfs.rom_ioctl` and the segment objects of each port do to the flash.

One driver per way a port goes about it, built from the board's row and its quirks. They
answer as the firmware does: negative errno returned or an `OSError` raised, success
reported where the port reports it whatever happened, and no answer at all where a driver
loops for ever.

Source: boards/quirks.py and the rows of boards/*.toml, which name the upstream files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boards import Board, Partition, Quirk
from flash.board.bus import Bus
from flash.board.nor import FlashFault

EIO = 5
EINVAL = 22

Argument = int | bytes


class Hang(Exception):
    """The driver loops for ever; only a reset or power cycle helps."""


class Refused(Exception):
    """The call raises `OSError(errno)` on the device."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


@dataclass(frozen=True, slots=True)
class Segment:
    """Answer of rom_ioctl(2): the segment object with this id."""

    index: int


Answer = int | Segment | None


class Driver:
    """The ROMFS part of one firmware.

    Args:
        board: Its row; partitions have addresses and sizes.
        bus: Its flash.
        romfs: False for a firmware built with the partition's size 0.
        filesystem: Address of the user filesystem, where a known quirk reaches it.
    """

    def __init__(
        self, board: Board, bus: Bus, *, romfs: bool = True, filesystem: int | None = None
    ) -> None:
        self.board = board
        self.bus = bus
        self.partitions = board.partitions if romfs else ()
        self.filesystem = filesystem

    @property
    def has_rom_ioctl(self) -> bool:
        """Whether `vfs` has the function at all."""
        return bool(self.partitions) or self.board.port in ("mimxrt", "nrf", "samd")

    def rom_ioctl(self, args: Sequence[Argument]) -> Answer:
        """Answer `vfs.rom_ioctl(*args)`.

        Raises:
            Hang: The device never returns from it.
            PowerCut: Power failed in it.
        """
        op = _integer(args[0])
        if not self.partitions:
            return -EINVAL
        if op == 1:
            return len(self.partitions)
        if len(args) < 2:
            return -EINVAL
        part = self._partition(_integer(args[1]))
        if part is None:
            return -EINVAL
        if op == 2:
            return Segment(part.index)
        if not part.writable or part.is_block_device:
            return -EINVAL
        if op == 3:
            return self._prepare(part, args[2:])
        if op == 4:
            return self._write(part, args[2:])
        if op == 6:
            return -EINVAL if part.min_prepare is None else part.min_prepare
        return -EINVAL

    def _partition(self, index: int) -> Partition | None:
        if Quirk.SEGMENT_ID_UNCHECKED in self.board.quirks or _has(
            self.partitions[0], Quirk.SEGMENT_ID_UNCHECKED
        ):
            return self.partitions[0]
        return self.partitions[index] if 0 <= index < len(self.partitions) else None

    def _prepare(self, part: Partition, args: Sequence[Argument]) -> int:
        if not args:
            # esp8266 does not count: what it finds there is taken to be 0 here.
            return self._advertised(part) if _has(part, Quirk.ARGUMENTS_NOT_COUNTED) else -EINVAL
        numbers = [_integer(arg) for arg in args]
        if part.prepare_takes_offset:
            offset, length = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
        else:
            offset, length = 0, numbers[0]
        if self.board.port == "samd" and offset % (part.min_prepare or 1):
            return -EINVAL
        if not self._in_range(part, offset, length):
            return -EINVAL
        if _has(part, Quirk.PREPARE_ROUNDS_TO_4096):
            length = -(-length // 4096) * 4096
        if not length or _has(part, Quirk.NO_ERASE_NEEDED) or self._broken(part):
            return self._advertised(part)
        try:
            self._erase(part, offset, length)
        except FlashFault:
            if not _has(part, Quirk.ALWAYS_REPORTS_SUCCESS):
                return -EIO
        return self._advertised(part)

    def _write(self, part: Partition, args: Sequence[Argument]) -> int:
        if len(args) < 2:
            return 0 if _has(part, Quirk.ARGUMENTS_NOT_COUNTED) else -EINVAL
        offset, data = _integer(args[0]), _buffer(args[1])
        if not self._in_range(part, offset, len(data)):
            return -EINVAL
        if self._broken(part):
            return 0
        try:
            self._program(part, offset, data)
        except FlashFault:
            if not _has(part, Quirk.ALWAYS_REPORTS_SUCCESS):
                return -EIO
        return 0

    def _advertised(self, part: Partition) -> int:
        return part.prepare_returns or -EINVAL

    def _broken(self, part: Partition) -> bool:
        return _has(part, Quirk.DRIVER_PROBABLY_BROKEN)

    def _in_range(self, part: Partition, offset: int, length: int) -> bool:
        if _has(part, Quirk.NO_RANGE_CHECK):
            return True
        if offset < 0 and not _has(part, Quirk.NEGATIVE_OFFSET_UNCHECKED):
            return False
        return offset + length <= (part.size or 0)

    def _erase(self, part: Partition, offset: int, length: int) -> None:
        start = _address(part) + offset
        if self.board.port == "samd":
            self._samd_erase(start, length, part.min_prepare or 1)
        else:
            self.bus.erase(start, length)

    def _program(self, part: Partition, offset: int, data: bytes) -> None:
        start = _address(part) + offset
        if _has(part, Quirk.WRITE_LENGTH_MULTIPLE_OF_4_OR_HANG) and (offset % 4 or len(data) % 4):
            raise Hang
        if _has(part, Quirk.PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE):
            self._merge_and_program(start, data, 2048)
        elif self.board.port == "samd":
            self._merge_erase_program(start, data)
        else:
            unit = part.write or 1
            if _has(part, Quirk.WRITE_READS_PAST_END):
                data = _read_past_end(data, unit)
            if start % unit or len(data) % unit:
                raise FlashFault("not aligned to the write unit", address=offset)
            self.bus.program(start, data)

    def _samd_erase(self, start: int, length: int, page: int) -> None:
        """Whole units, but the loop over them advances by a page; of a part, merge the rest."""
        unit = self.bus.unit(start)[1]
        if start % unit == 0:
            for _ in range(length // unit):
                self.bus.erase(start, 1)
                start += page
            length %= unit
        if length:
            self._merge_erase_program(start, b"\xff" * length)

    def _merge_and_program(self, start: int, data: bytes, unit: int) -> None:
        for at, merged in self._merged(start, data, lambda _: unit):
            self.bus.program(at, merged)

    def _merge_erase_program(self, start: int, data: bytes) -> None:
        for at, merged in self._merged(start, data, lambda at: self.bus.unit(at)[1]):
            self.bus.erase(at, len(merged))
            self.bus.program(at, merged)

    def _merged(self, start: int, data: bytes, unit_at: object) -> list[tuple[int, bytes]]:
        units = []
        at = start
        while data:
            unit = unit_at(at) if callable(unit_at) else 1
            base = at // unit * unit
            step = min(len(data), base + unit - at)
            old = self.bus.read(base, unit)
            units.append((base, old[: at - base] + data[:step] + old[at - base + step :]))
            at, data = at + step, data[step:]
        return units

    def ioctl(self, index: int, op: int, arg: int) -> int | None:
        """Answer `segment.ioctl(op, arg)` of a block device.

        Raises:
            Refused: The call raises OSError.
            PowerCut: Power failed in it.
        """
        part = self.partitions[index]
        block = part.block_size or 1
        if op in (1, 2, 3):  # init, deinit, sync
            return 0
        if op == 4:
            return (part.size or 0) // block
        if op == 5:
            return block
        if op == 6:
            return self._erase_block(part, arg * block, block)
        return None

    def _erase_block(self, part: Partition, offset: int, block: int) -> int:
        base = _address(part)
        if _has(part, Quirk.IOCTL_ERASE_HITS_FILESYSTEM) and self.filesystem is not None:
            base = self.filesystem
        port = self.board.port
        if port == "nrf" and base % block:
            return -EIO
        if port == "esp32" and not self._inside(part, offset, block):
            raise Refused(-0x104)  # ESP_ERR_INVALID_SIZE
        try:
            if port == "samd":
                self._samd_erase(base + offset, block, block)
            else:
                self.bus.erase(base + offset, block)
        except FlashFault:
            if port == "mimxrt":
                return 1
            if port == "esp32":
                raise Refused(-1) from None  # ESP_FAIL
        return 0

    def writeblocks(self, index: int, number: int, data: bytes, offset: int | None) -> int | None:
        """Answer `segment.writeblocks(number, data[, offset])`.

        Raises:
            Refused: The call raises OSError.
            PowerCut: Power failed in it.
        """
        part = self.partitions[index]
        block = part.block_size or 1
        at = number * block + (offset or 0)
        start = _address(part) + at
        port = self.board.port
        if port == "esp32" and not self._inside(part, at, len(data)):
            raise Refused(-0x104)
        try:
            if offset is None and port == "samd":
                self._samd_erase(start, block, block)
            elif offset is None:
                one = _has(part, Quirk.WRITEBLOCKS_ERASES_ONE_BLOCK)
                self.bus.erase(start, block if one else len(data))
            if port == "samd":
                self._merge_erase_program(start, data)
            elif port == "rp2":
                self._program_pages(start, data)
            else:
                self.bus.program(start, data)
        except FlashFault:
            if port == "mimxrt":
                raise Refused(EIO) from None
            if port == "esp32":
                raise Refused(-1) from None
        return None

    def _inside(self, part: Partition, offset: int, length: int) -> bool:
        return offset >= 0 and offset + length <= (part.size or 0)

    def _program_pages(self, start: int, data: bytes) -> None:
        """Whole 256-byte pages only: an unaligned start wraps inside its page.

        Source: pico-bootrom, flash_range_program; SPI NOR page program.
        """
        data = _read_past_end(data, 256)
        shift = start % 256
        for at in range(0, len(data), 256):
            page = data[at : at + 256]
            self.bus.program(start - shift + at, page[256 - shift :] + page[: 256 - shift])


class Disk:
    """The user filesystem's own block device, over its stretch of the flash.

    Args:
        bus: The board's flash.
        address: Of its first byte.
        size: Bytes.
        block: Bytes of a block, one erase unit.
    """

    def __init__(self, bus: Bus, address: int, size: int, block: int) -> None:
        self._bus = bus
        self._address = address
        self._size = size
        self.block = block

    def ioctl(self, op: int, arg: int) -> int | None:
        """Answer `ioctl(op, arg)`."""
        if op == 4:
            return self._size // self.block
        if op == 5:
            return self.block
        if op == 6:
            self._bus.erase(self._address + arg * self.block, self.block)
        return 0

    def writeblocks(self, number: int, data: bytes, offset: int | None) -> None:
        """Answer `writeblocks(number, data[, offset])`; only without `offset` it erases."""
        start = self._address + number * self.block + (offset or 0)
        if offset is None:
            self._bus.erase(start, len(data))
        self._bus.program(start, data)


def _has(part: Partition, quirk: Quirk) -> bool:
    return quirk in part.quirks


def _address(part: Partition) -> int:
    assert part.address is not None
    return part.address


def _integer(value: Argument) -> int:
    if isinstance(value, bytes):
        raise TypeError("can't convert bytes to int")
    return value


def _buffer(value: Argument) -> bytes:
    if isinstance(value, int):
        raise TypeError("object with buffer protocol required")
    return value


def _read_past_end(data: bytes, unit: int) -> bytes:
    """What a driver programs that rounds the length up: RAM behind the buffer, not 0xff."""
    missing = -len(data) % unit
    return data + bytes((0x5A + 7 * i) & 0x7F for i in range(missing))
