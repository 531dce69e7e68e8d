"""Attributes of the built-in types: which exist for the guest, and what they are.

The guest's built-in types are the host's, which have more attributes, and some that behave
otherwise. `ATTRIBUTES` lists for each host type what MicroPython has; an entry is HOST where
the host's own attribute is right, otherwise a function that makes the guest's. `GUARDED`
holds every name for which any type differs: loads of other names need no look here. It
grows when a guest class holds a descriptor, which only instances may trigger.

Source: `dir()` of each type in MicroPython 1.29, unix standard build.
"""

from __future__ import annotations

import array
import types
from collections.abc import Callable
from typing import Any

from loader import methods
from loader.text import ITERATORS, class_name, is_guest_function, type_name

Getter = Callable[[Any], Any]
"""Makes the attribute of an object."""


class _Host:
    """Marks attributes for which the host's own is right."""

    def __repr__(self) -> str:
        return "HOST"


HOST = _Host()


def _method(function: Callable[..., Any]) -> Getter:
    """An attribute that is a method, written as a host function with `self` first."""

    def bind(obj: Any) -> Any:
        return types.MethodType(function, obj)

    bind.function = function  # type: ignore[attr-defined]
    return bind


_STR = (
    "count endswith find format index isalpha isdigit islower isspace isupper join lower lstrip "
    "replace rfind rindex rsplit rstrip split startswith strip upper center partition "
    "rpartition splitlines"
)
_SET = (
    "copy __contains__ difference intersection isdisjoint issubset issuperset "
    "symmetric_difference union"
)
_DICT = (
    "__delitem__ __getitem__ __setitem__ clear copy get items keys pop popitem setdefault update "
    "values fromkeys"
)

_NAMES: dict[type, str] = {
    int: "from_bytes to_bytes",
    bool: "",
    float: "",
    complex: "imag real",
    str: _STR + " encode",
    bytes: _STR + " decode fromhex hex",
    bytearray: _STR + " decode fromhex hex append extend",
    list: "append clear copy count extend index insert pop remove reverse sort",
    tuple: "count index",
    dict: _DICT,
    set: _SET + " clear pop remove update add difference_update discard intersection_update "
    "symmetric_difference_update",
    frozenset: _SET,
    range: "start step stop",
    slice: "start step stop",
    memoryview: "hex",
    array.array: "append extend",
    types.GeneratorType: "__next__ close send throw pend_throw",
    types.FunctionType: "__name__ __globals__",
    types.MethodType: "",
    types.BuiltinFunctionType: "",
    type(None): "",
    type(...): "",
    type({}.keys()): "",
    type({}.values()): "",
    type({}.items()): "",
    zip: "__next__",
    map: "__next__",
    filter: "__next__",
    enumerate: "__next__",
    reversed: "__next__",
    property: "getter setter deleter",
    staticmethod: "",
    classmethod: "",
    object: "",
    types.CellType: "",
}

_OWN: dict[type, dict[str, Getter]] = {
    kind: {name: _method(function) for name, function in table.items()}
    for kind, table in methods.METHODS.items()
}


def _array_extend(self: Any, values: Any) -> None:
    from loader.modules.array import extend

    extend(self, values)


_OWN[array.array] = {"extend": _method(_array_extend)}
_OWN.setdefault(types.FunctionType, {})["__name__"] = lambda f: f.__name__


def _method_name(method: types.MethodType) -> str:
    """A bound method has the name of the guest function in it."""
    function = method.__func__
    if type(function) is types.FunctionType and is_guest_function(function):
        return function.__name__
    raise AttributeError(f"'{type_name(method)}' object has no attribute '__name__'")


_OWN[types.MethodType] = {"__name__": _method_name}
ITERATOR_TYPES = tuple({type(iterator) for iterator in ITERATORS})
for _kind in ITERATOR_TYPES:
    _NAMES.setdefault(_kind, "__next__")


def _table(kind: type) -> dict[str, _Host | Getter]:
    own = _OWN.get(kind, {})
    return {name: own.get(name, HOST) for name in [*_NAMES[kind].split(), *own]}


ATTRIBUTES: dict[type, dict[str, _Host | Getter]] = {kind: _table(kind) for kind in _NAMES}


def _exception_attribute(exc: BaseException, name: str) -> Any:
    """`args`, `value`, `errno` and `strerror` of an exception."""
    if name == "args":
        return exc.args
    return exc.args[0] if exc.args else None


EXCEPTION_NAMES = ("args", "value", "errno")


def _guarded() -> set[str]:
    names: set[str] = {"errno", "strerror", "value", "filename", "filename2", "characters_written"}
    for kind, table in ATTRIBUTES.items():
        names.update(name for name in dir(kind) if name not in table)
        names.update(name for name, entry in table.items() if entry is not HOST)
    for kind in (type, types.ModuleType, BaseException, OSError, SyntaxError, UnicodeDecodeError,
                 ImportError, NameError, AttributeError, StopIteration, SystemExit):  # fmt: skip
        names.update(dir(kind))
    names -= {"args"}
    # Generator and function internals, and every other special name.
    names.update(f"__{name}__" for name in _SPECIAL.split())
    return names


_SPECIAL = (
    "name class dict bases module qualname doc init new next iter call getitem setitem delitem "
    "len bool int float complex hash str repr contains enter exit get set delete getattr setattr "
    "delattr eq ne lt gt le ge add sub mul truediv floordiv mod pow matmul lshift rshift and or "
    "xor radd rsub rmul rtruediv rfloordiv rmod rpow rmatmul rlshift rrshift rand ror rxor iadd "
    "isub imul itruediv ifloordiv imod ipow imatmul ilshift irshift iand ior ixor neg pos invert "
    "abs divmod rdivmod reversed slots init_subclass class_getitem getattribute del format index "
    "round trunc floor ceil dir sizeof missing length_hint bytes await instancecheck "
    "subclasscheck prepare mro_entries fspath set_name globals code traceback cause context "
    "path file"
)
GUARDED: set[str] = _guarded()


def native_attribute(obj: Any, kind: type, name: str) -> Any:
    """Attribute of an object of a built-in type.

    Raises:
        AttributeError: MicroPython's type has none of this name.
    """
    entry = ATTRIBUTES[kind].get(name)
    if entry is None:
        raise missing(obj, name)
    if isinstance(entry, _Host):
        return getattr(obj, name)
    return entry(obj)


def unbound(kind: type, name: str) -> Any:
    """Attribute of a built-in type itself, or NULL's stand-in None if it has none."""
    entry = ATTRIBUTES.get(kind, {}).get(name)
    if entry is None:
        return None
    if isinstance(entry, _Host):
        return getattr(kind, name)
    function: Any = getattr(entry, "function", None)
    if name in _CLASS_METHODS:
        return types.MethodType(function, kind)
    return function if function is None else types.MethodType(_forward, (kind, function))


_CLASS_METHODS = frozenset({"from_bytes", "fromkeys"})


def _forward(method: tuple[type, Callable[..., Any]], self: Any, *args: Any, **named: Any) -> Any:
    """A method as function of its type: not bound when stored in a class."""
    kind, function = method
    if not isinstance(self, kind):
        raise TypeError(
            f"argument should be a '{class_name(kind)}' not a '{class_name(type(self))}'"
        )
    return function(self, *args, **named)


def cannot_store(obj: object, name: str) -> AttributeError:
    """The error for an attribute that cannot be set or deleted."""
    shown = "type" if isinstance(obj, type) else type_name(obj)
    return AttributeError(f"'{shown}' object has no attribute '{name}'")


def missing(obj: object, name: str) -> AttributeError:
    """The error for an attribute that does not exist."""
    if isinstance(obj, type):
        return AttributeError(f"type object '{class_name(obj)}' has no attribute '{name}'")
    return AttributeError(f"'{type_name(obj)}' object has no attribute '{name}'")
