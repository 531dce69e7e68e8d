"""`romfs cat`: one file of an image on stdout."""

from __future__ import annotations

import argparse
import sys

from romfs.cli import exit_codes
from romfs.image import Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="a ROMFS image")
    parser.add_argument("path", metavar="PATH", nargs="+", help="file in the image")


def run(args: argparse.Namespace) -> int:
    """Write the files' bytes, unchanged."""
    with Image.open(args.image) as image:
        for file in [image.file(path) for path in args.path]:
            sys.stdout.buffer.write(file.data)
    sys.stdout.buffer.flush()
    return exit_codes.OK
