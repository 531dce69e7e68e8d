"""Running a manifest file with nothing in reach but what it is given.

A manifest is Python, and is run by the build of whoever checks a project out. So it is
run without imports, without builtins that touch files or the interpreter, and without
access to the attributes through which Python code reaches those anyway (every dunder,
frames, code objects). Names and attributes are checked in the syntax tree before a line
runs. It may still loop forever.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from pathlib import Path

from romfs.errors import BuildError

_BUILTINS = (
    "False None True abs all any bool bytes dict divmod enumerate filter float frozenset int "
    "isinstance iter len list map max min next ord chr pow range repr reversed round set slice "
    "sorted str sum tuple zip print Exception ValueError TypeError KeyError IndexError "
    "NameError RuntimeError StopIteration AttributeError NotImplementedError AssertionError"
)
SAFE_BUILTINS: dict[str, object] = {
    name: getattr(builtins, name) for name in _BUILTINS.split() if name != "print"
}

# How generators, coroutines, frames, tracebacks, code and functions name their insides.
_INSIDES = ("gi_", "cr_", "ag_", "f_", "tb_", "co_", "func_", "im_")
# Their format strings look up attributes by names the syntax tree does not show.
_FORMATTING = ("format", "format_map", "mro")


def run_restricted(path: Path, names: Mapping[str, object], shown: str) -> None:
    """Run a file with `names` and the safe builtins as its globals.

    Args:
        path: The file.
        names: What it may call.
        shown: The file's name in messages.
    Raises:
        BuildError: It cannot be read, uses what it may not, or fails; names the line.
    """
    try:
        text = path.read_text("utf-8")
        tree = ast.parse(text, shown)
    except OSError as error:
        raise BuildError(f"cannot be read: {error.strerror}", path=shown) from None
    except UnicodeDecodeError:
        raise BuildError("is not UTF-8", path=shown) from None
    except SyntaxError as error:
        place = shown if error.lineno is None else f"{shown}:{error.lineno}"
        raise BuildError(f"{error.msg}", path=place) from None
    except (MemoryError, RecursionError, ValueError) as error:
        # What Python's parser says of text nested too deep, or with NUL bytes.
        why = str(error) or "nested too deep"
        raise BuildError(f"cannot be parsed: {why}", path=shown) from None
    for node in ast.walk(tree):
        _check(node, shown)
    scope = {"__builtins__": {**SAFE_BUILTINS, "print": _silent}, "__name__": "__main__", **names}
    try:
        exec(compile(tree, shown, "exec", dont_inherit=True), scope)
    except BuildError as error:
        if error.path is None:
            raise BuildError(str(error), path=_where(error, shown)) from error.__cause__
        raise
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        raise BuildError(message, path=_where(error, shown)) from error


def _silent(*_values: object, **_options: object) -> None:
    """What `print` does: a build's output is not a manifest's to write to."""


def _check(node: ast.AST, shown: str) -> None:
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Import | ast.ImportFrom):
        raise BuildError(
            "a manifest cannot import, it is run without access to files and modules; to build "
            "a program, name its directory",
            path=f"{shown}:{line}",
        )
    if isinstance(node, ast.Attribute):
        name = node.attr
        if name.startswith(("_", *_INSIDES)) or name in _FORMATTING:
            raise BuildError(f"a manifest cannot use .{name}", path=f"{shown}:{line}")
    if isinstance(node, ast.Name) and node.id.startswith("__") and node.id != "__name__":
        raise BuildError(f"a manifest cannot use {node.id}", path=f"{shown}:{line}")
    if isinstance(node, ast.MatchClass):
        # A class pattern reads attributes, too.
        raise BuildError("a manifest cannot match classes", path=f"{shown}:{line}")


def _where(error: BaseException, shown: str) -> str:
    """The file, with the line of it in which the error arose."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == shown:
            line = trace.tb_lineno
        trace = trace.tb_next
    return shown if line is None else f"{shown}:{line}"
