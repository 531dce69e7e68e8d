"""`romfs ci`, and the GitHub Action that is a thin cover of it, run as a runner would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.run import romfs

ROOT = Path(__file__).resolve().parents[2]
SELFTEST = """
import lib_a

if __name__ == "__main__":
    assert lib_a.f() == 1
    print("all well")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project under version control, one commit old."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/lib_a.py").write_text("def f():\n    return 1\n")
    (tmp_path / "app/selftest.py").write_text(SELFTEST)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    git("add", "-A")
    git("commit", "--quiet", "-m", "first")
    return tmp_path


def git(*words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *who, *words], check=True, timeout=30)


def steps(report: Any, image: int = 0) -> dict[str, Any]:
    return {step["name"]: step for step in report["images"][image]["steps"]}


def test_every_board_goes_through_every_step(project: Path) -> None:
    done = romfs(
        "ci", "app", "--board", "RPI_PICO2", "--board", "PYBD_SF2", "--size", "256K",
        "--run", "selftest", "--base-rev", "HEAD", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert [image["board"] for image in done.json["images"]] == ["RPI_PICO2", "PYBD_SF2"]
    for n in (0, 1):
        found = steps(done.json, n)
        assert list(found) == ["build", "check", "run", "ram", "diff"]
        assert found["run"]["output"] == "all well\n"
        assert found["diff"]["text"] == "identical"
    assert (project / "build/app-RPI_PICO2.romfs").exists()
    worktrees = subprocess.run(["git", "worktree", "list"], capture_output=True, text=True)
    assert len(worktrees.stdout.splitlines()) == 1


def test_a_change_is_shown_against_the_base(project: Path) -> None:
    (project / "app/lib_a.py").write_text("def f():\n    return 1\ndef g():\n    return 2\n")
    (project / "app/new.py").write_text("x = 1\n")
    done = romfs("ci", "app", "--base-rev", "HEAD", "--json", "--summary", "summary.md")
    assert done.code == 0
    changed = {row["path"]: row["change"] for row in steps(done.json)["diff"]["report"]["files"]}
    assert changed["lib_a.mpy"] == "changed" and changed["new.mpy"] == "added"
    assert "`new.mpy`" in (project / "summary.md").read_text()


@pytest.mark.parametrize(
    ("edit", "words", "step", "told"),
    [
        ("def f(:\n", [], "build", "SyntaxError"),
        ("import nowhere\n", ["--strict"], "check", "nowhere"),
        ("def f():\n    return 2\n", ["--run", "selftest"], "run", "AssertionError"),
        (
            "def f():\n    while True:\n        pass\n",
            ["--run", "selftest", "--timeout", "2"],
            "run",
            "",
        ),
        ("x = [bytearray(5000)]\n", ["--ram-budget", "2K"], "ram", "over the budget"),
        ("x = 'x' * 9\n" * 400, ["--budget", "1K"], "build", "budget"),
    ],
)
def test_what_goes_wrong_is_told_everywhere(
    project: Path, edit: str, words: list[str], step: str, told: str
) -> None:
    (project / "app/lib_a.py").write_text(edit)
    done = romfs("ci", "app", *words, "--json", "--junit", "j.xml", "--summary", "s.md")
    assert done.code == 1
    found = steps(done.json)[step]
    assert not found["ok"] and told in found["output"]
    assert not done.json["ok"] and told in done.err
    cases = {case.get("name"): case for case in ET.parse(project / "j.xml").iter("testcase")}
    assert cases[step].find("failure") is not None
    assert f"{step} failed" in (project / "s.md").read_text() or not found["output"]


def test_the_configuration_names_boards_and_images(project: Path) -> None:
    (project / "romfs.toml").write_text(
        'source = "app"\nboards = ["PYBD_SF2", "RPI_PICO2"]\nsize = "1M"\n'
        '[[images]]\nname = "main"\n[[images]]\nname = "small"\ninclude = ["lib_a.py"]\n'
    )
    done = romfs("ci", "--json")
    assert done.code == 0, done.err
    names = [Path(image["image"]).name for image in done.json["images"]]
    assert names == [
        f"{image}-{board}.romfs"
        for image in ("main", "small")
        for board in ("PYBD_SF2", "RPI_PICO2")
    ]
    assert len(steps(done.json, 0)["build"]["report"]["files"]) == 2
    assert len(steps(done.json, 2)["build"]["report"]["files"]) == 1


@pytest.mark.parametrize("width", [60, 100])
def test_the_table_fits_the_terminal(
    project: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = romfs("ci", "app", "--board", "ALIF_ENSEMBLE:M55_HP", "--run", "selftest").out
    assert max(map(len, out.splitlines())) <= width
    assert out.endswith("all passed\n")


def test_no_such_revision(project: Path) -> None:
    done = romfs("ci", "app", "--base-rev", "nonsense")
    assert done.code == 1 and "nonsense" in done.err


# The action.

_ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
_EXPRESSION = re.compile(r"\$\{\{ *inputs\.([a-z-]+) *\}\}")


def act(project: Path, **given: str) -> tuple[int, dict[str, str], str]:
    """Run the action's main step as a runner does; exit code, outputs, summary."""
    inputs = {name: str(row["default"]) for name, row in _ACTION["inputs"].items()}
    inputs["base-rev"] = ""  # not a pull request
    inputs |= {name.replace("_", "-"): value for name, value in given.items()}
    (step,) = (step for step in _ACTION["runs"]["steps"] if step.get("id") == "romfs")
    values = {
        name: _EXPRESSION.sub(lambda found: inputs[found[1]], text)
        for name, text in step["env"].items()
    }
    output, summary = project / "github-output", project / "github-summary"
    output.write_text("")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=project,
        env={**os.environ, **values, **files, "PATH": path},
        timeout=100,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done.returncode, outputs, summary.read_text() if summary.exists() else ""


def test_the_action_builds_a_matrix_and_writes_the_summary(project: Path) -> None:
    code, outputs, summary = act(
        project, source="app", boards="RPI_PICO2\nPYBD_SF2\n", size="256K", run="selftest",
        base_rev="HEAD", budget="64K", ram_budget="64K",
    )  # fmt: skip
    assert code == 0
    assert outputs["ok"] == "true"
    assert "app-RPI_PICO2.romfs" in summary and "app-PYBD_SF2.romfs" in summary
    assert "identical" in summary
    report = json.loads((project / outputs["report"]).read_text())
    assert report["ok"] and len(report["images"]) == 2
    assert ET.parse(project / outputs["junit"]).getroot().tag == "testsuites"


def test_the_action_fails_and_says_why(project: Path) -> None:
    (project / "app/lib_a.py").write_text("def f():\n    return 2\n")
    code, outputs, summary = act(project, source="app", run="selftest")
    assert code == 1 and outputs["ok"] == "false"
    assert "AssertionError" in summary


def test_inputs_cannot_become_shell_code(project: Path) -> None:
    code, _, _ = act(project, source="$(touch owned)", run="`touch owned`;touch owned")
    assert code != 0 and not (project / "owned").exists()


def test_every_input_is_used() -> None:
    text = (ROOT / "action.yml").read_text()
    for name in _ACTION["inputs"]:
        assert re.search(rf"inputs\.{name}\b", text), name
    for row in _ACTION["inputs"].values():
        assert row["description"]
