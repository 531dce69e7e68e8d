"""`romfs sbom`: what an image is made of, as CycloneDX."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes

if TYPE_CHECKING:
    from romfs.sources.lock import Lock

VERSIONS = ("1.5", "1.6", "1.7")


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="a ROMFS image")
    parser.add_argument("-o", "--output", metavar="FILE", help="write it there (default: stdout)")
    parser.add_argument(
        "--lock",
        metavar="FILE",
        help="romfs.lock of the project (default: the one beside the nearest configuration)",
    )
    parser.add_argument("--no-lock", action="store_true", help="leave packages out")
    parser.add_argument("--name", help="name of the application (default: of the image file)")
    parser.add_argument("--format", choices=("json", "xml"), default="json", help="default: json")
    parser.add_argument(
        "--spec", choices=VERSIONS, default="1.6", help="CycloneDX version (default: 1.6)"
    )


def run(args: argparse.Namespace) -> int:
    """Collect and print."""
    from romfs.cli._sbom import document
    from romfs.image import Image

    image = Path(args.image)
    lock = None if args.no_lock else _lock(args, image)
    with Image.open(image) as opened:
        text = document(
            opened,
            name=args.name or image.stem,
            lock=lock,
            form=args.format,
            spec=args.spec,
        )
    if args.output is None:
        print(text)
        return exit_codes.OK
    from romfs.output import atomic_write

    atomic_write(args.output, (text + "\n").encode())
    print(f"romfs: {args.output}: CycloneDX {args.spec}", file=sys.stderr)
    return exit_codes.OK


def _lock(args: argparse.Namespace, image: Path) -> Lock | None:
    """The lock file that is named, or that belongs to the project around the image or here."""
    from romfs.config import find_config
    from romfs.sources.lock import NAME, loads

    if args.lock is not None:
        path = Path(args.lock)
        return loads(path.read_text("utf-8"), str(path))
    for start in (image.parent, Path()):
        config = find_config(start)
        if config.path is not None and config.packages:
            path = config.path.parent / NAME
            return loads(path.read_text("utf-8"), str(path)) if path.exists() else None
    return None
