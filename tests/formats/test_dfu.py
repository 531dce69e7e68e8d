"""DfuSe files: round trips, damage of every kind, and dfu-suffix as judge."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given

from romfs.errors import FormatError, OverlapError
from romfs.formats.dfu import DfuFile, DfuTarget, read_dfu, suffix_crc, write_dfu
from romfs.formats.memory import Memory
from tests.formats.strategies import memories
from tests.formats.tools import need, run

PYBD = DfuFile(
    (
        DfuTarget(Memory([(0x0800_8000, b"firmware"), (0x9000_0000, b"text")]), 0, "Internal"),
        DfuTarget(Memory([(0x9010_0000, b"image")]), 1),
    ),
    vendor=0x0483,
    product=0xDF11,
)
GOOD = write_dfu(PYBD)


@given(memories(), memories())
def test_what_is_written_is_read(first: Memory, second: Memory) -> None:
    file = DfuFile((DfuTarget(first, 0, "ROMFS"), DfuTarget(second, 3)), 0x0483, 0xDF11, 0x2200)
    assert read_dfu(write_dfu(file)) == file


def test_dfu_suffix_accepts_ours(tmp_path: Path) -> None:
    dfu_suffix = need("dfu-suffix", "dfu-util")
    (tmp_path / "a.dfu").write_bytes(GOOD)
    said = run(dfu_suffix, "-c", tmp_path / "a.dfu").stdout.decode()
    assert "0x0483" in said and "0xDF11" in said and "0x011A" in said


def test_a_suffix_of_dfu_suffix_is_ours(tmp_path: Path) -> None:
    """The tool strips our suffix and adds its own: the same bytes."""
    dfu_suffix = need("dfu-suffix", "dfu-util")
    path = tmp_path / "a.dfu"
    path.write_bytes(GOOD)
    run(dfu_suffix, "-D", path)
    assert path.read_bytes() == GOOD[:-16]
    run(dfu_suffix, "-v", "0483", "-p", "df11", "-d", "ffff", "-S", "0x011a", "-a", path)
    assert path.read_bytes() == GOOD


def resealed(data: bytes) -> bytes:
    return data[:-4] + struct.pack("<I", suffix_crc(data[:-4]))


def changed(offset: int, value: bytes) -> bytes:
    return resealed(GOOD[:offset] + value + GOOD[offset + len(value) :])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin"),
        (GOOD[1:], "does not begin"),
        (GOOD[:20], "truncated"),
        (GOOD[:-1], "suffix is missing"),
        (GOOD[:40] + b"\1" + GOOD[41:], "CRC of the DFU suffix"),
        (changed(5, b"\2"), "version 2"),
        (changed(6, b"\0\0\0\0"), "prefix says 0 bytes"),
        (changed(10, b"\1"), "follow the last DfuSe target"),
        (changed(10, b"\3"), "target prefix is cut off"),
        (changed(11, b"Tarzan"), "'Target'"),
        (changed(11 + 266, b"\xff\xff"), "too long"),
        (changed(11 + 270, b"\1"), "follow the last DfuSe element"),
        (changed(11 + 274 + 4, b"\xff\xff"), "element is .* bytes too long"),
        (changed(len(GOOD) - 10, b"\0\1"), "suffix version 0x0100"),
    ],
)
def test_bad_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_dfu(data)


def test_every_truncation_and_flip_is_noticed() -> None:
    for at in range(len(GOOD)):
        with pytest.raises(FormatError):
            read_dfu(GOOD[:at])
        with pytest.raises(FormatError):
            read_dfu(GOOD[:at] + bytes([GOOD[at] ^ 0x10]) + GOOD[at + 1 :])


def test_elements_that_overlap_are_refused() -> None:
    with pytest.raises(OverlapError):
        read_dfu(changed(11 + 274 + 8 + 8, struct.pack("<I", 0x0800_8004)))


def test_what_cannot_be_written_is_refused() -> None:
    memory = Memory([(0, b"x")])
    with pytest.raises(FormatError, match="nothing"):
        write_dfu(DfuFile(()))
    with pytest.raises(FormatError, match="one alternate"):
        write_dfu(DfuFile((DfuTarget(memory), DfuTarget(memory))))
    with pytest.raises(FormatError, match="255 bytes, 254"):
        write_dfu(DfuFile((DfuTarget(memory, name="n" * 255),)))
