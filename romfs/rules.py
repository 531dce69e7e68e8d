"""Rules about the files of an image that need no more than their names and headers.

`build` applies them to what it is about to lay out. Each function is one rule and says
in its docstring why the rule exists.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from romfs.errors import MpyError
from romfs.findings import Finding, Severity
from romfs.target import FIXED_MODULES, Target

if TYPE_CHECKING:
    from romfs.mpy import Mpy

Files = Mapping[str, bytes | memoryview]
Rule = Callable[[Files, Target], Iterator[Finding]]


def py_hides_mpy(files: Files, target: Target) -> Iterator[Finding]:
    """An import looks for x.py before x.mpy, compiles it on the device, and nothing of
    it executes in place."""
    for path in files:
        if path.endswith(".py") and path[:-3] + ".mpy" in files:
            yield Finding(
                "py-hides-mpy",
                Severity.ERROR,
                path,
                f"the device imports this and never {path[:-3]}.mpy, so nothing executes in "
                "place; leave one of them out",
            )


def directory_hides_module(files: Files, target: Target) -> Iterator[Finding]:
    """A directory wins over a module of its name, even without an __init__."""
    folders = _folders(files)
    for path in files:
        stem, dot, kind = path.rpartition(".")
        if dot and kind in ("py", "mpy") and stem in folders:
            yield Finding(
                "shadowed-module",
                Severity.ERROR,
                path,
                f"can never be imported: the directory {stem}/ of the same name wins; rename one",
            )


def builtin_hides_module(files: Files, target: Target) -> Iterator[Finding]:
    """Some built-in modules cannot be replaced, and frozen ones come first on sys.path."""
    for path, name in _top_level_modules(files):
        if name in FIXED_MODULES:
            why = "a built-in module that no file can replace"
        elif name in target.frozen:
            why = f"frozen into the firmware of {target.board}, which comes first on sys.path"
        else:
            continue
        yield Finding(
            "shadowed-by-firmware",
            Severity.WARNING,
            path,
            f"can never be imported: {name} is {why}",
        )


def library_shadowed(files: Files, target: Target) -> Iterator[Finding]:
    """/rom comes before /rom/lib on sys.path."""
    first: dict[str, str] = {}
    for path, name in _top_level_modules(files):
        if not path.startswith("lib/"):
            first.setdefault(name, path)
    seen = set()
    for path, name in _top_level_modules(files):
        if path.startswith("lib/") and name in first and name not in seen and name != "lib":
            seen.add(name)
            yield Finding(
                "shadowed-module",
                Severity.WARNING,
                path,
                f"never imported: {first[name]} comes first, since /rom precedes /rom/lib on "
                "sys.path",
            )


def auto_run_names(files: Files, target: Target) -> Iterator[Finding]:
    """boot.py and main.py are looked up in the current directory, which is not /rom."""
    for stem in ("boot", "main"):
        for path in (f"{stem}.py", f"{stem}.mpy"):
            if path in files and not target.runs_main:
                yield Finding(
                    "not-auto-run",
                    Severity.WARNING,
                    path,
                    f"the firmware does not run {stem} from /rom; import it from {stem}.py on the "
                    "board's own file system, or from boot.py",
                )


def case_clash(files: Files, target: Target) -> Iterator[Finding]:
    """An image tells case apart; a source tree on macOS or Windows may not."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in (*files, *_folders(files)):
        groups[path.casefold()].append(path)
    for group in groups.values():
        if len(group) > 1:
            yield Finding(
                "case-clash",
                Severity.WARNING,
                group[0],
                f"differs only in case from {', '.join(group[1:])}; some host file systems hold "
                "only one of them",
            )


def mpy_files(files: Files, target: Target) -> Iterator[Finding]:
    """A device checks little of a .mpy file and its loader hangs on a truncated one."""
    from romfs.mpy import parse_mpy  # needed only where there are such files

    for path, data in files.items():
        if not path.endswith(".mpy"):
            continue
        try:
            mpy = parse_mpy(memoryview(data))
        except MpyError as error:
            yield Finding(
                "bad-mpy", Severity.ERROR, path, f"not a .mpy file a device can load: {error}"
            )
            continue
        yield from _abi(path, mpy, target)


def _abi(path: str, mpy: Mpy, target: Target) -> Iterator[Finding]:
    from romfs.mpy import CodeKind

    header = mpy.header
    reason = target.refuses(header)
    if reason is not None:
        native = f"{header.arch_name} code, ABI 6.{header.sub_version}, " if header.arch else ""
        yield Finding(
            "incompatible-mpy",
            Severity.ERROR,
            path,
            f"{target.board} refuses it with ValueError: {reason} (the file: {native}small ints "
            f"of {header.small_int_bits} bits)",
        )
    count = sum(raw.kind != CodeKind.BYTECODE for raw in mpy.root.walk())
    if count:
        size = sum(len(raw.code) for raw in mpy.root.walk() if raw.kind != CodeKind.BYTECODE)
        yield Finding(
            "native-code",
            Severity.NOTE,
            path,
            f"{size} bytes of {header.arch_name} machine code in {count} function"
            f"{'s' * (count > 1)} are copied to RAM at import; only bytecode executes in place",
        )


RULES: tuple[Rule, ...] = (
    py_hides_mpy,
    directory_hides_module,
    builtin_hides_module,
    library_shadowed,
    auto_run_names,
    case_clash,
)
"""Rules over names alone; `mpy_files` reads contents and is applied where they are not
fresh from the compiler."""


def examine_names(files: Files, target: Target) -> Iterator[Finding]:
    """Apply every rule that needs only names."""
    for rule in RULES:
        yield from rule(files, target)


def _folders(files: Files) -> set[str]:
    found: set[str] = set()
    for path in files:
        while "/" in path:
            path = path.rpartition("/")[0]
            if path in found:
                break
            found.add(path)
    return found


def _top_level_modules(files: Files) -> Iterator[tuple[str, str]]:
    """(path, module name) of what an `import name` finds in /rom and /rom/lib."""
    packages: set[str] = set()
    for path in files:
        base = "lib/" if path.startswith("lib/") else ""
        name, slash, _ = path[len(base) :].partition("/")
        if slash:
            if base + name not in packages:
                packages.add(base + name)
                yield f"{base}{name}/", name
            continue
        stem, _, kind = name.rpartition(".")
        if kind in ("py", "mpy"):
            yield path, stem
