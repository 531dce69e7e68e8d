"""`romfs flash` and its relatives against virtual boards, as a user runs them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flash.board.virtual import VirtualBoard
from flash.ports import Port, find
from romfs.errors import NoPort
from romfs.image import Image
from tests.cli.run import romfs
from tests.flash.live import answers, expected, image_of, modules
from tests.flash.model import seen


@pytest.fixture
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard("RPI_PICO", size=65536) as board:
        yield board


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "one.romfs"
    path.write_bytes(image_of(modules(1)))
    return path


def test_flash_verify_query_backup_erase(board: VirtualBoard, image: Path, tmp_path: Path) -> None:
    port = ("--port", board.port)
    done = romfs("flash", image, *port)
    assert done.code == 0 and "verified" in done.out
    assert romfs("verify", image, *port).code == 0
    report = romfs("query", *port, "--json").json
    assert report["board"] == "rp2/RPI_PICO"
    assert report["mpy"] == {"version": 6, "sub_version": 3, "arch": "armv6m", "small_int_bits": 31}
    (part,) = report["partitions"]
    assert (part["state"], part["image_bytes"]) == ("image", image.stat().st_size)
    assert romfs("backup", "-o", tmp_path / "saved", *port).code == 0
    assert (tmp_path / "saved").read_bytes() == image.read_bytes()
    assert romfs("backup", "--whole", "-o", tmp_path / "all", *port).code == 0
    assert (tmp_path / "all").read_bytes() == board.flash.read()
    assert romfs("erase", *port).code == 0
    assert board.flash.is_blank()
    assert "erased" in romfs("query", *port).out
    done = romfs("verify", image, *port)
    assert done.code == 9 and "blocks differ" in done.err


def test_a_directory_is_built_for_the_device(board: VirtualBoard, tmp_path: Path) -> None:
    tree = tmp_path / "app"
    tree.mkdir()
    (tree / "app.py").write_text(
        "import micropython\n@micropython.native\ndef f(x):\n    return x + 1\n"
    )
    (tree / "data.txt").write_text("text\n")
    done = romfs("flash", tree, "--port", board.port)
    assert done.code == 0, done.err
    written = Image(board.flash.read())
    assert {path for path, _ in written.files()} == {"app.mpy", "data.txt"}
    assert bytes(written.file("app.mpy").data)[2] >> 2 == 4  # armv6m
    report = romfs("query", "--port", board.port, "--json").json
    assert report["partitions"][0]["build"]["board"] == "RPI_PICO"


def test_an_edit_in_a_directory_moves_nothing_else(tmp_path: Path) -> None:
    for number in range(8):
        lines = "".join(f"def f{n}(): return 'text {number} {n}'\n" for n in range(300))
        (tmp_path / f"m{number}.py").write_text(lines)
    with VirtualBoard("RPI_PICO", size=262144) as board:
        plans = []
        for _ in range(2):
            done = romfs("flash", tmp_path, "--port", board.port, "--json")
            events = [json.loads(line) for line in done.out.splitlines()]
            plans += [event for event in events if event["event"] == "plan"]
            with (tmp_path / "m1.py").open("a") as file:
                file.write("extra = 'one more constant in an early module'\n")
    # Its own blocks and those of the metadata, which has a hash of it.
    assert plans[1]["changed"] <= plans[0]["changed"] // 3


def test_a_directory_that_does_not_compile(board: VirtualBoard, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "bad.py").write_text("def f(:\n")
    done = romfs("flash", tmp_path / "app", "--port", board.port)
    assert done.code == 1 and "bad.py" in done.err
    assert board.supply.count == 0


def test_json_is_one_event_a_line(board: VirtualBoard, image: Path) -> None:
    done = romfs("flash", image, "--port", board.port, "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "connecting" and names[-1] == "done"
    assert {"device", "plan", "progress", "verified", "mounted"} <= set(names)
    last = [event for event in events if event["event"] == "progress"][-1]
    assert last["done"] == last["total"]
    assert done.err == ""


def test_dry_run_lists_steps(board: VirtualBoard, image: Path) -> None:
    done = romfs("flash", image, "--port", board.port, "--dry-run")
    assert done.code == 0
    steps = [line.split()[0] for line in done.out.splitlines()[1:]]
    assert steps[-2:] == ["commit", "verify"]
    assert board.supply.count == 0


def test_exit_codes(board: VirtualBoard, image: Path, tmp_path: Path) -> None:
    assert romfs("flash", image, "--port", tmp_path / "none").code == 3
    with VirtualBoard("RPI_PICO", romfs=False) as bare:
        done = romfs("flash", image, "--port", bare.port)
        assert done.code == 4 and "MICROPY_HW_ROMFS_BYTES" in done.err
    large = tmp_path / "large.romfs"
    large.write_bytes(image_of({"data.bin": bytes(range(256)) * 300}))
    done = romfs("flash", large, "--port", board.port)
    assert done.code == 5 and "nothing erased" in done.err
    wrong = tmp_path / "wrong.romfs"
    native = bytearray(modules(1)["m0.mpy"])
    native[2] = 10 << 2 | 3  # says it is for xtensawin
    wrong.write_bytes(image_of({"m0.mpy": bytes(native)}))
    done = romfs("flash", wrong, "--port", board.port)
    assert done.code == 6 and "m0.mpy" in done.err and "xtensawin" in done.err
    text = tmp_path / "text"
    text.write_text("not an image")
    assert romfs("flash", text, "--port", board.port).code == 1
    assert board.supply.count == 0
    with VirtualBoard("TEENSY41", faults=["fail=20"]) as failing:
        assert romfs("flash", image, "--port", failing.port).code == 7


def test_a_device_that_dies_is_a_lost_link(image: Path) -> None:
    with VirtualBoard("RPI_PICO", size=65536, faults=["cut=30"]) as board:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "romfs", "flash", str(image)),
                *("--port", board.port, "--reconnect", "1"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert board.wait_off(20)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 8, err


@pytest.mark.parametrize("after", [0.05, 0.3, 0.7])
def test_ctrl_c_leaves_nothing_that_mounts_broken(image: Path, after: float) -> None:
    with VirtualBoard("RPI_PICO", size=65536, baud=19200) as board:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "romfs", "flash", str(image)),
                *("--port", board.port, "--baud", "19200"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert board.wait_for(lambda: board.supply.count > 0, 20)
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        held = board.flash.read(0, image.stat().st_size)
        assert seen(held) is None or held == image.read_bytes()
        done = romfs("flash", image, "--port", board.port, "--baud", "19200")
        assert done.code == 0, done.err
        assert answers(board) == expected(1)


def test_two_boards_at_once(image: Path) -> None:
    with (
        VirtualBoard("RPI_PICO", size=65536) as one,
        VirtualBoard("PYBD_SF2") as two,
        VirtualBoard("RPI_PICO", romfs=False) as bad,
    ):
        done = romfs("flash", image, "--port", one.port, "--port", two.port)
        assert done.code == 0
        assert one.port in done.out and two.port in done.out
        for board in (one, two):
            assert board.flash.read(0, image.stat().st_size) == image.read_bytes()
        done = romfs("flash", image, "--port", bad.port, "--port", one.port)
        assert done.code == 4 and f"{one.port}: verified" in done.out


def test_reset(board: VirtualBoard) -> None:
    before = board.resets
    assert romfs("reset", "--soft", "--port", board.port).code == 0
    assert board.wait_for(lambda: board.resets > before)
    before = board.resets
    assert romfs("reset", "--port", board.port).code == 0
    assert board.wait_for(lambda: board.resets > before)


def _port(name: str, likely: bool = True) -> Port:
    return Port(name, f"board at {name}", "", likely)


def test_auto_takes_the_one_board_that_answers() -> None:
    ports = [_port("/dev/a"), _port("/dev/b"), _port("/dev/printer", likely=False)]
    asked: list[str] = []

    def ask(name: str, baud: int) -> bool:
        asked.append(name)
        return name == "/dev/b"

    assert find(ports=lambda: ports, ask=ask) == ["/dev/b"]
    assert "/dev/printer" not in asked


def test_auto_does_not_choose_among_several() -> None:
    ports = [_port("/dev/a"), _port("/dev/b")]
    with pytest.raises(NoPort, match="--all"):
        find(ports=lambda: ports, ask=lambda name, baud: True)
    assert find(several=True, ports=lambda: ports, ask=lambda name, baud: True) == [
        "/dev/a",
        "/dev/b",
    ]
    with pytest.raises(NoPort, match="no USB serial port"):
        find(ports=list, ask=lambda name, baud: True)
