"""`romfs watch` as a process, on a virtual board and on the host; edits are real edits."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from flash.board.virtual import VirtualBoard
from flash.live import program
from romfs.image import Image
from tests.cli.run import romfs

_PATIENCE = 30.0


class Watch:
    """A running `romfs watch`, its output as lines."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "romfs", "watch", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: queue.Queue[str] = queue.Queue()
        self.err: queue.Queue[str] = queue.Queue()
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            assert stream is not None
            threading.Thread(target=_gather, args=(stream, lines), daemon=True).start()

    def see(self, text: str, *, err: bool = False) -> str:
        """The next line with `text` in it."""
        lines = self.err if err else self.out
        seen = []
        stop = time.monotonic() + _PATIENCE
        while time.monotonic() < stop:
            try:
                seen.append(lines.get(timeout=0.1))
            except queue.Empty:
                continue
            if text in seen[-1]:
                return seen[-1]
        raise AssertionError(f"no {text!r} in {seen}, errors {list(self.err.queue)}")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(_PATIENCE)


def _gather(stream: IO[str], lines: queue.Queue[str]) -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip("\n"))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    path = tmp_path / "app"
    path.mkdir()
    (path / "romfs.toml").write_text('version = "1"\n')  # not for the image
    (path / "demo.py").write_text("def main():\n    print('one')\n")
    (path / "other.py").write_text("def unused():\n    return 'x' * 100\n" * 40)
    return path


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    files = tmp_path / "files"
    files.mkdir()
    (files / "main.py").write_text("import demo\ndemo.main()\n")
    with VirtualBoard("RPI_PICO2", size=256 * 1024, filesystem=files) as made:
        made.wait_booted()
        yield made


def edit(path: Path, text: str) -> None:
    """Save as editors do: a temporary file that takes the name."""
    other = path.with_name("." + path.name + "~")
    other.write_text(text)
    other.replace(path)


def test_an_edit_is_running_on_the_board(app: Path, board: VirtualBoard) -> None:
    watch = Watch(str(app), "--port", board.port, "--run", "demo:main")
    try:
        watch.see("one")
        watch.see("has ended", err=True)
        edit(app / "demo.py", "def main():\n    print('two')\n")
        watch.see("two")
        line = watch.see("demo.py: ", err=True)
        assert "blocks written" in line and "other.py" not in line
        edit(app / "demo.py", "def main():\n    1 / 0\n")
        watch.see("ZeroDivisionError")
    finally:
        code = watch.stop()
    assert code == 0
    image = Image(board.flash.read(0, 65536))
    assert {path for path, _ in image.files()} == {"demo.mpy", "other.mpy"}


def test_without_run_the_application_starts_as_after_a_reset(
    app: Path, board: VirtualBoard
) -> None:
    watch = Watch(str(app), "--port", board.port)
    try:
        watch.see("one")
        edit(app / "demo.py", "def main():\n    print('two')\n")
        watch.see("two")
    finally:
        assert watch.stop() == 0


def test_a_mistake_leaves_the_program_running(app: Path, board: VirtualBoard) -> None:
    loop = "import time\ndef main():\n    n = 0\n    while True:\n        print({!r}, n)\n"
    loop += "        n += 1\n        time.sleep(0.05)\n"
    edit(app / "demo.py", loop.format("tick"))
    watch = Watch(str(app), "--port", board.port, "--run", "demo:main")
    try:
        watch.see("tick 1")
        edit(app / "demo.py", "def main(:\n")
        assert "demo.py:1" in watch.see("SyntaxError", err=True)
        number = int(watch.see("tick").split()[1])
        watch.see(f"tick {number + 20}")  # it counts on: it was not started again
        edit(app / "demo.py", loop.format("tock"))
        watch.see("tock 1")
    finally:
        assert watch.stop() == 0


def test_a_source_that_is_broken_from_the_start(app: Path, board: VirtualBoard) -> None:
    edit(app / "demo.py", "def main(:\n")
    watch = Watch(str(app), "--port", board.port, "--run", "demo:main")
    try:
        watch.see("SyntaxError", err=True)
        edit(app / "demo.py", "def main():\n    print('mended')\n")
        watch.see("mended")
    finally:
        assert watch.stop() == 0


def test_what_does_not_change_the_image_does_not_touch_the_board(
    app: Path, board: VirtualBoard
) -> None:
    watch = Watch(str(app), "--port", board.port, "--run", "demo:main")
    try:
        watch.see("has ended", err=True)
        operations = board.supply.count
        (app / "__pycache__").mkdir()
        edit(app / "demo.py", "def main():\n    print('one')  # the same\n")
        watch.see("stays the same", err=True)
        assert board.supply.count == operations
    finally:
        assert watch.stop() == 0


def test_a_board_that_was_unplugged_is_waited_for(app: Path, board: VirtualBoard) -> None:
    watch = Watch(str(app), "--port", board.port, "--run", "demo:main")
    try:
        watch.see("has ended", err=True)
        board.unplug(0.5)
        watch.see("waiting for the device", err=True)
        edit(app / "demo.py", "def main():\n    print('again')\n")
        watch.see("again")
    finally:
        assert watch.stop() == 0


def test_on_the_host(app: Path) -> None:
    watch = Watch(str(app), "--host", "--run", "demo:main")
    try:
        watch.see("one")
        edit(app / "demo.py", "def main():\n    print('two')\n")
        watch.see("two")
    finally:
        assert watch.stop() == 0


def test_once_ends_with_the_program(app: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "romfs", "watch", app, "--host", "--run", "demo:main", "--once"],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        env={**os.environ},
    )
    assert (done.returncode, done.stdout) == (0, "one\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere"], "nowhere"),
        ([".", "--host"], "--run"),
        ([".", "--once"], "--run"),
        ([".", "--port", "/dev/no-such-port"], "/dev/no-such-port"),
    ],
)
def test_mistakes_are_one_line(words: list[str], told: str) -> None:
    done = romfs("watch", *words)
    assert done.code in (1, 3)
    assert told in done.err and len(done.err.splitlines()) == 1


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    done = romfs("watch", ".", "--host", "--run", "x")
    assert (done.code, done.err.strip()) == (
        1,
        "romfs: error: romfs watch needs: pip install 'micropython-romfs[watch]'",
    )


def test_entries() -> None:
    assert program("a.b") == "import a.b\n"
    assert program("a.b:run") == "import a.b\na.b.run()\n"
