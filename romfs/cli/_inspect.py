"""What the inspecting verbs share."""

from __future__ import annotations

import argparse

from romfs.image import Directory, Entry, Image


def add_image_arguments(parser: argparse.ArgumentParser, *, path_help: str | None = None) -> None:
    """IMAGE, PATH if wanted, and --json."""
    parser.add_argument("image", metavar="IMAGE", help="a ROMFS image")
    if path_help is not None:
        parser.add_argument("path", metavar="PATH", nargs="?", default="", help=path_help)
    parser.add_argument("--json", action="store_true", help="print JSON")


def shown(name: str) -> str:
    """A name that any terminal takes: bytes that are not text appear as escapes."""
    plain = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in plain)


def below(image: Image, path: str) -> list[tuple[str, Entry]]:
    """Every path and entry at or below `path`, with full paths.

    Raises:
        PathNotFound: There is no such path.
    """
    top = image.lookup(path)
    clean = path.strip("/")
    if not isinstance(top, Directory):
        return [(clean, top)]
    prefix = clean + "/" if clean else ""
    return [(found, entry) for found, entry in image.walk() if found.startswith(prefix)]
