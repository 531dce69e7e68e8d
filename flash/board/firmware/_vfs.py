# ruff: noqa
# mypy: ignore-errors
"""The board's `vfs`: the engine's own, with `rom_ioctl` where the firmware has it."""

from vfs import *
import _board

if _board.rom_ioctl:
    rom_ioctl = _board.rom_ioctl
del _board
