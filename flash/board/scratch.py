"""Temporary directories that do not outlive a killed owner for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "romfs-board-"
_GRACE = 60.0


class Scratch:
    """A directory of our own; the next one made removes those whose owners have died.

    The owner holds a lock in it, which the kernel lets go when the owner ends.

    Attributes:
        path: The directory.
    """

    def __init__(self) -> None:
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Delete the directory and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)


def _sweep() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        try:
            # A young one may be about to be locked.
            if time.time() - lock.stat().st_mtime < _GRACE:
                continue
            handle = os.open(lock, os.O_RDWR)
        except OSError:
            continue  # another user's, or removed this moment
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except BlockingIOError:
            continue  # its owner lives
        finally:
            os.close(handle)
