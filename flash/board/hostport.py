"""The host's end of a virtual board: a pseudo-terminal under a name that does not change."""

from __future__ import annotations

import contextlib
import os
import select
import tty
from pathlib import Path


class HostPort:
    """A serial port that can vanish and come back.

    Args:
        path: Where the port appears, as a link to the terminal of the moment.

    Attributes:
        path: The same.
        attached: Whether a program has the port open, as far as noticed.
        handle: Our end, or -1 while the port does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.attached = False
        self.handle = -1
        self._out = bytearray()

    @property
    def present(self) -> bool:
        """Whether the port exists."""
        return self.handle >= 0

    @property
    def unsent(self) -> int:
        """Bytes the program has not taken yet."""
        return len(self._out)

    def open(self) -> None:
        """Make the port appear."""
        master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        # Not kept open here: so the terminal tells whether anyone else has it open.
        os.close(slave)
        os.set_blocking(master, False)
        self.handle = master
        fresh = self.path.with_suffix(".new")
        fresh.symlink_to(name)
        fresh.replace(self.path)

    def close(self) -> None:
        """Make the port vanish; programs that have it open get errors."""
        self.path.unlink(missing_ok=True)
        if self.present:
            os.close(self.handle)
            self.handle = -1
        self.attached = False
        self._out.clear()

    def look(self) -> None:
        """Notice a program that has opened the port."""
        if self.present and not self.attached:
            probe = select.poll()
            probe.register(self.handle, select.POLLIN)
            state = dict(probe.poll(0)).get(self.handle, 0)
            self.attached = not state & select.POLLHUP or bool(state & select.POLLIN)

    def read(self, limit: int) -> bytes:
        """What the program has sent, at most `limit` bytes."""
        try:
            return os.read(self.handle, limit)
        except BlockingIOError:
            return b""
        except OSError:  # EIO: it has closed the port
            self.attached = False
            return b""

    def write(self, data: bytes) -> None:
        """Send to the program; without one, bytes are lost as on any serial line."""
        self._out += data
        if not self.attached:
            self._out.clear()
        if self._out:
            with contextlib.suppress(BlockingIOError):
                del self._out[: os.write(self.handle, self._out)]
