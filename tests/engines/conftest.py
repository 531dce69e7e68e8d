"""Fixtures of the engine suite: every program's output, once per engine and theme."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest

from romfs.errors import MissingExtra
from tests.engines.suite import image_of, programs, romfs_run, run_command, split_output


@functools.cache
def outputs(theme: str, engine: str) -> dict[str, str]:
    """Output of every program of a theme in an engine."""
    chosen = [program for program in programs() if program.theme == theme]
    with tempfile.TemporaryDirectory(prefix="romfs-suite-") as scratch:
        image = Path(scratch, "suite.romfs")
        image.write_bytes(image_of(chosen))
        done = run_command(romfs_run(image, engine))
    assert done.returncode == 0, done.stderr
    return split_output(done.stdout, chosen)


@functools.cache
def why_no_reference() -> str | None:
    """Why the real MicroPython cannot be asked, or None."""
    from loader.unix import find_binary

    try:
        find_binary()
    except MissingExtra as error:
        return str(error)
    return None


@pytest.fixture
def reference() -> str:
    """Name of the engine that is right by definition."""
    reason = why_no_reference()
    if reason is not None:
        pytest.skip(reason)
    return "micropython"


def _engines() -> list[str]:
    import importlib.util

    translated = importlib.util.find_spec("loader.tiering") is not None
    return ["interp", "translate", "auto"] if translated else ["interp"]


@pytest.fixture(params=_engines())
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine of this project in turn."""
    name: str = request.param
    return name
