"""What differs between two images, and between two builds of a module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loader.codediff import FunctionChange, changes
from romfs.cli import main
from romfs.compile import CompileOptions, Compiler, Job
from romfs.diff import compare
from romfs.image import Image
from romfs.layout import build_image

OLD = "LIMIT = 3\ndef f(a):\n    while a < LIMIT:\n        a += 1\n    return a\ndef g(): pass\n"
NEW = OLD.replace("a += 1", "a += 2; print(a)").replace("def g()", "def h()")


def compiled(text: str) -> bytes:
    """One module."""
    (done,) = Compiler().compile([Job("m.py", text.encode(), CompileOptions())], cache=None)
    assert done.error is None
    return done.content


def between(old: str, new: str) -> dict[str, FunctionChange]:
    """Changed functions by name."""
    pair = (memoryview(compiled(text)) for text in (old, new))
    return {change.name: change for change in changes(*pair)}


def test_functions_added_removed_and_changed() -> None:
    found = between(OLD, NEW)
    assert {name: change.change for name, change in found.items()} == {
        "<module>": "changed",
        "f": "changed",
        "g": "removed",
        "h": "added",
    }
    assert found["f"].new_size > found["f"].old_size


def test_listing_shows_labels_and_names_not_numbers() -> None:
    lines = between(OLD, NEW)["f"].lines
    assert "+  LOAD_GLOBAL 'print'" in lines
    assert "-  LOAD_CONST_SMALL_INT 1" in lines
    assert not any("JUMP" in line for line in lines if line[0] in "+-")


def test_numbers_that_moved_in_tables_are_no_change() -> None:
    found = between(OLD, "another_name = 1\n" + OLD)
    assert set(found) == {"<module>"}


def test_inner_functions_of_one_name_are_told_apart() -> None:
    text = "def a():\n    return lambda: 1\nx = lambda: 2\ny = lambda: 3\n"
    assert set(between(text, text.replace("lambda: 3", "lambda: 4"))) == {"<lambda>#2"}


def images(old: dict[str, bytes | None], new: dict[str, bytes | None]) -> tuple[Image, Image]:
    """Two images."""
    return Image(build_image(old)), Image(build_image(new))


def test_files() -> None:
    found = compare(
        *images(
            {"a": b"1" * 50, "b": b"22", "c": b"3", "keep": b"k" * 9},
            {"a": b"1" * 60, "c": b"3", "keep": b"k" * 9, "n": b"22", "z": b"new"},
        ),
        erase=16,
    )
    assert {one.path: (one.change, one.growth) for one in found.files if one.change != "moved"} == {
        "a": ("changed", 10),
        "b": ("removed", -2),
        "n": ("added", 2),
        "z": ("added", 3),
    }
    assert found.renamed == {"n": "b"}
    assert not found.identical


def test_only_blocks_that_differ_are_counted() -> None:
    old, new = images({"a": b"x" * 100, "b": b"y" * 100}, {"a": b"x" * 100, "b": b"z" * 100})
    found = compare(old, new, erase=32)
    differ = {at // 32 for at in range(old.size) if old.data[at] != new.data[at]}
    assert set(found.changed_blocks) == differ
    assert compare(old, old, erase=32).identical


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Two image files."""
    for name, text in (("old", OLD), ("new", NEW)):
        tree: dict[str, bytes | None] = {"m.mpy": compiled(text), "d.txt": b"data"}
        (tmp_path / name).write_bytes(build_image(tree))
    return str(tmp_path / "old"), str(tmp_path / "new")


def test_text(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *pair, "--opcodes", "--moved"]) == 0
    out = capsys.readouterr().out
    assert "~ m.mpy" in out and "+ h" in out and "+  LOAD_GLOBAL 'print'" in out
    assert "erase blocks of 4096 B" in out


def test_json_and_markdown(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", *pair, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == 1 and report["changed_blocks"] == [0]
    (changed,) = [one for one in report["files"] if one["change"] == "changed"]
    assert changed["ram"]["new"] > 0
    assert main(["diff", *pair, "--markdown", "--opcodes"]) == 0
    out = capsys.readouterr().out
    assert "| changed | `m.mpy` |" in out and "```diff" in out


def test_exit_code_on_request(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new = pair
    assert main(["diff", old, new, "--exit-code"]) == 1
    assert main(["diff", old, old, "--exit-code"]) == 0
    assert "identical" in capsys.readouterr().out
