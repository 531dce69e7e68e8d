"""`romfs merge`: firmware and image in one file, for production or drag and drop."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._formats import (
    address_argument,
    board_family,
    board_place,
    check_fit,
    device_argument,
    family_id,
)
from romfs.cli._target import size_argument

if TYPE_CHECKING:
    from boards import Board
    from romfs.formats.container import Content
    from romfs.formats.merge import Expected, NewPartition, Place


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("firmware", metavar="FIRMWARE", help="bin, hex, uf2 or dfu file")
    parser.add_argument("image", metavar="IMAGE", help="ROMFS image, in any of these formats")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="file to write")
    parser.add_argument(
        "--format",
        choices=("bin", "hex", "uf2", "dfu"),
        help="default: what the suffix of OUT says, or the firmware's",
    )
    place = parser.add_argument_group("place")
    place.add_argument("--board", help="the board the firmware must be for")
    place.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")
    place.add_argument(
        "--size",
        type=size_argument,
        metavar="BYTES",
        help="partition size, where the board leaves it to a build option",
    )
    place.add_argument(
        "--at",
        type=address_argument,
        metavar="ADDR",
        help="address of the image, whatever firmware and board say (ESP32: flash offset)",
    )
    place.add_argument(
        "--base",
        type=address_argument,
        metavar="ADDR",
        help="address of a raw binary's first byte (default: from its content, or the board)",
    )
    place.add_argument("--family", metavar="ID", help="UF2 family that gets the image")
    place.add_argument(
        "--alternate", type=int, metavar="N", help="DFU alternate setting that gets the image"
    )
    place.add_argument(
        "--device", type=device_argument, metavar="VID:PID", help="USB ids in a DFU file, in hex"
    )
    place.add_argument("--replace", action="store_true", help="replace the image that is there")
    esp = parser.add_argument_group("ESP32")
    esp.add_argument(
        "--add-partition",
        metavar="SIZE[@OFFSET]",
        help="add a partition 'romfs' to the firmware's table: 128K, 0x40000@0x3c0000",
    )
    esp.add_argument(
        "--shrink", metavar="LABEL", help="take its room from the end of this partition"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Merge; nothing is written on an error."""
    from romfs.formats import container
    from romfs.formats.container import Options
    from romfs.formats.dfu import ANY_ID
    from romfs.formats.merge import merge
    from romfs.output import atomic_write
    from romfs.sizes import show_size

    board = _board(args.board)
    firmware, own_format = _firmware(args, board)
    image, image_at = _image(Path(args.image))
    done = merge(
        firmware,
        image,
        at=_at(args, image_at),
        board=_expected(args, board, len(image)),
        family=family_id(args.family),
        alternate=args.alternate,
        add=_new_partition(args),
        replace=args.replace,
    )
    vendor, product = args.device or (ANY_ID, ANY_ID)
    options = Options(
        family=family_id(args.family, board), alternate=args.alternate, vendor=vendor,
        product=product,
    )  # fmt: skip
    output = Path(args.output)
    to = args.format or container.SUFFIXES.get(output.suffix.lower(), own_format)
    data = container.write(container.convert(done.content, to, options), options)
    for note in done.notes:
        print(f"romfs: note: {note}", file=sys.stderr)
    atomic_write(output, data)
    report = {
        "output": str(output),
        "format": to,
        "bytes": len(data),
        "address": done.place.address,
        "partition_size": done.place.size,
        "place_from": done.place.source,
        "image_bytes": len(image),
        "parts": [name for name in done.parts if name],
    }
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        of = "" if done.place.size is None else f" of {show_size(done.place.size)}"
        into = f" in {', '.join(done.parts)}" if any(done.parts) else ""
        print(
            f"{output}: {to}, {show_size(len(data))}; image of {show_size(len(image))}{of} at "
            f"{done.place.address:#x}{into}, by {done.place.source}"
        )
    return exit_codes.OK


def _board(name: str | None) -> Board | None:
    if name is None:
        return None
    import boards

    return boards.load(name)


def _firmware(args: argparse.Namespace, board: Board | None) -> tuple[Content, str]:
    """The firmware file, and the format it has."""
    from romfs.formats import container

    path = Path(args.firmware)
    data = path.read_bytes()
    kind = container.format_of(data, path)
    base = args.base
    if kind == "bin" and base is None:
        base = container.guess_base(data)
    if kind == "bin" and base is None and board is not None:
        ways = [way.address for way in board.flashing if way.address is not None]
        base = ways[0] if ways else board.flash.base
    return container.read(data, path, base=base), kind


def _image(path: Path) -> tuple[bytes, int | None]:
    """The image, and its address where the file says one."""
    from romfs.errors import FormatError
    from romfs.formats import container

    data = path.read_bytes()
    if container.format_of(data, path) == "bin":
        return data, None
    found = container.parts(container.read(data, path))
    pieces = [segment for part in found for segment in part.memory]
    if len(pieces) != 1:
        raise FormatError(f"{path}: holds {len(pieces)} pieces, an image is one")
    return pieces[0].data, pieces[0].address


def _at(args: argparse.Namespace, image_at: int | None) -> Place | None:
    from romfs.formats.merge import Place

    if args.at is not None:
        return Place(args.at, args.size, "--at")
    if image_at is not None:
        return Place(image_at, args.size, args.image)
    return None


def _expected(args: argparse.Namespace, board: Board | None, size: int) -> Expected | None:
    from romfs.formats.esp import CHIPS
    from romfs.formats.merge import Expected, Place

    if board is None:
        return None
    place = None
    if board.partitions:
        where = board_place(board, args.partition, args.size)
        configurable = board.partition(args.partition).size_configurable
        if args.at is None and not configurable and board.port != "esp32":
            check_fit(size, where, board)
        # Only the table in the firmware says where ESP32 partitions are.
        if where.address is not None and board.port != "esp32":
            place = Place(where.address, where.size, f"board {board.key}")
    chips = {name.lower().replace("-", ""): name for name, _ in CHIPS.values()}
    chip = chips.get((board.mcu_family or "").lower().replace("-", ""))
    return Expected(board.key, board.port, chip, place, board_family(board))


def _new_partition(args: argparse.Namespace) -> NewPartition | None:
    from romfs.errors import ConfigError
    from romfs.formats.merge import NewPartition
    from romfs.sizes import parse_size

    if args.add_partition is None:
        if args.shrink is not None:
            raise ConfigError("--shrink gives room to --add-partition; give that, too")
        return None
    size, at, offset = args.add_partition.partition("@")
    return NewPartition(parse_size(size), parse_size(offset) if at else None, args.shrink)
