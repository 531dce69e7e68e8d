"""`romfs ram`: the RAM that importing the modules of an image takes on a board."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._target import size_argument

if TYPE_CHECKING:
    from romfs.cli._ram import ModuleRam

SCHEMA = 1


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="a ROMFS image")
    parser.add_argument("--board", help="whose heap (default: a 32-bit board)")
    parser.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="NAME",
        help="import only this one, and what it imports",
    )
    parser.add_argument(
        "--firmware",
        metavar="FILE",
        help="the board's firmware file: names that are in it cost nothing",
    )
    parser.add_argument(
        "--no-run", action="store_true", help="run no module body, estimate from the code"
    )
    parser.add_argument(
        "--timeout", type=float, default=10, metavar="S", help="for one import (default: 10)"
    )
    parser.add_argument(
        "--budget", type=size_argument, metavar="BYTES", help="exit 1 if all take more"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from romfs.cli import _ram

    board = None
    if args.board is not None:
        import boards

        board = boards.load(args.board)
    device = _ram.device_of(board, Path(args.firmware) if args.firmware else None)
    rows = _ram.measure(
        Path(args.image),
        device,
        only=args.module,
        execute=not args.no_run,
        timeout=args.timeout,
    )
    total = sum(row.rom for row in rows)
    over = args.budget is not None and total > args.budget
    if args.json:
        report = {
            "schema": SCHEMA,
            "image": args.image,
            "board": None if board is None else board.id,
            "word": device.word,
            "total": {
                name: sum(getattr(row, name) for row in rows) for name in ("rom", "mpy", "frozen")
            },
            "budget": args.budget,
            "modules": [row.as_json() for row in rows],
        }
        print(json.dumps(report, indent=2))
    else:
        _table(rows)
    if over:
        print(
            f"romfs: error: all modules take {total} bytes of RAM, "
            f"{total - args.budget} over the budget of {args.budget}",
            file=sys.stderr,
        )
    return exit_codes.FAILED if over else exit_codes.OK


def _table(rows: list[ModuleRam]) -> None:
    width = max([len(row.name) for row in rows] + [6])
    print(f"{'module'.ljust(width)}  in place     .mpy      .py   frozen  largest part")
    for row in rows:
        mark = " " if row.measured else "~"
        numbers = "".join(f"{value:9}" for value in (row.mpy, row.mpy, row.frozen))
        print(f"{row.name.ljust(width)} {mark}{row.rom:8}{numbers}  {_largest(row)}")
    if len(rows) > 1:
        sums = [sum(getattr(row, name) for row in rows) for name in ("mpy", "mpy", "frozen")]
        numbers = "".join(f"{value:9}" for value in sums)
        print(f"{'all'.ljust(width)}  {sum(row.rom for row in rows):8}{numbers}")
    notes = [
        "bytes of RAM that stay after the import: from this image; of the same .mpy, or its "
        ".py, on another file system; frozen into the firmware"
    ]
    notes += [f"{row.name}: {row.note}" for row in rows if row.note]
    if any(not row.measured for row in rows):
        notes.insert(1, "~ estimated from the code: the module body was not run to its end")
    for hint in _hints(rows):
        notes.append(hint)
    for note in notes:
        print(f"romfs: {note}", file=sys.stderr)


def _largest(row: ModuleRam) -> str:
    parts = {
        "constants": row.file.constants,
        "tables of names": row.file.tables + row.file.names,
        "machine code": row.file.native,
        **row.objects,
    }
    name, size = max(parts.items(), key=lambda item: item[1])
    return f"{name} {size}"


def _hints(rows: list[ModuleRam]) -> list[str]:
    """What could move to flash."""
    hints = []
    for row in rows:
        data = row.objects.get("list", 0) + row.objects.get("dict", 0)
        if data > 1024 and data > row.rom // 3:
            hints.append(
                f"{row.name}: {data} bytes of lists and dicts made at import: as tuples or bytes "
                "of constants they would cost less, as a data file nothing"
            )
        text = row.objects.get("str", 0) + row.objects.get("bytes", 0)
        text += row.objects.get("bytearray", 0)
        if text > 1024:
            hints.append(
                f"{row.name}: {text} bytes of text or buffers computed at import; constants stay "
                "in flash"
            )
        if row.file.native > 256:
            hints.append(
                f"{row.name}: {row.file.native} bytes of machine code are copied to RAM; plain "
                "bytecode would run in place"
            )
    return hints
