"""One firmware file of any of the flash formats, read, converted and written.

A file has parts that share no address space: chip families in UF2, targets in DfuSe; the
other formats have one part.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Literal, get_args

from romfs.errors import FormatError
from romfs.formats import dfu, esp, ihex, uf2
from romfs.formats.binary_info import XIP_BASE, find_header
from romfs.formats.dfu import DfuFile, DfuTarget
from romfs.formats.ihex import HexFile
from romfs.formats.memory import ADDRESS_LIMIT, Memory
from romfs.formats.uf2 import Uf2File, family_name

Format = Literal["bin", "hex", "uf2", "dfu"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[str, Format] = {
    ".bin": "bin",
    ".romfs": "bin",
    ".img": "bin",
    ".hex": "hex",
    ".ihex": "hex",
    ".ihx": "hex",
    ".uf2": "uf2",
    ".dfu": "dfu",
}


@dataclass(frozen=True)
class BinFile:
    """A raw binary, whose addresses are known from elsewhere.

    Attributes:
        memory: Its data; in a file to be written, all of it is one run from `base`.
        base: Address of its first byte, or None if nobody knows.
    """

    memory: Memory
    base: int | None = None


Content = BinFile | HexFile | Uf2File | DfuFile


@dataclass(frozen=True)
class Options:
    """What a format needs that another does not say.

    Attributes:
        family: UF2 family id; in a file of several, the one meant.
        alternate: DfuSe alternate setting, likewise.
        vendor: USB vendor id of a DfuSe file; 0xFFFF fits any device.
        product: USB product id, likewise.
        absolute_block: Whether UF2 files for RP2350 begin with the block that works
            around a fault of its stepping A2.
        fill: Value of bytes between pieces of a raw binary.
    """

    family: int | None = None
    alternate: int | None = None
    vendor: int = dfu.ANY_ID
    product: int = dfu.ANY_ID
    absolute_block: bool = False
    fill: int = 0xFF


@dataclass(frozen=True)
class Part:
    """One address space of a file.

    Attributes:
        name: For messages: the family or target; empty where there is only one.
        memory: Its content; what is added here is added to the file.
        key: UF2 family or DfuSe alternate setting.
    """

    name: str
    memory: Memory = field(compare=False)
    key: int | None = None


def format_of(data: bytes, name: str | PurePath = "") -> Format:
    """The format of a file, by its content; raw binary if it looks like no other."""
    if uf2.is_uf2(data):
        return "uf2"
    if dfu.is_dfu(data):
        return "dfu"
    suffix = SUFFIXES.get(PurePath(name).suffix.lower())
    if suffix == "hex" or (suffix is None and data[:1] == b":" and data[:64].isascii()):
        return "hex"
    if suffix in ("uf2", "dfu"):
        raise FormatError(f"{name}: its content is not {str(suffix).upper()}", offset=0)
    return "bin"


def format_for(name: str | PurePath) -> Format:
    """The format to write a file in, by its suffix.

    Raises:
        FormatError: The suffix names none.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatError(
            f"{name}: no format has the suffix {suffix!r}; give one with --format"
            if suffix
            else f"{name}: give the format with --format, or a suffix like .hex"
        )
    return SUFFIXES[suffix]


def read(data: bytes, name: str | PurePath = "", *, base: int | None = None) -> Content:
    """Read a firmware file.

    Args:
        data: The file.
        name: Its name; only a suffix of HEX matters, and it is used in errors.
        base: Address of the first byte of a raw binary. Without it, it is told from the
            content of ESP32 and RP2 firmware.
    Raises:
        FormatError: It is malformed or empty.
    """
    kind = format_of(data, name)
    if kind == "hex":
        return ihex.read_hex(data)
    if kind == "uf2":
        return uf2.read_uf2(data)
    if kind == "dfu":
        return dfu.read_dfu(data)
    if not data:
        raise FormatError("the file is empty", offset=0)
    if base is None:
        base = guess_base(data)
    return BinFile(Memory([(base or 0, data)]), base)


def guess_base(data: bytes) -> int | None:
    """The address of a raw binary's first byte, told by its content, or None."""
    base = esp.find_base(data)
    if base is None and find_header(Memory([(0, data)])) is not None:
        base = XIP_BASE
    return base


def parts(content: Content) -> tuple[Part, ...]:
    """The parts of a file, in file order."""
    if isinstance(content, Uf2File):
        return tuple(
            Part(family_name(key), memory, key) for key, memory in content.families.items()
        )
    if isinstance(content, DfuFile):
        return tuple(
            Part(
                f"target {t.alternate}" + (f" ({t.name})" if t.name else ""), t.memory, t.alternate
            )
            for t in content.targets
        )
    return (Part("", content.memory),)


def only_part(content: Content, options: Options) -> Part:
    """The one part meant.

    Raises:
        FormatError: There are several and the options name none, or not one of them.
    """
    found = parts(content)
    wanted = None
    if isinstance(content, Uf2File):
        wanted = options.family
    elif isinstance(content, DfuFile):
        wanted = options.alternate
    if wanted is not None and not (len(found) == 1 and found[0].key is None):
        found = tuple(part for part in found if part.key == wanted)
        if not found:
            names = ", ".join(part.name for part in parts(content))
            what = family_name(wanted) if isinstance(content, Uf2File) else f"target {wanted}"
            raise FormatError(f"the file is not for {what}: it holds {names}")
    if len(found) != 1:
        names = ", ".join(part.name for part in found) or "nothing for flash"
        raise FormatError(f"the file holds {names}; name one with --family or --alternate")
    return found[0]


def convert(content: Content, to: Format | str, options: Options | None = None) -> Content:
    """The same data in another format; the same format keeps everything it had.

    Raises:
        FormatError: The format needs what is not known, or cannot hold the data.
    """
    options = options or Options()
    if isinstance(content, Uf2File) and to == "uf2":
        return content
    if isinstance(content, DfuFile) and to == "dfu":
        if (options.vendor, options.product) != (dfu.ANY_ID, dfu.ANY_ID):
            return replace(content, vendor=options.vendor, product=options.product)
        return content
    memory = only_part(content, options).memory
    if to == "bin":
        return BinFile(memory, memory.start)
    if isinstance(content, BinFile) and content.base is None:
        raise FormatError(
            f"a {to} file holds addresses, and a raw binary does not say its own; "
            "give --address or --board"
        )
    if to == "hex":
        return HexFile(memory, content.start if isinstance(content, HexFile) else {})
    if to == "dfu":
        target = DfuTarget(memory, options.alternate or 0)
        return DfuFile((target,), options.vendor, options.product)
    if options.family is None:
        raise FormatError("a UF2 file is for a chip family; give --family or --board")
    absolute = (
        uf2.ABSOLUTE_ADDRESS
        if options.absolute_block and options.family in uf2.RP2350_FAMILIES
        else None
    )
    return Uf2File({options.family: memory}, absolute)


def write(content: Content, options: Options | None = None) -> bytes:
    """The bytes of a file.

    Raises:
        FormatError: It cannot be written.
    """
    options = options or Options()
    if isinstance(content, HexFile):
        return ihex.write_hex(content)
    if isinstance(content, Uf2File):
        return uf2.write_uf2(content, fill=options.fill)
    if isinstance(content, DfuFile):
        return dfu.write_dfu(content)
    memory = content.memory
    if not memory:
        raise FormatError("nothing to write")
    if memory.end - memory.start > ADDRESS_LIMIT // 16:
        raise FormatError(
            f"a raw binary from {memory.start:#x} to {memory.end:#x} would be mostly filler; "
            "use hex, uf2 or dfu"
        )
    return memory.flat(fill=options.fill)
