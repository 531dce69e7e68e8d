"""Getting into the raw REPL, whatever a device is doing, and running code there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flash import source
from flash.agent.session import AgentTransport
from flash.board.virtual import VirtualBoard
from flash.execute import Connected, Options
from flash.link import SerialLink
from flash.serial_repl import DeviceError, Repl
from romfs.errors import NoPort, TransportError

PROGRAMS = {
    "a loop": "while True: pass\n",
    "a loop that prints": "i = 0\nwhile True:\n    i += 1\n    print('line', i)\n",
    "a loop that sleeps": "import time\nwhile True: time.sleep(1)\n",
    "a program that catches Ctrl-C three times": (
        "n = 0\nwhile n < 3:\n    try:\n        while True: pass\n"
        "    except KeyboardInterrupt:\n        n += 1\n"
    ),
    "a program that prints a raw REPL prompt": (
        "import time\nwhile True:\n    print('raw REPL; CTRL-B to exit\\r\\n>', end='')\n"
        "    time.sleep(0.05)\n"
    ),
    "a program that failed": "raise ValueError('broken')\n",
    "nothing": "",
}

LEFTOVERS = {
    "half a line": b"import this_is_not_fin",
    "an open block": b"def f():\r\n",
    "paste mode": b"\x05x = 1\r\nfor i in ",
    "an open string": b"x = '''abc\r\n",
    "the raw REPL": b"\x01",
    "half a line in the raw REPL": b"\x01print(1",
    "raw-paste mode": b"\x01\x05A\x01print('abc",
    "garbage": bytes(range(256)),
}


@pytest.fixture(scope="module")
def idle() -> Iterator[VirtualBoard]:
    with VirtualBoard("PYBD_SF2") as board:
        yield board


@pytest.mark.parametrize("program", list(PROGRAMS.values()), ids=list(PROGRAMS))
def test_enters_while_the_device_runs(tmp_path: Path, program: str) -> None:
    (tmp_path / "main.py").write_text(program)
    with VirtualBoard("PYBD_SF2", filesystem=tmp_path) as board:
        link = SerialLink(board.port)
        repl = Repl(link)
        repl.enter()
        assert repl.run("print(6 * 7)") == b"42\r\n"
        repl.soft_reset()
        assert repl.run("print('i' in globals(), 'n' in globals())") == b"False False\r\n"
        link.close()


@pytest.mark.parametrize("left", list(LEFTOVERS.values()), ids=list(LEFTOVERS))
def test_enters_after_what_another_program_left(idle: VirtualBoard, left: bytes) -> None:
    link = SerialLink(idle.port)
    link.write(left)
    repl = Repl(link)
    repl.enter()
    assert repl.run("print(6 * 7)") == b"42\r\n"
    repl.leave()
    link.close()


def test_enters_while_the_device_boots() -> None:
    with VirtualBoard("PYBD_SF2") as board:
        board.reset()
        link = SerialLink(board.port, wait=3.0)
        repl = Repl(link)
        repl.enter()
        assert repl.run("print(1)") == b"1\r\n"
        link.close()


def test_frees_an_agent_whose_host_died_inside_a_frame() -> None:
    with VirtualBoard("PYBD_SF2") as board:
        link = SerialLink(board.port)
        device = Connected(link, Options())
        agent = AgentTransport(device.repl, device.info, device.target)
        # A frame is announced, and most of it never sent.
        link.write(b"\x7e\x00\x00\x10" + b"\x55" * 100)
        link.close()
        del agent
        link = SerialLink(board.port)
        repl = Repl(link)
        repl.enter()
        assert repl.run("print(2)") == b"2\r\n"
        link.close()


def test_waits_for_usb_that_goes_and_comes_back() -> None:
    with VirtualBoard("RPI_PICO", size=65536) as board:
        link = SerialLink(board.port)
        repl = Repl(link)
        repl.enter()
        board.unplug(0.5)
        repl.recover()
        assert repl.run("print(3)") == b"3\r\n"
        link.close()


def test_raw_paste_and_typing_run_the_same(idle: VirtualBoard) -> None:
    link = SerialLink(idle.port)
    repl = Repl(link)
    repl.enter()
    code = "x = 0\n" + "x += 1\n" * 400 + "print(x)"
    assert repl.run(code) == b"400\r\n"
    assert repl.paste_window == 128
    repl.paste_window = 0
    assert repl.run(code) == b"400\r\n"
    repl.leave()
    link.close()


def test_an_exception_there_is_one_here(idle: VirtualBoard) -> None:
    link = SerialLink(idle.port)
    repl = Repl(link)
    repl.enter()
    with pytest.raises(DeviceError, match="ZeroDivisionError") as caught:
        repl.run("print('before')\n1/0")
    assert caught.value.output == b"before\r\n"
    assert repl.run("print('after')") == b"after\r\n"
    repl.leave()
    link.close()


def test_any_bytes_survive_as_a_literal(idle: VirtualBoard) -> None:
    link = SerialLink(idle.port)
    repl = Repl(link)
    repl.enter()
    data = bytes(range(256)) * 2 + b"\\'\"\r\n\x03\x04"
    code = b"from binascii import hexlify as h\nprint(h(" + source.literal(data) + b"))"
    for window in (None, 0):
        repl.paste_window = window
        assert repl.run(code).strip() == repr(data.hex().encode()).encode()
    repl.leave()
    link.close()


def test_no_port_and_no_micropython_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoPort):
        SerialLink(str(tmp_path / "none"))
    with VirtualBoard("PYBD_SF2", baud=115200) as board:
        board.power_off()
        link = SerialLink(board.port)
        with pytest.raises(TransportError, match="no answer in 1 s"):
            Repl(link).enter(patience=1)
        link.close()
