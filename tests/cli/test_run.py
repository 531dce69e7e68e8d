"""`romfs run` and `romfs disasm` as commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loader.source import compile_source
from romfs.layout import build_image

APP = """\
import sys
def main(n):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
        else:
            total -= 1
    return total
def never():
    return 0
print(__name__, sys.argv, main(5))
"""
SLEEPER = "while True:\n    pass\n"
HUNGRY = """\
try:
    x = [bytearray(1000000) for i in range(3000)]
    print(len(x))
except MemoryError:
    print("MemoryError")
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "app.romfs"
    sources = {
        "main": "print('main', __name__)\n",
        "app": APP,
        "sleeper": SLEEPER,
        "hungry": HUNGRY,
        "reader": "print(input('? '))\n",
        "failing": "def f():\n    raise ValueError('bad')\nf()\n",
        "board": "import sys\nprint(sys.platform, sys.implementation._mpy, sys.maxsize)\n",
        "lib/deep": "print(__name__, __file__ if '__file__' in globals() else '')\n",
    }
    files = {f"{name}.mpy": compile_source(text, f"{name}.py") for name, text in sources.items()}
    path.write_bytes(build_image(files))
    return path


def romfs(*words: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "romfs", *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error::SyntaxWarning"},
    )


def test_module_with_arguments(image: Path) -> None:
    done = romfs("run", image, "--engine", "interp", "-m", "app", "one", "two", "--", "-x")
    assert done.stdout == "__main__ ['app', 'one', 'two', '-x'] 1\n"
    assert done.returncode == 0


def test_options_may_follow_the_module(image: Path) -> None:
    assert romfs("run", image, "-m", "app", "--engine", "interp").returncode == 0


def test_main_is_the_default(image: Path) -> None:
    assert romfs("run", image).stdout == "main __main__\n"


def test_path_inside_the_image(image: Path) -> None:
    done = romfs("run", f"{image}:/lib/deep.mpy")
    assert done.stdout == "__main__ /rom/lib/deep.mpy\n"


def test_source_text() -> None:
    done = romfs("run", "-c", "import sys; print(1 + 1, sys.argv); sys.exit(7)", "a")
    assert done.stdout == "2 ['-c', 'a']\n"
    assert done.returncode == 7


def test_standard_input(image: Path) -> None:
    assert romfs("run", image, "-m", "reader", stdin="typed\n").stdout == "? typed\n"


def test_guest_exception_is_the_guests(image: Path) -> None:
    done = romfs("run", image, "-m", "failing")
    assert done.returncode == 1
    assert done.stderr == (
        "Traceback (most recent call last):\n"
        '  File "failing.py", line 3, in <module>\n'
        '  File "failing.py", line 2, in f\n'
        "ValueError: bad\n"
    )


def test_timeout(image: Path) -> None:
    done = romfs("run", image, "-m", "sleeper", "--timeout", "0.5", "--engine", "interp")
    assert done.returncode == 124
    assert "stopped after 0.5 s" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="address space limits are Linux's")
def test_memory_limit(image: Path) -> None:
    assert romfs("run", image, "-m", "hungry", "--memory", "16M").stdout == "MemoryError\n"


def test_board(image: Path) -> None:
    done = romfs("run", image, "-m", "board", "--board", "rp2/RPI_PICO")
    assert done.stdout == "rp2 4870 2147483647\n"


def test_statistics(image: Path) -> None:
    done = romfs("run", image, "-m", "app", "--json", "--engine", "interp")
    (row,) = json.loads(done.stderr)
    assert row["file"] == "/rom/app.mpy"
    assert row["mapped"] is True
    assert row["bytecode_copied"] == 0 < row["bytecode_in_place"]
    assert "in place, 0 B copied" in romfs("run", image, "-m", "app", "--stats").stderr


def test_trace(image: Path) -> None:
    done = romfs("run", image, "-m", "main", "--trace")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("main.py:1:<module>    0 LOAD_NAME 'print'")
    assert lines[-1].split()[2] == "RETURN_VALUE"


def test_coverage(image: Path, tmp_path: Path) -> None:
    report = tmp_path / "out.lcov"
    romfs("run", image, "-m", "app", "--coverage", report)
    lines = report.read_text().splitlines()
    assert "SF:app.py" in lines
    assert "DA:6,2" in lines and "DA:8,3" in lines and "DA:11,0" in lines
    assert "FNDA:1,main" in lines and "FNDA:0,never" in lines


def test_compare_says_what_differs(image: Path) -> None:
    done = romfs("run", image, "-m", "app", "--compare")
    assert done.stdout == "identical: output and exit status\n"
    other = romfs("run", "-c", "import sys; print(id(sys))", "--compare")
    assert other.returncode == 1
    assert "stdout differs in line 1" in other.stdout


def test_nothing_to_run() -> None:
    assert "nothing to run" in romfs("run").stderr


def test_disassembly(image: Path) -> None:
    text = romfs("disasm", image, "app.mpy", "main").stdout
    assert "parameters: n" in text
    assert "INPLACE_ADD" in text and "-> " in text
    listed = json.loads(romfs("disasm", image, "app.mpy", "--json").stdout)
    assert [row["name"] for row in listed] == ["<module>", "main", "never"]
    assert romfs("disasm", image, "app.mpy", "absent").returncode == 1
