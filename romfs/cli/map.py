"""`romfs map`: a picture of an image in its partition."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from romfs.cli import exit_codes
from romfs.cli._target import size_argument


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="a ROMFS image")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="write a page (.html) or picture (.svg); without it the map is printed",
    )
    parser.add_argument("--board", help="whose partition and erase blocks to show")
    parser.add_argument(
        "--size", type=size_argument, metavar="BYTES", help="partition size: 131072, 0x20000, 128K"
    )
    parser.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--erase", type=size_argument, metavar="BYTES", help="erase block, where no board says"
    )
    parser.add_argument(
        "--previous", metavar="IMAGE", help="mark the erase blocks that differ from this image"
    )
    parser.add_argument(
        "--colour",
        choices=("auto", "always", "never"),
        default="auto",
        help="colours of the printed map",
    )


def run(args: argparse.Namespace) -> int:
    """Draw."""
    from romfs.errors import ConfigError
    from romfs.image import Image
    from romfs.map.regions import partition_map
    from romfs.output import atomic_write

    suffix = Path(args.output).suffix.lower() if args.output else ""
    if args.output and suffix not in (".html", ".htm", ".svg"):
        raise ConfigError(f"{args.output}: write .html or .svg")
    image = Image(Path(args.image).read_bytes())
    capacity, blocks = _partition(args, image.size)
    changed = None
    if args.previous:
        previous = Image(Path(args.previous).read_bytes())
        changed = _changed(previous, image, blocks)
    name = Path(args.image).name
    title = name if args.board is None else f"{name} on {args.board}"
    whole = partition_map(image, title=title, capacity=capacity, blocks=blocks, changed=changed)
    if suffix == ".svg":
        from romfs.map.svg import svg

        atomic_write(args.output, svg(whole).encode())
    elif suffix:
        from romfs.map.html import html

        atomic_write(args.output, html(whole).encode())
    else:
        from romfs.map.text import text

        colour = args.colour == "always" or (
            args.colour == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        )
        for line in text(whole, width=shutil.get_terminal_size().columns, colour=colour):
            print(line)
    return exit_codes.OK


def _partition(
    args: argparse.Namespace, size: int
) -> tuple[int | None, tuple[tuple[int, int], ...]]:
    """Capacity, and erase blocks as offset and size."""
    from romfs.cli._build_report import DEFAULT_ERASE

    capacity: int | None = args.size
    if args.board is not None:
        import boards

        board = boards.load(args.board)
        if board.partitions:
            part = board.partition(args.partition)
            if args.size is not None:
                part = part.with_size(args.size)
            capacity = part.capacity
            if part.erase:
                return capacity, tuple(part.erase_blocks(capacity or size))
    erase = args.erase or DEFAULT_ERASE
    whole = max(capacity or 0, size)
    return capacity, tuple((at, erase) for at in range(0, whole, erase))


def _changed(old: object, new: object, blocks: tuple[tuple[int, int], ...]) -> list[int]:
    from romfs.image import Image

    assert isinstance(old, Image)
    assert isinstance(new, Image)
    found = []
    for number, (start, size) in enumerate(blocks):
        if start >= new.size:
            break
        want = bytes(new.data[start : start + size])
        have = bytes(old.data[start : start + len(want)]).ljust(len(want), b"\xff")
        if want != have:
            found.append(number)
    return found
