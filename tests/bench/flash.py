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
SMALL_PACKAGES = ("asyncio", "fs", "setuptools")
_SKIPPED = {"site-packages", "test", "tests", "idlelib", "__pycache__"}
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


@dataclass(frozen=True, slots=True)
class Images:
    """One application.

    Attributes:
        plain: As small as it gets.
        before: With the slack a board's geometry allows, as a project would flash it.
        after: The same with one module edited.
    """

    plain: Path
    before: Path
    after: Path


def main(argv: list[str]) -> int:
    """Print the figures; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench flash")
    parser.add_argument("--timing", action="store_true", help="flash operations take time")
    parser.add_argument("--quick", action="store_true", help="the small images only")
    parser.add_argument("--rounds", type=int, default=3, help="of what takes seconds only")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="romfs-bench-") as folder:
        for package in SMALL_PACKAGES:
            images = make_images(Path(folder) / package, SMALL, package)
            for baud in (UART, USB):
                _compare(package, images, baud, args.timing, args.rounds)
        if not args.quick:
            images = make_images(Path(folder) / "large", LARGE, "")
            for baud in (UART, USB):
                # A minute and a half each over the UART.
                rounds = args.rounds if baud is None else 1
                _compare("standard library", images, baud, args.timing, rounds)
    return 0


def _compare(name: str, images: Images, baud: int | None, timing: bool, rounds: int) -> None:
    content = images.plain.read_bytes()
    link = "USB-like, 1 MB/s" if baud is None else f"{baud} baud"
    print(f"\n{name}: {len(content)} bytes over {link}")
    full, edits, again, peers = [], [], [], []
    for _ in range(rounds):
        with VirtualBoard(BOARD, baud=baud, timing=timing) as board:
            words: list[str | Path] = [mpremote(), "connect", board.port, "romfs", "deploy"]
            peers.append(_run(board, [*words, images.plain]))
            assert board.flash.read(0, len(content)) == content
        with VirtualBoard(BOARD, baud=baud, timing=timing) as board:
            full.append(_ours(board, images.plain))
            assert board.flash.read(0, len(content)) == content
            again.append(_ours(board, images.plain))
            edited = images.after.read_bytes()
            board.flash.load(images.before.read_bytes())
            edits.append(_ours(board, images.after))
            assert board.flash.read(0, len(edited)) == edited
    peer, ours, same, edit = (min(runs, key=_seconds) for runs in (peers, full, again, edits))
    _row("mpremote romfs deploy", peer)
    _row("romfs flash", ours)
    _row("  the same again", same)
    _row("  one module edited", edit)
    usb = baud is None
    _bar("full, with verification", peer.seconds / ours.seconds, 3.0 if usb else 1.6, "x faster")
    if not usb:
        _bar("bytes on the wire", 100 * ours.wire / peer.wire, 60, "% of mpremote's", most=True)
        _bar("link carries payload", 100 * ours.busy, 90, "% of the transfer")
        wanted = 5.0 if len(content) < LARGE // 2 else 40.0
        _bar("after an edit", peer.seconds / edit.seconds, wanted, "x faster")
    _bar("the same again", same.seconds, 1.0, f"s, {same.operations} flash operations", most=True)


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


def make_images(folder: Path, size: int, package: str) -> Images:
    """Images of about `size` bytes of the modules of a package."""
    tree = folder / "tree"
    _tree(tree, size, package)
    plain = _build(tree, folder / "plain.romfs", None)
    before = _build(tree, folder / "before.romfs", 4096)
    modules = sorted(tree.rglob("*.py"), key=lambda path: path.stat().st_size)
    with modules[len(modules) // 2].open("a") as file:
        file.write("\nedited = 'by one line'\n")
    return Images(plain, before, _build(tree, folder / "after.romfs", 4096, before))


def _tree(tree: Path, size: int, package: str) -> None:
    """Modules of a package, in order, whose compiled files add up to `size`; "": of the library."""
    root = _root(package)
    found = [
        (path, path.relative_to(root))
        for path in sorted((root / package).rglob("*.py"))
        if not _SKIPPED & set(path.relative_to(root).parts)
    ]
    compiler = Compiler()
    total = 0
    for start in range(0, len(found), 40):
        some = found[start : start + 40]
        jobs = [Job(str(at), path.read_bytes(), CompileOptions()) for path, at in some]
        for job, result in zip(jobs, compiler.compile(jobs, cache=None), strict=True):
            if result.error is not None or not result.content:
                continue
            target = tree / job.path
            if total + len(result.content) > size - size // 30 or target.with_suffix("").exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(job.source)
            total += len(result.content)


def _root(package: str) -> Path:
    """Where a package is: the standard library, or beside our own dependencies."""
    library = Path(sysconfig.get_path("stdlib"))
    return library if (library / package).is_dir() else Path(sysconfig.get_path("purelib"))


def _build(tree: Path, output: Path, erase: int | None, previous: Path | None = None) -> Path:
    built = builder.build(
        open_source(tree),
        Target(capacity=PARTITION if erase else None, erase=erase),
        previous=None if previous is None else Image(previous.read_bytes()),
    )
    output.write_bytes(built.image)
    return output
