"""Damaged files of every format: a clear error or the file as it was, and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.errors import FormatError, RomfsError
from romfs.formats import container, esp
from romfs.formats.binary_info import read_binary_info
from romfs.formats.dfu import DfuFile, DfuTarget
from romfs.formats.ihex import HexFile
from romfs.formats.memory import Memory
from romfs.formats.merge import merge
from romfs.formats.uf2 import Uf2File
from tests.formats.firmware import EMPTY_IMAGE, esp_firmware, rp2_firmware

MEMORY = Memory([(0x1000_0000, bytes(range(256)) * 2), (0x9000_0000, b"image" * 30)])
FILES = {
    "a.hex": container.write(HexFile(MEMORY, {"EIP": 0x1000_0001})),
    "a.uf2": container.write(
        Uf2File({0x55114460: MEMORY}, tags={0x55114460: {0x9FC7BC: b"1.0", 0x650D9D: b"ACME"}})
    ),
    "a.dfu": container.write(DfuFile((DfuTarget(MEMORY, 0, "one"), DfuTarget(MEMORY, 1)))),
}
FIRMWARE = {"rp2.bin": rp2_firmware(), "esp.bin": esp_firmware(9)}

KINDS = st.sampled_from(("set", "insert", "cut", "copy"))
EDITS = st.lists(st.tuples(KINDS, st.integers(0), st.binary(max_size=9)), min_size=1, max_size=4)


def edited(data: bytes, edits: list[tuple[str, int, bytes]]) -> bytes:
    for what, where, value in edits:
        at = where % (len(data) + 1)
        if what == "set":
            data = data[:at] + value + data[at + len(value) :]
        elif what == "insert":
            data = data[:at] + value + data[at:]
        elif what == "cut":
            data = data[:at] + data[at + len(value) * 64 :]
        else:
            data = data[:at] + data[at : at + 512] + data[at:]
    return data


@pytest.mark.parametrize("name", list(FILES))
@given(edits=EDITS)
def test_a_mutated_file_is_refused_or_means_what_it_says(
    name: str, edits: list[tuple[str, int, bytes]]
) -> None:
    data = edited(FILES[name], edits)
    try:
        content = container.read(data, name)
    except FormatError:
        return
    # What was accepted can be written, and means the same then.
    again = container.read(container.write(content), name) if _has_data(content) else content
    for before, after in zip(container.parts(content), container.parts(again), strict=True):
        for address, piece in before.memory:
            assert after.memory.read(address, len(piece)) == piece


def _has_data(content: container.Content) -> bool:
    return any(part.memory for part in container.parts(content))


@given(st.binary(max_size=2000), st.sampled_from(("a.hex", "a.uf2", "a.dfu", "a.bin", "")))
def test_arbitrary_bytes_are_refused_or_read(data: bytes, name: str) -> None:
    with contextlib.suppress(FormatError):
        container.read(data, name)


@pytest.mark.parametrize("name", list(FIRMWARE))
@given(edits=EDITS, start=st.sampled_from((0, 0x1C0, 0x1000, 0x8000, 0x1_0000)))
def test_mutated_firmware_is_merged_or_refused(
    name: str, edits: list[tuple[str, int, bytes]], start: int
) -> None:
    """Edits near what is interpreted: headers, lists, tables."""
    near = [(what, start + where % 600, value) for what, where, value in edits]
    data = edited(FIRMWARE[name], near)
    try:
        done = merge(container.read(data, name), EMPTY_IMAGE)
    except RomfsError:
        return
    for part in container.parts(done.content):
        assert part.memory.read(done.place.address, len(EMPTY_IMAGE)) == EMPTY_IMAGE


@pytest.mark.parametrize("read", [esp.read_table, esp.find_base])
@given(st.binary(max_size=200))
def test_arbitrary_tables_are_refused(read: Callable[[bytes], object], data: bytes) -> None:
    with contextlib.suppress(FormatError):
        read(b"\xaa\x50" + data)


@given(st.binary(min_size=12, max_size=400))
def test_arbitrary_binary_info_is_refused(data: bytes) -> None:
    head = b"\xf2\xeb\x88\x71" + data[:12] + b"\x90\xa3\x1a\xe7"
    with contextlib.suppress(FormatError):
        read_binary_info(Memory([(0x1000_0000, head + data[12:])]))
