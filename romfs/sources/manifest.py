"""A MicroPython manifest.py as a source: what would be frozen goes into the image.

Source for what each function means: MicroPython docs/reference/manifest.rst and
tools/manifestfile.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from romfs.errors import BuildError
from romfs.sources.base import Select, SourceEntry
from romfs.sources.restricted import run_restricted

LIBRARIES = ("micropython", "python-stdlib", "python-ecosys")
"""Directories of micropython-lib in which `require` looks, in this order."""

_VARIABLE = re.compile(r"\$\(([^)]*)\)")

Require = Callable[[str, str | None], Iterable[SourceEntry] | None]
"""Finds a package elsewhere, by name and version: its files, or None."""


@dataclass(frozen=True)
class ManifestOptions:
    """What a manifest may use besides its own directory.

    Attributes:
        variables: Name -> directory, for `$(NAME)` in paths: MPY_DIR, MPY_LIB_DIR,
            PORT_DIR, BOARD_DIR and others. An empty directory skips what is named
            through the variable: that stays in the firmware.
        allow: More directories it may read from.
        require: Where packages come from that no local library has.
    """

    variables: Mapping[str, Path | None] = field(default_factory=dict)
    allow: tuple[Path, ...] = ()
    require: Require | None = None


@dataclass
class Metadata:
    """What a manifest's `metadata()` says of its package."""

    version: str | None = None
    description: str | None = None
    license: str | None = None
    author: str | None = None
    stdlib: bool = False
    pypi: str | None = None
    pypi_publish: str | None = None
    given: bool = False


class _Options:
    """The `options` of a manifest: what `include()` was given, then its own defaults."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = dict(given)
        self._defaults: dict[str, object] = {}

    def defaults(self, **values: object) -> None:
        """Values of options that were not given."""
        self._defaults = values

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._given.get(name, self._defaults.get(name))


class ManifestSource:
    """The files a manifest names.

    Args:
        path: The manifest; its directory is the tree it may read.
        options: What else it may use.

    Attributes:
        notes: What a user should know; known once `entries` has been asked.
    """

    def __init__(self, path: Path, options: ManifestOptions | None = None) -> None:
        self.path = path
        self.options = options or ManifestOptions()
        self.notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The manifest, as given."""
        return str(self.path)

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """See `Source.entries`.

        Raises:
            BuildError: The manifest fails, names what is not there or not allowed, or
                gives one path two contents.
        """
        found = self.evaluate()
        self.notes = tuple(found.notes)
        for path in sorted(found.files, key=lambda path: path.split("/")):
            parts = path.split("/")
            above = ("/".join(parts[:count]) for count in range(1, len(parts)))
            if all(select(folder, True) for folder in above) and select(path, False):
                yield found.files[path]

    def evaluate(self) -> Evaluation:
        """Run the manifest.

        Raises:
            BuildError: As for `entries`.
        """
        run = Evaluation(self.path, self.options)
        run.include(str(self.path.resolve()))
        return run


class Evaluation:
    """One run of a manifest and those it includes.

    Attributes:
        files: Path in the image -> entry.
        notes: What a user should know.
        metadata: Of the outermost manifest.
    """

    def __init__(self, path: Path, options: ManifestOptions) -> None:
        self.files: dict[str, SourceEntry] = {}
        self.notes: list[str] = []
        self.metadata = Metadata()
        self._options = options
        self._top = path
        self._root = path.resolve().parent
        # Allowed are the tree, what the user named, and libraries inside either.
        named = [directory for directory in options.variables.values() if directory is not None]
        self._allowed = [self._root, *(p.resolve() for p in (*named, *options.allow))]
        self._here = self._root
        self._stack = [self.metadata]
        self._visited: set[Path] = set()
        self._libraries: dict[str, Path] = {}
        library = options.variables.get("MPY_LIB_DIR")
        if library is not None:
            self._libraries = {name: library / name for name in LIBRARIES}

    def include(self, manifest: str | Iterable[str], **options: object) -> None:
        """Run another manifest, or several; a directory stands for its manifest.py."""
        if not isinstance(manifest, str):
            for each in manifest:
                self.include(each, **options)
            return
        path = self._resolve(manifest)
        if path is not None:
            self._run(path / "manifest.py" if path.is_dir() else path, options)

    def _run(self, path: Path, options: Mapping[str, object]) -> None:
        if path in self._visited:
            return
        self._visited.add(path)
        before, self._here = self._here, path.parent
        try:
            run_restricted(path, self._names(options), self._shown(path))
        finally:
            self._here = before

    def _names(self, options: Mapping[str, object]) -> dict[str, object]:
        return {
            "metadata": self._metadata,
            "include": self.include,
            "require": self.require,
            "add_library": self.add_library,
            "package": self.package,
            "module": self.module,
            "c_module": self.c_module,
            "freeze": self.freeze,
            "freeze_as_str": self.freeze_as_str,
            "freeze_as_mpy": self.freeze_as_mpy,
            "freeze_mpy": self.freeze_mpy,
            "options": _Options(options),
        }

    def _metadata(self, **values: object) -> Metadata:
        """What the manifest says of its package; may be called once."""
        mine = self._stack[-1]
        if values:
            if mine.given:
                raise BuildError("metadata() is called twice")
            unknown = sorted(set(values) - (set(Metadata.__dataclass_fields__) - {"given"}))
            if unknown:
                raise BuildError(f"metadata() has no {unknown[0]!r}")
            for name, value in values.items():
                setattr(mine, name, value)
            mine.given = True
        return mine

    def require(
        self,
        name: str,
        version: str | None = None,
        pypi: str | None = None,
        library: str | None = None,
        **options: object,
    ) -> None:
        """A package of micropython-lib, or of a library added before, or of the index."""
        if library is not None and library not in self._libraries:
            raise BuildError(f"require({name!r}): no library {library!r} was added")
        libraries = self._libraries if library is None else {library: self._libraries[library]}
        for place in libraries.values():
            folder = _find_package(place, name)
            if folder is not None:
                self._stack.append(Metadata())
                try:
                    self._run(self._allow(folder / "manifest.py"), options)
                finally:
                    self._stack.pop()
                return
        remote = None
        if library is None and self._options.require is not None:
            remote = self._options.require(name, version)
        if remote is None:
            raise BuildError(
                f"require({name!r}): not in "
                f"{', '.join(str(p) for p in libraries.values()) or 'any library'}; give a "
                "micropython-lib tree as MPY_LIB_DIR, or add the package to `packages`"
            )
        for entry in remote:
            self._put(entry)

    def add_library(self, library: str, library_path: str, prepend: bool = False) -> None:
        """A directory in which `require` looks, too."""
        path = self._resolve(library_path)
        if path is None:
            return
        if prepend:
            self._libraries = {library: path, **self._libraries}
        else:
            self._libraries[library] = path

    def module(self, module_path: str, base_path: str = ".", opt: int | None = None) -> None:
        """One .py file."""
        if not module_path.endswith(".py"):
            raise BuildError(f"module({module_path!r}): a module is a .py file")
        base = self._resolve(base_path)
        if base is not None:
            self._add(base, module_path, opt=opt)

    def package(
        self,
        package_path: str,
        files: Iterable[str] | None = None,
        base_path: str = ".",
        opt: int | None = None,
    ) -> None:
        """A package: all .py files below a directory, or those named."""
        base = self._resolve(base_path)
        if base is None:
            return
        if files is not None:
            for file in files:
                self._add(base, f"{package_path}/{file}", opt=opt)
        else:
            self._search(base, package_path, (".py",), opt=opt)

    def c_module(self, module_path: str) -> None:
        """A module in C: part of the firmware, so not of an image."""
        self.notes.append(f"c_module({module_path!r}) is part of the firmware, not of the image")

    def freeze(
        self, path: str, script: str | Iterable[str] | None = None, opt: int | None = None
    ) -> None:
        """All .py and .mpy files of a directory, or the file, directory or files named."""
        self._freeze(path, script, (".py", ".mpy"), opt=opt)

    def freeze_as_mpy(
        self, path: str, script: str | Iterable[str] | None = None, opt: int | None = None
    ) -> None:
        """The same of .py files only."""
        self._freeze(path, script, (".py",), opt=opt)

    def freeze_mpy(
        self, path: str, script: str | Iterable[str] | None = None, opt: int | None = None
    ) -> None:
        """The same of .mpy files only."""
        self._freeze(path, script, (".mpy",), opt=opt)

    def freeze_as_str(self, path: str) -> None:
        """All .py files of a directory, which stay source and are compiled on import."""
        self._freeze(path, None, (".py",), keep=True)

    def _freeze(
        self,
        path: str,
        script: str | Iterable[str] | None,
        suffixes: tuple[str, ...],
        *,
        opt: int | None = None,
        keep: bool = False,
    ) -> None:
        base = self._resolve(path)
        if base is None:
            return
        if not base.is_dir():
            raise BuildError(f"{path!r} is not a directory")
        if script is None:
            self._search(base, "", suffixes, opt=opt, keep=keep)
        elif isinstance(script, str) and (base / script).is_dir():
            self._search(base, script, suffixes, opt=opt, keep=keep)
        else:
            for each in (script,) if isinstance(script, str) else script:
                self._add(base, each, opt=opt, keep=keep, suffixes=suffixes)

    def _search(
        self,
        base: Path,
        below: str,
        suffixes: tuple[str, ...],
        *,
        opt: int | None = None,
        keep: bool = False,
    ) -> None:
        top = self._allow(base / below)
        if not top.is_dir():
            raise BuildError(f"there is no directory {below!r} in {self._shown(base)}")
        seen: set[Path] = set()
        for folder, folders, names in os.walk(top, followlinks=True):
            here = Path(folder).resolve()
            if here in seen:
                folders.clear()  # links that lead in a circle
                continue
            seen.add(here)
            folders.sort()
            for name in sorted(names):
                if Path(name).suffix.lower() in suffixes:
                    inside = Path(os.path.normpath(Path(folder) / name)).relative_to(base)
                    self._add(base, inside.as_posix(), opt=opt, keep=keep)

    def _add(
        self,
        base: Path,
        inside: str,
        *,
        opt: int | None = None,
        keep: bool = False,
        suffixes: tuple[str, ...] = (".py",),
    ) -> None:
        """Take one file; `inside` is its path below `base` and in the image."""
        target = os.path.normpath(inside).replace(os.sep, "/")
        if target.startswith(("../", "/")) or target == "..":
            raise BuildError(f"{inside!r} leads out of {self._shown(base)}")
        host = self._allow(base / target)
        if not host.is_file():
            raise BuildError(f"there is no file {inside!r} in {self._shown(base)}")
        if opt is not None and opt not in range(4):
            raise BuildError(f"{inside!r}: opt is {opt}, mpy-cross knows 0 to 3")
        version = self._stack[-1].version
        self._put(SourceEntry(target, str(host), _Reader(host, version), keep, opt))

    def _put(self, entry: SourceEntry) -> None:
        before = self.files.setdefault(entry.path, entry)
        if before.origin != entry.origin:
            raise BuildError(
                f"{entry.path} is given twice: by {before.origin} and by {entry.origin}"
            )

    def _resolve(self, path: str) -> Path | None:
        """A path of the manifest on this host; None if it is in a skipped variable."""
        if not isinstance(path, str):
            raise BuildError(f"a path is a string, not {path!r}")
        for name in _VARIABLE.findall(path):
            if name not in self._options.variables:
                raise BuildError(
                    f"$({name}) has no value; set it with --manifest-var {name}=DIR, or skip "
                    f"what is there, as part of the firmware, with --manifest-var {name}="
                )
            value = self._options.variables[name]
            if value is None:
                self.notes.append(f"{path} is part of the firmware and was skipped")
                return None
            path = path.replace(f"$({name})", str(value.resolve()))
        return self._allow(self._here / path)

    def _allow(self, path: Path) -> Path:
        """The path, with links followed, if the manifest may read there."""
        real = path.resolve()
        if not any(real.is_relative_to(place) for place in self._allowed):
            raise BuildError(
                f"{real} is outside {self._root}; to let the manifest read there, give "
                f"--manifest-allow {real if real.is_dir() else real.parent}"
            )
        # Links inside the tree keep their name in the image.
        return Path(os.path.normpath(path)) if path.is_absolute() else real

    def _shown(self, path: Path) -> str:
        """A path as the user knows it: relative to the manifest given, where inside."""
        top = self._top.parent
        if path.is_relative_to(self._root):
            return str(top / path.relative_to(self._root))
        return str(path)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a file, and gives a module its package's version as freezing does."""

    path: Path
    version: str | None

    def __call__(self) -> bytes:
        data = self.path.read_bytes()
        if self.version and self.path.suffix == ".py" and b"__version__ =" not in data:
            data += f"\n\n__version__ = {self.version!r}\n".encode()
        return data


def _find_package(library: Path, name: str) -> Path | None:
    """The directory of that name with a manifest, anywhere below a library."""
    for folder, folders, names in os.walk(library):
        folders.sort()
        if Path(folder).name == name and "manifest.py" in names:
            return Path(folder)
    return None
