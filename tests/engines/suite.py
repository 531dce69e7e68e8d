"""The programs of the engine suite, and running them in the engines.

A file of `programs/` holds the programs of one theme, each begun by a line `#: name`. They
are compiled once, put into one image as modules, and each engine imports them from there one
after another in one process, so that hundreds of programs take seconds.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from loader.exceptions import entries
from loader.source import compile_source
from romfs.layout import build_image

PROGRAMS = Path(__file__).with_name("programs")
_HEAD = re.compile(r"^#: (\w+)\n", re.MULTILINE)
_END = "\x01end of program\x01"


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        theme: Name of its file.
        name: Its own name.
        text: Its source.
    """

    theme: str
    name: str
    text: str

    @property
    def module(self) -> str:
        """Name of the module it becomes."""
        return f"{self.theme}_{self.name}"


@functools.cache
def programs() -> tuple[Program, ...]:
    """All programs, in the order of the files."""
    found = []
    for path in sorted(PROGRAMS.glob("*.py")):
        parts = _HEAD.split(path.read_text())
        found += [
            Program(path.stem, name, text)
            for name, text in zip(parts[1::2], parts[2::2], strict=True)
        ]
    return tuple(found)


# Runs every module named in `names`; what a program leaves in the shared runtime is undone.
_DRIVER = """\
import sys
import {names}
_end = {end!r}
for _name in {names}.NAMES:
    try:
        __import__(_name)
    except SystemExit as _e:
        print("SystemExit", _e.args)
    except BaseException as _e:
        sys.print_exception(_e)
    sys.modules.pop(_name, None)
    print(_end)
"""


def image_of(chosen: Iterable[Program]) -> bytes:
    """An image with these programs as modules, and `run_all` to run them."""
    chosen = list(chosen)
    tree: dict[str, bytes | None] = {}
    for program in chosen:
        try:
            compiled = compile_source(program.text, f"{program.name}.py")
        except SyntaxError as error:
            error.add_note(f"in program {program.theme}:{program.name}: {entries(error)}")
            raise
        tree[f"{program.module}.mpy"] = compiled
    names = "NAMES = " + repr([program.module for program in chosen]) + "\n"
    tree["suite_names.mpy"] = compile_source(names, "suite_names.py")
    tree["run_all.mpy"] = compile_source(
        _DRIVER.format(names="suite_names", end=_END), "run_all.py"
    )
    return build_image(tree)


def split_output(text: str, chosen: Iterable[Program]) -> dict[str, str]:
    """Output of each program, by module name; missing where the engine died before."""
    pieces = text.split(_END + "\n")
    return {program.module: piece for program, piece in zip(chosen, pieces, strict=False)}


_ADDRESS = re.compile(
    r"(?<=at )(0x)?[0-9a-f]{6,}|(?<=<bound_method )[0-9a-f]+|(?<=<code )[0-9a-f]+"
)


def normal(text: str) -> str:
    """Output without what differs from run to run: addresses."""
    return _ADDRESS.sub("ADDRESS", text)


def run_command(command: list[str], timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run an engine's command line."""
    return subprocess.run(
        command,
        capture_output=True,
        timeout=timeout,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
    )


def romfs_run(image: Path, engine: str, module: str = "run_all") -> list[str]:
    """Command line that runs a module of an image in an engine."""
    return [sys.executable, "-m", "romfs", "run", str(image), "-m", module, "--engine", engine]
