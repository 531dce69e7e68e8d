"""Whether every import in an image finds its module, as the device would look for it.

Source: MicroPython py/builtinimport.c; SPEC.md, "How import resolves names".
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from romfs.check.firmware import is_known
from romfs.findings import Finding, Severity

_BASES = ("", "lib/")  # /rom and /rom/lib on sys.path, in this order


class Site(NamedTuple):
    """An import in a file of the image.

    Attributes:
        path: The file.
        name: Dotted name; "" in `from . import x`.
        level: Leading dots.
        names: What `from ... import` asks for.
        guarded: Whether a handler surrounds it.
        always: Whether importing the file runs it in any case.
        line: Source line, or None.
        offset: Of the instruction, from image start.
    """

    path: str
    name: str
    level: int
    names: tuple[str, ...]
    guarded: bool
    always: bool
    line: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class World:
    """Where imports may find modules.

    Attributes:
        files: Paths of the image.
        defines: Names each .mpy file defines; None where it may define any.
        port: Port of the board, if one is given.
        frozen: Modules frozen into its firmware.
        allowed: Patterns of module names that are elsewhere on the device.
    """

    files: Collection[str]
    defines: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    port: str | None = None
    frozen: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()

    def elsewhere(self, name: str) -> bool:
        """Whether the firmware has the module, or the user says that it is there."""
        top = name.partition(".")[0]
        return (
            name in self.frozen
            or top in self.frozen
            or is_known(top, self.port)
            or any(
                fnmatch.fnmatchcase(name, one) or fnmatch.fnmatchcase(top, one)
                for one in self.allowed
            )
        )


class _Module(NamedTuple):
    """What a dotted name leads to in the image: a directory, a file, or both of a package."""

    directory: str | None
    file: str | None


class _Tree:
    def __init__(self, files: Collection[str]) -> None:
        self.files = frozenset(files)
        self.directories = {
            path[:at] for path in self.files for at in range(len(path)) if path[at] == "/"
        }

    def at(self, path: str) -> _Module | None:
        """What is imported from `path`, without extension: directory, .py, .mpy."""
        if path in self.directories:
            inits = (f"{path}/__init__.py", f"{path}/__init__.mpy")
            return _Module(path, next((one for one in inits if one in self.files), None))
        for extension in (".py", ".mpy"):
            if path + extension in self.files:
                return _Module(None, path + extension)
        return None

    def top(self, name: str) -> _Module | None:
        return next((found for base in _BASES if (found := self.at(base + name))), None)


def module_name(path: str) -> tuple[str, bool]:
    """Dotted name under which a file is imported, and whether it is a package's own."""
    stem = path.rpartition(".")[0]
    stem = stem.removeprefix("lib/")
    package = stem == "__init__" or stem.endswith("/__init__")
    if package:
        stem = stem[: -len("/__init__")]
    return stem.replace("/", "."), package


def unresolved(sites: Collection[Site], world: World) -> Iterator[Finding]:
    """A finding for each import that would fail, and each name its module lacks."""
    tree = _Tree(world.files)
    for site in sites:
        yield from _resolve(site, tree, world)


def _resolve(site: Site, tree: _Tree, world: World) -> Iterator[Finding]:
    name = site.name
    if site.level:
        own, package = module_name(site.path)
        parts = own.split(".") if own else []
        drop = site.level - package
        if drop >= len(parts):
            yield _finding(site, "import-relative", f"{'.' * site.level}{name} leads above the top")
            return
        parts = parts[: len(parts) - drop]
        name = ".".join([*parts, name] if name else parts)
    top, *rest = name.split(".")
    found = tree.top(top)
    if found is None:
        if not world.elsewhere(name):
            yield _missing(site, name, "it is neither in the image nor in the firmware")
        return
    walked = top
    for part in rest:
        if found.directory is None:
            yield _missing(site, name, f"{walked} is a module and not a package")
            return
        inner = tree.at(f"{found.directory}/{part}")
        if inner is None:
            if not world.elsewhere(name):
                yield _missing(site, name, f"{found.directory}/ has no {part}")
            return
        found, walked = inner, f"{walked}.{part}"
    for wanted in site.names:
        if not _has(found, wanted, tree, world):
            yield Finding(
                "import-name",
                Severity.NOTE if site.guarded else Severity.WARNING,
                site.path,
                f"from {name} import {wanted}: {_shown(found)} does not define it",
                site.offset,
                site.line,
            )


def _has(module: _Module, name: str, tree: _Tree, world: World) -> bool:
    if name == "*" or name.startswith("__"):
        return True
    if module.directory is not None and tree.at(f"{module.directory}/{name}"):
        return True
    if module.file is None:
        return False
    defined = world.defines.get(module.file)
    return defined is None or name in defined


def _shown(module: _Module) -> str:
    return module.file or f"{module.directory}/"


def _missing(site: Site, name: str, why: str) -> Finding:
    return _finding(site, "import-missing", f"import {name}: {why}")


def _finding(site: Site, rule: str, message: str) -> Finding:
    if site.guarded:
        severity, message = Severity.NOTE, f"{message}; guarded by try"
    elif site.always:
        severity = Severity.ERROR
    else:
        severity, message = Severity.WARNING, f"{message}; it fails if this line is reached"
    return Finding(rule, severity, site.path, message, site.offset, site.line)
