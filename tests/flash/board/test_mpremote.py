"""mpremote, which knows nothing of us, finds on a virtual board what it finds on a real one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flash.board.virtual import VirtualBoard

pytestmark = pytest.mark.skipif(
    shutil.which("mpremote", path=str(Path(sys.executable).parent)) is None,
    reason="mpremote is not installed",
)


def _mpremote(board: VirtualBoard, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "lib").mkdir(parents=True)
    (root / "hello.py").write_text("def f(): return b'hello from rom'\n")
    (root / "lib" / "deep.py").write_text("import hello\nprint(hello.f(), hello.__file__)\n")
    (root / "data.bin").write_bytes(bytes(range(256)) * 50)
    return root


@pytest.mark.parametrize(
    "name",
    [
        "PYBD_SF2",  # rom_ioctl, erase from an offset
        "WEACTSTUDIO_MINI_STM32H723",  # without op 6
        "ESP8266_GENERIC-FLASH_2M_ROMFS",  # erase from the start only
        "EK_RA4W1",  # merges and programs 2 KiB
        "ALIF_ENSEMBLE:M55_HE",  # MRAM
        "MINISAM_M4",  # read, merge, erase, program
        "RPI_PICO",  # block devices
        "TEENSY40",
        "PCA10040",
        "ESP32_GENERIC",
    ],
)
def test_query_deploy_import(name: str, app: Path) -> None:
    with VirtualBoard(name) as board:
        size = board.flash.geometry.size
        text = _mpremote(board, "romfs", "query")
        assert f"ROMFS0 partition has size {size} bytes" in text
        assert "Not a valid ROMFS" in text
        assert "ROMFS image deployed" in _mpremote(board, "romfs", "deploy", str(app))
        assert "ROMFS image size: 13" in _mpremote(board, "romfs", "query")
        printed = _mpremote(board, "soft-reset", "exec", "import deep; print(deep.__file__)")
        where = "" if board.board.port == "alif" else "/rom/"  # alif starts in /rom
        assert printed == f"b'hello from rom' {where}hello.mpy\n/rom/lib/deep.mpy\n"
        data = _mpremote(
            board, "exec", "print(open('/rom/data.bin','rb').read()==bytes(range(256))*50)"
        )
        assert data == "True\n"


def test_deploy_says_success_whatever_the_board_says(app: Path) -> None:
    # Why this project verifies.
    with VirtualBoard("MINISAM_M4", faults=[f"fail={n}" for n in range(1, 400)]) as board:
        assert "ROMFS image deployed" in _mpremote(board, "romfs", "deploy", str(app))
        assert board.flash.is_blank()


def test_deploy_on_samd_destroys_the_users_files(app: Path, tmp_path: Path) -> None:
    with VirtualBoard("SAMD_GENERIC_D51X19", disk=tmp_path / "disk") as board:
        _mpremote(board, "exec", "open('precious.txt', 'w').write('data')")
        assert "precious.txt" in _mpremote(board, "fs", "ls")
        _mpremote(board, "romfs", "deploy", str(app))
        _mpremote(board, "reset")  # which happens 100 ms later, and takes the USB port away
        assert board.wait_for(lambda: not Path(board.port).exists())
        assert board.wait_for(lambda: Path(board.port).exists())
        assert "precious.txt" not in _mpremote(board, "fs", "ls")


def test_files_and_a_mounted_directory(app: Path) -> None:
    with VirtualBoard("RPI_PICO") as board:
        _mpremote(board, "fs", "cp", str(app / "data.bin"), ":copy.bin")
        assert "copy.bin" in _mpremote(board, "fs", "ls")
        assert (board.filesystem / "copy.bin").read_bytes() == bytes(range(256)) * 50
        _mpremote(board, "fs", "cp", ":copy.bin", str(app / "back.bin"))
        assert (app / "back.bin").read_bytes() == bytes(range(256)) * 50
        printed = _mpremote(board, "mount", str(app), "exec", "import hello; print(hello.f())")
        assert "b'hello from rom'" in printed


def test_over_a_slow_line(app: Path) -> None:
    with VirtualBoard("RPI_PICO", baud=230400) as board:
        _mpremote(board, "romfs", "deploy", str(app))
        assert board.flash.read(0, 3) == b"\xd2\xcd\x31"
