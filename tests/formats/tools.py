"""Independent tools that judge what we write; a test skips, with the reason, without one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TIME_LIMIT = 60


def need(tool: str, package: str) -> str:
    """Path of a tool, or a skip that says which Debian package has it."""
    # Tools for root are not on everybody's PATH.
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{tool} is not installed (Debian package {package})")
    return found


def run(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a tool that must succeed; its output."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, timeout=TIME_LIMIT, check=False
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done
