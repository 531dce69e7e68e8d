"""The steps of `romfs ci`: each is the command a person would type, its result kept."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from romfs.cli import exit_codes
from romfs.errors import BuildError
from romfs.sizes import show_size


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what came of it.

    Attributes:
        name: "build", "check", "run", "ram" or "diff".
        ok: Whether it was as demanded.
        text: The result in a few words.
        output: What it printed, for those who want to know why.
        seconds: How long it took.
        facts: Its JSON, where it has one.
    """

    name: str
    ok: bool
    text: str
    output: str = ""
    seconds: float = 0.0
    facts: Any = None


@dataclass(slots=True)
class Image:
    """One image of the matrix.

    Attributes:
        path: Where it was written.
        board: What for, or None.
        steps: What was done with it, in order.
    """

    path: Path
    board: str | None
    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all steps were as demanded."""
        return all(step.ok for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Done:
    code: int
    out: str
    err: str
    seconds: float


def _romfs(*words: str | Path | None) -> _Done:
    """Run a verb in this process; None words are left out."""
    from romfs.cli import main

    out, err = io.StringIO(), io.StringIO()
    begun = time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([os.fspath(word) for word in words if word is not None])
    return _Done(code, out.getvalue(), err.getvalue(), time.monotonic() - begun)


def examine(args: argparse.Namespace) -> Iterator[Image]:
    """Build all images, then look at each.

    Raises:
        BuildError: There is nothing to build from, or no such git revision.
        ConfigError: The configuration makes no sense.
    """
    folder = Path(args.output)
    with contextlib.ExitStack() as stack:
        base = None if args.base is None else Path(args.base)
        if args.base_rev is not None:
            base = stack.enter_context(_base(args))
        for image, size, partition in _build(args, folder):
            if image.steps[0].ok:
                where = [*_option("--board", image.board), *_option("--size", size)]
                where += _option("--partition", partition or None)
                image.steps.append(_check(args, image, where))
                if args.run is not None:
                    image.steps.append(_run(args, image))
                image.steps.append(_ram(args, image))
                if base is not None:
                    image.steps.append(_diff(image, base))
            yield image


def _option(name: str, value: object) -> list[str]:
    return [] if value is None else [name, str(value)]


def _build(args: argparse.Namespace, folder: Path) -> Iterator[tuple[Image, int | None, int]]:
    """Every image of the matrix, built; with the partition's size and number as asked for."""
    folder.mkdir(parents=True, exist_ok=True)
    for words, output, board, size, partition in _variants(args, folder):
        done = _romfs("build", *words, "--json")
        report = _json(done.out)
        if isinstance(report, list):
            report = next((row for row in report if row["image"] == os.fspath(output)), None)
        image = Image(output, board)
        if done.code != exit_codes.OK or report is None or "error" in report:
            image.steps.append(Step("build", False, "", done.err, done.seconds, report))
        else:
            text = show_size(report["size"])
            if report["capacity"]:
                text += f" of {show_size(report['capacity'])}"
            image.steps.append(Step("build", True, text, done.err, done.seconds, report))
        yield image, size, partition


def _variants(
    args: argparse.Namespace, folder: Path
) -> Iterator[tuple[list[str], Path, str | None, int | None, int]]:
    """For each image: words for `romfs build`, output, board, size, partition."""
    from romfs.cli import build
    from romfs.cli._variants import matrix, single

    parser = argparse.ArgumentParser()
    build.add_parser(parser)
    common = [*([args.source] if args.source else []), *_option("--budget", args.budget)]
    common += ["--strict"] if args.strict else []
    parsed = parser.parse_args([*common, "-o", os.fspath(folder), "--all"])
    config = build._config(parsed)
    if config.images or config.boards:
        for board in args.board or [None]:
            size = _option("--size", args.size)
            words = [*common, *size, "-o", os.fspath(folder), "--all", *_option("--board", board)]
            parsed = parser.parse_args(words)
            for one in matrix(parsed, config):
                yield words, one.output, one.board, one.size, one.partition
        return
    for board in args.board or [None]:
        size = _option("--size", args.size) if _open_size(board) else []
        one = single(parser.parse_args([*common, *size, *_option("--board", board)]), config)
        chosen = one.board
        stem = Path(args.named or one.place).resolve().name.removesuffix(".py")
        label = stem if chosen is None else f"{stem}-{_label(chosen)}"
        output = folder / f"{label}.romfs"
        words = [*common, *size, *_option("--board", board), "-o", os.fspath(output)]
        yield words, output, chosen, one.size, one.partition


def _open_size(board: str | None) -> bool:
    """Whether a partition's size may be said: in a matrix, only some boards leave it open."""
    if board is None:
        return True
    import boards

    parts = boards.load(board).partitions
    return not parts or any(part.size_configurable or part.size is None for part in parts)


def _label(board: str) -> str:
    from romfs.cli._variants import _label as label

    return label(board)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _check(args: argparse.Namespace, image: Image, where: list[str]) -> Step:
    words = [*where, *(["--strict"] if args.strict else [])]
    words += [word for name in args.allow_import for word in ("--allow-import", name)]
    words += _config_of(args)
    done = _romfs("check", image.path, "--json", *words)
    report = _json(done.out)
    found = [] if report is None else report["images"][0]["findings"]
    lines = [_finding(one) for one in found]
    count = {kind: sum(one["severity"] == kind for one in found) for kind in ("error", "warning")}
    parts = [f"{n} {kind}{'s' * (n > 1)}" for kind, n in count.items() if n]
    text = ", ".join(parts) or "passed"
    output = "\n".join(lines) or done.err
    return Step("check", done.code == exit_codes.OK, text, output, done.seconds, report)


def _config_of(args: argparse.Namespace) -> list[str]:
    """`check` looks for the configuration beside the image; it is beside the source."""
    from romfs.config import find_config

    path = find_config(Path(args.source or ".")).path
    return _option("--config", path)


def _finding(one: dict[str, Any]) -> str:
    place = one["path"] if one.get("line") is None else f"{one['path']}:{one['line']}"
    return f"{one['severity']}: {place}: {one['message']} [{one['rule']}]"


def _run(args: argparse.Namespace, image: Image) -> Step:
    """In a process of its own, since it may crash, hang or print anything."""
    words = [
        "run",
        os.fspath(image.path.resolve()),
        *_option("--board", image.board),
        "-m",
        args.run,
    ]
    begun = time.monotonic()
    try:
        # Imports look in the working directory first, as on a board: here, nothing is in it.
        with tempfile.TemporaryDirectory(prefix="romfs-ci-") as empty:
            done = subprocess.run(
                [sys.executable, "-m", "romfs", *words],
                cwd=empty,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=args.timeout,
                check=False,
            )
    except subprocess.TimeoutExpired as stopped:
        output = (stopped.stdout or b"").decode("utf-8", "replace")
        return Step("run", False, f"no end in {args.timeout:g} s", output, args.timeout)
    output = done.stdout.decode("utf-8", "replace")
    ok = done.returncode == 0
    text = "passed" if ok else f"exit status {done.returncode}"
    return Step("run", ok, text, output, time.monotonic() - begun)


def _ram(args: argparse.Namespace, image: Image) -> Step:
    words = [*_option("--board", image.board), *_option("--budget", args.ram_budget)]
    done = _romfs("ram", image.path, "--json", *words)
    report = _json(done.out)
    if report is None:
        return Step("ram", False, "", done.err, done.seconds)
    text = show_size(report["total"]["rom"])
    if args.ram_budget is not None:
        text += f" of {show_size(args.ram_budget)}"
    return Step("ram", done.code == exit_codes.OK, text, done.err, done.seconds, report)


def _diff(image: Image, base: Path) -> Step:
    """Never a failure: a difference is what a change is for."""
    old = base / image.path.name if base.is_dir() else base
    if not old.exists():
        return Step("diff", True, "new")
    words = _option("--board", image.board)
    done = _romfs("diff", old, image.path, "--json", *words)
    report = _json(done.out)
    if report is None:
        return Step("diff", False, "", done.err, done.seconds)
    shown = _romfs("diff", old, image.path, "--markdown", *words)
    delta = report["new"]["size"] - report["old"]["size"]
    text = (
        "identical"
        if report["identical"]
        else f"{delta:+d} B, {len(report['changed_blocks'])} of {report['blocks']} blocks"
    )
    return Step("diff", True, text, shown.out, done.seconds + shown.seconds, report)


@contextlib.contextmanager
def _base(args: argparse.Namespace) -> Iterator[Path]:
    """A directory with the images that a git revision builds.

    Raises:
        BuildError: There is no such revision, or this is no git repository.
    """
    place = Path(args.source or ".").resolve()
    folder = place if place.is_dir() else place.parent
    top = Path(_git(folder, "rev-parse", "--show-toplevel"))
    with tempfile.TemporaryDirectory(prefix="romfs-base-") as name:
        tree, images = Path(name) / "tree", Path(name) / "images"
        _git(top, "worktree", "add", "--quiet", "--detach", os.fspath(tree), args.base_rev)
        try:
            source = tree / place.relative_to(top.resolve())
            if source.exists():
                earlier = argparse.Namespace(**vars(args))
                earlier.source, earlier.named = os.fspath(source), os.fspath(place)
                earlier.budget, earlier.strict = None, False
                for image, _, _ in _build(earlier, images):
                    _report_base(image, args.base_rev)
            images.mkdir(exist_ok=True)
            yield images
        finally:
            _git(top, "worktree", "remove", "--force", os.fspath(tree))


def _report_base(image: Image, revision: str) -> None:
    if not image.ok:
        print(f"romfs: {revision} does not build {image.path.name}", file=sys.stderr)


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", os.fspath(folder), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"git {words[0]}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()
