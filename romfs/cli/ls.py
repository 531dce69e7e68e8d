"""`romfs ls`: the files of an image."""

from __future__ import annotations

import argparse
import json

from romfs.cli import exit_codes
from romfs.cli._inspect import add_image_arguments, below, shown
from romfs.image import Directory, Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_image_arguments(parser, path_help="file or directory in the image (default: all)")
    parser.add_argument(
        "-l", "--long", action="store_true", help="with size, offset in the image, and SHA-256"
    )


def run(args: argparse.Namespace) -> int:
    """Print one line an entry, directories with a trailing slash."""
    import hashlib

    rows: list[dict[str, object]] = []
    with Image.open(args.image) as image:
        for path, entry in below(image, args.path):
            if isinstance(entry, Directory):
                rows.append({"path": path + "/", "type": "directory"})
                continue
            row: dict[str, object] = {"path": path, "type": "file", "size": len(entry.data)}
            if args.long or args.json:
                row["offset"] = entry.data_offset
                row["sha256"] = hashlib.sha256(entry.data).hexdigest()
            rows.append(row)
    if args.json:
        print(json.dumps(rows, indent=2))
        return exit_codes.OK
    for row in rows:
        name = shown(str(row["path"]))
        if not args.long:
            print(name)
        elif row["type"] == "directory":
            print(f"{'-':>9} {'-':>10} {'-':<16} {name}")
        else:
            print(f"{row['size']:>9} {row['offset']:>#10x} {str(row['sha256'])[:16]} {name}")
    return exit_codes.OK
