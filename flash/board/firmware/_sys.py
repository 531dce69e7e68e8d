# ruff: noqa
# mypy: ignore-errors
"""The board's `sys`: names the board, and tells text from bytes on stdout.

Firmware sends print() and text with CR LF, and what goes to sys.stdout.buffer untouched.
The host side turns LF into CR LF, so raw bytes have to reach it another way.
"""

from sys import *
from collections import namedtuple
import io
import sys as _engine
import _board

platform = _board.settings["platform"]
_values = _board.settings["implementation"]
implementation = namedtuple("", [name for name, _ in _values])(*[value for _, value in _values])
_call, _STDOUT = _board.call, _board.STDOUT
_text = _engine.stdout
for _name in ("executable", "atexit"):
    globals().pop(_name, None)
del _board, _values, _name, namedtuple


def __getattr__(name):
    # path, ps1 and other attributes that the engine keeps outside of its module's dict.
    if name in ("executable", "atexit"):
        raise AttributeError(name)
    return getattr(_engine, name)


class _Raw(io.IOBase):
    def write(self, buf, *limits):
        # As a native stream: write(buf), write(buf, length), write(buf, offset, length).
        if limits:
            start = limits[0] if len(limits) > 1 else 0
            buf = memoryview(buf)[start : start + limits[-1]]
        _call(_STDOUT, 1, 0, 0, 0, 0, buf)
        return len(buf)


class _Stdout(io.IOBase):
    buffer = _Raw()

    def write(self, *args):
        return _text.write(*args)


stdout = _Stdout()
