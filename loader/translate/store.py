"""Translations kept on disk, so that a second run starts with them.

One file holds what has been translated of one .mpy file. Its name is a digest of all that
the translations depend on: the .mpy file, the host's bytecode version and the translator's
own source. So a file is never wrong, only unused. It ends in a digest that shows damage.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import marshal
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

from romfs.cache import default_directory

MAX_BYTES = 64 << 20
"""What the store may occupy before the files written longest ago go."""

_DIGEST = 32
_DAY = 24 * 3600
_STAMP = "trimmed"

Key = tuple[Any, ...]
"""Which function of the file: its path, and what else the translation depends on."""

Value = types.CodeType | str | tuple[types.CodeType, int]
"""Portable code; or why there is none; or the code of a loop and its step."""


def directory() -> Path:
    """Where translations lie; `ROMFS_TRANSLATION_CACHE` in the environment overrides it."""
    if chosen := os.environ.get("ROMFS_TRANSLATION_CACHE"):
        return Path(chosen)
    return default_directory().parent / "translated"


@functools.cache
def version() -> bytes:
    """Digest of what makes translations: the host and the translator's source."""
    digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + sys.version.encode())
    here = Path(__file__).parent
    sources = [*here.glob("*.py"), *(here.parent / name for name in _ALSO)]
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.digest()


_ALSO = ("builtins.py", "construct.py", "methods.py", "natives.py", "operators.py", "ops.py")
"""Modules beside this package that say what the translator may assume."""


class Store:
    """Translations of .mpy files in a directory.

    Args:
        where: The directory; made when first needed.
    """

    def __init__(self, where: Path) -> None:
        self.where = where

    def _path(self, digest: str) -> Path:
        name = hashlib.sha256(version() + digest.encode()).hexdigest()
        return self.where / name[:2] / name[2:]

    def load(self, digest: str) -> dict[Key, Value]:
        """All translations of the file with this digest; none if there are none."""
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return {}
        content, check = data[:-_DIGEST], data[-_DIGEST:]
        if hashlib.sha256(content).digest() != check:
            return {}
        found: dict[Key, Value] = marshal.loads(content)
        return found

    def save(self, digest: str, translations: dict[Key, Value]) -> None:
        """Keep the translations of a file. A store that cannot be written does no harm."""
        path = self._path(digest)
        content = marshal.dumps({**self.load(digest), **translations})
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content + hashlib.sha256(content).digest())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def trim(self, max_bytes: int = MAX_BYTES) -> None:
        """Drop what was written longest ago until the rest fits; looks once a day."""
        stamp = self.where / _STAMP
        try:
            if time.time() - stamp.stat().st_mtime < _DAY:
                return
        except OSError:
            pass  # never trimmed
        try:
            stamp.touch()
        except OSError:
            return  # no store, or not ours to change
        files = []
        for path in self.where.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):  # another run trims too
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in files) - max_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                break
            path.unlink(missing_ok=True)
            excess -= size
