"""`romfs boards`, as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import boards
from romfs.cli import exit_codes, main


@pytest.fixture(autouse=True)
def _width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_list_fits_and_is_aligned(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["boards"]) == exit_codes.OK
    head, *rows = lines(capsys)
    assert len(rows) == len(boards.names())
    assert max(map(len, [head, *rows])) <= width
    at = head.index("ROMFS")
    for row, board in zip(rows, boards.all_boards(), strict=True):
        assert row.startswith(board.id)
        assert row[at:].startswith(board.status)
    assert ("NATIVE" in head) == (width >= 80)
    assert ("MCU" in head) == (width >= 100)


def test_the_list_of_a_narrow_terminal_keeps_the_names(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    main(["boards", "--port", "samd"])
    _, *rows = lines(capsys)
    assert [row.split()[0] for row in rows] == list(boards.names("samd"))
    assert any(row.endswith("!") for row in rows), "the warning is never dropped"


def test_results_and_remarks_are_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", "--port", "stm32"])
    captured = capsys.readouterr()
    assert "romfs: 10 boards" in captured.err
    assert "romfs:" not in captured.out


def test_the_list_shows_what_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", "--port", "stm32"])
    (row,) = (row for row in lines(capsys) if "H723" in row)
    assert "  1 MiB  " in row


@pytest.mark.parametrize("width", [40, 80, 100, 200])
@pytest.mark.parametrize("name", ["RPI_PICO2", "OPENMV_AE3:M55_HP", "unix", "MIMXRT1050_EVK"])
def test_a_description_fits(
    name: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["boards", name]) == exit_codes.OK
    board = boards.load(name)
    for line in lines(capsys):
        # A word too long for the line, such as a path, is not cut: it can be copied. Nor is
        # the memory map, which has no columns to spare below 80.
        longest = max(map(len, line.split()), default=0)
        narrow_map = width < 80 and line.startswith("  0x")
        assert len(line) <= min(width, 100) or longest > min(width, 100) - 25 or narrow_map
    main(["boards", name])
    text = " ".join(capsys.readouterr().out.split())
    for quirk in board.quirks:
        assert quirk.description in text
    for note in board.notes:
        assert note in text
    for path in board.source:
        assert path in text


@pytest.mark.parametrize("name", boards.names())
def test_every_board_can_be_described(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", name]) == exit_codes.OK
    text = capsys.readouterr().out
    assert text.startswith(f"{name}\n")
    assert "None" not in text
    board = boards.load(name)
    for part in board.partitions:
        if part.address is not None and part.size is not None:
            assert f"{part.address:#x} to {part.address + part.size - 1:#x}" in text


def test_the_page_of_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", "stm32/garatronic_pymate_core8adi8dosc"])
    text = capsys.readouterr().out
    assert "  size             1.00 MiB (1048576 bytes)\n" in text
    assert "  erase unit       4096 bytes x 256\n" in text
    assert "  reaches ROMFS    no\n" in text
    hazards = text[text.index("\nHazards\n") :]
    first = hazards.splitlines()[2]
    assert first.startswith("  danger           ROMFS and the user filesystem are the same flash")


def test_opting_in_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", "RPI_PICO"])
    text = capsys.readouterr().out
    assert "only in firmware built for it (opt-in)" in text
    assert "to enable        CMake variable MICROPY_HW_ROMFS_BYTES" in text
    assert "set by a build option: give --size" in text


def test_json_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == list(boards.names())
    by_id = {row["id"]: row for row in rows}
    assert by_id["stm32/PYBD_SF2"] == {
        "id": "stm32/PYBD_SF2",
        "port": "stm32",
        "board": "PYBD_SF2",
        "variant": None,
        "core": None,
        "vendor": "George Robotics",
        "product": "Pyboard D-series SF2",
        "mcu": "STM32F722",
        "status": "default",
        "native_arch": "armv7emsp",
        "partitions": [{"name": "romfs0", "size": 1048576, "usable_size": 1048576}],
        "dangers": [],
    }


@pytest.mark.parametrize(
    "name", ["rp2/RPI_PICO2", "alif/ALIF_ENSEMBLE:M55_HP", "unix/unix-coverage"]
)
def test_json_of_one_holds_the_whole_board(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["boards", name, "--json"])
    facts = json.loads(capsys.readouterr().out)
    board = boards.load(name)
    assert facts["id"] == name
    assert facts["mpy"]["mpy_value"] == board.mpy.mpy_value()
    assert [part["size"] for part in facts["partitions"]] == [p.size for p in board.partitions]
    assert [quirk["name"] for quirk in facts["quirks"]] == list(board.quirks)
    assert facts["transports"] == list(board.transports)
    assert facts["boot"]["sys_path"] == (
        None if board.boot.sys_path is None else list(board.boot.sys_path)
    )


def test_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["boards", "RPI_PICO3"]) == exit_codes.FAILED
    assert "did you mean rp2/RPI_PICO" in capsys.readouterr().err
    assert main(["boards", "--port", "avr"]) == exit_codes.FAILED
    assert "there are alif, esp32" in capsys.readouterr().err
    assert main(["boards", "RPI_PICO", "--port", "stm32"]) == exit_codes.FAILED
    assert "no board" in capsys.readouterr().err


def test_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[MINE]\nmpy.arch = "armv6m"\nromfs = [{ size = 4096 }]\n', encoding="utf-8")
    assert main(["boards", str(path)]) == exit_codes.OK
    text = capsys.readouterr().out
    assert text.startswith("custom/MINE\n")
    assert "mpy-cross -march=armv6m" in text
