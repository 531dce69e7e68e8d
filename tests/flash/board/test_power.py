"""Power cuts on the running board: the file holds what the chip would, and boots again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from flash.board.nor import NorFlash, PowerCut, Supply
from flash.board.virtual import State, VirtualBoard
from flash.geometry import Geometry
from tests.flash.board.test_virtual import HELLO, image
from tests.sim.repl import Repl

OLD = bytes(range(256)) * 32
# What a careless update does: erase, then write from the start, header first.
WRITE = (
    "import vfs\nd = {data!r}\nvfs.rom_ioctl(3, 0, 0, 8192)\n"
    "for i in range(0, len(d), 1024): vfs.rom_ioctl(4, 0, i, d[i:i + 1024])\n"
)
NEW = HELLO + bytes(4096 - len(HELLO))
STEPS = 2 + 16


def _model(supply: Supply) -> tuple[bytes, int]:
    """The same update on the pure model; returns the memory after the cut, and operations."""
    flash = NorFlash(Geometry.uniform(1 << 20, 4096), supply=supply)
    flash.load(OLD)
    try:
        flash.erase(0, 8192)
        for at in range(0, len(NEW), 1024):
            flash.program(at, NEW[at : at + 1024])
    except PowerCut:
        pass
    return flash.read(0, 8192), flash.supply.count


def _cut(path: Path, *faults: str, seed: int = 0) -> tuple[bytes, int]:
    path.write_bytes(OLD)
    with VirtualBoard("PYBD_SF2", path, faults=faults, seed=seed) as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.send(WRITE.format(data=NEW).encode() + b"\x04")
            assert board.wait_off()
        count = board.supply.count
    return path.read_bytes()[:8192], count


@pytest.mark.parametrize("number", [1, 2, 3, 10, STEPS])
def test_a_clean_cut_leaves_what_the_model_says(tmp_path: Path, number: int) -> None:
    assert _cut(tmp_path / "flash", f"cut={number}") == _model(Supply(cut_after=number))


@pytest.mark.parametrize("number", [1, 3, 10])
def test_a_torn_cut_leaves_what_the_model_says(tmp_path: Path, number: int) -> None:
    assert _cut(tmp_path / "flash", f"tear={number}", seed=5) == _model(Supply(tear=number, seed=5))


def test_nothing_happens_without_power_and_a_rerun_completes(tmp_path: Path) -> None:
    path = tmp_path / "flash"
    with VirtualBoard("PYBD_SF2", path, faults=["cut=3"]) as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.send(WRITE.format(data=NEW).encode() + b"\x04")
            assert board.wait_off()
        assert not Path(board.port).exists()  # powered by USB
        assert [cut.operation for cut in board.cuts] == [3]
        # One page of sixteen: the header is there, so this mounts at boot.
        assert board.flash.read(0, 256) == NEW[:256]
        assert board.flash.is_blank(256, 4096)
        board.power_on(cut=board.supply.count + 5)
        assert board.wait_booted()
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.send(WRITE.format(data=NEW).encode() + b"\x04")
            assert board.wait_off()
        board.power_on()
        assert board.wait_booted()
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.run(WRITE.format(data=NEW))
            repl.send(b"\x04")
            repl.expect(b"raw REPL; CTRL-B to exit\r\n>")
            assert repl.run("import hello") == "hello from rom\r\n"
    assert hashlib.sha256(path.read_bytes()[:4096]).digest() == hashlib.sha256(NEW).digest()


def test_a_uart_port_outlives_the_power_of_its_board() -> None:
    with (
        VirtualBoard("PYBD_SF2", baud=1_000_000) as board,
        Repl(board.port) as repl,
    ):
        repl.enter_raw()
        board.power_off()
        assert board.state is State.OFF
        repl.send(b"print(1)\x04")
        assert repl.quiet(0.1) == b""
        board.power_on()
        assert board.wait_booted()
        repl.enter_raw()
        assert repl.run("print(2)") == "2\r\n"


def test_power_returns_by_itself_if_asked() -> None:
    with VirtualBoard("PYBD_SF2", faults=["cut=1"], power_on_after=0.05) as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.send(WRITE.format(data=NEW).encode() + b"\x04")
            assert board.wait_for(lambda: board.resets == 1)
        assert board.wait_booted()


def test_a_cut_hits_the_filesystem_in_flash_too(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with VirtualBoard("RPI_PICO", disk=disk) as board:
        assert board.wait_prompt()
        formatted = board.supply.count
    with VirtualBoard("RPI_PICO", disk=disk, faults=["tear=3"]) as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.submit("""
                for i in range(50):
                    with open('f%d' % i, 'w') as f:
                        f.write('x' * 300)
            """)
            assert board.wait_off()
        board.power_on()
        with Repl(board.port) as repl:
            repl.enter_raw()
            # littlefs lives through it: whatever is listed can be read.
            code = """
                import os
                for name in os.listdir():
                    assert open(name).read() in ('', 'x' * 300)
                print('fine')
            """
            assert repl.run(code) == "fine\r\n"
    assert formatted > 0


@pytest.mark.parametrize(("number", "mounted"), [(1, False), (3, True), (10, True)])
def test_a_careless_update_cut_short_mounts_and_fails(
    tmp_path: Path, number: int, mounted: bool
) -> None:
    # What users see after an interrupted deploy that writes the header first.
    files = image(*((f"m{i}.py", f"X = {i}".encode() + b"#" * 700) for i in range(5)))
    data = files + bytes(-len(files) % 4096)
    path = tmp_path / "flash"
    with VirtualBoard("PYBD_SF2", path, faults=[f"cut={number}"]) as board:
        with Repl(board.port) as repl:
            repl.enter_raw()
            repl.submit(WRITE.format(data=data))
            assert board.wait_off()
        board.power_on()
        with Repl(board.port) as repl:
            repl.enter_raw()
            assert repl.run("import sys\nprint('/rom' in sys.path)") == f"{mounted}\r\n"
            if mounted:
                repl.submit("import m4")
                assert b"ImportError" in repl.expect(b"\x04>")
