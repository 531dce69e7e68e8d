"""`romfs flash --method`, from the command to simulated boot loaders and back."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import boards
from flash import routes
from romfs.cli import exit_codes, main
from romfs.errors import MissingExtra
from romfs.image import Image
from tests.formats.firmware import esp_firmware, romfs_image
from tests.sim.uf2_drive import Uf2Drive, running

IMAGE = romfs_image(9000)
PICO = ["--board", "RPI_PICO", "--size", "128K"]
PICO_AT = 0x8_0000


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "app.romfs"
    path.write_bytes(IMAGE)
    return str(path)


@pytest.fixture
def drive(tmp_path: Path) -> Uf2Drive:
    made = Uf2Drive(tmp_path / "RPI-RP2")
    made.appear()
    return made


def test_uf2(drive: Uf2Drive, image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running(drive):
        assert main(["flash", image, "--method", "uf2", "--port", str(drive.path), *PICO]) == 0
    assert drive.flash.read(PICO_AT, len(IMAGE)) == IMAGE
    said = capsys.readouterr()
    assert "not verified" in said.out
    assert "write again before use" in said.err


def test_a_tree_is_built_for_the_board(
    drive: Uf2Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROMFS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("print(1)\n")
    words = ["flash", str(tmp_path / "app"), "--method", "uf2", "--port", str(drive.path)]
    with running(drive):
        assert main([*words, *PICO]) == 0
    held = Image(drive.flash.read(PICO_AT, 0x2_0000))
    assert [path for path, _ in held.files()] == ["main.mpy"]


def test_a_dry_run_shows_the_steps(
    drive: Uf2Drive, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["flash", image, "--method", "uf2", "--port", str(drive.path), "-n", *PICO]
    assert main(words) == 0
    assert "commit  0x00000000      4096" in capsys.readouterr().out
    assert not (drive.path / "ROMFS.UF2").exists()


def test_esptool(image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("esptool", reason="esptool is not installed (extra 'esp')")
    from tests.sim.esp_rom import EspRom, on_a_port

    rom = EspRom("esp32s3")
    rom.flash.load(esp_firmware(9))
    with on_a_port(rom) as port:
        words = ["flash", image, "--method", "auto", "--port", port]
        assert main([*words, "--board", "ESP32_GENERIC_S3", "--json"]) == 0
    assert rom.flash.read(0x1E_0000, len(IMAGE)) == IMAGE
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "done" and events[-1]["verified"] is True


def test_dfu(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("usb", reason="pyusb is not installed (extra 'dfu')")
    from flash import dfu_devices
    from tests.sim.dfu_device import PYBD, Backend, DfuDevice

    device = DfuDevice((PYBD,), "mboot")
    bus, find = Backend(device), dfu_devices.find_memories
    monkeypatch.setattr(dfu_devices, "find_memories", lambda: find(bus))
    words = ["flash", image, "--method", "dfu", "--board", "PYBD_SF2"]
    assert main([*words, "--no-reset"]) == 0
    assert device.read(0x9010_0000, len(IMAGE)) == IMAGE
    assert device.running is None
    assert "verified, " in capsys.readouterr().out
    assert main(words) == 0
    assert "already there" in capsys.readouterr().out
    assert device.running == 0x0800_8000


def test_dfu_without_pyusb_goes_through_the_command(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pydfuutil", reason="pydfuutil is not installed (PyPI)")
    from flash import dfu_devices
    from tests.flash.test_dfu_util import make_command

    def missing() -> object:
        raise MissingExtra("flashing over DFU", extra="dfu")

    make_command(tmp_path)
    monkeypatch.setattr(dfu_devices, "find_memories", missing)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert main(["flash", image, "--method", "dfu", "--board", "PYBD_SF2", "--no-reset"]) == 0
    assert (tmp_path / "state").read_bytes()[0x10_0000:][: len(IMAGE)] == IMAGE
    monkeypatch.setenv("PATH", "")
    assert main(["flash", image, "--method", "dfu", "--board", "PYBD_SF2"]) == 1


def test_swd(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyocd", reason="pyOCD is not installed (extra 'swd')")
    from flash import swd
    from tests.sim.swd_target import Chip, Session

    chip = Chip(size=0x10_0000)
    monkeypatch.setattr(swd, "open_session", lambda *_, **__: Session(chip))
    part = boards.load("PCA10056").partition(0)
    assert part.address is not None
    assert main(["flash", image, "--method", "swd", "--board", "PCA10056"]) == 0
    assert chip.nor.read(part.address, len(IMAGE)) == IMAGE
    assert "verified, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--method", "uf2"], 1, "needs --board"),
        (["--method", "uf2", "--board", "PYBD_SF2"], 1, "not reached by uf2; routes it has: dfu"),
        (["--method", "uf2", "--board", "RPI_PICO"], 1, "give --size"),
        (["--method", "uf2", "--board", "ESP32_GENERIC_S3"], 1, "does not write its partition"),
        (["--method", "uf2", *PICO, "--port", "/nowhere"], exit_codes.NO_PORT, "BOOTSEL"),
        (["--method", "auto", *PICO, "--port", "/nowhere"], exit_codes.NO_PORT, "uf2: /nowhere"),
        (["--method", "uf2", *PICO, "--port", "a", "--port", "b"], 1, "one device at a time"),
        (["--method", "uf2", "--board", "RPI_PICO", "--size", "4K"], exit_codes.DOES_NOT_FIT,
         "holds 4.0 KiB"),
    ],
)  # fmt: skip
def test_failures_have_their_exit_codes(
    image: str, drive: Uf2Drive, words: list[str], code: int, message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    if code == exit_codes.DOES_NOT_FIT:
        words = [*words, "--port", str(drive.path)]
    assert main(["flash", image, *words]) == code
    assert message in capsys.readouterr().err
    assert not (drive.path / "ROMFS.UF2").exists()


def test_boards_know_their_routes() -> None:
    assert routes.methods_of(boards.load("ESP32_GENERIC_S3")) == ("esptool",)
    assert routes.methods_of(boards.load("PYBD_SF2")) == ("dfu",)
    assert routes.methods_of(boards.load("RPI_PICO")) == ("uf2", "swd")
    for board in boards.all_boards():
        assert set(routes.methods_of(board)) <= set(routes.METHODS)


@pytest.mark.parametrize(
    ("method", "board", "module", "extra"),
    [
        ("esptool", "ESP32_GENERIC_S3", "esptool", "esp"),
        ("dfu", "PYBD_SF2", "usb.core", "dfu"),
        ("swd", "PCA10056", "pyocd.target", "swd"),
    ],
)
def test_a_missing_package_is_named(
    image: str, method: str, board: str, module: str, extra: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("PATH", "")
    assert main(["flash", image, "--method", method, "--board", board, "--port", "x"]) == 1
    assert f"pip install 'micropython-romfs[{extra}]'" in capsys.readouterr().err
