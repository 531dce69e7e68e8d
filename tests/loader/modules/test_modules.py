"""The guest's modules behave as those of the real MicroPython, output for output."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from loader.engine import Request, run_interp
from loader.unix import find_binary
from romfs.errors import MissingExtra

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "probe")
_ADDRESS = re.compile(r"\b(?:0x)?[0-9a-f]{6,16}\b(?=>)")


def _normal(output: bytes) -> list[str]:
    """Lines of output without addresses."""
    return _ADDRESS.sub("ADDRESS", output.decode("utf-8", "replace")).splitlines()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_output_is_that_of_micropython(name: str, scratch: Path) -> None:
    try:
        real = find_binary()
    except MissingExtra as error:
        pytest.skip(str(error))
    wanted = subprocess.run(
        [real, os.fspath(PROGRAMS / f"{name}.py")],
        capture_output=True, timeout=60, cwd=scratch, check=False,
    )  # fmt: skip
    assert wanted.returncode == 0, wanted.stderr.decode()
    source = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    got = run_interp(Request(code=source, paths=(os.fspath(PROGRAMS),), timeout=60))
    assert _normal(got.stdout) == _normal(wanted.stdout), got.stderr.decode()
    assert got.status == 0, got.stderr.decode()
