from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flash.board.scratch import Scratch


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _age(directory: Path) -> None:
    os.utime(directory / "lock", (0, 0))


def test_a_directory_lives_until_it_is_removed() -> None:
    one = Scratch()
    (one.path / "file").write_text("x")
    _age(one.path)
    two = Scratch()
    assert (one.path / "file").exists()  # old, but its owner lives
    one.remove()
    assert not one.path.exists()
    assert two.path.exists()
    two.remove()


def test_what_a_killed_owner_left_is_swept(tmp_path: Path) -> None:
    script = (
        f"import os, tempfile\ntempfile.tempdir = {str(tmp_path)!r}\n"
        "from flash.board.scratch import Scratch\n"
        "print(Scratch().path, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=False
    )
    left = Path(done.stdout.strip())
    Scratch().remove()
    assert left.exists()  # too young to be sure
    _age(left)
    Scratch().remove()
    assert not left.exists()
