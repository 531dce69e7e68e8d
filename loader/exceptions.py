"""Guest exceptions: what the host raised as the guest must see it, and tracebacks.

Guest exceptions are host exceptions, so that translated code catches them natively. The
host raises some of them itself, with its own texts and with classes MicroPython does not
have. `visible` turns such an exception into the one MicroPython would have raised; tiers
call it where a program could look: when a handler binds it, when it is printed, when it
leaves the program.

Source: MicroPython py/objexcept.c, py/runtime.c, py/vm.c (texts and traceback rules).
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

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


def absorb(exc: BaseException) -> None:
    """Turn host traceback frames of translated guest functions into entries.

    Args:
        exc: The exception; its host traceback is dropped.
    """
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


# ------------------------------------------------------------------------------- texts

_SYMBOLS = {
    "+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "//": "__floordiv__",
    "%": "__mod__", "@": "__matmul__", "<<": "__lshift__", ">>": "__rshift__", "&": "__and__",
    "|": "__or__", "^": "__xor__", "** or pow()": "__pow__", "**": "__pow__", "divmod()": "__divmod__",
    "<": "__lt__", ">": "__gt__", "<=": "__le__", ">=": "__ge__",
    "+=": "__iadd__", "-=": "__isub__", "*=": "__imul__", "/=": "__itruediv__",
    "//=": "__ifloordiv__", "%=": "__imod__", "@=": "__imatmul__", "<<=": "__ilshift__",
    ">>=": "__irshift__", "&=": "__iand__", "|=": "__ior__", "^=": "__ixor__",
    "**=": "__ipow__", "** or **=": "__ipow__",
    "unary +": "__pos__", "unary -": "__neg__", "unary ~": "__invert__",
}  # fmt: skip

_HOST_TYPES = {
    "builtin_function_or_method": "function", "method": "bound_method", "dict_keys": "dict_view",
    "dict_values": "dict_view", "dict_items": "dict_view", "list_iterator": "iterator",
    "tuple_iterator": "iterator", "str_iterator": "iterator", "range_iterator": "iterator",
    "str_ascii_iterator": "iterator", "wrapper_descriptor": "function",
    "method_descriptor": "function", "method-wrapper": "bound_method",
}  # fmt: skip


def _t(name: str) -> str:
    return _HOST_TYPES.get(name, name)


_Sub = Callable[[re.Match[str]], str] | str


def _op(match: re.Match[str]) -> str:
    method = _SYMBOLS.get(match[1], match[1])
    return f"unsupported types for {method}: '{_t(match[2])}', '{_t(match[3])}'"


_TYPE_ERROR: list[tuple[str, _Sub]] = [
    (r"unsupported operand type\(s\) for (.+): '(.+)' and '(.+)'", _op),
    (r"'(<|>|<=|>=)' not supported between instances of '(.+)' and '(.+)'", _op),
    (
        r"bad operand type for (unary .): '(.+)'",
        lambda m: f"unsupported type for {_SYMBOLS[m[1]]}: '{_t(m[2])}'",
    ),
    (r"bad operand type for abs\(\): '(.+)'", r"unsupported type for __abs__: '\1'"),
    (
        r"can only concatenate (\w+) \(not \"(.+)\"\) to \w+",
        lambda m: f"unsupported types for __add__: '{m[1]}', '{_t(m[2])}'",
    ),
    (
        r"can't concat (.+) to (.+)",
        lambda m: f"unsupported types for __add__: '{_t(m[2])}', '{_t(m[1])}'",
    ),
    (r"can't multiply sequence by non-int of type '(.+)'", r"unsupported types for __mul__: 'list', '\1'"),
    (r"'(.+)' object is not callable", lambda m: f"'{_t(m[1])}' object isn't callable"),
    (r"'(.+)' object is not iterable", lambda m: f"'{_t(m[1])}' object isn't iterable"),
    (r"cannot unpack non-iterable (.+) object", lambda m: f"'{_t(m[1])}' object isn't iterable"),
    (r"argument of type '(.+)' is not iterable", lambda m: f"'{_t(m[1])}' object isn't iterable"),
    (r"'(.+)' object is not an iterator", lambda m: f"'{_t(m[1])}' object isn't an iterator"),
    (r"iter\(\) returned non-iterator of type '(.+)'", lambda m: f"'{_t(m[1])}' object isn't an iterator"),
    (r"'(.+)' object is not subscriptable", lambda m: f"'{_t(m[1])}' object isn't subscriptable"),
    (r"'(.+)' object does(?: not|n't) support item assignment", lambda m: f"'{_t(m[1])}' object doesn't support item assignment"),
    (r"'(.+)' object does(?: not|n't) support item deletion", lambda m: f"'{_t(m[1])}' object doesn't support item deletion"),
    (r"unhashable type: '(.+)'", lambda m: f"unsupported type for __hash__: '{_t(m[1])}'"),
    (r"object of type '(.+)' has no len\(\)", lambda m: f"object of type '{_t(m[1])}' has no len()"),
    (
        r"(list|tuple|string|bytearray|range|byte|array|memoryview) (?:object )?(?:index|indices) must be integers(?: or slices)?, not '?(.+?)'?",
        lambda m: f"{_INDEXED.get(m[1], m[1])} indices must be integers, not {_t(m[2])}",
    ),
    (r"'(.+)' object cannot be interpreted as an integer", lambda m: f"can't convert {_t(m[1])} to int"),
    (r"'(.+)' object can't be interpreted as an integer", lambda m: f"can't convert {_t(m[1])} to int"),
    (r"must be real number, not (.+)", lambda m: f"can't convert {_t(m[1])} to float"),
    (r"cannot modify read-only memory", "'memoryview' object doesn't support item assignment"),
    (r"exceptions must derive from BaseException", "exceptions must derive from BaseException"),
    (r"exceptions must be classes or instances deriving from BaseException, not .*", "exceptions must derive from BaseException"),
    (r"__init__\(\) should return None, not '(.+)'", lambda m: f"__init__() should return None, not '{_t(m[1])}'"),
    (r"'in <string>' requires string as left operand, not (.+)", lambda m: f"can't convert '{_t(m[1])}' object to str implicitly"),
    (r"sequence item \d+: expected str instance, .+ found", "join expects a list of str/bytes objects consistent with self object"),
    (r"sequence item \d+: expected a bytes-like object, .+ found", "join expects a list of str/bytes objects consistent with self object"),
    (r"keywords must be strings", "keywords must be strings"),
    (r"a bytes-like object is required, not '(.+)'", "object with buffer protocol required"),
    (r"(?:can|could) (?:only|not) .*bytes-like object.*", "object with buffer protocol required"),
    (
        r"(?:\w+\(\) )?(?:argument \d+ |first arg )?must be str(?: or a tuple of str| or None)?, not (.+)",
        lambda m: f"can't convert '{_t(m[1])}' object to str implicitly",
    ),
    (
        r"(?:startswith|endswith) first arg must be (?:bytes|str) or a tuple of (bytes|str), not (.+)",
        lambda m: f"can't convert '{_t(m[2])}' object to {m[1]} implicitly",
    ),
    (
        r"argument should be integer or bytes-like object, not '(.+)'",
        lambda m: f"can't convert '{_t(m[1])}' object to bytes implicitly",
    ),
    (
        r"slice indices must be integers or None or have an __index__ method",
        "string indices must be integers, not str",
    ),
    (r"\w*strip arg must be None or (?:str|bytes)", "can't convert 'int' object to str implicitly"),
    (r"object of type '(.+)' is not reversible|'(.+)' object is not reversible", lambda m: f"object of type '{_t(m[1] or m[2])}' has no len()"),
    (r"not all arguments converted during string formatting", "format string didn't convert all arguments"),
    (r".*takes no keyword arguments", "function doesn't take keyword arguments"),
]  # fmt: skip

_INDEXED = {"string": "string", "byte": "bytes"}


def _arguments(exc: BaseException) -> str | None:
    """Texts about arguments, which the host gives with the function's name."""
    text = str(exc.args[0])
    match = re.fullmatch(r"(.+?)\(\) (.*)", text, re.DOTALL)
    if match is None:
        return None
    owner, rest = match[1].rpartition(".")[0], match[2]
    own = 1 if owner in _METHOD_OWNERS else 0  # MicroPython counts self
    if found := re.fullmatch(r"takes (?:from (\d+) to )?(\d+) positional arguments? but (\d+) (?:positional arguments? \(and .+\) )?(?:was|were) given", rest):
        return f"function takes {found[2]} positional arguments but {found[3]} were given"
    if found := re.fullmatch(r"takes exactly one argument \((\d+) given\)", rest):
        return f"function takes {1 + own} positional arguments but {int(found[1]) + own} were given"
    if found := re.fullmatch(r"takes no arguments \((\d+) given\)", rest):
        return f"function takes {own} positional arguments but {int(found[1]) + own} were given"
    if found := re.fullmatch(r"takes exactly (\d+) (?:positional )?arguments? \((\d+) given\)", rest):
        return (
            f"function takes {int(found[1]) + own} positional arguments "
            f"but {int(found[2]) + own} were given"
        )
    if found := re.fullmatch(r"takes at most (\d+) (?:positional )?arguments? \((\d+) given\)", rest):
        return f"function expected at most {int(found[1]) + own} arguments, got {int(found[2]) + own}"
    if found := re.fullmatch(r"takes at least (\d+) (?:positional )?arguments? \((\d+) given\)", rest):
        return f"function missing {int(found[1]) - int(found[2])} required positional arguments"
    if found := re.fullmatch(r"got an unexpected keyword argument '(.*)'", rest, re.DOTALL):
        return f"unexpected keyword argument '{found[1]}'"
    if found := re.fullmatch(r"got multiple values for (?:keyword )?argument '(.*)'", rest, re.DOTALL):
        return f"function got multiple values for argument '{found[1]}'"
    if found := re.fullmatch(r"missing (\d+) required keyword-only arguments?: '(.+?)'.*", rest):
        return f"function missing required keyword argument '{found[2]}'"
    return None


_METHOD_OWNERS = frozenset(
    {"list", "dict", "str", "bytes", "bytearray", "tuple", "set", "frozenset", "int", "generator"}
)

_COUNTS: list[tuple[str, _Sub]] = [
    (
        r"(?!function )(\w+) expected at most (\d+) arguments?, got (\d+)",
        lambda m: f"function expected at most {int(m[2]) + 1} arguments, got {int(m[3]) + 1}",
    ),
    (
        r"(?!function )(\w+) expected at least (\d+) arguments?, got (\d+)",
        lambda m: f"function missing {int(m[2]) - int(m[3])} required positional arguments",
    ),
    (
        r"(?!function )(\w+) expected (\d+) arguments?, got (\d+)",
        lambda m: f"function takes {int(m[2]) + 1} positional arguments but {int(m[3]) + 1} were given",
    ),
    (r"(\w+) takes no keyword arguments", "function doesn't take keyword arguments"),
]  # fmt: skip

_VALUE_ERROR: list[tuple[str, _Sub]] = [
    (r"not enough values to unpack \(expected (?:at least )?\d+, got (\d+)\)", r"need more than \1 values to unpack"),
    (r"too many values to unpack \(expected (\d+)\)", r"too many values to unpack (expected \1)"),
    (r"list\.remove\(x\): x not in list", "object not in sequence"),
    (r".* is not in (?:list|tuple|sequence|range)", "object not in sequence"),
    (r"(?:tuple|list|sequence)\.index\(x\): x not in (?:tuple|list|sequence)", "object not in sequence"),
    (r"(?:substring|subsection) not found", "substring not found"),
    (r"memoryview assignment: lvalue and rvalue have different structures", "lhs and rhs should be compatible"),
    (r"slice step cannot be zero", "slice step can't be zero"),
    (r"range\(\) arg 3 must not be zero", "zero step"),
    (r"chr\(\) arg not in range\(0x110000\)", "chr() arg not in range(0x110000)"),
    (r"byte must be in range\(0, 256\)", "bytes value out of range"),
    (r"bytes must be in range\(0, 256\)", "bytes value out of range"),
    (r"invalid literal for int\(\) with base (\d+): (.*)", r"invalid syntax for integer with base \1"),
    (r"could not convert string to float: .*", "invalid syntax for number"),
    (r"pow\(\) 3rd argument cannot be 0", "divide by zero"),
    (r"attempt to assign sequence of size \d+ to extended slice of size \d+", "attempt to assign sequence to extended slice"),
]  # fmt: skip

_INDEX_ERROR: list[tuple[str, _Sub]] = [
    (r"(list|tuple|bytearray|array) (?:assignment )?index out of range", r"\1 index out of range"),
    
    (r"index out of range", "bytes index out of range"),
    (r"range object index out of range", "range index out of range"),
    (r"pop from empty list", "pop from empty list"),
    (r"pop index out of range", "list index out of range"),
    (r"index out of bounds on dimension 1", "memoryview index out of range"),
]  # fmt: skip

_MACHINE_WORD = "overflow converting long int to machine word"

_NAME_ERROR: list[tuple[str, _Sub]] = [
    (r"name '(.+)' is not defined.*", r"name '\1' isn't defined"),
    (r"cannot access (?:local|free) variable .*", "local variable referenced before assignment"),
    (r"free variable .*", "local variable referenced before assignment"),
    (r"local variable .* referenced before assignment", "local variable referenced before assignment"),
]  # fmt: skip

_ATTRIBUTE_ERROR: list[tuple[str, _Sub]] = [
    (r"'(.+)' object has no attribute '(.+)'", lambda m: f"'{_t(m[1])}' object has no attribute '{m[2]}'"),
    (r"type object '(.+)' has no attribute '(.+)'", r"type object '\1' has no attribute '\2'"),
    (r"property '(.+)' of '(.+)' object has no getter", "unreadable attribute"),
    (r"property '(.+)' of '(.+)' object has no \w+", r"'\2' object has no attribute '\1'"),
]  # fmt: skip

_OVERFLOW_ERROR: list[tuple[str, _Sub]] = [
    (r"cannot fit 'int' into an index-sized integer", _MACHINE_WORD),
    (r"(?:Python )?int too large to convert to .*", _MACHINE_WORD),
    (r"(?:Python )?int too (?:big|large) to convert", _MACHINE_WORD),
    (r"too many digits in integer|shift count too large", _MACHINE_WORD),
    (r".*(?:signed|unsigned) .* is (?:greater|less) than (?:maximum|minimum)", _MACHINE_WORD),
]

_RUNTIME_ERROR: list[tuple[str, _Sub]] = [
    (r"maximum recursion depth exceeded.*", "maximum recursion depth exceeded"),
    (r"No active exception to reraise", "no active exception to reraise"),
    (r"dictionary changed size during iteration", "dictionary changed size during iteration"),
    (r"generator raised StopIteration", "generator raised StopIteration"),
]  # fmt: skip


def _compiled(rules: list[tuple[str, _Sub]]) -> list[tuple[re.Pattern[str], _Sub]]:
    return [(re.compile(pattern, re.DOTALL), sub) for pattern, sub in rules]


_RULES: dict[type[BaseException], list[tuple[re.Pattern[str], _Sub]]] = {}


def _rules(kind: type[BaseException]) -> list[tuple[re.Pattern[str], _Sub]]:
    if not _RULES:
        _RULES.update(
            {
                TypeError: _compiled(_TYPE_ERROR + _COUNTS),
                ValueError: _compiled(_VALUE_ERROR),
                IndexError: _compiled(_INDEX_ERROR),
                NameError: _compiled(_NAME_ERROR),
                AttributeError: _compiled(_ATTRIBUTE_ERROR),
                RuntimeError: _compiled(_RUNTIME_ERROR),
                OverflowError: _compiled(_OVERFLOW_ERROR),
            }
        )
    return _RULES.get(kind, [])


def convert(kind: type[BaseException], text: str) -> str:
    """MicroPython's text for a text of the host's; others pass unchanged."""
    for pattern, sub in _rules(kind):
        match = pattern.fullmatch(text)
        if match is not None:
            return match.expand(sub) if isinstance(sub, str) else sub(match)
    return text


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
    state[".seen"] = True
    if exc.args and _is_from_host(state) and len(exc.args) == 1 and type(exc.args[0]) is str:
        text = exc.args[0]
        if kind is TypeError:
            text = _arguments(exc) or convert(kind, text)
        elif kind is ZeroDivisionError:
            text = text if text in _ZERO else "divide by zero"
        elif kind in _CONVERTED:
            text = convert(kind, text)
        if text is not exc.args[0]:
            exc.args = (text,)
    return exc


_ZERO = ("complex divide by zero", "0.0 to a complex power")
_CONVERTED = frozenset(
    {ValueError, IndexError, NameError, AttributeError, RuntimeError, OverflowError}
)


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


