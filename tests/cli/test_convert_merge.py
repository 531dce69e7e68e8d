"""`romfs convert` and `romfs merge` as commands: files in, files out, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from romfs.cli import exit_codes, main
from romfs.formats.container import BinFile, convert, write
from romfs.formats.dfu import read_dfu
from romfs.formats.ihex import read_hex
from romfs.formats.memory import Memory
from romfs.formats.uf2 import Uf2File, read_uf2, write_uf2
from tests.formats.firmware import (
    DEFAULT_TABLE,
    RP2_ROMFS,
    esp_firmware,
    romfs_image,
    rp2_firmware,
)
from tests.formats.tools import need, run

IMAGE = romfs_image(3000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with an image and some firmware in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.romfs").write_bytes(IMAGE)
    (tmp_path / "rp2.bin").write_bytes(rp2_firmware())
    rp2 = Uf2File({0xE48BFF56: Memory([(0x1000_0000, rp2_firmware())])})
    (tmp_path / "rp2.uf2").write_bytes(write_uf2(rp2))
    (tmp_path / "s3.bin").write_bytes(esp_firmware(9))
    (tmp_path / "plain.bin").write_bytes(esp_firmware(9, DEFAULT_TABLE))
    return tmp_path


@pytest.mark.parametrize("suffix", ["hex", "uf2", "dfu", "bin"])
def test_an_image_comes_back_from_every_format(folder: Path, suffix: str) -> None:
    out = f"app.{suffix}"
    words = ["--address", "0x90100000", "--family", "SAMD51"]
    assert main(["convert", "app.romfs", "-o", out, *words]) == 0
    assert main(["convert", out, "-o", "back.romfs"]) == 0
    assert Path("back.romfs").read_bytes() == IMAGE


def test_the_board_gives_address_and_family(folder: Path) -> None:
    assert main(["convert", "app.romfs", "-o", "a.uf2", "--board", "RPI_PICO",
                 "--size", "128K"]) == 0  # fmt: skip
    (family,) = read_uf2(Path("a.uf2").read_bytes()).families
    assert family == 0xE48BFF56
    assert main(["convert", "app.romfs", "-o", "a.hex", "--board", "PYBD_SF2"]) == 0
    assert read_hex(Path("a.hex").read_bytes()).memory.start == 0x9010_0000
    assert main(["convert", "app.romfs", "-o", "a.dfu", "--board", "PYBD_SF2",
                 "--device", "f055:9802"]) == 0  # fmt: skip
    assert (read_dfu(Path("a.dfu").read_bytes()).vendor) == 0xF055


def test_the_files_of_an_image_become_a_fat_volume(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fsck, mtype = need("fsck.fat", "dosfstools"), need("mtype", "mtools")
    assert main(["convert", "app.romfs", "-o", "card.img", "--format", "fat", "--label", "app",
                 "--json"]) == 0  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    assert report["bytes"] == Path("card.img").stat().st_size
    run(fsck, "-n", "card.img")
    assert run(mtype, "-i", "card.img", "::data.bin").stdout[:256] == bytes(range(256))


@pytest.mark.parametrize("firmware", ["rp2.bin", "rp2.uf2", "s3.bin"])
def test_merge_says_where_the_image_went(
    folder: Path, firmware: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = f"out{Path(firmware).suffix}"
    assert main(["merge", firmware, "app.romfs", "-o", out, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    wanted = RP2_ROMFS if firmware.startswith("rp2") else (0x1E_0000, 0x2_0000)
    assert (report["address"], report["partition_size"]) == wanted
    assert report["bytes"] == Path(out).stat().st_size


def test_merge_writes_another_format_on_request(folder: Path) -> None:
    assert main(["merge", "rp2.uf2", "app.romfs", "-o", "all.hex"]) == 0
    memory = read_hex(Path("all.hex").read_bytes()).memory
    assert memory.read(RP2_ROMFS[0], len(IMAGE)) == IMAGE


def test_merge_takes_an_image_in_a_file_with_addresses(folder: Path) -> None:
    made = convert(BinFile(Memory([(0x1008_0000, IMAGE)]), 0x1008_0000), "hex")
    Path("app.hex").write_bytes(write(made))
    assert main(["merge", "rp2.bin", "app.hex", "-o", "out.bin"]) == 0
    assert Path("out.bin").read_bytes()[0x8_0000:] == IMAGE


def test_merge_adds_a_partition(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["merge", "plain.bin", "app.romfs", "-o", "out.bin"]
    assert main(words) == exit_codes.FAILED
    assert "--add-partition" in capsys.readouterr().err
    assert main([*words, "--add-partition", "128K", "--shrink", "factory"]) == 0
    assert Path("out.bin").read_bytes()[0x1E_0000:] == IMAGE
    assert Path("out.bin").read_bytes()[:0x1E_0000] == esp_firmware(9).ljust(0x1E_0000, b"\xff")
    capsys.readouterr()
    assert main([*words, "--add-partition", "64K"]) == 0
    assert "file system" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["convert", "app.romfs", "-o", "out"], 1, "--format"),
        (["convert", "app.romfs", "-o", "out.hex"], 1, "--address"),
        (["convert", "app.romfs", "-o", "out.uf2", "--address", "0"], 1, "--family"),
        (["convert", "app.romfs", "-o", "out.uf2", "--address", "0", "--family", "Z80"], 1, "Z80"),
        (["convert", "app.romfs", "-o", "out.hex", "--board", "SAMD21_XPLAINED_PRO",
          "--partition", "1"], 1, "partition 1"),
        (["convert", "rp2.bin", "-o", "out.img", "--format", "fat"], 1, "ROMFS"),
        (["convert", "app.romfs", "-o", "out.img", "--format", "fat", "--volume-size", "1000"],
         1, "1000 bytes"),
        (["convert", "missing", "-o", "out.hex"], 1, "missing"),
        (["merge", "rp2.bin", "rp2.bin", "-o", "out.bin"], 1, "not a MicroPython ROMFS image"),
        (["merge", "rp2.bin", "app.romfs", "-o", "out.bin", "--board", "ESP32_GENERIC_S3"], 1,
         "rp2 firmware"),
        (["merge", "rp2.uf2", "app.romfs", "-o", "out.uf2", "--board", "RPI_PICO2"], 1,
         "different board"),
        (["merge", "s3.bin", "app.romfs", "-o", "out.bin", "--board", "ESP32_GENERIC_C3"], 1,
         "ESP32-S3"),
        (["merge", "s3.bin", "app.romfs", "-o", "out.bin", "--at", "0x10000"], 1, "has data"),
        (["merge", "s3.bin", "app.romfs", "-o", "out.bin", "--shrink", "nvs"], 1, "--shrink"),
        (["merge", "s3.bin", "app.romfs", "-o", "out.bin", "--at", "0x1f0000", "--size", "1K"],
         exit_codes.DOES_NOT_FIT, "nothing written"),
    ],
)  # fmt: skip
def test_on_an_error_nothing_is_written(
    folder: Path, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    assert main(words) == code
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_volume_that_is_too_small_leaves_nothing_behind(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("big.romfs").write_bytes(romfs_image(200_000))
    Path("card.img").write_bytes(b"before")
    before = sorted(path.name for path in folder.iterdir())
    words = ["convert", "big.romfs", "-o", "card.img", "--format", "fat", "--volume-size", "128K"]
    assert main(words) == 1
    assert "do not fit" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == before
    assert Path("card.img").read_bytes() == b"before"


def test_an_image_too_large_for_the_board_is_refused(folder: Path) -> None:
    Path("big.romfs").write_bytes(romfs_image(20_000))
    words = ["convert", "big.romfs", "-o", "out.hex", "--board", "SAMD21_XPLAINED_PRO"]
    assert main(words) == exit_codes.DOES_NOT_FIT
    assert not Path("out.hex").exists()
