"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

from romfs.errors import ConfigError

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(
    r"(0x[0-9a-f]+(?:_[0-9a-f]+)*|[0-9]+(?:_[0-9]+)*)\s*([kmg]?)(?:i?b)?", re.IGNORECASE
)


def parse_size(text: str | int) -> int:
    """Bytes from `4096`, `0x1000`, `4K`, `4KiB`, `1M`; units are powers of 1024.

    Raises:
        ConfigError: It is not of that form.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise ConfigError(f"{text!r} is not a size: write 4096, 0x1000, 64K or 1M")
    base = 16 if match[1][:2].lower() == "0x" else 10
    return int(match[1], base) * _UNITS[match[2].upper()]


def show_size(size: int) -> str:
    """A size for people: `812 B`, `70.0 KiB`, `1.25 MiB`."""
    if size < 1024:
        return f"{size} B"
    if size < 1024**2:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024**2:.2f} MiB"
