"""`romfs tree`: an image as a tree."""

from __future__ import annotations

import argparse
import json
from typing import Any

from romfs.cli import exit_codes
from romfs.cli._inspect import add_image_arguments, shown
from romfs.image import Directory, Entry, Image
from romfs.sizes import show_size


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_image_arguments(parser, path_help="directory in the image (default: all)")


def run(args: argparse.Namespace) -> int:
    """Print the tree, entries in the order in which a device searches them."""
    with Image.open(args.image) as image:
        top = image.lookup(args.path)
        if args.json:
            print(json.dumps(_json(top), indent=2))
            return exit_codes.OK
        print(shown(args.path or args.image))
        if isinstance(top, Directory):
            _print(top, "")
    return exit_codes.OK


def _print(directory: Directory, indent: str) -> None:
    last = len(directory.entries) - 1
    for number, entry in enumerate(directory.entries):
        branch, below = ("└── ", "    ") if number == last else ("├── ", "│   ")
        if isinstance(entry, Directory):
            print(f"{indent}{branch}{shown(entry.name)}/")
            _print(entry, indent + below)
        else:
            print(f"{indent}{branch}{shown(entry.name)}  {show_size(len(entry.data))}")


def _json(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, Directory):
        return {"name": entry.name, "entries": [_json(inner) for inner in entry.entries]}
    return {"name": entry.name, "size": len(entry.data), "offset": entry.data_offset}
