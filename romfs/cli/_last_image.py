"""The image last built for a device from a tree, so that the next keeps its layout.

Where unchanged data stays where it is, its erase blocks need not be written again. What is
kept here is only a hint: without it, or with a wrong one, more blocks are written.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from romfs.cache import default_directory
from romfs.errors import ImageError
from romfs.image import Image
from romfs.output import atomic_write

_KEPT = 32


def place(*parts: object) -> Path:
    """Where the image for a tree, device and partition is kept."""
    name = hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
    return default_directory().with_name("flashed") / f"{name}.romfs"


def load(path: Path) -> Image | None:
    """The image kept there, if there is a sound one."""
    try:
        return Image(path.read_bytes())
    except (FileNotFoundError, ImageError):
        return None


def store(path: Path, image: bytes) -> None:
    """Keep an image, and forget the ones least recently kept beyond a few dozen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, image)
    kept = sorted(path.parent.glob("*.romfs"), key=lambda one: one.stat().st_mtime)
    for old in kept[:-_KEPT]:
        old.unlink(missing_ok=True)
