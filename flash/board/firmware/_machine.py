# ruff: noqa
# mypy: ignore-errors
"""The board's `machine`: what the engine has of it, resets, and an identity."""

from machine import *
import _board

PWRON_RESET = 1
HARD_RESET = 2
SOFT_RESET = 5
_call, _RESET = _board.call, _board.RESET
_cause = _board.settings["reset_cause"]
_id = _board.settings["unique_id"]
del _board


def reset():
    _call(_RESET, 1, 0)


def bootloader(timeout=0):
    _call(_RESET, 1, 1)


def soft_reset():
    raise SystemExit


def reset_cause():
    return _cause


def unique_id():
    return _id
