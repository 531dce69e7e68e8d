"""`romfs ci`: everything a pipeline asks of an image, for every board, in one go."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._target import size_argument

if TYPE_CHECKING:
    from romfs.cli._ci import Image

_EPILOG = """\
All steps are run for all boards, whatever fails; the exit code is 1 if any
step failed. What the configuration says (boards, images, budget, rules)
holds here, too.
"""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.set_defaults(named=None)
    parser.add_argument(
        "source", nargs="?", metavar="SRC", help="what to build (default: as for build)"
    )
    parser.add_argument(
        "--board",
        action="append",
        default=[],
        metavar="BOARD",
        help="build for it, any number of them (default: those of the configuration)",
    )
    parser.add_argument(
        "--size", type=size_argument, metavar="BYTES", help="partition size, where it is open"
    )
    parser.add_argument(
        "-o", "--output", default="build", metavar="DIR", help="where images go (default: build)"
    )
    parser.add_argument(
        "--run",
        metavar="MODULE",
        help="run this module in place, as the board; it must exit with 0",
    )
    parser.add_argument(
        "--timeout", type=float, default=120, metavar="S", help="of that run (default: 120)"
    )
    parser.add_argument(
        "--budget", type=size_argument, metavar="BYTES", help="fail if an image is larger"
    )
    parser.add_argument(
        "--ram-budget",
        type=size_argument,
        metavar="BYTES",
        help="fail if importing all modules takes more RAM",
    )
    parser.add_argument(
        "--base", metavar="PATH", help="compare with this image, or with those of this directory"
    )
    parser.add_argument(
        "--base-rev", metavar="REV", help="compare with what this git revision builds"
    )
    parser.add_argument("--strict", action="store_true", help="warnings are errors")
    parser.add_argument(
        "--allow-import",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module that is elsewhere on the device",
    )
    reports = parser.add_argument_group("reports")
    reports.add_argument("--junit", metavar="FILE", help="write a JUnit report")
    reports.add_argument(
        "--summary", metavar="FILE", help="append a Markdown report, as $GITHUB_STEP_SUMMARY wants"
    )
    reports.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Do all of it and report."""
    from romfs.cli import _ci, _ci_report
    from romfs.output import atomic_write

    images: list[Image] = []
    for image in _ci.examine(args):
        images.append(image)
        for step in image.steps:
            if not step.ok and step.output:
                print(step.output.rstrip("\n"), file=sys.stderr)
    if args.junit:
        atomic_write(args.junit, _ci_report.junit(images).encode())
    if args.summary:
        with Path(args.summary).open("a", encoding="utf-8") as file:
            file.write(_ci_report.markdown(images))
    if args.json:
        print(json.dumps(_ci_report.as_json(images), indent=2))
    else:
        print("\n".join(_ci_report.table(images)))
    return exit_codes.OK if all(image.ok for image in images) else exit_codes.FAILED
