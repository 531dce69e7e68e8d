"""A USB device in DFU mode, as a backend of pyusb: descriptors and control transfers.

Two characters: "rom" answers as ST's boot ROM does (wait times, error codes), "mboot" as
MicroPython's (no wait times, status always 0, its errors shown by the state only).
Source: ST AN3156; MicroPython ports/stm32/mboot/main.c.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from boards import EraseRegion
from flash.board.nor import FlashFault, NorFlash, PowerCut
from flash.dfu_devices import parse_layout
from flash.geometry import Geometry
from romfs.errors import FlashError

IDLE, DNLOAD_SYNC, DNBUSY, DNLOAD_IDLE, MANIFEST, UPLOAD_IDLE, ERROR = 2, 3, 4, 5, 7, 9, 10
USBError: Any = import_module("usb.core").USBError
INTERNAL = "@Internal Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg"
EXTERNAL = "@External Flash  /0x90000000/64*032Kg"
PYBD = f"{INTERNAL}/0x90000000/64*032Kg"
"""Layouts of an F4's boot ROM, of a second setting, and of mboot on a PYBD_SF2."""


@dataclass
class Bank:
    """One flash memory at an address."""

    address: int
    flash: NorFlash

    @classmethod
    def all_of(cls, layout: str) -> list[Bank]:
        """The memories a layout names."""
        banks: list[Bank] = []
        regions: list[EraseRegion] = []
        start, at = 0, None
        for run in parse_layout(layout):
            if at != run.address:
                if regions:
                    banks.append(cls._made(start, regions))
                start, regions = run.address, []
            regions.append(EraseRegion(run.address - start, run.size, run.count))
            at = run.end
        return [*banks, cls._made(start, regions)]

    @classmethod
    def _made(cls, start: int, regions: list[EraseRegion]) -> Bank:
        size = regions[-1].offset + regions[-1].block_size * (regions[-1].count or 0)
        return cls(start, NorFlash(Geometry(size, tuple(regions))))


@dataclass
class DfuDevice:
    """The device.

    Attributes:
        layouts: Name of each alternate setting.
        kind: Whose bootloader it is.
        transfer_size: Bytes of the largest transfer.
        polls: Times it says "busy" before it has carried out a command.
        unplug_after: Transfers after which it is gone.
        lie: Report success and store nothing.
        running: Address of the application it has started, or None.
    """

    layouts: tuple[str, ...] = (INTERNAL,)
    kind: Literal["rom", "mboot"] = "rom"
    transfer_size: int = 2048
    polls: int = 1
    unplug_after: int | None = None
    lie: bool = False
    can_upload: bool = True
    running: int | None = None
    transfers: int = 0
    state: int = IDLE
    status: int = 0
    alternate: int = 0
    pointer: int = 0x0800_0000
    banks: list[Bank] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _todo: tuple[int, bytes] | None = None
    _busy: int = 0

    def __post_init__(self) -> None:
        if not self.banks:
            self.banks = [bank for layout in self.layouts for bank in Bank.all_of(layout)]

    def bank(self, address: int, length: int = 1) -> Bank:
        """The memory that holds a range."""
        for bank in self.banks:
            if bank.address <= address <= bank.address + bank.flash.geometry.size - length:
                return bank
        raise FlashError("no memory there", address=address)

    def load(self, address: int, data: bytes) -> None:
        """Set content from outside."""
        bank = self.bank(address, len(data))
        bank.flash.load(data, address - bank.address)

    def read(self, address: int, length: int) -> bytes:
        """Content."""
        bank = self.bank(address, length)
        return bank.flash.read(address - bank.address, length)

    def out(self, request: int, value: int, data: bytes) -> None:
        """A transfer to the device."""
        if request == 1:
            if self.kind == "rom" and self.state not in (IDLE, DNLOAD_IDLE):
                self._fail(15)
            elif not data:
                self.state = MANIFEST
            else:
                self._todo = (value, data)
                self._busy = self.polls
                self.state = DNLOAD_SYNC
        elif request in (4, 6):
            if request == 6 and self.kind == "rom" and self.state == ERROR:
                self._fail(15)
            else:
                self.state, self.status, self._todo = IDLE, 0, None
        else:
            raise USBError("pipe error", errno=32)

    def back(self, request: int, value: int, length: int) -> bytes:
        """A transfer from the device."""
        if request == 3:
            return self._get_status()
        if request == 2 and self.can_upload and value >= 2:
            if self.kind == "rom" and self.state not in (IDLE, UPLOAD_IDLE):
                self._fail(15)
                raise USBError("pipe error", errno=32)
            self.state = UPLOAD_IDLE
            address = self.pointer + (value - 2) * self.transfer_size
            try:
                bank = self.bank(address)
            except FlashError:
                return b""
            end = bank.address + bank.flash.geometry.size
            return self.read(address, min(length, self.transfer_size, end - address))
        raise USBError("pipe error", errno=32)

    def _get_status(self) -> bytes:
        wait = 0
        if self.state == MANIFEST:
            self.running = self.pointer
            raise USBError("no such device", errno=19) if self.kind == "rom" else _Gone
        if self.state in (DNLOAD_SYNC, DNBUSY) and self._todo is not None:
            if self._busy > 0:
                self._busy -= 1
                self.state = DNBUSY
                wait = 0 if self.kind == "mboot" else 20
            else:
                self.state = DNLOAD_IDLE
                self._carry_out(*self._todo)
                self._todo = None
        status = 0 if self.kind == "mboot" else self.status
        return struct.pack("<BHBBB", status, wait, 0, self.state, 0)

    def _carry_out(self, number: int, data: bytes) -> None:
        try:
            if number == 0 and data[0] == 0x21 and len(data) == 5:
                (self.pointer,) = struct.unpack("<I", data[1:])
                self.log.append(f"address {self.pointer:#x}")
            elif number == 0 and data[0] == 0x41 and len(data) == 5:
                (address,) = struct.unpack("<I", data[1:])
                self.log.append(f"erase {address:#x}")
                bank = self.bank(address)
                if not self.lie:
                    bank.flash.erase_block(address - bank.address)
            elif number >= 2:
                address = self.pointer + (number - 2) * self.transfer_size
                self.log.append(f"write {address:#x} {len(data)}")
                bank = self.bank(address, len(data))
                if not self.lie:
                    bank.flash.program(address - bank.address, data)
            else:
                self._fail(15)
        except PowerCut:
            raise USBError("no such device", errno=19) from None
        except FlashFault:
            self._fail(6)
        except FlashError:
            self._fail(8)

    def _fail(self, status: int) -> None:
        self.state, self.status = ERROR, status


class _Gone(USBError):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("no such device", errno=19)


class Backend(import_module("usb.backend").IBackend):  # type: ignore[misc]
    """A USB bus with these devices on it."""

    def __init__(self, *devices: DfuDevice) -> None:
        self.devices = list(devices)

    def enumerate_devices(self) -> list[DfuDevice]:
        return self.devices

    def get_parent(self, dev: DfuDevice) -> None:
        return None

    def get_device_descriptor(self, dev: DfuDevice) -> Any:
        return _Fields(
            bLength=18, bDescriptorType=1, bcdUSB=0x0100, bDeviceClass=0, bDeviceSubClass=0,
            bDeviceProtocol=0, bMaxPacketSize0=64, idVendor=0x0483, idProduct=0xDF11,
            bcdDevice=0x2200, iManufacturer=1, iProduct=2, iSerialNumber=3, bNumConfigurations=1,
            address=self.devices.index(dev) + 1, bus=1, port_number=1, port_numbers=(1,), speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: DfuDevice, config: int) -> Any:
        if config:
            raise IndexError
        return _Fields(
            bLength=9, bDescriptorType=2, wTotalLength=27, bNumInterfaces=1,
            bConfigurationValue=1, iConfiguration=0, bmAttributes=0xC0, bMaxPower=50,
            extra_descriptors=[],
        )  # fmt: skip

    def get_interface_descriptor(self, dev: DfuDevice, intf: int, alt: int, config: int) -> Any:
        if intf or alt >= len(dev.layouts) or config:
            raise IndexError
        attributes = 0x09 | (2 if dev.can_upload else 0)
        functional = struct.pack("<BBBHHH", 9, 0x21, attributes, 255, dev.transfer_size, 0x011A)
        # ST's ROM has one functional descriptor, after the last alternate setting.
        last = alt == len(dev.layouts) - 1
        return _Fields(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=alt,
            bNumEndpoints=0, bInterfaceClass=0xFE, bInterfaceSubClass=1, bInterfaceProtocol=2,
            iInterface=4 + alt, extra_descriptors=list(functional) if last else [],
        )  # fmt: skip

    def get_endpoint_descriptor(self, *args: Any) -> Any:
        raise IndexError

    def open_device(self, dev: DfuDevice) -> DfuDevice:
        return dev

    def close_device(self, handle: DfuDevice) -> None:
        pass

    def set_configuration(self, handle: DfuDevice, value: int) -> None:
        pass

    def get_configuration(self, handle: DfuDevice) -> int:
        return 1

    def set_interface_altsetting(self, handle: DfuDevice, intf: int, alt: int) -> None:
        handle.alternate = alt

    def claim_interface(self, handle: DfuDevice, intf: int) -> None:
        pass

    def release_interface(self, handle: DfuDevice, intf: int) -> None:
        pass

    def is_kernel_driver_active(self, handle: DfuDevice, intf: int) -> bool:
        return False

    def clear_halt(self, handle: DfuDevice, ep: int) -> None:
        pass

    def reset_device(self, handle: DfuDevice) -> None:
        handle.state = IDLE

    def ctrl_transfer(
        self, handle: DfuDevice, kind: int, request: int, value: int, index: int,
        data: array[int], timeout: int,
    ) -> int:  # fmt: skip
        if (kind, request) == (0x80, 6):
            return _fill(data, self._string(handle, value & 0xFF))
        if (kind, request) in ((0x80, 0), (0x01, 11), (0x00, 9)):
            return len(data)
        handle.transfers += 1
        if handle.running is not None or (
            handle.unplug_after is not None and handle.transfers > handle.unplug_after
        ):
            raise USBError("no such device", errno=19)
        if kind == 0x21:
            handle.out(request, value, data.tobytes())
            return len(data)
        if kind == 0xA1:
            return _fill(data, handle.back(request, value, len(data)))
        raise USBError("pipe error", errno=32)

    def _string(self, dev: DfuDevice, index: int) -> bytes:
        if index == 0:
            return bytes((4, 3, 9, 4))
        texts = ["", "STMicroelectronics", "STM32  BOOTLOADER", "3276365D3336", *dev.layouts]
        text = texts[index].encode("utf-16-le")
        return bytes((2 + len(text), 3)) + text


class _Fields:
    """A descriptor's fields as attributes, as backends of pyusb give them."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


def _fill(target: array[int], data: bytes) -> int:
    data = data[: len(target)]
    target[: len(data)] = array("B", data)
    return len(data)
