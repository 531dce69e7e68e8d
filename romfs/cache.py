"""Compiled modules kept between builds, by content.

An entry's name is the digest of everything its content depends on, so an entry is
never wrong, only unused. It is written under a temporary name and then takes its own,
so that any number of builds may share the directory; a digest at its end shows the one
damage left, a file cut short by a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

DIGEST_SIZE = 32
MAX_BYTES = 256 << 20
"""What the cache may occupy before the least recently written entries go."""

_TRIM_EVERY = 24 * 3600  # seconds between looks at the whole cache
_STAMP = "trimmed"


def default_directory() -> Path:
    """Where the cache lies on this system; `ROMFS_CACHE` in the environment overrides it."""
    if chosen := os.environ.get("ROMFS_CACHE"):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("romfs", appauthor=False) / "mpy"


class Cache:
    """A directory of compiled modules.

    Args:
        directory: Made when first needed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Joined by hand below: pathlib shows in the rebuild time of a large tree.
        self._prefix = os.path.join(directory, "")  # noqa: PTH118

    def get(self, key: str) -> tuple[bytes, bytes] | None:
        """Content and its SHA-256, or None where it is not in the cache or damaged."""
        try:
            handle = os.open(self._path(key), os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            stored = os.read(handle, os.fstat(handle).st_size)
        finally:
            os.close(handle)
        content, digest = stored[:-DIGEST_SIZE], stored[-DIGEST_SIZE:]
        return (content, digest) if hashlib.sha256(content).digest() == digest else None

    def put(self, key: str, content: bytes, digest: bytes) -> None:
        """Add an entry. A cache that cannot be written is no reason to fail a build."""
        path = self._path(key)
        temporary = f"{path}.{os.getpid()}.{time.monotonic_ns()}.tmp"
        try:
            handle = self._create(temporary)
        except OSError:
            return
        try:
            try:
                os.write(handle, content + digest)  # cut short: `get` notices
            finally:
                os.close(handle)
            os.rename(temporary, path)  # noqa: PTH104
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108

    def trim(self, max_bytes: int = MAX_BYTES, *, force: bool = False) -> int:
        """Drop the entries written longest ago until the rest fits; returns bytes freed.

        Looks at most once a day unless `force` is set.
        """
        stamp = self.directory / _STAMP
        with contextlib.suppress(FileNotFoundError):
            if not force and time.time() - stamp.stat().st_mtime < _TRIM_EVERY:
                return 0
        try:
            stamp.touch()
        except OSError:
            return 0  # no cache, or not ours to change
        return _trim(self.directory.glob("??/*"), max_bytes)

    def _path(self, key: str) -> str:
        return f"{self._prefix}{key[:2]}/{key[2:]}"

    def _create(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            return os.open(path, flags, 0o666)
        except FileNotFoundError:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, flags, 0o666)


def _trim(paths: Iterable[Path], max_bytes: int) -> int:
    entries = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # another build trims too
            status = path.stat()
            entries.append((status.st_mtime, status.st_size, path))
    excess = sum(size for _, size, _ in entries) - max_bytes
    freed = 0
    for _, size, path in sorted(entries):
        if freed >= excess:
            break
        path.unlink(missing_ok=True)
        freed += size
    return freed
