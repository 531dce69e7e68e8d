"""The DfuSe route: ST's boot ROM, MicroPython's mboot, and others that speak like them.

Commands are downloads of block 0, data are blocks from 2 on; every one is followed by
asking for the status, which is also what makes the device carry it out.

Source: USB DFU 1.1; ST AN3156 (commands and states); MicroPython
ports/stm32/mboot/main.c.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable, Iterable

from flash.dfu_devices import Memory
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write
from flash.transport import Capability, Done
from romfs.errors import (
    DoesNotFit,
    TransportError,
    VerifyError,
    WriteRefused,
)

# Requests.
DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, ABORT = 1, 2, 3, 4, 6
_OUT, _IN = 0x21, 0xA1
# States.
IDLE, DNLOAD_SYNC, DNBUSY, DNLOAD_IDLE, MANIFEST, UPLOAD_IDLE, ERROR = 2, 3, 4, 5, 7, 9, 10
# Commands in block 0.
SET_ADDRESS, ERASE = 0x21, 0x41
FIRST_DATA_BLOCK = 2

_TIMEOUT = 5.0
_LONGEST_ERASE = 60.0
"""Seconds; a 256 KiB sector takes up to 4, and chips are slower when cold."""

_STATUS = {
    1: "the file is not for this device",
    2: "the file fails a check of the vendor",
    3: "the memory cannot be written",
    4: "erasing failed",
    5: "the memory did not read blank after erasing",
    6: "programming failed",
    7: "what was programmed reads back wrong",
    8: "the address is out of range",
    9: "the end came too early",
    10: "the firmware is corrupt",
    11: "an error of the vendor's own",
    12: "an unexpected reset of the bus",
    13: "an unexpected power-on",
    14: "an unknown error",
    15: "the request was not expected",
}


class DfuSe:
    """The protocol on one memory.

    Args:
        memory: The memory.
        sleep: Waits, for tests to replace.
    """

    def __init__(self, memory: Memory, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.memory = memory
        self.name = f"DFU {memory.ids}, {memory.title}"
        self._sleep = sleep

    def open(self) -> None:
        """Take the interface and bring the device to its idle state.

        Raises:
            TransportError: It does not get there.
        """
        device = self.memory.device
        try:
            device.set_interface_altsetting(self.memory.interface, self.memory.alternate)
        except (OSError, NotImplementedError) as error:
            raise TransportError(f"{self.name}: {error}") from error
        self.idle()

    def idle(self) -> None:
        """Leave whatever state the device is in.

        Raises:
            TransportError: It stays in another one.
        """
        for _ in range(4):
            state = self._status()[2]
            if state == IDLE:
                return
            self._out(CLRSTATUS if state == ERROR else ABORT, 0, b"")
        raise TransportError(f"{self.name}: stays in state {state}")

    def erase(self, address: int) -> None:
        """Erase the sector at an address.

        Raises:
            WriteRefused: The device reports an error.
        """
        self._command(ERASE, address, _LONGEST_ERASE)

    def write(self, address: int, data: bytes, done: Callable[[int], None] | None = None) -> None:
        """Write into erased memory.

        Raises:
            WriteRefused: The device reports an error.
        """
        size = self.memory.transfer_size
        # The block number has 16 bits; the address is set anew well before it overflows.
        for start in range(0, len(data), size * 256):
            self._command(SET_ADDRESS, address + start, _TIMEOUT)
            stop = min(len(data), start + size * 256)
            for number, at in enumerate(range(start, stop, size)):
                piece = data[at : min(at + size, stop)]
                self._download(FIRST_DATA_BLOCK + number, piece, address + at, _TIMEOUT)
                if done is not None:
                    done(at + len(piece))

    def read(self, address: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """Read memory.

        Raises:
            TransportError: The device gives less, or an error.
        """
        self._command(SET_ADDRESS, address, _TIMEOUT)
        self.idle()  # from "downloading": an upload is another conversation
        size = self.memory.transfer_size
        out = bytearray()
        number = FIRST_DATA_BLOCK
        while len(out) < length:
            # Always whole transfers: devices reckon addresses from the length asked for.
            data = self._in(UPLOAD, number, size)
            if not data:
                raise TransportError(f"{self.name}: nothing more to read at {len(out):#x}")
            out += data
            number += 1
            if done is not None:
                done(min(len(out), length))
        self.idle()
        return bytes(out[:length])

    def leave(self, address: int) -> None:
        """Start the application at an address; the device leaves the bus."""
        try:
            self._command(SET_ADDRESS, address, _TIMEOUT)
            self._out(DNLOAD, 0, b"")
            self._status()
        except TransportError:
            return  # gone, as it should be

    def _command(self, command: int, address: int, limit: float) -> None:
        self._download(0, struct.pack("<BI", command, address), address, limit)

    def _download(self, number: int, data: bytes, address: int, limit: float) -> None:
        """One download, until the device has carried it out."""
        self._out(DNLOAD, number, data)
        deadline = time.monotonic() + limit
        while True:
            status, wait, state = self._status()
            if status or state == ERROR:
                self._out(CLRSTATUS, 0, b"")
                what = _STATUS.get(status, "an error without a reason")
                raise WriteRefused(f"{self.name}: {what}, at {address:#x}")
            if state in (DNLOAD_IDLE, IDLE):
                return
            if time.monotonic() > deadline:
                raise TransportError(f"{self.name}: still busy after {limit:.0f} s")
            self._sleep(wait)

    def _status(self) -> tuple[int, float, int]:
        """Status, seconds to wait before asking again, and state."""
        data = self._in(GETSTATUS, 0, 6)
        if len(data) != 6:
            raise TransportError(f"{self.name}: a status of {len(data)} bytes")
        return data[0], int.from_bytes(data[1:4], "little") / 1000, data[4]

    def _out(self, request: int, value: int, data: bytes) -> None:
        try:
            self.memory.device.ctrl_transfer(
                _OUT, request, value, self.memory.interface, data, int(_TIMEOUT * 1000)
            )
        except OSError as error:
            raise TransportError(f"{self.name}: {error}") from error

    def _in(self, request: int, value: int, length: int) -> bytes:
        try:
            got = self.memory.device.ctrl_transfer(
                _IN, request, value, self.memory.interface, length, int(_TIMEOUT * 1000)
            )
        except OSError as error:
            raise TransportError(f"{self.name}: {error}") from error
        return bytes(got)


class DfuTransport:
    """A partition behind a device in DFU mode.

    Args:
        memory: Where the partition is.
        address: Of the partition.
        size: Of the partition in bytes.
        run: Address of the application to start at the end, or None to stay.
        sleep: Waits, for tests to replace.

    Attributes:
        carried: Bytes of data written.
    """

    def __init__(
        self,
        memory: Memory,
        address: int,
        size: int,
        *,
        run: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.wire = DfuSe(memory, sleep=sleep)
        self.name = self.wire.name
        self.memory = memory
        self.address = address
        self.size = size
        self.run = run
        self.carried = 0
        self.capabilities = Capability.ERASE
        if memory.can_upload and all(run.readable for run in memory.sectors):
            self.capabilities |= Capability.READBACK | Capability.SUMS
        self.wire.open()

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """See `Transport.sums`: read, and summed here."""
        wanted = list(blocks)
        if not wanted:
            return []
        start, end = wanted[0][0], wanted[-1][0] + wanted[-1][1]
        content = self.read(start, end - start)
        return [zlib.crc32(content[at - start : at - start + n]) for at, n in wanted]

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """See `Transport.read`."""
        self._check(offset, length)
        return self.wire.read(self.address + offset, length, done)

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """See `Transport.apply`."""
        for step in steps:
            self._check(step.address, step.length)
            tell = None if done is None else _bound(done, step)
            if isinstance(step, Erase):
                self._erase(step)
            elif isinstance(step, Write | Commit):
                self.wire.write(self.address + step.address, step.data, tell)
                self.carried += step.length
            elif isinstance(step, Verify):
                found = self.read(step.address, step.length)
                if found != step.data:
                    at = next(i for i, (a, b) in enumerate(zip(found, step.data, strict=True))
                              if a != b)  # fmt: skip
                    raise VerifyError(
                        f"{self.name}: reads back differently",
                        address=step.address + at,
                        length=step.length - at,
                    )
            else:
                assert isinstance(step, Spoil)
                continue  # best effort, and flash here takes a word only once
            if tell is not None:
                tell(step.length)

    def _erase(self, step: Erase) -> None:
        at = self.address + step.address
        while at < self.address + step.address + step.length:
            run = next(run for run in self.memory.sectors if run.address <= at < run.end)
            if run.erasable:
                self.wire.erase(at)
            at += run.size

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise DoesNotFit("outside the partition", address=offset, length=length)

    def close(self) -> None:
        """Start the application, or leave the device in DFU mode."""
        if self.run is not None:
            self.wire.leave(self.run)


def _bound(done: Done, step: Step) -> Callable[[int], None]:
    return lambda count: done(step, count)
