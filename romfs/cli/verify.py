"""`romfs verify`: whether the partition holds an image, read back on the device."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments

if TYPE_CHECKING:
    from romfs.image import Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="what the partition should hold")
    add_port_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Compare; exit code 9 if they differ."""
    from pathlib import Path

    from flash.plan import Verify, check_size, plan
    from romfs.cli._device import connected
    from romfs.errors import VerifyError
    from romfs.image import Image

    image = Image(Path(args.image).read_bytes())
    content = bytes(image.data)
    with connected(args) as device:
        check_size(content, device.target)
        transport = device.open()
        try:
            blocks = [
                (at, min(size, len(content) - at))
                for at, size in device.target.blocks(len(content))
            ]
            sums = transport.sums(blocks)
            found = plan(content, device.target, sums)
            if found.changed:
                wrong = _wrong(content, blocks, sums)
                raise VerifyError(
                    f"{len(wrong)} of {len(blocks)} blocks differ from {args.image}"
                    + _files(image, wrong),
                    address=wrong[0][0],
                )
            transport.apply([Verify(0, content)])
        finally:
            transport.close()
    print(f"{args.image}: the device holds exactly this")
    return exit_codes.OK


def _wrong(content: bytes, blocks: list[tuple[int, int]], sums: list[int]) -> list[tuple[int, int]]:
    import zlib

    return [
        (at, size)
        for (at, size), crc in zip(blocks, sums, strict=True)
        if zlib.crc32(content[at : at + size]) != crc
    ]


def _files(image: Image, wrong: list[tuple[int, int]]) -> str:
    """Names of files that lie in wrong blocks."""
    names = [
        path
        for path, file in image.files()
        if any(
            file.data_offset < at + size and at < file.data_offset + len(file.data)
            for at, size in wrong
        )
    ]
    if not names:
        return ""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f", in {', '.join(names[:3])}{more}"
