"""Compiled modules kept between builds, by content.

An entry's key is the digest of everything its content depends on, so an entry is never
wrong, only unused. They live in one SQLite file, since a file for each would cost a
tenth of a cold build; it is safe with several builds at once, and if it is damaged or
cannot be written, modules are simply compiled.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

MAX_BYTES = 256 << 20
"""What the cache may occupy before the least recently used entries go."""

_NAME = "modules-1.sqlite"  # the number is that of the schema
_SCHEMA = """
CREATE TABLE IF NOT EXISTS modules (
    key BLOB PRIMARY KEY, content BLOB NOT NULL, digest BLOB NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID
"""
_WAIT = 5.0  # seconds for another build to finish its transaction
_DAY = 24 * 3600


class Entry(NamedTuple):
    """A compiled module.

    Attributes:
        key: Digest of what it was made from.
        content: The .mpy file.
        digest: SHA-256 of `content`.
    """

    key: bytes
    content: bytes
    digest: bytes


def default_directory() -> Path:
    """Where the cache lies on this system; `ROMFS_CACHE` in the environment overrides it."""
    if chosen := os.environ.get("ROMFS_CACHE"):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("romfs", appauthor=False) / "mpy"


class Cache:
    """Compiled modules in a directory.

    Args:
        directory: Made when first needed.
        max_bytes: What the file may occupy.
    """

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES) -> None:
        self.path = directory / _NAME
        self.max_bytes = max_bytes

    def lookup(self, keys: Sequence[bytes]) -> dict[bytes, Entry]:
        """The entries there are for these keys."""
        if not self.path.exists():
            return {}
        import sqlite3

        found: dict[bytes, Entry] = {}
        stale: list[bytes] = []
        today = int(time.time()) // _DAY
        try:
            with closing(self._connect()) as database:
                for key in keys:
                    row = database.execute(
                        "SELECT content, digest, used FROM modules WHERE key = ?", (key,)
                    ).fetchone()
                    # The digest catches what SQLite does not check: damage within a content.
                    if row is None or hashlib.sha256(row[0]).digest() != row[1]:
                        continue
                    found[key] = Entry(key, row[0], row[1])
                    if row[2] != today:
                        stale.append(key)
                if stale:
                    database.executemany(
                        "UPDATE modules SET used = ? WHERE key = ?", ((today, k) for k in stale)
                    )
                    database.commit()
        except sqlite3.OperationalError:
            pass  # locked for long, or read-only: what was found is good all the same
        except sqlite3.DatabaseError:
            self._discard()
        return found

    def store(self, entries: Iterable[Entry]) -> None:
        """Add entries, and drop the least recently used ones if there is no room."""
        import sqlite3

        today = int(time.time()) // _DAY
        rows = [(*entry, today) for entry in entries]
        if not rows:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as database:
                database.execute(_SCHEMA)
                database.executemany("INSERT OR REPLACE INTO modules VALUES (?, ?, ?, ?)", rows)
                database.commit()
                self._trim(database)
        except (OSError, sqlite3.OperationalError):
            pass  # no room, no permission, or locked for long: no reason to fail a build
        except sqlite3.DatabaseError:
            self._discard()

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        database = sqlite3.connect(self.path, timeout=_WAIT)
        # Without waiting for the disk: what a crash may damage is noticed and made anew.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = WAL")
        return database

    def _trim(self, database: sqlite3.Connection) -> None:
        def size() -> int:
            (used,) = database.execute(
                "SELECT (page_count - freelist_count) * page_size "
                "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            ).fetchone()
            return int(used)

        if size() <= self.max_bytes:
            return
        while size() > self.max_bytes * 3 // 4:
            dropped = database.execute(
                "DELETE FROM modules WHERE key IN (SELECT key FROM modules ORDER BY used "
                "LIMIT (SELECT count(*) / 8 + 1 FROM modules))"
            )
            database.commit()
            if not dropped.rowcount:
                break
        database.execute("VACUUM")

    def _discard(self) -> None:
        """Remove a damaged file; the next build makes another."""
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                Path(f"{self.path}{suffix}").unlink()
