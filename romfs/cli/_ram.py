"""What importing the modules of an image costs on a board: file, code and objects together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.check.imports import module_name
from romfs.errors import MpyError
from romfs.image import Image
from romfs.mpy import Mpy, parse_mpy
from romfs.ram.device import Device
from romfs.ram.load import LoadCost, load_cost
from romfs.static_qstrs import STATIC_QSTRS

if TYPE_CHECKING:
    from boards import Board
    from loader.footprint import Footprint

_FLOAT_BYTES = {"none": 0, "single": 4, "double": 8}
_NAME = re.compile(rb"(?<=\0)[\x20-\x7e]{1,255}(?=\0)")


@dataclass(frozen=True, slots=True)
class ModuleRam:
    """One module's share.

    Attributes:
        path: Its file in the image.
        name: Under which it is imported.
        file: What its file brings: tables, constants, records.
        objects: Bytes of what its body makes and keeps, by type.
        code: Bytes of function records that stay.
        bytecode: Bytes of bytecode that stays where it is copied.
        measured: Whether the body was run; else its objects are estimated from the code.
        note: Why not, or what was guessed; "" if nothing.
    """

    path: str
    name: str
    file: LoadCost
    objects: dict[str, int]
    code: int
    bytecode: int
    measured: bool
    note: str

    @property
    def made(self) -> int:
        """Bytes of objects its body makes."""
        return sum(self.objects.values())

    @property
    def rom(self) -> int:
        """What stays when it is imported from a ROMFS."""
        file = self.file
        return (
            file.context + file.tables + file.constants + file.native + file.names + self.code
        ) + self.made

    @property
    def peak(self) -> int:
        """What its import needs at once, before garbage is collected."""
        return self.file.total + self.made

    @property
    def mpy(self) -> int:
        """What stays when the same .mpy file lies in a read-write file system."""
        return self.rom + self.bytecode + self.file.copied_texts

    @property
    def frozen(self) -> int:
        """What stays when it is frozen into the firmware."""
        return self.file.context + self.made

    def as_json(self) -> dict[str, Any]:
        """Plain values, under the names above."""
        file = asdict(self.file)
        file["new_names"] = len(self.file.new_names)
        return {
            "path": self.path,
            "module": self.name,
            "rom": self.rom,
            "peak": self.peak,
            "mpy": self.mpy,
            "py": self.mpy,
            "frozen": self.frozen,
            "file": file,
            "objects": self.objects,
            "code": self.code,
            "bytecode": self.bytecode,
            "measured": self.measured,
            "note": self.note,
        }


def device_of(board: Board | None, firmware: Path | None = None) -> Device:
    """A board's heap; that of a 32-bit board in general if None.

    Args:
        board: The board.
        firmware: Its firmware file: names found in it cost nothing.
    """
    known = frozenset(STATIC_QSTRS)
    if firmware is not None:
        known |= {name.decode() for name in _NAME.findall(firmware.read_bytes())}
    if board is None:
        return Device(known=known)
    abi = board.mpy
    boxed = abi.repr in "AB"
    return Device(
        word=abi.word,
        small_int_bits=abi.small_int_bits,
        hash_bytes=abi.qstr_hash_bytes,
        length_bytes=abi.qstr_len_bytes,
        float_bytes=_FLOAT_BYTES[abi.float] if boxed else 0,
        known=known,
    )


def modules_of(image: Image) -> dict[str, str]:
    """Module name -> path of every compiled module."""
    return {module_name(path)[0]: path for path, _ in image.files() if path.endswith(".mpy")}


def measure(
    path: Path,
    device: Device,
    *,
    only: Iterable[str] = (),
    execute: bool = True,
    timeout: float = 10,
) -> list[ModuleRam]:
    """The RAM each module of an image takes, the largest first.

    Args:
        path: The image.
        device: Whose heap.
        only: Names of modules to import; what they import comes with them. All if empty.
        execute: Run module bodies, in this process; else estimate from the code.
        timeout: Seconds for the import of one module.
    Raises:
        ImageError: The image is malformed.
    """
    with Image.open(path) as image:
        known = modules_of(image)
        wanted = list(only) or sorted(known, key=lambda name: (name.count("."), name))
        found: dict[str, Footprint] = {}
        notes: dict[str, str] = {}
        if execute:
            from loader.footprint import import_and_measure

            for name in wanted:
                if name in found:
                    continue
                result = import_and_measure(path, name, device, timeout=timeout)
                for inner, footprint in result.modules.items():
                    found.setdefault(inner, footprint)
                if result.error:
                    notes[name] = result.error.strip().splitlines()[-1]
        listed = sorted({*wanted, *(name for name in found if name in known)})
        rows = []
        for name in listed:
            if name in known:
                data = image.file(known[name]).data
                row = _module(name, known[name], data, device, found.get(name), notes.get(name))
                if row is not None:
                    rows.append(row)
    return sorted(rows, key=lambda row: -row.rom)


def _module(
    name: str,
    path: str,
    data: memoryview,
    device: Device,
    footprint: Footprint | None,
    note: str | None,
) -> ModuleRam | None:
    try:
        mpy = parse_mpy(data)
    except MpyError:
        return None  # `romfs check` says what is wrong with it
    if footprint is not None:
        guesses = ", ".join(footprint.uncertain)
        return ModuleRam(
            path,
            name,
            load_cost(mpy, path, device, n_globals=footprint.globals),
            dict(footprint.objects),
            footprint.code,
            footprint.bytecode,
            True,
            note or (f"guessed sizes: {guesses}" if guesses else ""),
        )
    return estimated(name, path, mpy, device, note or "not run")


def estimated(name: str, path: str, mpy: Mpy, device: Device, note: str = "") -> ModuleRam:
    """A module's share, guessed from its code alone."""
    from loader.estimate import estimate
    from loader.functions import module_function

    guess = estimate(module_function(mpy), device)
    cost = load_cost(mpy, path, device, n_globals=guess.globals)
    return ModuleRam(path, name, cost, guess.objects, guess.code, guess.bytecode, False, note)
