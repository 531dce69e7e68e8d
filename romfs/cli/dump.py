"""`romfs dump`: every record of an image, with its bytes and meaning."""

from __future__ import annotations

import argparse
import json

from romfs.cli import exit_codes
from romfs.cli._inspect import add_image_arguments, shown
from romfs.dump import dump, render
from romfs.image import Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_image_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the listing."""
    with Image.open(args.image) as image:
        if args.json:
            rows = [{**row._asdict(), "data": row.data.hex()} for row in dump(image)]
            print(json.dumps(rows, indent=2))
        else:
            for line in render(dump(image)):
                print(shown(line))
    return exit_codes.OK
