"""romfs.lock: which files the packages of a project are, to the byte.

The lock file is TOML, written in one way only, so that equal locks are equal files. A
build takes its packages from nowhere else: every file is fetched by the URL recorded and
must have the SHA-256 recorded.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from romfs.errors import ConfigError

VERSION = 1
NAME = "romfs.lock"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class LockedFile:
    """One file of a package.

    Attributes:
        path: Below the library directory.
        url: Where it is fetched.
        sha256: Of its content, in hexadecimal.
        size: Bytes.
    """

    path: str
    url: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LockedPackage:
    """A package as it was found.

    Attributes:
        request: What was asked for: an entry of `packages`, or a dependency.
        name: Name in the index, or the URL.
        version: What it says its version is; empty if it says none.
        url: Where its description was.
        requires: Requests of its dependencies.
        files: Sorted by path.
    """

    request: str
    name: str
    version: str
    url: str
    requires: tuple[str, ...] = ()
    files: tuple[LockedFile, ...] = ()


@dataclass(frozen=True)
class Lock:
    """A lock file.

    Attributes:
        index: URL of the package index used.
        mpy: "6" for compiled packages of that bytecode version, "py" for source.
        packages: Everything needed, sorted by name.
        requested: The project's `packages` that this answers.
    """

    index: str
    mpy: str
    requested: tuple[str, ...] = ()
    packages: tuple[LockedPackage, ...] = ()

    def find(self, name: str) -> LockedPackage | None:
        """The package of that name."""
        return next((package for package in self.packages if package.name == name), None)

    def check_answers(self, requested: tuple[str, ...]) -> None:
        """Check that this is the lock of these requests.

        Raises:
            ConfigError: Some are missing, or no longer wanted.
        """
        missing = sorted(set(requested) - set(self.requested))
        extra = sorted(set(self.requested) - set(requested))
        if missing or extra:
            what = f"does not have {missing[0]}" if missing else f"still has {extra[0]}"
            raise ConfigError(f"{NAME} {what}: it is older than `packages`; run `romfs lock`")

    def dumps(self) -> str:
        """The text of the file."""
        out = [
            "# Written by `romfs lock`. Keep it under version control; do not edit it.",
            f"version = {VERSION}",
            f"index = {_quoted(self.index)}",
            f"mpy = {_quoted(self.mpy)}",
            f"requested = {_list(self.requested)}",
        ]
        for package in self.packages:
            out += [
                "",
                "[[package]]",
                f"name = {_quoted(package.name)}",
                f"version = {_quoted(package.version)}",
                f"request = {_quoted(package.request)}",
                f"url = {_quoted(package.url)}",
                f"requires = {_list(package.requires)}",
            ]
            for file in package.files:
                out += [
                    "",
                    "[[package.file]]",
                    f"path = {_quoted(file.path)}",
                    f"url = {_quoted(file.url)}",
                    f"sha256 = {_quoted(file.sha256)}",
                    f"size = {file.size}",
                ]
        return "\n".join(out) + "\n"


def _quoted(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\"}
    return (
        '"'
        + "".join(
            escapes.get(char, char) if char.isprintable() else f"\\U{ord(char):08x}"
            for char in text
        )
        + '"'
    )


def _list(texts: tuple[str, ...]) -> str:
    if not texts:
        return "[]"
    return "[\n" + "".join(f"    {_quoted(text)},\n" for text in texts) + "]"


def check_path(path: str) -> str:
    """A package's path for a file, if it stays below the library directory.

    Raises:
        ConfigError: It does not, or is no path.
    """
    parts = PurePosixPath(path).parts
    if (
        not parts
        or path != "/".join(parts)
        or path.startswith("/")
        or ".." in parts
        or "\\" in path
        or not path.isprintable()
    ):
        raise ConfigError(f"a package gives a file the path {path!r}, which leads elsewhere")
    return path


def loads(text: str, shown: str = NAME) -> Lock:
    """Read the text of a lock file, strictly.

    Raises:
        ConfigError: It is not one, or of a later version.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown}: {error}") from None
    if table.get("version") != VERSION:
        raise ConfigError(f"{shown}: version {table.get('version')!r}, this romfs reads {VERSION}")
    try:
        packages = tuple(
            LockedPackage(
                _text(row, "request"),
                _text(row, "name"),
                _text(row, "version"),
                _text(row, "url"),
                _texts(row, "requires"),
                tuple(_file(file) for file in row.get("file", ())),
            )
            for row in table.get("package", ())
        )
        return Lock(
            _text(table, "index"), _text(table, "mpy"), _texts(table, "requested"), packages
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{shown}: {_what(error)}; write it anew with `romfs lock`") from None


def _what(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _text(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is {value!r}, not a string")
    return value


def _texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    value = row[key]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{key} is {value!r}, not a list of strings")
    return tuple(value)


def _file(row: dict[str, Any]) -> LockedFile:
    digest = _text(row, "sha256")
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"{digest!r} is no SHA-256")
    size = row["size"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError(f"size is {size!r}")
    return LockedFile(check_path(_text(row, "path")), _text(row, "url"), digest, size)
