"""Writing results so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def atomic_write(path: str | Path, data: bytes | bytearray | memoryview) -> None:
    """Write `data` to `path`, whole or not at all.

    The data goes to a temporary file beside the target, is forced to the medium, and
    then takes the target's name. What was there before stays until that moment, also on
    a full disk or an interruption. The file gets the permissions a plain `open` gives.

    Raises:
        OSError: The directory is missing or not writable, or the disk is full.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        # A device or pipe (/dev/stdout) cannot be replaced by a file: write into it.
        with target.open("wb") as out:
            out.write(data)
        return
    target = target.resolve()  # a link keeps pointing at the new content
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), 0o666 & ~_umask())
            os.fsync(out.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_directory(target.parent)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """As `atomic_write`, for content too large for memory or written by someone else.

    Yields:
        A path to write to, in the directory of the target. It becomes the target when the
        block ends, and is removed if that raises.
    Raises:
        OSError: The directory is missing or not writable, or the disk is full.
    """
    target = Path(path).resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        os.fchmod(handle, 0o666 & ~_umask())
        yield Path(name)
        os.fsync(handle)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    finally:
        os.close(handle)
    _sync_directory(target.parent)


def _umask() -> int:
    # There is no way to read it without setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_directory(path: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
