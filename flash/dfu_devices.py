"""Devices in DFU mode: what USB says of them, and the memories they offer.

A device has one alternate setting for each memory, named with its sectors.
Source: USB DFU 1.1; ST UM0424 (names of memories); MicroPython ports/stm32/mboot/main.c.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from boards import EraseRegion
from romfs.errors import MissingExtra, NoPartition, NoPort, TransportError

_CAN_DOWNLOAD, _CAN_UPLOAD = 1, 2
_DFUSE = 0x011A


@dataclass(frozen=True)
class Sectors:
    """A run of equal sectors.

    Attributes:
        address: Of the first.
        size: Bytes of each.
        count: How many.
        readable: Whether it can be uploaded.
        erasable: Whether it can be erased.
        writable: Whether it can be written.
    """

    address: int
    size: int
    count: int
    readable: bool
    erasable: bool
    writable: bool

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.size * self.count


_RUN = re.compile(r"(\d+)\*(\d+)([ BKM])([a-g])")
_UNITS = {" ": 1, "B": 1, "K": 1 << 10, "M": 1 << 20}


def parse_layout(name: str) -> tuple[Sectors, ...]:
    """The sectors in the name of an alternate setting.

    Args:
        name: Like `@Internal Flash /0x08000000/04*016Kg,01*064Kg`; several memories may
            follow one another.
    Returns:
        Nothing if the name is of another form.
    """
    found = []
    _, *pairs = name.split("/")
    for start, runs in zip(pairs[::2], pairs[1::2], strict=False):
        try:
            address = int(start, 16)
        except ValueError:
            return ()
        for count, size, unit, letter in _RUN.findall(runs):
            # "a" reads, "b" erases, "d" writes: the bits of letter - "a" + 1.
            bits = ord(letter) - ord("a") + 1
            length = int(size) * _UNITS[unit]
            run = Sectors(
                address, length, int(count), bool(bits & 1), bool(bits & 2), bool(bits & 4)
            )
            found.append(run)
            address = run.end
    return tuple(found)


class UsbDevice(Protocol):
    """What is used of a `usb.core.Device`."""

    def ctrl_transfer(
        self,
        bmRequestType: int,
        bRequest: int,
        wValue: int = 0,
        wIndex: int = 0,
        data_or_wLength: Any = None,
        timeout: int | None = None,
    ) -> Any:
        """One control transfer."""


@dataclass(frozen=True)
class Memory:
    """One memory of a device in DFU mode.

    Attributes:
        device: The USB device.
        interface: Number of its DFU interface.
        alternate: Number of the alternate setting.
        name: Of that setting.
        sectors: What the name says.
        transfer_size: Bytes of the largest transfer.
        can_upload: Whether it can be read.
        ids: "vendor:product" in hexadecimal.
        serial: Serial number, or "".
    """

    device: Any
    interface: int
    alternate: int
    name: str
    sectors: tuple[Sectors, ...]
    transfer_size: int
    can_upload: bool
    ids: str
    serial: str

    @property
    def title(self) -> str:
        """Name without the sectors."""
        return self.name.split("/")[0].strip("@ ") or f"alternate {self.alternate}"

    def covers(self, address: int, length: int) -> bool:
        """Whether every byte of a range is in a writable sector."""
        at = address
        while at < address + length:
            run = next((r for r in self.sectors if r.address <= at < r.end and r.writable), None)
            if run is None:
                return False
            at = run.end
        return True

    def erase_regions(self, address: int, length: int) -> tuple[EraseRegion, ...]:
        """The erase units of a partition, counted from its start.

        Raises:
            NoPartition: It does not begin and end with sectors.
        """
        regions: list[EraseRegion] = []
        at = address
        while at < address + length:
            run = next(r for r in self.sectors if r.address <= at < r.end)
            if (at - run.address) % run.size:
                raise NoPartition(f"the partition does not begin with a sector, at {at:#x}")
            count = (min(run.end, address + length) - at) // run.size
            if count == 0:
                raise NoPartition(f"the partition ends inside a sector, at {address + length:#x}")
            if regions and regions[-1].block_size == run.size:
                last = regions.pop()
                regions.append(EraseRegion(last.offset, run.size, (last.count or 0) + count))
            else:
                regions.append(EraseRegion(at - address, run.size, count))
            at += count * run.size
        return tuple(regions)


def find_memories(backend: Any = None) -> Iterator[Memory]:
    """Every memory of every device in DFU mode.

    Args:
        backend: Of pyusb; None: libusb of this host.
    Raises:
        MissingExtra: pyusb is not installed.
        TransportError: There is no libusb, or no permission.
    """
    try:
        core, util = import_module("usb.core"), import_module("usb.util")
    except ImportError:
        raise MissingExtra("flashing over DFU", extra="dfu") from None
    try:
        devices = list(core.find(find_all=True, backend=backend))
    except core.NoBackendError:
        raise TransportError("libusb is not installed, which DFU needs") from None
    for device in devices:
        yield from _memories(device, util)


def _memories(device: Any, util: Any) -> Iterator[Memory]:
    for configuration in device:
        for interface in configuration:
            # Class "application specific", subclass DFU, protocol "DFU mode".
            kind = (
                interface.bInterfaceClass,
                interface.bInterfaceSubClass,
                interface.bInterfaceProtocol,
            )
            if kind != (0xFE, 1, 2):
                continue
            found = _functional(bytes(interface.extra_descriptors))
            found = found or _functional(bytes(configuration.extra_descriptors))
            attributes, size, version = found or (_CAN_DOWNLOAD | _CAN_UPLOAD, 1024, _DFUSE)
            if version != _DFUSE or not attributes & _CAN_DOWNLOAD:
                continue
            try:
                name = util.get_string(device, interface.iInterface) or ""
                serial = util.get_string(device, device.iSerialNumber) or ""
            except (ValueError, NotImplementedError, OSError) as error:
                raise TransportError(
                    f"USB device {device.idVendor:04x}:{device.idProduct:04x} cannot be asked "
                    f"({error}); may this user access it? On Linux that needs a udev rule"
                ) from error
            yield Memory(
                device,
                interface.bInterfaceNumber,
                interface.bAlternateSetting,
                name,
                parse_layout(name),
                size or 1024,
                bool(attributes & _CAN_UPLOAD),
                f"{device.idVendor:04x}:{device.idProduct:04x}",
                serial,
            )


def _functional(descriptors: bytes) -> tuple[int, int, int] | None:
    """Attributes, transfer size and DFU version of a functional descriptor."""
    at = 0
    while at + 2 <= len(descriptors) and descriptors[at]:
        length, kind = descriptors[at], descriptors[at + 1]
        if kind == 0x21 and length >= 9 and at + 9 <= len(descriptors):
            attributes, _, size, version = struct.unpack_from("<BHHH", descriptors, at + 2)
            return attributes, size, version
        at += length
    return None


def choose_memory(
    memories: Iterable[Memory], address: int, length: int, which: str | None = None
) -> Memory:
    """The memory that holds a partition.

    Args:
        memories: All there are.
        address: Of the partition.
        length: Bytes.
        which: "vendor:product" or serial number of the device; None: the only one.
    Raises:
        NoPort: No device is in DFU mode, or several are.
        NoPartition: None of its memories holds the partition.
    """
    found = [m for m in memories if which is None or which.lower() in (m.ids, m.serial.lower())]
    if not found:
        wanted = f" {which}" if which else ""
        raise NoPort(f"no USB device{wanted} in DFU mode; put the board into its bootloader")
    fitting = [memory for memory in found if memory.covers(address, length)]
    if not fitting:
        have = "; ".join(
            f"{memory.title}: "
            + ", ".join(f"{run.address:#x}..{run.end:#x}" for run in memory.sectors)
            for memory in found
        )
        raise NoPartition(
            f"the bootloader does not reach {address:#x}..{address + length:#x}; it has {have}"
        )
    if len({(memory.ids, memory.serial) for memory in fitting}) > 1:
        names = ", ".join(sorted({f"{memory.ids} {memory.serial}".strip() for memory in fitting}))
        raise NoPort(f"several devices in DFU mode: {names}; name one with --port")
    return fitting[0]
