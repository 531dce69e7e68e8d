"""Links machine code of a raw code record, as a device does before running it.

The host does not run it, but says what would run: code, rodata and bss laid out at given
addresses, with every relocation applied against a model of the function table.

Source: MicroPython py/persistentcode.c, mp_native_relocate; tools/mpy_ld.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from loader.code import NativeCode
from romfs.archs import ARCHS
from romfs.errors import MpyError

FUN_TABLE_ENTRIES = 79
"""Entries of the native function table, `mp_fun_table`, of ABI revision 3."""

_WORD_BYTES = {"x64": 8, "rv64imc": 8}


@dataclass(frozen=True, slots=True)
class Bases:
    """Addresses things get on the modelled device.

    Attributes:
        text: Of the code.
        rodata: Of the read-only data.
        bss: Of the zeroed data.
        qstr_table: Of the module's qstr table.
        obj_table: Of its constant table.
        fun_table: Of the native function table.
        functions: Of the first function; the others follow, one word apart.
    """

    text: int = 0x2000_0000
    rodata: int = 0x2001_0000
    bss: int = 0x2002_0000
    qstr_table: int = 0x2003_0000
    obj_table: int = 0x2004_0000
    fun_table: int = 0x0800_0000
    functions: int = 0x0800_1000


@dataclass(frozen=True, slots=True)
class Linked:
    """Machine code ready for a device.

    Attributes:
        text: The code, a copy with its relocations applied.
        rodata: The read-only data likewise.
        bss: Bytes of zeroed data.
        word: Bytes of a machine word.
    """

    text: bytes
    rodata: bytes
    bss: int
    word: int


def word_bytes(arch: str) -> int:
    """Bytes of a machine word of an architecture."""
    return _WORD_BYTES.get(arch, 4)


def link_native(code: NativeCode, bases: Bases | None = None) -> Linked:
    """Lay out a machine code function and apply its relocations.

    Args:
        code: The function.
        bases: Where a device would place its parts.

    Raises:
        MpyError: A relocation lies outside the part it belongs to, or refers to an entry the
            function table does not have.
    """
    bases = bases or Bases()
    raw = code.raw
    word = word_bytes(ARCHS[code.context.mpy.header.arch])
    parts = {"text": bytearray(raw.code), "rodata": bytearray(raw.rodata or b"")}
    for relocation in raw.relocations:
        part = parts[relocation.segment]
        if isinstance(relocation.base, int):
            if relocation.base >= FUN_TABLE_ENTRIES:
                raise MpyError(
                    f"relocation against entry {relocation.base} of a function table of "
                    f"{FUN_TABLE_ENTRIES}",
                    offset=raw.offset,
                )
            base = bases.functions + word * relocation.base
        else:
            base = getattr(bases, relocation.base)
        for index in range(relocation.index, relocation.index + relocation.count):
            end = (index + 1) * word
            if end > len(part):
                raise MpyError(
                    f"relocation of word {index} of {relocation.segment}, which has "
                    f"{len(part)} bytes",
                    offset=raw.offset,
                )
            old = int.from_bytes(part[end - word : end], "little")
            new = old + base & (1 << 8 * word) - 1
            part[end - word : end] = new.to_bytes(word, "little")
    return Linked(bytes(parts["text"]), bytes(parts["rodata"]), raw.bss_size, word)
