"""Guest exceptions: what the host raised as the guest must see it, and tracebacks.

Guest exceptions are host exceptions, so that translated code catches them natively. The
host raises some of them itself, with its own texts and with classes MicroPython does not
have. `visible` turns such an exception into the one MicroPython would have raised; tiers
call it where a program could look: when a handler binds it, when it is printed, when it
leaves the program.

Source: MicroPython py/objexcept.c, py/runtime.c, py/vm.c (texts and traceback rules).
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from loader.host_texts import convert
from loader.text import (
    GENERATOR_STUB_MARK,
    GUEST_FILE_PREFIX,
    STUB_MARK,
    class_name,
    exception_text,
    is_guest_class,
)
from romfs.errors import RomfsError

if TYPE_CHECKING:
    from loader.code import Code

_CLASSES: dict[type[BaseException], type[BaseException]] = {
    UnboundLocalError: NameError,
    RecursionError: RuntimeError,
    ModuleNotFoundError: ImportError,
    FloatingPointError: ArithmeticError,
    TabError: IndentationError,
    BufferError: ValueError,
}


class Entry(NamedTuple):
    """One line of a traceback, innermost last as added."""

    file: str
    line: int
    name: str


_ENTRIES = ".entries"


def entries(exc: BaseException) -> list[Entry]:
    """Traceback entries of an exception, innermost first."""
    return [
        entry
        if isinstance(entry, Entry)
        else Entry(entry[0].context.file, entry[0].line(entry[1]), entry[0].name)
        for entry in exc.__dict__.get(_ENTRIES, ())
    ]


def add_entry(exc: BaseException, entry: Entry | tuple[Code, int]) -> None:
    """Note that the exception passed through this place: a line, or an ip in a function."""
    state = exc.__dict__
    if _ENTRIES in state:
        state[_ENTRIES].append(entry)
    else:
        state[_ENTRIES] = [entry]


def clear_entries(exc: BaseException) -> None:
    """Forget where the exception has been."""
    exc.__dict__.pop(_ENTRIES, None)
    exc.__traceback__ = None


def is_host_fault(exc: BaseException) -> bool:
    """Whether an exception is ours, not the guest's: no guest handler may see it."""
    return isinstance(exc, RomfsError | HostFault)


class HostFault(BaseException):
    """Base of what stops a run from outside: time or memory limits."""


explain: Callable[[BaseException], None] | None = None
"""Set by the translator: corrects the text of what the host raised in translated code."""


def absorb(exc: BaseException) -> None:
    """Turn host traceback frames of translated guest functions into entries.

    Args:
        exc: The exception; its host traceback is dropped.
    """
    if explain is not None and ".seen" not in exc.__dict__:
        explain(exc)
    trace = exc.__traceback__
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(GUEST_FILE_PREFIX) and not code.co_flags & 0x0800_0000:
            line = trace.tb_lineno
            if line and not is_stub(code):
                file = code.co_filename[len(GUEST_FILE_PREFIX) :]
                found.append(Entry(file, line, code.co_name))
        trace = trace.tb_next
    exc.__traceback__ = None
    if found:
        exc.__dict__.setdefault(_ENTRIES, []).extend(reversed(found))


def is_stub(code: types.CodeType) -> bool:
    """Whether a host code object only leads into the interpreter."""
    return bool(code.co_consts) and code.co_consts[-1] in (STUB_MARK, GENERATOR_STUB_MARK)


_KNOWN: frozenset[type[BaseException]] = frozenset(
    {
        BaseException, Exception, ArithmeticError, AssertionError, AttributeError, EOFError,
        GeneratorExit, ImportError, IndentationError, IndexError, KeyboardInterrupt, KeyError,
        LookupError, MemoryError, NameError, NotImplementedError, OSError, OverflowError,
        RuntimeError, StopIteration, StopAsyncIteration, SyntaxError, SystemExit, TypeError,
        UnicodeError, ValueError, ZeroDivisionError,
    }
)  # fmt: skip


def visible(exc: BaseException) -> BaseException:
    """The exception as the guest must see it.

    Returns:
        `exc` itself, its text converted if it came from the host, or a new exception where
        MicroPython has another class. Calling it again changes nothing.
    """
    state = exc.__dict__
    if ".seen" in state:
        return exc
    kind = type(exc)
    if kind not in _KNOWN and not is_guest_class(kind) and kind.__module__[:7] != "loader.":
        exc = _of_known_class(exc, kind)
        state = exc.__dict__
        kind = type(exc)
    if kind is IndexError and str(exc).startswith("cannot fit 'int'"):
        exc = _replace(exc, OverflowError(*exc.args))
        state, kind = exc.__dict__, OverflowError
    if explain is not None:
        explain(exc)
    state[".seen"] = True
    if exc.args and _is_from_host(state) and len(exc.args) == 1 and type(exc.args[0]) is str:
        text = convert(kind, exc.args[0])
        if text is not exc.args[0]:
            exc.args = (text,)
    return exc


def _is_from_host(state: dict[str, Any]) -> bool:
    return ".guest" not in state


def _of_known_class(exc: BaseException, kind: type[BaseException]) -> BaseException:
    better = _CLASSES.get(kind)
    if better is None:
        better = next(base for base in kind.__mro__ if base in _KNOWN)
    new: BaseException
    if isinstance(exc, OSError):
        new = OSError(exc.errno if exc.errno is not None else 5)
    elif isinstance(exc, UnicodeError):
        new = UnicodeError()
    else:
        new = better(*[arg for arg in exc.args if isinstance(arg, str | int)])
    return _replace(exc, new)


def _replace(exc: BaseException, new: BaseException) -> BaseException:
    """Put one exception in the place of another."""
    new.__dict__.update(exc.__dict__)
    new.__traceback__ = exc.__traceback__
    return new


def raised_by_guest(exc: BaseException) -> None:
    """Mark an exception the guest made: its text is the guest's own."""
    exc.__dict__[".guest"] = True


def format_exception(exc: BaseException) -> str:
    """The traceback and message, as MicroPython prints them.

    Source: MicroPython py/obj.c, mp_obj_print_exception.
    """
    exc = visible(exc)
    absorb(exc)
    lines = []
    found = entries(exc)
    if found:
        lines.append("Traceback (most recent call last):\n")
        for entry in reversed(found):
            where = f'  File "{entry.file}", line {entry.line}'
            lines.append(f"{where}, in {entry.name}\n" if entry.name else where + "\n")
    name = class_name(type(exc))
    text = exception_text(exc)
    lines.append(f"{name}: {text}\n" if text else f"{name}: \n")
    return "".join(lines)
