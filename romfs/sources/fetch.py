"""Getting packages from the network, once.

What is fetched is kept by its SHA-256, so a file that is there is the right one, and a
build whose packages are all there needs no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

from romfs.errors import FetchError, HashMismatch
from romfs.output import atomic_write
from romfs.sources.lock import LockedFile
from romfs.version import VERSION

LARGEST = 16 << 20
"""Bytes; no file for a microcontroller is larger."""
TIMEOUT = 30
"""Seconds without an answer."""
AT_ONCE = 8


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from an encrypted connection to a plain one."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """See the base class."""
        schemes = [urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl)]
        if schemes[1] not in ("http", "https") or schemes == ["https", "http"]:
            raise FetchError(f"leads on to {newurl}, which is not https", url=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Fetcher:
    """Fetches by URL, and keeps what has a known hash.

    Args:
        cache: Directory to keep files in, or None.
        offline: Whether to refuse to use the network.
    """

    def __init__(self, cache: Path | None = None, *, offline: bool = False) -> None:
        self.cache = cache
        self.offline = offline
        self._opener = urllib.request.build_opener(_SafeRedirects())

    def get(self, url: str) -> bytes:
        """What is at a URL now.

        Raises:
            FetchError: It cannot be had.
        """
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise FetchError("only http and https are fetched", url=url)
        if self.offline:
            raise FetchError("is needed from the network, and --offline was given", url=url)
        request = urllib.request.Request(url, headers={"User-Agent": f"romfs/{VERSION}"})
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                data: bytes = response.read(LARGEST + 1)
                promised = int(response.headers.get("Content-Length") or len(data))
        except urllib.error.HTTPError as error:
            with error:
                what = "does not exist" if error.code == 404 else f"answers {error.code}"
            raise FetchError(what, url=url) from None
        except urllib.error.URLError as error:
            raise FetchError(f"cannot be reached: {error.reason}", url=url) from None
        except (HTTPException, OSError, ValueError) as error:
            if isinstance(error, FetchError):
                raise
            raise FetchError(f"was cut off: {error!r}", url=url) from None
        if len(data) > LARGEST:
            raise FetchError(f"is larger than {LARGEST >> 20} MiB", url=url)
        if len(data) < promised:
            # `read` with a limit does not complain of this itself.
            raise FetchError(f"was cut off after {len(data)} of {promised} bytes", url=url)
        return data

    def content(self, file: LockedFile) -> bytes:
        """A locked file, from the cache or the network, with the hash recorded.

        Raises:
            FetchError: It cannot be had.
            HashMismatch: It has changed since it was locked.
        """
        kept = self._kept(file.sha256)
        if kept is not None:
            with contextlib.suppress(FileNotFoundError):
                data = kept.read_bytes()
                if hashlib.sha256(data).hexdigest() == file.sha256:
                    return data
        data = self.get(file.url)
        actual = hashlib.sha256(data).hexdigest()
        if actual != file.sha256:
            raise HashMismatch(
                f"{file.url} has changed since it was locked: {len(data)} bytes with SHA-256 "
                f"{actual[:16]}..., locked are {file.size} bytes with {file.sha256[:16]}...; "
                "if that is intended, run `romfs lock --upgrade`"
            )
        self.keep(data, actual)
        return data

    def contents(self, files: Iterable[LockedFile]) -> dict[str, bytes]:
        """Several locked files at once, by SHA-256.

        Raises:
            FetchError: One cannot be had.
            HashMismatch: One has changed.
        """
        wanted = {file.sha256: file for file in files}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(self.content, wanted.values()), strict=True))

    def keep(self, data: bytes, sha256: str) -> None:
        """Put a file into the cache; one that cannot be written is no failure."""
        kept = self._kept(sha256)
        if kept is not None:
            with contextlib.suppress(OSError):
                kept.parent.mkdir(parents=True, exist_ok=True)
                atomic_write(kept, data)

    def _kept(self, sha256: str) -> Path | None:
        return None if self.cache is None else self.cache / sha256[:2] / sha256[2:]


def default_cache() -> Path:
    """Where fetched packages are kept; `ROMFS_CACHE` in the environment overrides it."""
    if chosen := os.environ.get("ROMFS_CACHE"):
        return Path(chosen) / "packages"
    import platformdirs

    return platformdirs.user_cache_path("romfs", appauthor=False) / "packages"
