"""`python -m tests.docs.make_firmware KIND FILE`: a firmware file for documents to work with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from romfs.cli import main as romfs
from tests.formats.firmware import DEFAULT_TABLE, esp_firmware, rp2_firmware

# How the bytes of each kind become the format a document names.
_CONVERT = {
    "rp2": ["--address", "0x10000000", "--family", "0xe48bff59"],
    "pico": ["--address", "0x10000000", "--family", "0xe48bff56"],
    "stm32": ["--address", "0x08020000"],
}


def main(kind: str, path: str) -> int:
    """Write it."""
    contents: dict[str, Callable[[], bytes]] = {
        "rp2": lambda: rp2_firmware(romfs=(0x100C_0000, 0x4_0000)),
        "pico": rp2_firmware,
        "stm32": lambda: bytes(range(256)) * 64,
        "esp32": esp_firmware,
        "esp32-without": lambda: esp_firmware(rows=DEFAULT_TABLE),
    }
    data = contents[kind]()
    if kind not in _CONVERT:
        Path(path).write_bytes(data)
        return 0
    plain = Path(path).with_suffix(".plain.bin")
    plain.write_bytes(data)
    return romfs(["convert", str(plain), "-o", path, *_CONVERT[kind]])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
