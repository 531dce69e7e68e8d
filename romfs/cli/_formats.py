"""Arguments that say how an image becomes a file of some format, shared by commands."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from romfs.errors import ConfigError, DoesNotFit
from romfs.sizes import parse_size, show_size

if TYPE_CHECKING:
    from pathlib import Path

    from boards import Board
    from romfs.formats.container import Options
    from romfs.image import Image

FORMATS = ("bin", "hex", "uf2", "dfu", "fat")


def address_argument(text: str) -> int:
    """argparse type for an address: 0x10080000, 4096, 64K."""
    try:
        return parse_size(text)
    except ConfigError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an address: write 0x10080000") from None


def device_argument(text: str) -> tuple[int, int]:
    """argparse type for USB ids: VID:PID in hex, as lsusb prints them."""
    vendor, colon, product = text.partition(":")
    try:
        ids = int(vendor, 16), int(product, 16)
    except ValueError:
        ids = (-1, -1)
    if not colon or not all(0 <= number <= 0xFFFF for number in ids):
        raise argparse.ArgumentTypeError(f"{text!r} is not VID:PID in hex, like 0483:df11")
    return ids


def add_format_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of formats that hold addresses."""
    group = parser.add_argument_group("format")
    group.add_argument(
        "--format", choices=FORMATS, help="default: what the suffix of the output says"
    )
    group.add_argument(
        "--address", type=address_argument, metavar="ADDR", help="of the image (default: board's)"
    )
    group.add_argument(
        "--family", metavar="ID", help="UF2 family: 0xe48bff56, or a name (default: board's)"
    )
    group.add_argument(
        "--alternate", type=int, metavar="N", help="DFU alternate setting (default: 0)"
    )
    group.add_argument(
        "--device",
        type=device_argument,
        metavar="VID:PID",
        help="USB ids in a DFU file, in hex (default: any)",
    )
    group.add_argument(
        "--abs-block",
        action="store_true",
        help="begin UF2 for RP2350 with the block that its stepping A2 needs (erratum E10)",
    )
    fat = parser.add_argument_group("FAT")
    fat.add_argument("--label", default="ROMFS", help="volume label (default: ROMFS)")
    fat.add_argument(
        "--volume-size",
        type=address_argument,
        metavar="BYTES",
        help="of the FAT volume: 1M, 64M, 1G (default: what the files need)",
    )


def family_id(text: str | None, board: Board | None = None) -> int | None:
    """The UF2 family id of a number, a name of board data, or the board.

    Raises:
        ConfigError: It is none of these.
    """
    if text is None:
        return board_family(board)
    try:
        return int(text, 0)
    except ValueError:
        pass
    import boards

    ways = [way for one in boards.all_boards() for way in one.flashing if way.uf2_family]
    names = {(way.uf2_name or "").casefold(): way.uf2_family for way in ways}
    names.pop("", None)
    if text.casefold() not in names:
        known = ", ".join(sorted({way.uf2_name for way in ways if way.uf2_name}))
        raise ConfigError(f"{text!r} is no UF2 family; give a number or one of {known}")
    return names[text.casefold()]


def board_family(board: Board | None) -> int | None:
    """The UF2 family id of a board, or None."""
    ways = board.flashing if board is not None else ()
    return next((way.uf2_family for way in ways if way.uf2_family is not None), None)


@dataclass(frozen=True)
class BoardPlace:
    """Where a board has its partition, as files count addresses.

    Attributes:
        address: Of its start: the CPU's, or the flash offset on chips whose tools use
            that; None if a build option decides.
        size: Bytes, or None likewise.
    """

    address: int | None
    size: int | None


def board_place(board: Board, index: int, size: int | None) -> BoardPlace:
    """Where a board has its partition.

    Raises:
        BoardError: There is no such partition, or it cannot have that size.
    """
    part = board.partition(index)
    if size is not None:
        part = part.with_size(size)
    address = part.address
    if address is None and not part.address_static:
        # Tools for chips that map flash at run time count from the start of flash.
        address = part.flash_offset
    return BoardPlace(address, part.capacity)


def make_options(args: argparse.Namespace, board: Board | None) -> Options:
    """The options of formats, from the command line and the board."""
    from romfs.formats.container import Options
    from romfs.formats.dfu import ANY_ID

    vendor, product = args.device or (ANY_ID, ANY_ID)
    return Options(
        family=family_id(args.family, board),
        alternate=args.alternate,
        vendor=vendor,
        product=product,
        absolute_block=args.abs_block,
    )


def check_fit(size: int, place: BoardPlace, board: Board) -> None:
    """Refuse an image that is larger than the board's partition.

    Raises:
        DoesNotFit: It is.
    """
    if place.size is not None and size > place.size:
        raise DoesNotFit(
            f"image is {show_size(size)}, the partition of {board.key} holds "
            f"{show_size(place.size)} ({show_size(size - place.size)} over); nothing written"
        )


def encode(
    image: bytes, to: str, args: argparse.Namespace, *, address: int | None, board: Board | None
) -> bytes:
    """An image as a file of one of the formats with addresses.

    Raises:
        FormatError: The format needs what is not known.
    """
    from romfs.formats import container
    from romfs.formats.memory import Memory

    options = make_options(args, board)
    raw = container.BinFile(Memory([(address or 0, image)]), address)
    made = container.convert(raw, to, options)
    return container.write(made, options)


def write_fat_volume(image: Image, output: Path, args: argparse.Namespace) -> int:
    """Write the files of an image as a FAT volume; returns its size in bytes."""
    from romfs.formats.fat import write_fat
    from romfs.image import Directory
    from romfs.output import atomic_file

    entries = list(image.walk())
    files = [(path, entry.data) for path, entry in entries if not isinstance(entry, Directory)]
    folders = [path for path, entry in entries if isinstance(entry, Directory)]
    with atomic_file(output) as temporary:
        return write_fat(
            temporary, files, directories=folders, size=args.volume_size, label=args.label
        )


def suffix_format(output: Path) -> str | None:
    """The format that the suffix of a file to be written says, or None."""
    from romfs.formats.container import SUFFIXES

    suffix = output.suffix.lower()
    return "fat" if suffix == ".fat" else SUFFIXES.get(suffix)


_PLAIN = ("", ".romfs", ".img", ".bin")


def image_file(
    image: bytes,
    output: Path,
    args: argparse.Namespace,
    *,
    board_name: str | None,
    size: int | None,
    partition: int,
) -> bytes:
    """A finished image as the file to write, in the format asked for or that its name says.

    Raises:
        FormatError: The format needs what is not known.
    """
    if args.format is None and output.suffix.lower() in _PLAIN:
        return image  # without a look at the other formats: this is what nearly all builds write
    to = args.format or suffix_format(output) or "bin"
    if to == "bin":
        return image
    board = None
    address = args.address
    if board_name is not None:
        import boards

        board = boards.load(board_name)
        if address is None and board.partitions:
            address = board_place(board, partition, size).address
    if to != "fat":
        return encode(image, to, args, address=address, board=board)
    import tempfile
    from pathlib import Path as HostPath

    from romfs.image import Image

    with tempfile.TemporaryDirectory() as folder:
        volume = HostPath(folder) / "volume"
        write_fat_volume(Image(image), volume, args)
        return volume.read_bytes()
