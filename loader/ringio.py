"""`micropython.RingIO`: a ring buffer with the stream protocol.

Source: MicroPython py/objringio.c.
"""

from __future__ import annotations

from typing import Any

from loader.modules.native import buffer_of
from loader.text import type_name


class RingIO:
    """A first-in first-out buffer of bytes."""

    def __init__(self, *args: Any) -> None:
        if len(args) != 1:
            raise TypeError(f"function takes 1 positional arguments but {len(args)} were given")
        if isinstance(args[0], int):
            self._size = args[0]
        else:
            try:
                self._size = len(buffer_of(args[0], writable=True)) - 1
            except TypeError:
                raise TypeError(f"can't convert {type_name(args[0])} to int") from None
        if self._size < 1 or self._size > 0xFFFE:
            raise ValueError
        self._data = bytearray()

    def any(self) -> int:
        """Bytes that can be read."""
        return len(self._data)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        if size < 0:
            size = len(self._data)
        out = bytes(self._data[:size])
        del self._data[:size]
        return out

    def readinto(self, target: Any, size: int | None = None) -> int:
        """Read into a buffer; returns the number of bytes."""
        view = buffer_of(target, writable=True)
        out = self.read(len(view) if size is None else min(size, len(view)))
        view[: len(out)] = out
        return len(out)

    def readline(self, size: int = -1) -> bytes:
        """Up to and including a newline."""
        end = self._data.find(b"\n")
        count = len(self._data) if end < 0 else end + 1
        return self.read(count if size < 0 else min(count, size))

    def write(self, data: Any) -> int:
        """Write what there is room for; returns the number of bytes."""
        view = buffer_of(data.encode() if isinstance(data, str) else data)
        room = self._size - len(self._data)
        taken = view[:room]
        self._data += taken
        return len(taken)

    def close(self) -> None:
        """Forget the content."""
        self._data.clear()
