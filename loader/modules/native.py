"""What every native module needs: argument conversion, errors and buffers.

A module function is a host function and guest values are host values, so most
calls need no glue at all. What is left is MicroPython's own texts for arguments it
refuses, and its buffer protocol, which host classes written in Python take part in
by `__buffer__` (PEP 688) even before CPython 3.12.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

WORD_BITS = 64
"""Bits of a machine word of the modelled unix target."""

OSERROR: type[OSError] = OSError
"""The class guests know as OSError; the core replaces it when it has its own."""

_F = TypeVar("_F", bound=Callable[..., Any])

_HOST_NAMES: dict[type, str] = {
    types.BuiltinFunctionType: "function",
    types.MethodDescriptorType: "function",
    types.MethodType: "bound_method",
    types.CoroutineType: "generator",
    type(iter(())): "iterator",
    type(iter([])): "iterator",
    type(iter("")): "iterator",
    type(iter(b"")): "iterator",
    type(iter(range(0))): "iterator",
    type(iter(set())): "iterator",
}


def type_name(obj: object) -> str:
    """The name of the guest type of `obj`, as error texts print it."""
    kind = type(obj)
    return _HOST_NAMES.get(kind, kind.__name__)


def os_error(code: int | str) -> OSError:
    """A guest OSError with one argument: an errno number, or a text."""
    return OSERROR(code)


def function(least: int, most: int | None = None, *, keywords: bool = False) -> Callable[[_F], _F]:
    """Refuse wrong argument counts with MicroPython's texts.

    Args:
        least: Positional arguments needed.
        most: Positional arguments allowed; None means `least`, -1 any number.
        keywords: Whether keyword arguments are passed on.

    Source: MicroPython py/argcheck.c, mp_arg_check_num_sig.
    """
    limit = least if most is None else most

    def decorate(body: _F) -> _F:
        @functools.wraps(body)
        def call(*args: object, **named: object) -> object:
            if named and not keywords:
                raise TypeError("function doesn't take keyword arguments")
            try:
                return body(*args, **named)
            except TypeError:
                # The host refuses a wrong count itself, only in other words.
                check_count(len(args), least, limit)
                raise

        return cast(_F, call)

    return decorate


def check_count(given: int, least: int, most: int, named: dict[str, Any] | None = None) -> None:
    """Raise the TypeError MicroPython has for `given` positional arguments, or return.

    Args:
        given: How many there are.
        least: How many it takes.
        most: How many it may take; -1 any number.
        named: Keyword arguments, none of which is allowed.
    """
    if named:
        raise TypeError("function doesn't take keyword arguments")
    if least == most:
        if given != least:
            raise TypeError(f"function takes {least} positional arguments but {given} were given")
    elif given < least:
        raise TypeError(f"function missing {least - given} required positional arguments")
    elif 0 <= most < given:
        raise TypeError(f"function expected at most {most} arguments, got {given}")


def parse_args(
    args: tuple[Any, ...],
    named: dict[str, Any],
    spec: tuple[tuple[str, object], ...],
    positional: int,
) -> list[Any]:
    """Bind arguments as functions do that take keywords.

    Args:
        args: The positional arguments.
        named: The keyword arguments.
        spec: Names and defaults in order; a default of `REQUIRED` marks what must be given.
        positional: How many of `spec` may be given by position.

    Source: MicroPython py/argcheck.c, mp_arg_parse_all.
    """
    values = []
    used = 0
    for index, (name, default) in enumerate(spec):
        if index < positional and index < len(args):
            values.append(args[index])
            continue
        if name in named:
            used += 1
            values.append(named[name])
        elif default is REQUIRED:
            raise TypeError(f"'{name}' argument required")
        else:
            values.append(default)
    if len(args) > positional:
        raise TypeError("extra positional arguments given")
    if used < len(named):
        raise TypeError("extra keyword arguments given")
    return values


REQUIRED = object()


def get_int(obj: Any, bits: int = WORD_BITS) -> int:
    """An integer argument that fits a machine word.

    Raises:
        TypeError: Not an integer, and without `__int__`.
        OverflowError: More than `bits` bits, signed.
    """
    value = obj if type(obj) is int else any_int(obj)
    if not -1 << bits - 1 <= value < 1 << bits - 1:
        raise OverflowError("overflow converting long int to machine word")
    return value


def any_int(obj: Any) -> int:
    """An integer argument of any size."""
    if isinstance(obj, int):
        return int(obj)
    convert = None
    if not isinstance(obj, (float, complex, str, bytes, bytearray)):
        convert = getattr(type(obj), "__int__", None)
    if convert is None:
        raise TypeError(f"can't convert {type_name(obj)} to int")
    return cast(int, convert(obj))


def get_float(obj: Any) -> float:
    """A float argument: float, int or bool."""
    if isinstance(obj, float):
        return obj
    if isinstance(obj, int):
        return float_of_int(obj)
    raise TypeError(f"can't convert {type_name(obj)} to float")


def float_of_int(value: int) -> float:
    """The float nearest to `value`; beyond the range it is infinite, as on the device."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def get_complex(obj: Any) -> complex:
    """A complex argument: complex, float, int or bool."""
    if isinstance(obj, (complex, float, int)):
        return complex(obj)
    raise TypeError(f"can't convert {type_name(obj)} to complex")


def get_str(obj: Any) -> str:
    """A str argument; bytes are taken as UTF-8."""
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode("utf-8", "surrogateescape")
    raise TypeError(f"can't convert '{type_name(obj)}' object to str implicitly")


def buffer_of(obj: Any, writable: bool = False) -> memoryview:
    """A byte view on the storage of `obj`, without a copy (of a str: of its UTF-8).

    Raises:
        TypeError: `obj` exports no such buffer.
    """
    if isinstance(obj, str):
        view = memoryview(utf8(obj))
    else:
        try:
            view = memoryview(obj)
        except TypeError:
            export = getattr(type(obj), "__buffer__", None)
            if export is None:
                raise TypeError("object with buffer protocol required") from None
            view = export(obj, 1 if writable else 0)
    if writable and view.readonly:
        raise TypeError("object with buffer protocol required")
    if view.format != "B" or view.ndim != 1:
        view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    return view


def utf8(text: str) -> bytes:
    """The bytes of a guest str; what was not UTF-8 comes back as it was."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # half of a pair, which a guest may make


def text_of(data: bytes | bytearray | memoryview) -> str:
    """A guest str of UTF-8 bytes.

    Raises:
        UnicodeError: They are not UTF-8.
    """
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        raise UnicodeError from None


class NativeIterator:
    """What a native function returns to be iterated: to the guest no generator."""

    __slots__ = ("_next",)

    def __init__(self, source: Iterator[Any]) -> None:
        self._next = source.__next__

    def __iter__(self) -> NativeIterator:
        return self

    def __next__(self) -> Any:
        return self._next()

    def _guest_repr_(self) -> str:
        return "<iterator>"


NativeIterator.__name__ = NativeIterator.__qualname__ = "iterator"


def address_text(obj: object) -> str:
    """An object's address as `%p` prints it in the default rendering of objects."""
    return f"{id(obj) & 0xFFFFFFFFFFFF:x}"


def wrap(value: int, bits: int, signed: bool) -> int:
    """`value` cut to `bits` bits, as a store to a machine integer does."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> bits - 1 else value
