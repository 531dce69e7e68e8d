# ruff: noqa
# mypy: ignore-errors
"""The board's `os`: the engine's own without the host's parts, and with `uname`."""

from os import *
from collections import namedtuple
import _board

del system, getenv, putenv, unsetenv
_uname = namedtuple("", ("sysname", "nodename", "release", "version", "machine"))(
    *_board.settings["uname"]
)
del _board, namedtuple


def uname():
    return _uname
