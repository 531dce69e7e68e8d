"""Compares engines over the suite by hand: `python -m tests.engines.compare [THEME ...]`."""

from __future__ import annotations

import difflib
import sys
import tempfile
from pathlib import Path

from tests.engines.suite import image_of, normal, programs, romfs_run, run_command, split_output

ENGINES = ("interp", "auto", "translate")


def main(words: list[str]) -> int:
    """Print the differences; returns the number of programs that differ.

    Args:
        words: Themes and programs; all if there are none. An engine's name compares that one.
    """
    other = next((word for word in words if word in ENGINES), "interp")
    themes = [word for word in words if word not in ENGINES]
    chosen = [p for p in programs() if not themes or p.theme in themes or p.name in themes]
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch, "suite.romfs")
        image.write_bytes(image_of(chosen))
        for engine in ("micropython", other):
            done = run_command(romfs_run(image, engine))
            results[engine] = split_output(done.stdout, chosen)
            if done.stderr:
                print(engine, "stderr:", done.stderr[-2000:])
    bad = 0
    for program in chosen:
        want, got = (
            normal(results[engine].get(program.module, "<died>\n"))
            for engine in ("micropython", other)
        )
        if want != got:
            bad += 1
            print(f"=== {program.theme}:{program.name}")
            for line in difflib.unified_diff(
                want.splitlines(), got.splitlines(), "micropython", other, lineterm="", n=0
            ):
                print(line)
    print(f"{len(chosen) - bad} of {len(chosen)} programs identical")
    return bad


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
