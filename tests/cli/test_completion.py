"""The scripts are tried in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from romfs.cli import VERBS
from tests.cli.run import romfs

_PATH = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", "")))  # noqa: PTH120


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> str:
    path = shutil.which(request.param)
    if path is None:
        pytest.skip(f"{request.param} is not installed")
    return str(path)


def _ask(shell: str, program: str, directory: Path) -> list[str]:
    done = subprocess.run(
        [shell, "-c", program],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PATH": _PATH, "HOME": str(directory)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def _script(shell: str, directory: Path) -> Path:
    path = directory / f"completion.{shell}"
    path.write_text(romfs("completion", shell).out)
    return path


def _bash(directory: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = _script("bash", directory)
    quoted = " ".join(f"'{word}'" for word in words)
    return _ask(
        bash,
        f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
        f"COMP_LINE='{' '.join(words)}'; COMP_POINT=${{#COMP_LINE}}; "
        "_shtab_romfs; printf '%s\\n' \"${COMPREPLY[@]}\"",
        directory,
    )


def _fish(directory: Path, line: str) -> list[str]:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not installed")
    script = _script("fish", directory)
    rows = _ask(fish, f"source {script}; complete -C '{line}'", directory)
    return [row.partition("\t")[0] for row in rows if row]


def test_bash_completes_verbs_options_choices_boards_and_files(tmp_path: Path) -> None:
    (tmp_path / "firmware.romfs").write_bytes(b"")
    assert set(VERBS) <= set(_bash(tmp_path, "romfs", ""))
    assert "--engine" in _bash(tmp_path, "romfs", "run", "--en")
    assert "interp" in _bash(tmp_path, "romfs", "run", "--engine", "")
    assert "RPI_PICO2" in _bash(tmp_path, "romfs", "build", "--board", "RPI_PI")
    assert "firmware.romfs" in _bash(tmp_path, "romfs", "info", "firm")


def test_fish_completes_verbs_options_choices_boards_and_files(tmp_path: Path) -> None:
    (tmp_path / "firmware.romfs").write_bytes(b"")
    assert set(VERBS) <= set(_fish(tmp_path, "romfs "))
    assert "--engine" in _fish(tmp_path, "romfs run --en")
    assert "interp" in _fish(tmp_path, "romfs run --engine ")
    assert "RPI_PICO2" in _fish(tmp_path, "romfs build --board RPI_PI")
    assert "firmware.romfs" in _fish(tmp_path, "romfs info firm")


@pytest.mark.parametrize("shell", ["zsh"], indirect=True)
def test_zsh_reads_its_script(shell: str, tmp_path: Path) -> None:
    script = _script("zsh", tmp_path).rename(tmp_path / "_romfs")
    lines = _ask(
        shell,
        f"fpath=({tmp_path} $fpath); autoload -Uz compinit && compinit -u -d {tmp_path}/dump; "
        "print -l $_comps[romfs]; autoload +X _romfs && print loaded",
        tmp_path,
    )
    assert lines[:2] == ["_romfs", "loaded"]
    assert all(f"{verb}:" in script.read_text() for verb in VERBS)


def test_lists() -> None:
    assert "RPI_PICO2" in romfs("completion", "--list", "boards").out.split()
    assert "bad-mpy" in romfs("completion", "--list", "rules").out.split()
    assert romfs("completion", "--list", "ports").code == 0


def test_one_of_shell_and_list_is_needed() -> None:
    assert romfs("completion").code == 2
