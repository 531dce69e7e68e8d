"""`python -m tests.bench build`: against `mpremote romfs build` on about 1,000 real modules.

The modules are those of CPython's standard library and of the packages beside it that
mpy-cross can compile. Both tools run as whole processes, in turn.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

from romfs.compile import CompileOptions, Compiler, Job
from romfs.image import Image


def main(argv: list[str]) -> int:
    """Print the figures; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench build")
    parser.add_argument("--modules", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="romfs-bench-") as folder:
        tree = Path(folder) / "tree"
        count = make_tree(tree, args.modules)
        size = sum(path.stat().st_size for path in tree.rglob("*.py"))
        print(f"{count} modules, {size / 1e6:.1f} MB of source, {os.cpu_count()} cores")
        against_mpremote(tree, Path(folder), args.rounds)
        images(tree, Path(folder))
        scaling(Path(folder))
        start_up(args.rounds * 2)
    return 0


def make_tree(tree: Path, wanted: int) -> int:
    """Copy real modules that compile; the choice depends on nothing but what is installed."""
    roots = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))]
    found = []
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            inside = path.relative_to(root)
            if "site-packages" not in inside.parts and "test" not in inside.parts:
                found.append((path, inside))
    random.Random(1).shuffle(found)
    jobs = [
        Job(str(inside), path.read_bytes(), CompileOptions())
        for path, inside in found[: wanted * 2]
    ]
    count = 0
    for job, result in zip(jobs, Compiler().compile(jobs, cache=None), strict=True):
        target = tree / job.path
        if result.error is None and count < wanted and not target.with_suffix("").exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(job.source)
            count += 1
    return count


def against_mpremote(tree: Path, folder: Path, rounds: int) -> None:
    """Cold and warm builds, in turn with the peer's; each figure is of one process."""
    cache = folder / "cache"
    edited = sorted(tree.rglob("*.py"), key=lambda path: -path.stat().st_size)[
        len(list(tree.rglob("*.py"))) // 2
    ]
    ours = [romfs(), "build", tree, "-o", folder / "ours.romfs", "--allow", "shadowed-module"]
    peer = [mpremote(), "romfs", "-o", folder / "peer.romfs", "build", tree]
    env = {"ROMFS_CACHE": str(cache)}
    rows: dict[str, list[float]] = {"cold": [], "warm": [], "peer": [], "compiler": []}
    for number in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        rows["peer"].append(timed(peer))
        rows["cold"].append(timed(ours, env))
        with edited.open("a") as file:
            file.write(f"\nedit_{number} = {number}\n")
        rows["warm"].append(timed(ours, env))
        rows["compiler"].append(compiler_alone(tree, folder))
    cores = os.cpu_count() or 1
    for name, values in rows.items():
        print(f"  {name:<9} median {statistics.median(values):7.3f} s  min {min(values):.3f}")
    print(f"cold:    {ratio(rows['peer'], rows['cold']):5.2f} x faster than mpremote (bar 2.0)")
    share = ratio(rows["cold"], [value / cores for value in rows["compiler"]])
    print(f"cold:    {share:5.2f} x of mpy-cross alone / {cores} cores (bar 1.15)")
    print(f"rebuild: {ratio(rows['peer'], rows['warm']):5.1f} x faster than mpremote (bar 20)")


def ratio(above: list[float], below: list[float]) -> float:
    """Median of the ratios pair by pair, so that drift of the machine cancels."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def compiler_alone(tree: Path, folder: Path) -> float:
    """Seconds that mpy-cross takes for every module, one after the other."""
    executable = Compiler().executable
    out = str(folder / "alone.mpy")
    sources = [str(path) for path in sorted(tree.rglob("*.py"))]
    begun = time.perf_counter()
    for source in sources:
        pid = os.posix_spawn(executable, [executable, "-o", out, source], os.environ)
        os.waitpid(pid, 0)
    return time.perf_counter() - begun


def images(tree: Path, folder: Path) -> None:
    """Image sizes for the same .mpy files."""
    ready = folder / "ready"
    with Image.open(folder / "ours.romfs") as image:
        for path, file in image.files():
            target = ready / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
    timed([mpremote(), "romfs", "-o", folder / "peer2.romfs", "build", ready])
    timed([romfs(), "build", ready, "-o", folder / "ours2.romfs", "--allow", "shadowed-module"])
    ours, peer = ((folder / name).stat().st_size for name in ("ours2.romfs", "peer2.romfs"))
    print(f"image:   {ours / peer:.4f} x the bytes of mpremote's ({ours} / {peer}; bar 1.01)")


def scaling(folder: Path) -> None:
    """Time per file as their number grows; the sources are data, so only we are measured."""
    for count in (1250, 2500, 5000, 10_000):
        tree = folder / f"many{count}"
        for number in range(count):
            path = tree / f"d{number // 100}" / f"f{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content {number}\n" * 5)
        best = min(timed([romfs(), "build", tree, "-o", folder / "m.romfs"]) for _ in range(3))
        print(f"scaling: {count:6} files {best:6.3f} s, {best / count * 1e6:5.0f} us a file")
        shutil.rmtree(tree)


def start_up(rounds: int) -> None:
    """`romfs --version` as a whole process."""
    best = statistics.median(timed([romfs(), "--version"]) for _ in range(rounds))
    print(f"start:   {best * 1000:.0f} ms for romfs --version (bar 150)")


def timed(command: list[object], env: dict[str, str] | None = None) -> float:
    """Wall seconds of a command that must succeed."""
    words = [str(word) for word in command]
    env = {**os.environ, **(env or {})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed tool has its bytecode
    begun = time.perf_counter()
    done = subprocess.run(words, env=env, capture_output=True, check=False)
    taken = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{words[0]} failed:\n{done.stderr.decode()}{done.stdout.decode()[-500:]}")
    return taken


def _script(name: str) -> str:
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise SystemExit(f"no {name} command; install the extra 'test'")
    return found


def romfs() -> str:
    """Our command."""
    return _script("romfs")


def mpremote() -> str:
    """The peer's."""
    return _script("mpremote")
