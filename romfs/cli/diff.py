"""`romfs diff`: what another image would change on a device."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._target import make_target, size_argument

if TYPE_CHECKING:
    from loader.codediff import FunctionChange
    from romfs.diff import FileChange, ImageDiff
    from romfs.image import File

SCHEMA = 1
_MARK = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_MAX_LINES = 40  # of one function's listing, in text and Markdown; JSON has all


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("old", metavar="OLD", help="the image a device has")
    parser.add_argument("new", metavar="NEW", help="the image it shall have")
    parser.add_argument("--board", help="whose erase blocks to count, and whose RAM")
    parser.add_argument(
        "--erase", type=size_argument, metavar="BYTES", help="erase block (default: the board's)"
    )
    parser.add_argument("--opcodes", action="store_true", help="show what changed in functions")
    parser.add_argument("--moved", action="store_true", help="list files that only moved, too")
    parser.add_argument(
        "--exit-code", action="store_true", help="exit 1 if the partition would change"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print JSON")
    how.add_argument("--markdown", action="store_true", help="print Markdown, for a review")


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    from romfs.cli._build_report import DEFAULT_ERASE
    from romfs.diff import compare
    from romfs.image import Image

    old = Image(Path(args.old).read_bytes())
    new = Image(Path(args.new).read_bytes())
    erase = args.erase or make_target(args.board).erase or DEFAULT_ERASE
    found = compare(old, new, erase=erase)
    ram = _ram(found, args.board)
    functions = {one.path: _functions(one) for one in found.of("changed")}
    if args.json:
        print(json.dumps(_as_json(args, found, functions, ram), indent=2))
    elif args.markdown:
        print("\n".join(_markdown(args, found, functions, ram)))
    else:
        print("\n".join(_text(args, found, functions, ram)))
    return exit_codes.FAILED if args.exit_code and not found.identical else exit_codes.OK


def _functions(change: FileChange) -> list[FunctionChange]:
    from loader.codediff import changes
    from romfs.errors import MpyError

    if not change.path.endswith(".mpy") or change.old is None or change.new is None:
        return []
    try:
        return list(changes(change.old.data, change.new.data))
    except MpyError:
        return []  # `romfs check` says what is wrong with it


def _ram(found: ImageDiff, board_name: str | None) -> dict[str, tuple[int, int]]:
    """RAM that importing each changed module keeps, before and after, estimated."""
    from romfs.cli._ram import device_of, estimated
    from romfs.errors import MpyError
    from romfs.mpy import parse_mpy

    board = None
    if board_name is not None:
        import boards

        board = boards.load(board_name)
    device = device_of(board)

    def cost(file: File | None, path: str) -> int:
        if file is None:
            return 0
        try:
            return estimated(path, path, parse_mpy(file.data), device).rom
        except MpyError:
            return 0  # `romfs check` says what is wrong with it

    return {
        one.path: (cost(one.old, one.path), cost(one.new, one.path))
        for one in found.files
        if one.path.endswith(".mpy") and one.change != "moved"
    }


def _text(
    args: argparse.Namespace,
    found: ImageDiff,
    functions: dict[str, list[FunctionChange]],
    ram: dict[str, tuple[int, int]],
) -> Iterator[str]:
    if found.identical:
        yield f"{args.new}: identical"
        return
    width = max((len(one.path) for one in found.files), default=0)
    for one in found.files:
        if one.change == "moved" and not args.moved:
            continue
        yield f"{_MARK[one.change]} {one.path.ljust(width)}  {_sizes(one, found, ram)}".rstrip()
        for function in functions.get(one.path, ()):
            delta = function.new_size - function.old_size
            yield f"    {_MARK[function.change]} {function.name}  {delta:+d} B"
            if args.opcodes:
                yield from (f"        {line}" for line in _shortened(function.lines))
    yield from _totals(args, found, ram)


def _sizes(one: FileChange, found: ImageDiff, ram: dict[str, tuple[int, int]]) -> str:
    if one.change == "moved":
        assert one.old is not None
        assert one.new is not None
        return f"from {one.old.data_offset:#x} to {one.new.data_offset:#x}"
    text = f"{one.new_size} B" if one.change == "added" else f"{one.old_size} B"
    if one.change == "changed":
        text = f"{one.old_size} B to {one.new_size} B ({one.growth:+d})"
    if one.path in ram and any(ram[one.path]):
        text += f", RAM {ram[one.path][1] - ram[one.path][0]:+d} B"
    if one.path in found.renamed:
        text += f", was {found.renamed[one.path]}"
    return text


def _totals(
    args: argparse.Namespace, found: ImageDiff, ram: dict[str, tuple[int, int]]
) -> Iterator[str]:
    counts = ", ".join(
        f"{len(found.of(change))} {change}"
        for change in ("added", "removed", "changed", "moved")
        if found.of(change)
    )
    yield f"files   {counts or 'none changed'}, {found.same} the same"
    delta = found.new_size - found.old_size
    yield f"image   {found.old_size} B to {found.new_size} B ({delta:+d})"
    if ram:
        total = sum(after - before for before, after in ram.values())
        yield f"RAM     {total:+d} B, estimated, if all changed modules are imported"
    yield (
        f"flash   {len(found.changed_blocks)} of {found.blocks} erase blocks of {found.erase} B "
        "change"
    )


def _shortened(lines: tuple[str, ...]) -> Iterator[str]:
    yield from lines[:_MAX_LINES]
    if len(lines) > _MAX_LINES:
        yield f"... {len(lines) - _MAX_LINES} more lines"


def _markdown(
    args: argparse.Namespace,
    found: ImageDiff,
    functions: dict[str, list[FunctionChange]],
    ram: dict[str, tuple[int, int]],
) -> Iterator[str]:
    yield f"### {Path(args.new).name}: {'no change' if found.identical else 'changes'}"
    yield ""
    listed = [one for one in found.files if one.change != "moved" or args.moved]
    if listed:
        yield "| | file | before | after | difference | RAM |"
        yield "|---|---|--:|--:|--:|--:|"
        for one in listed:
            before, after = ram.get(one.path, (0, 0))
            yield (
                f"| {one.change} | `{one.path}` | {one.old_size} | {one.new_size} "
                f"| {one.growth:+d} | {f'{after - before:+d}' if before or after else ''} |"
            )
        yield ""
    yield from (f"- {line}" for line in _totals(args, found, ram))
    if args.opcodes:
        for path, changed in functions.items():
            for function in changed:
                if function.lines:
                    yield ""
                    yield f"<details><summary><code>{path}: {function.name}</code></summary>"
                    yield ""
                    yield "```diff"
                    yield from _shortened(function.lines)
                    yield "```"
                    yield "</details>"


def _as_json(
    args: argparse.Namespace,
    found: ImageDiff,
    functions: dict[str, list[FunctionChange]],
    ram: dict[str, tuple[int, int]],
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "old": {"image": args.old, "size": found.old_size},
        "new": {"image": args.new, "size": found.new_size},
        "identical": found.identical,
        "files": [
            {
                "path": one.path,
                "change": one.change,
                "old_size": one.old_size,
                "new_size": one.new_size,
                "renamed_from": found.renamed.get(one.path),
                "ram": dict(zip(("old", "new"), ram[one.path], strict=True))
                if one.path in ram
                else None,
                "functions": [function._asdict() for function in functions.get(one.path, ())],
            }
            for one in found.files
        ],
        "same_files": found.same,
        "erase": found.erase,
        "blocks": found.blocks,
        "changed_blocks": list(found.changed_blocks),
    }
