"""Writing results so that nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def atomic_write(
    path: str | Path, data: bytes | bytearray | memoryview, *, sync: bool = True
) -> None:
    """Write `data` to `path`, whole or not at all.

    The data goes to a temporary file beside the target, is forced to the medium, and
    then takes the target's name. What was there before stays until that moment, also on
    a full disk or an interruption. The file gets the permissions a plain `open` gives.

    Args:
        path: The file.
        data: Its new content.
        sync: Wait for the medium. Without it a loss of power may undo or empty the file;
            for a great many files that are easily made again, waiting takes all the time.
    Raises:
        OSError: The directory is missing or not writable, or the disk is full.
    """
    target = Path(path)
    if target.exists() and not target.is_file():
        # A device or pipe (/dev/stdout) cannot be replaced by a file: write into it.
        with target.open("wb") as out:
            out.write(data)
        return
    with atomic_file(target, sync=sync) as temporary, temporary.open("wb") as out:
        out.write(data)


@contextlib.contextmanager
def atomic_file(path: str | Path, *, sync: bool = True) -> Iterator[Path]:
    """As `atomic_write`, for content too large for memory or written by someone else.

    Yields:
        A path to write to, in the directory of the target. It becomes the target when the
        block ends, and is removed if that raises.
    Raises:
        OSError: The directory is missing or not writable, or the disk is full.
    """
    # A link keeps pointing at the new content; one in a circle is replaced.
    target = Path(os.path.realpath(path))
    handle, temporary = _beside(target)
    try:
        os.fchmod(handle, 0o666 & ~_umask())
        yield temporary
        if sync:
            os.fsync(handle)
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise _of(target, error) from None
        raise
    finally:
        os.close(handle)
    if sync:
        _sync_directory(target.parent)


def _beside(target: Path) -> tuple[int, Path]:
    """A temporary file in the target's directory, hidden, with a name of bearable length."""
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name[:32]}.", suffix=".tmp", dir=target.parent
        )
    except OSError as error:
        raise _of(target, error) from None
    return handle, Path(name)


def _of(target: Path, error: OSError) -> OSError:
    """The same error, about the file the user knows of."""
    return OSError(error.errno, error.strerror or str(error), str(target))


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
