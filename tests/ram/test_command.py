"""`romfs ram` on an image of several modules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from romfs.cli import main
from romfs.cli._ram import measure
from romfs.layout import build_image
from romfs.ram.device import Device
from tests.check.test_imports import compiled

TREE = {
    "app.py": "from pkg import data\ndef main(): return data.TABLE\n",
    "pkg/__init__.py": "",
    "pkg/data.py": "TABLE = [n * n for n in range(500)]\n",
    "board_only.py": "import machine_of_some_board\nclass Driver:\n    def read(self): pass\n",
}


@pytest.fixture
def image(tmp_path: Path) -> str:
    """The image."""
    path = tmp_path / "app.romfs"
    path.write_bytes(build_image(compiled(TREE)))
    return str(path)


def test_table(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ram", image]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[1].startswith("pkg.data")
    assert "list" in lines[1]
    assert {line.split()[0] for line in lines[1:]} == {
        "app",
        "pkg",
        "pkg.data",
        "board_only",
        "all",
    }
    assert max(map(len, lines)) <= 100
    assert "board_only: ImportError" in shown.err
    assert "pkg.data: " in shown.err and "as tuples" in shown.err


def test_one_module_and_what_it_imports(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ram", image, "--module", "app", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["module"] for row in report["modules"]} == {"app", "pkg", "pkg.data"}
    assert all(row["measured"] for row in report["modules"])
    assert report["schema"] == 1
    for row in report["modules"]:
        assert row["frozen"] <= row["rom"] <= row["mpy"]


def test_budget(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ram", image, "--budget", "1M"]) == 0
    assert main(["ram", image, "--budget", "1K"]) == 1
    assert "over the budget of 1024" in capsys.readouterr().err


def test_estimates_are_near_what_running_gives(image: str) -> None:
    guessed = {row.name: row for row in measure(Path(image), Device(), execute=False)}
    run = {row.name: row for row in measure(Path(image), Device())}
    assert not any(row.measured for row in guessed.values())
    assert guessed["app"].rom == pytest.approx(run["app"].rom, rel=0.1)
    # Whatever the body makes in loops cannot be seen.
    assert guessed["pkg.data"].rom < run["pkg.data"].rom


def test_word_size_comes_from_the_board(image: str) -> None:
    small = measure(Path(image), Device())
    large = measure(Path(image), Device(word=8, small_int_bits=63))
    assert sum(row.rom for row in large) > 1.6 * sum(row.rom for row in small)


def test_a_module_that_never_ends_is_estimated(tmp_path: Path) -> None:
    path = tmp_path / "loop.romfs"
    path.write_bytes(
        build_image(compiled({"m.py": "def f(): pass\nimport time\ntime.sleep(60)\n"}))
    )
    (row,) = measure(path, Device(), timeout=0.5)
    assert not row.measured
    assert "did not finish" in row.note


def test_a_module_cannot_touch_the_host(tmp_path: Path) -> None:
    path, victim = tmp_path / "m.romfs", tmp_path / "victim"
    victim.write_text("precious")
    text = (
        f"import os\ntry: open({str(victim)!r}, 'w').write('gone')\nexcept OSError: pass\nX = 1\n"
    )
    path.write_bytes(build_image(compiled({"m.py": text})))
    (row,) = measure(path, Device())
    assert row.measured
    assert victim.read_text() == "precious"
