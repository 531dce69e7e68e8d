"""`romfs check`: everything wrong with an image that a device would not notice in time."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._target import size_argument

if TYPE_CHECKING:
    from romfs.cli._checking import Expectations
    from romfs.findings import Finding


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="ROMFS images, or .mpy files")
    parser.add_argument("--board", help="hold it against this board: partition, native code, names")
    parser.add_argument(
        "--size", type=size_argument, metavar="BYTES", help="partition size: 131072, 0x20000, 128K"
    )
    parser.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--config", metavar="FILE", help="romfs.toml or pyproject.toml with rules and allow"
    )
    parser.add_argument(
        "--allow-import",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module that is elsewhere on the device; patterns such as drivers.* are allowed",
    )
    parser.add_argument(
        "--allow", action="append", default=[], metavar="RULE", help="accept findings of this rule"
    )
    parser.add_argument("--strict", action="store_true", help="fail on warnings too")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="findings as JSON")
    how.add_argument("--sarif", action="store_true", help="findings as SARIF 2.1.0")
    parser.add_argument(
        "--source-root",
        metavar="DIR",
        help="for --sarif: point into the sources the image was built from, in this directory",
    )
    how.add_argument("--explain", metavar="RULE", help="say what a rule is about; `all` lists them")
    parser.add_argument("--junit", metavar="FILE", help="write a JUnit report as well")


def run(args: argparse.Namespace) -> int:
    """Check, and print what was found."""
    if args.explain is not None:
        return _explain(args.explain)
    if not args.images:
        print("romfs check: error: name an IMAGE", file=sys.stderr)
        return exit_codes.USAGE
    from romfs.check import report
    from romfs.cli import _checking
    from romfs.records import MAGIC

    expect = _expectations(args)
    checked: list[tuple[str, list[Finding]]] = []
    for name in args.images:
        with Path(name).open("rb") as file:
            data = file.read()
        if name.endswith(".mpy") and data[:3] != MAGIC:
            found = _checking.examine_module(Path(name).name, data, expect)
        else:
            found = _checking.examine(data, expect)
        checked.append((name, found))
    stopping = sum(len(_checking.errors(found, strict=args.strict)) for _, found in checked)
    if args.junit:
        from romfs.output import atomic_write

        atomic_write(args.junit, report.junit(checked, strict=args.strict).encode())
    if args.json:
        print(json.dumps(report.as_json(checked, failed=bool(stopping)), indent=2))
    elif args.sarif:
        print(json.dumps(report.sarif(checked, sources=args.source_root), indent=2))
    else:
        for name, found in checked:
            for line in report.text(name if len(checked) > 1 else "", found):
                print(line)
            print(f"romfs: {name}: {report.summary(found)}", file=sys.stderr)
    return exit_codes.FAILED if stopping else exit_codes.OK


def _expectations(args: argparse.Namespace) -> Expectations:
    from romfs.cli._checking import expectations
    from romfs.config import find_config, load_config
    from romfs.errors import ConfigError

    if args.config is None:
        config = find_config(Path(args.images[0]).parent)
    else:
        found = load_config(Path(args.config))
        if found is None:
            raise ConfigError(f"{args.config}: has no [tool.romfs]")
        config = found
    return expectations(
        args.board or config.board,
        size=args.size or config.size,
        partition=args.partition,
        allowed_imports=args.allow_import,
        accepted=(*config.allow, *args.allow),
        alignments=[(rule.match, rule.align) for rule in config.rules if rule.align],
    )


def _explain(rule: str) -> int:
    import difflib
    import textwrap

    from romfs.check.explain import RULES

    if rule == "all":
        width = max(map(len, RULES))
        for name, (title, _) in sorted(RULES.items()):
            print(f"{name.ljust(width)}  {title}")
        return exit_codes.OK
    if rule not in RULES:
        close = difflib.get_close_matches(rule, RULES, 1)
        hint = f"; did you mean {close[0]}?" if close else "; `--explain all` lists them"
        print(f"romfs: error: no rule {rule}{hint}", file=sys.stderr)
        return exit_codes.USAGE
    title, text = RULES[rule]
    print(f"{rule}: {title}\n")
    print(textwrap.fill(text, 80))
    return exit_codes.OK
