"""mip packages: from what a project asks for to a lock, and from a lock to files.

Source for the formats: micropython-lib, tools/build.py (index and package JSON) and
micropython/mip/mip.py (how requests, URLs and dependencies are understood).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from romfs.errors import ConfigError, FetchError, HashMismatch
from romfs.sources.base import Select, SourceEntry
from romfs.sources.fetch import Fetcher
from romfs.sources.lock import NAME, Lock, LockedFile, LockedPackage, check_path

INDEX = "https://micropython.org/pi/v2"
MPY = "6"
"""Bytecode version of the .mpy files taken from an index."""
TARGET = "lib"
"""Directory of the image the packages go to; a device imports from /rom/lib."""

_URLS = ("http://", "https://")
_HOSTS = {
    "github:": "https://raw.githubusercontent.com/{0}/{1}/{ref}/{path}",
    "gitlab:": "https://gitlab.com/{0}/{1}/-/raw/{ref}/{path}",
    "codeberg:": "https://codeberg.org/api/v1/repos/{0}/{1}/raw/{path}?ref={ref}",
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LATEST = "latest"


@dataclass(frozen=True)
class Request:
    """One package asked for.

    Attributes:
        text: As written.
        name: Name in the index, or where it is.
        version: Version, branch or tag; None for the latest.
    """

    text: str
    name: str
    version: str | None

    @property
    def in_index(self) -> bool:
        """Whether it is a name of the index."""
        return not self.name.startswith((*_URLS, *_HOSTS))


def parse_request(text: str) -> Request:
    """Understand an entry of `packages`: `name`, `name@1.2`, `github:org/repo@v1`, a URL.

    Raises:
        ConfigError: It is none of these.
    """
    head, at, version = text.rpartition("@")
    # An "@" before the last "/" belongs to a URL: a user, or a scope.
    name, found = (head, version) if at and "/" not in version else (text, None)
    request = Request(text, name, None if found in (None, "", _LATEST) else found)
    if at and not request.in_index and text.startswith(_URLS) and found is not None:
        raise ConfigError(f"{text}: a URL has no version; take the URL of that version")
    if request.in_index:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{text!r} is not a package: write name, name@version, github:org/repo@ref or "
                "https://..."
            )
    elif name.startswith(tuple(_HOSTS)):
        parts = name.partition(":")[2].strip("/").split("/")
        if len(parts) < 2 or not all(parts):
            raise ConfigError(f"{text!r}: write {name.partition(':')[0]}:org/repo[/path]@ref")
    return request


def locate(name: str, ref: str | None) -> str:
    """The URL that `github:org/repo/path` and the like stand for; others are their own."""
    for prefix, form in _HOSTS.items():
        if name.startswith(prefix):
            organisation, repository, *path = name[len(prefix) :].split("/")
            return form.format(organisation, repository, ref=ref or "HEAD", path="/".join(path))
    return name


class Resolver:
    """Finds packages and all they need.

    Args:
        fetcher: The network.
        index: URL of the package index.
        mpy: What to take from it: "6", or "py" for source.
        known: A lock whose packages are taken as they are.
    """

    def __init__(
        self, fetcher: Fetcher, *, index: str = INDEX, mpy: str = MPY, known: Lock | None = None
    ) -> None:
        self.fetcher = fetcher
        self.index = index.rstrip("/")
        self.mpy = mpy
        same = known is not None and (known.index, known.mpy) == (self.index, mpy)
        self.known = known if same else None
        self.found: dict[str, LockedPackage] = {}
        self._why: dict[str, tuple[str, str | None]] = {}

    def resolve(self, requests: Sequence[str]) -> Lock:
        """Lock what is requested and what that needs.

        Raises:
            ConfigError: A request is not understood, a description is malformed, or two
                packages want different versions of a third, or one path.
            FetchError: Something cannot be had.
            HashMismatch: A file of the index is not what the index says.
        """
        # Breadth first: what the project itself pins is settled before dependencies.
        waiting = [(parse_request(text), "the project") for text in requests]
        while waiting:
            request, asker = waiting.pop(0)
            if self._settled(request, asker):
                continue
            package = self._known(request) or self._find(request)
            self.found[request.name] = package
            self._why[request.name] = (asker, request.version)
            waiting += [(parse_request(text), package.name) for text in package.requires]
        packages = tuple(sorted(self.found.values(), key=lambda package: package.name))
        _check_paths(packages)
        return Lock(self.index, self.mpy, tuple(sorted(set(requests))), packages)

    def _settled(self, request: Request, asker: str) -> bool:
        have = self.found.get(request.name)
        if have is None:
            return False
        before, wanted = self._why[request.name]
        if request.version is not None and request.version not in (wanted, have.version):
            raise ConfigError(
                f"{asker} needs {request.name} {request.version}, {before} "
                f"{wanted or have.version or 'the latest'}; settle it with "
                f'"{request.name}@{request.version}" in `packages`'
            )
        return True

    def _known(self, request: Request) -> LockedPackage | None:
        """The package as it is locked, if that still answers the request."""
        have = self.known.find(request.name) if self.known else None
        if have is None:
            return None
        if request.in_index:
            answers = request.version in (None, have.version)
        else:
            answers = request.version == parse_request(have.request).version
        return replace(have, request=request.text) if answers else None

    def _find(self, request: Request) -> LockedPackage:
        if request.in_index:
            version = request.version or _LATEST
            url = f"{self.index}/package/{self.mpy}/{request.name}/{version}.json"
            try:
                return self._package(request, url, "")
            except FetchError as error:
                raise FetchError(
                    f"{error.args[0]}: is {request.text!r} a package of the index, with files for "
                    f"mpy version {self.mpy}?",
                    url=error.url,
                ) from None
        name = request.name
        if name.endswith((".py", ".mpy")):
            url = locate(name, request.version)
            file = self._file(name.rpartition("/")[2], url, None)
            return LockedPackage(request.text, name, request.version or "", url, (), (file,))
        if not name.endswith(".json"):
            name = name.rstrip("/") + "/package.json"
        base = name.rpartition("/")[0]
        return self._package(request, locate(name, request.version), base)

    def _package(self, request: Request, url: str, base: str) -> LockedPackage:
        """Read a description, and fetch every file for its hash.

        Args:
            request: What was asked for.
            url: Of the description.
            base: What relative URLs in it begin at, before hosts are located.
        """
        description = _description(self.fetcher.get(url), url)
        files = []
        for path, short in _pairs(description, "hashes", url):
            where = f"{self.index}/file/{short[:2]}/{short}"
            files.append(self._file(path, where, short))
        for path, link in _pairs(description, "urls", url):
            if base and not link.startswith((*_URLS, *_HOSTS)):
                link = f"{base}/{link}"
            files.append(self._file(path, locate(link, request.version), None))
        requires = tuple(
            f"{name}@{version}" if version and version != _LATEST else name
            for name, version in _pairs(description, "deps", url)
        )
        version = description.get("version", "")
        return LockedPackage(
            request.text,
            request.name,
            version if isinstance(version, str) else str(version),
            url,
            requires,
            tuple(sorted(files, key=lambda file: file.path)),
        )

    def _file(self, path: str, url: str, short: str | None) -> LockedFile:
        check_path(path)
        data = self.fetcher.get(url)
        digest = hashlib.sha256(data).hexdigest()
        if short is not None and not digest.startswith(short.lower()):
            raise HashMismatch(
                f"{url} has SHA-256 {digest[:16]}..., the index says it begins with {short}"
            )
        self.fetcher.keep(data, digest)
        return LockedFile(path, url, digest, len(data))


def _description(data: bytes, url: str) -> dict[str, Any]:
    try:
        description = json.loads(data)
    except ValueError:
        raise ConfigError(f"{url}: is not JSON") from None
    if not isinstance(description, dict):
        raise ConfigError(f"{url}: is not a package description")
    return description


def _pairs(description: dict[str, Any], key: str, url: str) -> Iterator[tuple[str, str]]:
    rows = description.get(key) or []
    for row in rows if isinstance(rows, list) else (rows,):
        if (
            not isinstance(row, list)
            or len(row) != 2
            or not all(isinstance(item, str) for item in row)
        ):
            raise ConfigError(f"{url}: {key} holds {row!r}, not a pair of strings")
        yield row[0], row[1]


def _check_paths(packages: Sequence[LockedPackage]) -> None:
    """Two packages may share a file, not disagree about it."""
    seen: dict[str, tuple[str, str]] = {}
    for package in packages:
        for file in package.files:
            before, digest = seen.setdefault(file.path, (package.name, file.sha256))
            if digest != file.sha256:
                raise ConfigError(
                    f"packages {before} and {package.name} both have {file.path}, and differ"
                )


class PackageSource:
    """The files of locked packages, as a source.

    Args:
        lock: The lock.
        fetcher: Where the files come from.
        target: Directory of the image they go to.
    """

    def __init__(self, lock: Lock, fetcher: Fetcher, target: str = TARGET) -> None:
        self.lock = lock
        self.fetcher = fetcher
        self.target = target

    @property
    def label(self) -> str:
        """The lock file."""
        return NAME

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """See `Source.entries`. All files are had and verified before the first is given.

        Raises:
            FetchError: One cannot be had.
            HashMismatch: One has changed since it was locked.
        """
        wanted: dict[str, LockedFile] = {}
        for package in self.lock.packages:
            for file in package.files:
                path = f"{self.target}/{file.path}"
                parts = path.split("/")
                above = ("/".join(parts[:count]) for count in range(1, len(parts)))
                if all(select(folder, True) for folder in above) and select(path, False):
                    wanted[path] = file
        contents = self.fetcher.contents(wanted.values())
        for path in sorted(wanted, key=lambda path: path.split("/")):
            yield SourceEntry(path, wanted[path].url, _Content(contents[wanted[path].sha256]))


@dataclass(frozen=True, slots=True)
class _Content:
    data: bytes

    def __call__(self) -> bytes:
        return self.data
