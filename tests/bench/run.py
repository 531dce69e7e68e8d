"""Running guest programs: tier 1, tiers together and the real MicroPython, side by side.

Programs of each classic kind (`programs/`) are compiled once and put into one image. Every
engine runs that image in a process of its own; the program takes the time around its work.
Engines take turns and the best of several counts, since other work on the host only ever
makes a run slower.

    python -m tests.bench run [PROGRAM ...] [--rounds N] [--quick] [--cold]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image

PROGRAMS = Path(__file__).with_name("programs")
ENGINES = ("micropython", "auto", "interp")
SIZES = {
    "bigints": 700, "calls": 6000, "cipher": 60, "dicts": 250, "errors": 9000, "floats": 1600,
    "generators": 6000, "numbers": 12000, "objects": 12000, "recursion": 190, "strings": 400,
}  # fmt: skip
"""Size of each program's work: about 100 ms of the real MicroPython."""

_DRIVER = """\
import sys
import time
module = __import__(sys.argv[1])
size = int(sys.argv[2])
for _ in range(int(sys.argv[3])):
    start = time.ticks_us()
    result = module.work(size)
    print(time.ticks_diff(time.ticks_us(), start), result)
"""


def build(path: Path, names: list[str]) -> None:
    """Compile programs into an image."""
    sources = {name: (PROGRAMS / f"{name}.py").read_bytes() for name in names}
    sources["driver"] = _DRIVER.encode()
    jobs = [Job(f"{name}.py", text, CompileOptions()) for name, text in sources.items()]
    done = Compiler().compile(jobs, cache=None)
    for result in done:
        if result.error is not None:
            raise result.error
    tree: dict[str, bytes | None] = {
        f"{name}.mpy": result.content for name, result in zip(sources, done, strict=True)
    }
    path.write_bytes(build_image(tree))


def run(
    image: Path, engine: str, name: str, size: int, repeat: int, cache: Path
) -> tuple[list[float], str, float]:
    """One process: seconds of each repetition, the program's result, seconds of all."""
    command = [sys.executable, "-m", "romfs", "run", str(image), "--engine", engine]
    command += ["-m", "driver", name, str(size), str(repeat)]
    start = time.perf_counter()
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "ROMFS_TRANSLATION_CACHE": str(cache)},
    )
    whole = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{engine} failed on {name}:\n{done.stdout}{done.stderr}")
    lines = [line.split() for line in done.stdout.splitlines()]
    return [int(line[0]) / 1e6 for line in lines], lines[0][1], whole


def geometric_mean(values: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def steady(image: Path, names: list[str], rounds: int, quick: bool) -> dict[str, dict[str, float]]:
    """Best seconds of each program in each engine, once warm."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            size = max(SIZES[name] // (4 if quick else 1), 8)
            best = dict.fromkeys(ENGINES, math.inf)
            answers: set[str] = set()
            for _ in range(rounds):
                for engine in ENGINES:
                    repeat = 1 if engine == "interp" else 8
                    times, answer, _ = run(image, engine, name, size, repeat, Path(folder))
                    best[engine] = min(best[engine], *times)
                    answers.add(answer)
            if len(answers) != 1:
                raise RuntimeError(f"{name}: engines disagree: {answers}")
            found[name] = best
            print(_row(name, best), flush=True)
    return found


def _row(name: str, best: dict[str, float]) -> str:
    reference = best["micropython"]
    return (
        f"{name:12} {reference * 1e3:9.1f} ms {reference / best['auto']:8.2f}"
        f" {reference / best['interp']:8.3f}"
    )


def cold(image: Path, names: list[str], rounds: int) -> None:
    """Whole runs of about a second: nothing translated yet, and all of it on disk."""
    print(f"{'program':12} {'micropython':>12} {'cold':>8} {'warm':>8} {'warm/steady':>12}")
    ratios = []
    for name in names:
        size, repeat = SIZES[name], 12
        best = {"micropython": math.inf, "cold": math.inf, "warm": math.inf, "steady": math.inf}
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                times, _, _ = run(image, "micropython", name, size, repeat, Path(folder))
                best["micropython"] = min(best["micropython"], sum(times))
                times, _, _ = run(image, "auto", name, size, repeat, Path(folder))
                best["cold"] = min(best["cold"], sum(times))
                times, _, _ = run(image, "auto", name, size, repeat, Path(folder))
                best["warm"] = min(best["warm"], sum(times))
                best["steady"] = min(best["steady"], min(times) * repeat)
        ratio = best["micropython"] / best["cold"]
        ratios.append(ratio)
        print(
            f"{name:12} {best['micropython'] * 1e3:9.0f} ms {ratio:8.2f}"
            f" {best['micropython'] / best['warm']:8.2f} {best['warm'] / best['steady']:12.3f}",
            flush=True,
        )
    print(f"geometric mean of cold runs: {geometric_mean(ratios):.2f}")


def main(argv: list[str]) -> int:
    """Run the benchmark; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench run")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="smaller work, for a first look")
    parser.add_argument("--cold", action="store_true", help="whole runs, translation included")
    parser.add_argument("--json", metavar="FILE", type=Path)
    args = parser.parse_args(argv)
    names = args.programs or sorted(SIZES)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "bench.romfs")
        build(image, names)
        if args.cold:
            cold(image, names, args.rounds)
            return 0
        print(f"{'program':12} {'micropython':>12} {'auto':>8} {'interp':>8}")
        found = steady(image, names, args.rounds, args.quick)
    for engine in ("auto", "interp"):
        ratios = [best["micropython"] / best[engine] for best in found.values()]
        print(
            f"{engine}: geometric mean {geometric_mean(ratios):.3f}, lowest {min(ratios):.3f}"
            " times the speed of the real MicroPython"
        )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
