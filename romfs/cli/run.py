"""`romfs run`: run a module of an image, from the image as it is mapped."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loader.engine import Request

from romfs.cli._target import size_argument
from romfs.errors import ConfigError

ENGINES = ("auto", "interp", "translate", "micropython")


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "image",
        nargs="?",
        metavar="IMAGE[:PATH]",
        help="the image; with :/path.mpy the module in it to run",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-m",
        dest="module",
        nargs="+",
        metavar=("MODULE", "ARG"),
        help="run a module of the image; arguments that begin with a dash follow --",
    )
    what.add_argument("-c", dest="code", nargs="+", metavar=("CODE", "ARG"), help="run source text")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="interp: in place; micropython: the real one; translate: as Python functions; "
        "auto: interp, and translate what is hot",
    )
    parser.add_argument("--compare", action="store_true", help="run both, show how they differ")
    parser.add_argument("--micropython", metavar="FILE", help="the real MicroPython to use")
    parser.add_argument("--board", metavar="NAME", help="be this board: architecture, sys, machine")
    parser.add_argument(
        "--path", action="append", default=[], metavar="DIR", help="search DIR for modules first"
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="stop after this time")
    parser.add_argument("--memory", type=size_argument, metavar="SIZE", help="limit of the heap")
    parser.add_argument(
        "--explain", action="store_true", help="say why hot functions were not translated"
    )
    parser.add_argument("--stats", action="store_true", help="say what ran in place, to stderr")
    parser.add_argument("--json", action="store_true", help="statistics as JSON")
    parser.add_argument("--trace", action="store_true", help="print every instruction to stderr")
    parser.add_argument("--coverage", metavar="FILE", help="write executed lines in lcov form")

    parse = parser.parse_known_args

    def parse_until_dashes(words: Any = None, namespace: Any = None) -> Any:
        """What follows `--` is the program's, whatever it looks like."""
        words = list(words or [])
        rest: list[str] = []
        if "--" in words:
            at = words.index("--")
            words, rest = words[:at], words[at + 1 :]
        parsed, unknown = parse(words, namespace)
        parsed.rest = rest
        return parsed, unknown

    parser.parse_known_args = parse_until_dashes  # type: ignore[method-assign, assignment]


def run(args: argparse.Namespace) -> int:
    """Run the program; its exit status is the result."""
    request = _request(args)
    if args.compare:
        return _compare(request, args)
    if args.engine == "micropython":
        from loader import unix

        sys.stdout.flush()
        return unix.run(request, binary=args.micropython, capture=False).status
    return _run_here(request, args)


def _request(args: argparse.Namespace) -> Request:
    from loader.engine import Request
    from romfs.cli._engine_target import engine_target

    image, file, argv = args.image, None, list(args.rest)
    module = code = None
    if args.module:
        module, argv[:0] = args.module[0], args.module[1:]
    elif args.code:
        code, argv[:0] = args.code[0], args.code[1:]
    if image is not None and not Path(image).exists() and ":" in image:
        image, _, inside = image.rpartition(":")
        file = "/rom/" + inside.removeprefix("/")
    if module is None and code is None and file is None:
        if image is None:
            raise ConfigError(
                "nothing to run: give IMAGE with -m MODULE, IMAGE:/path.mpy or -c CODE"
            )
        module = "main"
    target, board = engine_target(args.board or None)
    first = file or module or "-c"
    return Request(
        image=Path(image).resolve() if image is not None else None,
        module=module,
        file=file,
        code=code,
        argv=(first, *argv),
        paths=tuple(args.path),
        target=target,
        board=board,
        timeout=args.timeout,
        memory=args.memory,
    )


def _run_here(request: Request, args: argparse.Namespace) -> int:
    from loader import engine, limits

    hooks = engine.Hooks()
    reports: list[Any] = []
    if args.trace:
        from loader.trace import Tracer

        hooks.observer = Tracer(sys.stderr).observe
    if args.coverage:
        from loader.coverage import Coverage

        coverage = Coverage()
        hooks.observer = coverage.observe
        reports.append(lambda vm: coverage.write(vm, Path(args.coverage)))
    streams = engine.Streams(sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)
    with limits.memory(request.memory):
        status, vm = engine.execute(request, streams, hooks, tier=args.engine)
    if vm is None:
        print(f"romfs: stopped after {request.timeout:g} s", file=sys.stderr)
        limits.leave(status)
    for report in reports:
        report(vm)
    if args.explain:
        tiers = vm.tiers
        lines = (
            ["nothing was translated: tier 1 was asked for"] if tiers is None else tiers.report()
        )
        print("\n".join(lines), file=sys.stderr)
    if args.stats or args.json:
        from loader.stats import collect, render

        found = collect(vm)
        print(json.dumps(found, indent=2) if args.json else render(found), file=sys.stderr)
    return int(status)


def _compare(request: Request, args: argparse.Namespace) -> int:
    """Run in both engines; 0 if they agree."""
    from loader import engine, unix
    from loader.compare import first_difference

    ours = engine.run_interp(request)
    theirs = unix.run(request, binary=args.micropython)
    difference = first_difference(theirs, ours)
    if difference is None:
        print("identical: output and exit status")
        return 0
    print(difference)
    return 1
