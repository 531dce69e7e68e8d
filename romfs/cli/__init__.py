"""The `romfs` command: finds the verb, imports that one module, maps errors to exit codes.

Start-up is part of the interface: CI calls `romfs` many times. So a verb's module, and
what it needs, is imported only when that verb runs.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

from romfs.cli import exit_codes
from romfs.version import VERSION

# Verb -> one line of help. The module is romfs.cli.<verb, dashes as underscores>.
VERBS = {
    "build": "build an image from a source tree",
    "ls": "list files of an image",
    "tree": "show an image as a tree",
    "cat": "write one file of an image to stdout",
    "extract": "copy files out of an image",
    "info": "describe an image: size, build information, modules",
    "run": "run a module of an image, in place",
    "disasm": "list the bytecode of a module",
    "dump": "explain every record of an image, byte by byte",
    "boards": "list boards, or describe one",
    "check": "find what is wrong with an image before a device does",
    "diff": "show what another image would change on a device",
    "ram": "show the RAM that importing an image's modules takes",
    "map": "draw an image in its partition",
    "convert": "write an image, or any firmware file, in another format",
    "lock": "settle the packages of a project, with their hashes",
    "merge": "put firmware and image into one file",
    "flash": "write an image to a connected device, and verify it",
    "query": "describe a connected device and what its partitions hold",
    "backup": "save what a partition holds",
    "verify": "check that a device holds an image",
    "erase": "make a partition blank",
    "reset": "restart a connected device",
    "ota": "signed updates: containers, keys, packages, repositories",
    "watch": "build and run anew whenever a file changes",
    "ci": "build, check, run, measure and compare, for every board, in one go",
    "sbom": "list what an image is made of, as a CycloneDX document",
    "completion": "print the completion script of a shell",
    "emulate": "run a virtual board with a serial port, to try tools without hardware",
}


class Verb(Protocol):
    """What a module of this package offers."""

    def add_parser(self, parser: argparse.ArgumentParser) -> None:
        """Declare the verb's arguments on its parser."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; returns the exit code."""


def verb_module(name: str) -> Verb:
    """Import and return the module of one verb."""
    module = importlib.import_module(f"romfs.cli.{name.replace('-', '_')}")
    verb: Verb = module
    return verb


class _Help(argparse.HelpFormatter):
    """Leaves room for the longest verb: argparse forgets how deep verbs are indented."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        # Not map(): romfs.cli.map, once imported, is a name of this module.
        self._action_max_length = max(len(verb) for verb in VERBS) + 4


def make_parser(chosen: str | None = None, *, whole: bool = False) -> argparse.ArgumentParser:
    """The parser of the command line.

    Args:
        chosen: The one verb whose arguments are wanted; None: only the list of verbs.
        whole: All verbs' arguments, for documentation and completion.
    """
    parser = argparse.ArgumentParser(
        prog="romfs",
        formatter_class=_Help,
        description="Build, inspect, run and flash MicroPython ROMFS images.",
        epilog="Each command has its own help: romfs COMMAND --help",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"romfs {VERSION}",
        help="show the version and exit; with --json, also what it is made of",
    )
    parser.add_argument(
        "--debug", action="store_true", help="on an error, show where in romfs it arose"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    # Making a parser takes time, so only the one that is needed is made.
    for name in VERBS if chosen is None else (chosen,):
        summary = VERBS[name]
        sub = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:])
        if name == chosen or whole:
            verb_module(name).add_parser(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    Raises:
        SystemExit: From argparse, for `--help`, `--version` and usage errors (2).
    """
    try:
        return _dispatch(sys.argv[1:] if argv is None else list(argv))
    except KeyboardInterrupt:
        print("romfs: interrupted", file=sys.stderr)
        return exit_codes.INTERRUPTED


def _dispatch(words: list[str]) -> int:
    chosen = next((word for word in words if word in VERBS), None)
    if chosen is None and {"--version", "--json"} <= set(words):
        from romfs.cli._version import show

        return show()
    args = make_parser(chosen).parse_args(words)
    from romfs.errors import RomfsError

    try:
        code = verb_module(args.verb).run(args)
        sys.stdout.flush()
        return code
    except RomfsError as error:
        if args.debug:
            raise
        print(f"romfs: error: {error}", file=sys.stderr)
        return exit_codes.of(error)
    except BrokenPipeError:
        # The reader (`| head`) has gone: not an error, but nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.OK
    except OSError as error:
        if args.debug:
            raise
        where = "" if error.filename is None else f"{os.fspath(error.filename)}: "
        print(f"romfs: error: {where}{error.strerror or error}", file=sys.stderr)
        return exit_codes.FAILED


def entry() -> NoReturn:
    """Console-script entry point."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the terminal's encoding lacks appears as an escape, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGTERM"):
        # Let `finally` blocks and context managers clean up when CI cancels a job.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(exit_codes.INTERRUPTED))
    sys.exit(main())
