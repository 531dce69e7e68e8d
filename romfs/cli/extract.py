"""`romfs extract`: files of an image as files of the host."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from romfs.cli import exit_codes
from romfs.cli._inspect import add_image_arguments, below, shown
from romfs.errors import ImageError
from romfs.image import Directory, Image
from romfs.output import atomic_write


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_image_arguments(parser, path_help="file or directory in the image (default: all)")
    parser.add_argument(
        "-o", "--output", default=".", metavar="DIR", help="where to put them (default: here)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Extract; nothing is ever written outside the target directory."""
    target = Path(args.output)
    with Image.open(args.image) as image:
        chosen = below(image, args.path)
        _refuse_clashes([path for path, _ in chosen])
        if not args.force:
            _refuse_existing(target, [p for p, e in chosen if not isinstance(e, Directory)])
        target.mkdir(parents=True, exist_ok=True)
        root = target.resolve()
        written = []
        for path, entry in chosen:
            place = root / path
            parent = place if isinstance(entry, Directory) else place.parent
            # A link that lies in the target directory must not lead out of it.
            if not parent.resolve().is_relative_to(root):
                raise ImageError(f"{path!r} leads out of {target}; not extracted")
            parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(entry, Directory):
                if place.is_symlink():
                    place.unlink()
                atomic_write(place, entry.data, sync=False)
                written.append(path)
    if args.json:
        print(json.dumps({"directory": str(target), "files": written}, indent=2))
    else:
        for path in written:
            print(shown(str(target / path)))
    return exit_codes.OK


def _refuse_clashes(paths: list[str]) -> None:
    """Names that are one and the same, or special, on some host file systems."""
    seen: dict[str, str] = {}
    for path in paths:
        if "\\" in path or ":" in path:
            raise ImageError(f"name {path!r} has a special meaning on some hosts; use `romfs cat`")
        other = seen.setdefault(path.casefold(), path)
        if other != path and _folds_case():
            raise ImageError(f"{path!r} and {other!r} are one file on this host; use `romfs cat`")


def _folds_case() -> bool:
    here = Path(__file__)
    return here.with_name(here.name.upper()).exists()


def _refuse_existing(target: Path, paths: list[str]) -> None:
    for path in paths:
        if (target / path).is_symlink() or (target / path).exists():
            raise FileExistsError(17, "already exists (replace it with --force)", target / path)
