"""What `--json` prints, held against the published schemas: nothing missing, nothing unnamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from flash.board.virtual import VirtualBoard
from romfs.cli._version import SCHEMAS
from tests.cli.run import romfs
from tests.docs.commands import ROOT
from tests.docs.schemas import FORMS, schema


def _strict(value: Any) -> Any:
    """The schema with every unnamed field forbidden: a field must be documented."""
    if isinstance(value, list):
        return [_strict(one) for one in value]
    if not isinstance(value, dict):
        return value
    result = {key: _strict(one) for key, one in value.items()}
    if "properties" in result:
        result["additionalProperties"] = False
    return result


def hold(name: str, value: Any) -> None:
    jsonschema.validate(value, _strict(schema(name)))


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    done = romfs("build", ROOT / "examples/weather", "-o", "app.romfs")
    assert done.code == 0, done.err
    return "app.romfs"


_LISTS = ("ls", "dump", "disasm")

_COMMANDS: dict[str, list[str]] = {
    "version": ["--version", "--json"],
    "info": ["info", "app.romfs", "--json"],
    "ls": ["ls", "app.romfs", "--json"],
    "extract": ["extract", "app.romfs", "-o", "out", "--json"],
    "dump": ["dump", "app.romfs", "--json"],
    "disasm": ["disasm", "app.romfs", "selftest.mpy", "--json"],
    "check": ["check", "app.romfs", "--json"],
    "ram": ["ram", "app.romfs", "--json"],
    "convert": ["convert", "app.romfs", "-o", "app.hex", "--board", "PYBD_SF2", "--json"],
}


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_form(image: str, name: str) -> None:
    found = romfs(*_COMMANDS[name]).json
    for one in found if name in _LISTS else [found]:
        hold(name, one)
    assert found


def test_build(image: str) -> None:
    words = ["--board", "RPI_PICO2", "--size", "256K", "--previous", image, "--check", image]
    hold("build", romfs("build", ROOT / "examples/weather", *words, "--json").json)


def test_build_failed(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def f(:\n")
    hold("build-failed", romfs("build", tmp_path, "-o", tmp_path / "x", "--json").json)


def test_diff(image: str, tmp_path: Path) -> None:
    """With files that are new, gone, changed, and changed in their code."""
    changed = tmp_path / "changed"
    shutil.copytree(ROOT / "examples/weather", changed)
    (changed / "assets/digits.bin").rename(changed / "assets/font.bin")
    (changed / "app/report.py").unlink()
    with (changed / "selftest.py").open("a") as file:
        file.write("\n\ndef more():\n    return 1\n")
    assert romfs("build", changed, "-o", "new.romfs").code == 0
    found = romfs("diff", image, "new.romfs", "--json").json
    hold("diff", found)
    assert {row["change"] for row in found["files"]} >= {"added", "removed", "changed"}
    assert any(row["functions"] for row in found["files"])


def test_check_with_findings(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.py").write_text("import nowhere\n")
    romfs("build", tmp_path / "x", "-o", tmp_path / "x.romfs")
    found = romfs("check", tmp_path / "x.romfs", "--json").json
    hold("check", found)
    assert found["images"][0]["findings"]


def test_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hold("ci", romfs("ci", ROOT / "examples/weather", "--run", "selftest", "--json").json)


def test_query() -> None:
    with VirtualBoard("RPI_PICO2", size=65536) as board:
        hold("query", romfs("query", "--port", board.port, "--json").json)


def test_the_events_of_flash_are_all_described(image: str) -> None:
    text = (ROOT / "docs/json.md").read_text("utf-8")
    with VirtualBoard("RPI_PICO2", size=65536) as board:
        done = romfs("flash", image, "--port", board.port, "--json")
    assert done.code == 0, done.err
    for line in done.out.splitlines():
        event = json.loads(line)
        row = next((row for row in text.splitlines() if f"| `{event['event']}` |" in row), None)
        assert row is not None, event["event"]
        names = event.keys() - {"event", "port", "mounted_payload"}
        for name in names:
            assert f"`{name}`" in row, f"{event['event']}: {name}"


def test_every_form_has_a_version() -> None:
    assert set(FORMS) <= set(SCHEMAS)
    assert set(SCHEMAS) - set(FORMS) == {"flash"}  # described in words


def test_a_form_that_changed_is_noticed() -> None:
    checker: Callable[[Any], None] = lambda value: hold("extract", value)  # noqa: E731
    checker({"directory": "x", "files": []})
    for wrong in (
        {"directory": "x"},
        {"directory": 1, "files": []},
        {"directory": "x", "files": [], "new": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            checker(wrong)
