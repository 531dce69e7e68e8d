"""The project's configuration: `romfs.toml`, or `[tool.romfs]` of `pyproject.toml`.

Reading is strict: an unknown key is an error that names the known ones, since a
misspelt `exclude` that excludes nothing ends on a device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from romfs.errors import ConfigError
from romfs.sizes import parse_size

NAMES = ("romfs.toml", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings for the files that match a pattern; later rules win.

    Attributes:
        match: gitignore-style pattern of source paths.
        optimize: Level for `mpy-cross -O`, 0 to 3.
        keep: Leave a .py file as it is instead of compiling it.
        align: Bytes the data must be aligned to, from image start.
        march: Native architecture for `mpy-cross -march`.
        order: Rank among siblings and in the data; lower comes first, 0 if not given.
    """

    match: str
    optimize: int | None = None
    keep: bool | None = None
    align: int | None = None
    march: str | None = None
    order: int | None = None


@dataclass(frozen=True, slots=True)
class ImageTable:
    """One of several images that a project consists of, each for a partition.

    Attributes:
        name: Part of the file name.
        partition: Which of a board's partitions it is for.
        source: What it is built from, instead of the project's source.
        include: Added to the project's patterns.
        exclude: Likewise.
        size: Of its partition, where the board leaves it open.
        budget: Most bytes it may have.
        boards: Built for each of these, instead of the project's boards.
    """

    name: str
    partition: int = 0
    source: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    size: int | None = None
    budget: int | None = None
    boards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """What a configuration file says.

    Attributes:
        path: The file, or None where there is none.
        source: Directory or file to build from, relative to the configuration file.
        include: gitignore-style patterns; if there are any, only matching files are taken.
        exclude: gitignore-style patterns of what is left out, after the default ones.
        rules: Settings per pattern.
        board: Board name or board file, the latter relative to the configuration file.
        boards: Several of them: `romfs build --all` builds for each.
        images: Several images: `romfs build --all` builds each.
        version: The user's version of the application.
        size: Size of the partition in bytes, where the board leaves it to a build option.
        budget: Most bytes the image may have, if less than the partition.
        allow: Rules whose findings are accepted.
        packages: mip packages to add.
        manifest_variables: What `$(NAME)` in a manifest.py stands for: name and directory,
            relative to the configuration file; an empty one skips what it names.
        manifest_allow: Directories, likewise, that a manifest.py may read, too.
    """

    path: Path | None = None
    source: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    board: str | None = None
    boards: tuple[str, ...] = ()
    images: tuple[ImageTable, ...] = ()
    version: str | None = None
    size: int | None = None
    budget: int | None = None
    allow: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    manifest_variables: tuple[tuple[str, str], ...] = ()
    manifest_allow: tuple[str, ...] = ()


def find_config(start: Path) -> Config:
    """The configuration for a source: the nearest one in its directory or above.

    The search ends at the first directory that holds a configuration, or the top of a
    version-controlled tree.

    Raises:
        ConfigError: It cannot be understood.
    """
    folder = start.resolve()
    if not folder.is_dir():
        folder = folder.parent
    for place in (folder, *folder.parents):
        for name in NAMES:
            path = place / name
            if path.is_file() and (found := load_config(path)) is not None:
                return found
        if (place / ".git").exists():
            break
    return Config()


def load_config(path: Path) -> Config | None:
    """Read one file; None for a pyproject.toml without `[tool.romfs]`.

    Raises:
        ConfigError: It is not TOML, or holds an unknown key or a value of the wrong type.
        OSError: It cannot be read.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    if path.name == "pyproject.toml":
        table = document.get("tool", {}).get("romfs")
        if table is None:
            return None
        where = f"{path}: [tool.romfs]"
    else:
        table, where = document, str(path)
    return _config(path, _Table(table, where))


def _config(path: Path, table: _Table) -> Config:
    config = Config(
        path=path,
        source=table.text("source"),
        include=table.texts("include"),
        exclude=table.texts("exclude"),
        rules=tuple(_rule(row) for row in table.tables("rules")),
        board=table.text("board"),
        boards=table.texts("boards"),
        images=tuple(_image(row) for row in table.tables("images")),
        version=table.text("version"),
        size=table.size("size"),
        budget=table.size("budget"),
        allow=table.texts("allow"),
        packages=table.texts("packages"),
    )
    manifest = table.table("manifest")
    variables = manifest.table("variables")
    config = replace(
        config,
        manifest_variables=tuple((name, variables.text(name) or "") for name in variables.rows),
        manifest_allow=manifest.texts("allow"),
    )
    table.done()
    manifest.done()
    return config


def _image(table: _Table) -> ImageTable:
    name = table.text("name")
    if not name or "/" in name:
        raise ConfigError(f'{table.where}: an image needs name = "...", without a slash')
    image = ImageTable(
        name=name,
        partition=table.integer("partition") or 0,
        source=table.text("source"),
        include=table.texts("include"),
        exclude=table.texts("exclude"),
        size=table.size("size"),
        budget=table.size("budget"),
        boards=table.texts("boards"),
    )
    table.done()
    return image


def _rule(table: _Table) -> Rule:
    match = table.text("match")
    if match is None:
        raise ConfigError(f'{table.where}: a rule needs match = "pattern"')
    optimize = table.integer("optimize")
    if optimize is not None and optimize not in range(4):
        raise ConfigError(f"{table.where}: optimize is {optimize}, mpy-cross knows 0 to 3")
    align = table.size("align")
    if align is not None and (align < 1 or align & (align - 1)):
        raise ConfigError(f"{table.where}: align is {align}, not a power of two")
    rule = Rule(
        match=match,
        optimize=optimize,
        keep=table.flag("keep"),
        align=align,
        march=table.text("march"),
        order=table.integer("order"),
    )
    table.done()
    return rule


class _Table:
    """Typed access to one TOML table; `done` complains of what was not asked for."""

    def __init__(self, rows: Any, where: str) -> None:
        if not isinstance(rows, dict):
            raise ConfigError(f"{where} must be a table")
        self.rows: dict[str, Any] = rows
        self.where = where
        self.known: list[str] = []

    def _get(self, key: str, kind: type, what: str) -> Any:
        self.known.append(key)
        value = self.rows.get(key)
        if value is not None and (
            not isinstance(value, kind) or isinstance(value, bool) != (kind is bool)
        ):
            raise ConfigError(f"{self.where}: {key} must be {what}, not {value!r}")
        return value

    def text(self, key: str) -> str | None:
        value: str | None = self._get(key, str, "a string")
        return value

    def integer(self, key: str) -> int | None:
        value: int | None = self._get(key, int, "a whole number")
        return value

    def flag(self, key: str) -> bool | None:
        value: bool | None = self._get(key, bool, "true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key, list, "a list of strings") or ()
        if not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{self.where}: {key} must be a list of strings")
        return tuple(value)

    def table(self, key: str) -> _Table:
        """A table in this one; an empty one where there is none."""
        return _Table(self._get(key, dict, "a table") or {}, f"{self.where}: {key}")

    def tables(self, key: str) -> tuple[_Table, ...]:
        value = self._get(key, list, "a list of tables") or ()
        return tuple(_Table(row, f"{self.where}: {key}[{n}]") for n, row in enumerate(value))

    def size(self, key: str) -> int | None:
        self.known.append(key)
        value = self.rows.get(key)
        if value is None:
            return None
        try:
            return parse_size(value)
        except ConfigError as error:
            raise ConfigError(f"{self.where}: {key}: {error}") from None

    def done(self) -> None:
        for key in self.rows:
            if key not in self.known:
                import difflib

                close = difflib.get_close_matches(key, self.known, 1)
                hint = (
                    f"; did you mean {close[0]}?" if close else f"; known: {', '.join(self.known)}"
                )
                raise ConfigError(f"{self.where}: unknown key {key}{hint}")
