"""The DfuSe route through a `dfu-util` command, over the simulated device."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest

import boards
from flash import dfu_util
from flash.bootloader import deploy, make_target
from flash.dfu_devices import choose_memory
from flash.dfu_util import DfuUtilTransport, list_memories
from flash.plan import Kind
from flash.target import Erasing, Target
from romfs.errors import TransportError, VerifyError, WriteRefused
from tests.formats.firmware import romfs_image

BOARD = boards.load("PYBD_SF2")
ADDRESS, SIZE = 0x9010_0000, 0x10_0000
IMAGE = romfs_image(70_000)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(tmp_path: Path) -> str:
    """Path of a command that behaves as dfu-util with one device connected."""
    pytest.importorskip("pydfuutil", reason="pydfuutil is not installed (PyPI)")
    return make_command(tmp_path)


def make_command(tmp_path: Path) -> str:
    """Write the command `dfu-util` and the flash behind it."""
    script = tmp_path / "dfu-util"
    script.write_text(
        f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m tests.sim.dfu_command "
        f'{tmp_path}/state "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "state").write_bytes(b"\x5a" * 0x20_0000)
    return str(script)


def opened(command: str) -> tuple[DfuUtilTransport, Target]:
    memory = choose_memory(list_memories(command), ADDRESS, SIZE)
    regions = memory.erase_regions(ADDRESS, SIZE)
    target = make_target(BOARD, BOARD.partition(0), erase=regions, erasing=Erasing.WHOLE)
    return DfuUtilTransport(memory, ADDRESS, SIZE, command=command), target


def held(tmp_path: Path, length: int) -> bytes:
    return (tmp_path / "state").read_bytes()[0x10_0000 : 0x10_0000 + length]


def test_the_image_arrives_and_the_same_is_not_written_again(command: str, tmp_path: Path) -> None:
    route, target = opened(command)
    done = deploy(route, IMAGE, target)
    assert (done.plan.kind, done.verified) == (Kind.FULL, True)
    assert held(tmp_path, len(IMAGE)) == IMAGE
    assert (tmp_path / "state").read_bytes()[:0x10_0000] == b"\x5a" * 0x10_0000
    log = (tmp_path / "state.log").read_text().splitlines()
    assert log[0] == f"erase {ADDRESS:#x}"
    assert deploy(route, IMAGE, target).plan.kind is Kind.NOTHING
    assert (tmp_path / "state.log").read_text().splitlines() == log


def test_a_failing_write_is_told(command: str, tmp_path: Path) -> None:
    route, target = opened(command)
    (tmp_path / "state.fail").touch()
    with pytest.raises((WriteRefused, VerifyError)):
        deploy(route, IMAGE, target)


def test_memories_are_listed_as_the_command_prints_them(command: str) -> None:
    (memory,) = list_memories(command)
    assert (memory.ids, memory.serial, memory.alternate) == ("0483:df11", "3276365D3336", 0)
    assert memory.title == "External Flash"


def test_the_real_command_lists_nothing_here() -> None:
    if not dfu_util.available():
        pytest.skip("dfu-util is not installed (Debian package dfu-util)")
    assert isinstance(list_memories(), list)


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="listing devices failed"):
        list_memories(shutil.which("false") or "/bin/false")
    with pytest.raises(TransportError, match="nowhere"):
        list_memories(str(tmp_path / "nowhere"))
