"""`romfs convert`: an image, or any firmware file, in another format."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._formats import (
    add_format_arguments,
    board_place,
    check_fit,
    make_options,
    suffix_format,
    write_fat_volume,
)
from romfs.cli._target import size_argument

if TYPE_CHECKING:
    from boards import Board
    from romfs.formats.container import Content, Options
    from romfs.image import Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("input", metavar="IN", help="image, or bin, hex, uf2 or dfu file")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write")
    parser.add_argument("--board", help="board that gives address, UF2 family and partition size")
    parser.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--size",
        type=size_argument,
        metavar="BYTES",
        help="partition size, where the board leaves it to a build option",
    )
    add_format_arguments(parser)
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Convert; nothing is written on an error."""
    from romfs.errors import FormatError
    from romfs.formats import container
    from romfs.formats.uf2 import Uf2File
    from romfs.output import atomic_write
    from romfs.sizes import show_size

    output = Path(args.output)
    to = args.format or suffix_format(output) or container.format_for(output)
    board = _board(args.board)
    content = _read(args, board)
    options = make_options(args, board)
    if to == "fat":
        written = write_fat_volume(_image(content, options), output, args)
        report: dict[str, object] = {"output": str(output), "format": to, "bytes": written}
    else:
        made = _trimmed(container.convert(content, to, options))
        if isinstance(content, Uf2File) and to != "uf2" and content.skipped:
            print(
                f"romfs: {content.skipped} UF2 blocks that are not for flash are left out",
                file=sys.stderr,
            )
        data = container.write(made, options)
        if container.format_of(data, f"x.{to}") != to:
            raise FormatError(f"the data itself looks like another format than {to}")
        atomic_write(output, data)
        pieces = [
            {"address": segment.address, "bytes": len(segment.data), "part": part.name}
            for part in container.parts(made)
            for segment in part.memory
        ]
        report = {"output": str(output), "format": to, "bytes": len(data), "pieces": pieces}
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        print(f"{output}: {to}, {show_size(int(str(report['bytes'])))}")
    return exit_codes.OK


def _board(name: str | None) -> Board | None:
    if name is None:
        return None
    import boards

    return boards.load(name)


def _read(args: argparse.Namespace, board: Board | None) -> Content:
    """The input; a ROMFS image is checked, and placed where the board has it."""
    from romfs.formats import container
    from romfs.image import Image
    from romfs.records import MAGIC

    path = Path(args.input)
    data = path.read_bytes()
    address = args.address
    if data[: len(MAGIC)] == MAGIC:
        size = Image(data).size
        if board is not None:
            place = board_place(board, args.partition, args.size)
            check_fit(size, place, board)
            address = place.address if address is None else address
        data = data[:size]
    return container.read(data, path, base=address)


def _image(content: Content, options: Options) -> Image:
    """The ROMFS image that a file holds.

    Raises:
        ImageError: What it holds is not one.
    """
    from romfs.formats.container import only_part
    from romfs.image import Image

    return Image(only_part(content, options).memory.flat())


def _trimmed(content: Content) -> Content:
    """Without the filler that whole pages and sectors bring, where the data is an image."""
    from romfs.formats.container import BinFile
    from romfs.formats.memory import Memory
    from romfs.image import Image
    from romfs.records import MAGIC

    if isinstance(content, BinFile) and content.memory.read(content.memory.start, 3) == MAGIC:
        size = Image(content.memory.flat()).size
        start = content.memory.start
        return BinFile(Memory(content.memory.window(start, start + size)), content.base)
    return content
