"""What is known of the boards MicroPython runs on: data, a checked model, and names.

`load("RPI_PICO2")` gives a `Board`; README.md explains the files and how to write one's own.
"""

from __future__ import annotations

from boards.abi import FLAGS, MpyAbi
from boards.load import all_boards, load, match, names, ports
from boards.model import Board, Boot, Flash, Flashing, Region
from boards.partition import EraseRegion, Partition
from boards.quirks import Level, Quirk
from romfs.archs import ARCHS

__all__ = [
    "ARCHS",
    "FLAGS",
    "Board",
    "Boot",
    "EraseRegion",
    "Flash",
    "Flashing",
    "Level",
    "MpyAbi",
    "Partition",
    "Quirk",
    "Region",
    "all_boards",
    "load",
    "match",
    "names",
    "ports",
]
