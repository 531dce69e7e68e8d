"""`python -m tests.bench flash`: against `mpremote romfs deploy`, on one virtual board.

Images of real modules, a UART of 115200 baud and a USB-like link. Both tools run as whole
processes, start-up included, on the same board model with the same partition before. The
board counts bytes on its wires; `--timing` lets erases and programs take the time they
take in a real chip, which is the same for both tools and hides how they differ.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flash.board.virtual import VirtualBoard
from romfs import build as builder
from romfs.compile import CompileOptions, Compiler, Job
from romfs.image import Image
from romfs.sources import open_source
from romfs.target import Target
from tests.bench.build import mpremote, romfs

BOARD = "PYBD_SF6"
PARTITION = 2 << 20
SMALL, LARGE = 80 << 10, 1 << 20
UART, USB = 115200, None


@dataclass(frozen=True, slots=True)
class Run:
    """One deployment.

    Attributes:
        seconds: Of the whole process.
        wire: Bytes on the link, both ways.
        operations: Flash operations.
        busy: Share of the transfer during which the link carried compressed payload;
            0 where the tool does not say.
    """

    seconds: float
    wire: int
    operations: int
    busy: float = 0.0


def main(argv: list[str]) -> int:
    """Print the figures; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench flash")
    parser.add_argument("--timing", action="store_true", help="flash operations take time")
    parser.add_argument("--quick", action="store_true", help="the small image only")
    parser.add_argument("--rounds", type=int, default=3, help="of what takes seconds only")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="romfs-bench-") as folder:
        for size in (SMALL,) if args.quick else (SMALL, LARGE):
            image, edited = make_images(Path(folder) / str(size), size)
            for baud in (UART, USB):
                _compare(image, edited, baud, args.timing, args.rounds)
    return 0


def _compare(image: Path, edited: Path, baud: int | None, timing: bool, rounds: int) -> None:
    size = image.stat().st_size
    link = "USB-like, 1 MB/s" if baud is None else f"{baud} baud"
    print(f"\n{size} bytes over {link}")
    if baud is not None and size > LARGE // 2:
        rounds = 1  # a minute and a half each
    full, delta, same, peers = [], [], [], []
    for _ in range(rounds):
        with VirtualBoard(BOARD, baud=baud, timing=timing) as board:
            peers.append(_run(board, [mpremote(), "connect", board.port, "romfs", "deploy", image]))
            assert board.flash.read(0, size) == image.read_bytes()
        with VirtualBoard(BOARD, baud=baud, timing=timing) as board:
            full.append(_ours(board, image))
            assert board.flash.read(0, size) == image.read_bytes()
            same.append(_ours(board, image))
            delta.append(_ours(board, edited))
            assert board.flash.read(0, edited.stat().st_size) == edited.read_bytes()
    peer, ours, again, edit = (min(runs, key=_seconds) for runs in (peers, full, same, delta))
    _row("mpremote romfs deploy", peer)
    _row("romfs flash", ours)
    _row("  the same again", again)
    _row("  one module edited", edit)
    usb = baud is None
    _bar("full, with verification", peer.seconds / ours.seconds, 3.0 if usb else 1.6, "x faster")
    if not usb:
        _bar("bytes on the wire", 100 * ours.wire / peer.wire, 60, "% of mpremote's", most=True)
        _bar("link carries payload", 100 * ours.busy, 90, "% of the transfer")
        wanted = 5.0 if size < LARGE // 2 else 40.0
        _bar("after an edit", peer.seconds / edit.seconds, wanted, "x faster")
    _bar("the same again", again.seconds, 1.0, f"s, {again.operations} flash operations", most=True)


def _seconds(run: Run) -> float:
    return run.seconds


def _row(name: str, run: Run) -> None:
    print(
        f"  {name:<22} {run.seconds:7.2f} s  {run.wire:8} bytes on the wire  "
        f"{run.operations:5} flash operations"
    )


def _bar(what: str, value: float, bar: float, unit: str, *, most: bool = False) -> None:
    word = "at most" if most else "at least"
    print(f"  {what + ':':<26} {value:6.2f} {unit} (bar: {word} {bar:g})")


def _ours(board: VirtualBoard, image: Path) -> Run:
    return _run(board, [romfs(), "flash", image, "--port", board.port, "--json"])


def _run(board: VirtualBoard, command: list[str | Path]) -> Run:
    assert board.wait_booted()
    before, operations = _wire(board), board.supply.count
    begun = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout[-500:]}{done.stderr[-500:]}")
    busy = 0.0
    for line in done.stdout.splitlines():
        if line.startswith('{"event": "transferred"'):
            facts = json.loads(line)
            rate = (board_rate(board)) * facts["seconds"]
            busy = facts["compressed"] / rate if rate else 0.0
    return Run(seconds, _wire(board) - before, board.supply.count - operations, busy)


def board_rate(board: VirtualBoard) -> float:
    """Bytes a second of the board's link."""
    return board._in.rate


def _wire(board: VirtualBoard) -> int:
    return board._in.passed + board._out.passed


def make_images(folder: Path, size: int) -> tuple[Path, Path]:
    """An image of about `size` bytes of real modules, and one with a module edited."""
    tree = folder / "tree"
    _tree(tree, size)
    image = _build(tree, folder / "image.romfs", None)
    modules = sorted(tree.rglob("*.py"), key=lambda path: path.stat().st_size)
    with modules[len(modules) // 2].open("a") as file:
        file.write("\nedited = 'by one line'\n")
    return image, _build(tree, folder / "edited.romfs", image)


def _tree(tree: Path, size: int) -> None:
    """Modules of the standard library, in order, whose compiled files add up to `size`."""
    root = Path(sysconfig.get_path("stdlib"))
    found = [
        (path, path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        if not {"site-packages", "test", "tests", "idlelib"} & set(path.relative_to(root).parts)
    ]
    compiler = Compiler()
    total = 0
    for start in range(0, len(found), 40):
        some = found[start : start + 40]
        jobs = [Job(str(at), path.read_bytes(), CompileOptions()) for path, at in some]
        for job, result in zip(jobs, compiler.compile(jobs, cache=None), strict=True):
            if result.error is not None or not 1000 < len(result.content) < size // 4:
                continue
            target = tree / job.path
            if total + len(result.content) > size - size // 30 or target.with_suffix("").exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(job.source)
            total += len(result.content)
        if total > size - size // 15:
            return


def _build(tree: Path, output: Path, previous: Path | None) -> Path:
    with_previous = None if previous is None else Image(previous.read_bytes())
    built = builder.build(
        open_source(tree), Target(capacity=PARTITION, erase=4096), previous=with_previous
    )
    output.write_bytes(built.image)
    return output
