"""Buses: I2C, SPI, UART, I2S. Writes are recorded; reads give what the host prepared."""

from __future__ import annotations

from typing import Any

from loader.modules._hardware import Device
from loader.modules.native import buffer_of, get_int, os_error
from loader.modules.streams import CLOSE, EAGAIN, EINVAL, FLUSH, POLL, Stream, stream_type

ENODEV = 19


class I2C(Device):
    """An I2C bus. Devices the host put into `Bench.i2c` answer from their registers.

    With none prepared at all, every address acknowledges and reads zeros.
    """

    CONTROLLER = 0

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else named.get("id", -1)
        self._pointers: dict[int, int] = {}
        self._record("", *args[1:], **named)

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)

    def deinit(self) -> None:
        self._record("deinit")

    def scan(self) -> list[int]:
        self._record("scan")
        return sorted(address for bus, address in self._bench.i2c if bus == self._label)

    def _registers(self, address: Any) -> bytearray | None:
        found = self._bench.i2c.get((self._label, get_int(address)))
        if found is None and any(bus == self._label for bus, _ in self._bench.i2c):
            raise os_error(ENODEV)
        return found

    def _fetch(self, address: Any, register: int, size: int) -> bytes:
        registers = self._registers(address)
        if registers is None:
            return bytes(size)
        return bytes(registers[register : register + size]).ljust(size, b"\0")

    def _put(self, address: Any, register: int, data: bytes) -> None:
        registers = self._registers(address)
        if registers is not None:
            end = register + len(data)
            registers.extend(bytes(max(0, end - len(registers))))
            registers[register:end] = data

    def readfrom(self, addr: Any, nbytes: Any, stop: Any = True) -> bytes:
        self._record("readfrom", addr, nbytes, stop)
        return self._fetch(addr, self._pointers.get(addr, 0), get_int(nbytes))

    def readfrom_into(self, addr: Any, buf: Any, stop: Any = True) -> None:
        target = buffer_of(buf, writable=True)
        self._record("readfrom_into", addr, len(target), stop)
        target[:] = self._fetch(addr, self._pointers.get(addr, 0), len(target))

    def writeto(self, addr: Any, buf: Any, stop: Any = True) -> int:
        data = bytes(buffer_of(buf))
        self._record("writeto", addr, data, stop)
        self._registers(addr)
        if data:
            self._pointers[addr] = data[0]
            self._put(addr, data[0], data[1:])
        return len(data)

    def writevto(self, addr: Any, vector: Any, stop: Any = True) -> int:
        return self.writeto(addr, b"".join(bytes(buffer_of(part)) for part in vector), stop)

    def readfrom_mem(self, addr: Any, memaddr: Any, nbytes: Any, *, addrsize: int = 8) -> bytes:
        self._record("readfrom_mem", addr, memaddr, nbytes, addrsize=addrsize)
        return self._fetch(addr, get_int(memaddr), get_int(nbytes))

    def readfrom_mem_into(self, addr: Any, memaddr: Any, buf: Any, *, addrsize: int = 8) -> None:
        target = buffer_of(buf, writable=True)
        self._record("readfrom_mem_into", addr, memaddr, len(target), addrsize=addrsize)
        target[:] = self._fetch(addr, get_int(memaddr), len(target))

    def writeto_mem(self, addr: Any, memaddr: Any, buf: Any, *, addrsize: int = 8) -> None:
        data = bytes(buffer_of(buf))
        self._record("writeto_mem", addr, memaddr, data, addrsize=addrsize)
        self._put(addr, get_int(memaddr), data)

    def start(self) -> None:
        self._record("start")

    def stop(self) -> None:
        self._record("stop")

    def write(self, buf: Any) -> int:
        data = bytes(buffer_of(buf))
        self._record("write", data)
        return len(data)

    def readinto(self, buf: Any, nack: Any = True) -> None:
        target = buffer_of(buf, writable=True)
        self._record("readinto", len(target), nack)
        target[:] = bytes(len(target))


class SoftI2C(I2C):
    """I2C by software."""


class SPI(Device):
    """An SPI bus; the host's `Bench.spi_reply` is what it reads, over and over."""

    MSB, LSB, CONTROLLER = 0, 1, 0

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else named.get("id", -1)
        self._record("", *args[1:], **named)

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)

    def deinit(self) -> None:
        self._record("deinit")

    def _reply(self, size: int) -> bytes:
        prepared = self._bench.spi_reply.get(self._label, b"") or b"\0"
        return (prepared * (size // len(prepared) + 1))[:size]

    def read(self, nbytes: Any, write: Any = 0) -> bytes:
        self._record("read", nbytes, write)
        return self._reply(get_int(nbytes))

    def readinto(self, buf: Any, write: Any = 0) -> None:
        target = buffer_of(buf, writable=True)
        self._record("readinto", len(target), write)
        target[:] = self._reply(len(target))

    def write(self, buf: Any) -> None:
        self._record("write", bytes(buffer_of(buf)))

    def write_readinto(self, write_buf: Any, read_buf: Any) -> None:
        target = buffer_of(read_buf, writable=True)
        data = bytes(buffer_of(write_buf))
        if len(data) != len(target):
            raise ValueError("buffers must be the same length")
        self._record("write_readinto", data)
        target[:] = self._reply(len(target))


class SoftSPI(SPI):
    """SPI by software."""


@stream_type("read", "readinto", "readline", "write", "flush", "__iter__", "__next__")
class UART(Device, Stream):
    """A serial port; the host's `Bench.uart_input` is what it reads."""

    INV_TX, INV_RX, RTS, CTS = 1, 2, 1, 2
    IRQ_RXIDLE, IRQ_RX, IRQ_TXIDLE, IRQ_BREAK = 1, 2, 4, 8

    def __init__(self, id: Any = 0, *args: Any, **named: Any) -> None:
        self._label = id
        self._record("", *args, **named)

    @property
    def _input(self) -> bytearray:
        return self._bench.uart_input.setdefault(self._label, bytearray())

    def _read(self, size: int) -> bytes:
        data = bytes(self._input[:size])
        del self._input[:size]
        if not data and size:
            raise os_error(EAGAIN)
        return data

    def _write(self, data: memoryview) -> int:
        self._record("write", bytes(data))
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == POLL:
            return arg & (4 | (1 if self._input else 0))
        if request in (FLUSH, CLOSE):
            return 0
        raise os_error(EINVAL)

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)

    def deinit(self) -> None:
        self._record("deinit")

    def any(self) -> int:
        return len(self._input)

    def txdone(self) -> bool:
        return True

    def sendbreak(self) -> None:
        self._record("sendbreak")

    def irq(self, *args: Any, **named: Any) -> None:
        self._record("irq", *args, **named)


@stream_type("readinto", "write")
class I2S(Device, Stream):
    """An audio bus: what is written is recorded by length, what is read is silence."""

    RX, TX, MONO, STEREO = 0, 1, 0, 1

    def __init__(self, id: Any, **named: Any) -> None:
        self._label = id
        self._record("", **named)

    def _read(self, size: int) -> bytes:
        return bytes(size)

    def _write(self, data: memoryview) -> int:
        self._record("write", len(data))
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == POLL:
            return arg & 5
        return 0

    def irq(self, handler: Any) -> None:
        self._record("irq", handler)

    def init(self, **named: Any) -> None:
        self._record("init", **named)

    def deinit(self) -> None:
        self._record("deinit")

    @staticmethod
    def shift(*, buf: Any, bits: int, shift: int) -> None:
        """Shift all samples of a buffer; left if positive."""
        size = bits // 8
        target = buffer_of(buf, writable=True)
        for at in range(0, len(target) - size + 1, size):
            sample = int.from_bytes(target[at : at + size], "little", signed=True)
            sample = sample << shift if shift >= 0 else sample >> -shift
            target[at : at + size] = (sample & (1 << bits) - 1).to_bytes(size, "little")
