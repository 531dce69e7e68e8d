"""What a firmware accepts, against the loader's own rules and a real firmware."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
import romfs.mpy
from boards import ARCHS, MpyAbi
from romfs.errors import BoardError


def test_architectures_have_the_numbers_of_the_file_format() -> None:
    assert ARCHS == romfs.mpy.ARCHS


@pytest.mark.parametrize(
    ("arch", "value"),
    [
        (None, 774),
        ("x64", 2822),
        ("armv6m", 4870),
        ("armv7m", 5894),
        ("armv7em", 6918),
        ("armv7emsp", 7942),
        ("armv7emdp", 8966),
        ("xtensa", 9990),
        ("xtensawin", 11014),
        ("rv32imc", 12038),
    ],
)
def test_mpy_value(arch: str | None, value: int) -> None:
    assert MpyAbi(native_arch=arch, loader_arch=arch).mpy_value() == value


def test_extensions_are_the_high_bits_of_mpy_value() -> None:
    abi = MpyAbi("rv32imc", "rv32imc", flags=("zba", "zcmp"))
    assert abi.mpy_value() == 12038 | 3 << 16


BYTECODE = MpyAbi()
M4 = MpyAbi("armv7emsp", "armv7emsp")
M3 = MpyAbi("armv7m", "armv7em")
RV32 = MpyAbi("rv32imc", "rv32imc", flags=("zba",))
UNIX = MpyAbi("x64", "x64", word=8, small_int_bits=63)


@pytest.mark.parametrize(
    ("abi", "header", "reason"),
    [
        (BYTECODE, {}, None),
        (BYTECODE, {"sub_version": 1}, None),  # means nothing without native code
        (BYTECODE, {"version": 5}, "incompatible .mpy file"),
        (BYTECODE, {"small_int_bits": 32}, "incompatible .mpy file"),
        (UNIX, {"small_int_bits": 63}, None),
        (BYTECODE, {"arch": "armv6m", "sub_version": 3}, "native code in .mpy unsupported"),
        (BYTECODE, {"arch": "armv6m", "sub_version": 2}, "incompatible .mpy file"),
        (M4, {"arch": "armv6m", "sub_version": 3}, None),
        (M4, {"arch": 7, "sub_version": 3}, None),
        (M4, {"arch": "armv7emdp", "sub_version": 3}, "incompatible .mpy arch"),
        (M4, {"arch": "armv6", "sub_version": 3}, "incompatible .mpy arch"),
        (M4, {"arch": "debug", "sub_version": 3}, "incompatible .mpy arch"),
        (M4, {"arch": "armv7emsp", "sub_version": 2}, "incompatible .mpy file"),
        (M4, {"arch_flags": 1}, "incompatible .mpy file"),
        (M3, {"arch": "armv7em", "sub_version": 3}, None),
        (RV32, {"arch": "rv32imc", "sub_version": 3, "arch_flags": 1}, None),
        (RV32, {"arch": "rv32imc", "sub_version": 3, "arch_flags": 2}, "incompatible .mpy file"),
        (RV32, {"arch": "rv64imc", "sub_version": 3}, "incompatible .mpy arch"),
    ],
)
def test_accepts(abi: MpyAbi, header: dict[str, int], reason: str | None) -> None:
    assert abi.accepts(**header) == reason


@given(
    st.sampled_from([board.mpy for board in boards.all_boards()]),
    st.sampled_from(ARCHS),
)
def test_every_board_accepts_what_it_says(abi: MpyAbi, arch: str) -> None:
    loads = abi.accepts(arch, abi.sub_version) is None
    assert loads == (arch == "none" or arch in abi.accepted_archs)


def test_a_board_is_compiled_for_only_what_it_loads() -> None:
    for board in boards.all_boards():
        abi = board.mpy
        if board.native_arch is not None:
            assert abi.accepts(board.native_arch, abi.sub_version, abi.arch_flags) is None
        assert abi.accepts() is None, "bytecode with 31-bit integers loads everywhere"


def test_a_real_firmware_agrees() -> None:
    """The unix board's row, but for its variant, describes a real MicroPython."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    engine = shutil.which("micropython", path=places)
    if engine is None:
        pytest.skip("no micropython beside this Python or on PATH")
    script = "import sys; print(sys.implementation._mpy, sys.maxsize > 1 << 32, sys.byteorder)"
    out = subprocess.run(
        [engine, "-c", script], capture_output=True, text=True, timeout=20, check=True
    )
    value, is_64_bit, order = out.stdout.split()
    abi = boards.load("unix").mpy
    if is_64_bit != "True":
        pytest.skip("this micropython has 32-bit words")
    assert int(value) & 0xFF == abi.version
    assert int(value) in (abi.mpy_value(), MpyAbi().mpy_value())
    assert abi.little_endian == (order == "little")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"native_arch": "armv7"}, "mpy.arch: 'armv7'"),
        ({"native_arch": "debug"}, "mpy.arch: 'debug'"),
        ({"native_arch": "armv7emdp", "loader_arch": "armv7emsp"}, "is not accepted by a loader"),
        ({"native_arch": "armv6m"}, "is not accepted by a loader"),
        ({"word": 2}, "mpy.word: 2"),
        ({"version": 5}, "mpy.version: 5"),
        ({"sub_version": 4}, "mpy.sub_version: 4"),
        ({"float": "half"}, "mpy.float: 'half'"),
        ({"small_int_bits": 30}, "representation A with 4-byte words has 31"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, object], says: str) -> None:
    with pytest.raises(BoardError) as caught:
        MpyAbi(**fields)  # type: ignore[arg-type]
    assert says in str(caught.value)
