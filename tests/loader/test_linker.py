"""Machine code is laid out and relocated as a device would do it."""

from __future__ import annotations

import io

import pytest

from loader.code import NativeCode, link
from loader.linker import Bases, link_native
from loader.vfs import MountTable
from loader.vm import VM
from romfs.errors import MpyError
from romfs.mpy import parse_mpy

HEADER = bytes([ord("M"), 6, 6 << 2 | 3, 31])  # armv7em
NAME = b"\x01\x00\x08m.py\x00"
BODY = b"\x44\x08\x02\x00\x32\x00\x59\x51\x63\x01"  # makes its only child


def _viper(text: bytes, rodata: bytes, bss: int, relocations: bytes) -> NativeCode:
    child = bytes([len(text) << 3 | 2]) + text + bytes([0x70, len(rodata), bss]) + rodata
    data = memoryview(HEADER + NAME + BODY + child + relocations + b"\xff")
    vm = VM(stdin=io.BytesIO(), stdout=io.BytesIO(), stderr=io.BytesIO(), vfs=MountTable())
    code = link(parse_mpy(data), data, {}, vm).children[0]
    assert isinstance(code, NativeCode)
    return code


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def test_relocations() -> None:
    text = b"".join(n.to_bytes(4, "little") for n in (1, 2, 3))
    # Word 0 of text += text, words 1 and 2 += rodata; word 0 of rodata += function 3.
    relocations = b"\x01\x00" + b"\x06\x02" + bytes([(9 + 3) << 1 | 1, 1])
    code = _viper(text, bytes(4), 8, relocations)
    bases = Bases(text=0x1000, rodata=0x2000, functions=0x8000)
    linked = link_native(code, bases)
    assert _words(linked.text) == [0x1001, 0x2002, 0x2003]
    assert _words(linked.rodata) == [0x8000 + 3 * 4]
    assert (linked.bss, linked.word) == (8, 4)


def test_relocation_outside_its_part() -> None:
    with pytest.raises(MpyError, match="word 1 of text, which has 4 bytes"):
        link_native(_viper(bytes(4), bytes(4), 0, b"\x01\x02"))


def test_relocation_against_no_function() -> None:
    with pytest.raises(MpyError, match="entry 90 of a function table"):
        link_native(_viper(bytes(4), bytes(4), 0, bytes([0x81, 0x47, 0])[:0] + b"\xc7\x00"))
