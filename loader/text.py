"""How values look when the guest prints them: `repr`, `str` and the names of types.

Source: MicroPython py/obj.c, py/objstr.c, py/objexcept.c and the print functions of the types.
"""

from __future__ import annotations

import array
import collections
import functools
import types
from collections.abc import Callable
from typing import Any

from loader.floats import repr_float
from loader.order import dict_keys, set_items

_Repr = Callable[[Any], str]


def type_name(obj: Any) -> str:
    """Name of an object's type, as error messages give it."""
    kind = type(obj)
    if kind is types.MethodType and not _is_bound_method(obj):
        return "function"
    if kind is types.BuiltinFunctionType and not isinstance(
        obj.__self__, types.ModuleType | type(None)
    ):
        return "bound_method"
    return class_name(kind)


def _is_bound_method(method: Any) -> bool:
    """Whether the guest sees a bound method, not a function of the runtime."""
    owner = type(method.__self__)
    if isinstance(method.__self__, type) and is_guest_class(method.__self__):
        return True
    return (owner in _REPR and owner is not types.FunctionType) or is_guest_class(owner)


def class_name(kind: type) -> str:
    """Name under which the guest knows a host type."""
    name = _TYPE_NAMES.get(kind)
    if name is None:
        name = getattr(kind, "__guest_name__", None) or kind.__name__
    return name


def quote(text: str) -> str:
    """A str in quotes, as `repr` shows it.

    Source: MicroPython py/objstr.c, mp_str_print_quoted.
    """
    mark = '"' if "'" in text and '"' not in text else "'"
    if text.isascii() and text.isprintable() and "\\" not in text and mark not in text:
        return mark + text + mark
    parts = [mark]
    for char in text:
        code = ord(char)
        if char == mark:
            parts.append("\\" + char)
        elif char in _ESCAPES:
            parts.append(_ESCAPES[char])
        elif 32 <= code <= 126:
            parts.append(char)
        elif code < 0x100:
            parts.append(f"\\x{code:02x}")
        elif 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8
            parts.append(f"\\x{code - 0xDC00:02x}")
        elif code < 0x10000:
            parts.append(f"\\u{code:04x}")
        else:
            parts.append(f"\\U{code:08x}")
    parts.append(mark)
    return "".join(parts)


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote_bytes(data: bytes | bytearray) -> str:
    """A bytes object as `repr` shows it."""
    return "b" + quote(data.decode("latin-1"))


def _complex(value: complex) -> str:
    real, imag = value.real, value.imag
    if real == 0:
        return f"{_component(imag)}j"
    sign = "" if str(imag).startswith("-") else "+"
    return f"({_component(real)}{sign}{_component(imag)}j)"


def _component(value: float) -> str:
    text = repr_float(value)
    return text[:-2] if text.endswith(".0") else text


def _list(value: list[Any]) -> str:
    return "[" + ", ".join([repr_(item) for item in value]) + "]"


def _tuple(value: tuple[Any, ...]) -> str:
    if len(value) == 1:
        return f"({repr_(value[0])},)"
    return "(" + ", ".join([repr_(item) for item in value]) + ")"


def _dict(value: dict[Any, Any]) -> str:
    return "{" + ", ".join([f"{repr_(k)}: {repr_(value[k])}" for k in dict_keys(value)]) + "}"


def _set(value: set[Any]) -> str:
    if not value:
        return "set()"
    return "{" + ", ".join([repr_(item) for item in set_items(value)]) + "}"


def _frozenset(value: frozenset[Any]) -> str:
    inside = "" if not value else "{" + ", ".join([repr_(i) for i in set_items(value)]) + "}"
    return f"frozenset({inside})"


def _range(value: range) -> str:
    if value.step == 1:
        return f"range({value.start}, {value.stop})"
    return f"range({value.start}, {value.stop}, {value.step})"


def _slice(value: slice) -> str:
    return f"slice({repr_(value.start)}, {repr_(value.stop)}, {repr_(value.step)})"


def _bytearray(value: bytearray) -> str:
    return f"bytearray({quote_bytes(value)})"


def _function(value: types.FunctionType) -> str:
    if not is_guest_function(value):
        return "<function>"
    if is_generator_function(value):
        return "<generator>"
    return f"<function {value.__name__} at {id(value):#x}>"


def _method(value: types.MethodType) -> str:
    if _is_bound_method(value):
        return f"<bound_method {id(value):x} {repr_(value.__self__)}.{repr_(value.__func__)}>"
    return "<function>"


def _builtin(value: types.BuiltinFunctionType) -> str:
    bound = value.__self__
    if bound is None or isinstance(bound, types.ModuleType):
        return "<function>"
    return f"<bound_method {id(value):x} {repr_(bound)}.<function>>"


def _generator(value: types.GeneratorType[Any, Any, Any]) -> str:
    return f"<generator object '{value.__name__}' at {id(value):x}>"


def _module(value: types.ModuleType) -> str:
    name = value.__dict__.get("__name__")
    file = value.__dict__.get("__file__")
    return f"<module '{name}' from '{file}'>" if isinstance(file, str) else f"<module '{name}'>"


def _type(value: type) -> str:
    return f"<class '{class_name(value)}'>"


def exception_text(value: BaseException) -> str:
    """`str` of an exception: its argument, or all of them."""
    args = value.args
    if not args:
        return ""
    if isinstance(value, OSError) and isinstance(args[0], int) and len(args) <= 2:
        name = _errno_name(args[0])
        if len(args) == 2:
            return f"[Errno {args[0]}] {name or ''}: {str_(args[1])}"
        if name:
            return f"[Errno {args[0]}] {name}"
    if len(args) == 1:
        return str_(args[0])
    return _tuple(args)


def exception_repr(value: BaseException) -> str:
    """`repr` of an exception."""
    args = value.args
    name = class_name(type(value))
    if len(args) == 1:
        return f"{name}({repr_(args[0])},)"
    return name + _tuple(args)


def _errno_name(code: int) -> str | None:
    from loader.modules.errno import name_of

    return name_of(code)


def _object(value: object) -> str:
    return "<object>"


def _cell(value: types.CellType) -> str:
    try:
        return f"<cell {id(value):x} {repr_(value.cell_contents)}>"
    except ValueError:
        return f"<cell {id(value):x} (nil)>"


def _memoryview(value: memoryview) -> str:
    return "<memoryview>"


def _array(value: array.array[Any]) -> str:
    if not value:
        return f"array('{value.typecode}')"
    return f"array('{value.typecode}', {_list(list(value))})"


def _view(name: str, pairs: bool) -> _Repr:
    def render(view: Any) -> str:
        return f"{name}({_list(list(view))})"

    return render


_REPR: dict[type, _Repr] = {
    int: str,
    bool: str,
    str: quote,
    float: repr_float,
    complex: _complex,
    bytes: quote_bytes,
    bytearray: _bytearray,
    type(None): str,
    type(...): str,
    type(NotImplemented): str,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    range: _range,
    slice: _slice,
    memoryview: _memoryview,
    types.FunctionType: _function,
    types.MethodType: _method,
    types.BuiltinFunctionType: _builtin,
    types.GeneratorType: _generator,
    types.ModuleType: _module,
    types.CellType: _cell,
    type: _type,
    object: _object,
    property: lambda _: "<property>",
    staticmethod: lambda _: "<staticmethod>",
    classmethod: lambda _: "<classmethod>",
    functools.partial: lambda _: "<function>",
    array.array: _array,
    zip: lambda _: "<zip>",
    map: lambda _: "<map>",
    filter: lambda _: "<filter>",
    enumerate: lambda _: "<enumerate>",
    reversed: lambda _: "<reversed>",
    type({}.keys()): _view("dict_keys", False),
    type({}.values()): _view("dict_values", False),
    type({}.items()): _view("dict_items", True),
}

ITERATORS: tuple[Any, ...] = (
    iter([]), iter(()), iter(""), iter({}), iter(set()), iter(range(0)), iter(b""),
    iter(bytearray()), iter("\u1234"), iter({}.values()), iter({}.items()), iter(lambda: 0, 0),
    reversed([]), iter(memoryview(b"")), iter(range(1 << 70)), iter(array.array("b")),
    iter(collections.deque()),
)  # fmt: skip

_TYPE_NAMES: dict[type, str] = {
    types.FunctionType: "function",
    types.BuiltinFunctionType: "function",
    types.MethodType: "bound_method",
    types.GeneratorType: "generator",
    types.ModuleType: "module",
    types.MethodDescriptorType: "function",
    types.ClassMethodDescriptorType: "function",
    types.WrapperDescriptorType: "function",
    types.MethodWrapperType: "bound_method",
    types.CellType: "cell",
    functools.partial: "function",
    type({}.keys()): "dict_view",
    type({}.values()): "dict_view",
    type({}.items()): "dict_view",
    type(...): "",
    type(NotImplemented): "",
}

for _iterator in ITERATORS:
    _TYPE_NAMES[type(_iterator)] = "iterator"
    _REPR[type(_iterator)] = lambda _: "<iterator>"
_TYPE_NAMES[reversed] = "reversed"
_BACKWARDS: tuple[Any, ...] = (reversed([]), reversed(collections.deque()))
for _iterator in _BACKWARDS:
    _TYPE_NAMES[type(_iterator)] = "reversed"
    _REPR[type(_iterator)] = lambda _: "<reversed>"
for _kind in (
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.WrapperDescriptorType,
):
    _REPR[_kind] = lambda _: "<function>"


GUEST_FILE_PREFIX = "guest:"
"""Starts `co_filename` of every host code object that runs a guest function."""


def is_guest_function(function: types.FunctionType) -> bool:
    """Whether a host function is one of the guest's, not one of the runtime's."""
    return function.__code__.co_filename.startswith(GUEST_FILE_PREFIX)


STUB_MARK = "interpreter stub"
GENERATOR_STUB_MARK = "interpreter stub of a generator"


def is_generator_function(function: types.FunctionType) -> bool:
    """Whether calling a guest function makes a generator: a type of its own for the guest."""
    code = function.__code__
    return bool(code.co_flags & 0x20) or (
        bool(code.co_consts) and code.co_consts[-1] is GENERATOR_STUB_MARK
    )


def repr_(obj: Any) -> str:
    """`repr` as the guest sees it."""
    kind = type(obj)
    render = _REPR.get(kind)
    if render is not None:
        try:
            return render(obj)
        except RecursionError:
            raise RuntimeError("maximum recursion depth exceeded") from None
    return _repr_other(obj, kind)


def _repr_other(obj: Any, kind: type) -> str:
    custom = getattr(kind, "_guest_repr_", None)
    method = _user_method(kind, "__repr__")
    if method is not None:
        return _text(method(obj))
    if custom is not None:
        return str(custom(obj))
    method = _user_method(kind, "__str__")
    native = native_base(kind)
    if isinstance(obj, BaseException):
        return exception_repr(obj)
    if isinstance(obj, type):
        return _type(obj)
    if native is not None and native is not object:
        render = _REPR.get(native)
        if render is not None:
            return render(obj)
    if isinstance(obj, types.ModuleType):
        return _module(obj)
    if is_guest_class(kind):
        return f"<{kind.__name__} object at {id(obj):x}>"
    return f"<{class_name(kind)}>"


def str_(obj: Any) -> str:
    """`str` as the guest sees it."""
    kind = type(obj)
    if kind is str:
        return obj  # type: ignore[no-any-return]
    render = _REPR.get(kind)
    if render is not None:
        return render(obj)
    method = _user_method(kind, "__str__")
    if method is not None:
        return _text(method(obj))
    if isinstance(obj, BaseException):
        method = _user_method(kind, "__repr__")
        return exception_text(obj) if method is None else _text(method(obj))
    if isinstance(obj, str):
        method = _user_method(kind, "__repr__")
        return str.__str__(obj) if method is None else _text(method(obj))
    custom = getattr(kind, "_guest_str_", None)
    return str(custom(obj)) if custom is not None else repr_(obj)


def _text(value: object) -> str:
    if not isinstance(value, str):
        return repr_(value)
    return value


MAX_NAME = 255
"""Bytes of the longest name a device interns."""


def check_name(name: str) -> str:
    """A name that will be interned.

    Raises:
        RuntimeError: It is too long.
    """
    if len(name) > MAX_NAME or (not name.isascii() and len(encoded(name)) > MAX_NAME):
        raise RuntimeError("name too long")
    return name


def encoded(text: str) -> bytes:
    """The bytes a device stores for a str: UTF-8, and bytes that are none as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def is_guest_class(kind: type) -> bool:
    """Whether a class was made by the guest."""
    return getattr(type(kind), "_makes_guest_classes_", False)


def native_base(kind: type) -> type | None:
    """The built-in type a guest class derives from; None for a class that is not a guest's."""
    if not is_guest_class(kind):
        return None
    return next((base for base in kind.__mro__ if not is_guest_class(base)), object)


def _user_method(kind: type, name: str) -> Callable[[Any], Any] | None:
    """A special method that a guest class defines."""
    if not is_guest_class(kind):
        return None
    for base in kind.__mro__:
        if is_guest_class(base) and name in base.__dict__:
            method = base.__dict__[name]
            if isinstance(method, staticmethod):
                inner = method.__func__
                return lambda _: inner()
            return method  # type: ignore[no-any-return]
    return None
