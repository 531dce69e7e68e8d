"""What is connected: its firmware, its ROMFS segments, and what its Python can do."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

import boards
from boards import Board
from flash import source
from flash.serial_repl import DeviceError, Repl
from romfs.archs import ARCHS
from romfs.errors import TransportError

FEATURES = (
    "deflate.DeflateIO",
    "binascii.crc32",
    "binascii.a2b_base64",
    "hashlib.sha256",
    "micropython.kbd_intr",
    "stdin.buffer",
    "vfs.rom_ioctl",
    "vfs.VfsRom",
    "machine.reset",
)
"""What the probe may find; everything here has a slower substitute but `vfs.rom_ioctl`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One ROMFS partition as `vfs.rom_ioctl(2)` hands it out.

    Attributes:
        index: Its id.
        size: Bytes.
        block_device: Class of the object if it is a block device, else "".
        unit: Block size of a block device; else what rom_ioctl(6) returned, which is
            positive where a range may be erased.
    """

    index: int
    size: int
    block_device: str
    unit: int


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A connected device.

    Attributes:
        version: Of MicroPython: three numbers, and what follows them.
        machine: "BOARD with MCU", or "" if it does not say.
        platform: `sys.platform`.
        mpy: `sys.implementation._mpy`, or 0 if it loads no .mpy files.
        build: `sys.implementation._build`, or "".
        free: Bytes of free heap.
        features: Of `FEATURES`, those it has.
        segments: Its ROMFS partitions.
        refused: Errno of those it has but does not hand out, by index.
        mounted: Payload bytes of the image mounted at /rom; None: nothing is.
        in_use: Modules imported from /rom that are alive now.
    """

    version: tuple[int | str, ...] = ()
    machine: str = ""
    platform: str = ""
    mpy: int = 0
    build: str = ""
    free: int = 0
    features: frozenset[str] = frozenset()
    segments: tuple[Segment, ...] = ()
    refused: dict[int, int] = field(default_factory=dict)
    mounted: int | None = None
    in_use: tuple[str, ...] = ()

    @property
    def mpy_version(self) -> int:
        """Major version of the .mpy files it loads."""
        return self.mpy & 0xFF

    @property
    def mpy_sub_version(self) -> int:
        """Version of native code in .mpy files."""
        return self.mpy >> 8 & 3

    @property
    def arch(self) -> str:
        """Native code it loads, as `mpy-cross -march` names it; "none" for bytecode only.

        Source: MicroPython py/persistentcode.h, MPY_FILE_HEADER_INT.
        """
        number = self.mpy >> 10 & 0xF
        return ARCHS[number] if number < len(ARCHS) else f"arch {number}"

    @property
    def firmware(self) -> str:
        """Version for people."""
        numbers = ".".join(str(part) for part in self.version[:3])
        suffix = self.version[3] if len(self.version) > 3 and self.version[3] else ""
        return f"{numbers}-{suffix}" if suffix else numbers

    def boards(self) -> tuple[Board, ...]:
        """Boards that report themselves like this, the likeliest first."""
        return boards.match(self.machine, self.mpy or None) if self.machine else ()


def probe(repl: Repl) -> DeviceInfo:
    """Ask the device in the raw REPL; nothing is changed there.

    Raises:
        DeviceError: The probe itself failed there.
        TransportError: The answer makes no sense, again and again.
    """
    plain = source.program("probe", FEATURES=" ".join(FEATURES))
    text = ""
    for code in (source.packed(plain), plain, plain):
        try:
            text = repl.run(code).decode("utf-8", "replace")
            return _parse(text)
        except DeviceError as error:
            if code is plain:
                raise
            text = str(error)  # no deflate there, or no room for it
        except (ValueError, SyntaxError, KeyError, TypeError):
            repl.recover()
    raise TransportError(f"{repl.link.name}: strange answer {text[:80]!r}")


def _parse(text: str) -> DeviceInfo:
    who, platform, free, found, parts, mounted, in_use = ast.literal_eval(text.strip())
    version, machine, mpy, build = who
    segments, refused = [], {}
    for item in parts:
        if len(item) == 2:
            refused[item[0]] = -item[1]
        elif item[1]:
            index, kind, count, unit = item
            segments.append(Segment(index, count * unit, kind, unit))
        else:
            index, _, size, unit = item
            segments.append(Segment(index, size, "", unit))
    return DeviceInfo(
        version=tuple(version or ()),
        machine=machine or "",
        platform=platform,
        mpy=mpy or 0,
        build=build or "",
        free=free,
        features=frozenset(FEATURES[number] for number in found),
        segments=tuple(segments),
        refused=refused,
        mounted=None if mounted < 0 else mounted,
        in_use=tuple(in_use),
    )
