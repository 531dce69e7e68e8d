"""A sample of power cuts on the real engine: it boots, mounts and imports, or has nothing.

test_power_cut.py goes through all of them on the model; here the judge is MicroPython
itself, under a time limit, since a half-written image can hang an import.
"""

from __future__ import annotations

import threading

import pytest

from flash.board.virtual import VirtualBoard
from romfs.errors import FlashError
from tests.flash.live import answers, expected, image_of, modules, write
from tests.flash.test_on_board import image

BOARDS = ["PYBD_SF2", "RPI_PICO", "ESP8266_GENERIC-FLASH_2M_ROMFS", "ALIF_ENSEMBLE:M55_HE"]


def _operations(name: str, size: int | None) -> int:
    with VirtualBoard(name, size=size) as board:
        write(board, image(1))
        before = board.supply.count
        write(board, image(2))
        return board.supply.count - before


def _check(name: str, fractions: list[float]) -> None:
    size = 65536 if name == "RPI_PICO" else None
    total = _operations(name, size)
    for index, fraction in enumerate(fractions):
        with VirtualBoard(name, size=size, power_on_after=0.2, seed=index) as board:
            write(board, image(1))
            board.power_off()
            number = board.supply.count + max(1, round(total * fraction))
            torn = bool(index % 2)
            board.power_on(tear=number if torn else None, cut=None if torn else number)
            board.wait_booted()
            result, _ = write(board, image(2))
            # Power came back by itself, and the run went on.
            assert len(board.cuts) == 1
            assert result.attempts == 2
            assert answers(board) == expected(2)


@pytest.mark.parametrize("name", BOARDS)
def test_interrupted_and_completed(name: str) -> None:
    _check(name, [0.0, 0.4, 1.0])


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize(
    "where",
    [
        0.0,
        pytest.param(0.02, marks=pytest.mark.slow),
        0.5,
        pytest.param(0.98, marks=pytest.mark.slow),
        1.0,
    ],
)
@pytest.mark.parametrize("torn", [False, True], ids=["clean", "torn"])
def test_what_boots_after_a_cut(name: str, where: float, torn: bool) -> None:
    size = 65536 if name == "RPI_PICO" else None
    with VirtualBoard(name, size=size) as board:
        write(board, image(1))
        start = board.supply.count
        write(board, image(2))
        total = board.supply.count - start
        board.flash.load(image(1) + b"\xff" * (len(image(2)) - len(image(1))))
        board.power_off()
        number = board.supply.count + min(total, max(1, round(total * where)))
        board.power_on(tear=number if torn else None, cut=None if torn else number)
        board.wait_booted()
        _write_until_dark(board, image(2))
        board.power_on()
        assert answers(board) in ("empty", expected(1), expected(2))
        write(board, image(2))
        assert answers(board) == expected(2)


@pytest.mark.parametrize("number", [1, 2, 3, 10, 18, 19, 20, 30, 34, 35, 36])
def test_a_header_kept_on_the_device_is_not_lost(number: int) -> None:
    """One changed module: the device remembers the header's block, and may not live to write it."""
    before = modules(1)
    after = {**before, "m5.mpy": modules(2)["m5.mpy"]}
    old, new = image_of(before), image_of(after)
    assert old[:4096] == new[:4096] and old != new
    changed = str([100, 101, 102, 103, 104, 205])
    with VirtualBoard("PYBD_SF2", seed=number) as board:
        board.power_off()
        board.flash.load(old)
        board.power_on(tear=board.supply.count + number)
        board.wait_booted()
        _write_until_dark(board, new)
        board.power_on()
        assert answers(board) in ("empty", expected(1), changed)
        write(board, new)
        assert answers(board) == changed


def _write_until_dark(board: VirtualBoard, content: bytes) -> None:
    """Flash, and give up where a person would: when the board is gone."""

    def attempt() -> None:
        try:
            write(board, content)
        except FlashError:
            return

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    assert board.wait_off(20.0)
    thread.join(0.05)
