"""DfuSe: ST's file for USB firmware upgrade, several targets of several elements each.

A target is an alternate setting of the device, that is one memory (internal flash,
external flash); an element is a run of bytes at an address of it.

Source: ST UM0391, DfuSe file format specification; USB DFU 1.1, appendix B (suffix).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from romfs.errors import FormatError
from romfs.formats.memory import Memory

PREFIX = struct.Struct("<5sBIB")
TARGET = struct.Struct("<6sBI255sII")
ELEMENT = struct.Struct("<II")
SUFFIX = struct.Struct("<HHHH3sBI")
DFUSE_VERSION = 0x011A
ANY_ID = 0xFFFF
"""A vendor, product or device id that fits every device."""


@dataclass(frozen=True)
class DfuTarget:
    """One alternate setting.

    Attributes:
        memory: What is written to it.
        alternate: Its number.
        name: Its name, or None.
    """

    memory: Memory
    alternate: int = 0
    name: str | None = None


@dataclass(frozen=True)
class DfuFile:
    """A DfuSe file.

    Attributes:
        targets: In file order.
        vendor: USB vendor id of the device it is for; 0xFFFF fits any.
        product: USB product id, likewise.
        device: Device release number, likewise.
    """

    targets: tuple[DfuTarget, ...]
    vendor: int = ANY_ID
    product: int = ANY_ID
    device: int = ANY_ID


def is_dfu(data: bytes) -> bool:
    """Whether a file begins as a DfuSe file does."""
    return data[:5] == b"DfuSe"


def suffix_crc(data: bytes) -> int:
    """CRC of a DFU suffix: CRC-32 without the last inversion."""
    return zlib.crc32(data) ^ 0xFFFF_FFFF


def read_dfu(data: bytes) -> DfuFile:
    """Read a DfuSe file; every length and the CRC must agree.

    Raises:
        FormatError: It is malformed, truncated or damaged.
        OverlapError: Two elements of one target claim one address.
    """
    if not is_dfu(data):
        raise FormatError("not a DfuSe file: it does not begin with 'DfuSe'", offset=0)
    body = len(data) - SUFFIX.size
    if body < PREFIX.size:
        raise FormatError("the DfuSe file is truncated", offset=len(data))
    device, product, vendor, version, mark, length, crc = SUFFIX.unpack_from(data, body)
    if mark != b"UFD" or length != SUFFIX.size:
        raise FormatError("the DFU suffix is missing: the file is truncated", offset=body)
    actual = suffix_crc(data[:-4])
    if crc != actual:
        raise FormatError(
            f"the CRC of the DFU suffix is {crc:#010x}, the file has {actual:#010x}: it is damaged",
            offset=len(data) - 4,
        )
    if version != DFUSE_VERSION:
        raise FormatError(f"DFU suffix version {version:#06x}, DfuSe is {DFUSE_VERSION:#06x}")
    _, file_version, size, count = PREFIX.unpack_from(data)
    if file_version != 1:
        raise FormatError(f"DfuSe version {file_version}, only 1 is known", offset=5)
    if size != body:
        raise FormatError(f"the DfuSe prefix says {size} bytes, there are {body}", offset=6)
    view = memoryview(data)[:body]
    at = PREFIX.size
    targets = []
    for _ in range(count):
        target, at = _read_target(view, at)
        targets.append(target)
    if at != body:
        raise FormatError(f"{body - at} bytes follow the last DfuSe target", offset=at)
    return DfuFile(tuple(targets), vendor, product, device)


def _read_target(view: memoryview, at: int) -> tuple[DfuTarget, int]:
    if at + TARGET.size > len(view):
        raise FormatError("a DfuSe target prefix is cut off", offset=at)
    mark, alternate, named, name, size, count = TARGET.unpack_from(view, at)
    if mark != b"Target":
        raise FormatError("a DfuSe target does not begin with 'Target'", offset=at)
    at += TARGET.size
    end = at + size
    if end > len(view):
        raise FormatError(f"a DfuSe target is {end - len(view)} bytes too long", offset=at)
    memory = Memory()
    for _ in range(count):
        if at + ELEMENT.size > end:
            raise FormatError("a DfuSe element header is cut off", offset=at)
        address, length = ELEMENT.unpack_from(view, at)
        at += ELEMENT.size
        if at + length > end:
            raise FormatError(
                f"a DfuSe element is {at + length - end} bytes too long", offset=at - ELEMENT.size
            )
        memory.add(address, view[at : at + length], what=f"DfuSe element of target {alternate}")
        at += length
    if at != end:
        raise FormatError(f"{end - at} bytes follow the last DfuSe element", offset=at)
    text = name.split(b"\0", 1)[0].decode("latin-1") if named else None
    return DfuTarget(memory, alternate, text), at


def write_dfu(file: DfuFile) -> bytes:
    """Write a DfuSe file, one element for each run of bytes.

    Raises:
        FormatError: There is nothing to write, two targets have one number, or a name is
            too long.
    """
    if not any(target.memory for target in file.targets):
        raise FormatError("nothing to write: a DfuSe file needs at least one element")
    numbers = [target.alternate for target in file.targets]
    if len(set(numbers)) != len(numbers):
        raise FormatError(f"two DfuSe targets have one alternate setting: {numbers}")
    body = bytearray()
    for target in file.targets:
        name = (target.name or "").encode("latin-1", "replace")
        if len(name) > 254:
            raise FormatError(f"the name of a DfuSe target has {len(name)} bytes, 254 fit")
        elements = b"".join(
            ELEMENT.pack(address, len(data)) + data for address, data in target.memory
        )
        body += TARGET.pack(
            b"Target",
            target.alternate,
            target.name is not None,
            name,
            len(elements),
            len(target.memory.segments),
        )
        body += elements
    out = PREFIX.pack(b"DfuSe", 1, PREFIX.size + len(body), len(file.targets)) + body
    out += SUFFIX.pack(
        file.device, file.product, file.vendor, DFUSE_VERSION, b"UFD", SUFFIX.size, 0
    )[:-4]
    return out + struct.pack("<I", suffix_crc(out))
