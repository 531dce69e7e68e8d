"""Which modules exist, under which names, and what wins over what."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from loader import modules
from loader.engine import Request, run_interp
from loader.unix import find_binary
from romfs.errors import MissingExtra

SHADOWED = sorted(modules.EXTENSIBLE | modules.FIXED - {"_asyncio"})

PROBE = """
import sys
for name in sys.argv[1:] if len(sys.argv) > 1 else NAMES:
    try:
        module = __import__(name)
    except ImportError:
        print(name, "none")
    else:
        print(name, hasattr(module, "REPLACED"), module.__name__)
"""


def _both(code: str, folder: Path) -> tuple[str, str]:
    """Output of the real MicroPython and of ours, both searching `folder` first."""
    try:
        real = find_binary()
    except MissingExtra as error:
        pytest.skip(str(error))
    wanted = subprocess.run(
        [real, "-c", f"import sys\nsys.path.insert(0, {os.fspath(folder)!r})\n{code}"],
        capture_output=True, timeout=60, check=True, text=True,
    ).stdout  # fmt: skip
    got = run_interp(Request(code=code, paths=(os.fspath(folder),), timeout=60))
    assert not got.stderr, got.stderr.decode()
    return wanted, got.stdout.decode()


def test_files_replace_the_same_modules_as_on_the_device(tmp_path: Path) -> None:
    names = [*SHADOWED, *(f"u{name}" for name in SHADOWED)]
    for name in names:
        (tmp_path / f"{name}.py").write_text("REPLACED = 1\n")
    wanted, got = _both(f"NAMES = {names!r}\n{PROBE}", tmp_path)
    assert got == wanted


def test_aliases_are_the_modules_themselves(tmp_path: Path) -> None:
    names = [f"u{name}" for name in SHADOWED]
    wanted, got = _both(f"NAMES = {names!r}\n{PROBE}", tmp_path)
    assert got == wanted
    code = "import utime, time, uos, os\nprint(utime is time, uos is os)"
    assert run_interp(Request(code=code)).stdout == b"True True\n"


def test_every_name_of_a_module_exists_here(tmp_path: Path) -> None:
    """Whatever the real module has, ours has; ours may have more."""
    names = sorted(modules.EXTENSIBLE | modules.FIXED | {"asyncio", "requests", "ssl"})
    code = f"""
for name in {names!r}:
    module = __import__(name)
    for each in sorted(dir(module)):
        if not each.startswith("_"):
            print(name, each)
"""
    wanted, got = _both(code, tmp_path)
    missing = set(wanted.splitlines()) - set(got.splitlines())
    # What the device's Python modules import for themselves is nobody's business.
    internal = {"asyncio sys", "asyncio select", "asyncio cur_task"}
    assert missing - internal == set()


def test_stand_ins_are_importable() -> None:
    for name in sorted(modules.PORT_MODULES):
        result = run_interp(Request(code=f"import {name}\nprint({name}.__name__)"))
        assert result.stdout.decode() == f"{name}\n", result.stderr.decode()
