"""Calls of built-in types: `int(x)`, `str(x)`, `list(x)`, `type(x)` ...

The guest's `int` is the host's `int`, so the type itself cannot do otherwise when called. A
tier looks a called built-in type up in `CONSTRUCT` instead.

Source: MicroPython py/objint.c, py/objfloat.c, py/objstr.c, py/objlist.c, py/objtype.c.
"""

from __future__ import annotations

import re
import types
from array import array
from collections.abc import Callable
from typing import Any

from loader.classes import Super, new_class
from loader.modules.native import buffer_of
from loader.order import dict_keys, made_set
from loader.text import is_generator_function, is_guest_class, repr_, str_, type_name


def _count(name: str, args: tuple[Any, ...], least: int, most: int) -> None:
    if len(args) < least:
        raise TypeError(
            f"function missing {least - len(args)} required positional arguments"
            if least != most
            else f"function takes {least} positional arguments but {len(args)} were given"
        )
    if len(args) > most:
        raise TypeError(
            f"function expected at most {most} arguments, got {len(args)}"
            if least != most
            else f"function takes {least} positional arguments but {len(args)} were given"
        )


def make_int(*args: Any) -> int:
    """`int(x)`, `int(text, base)`."""
    _count("int", args, 0, 2)
    if not args:
        return 0
    value = args[0]
    if len(args) == 2:
        if isinstance(value, str | bytes | bytearray):
            return parse_int(value, index(args[1]))
        raise TypeError(f"can't convert '{type_name(value)}' object to str implicitly")
    if type(value) is int:
        return value
    if isinstance(value, str | bytes | bytearray):
        return parse_int(value, 10)
    if isinstance(value, float):
        if value != value:
            raise ValueError("can't convert NaN to int")
        if value in (float("inf"), float("-inf")):
            raise OverflowError("can't convert inf to int")
        return int(value)
    if isinstance(value, int):
        return int(value)
    kind = type(value)
    converts = is_guest_class(kind) or hasattr(kind, "_guest_repr_")
    convert = getattr(kind, "__int__", None) if converts else None
    if convert is not None:
        result = convert(value)
        if not isinstance(result, int):
            raise TypeError(f"can't convert {type_name(value)} to int")
        return int(result)
    try:
        view = buffer_of(value)
    except TypeError:
        raise TypeError(f"can't convert {type_name(value)} to int") from None
    return parse_int(bytes(view), 10)


def parse_int(value: str | bytes | bytearray, base: int) -> int:
    """The number a text stands for.

    Source: MicroPython py/parsenum.c, mp_parse_num_integer.
    """
    if base != 0 and not 2 <= base <= 36:
        raise ValueError("int() arg 2 must be >= 2 and <= 36")
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
    text = data.decode("latin-1").lstrip(" \t\n\r\v\f")
    negative = text[:1] == "-"
    digits = text[1:] if text[:1] in ("-", "+") else text
    lower = digits[:2].lower()
    radix = {"0x": 16, "0o": 8, "0b": 2}.get(lower)
    if radix is not None and base in (0, radix):
        digits, base = digits[2:], radix
    base = base or 10
    plain = digits.replace("_", "").rstrip(" \t\n\r\v\f")
    try:
        if not plain.isascii() or not plain.isalnum():
            raise ValueError
        number = int(plain, base)
    except ValueError:
        raise ValueError(f"invalid syntax for integer with base {base}: {repr_(digits)}") from None
    return -number if negative else number


_FLOAT = re.compile(
    r"[ \t\n\r\v\f]*[+-]?((?=[.\deE])\d*\.?\d*([eE][+-]?\d+)?|inf(inity)?|nan)[ \t\n\r\v\f]*",
    re.ASCII | re.IGNORECASE,
)


def make_float(*args: Any) -> float:
    """`float(x)`."""
    _count("float", args, 0, 1)
    if not args:
        return 0.0
    value = args[0]
    if type(value) is float:
        return value
    if isinstance(value, str | bytes | bytearray | memoryview):
        text = value if isinstance(value, str) else bytes(value).decode("latin-1")
        text = text.replace("_", "")
        match = _FLOAT.fullmatch(text)
        if not match:
            raise ValueError("invalid syntax for number")
        try:
            return float(text)
        except ValueError:
            return 0.0  # a point or an exponent without digits
    return to_float(value)


def to_float(value: Any) -> float:
    """A number as float.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    convert = convert_float(value)
    if convert is not None:
        result = convert(value)
        if isinstance(result, float):
            return result
    raise TypeError(f"can't convert {type_name(value)} to float")


def convert_float(value: Any) -> Callable[[Any], Any] | None:
    """A guest class's `__float__`."""
    return getattr(type(value), "__float__", None) if is_guest_class(type(value)) else None


def make_complex(*args: Any) -> complex:
    """`complex(x)`, `complex(real, imag)`."""
    _count("complex", args, 0, 2)
    if not args:
        return 0j
    if len(args) == 1:
        value = args[0]
        if isinstance(value, str):
            try:
                return complex(value)
            except ValueError:
                raise ValueError("invalid syntax for number") from None
        if isinstance(value, complex):
            return value
        convert = getattr(type(value), "__complex__", None) if is_guest_class(type(value)) else None
        if convert is not None and convert_float(value) is None:
            result = convert(value)
            if isinstance(result, complex):
                return result
            raise TypeError(f"can't convert {type_name(value)} to complex")
        if not isinstance(value, int | float) and convert_float(value) is None:
            raise TypeError(f"can't convert {type_name(value)} to complex")
        return complex(to_float(value), 0)
    real, imag = (a if isinstance(a, complex) else to_float(a) for a in args)
    return (
        real + imag * 1j
        if isinstance(real, complex) or isinstance(imag, complex)
        else (complex(real, imag))
    )


def make_str(*args: Any, **named: Any) -> str:
    """`str(x)`, `str(bytes, encoding)`."""
    if named:
        raise NotImplementedError("keyword argument(s) not implemented - use normal args instead")
    if not args:
        return ""
    _count("str", args, 0, 3)
    if len(args) == 1:
        return str_(args[0])
    try:
        return str(buffer_of(args[0]), "utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise UnicodeError from None


def _byte(value: Any, wrap: bool = False) -> int:
    if not isinstance(value, int):
        convert = getattr(type(value), "__int__", None) if is_guest_class(type(value)) else None
        if convert is None:
            raise TypeError(f"can't convert {type_name(value)} to int")
        value = convert(value)
    if wrap:
        return int(value) & 0xFF
    if not 0 <= value <= 255:
        raise ValueError("bytes value out of range")
    return int(value)


def make_bytes(*args: Any, **named: Any) -> bytes:
    """`bytes(x)`, `bytes(text, encoding)`."""
    if not args:
        return b""
    value = args[0]
    if isinstance(value, str):
        if len(args) < 2:
            raise TypeError("string argument without an encoding")
        return value.encode("utf-8", "surrogateescape")
    if type(value) is bytes:
        return value
    if len(args) > 1:
        raise TypeError("wrong number of arguments")
    if type(value) is int:
        if value < 0:
            raise ValueError
        return bytes(_sized(value))
    return bytes(_byte_items(value))


HEAP_BYTES = 2_000_000
"""What the unix build has by default; a larger block cannot be had."""


def _sized(length: int) -> int:
    """A length a device could allocate."""
    if not 0 <= length <= HEAP_BYTES:
        shown = length % (1 << 64)
        raise MemoryError(f"memory allocation failed, allocating {shown} bytes")
    return length


def _byte_items(value: Any, wrap: bool = False) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return buffer_of(value)
    if not isinstance(value, list | tuple) and not is_guest_class(type(value)):
        try:
            return buffer_of(value)
        except TypeError:
            pass
    from loader.semantics import iterate

    return [_byte(item, wrap) for item in iterate(value)]


def make_bytearray(*args: Any, **named: Any) -> bytearray:
    """`bytearray(x)`."""
    if not args:
        return bytearray()
    value = args[0]
    if isinstance(value, str):
        if len(args) < 2:
            raise TypeError("string argument without an encoding")
        return bytearray(value.encode("utf-8", "surrogateescape"))
    if type(value) is int:
        return bytearray(_sized(value))
    items = _byte_items(value, wrap=True)
    return bytearray(items)


def make_list(*args: Any) -> list[Any]:
    """`list(x)`."""
    from loader.semantics import iterate

    _count("list", args, 0, 1)
    return list(iterate(args[0])) if args else []


def make_tuple(*args: Any) -> tuple[Any, ...]:
    """`tuple(x)`."""
    from loader.semantics import iterate

    _count("tuple", args, 0, 1)
    return tuple(iterate(args[0])) if args else ()


def make_set(*args: Any) -> set[Any]:
    """`set(x)`."""
    from loader.semantics import iterate

    _count("set", args, 0, 1)
    return made_set(iterate(args[0])) if args else set()


def make_frozenset(*args: Any) -> frozenset[Any]:
    """`frozenset(x)`."""
    from loader.semantics import iterate

    _count("frozenset", args, 0, 1)
    return frozenset(iterate(args[0])) if args else frozenset()


def fill_dict(target: dict[Any, Any], args: tuple[Any, ...], named: dict[str, Any]) -> None:
    """What `dict(...)` and `dict.update(...)` do with their arguments."""
    from loader.semantics import iterate

    if len(args) > 1:
        raise TypeError(f"function expected at most 2 arguments, got {len(args) + 1}")
    if args:
        source = args[0]
        if isinstance(source, dict):
            for key in dict_keys(source) if type(source) is dict else source:
                target[key] = source[key]
        else:
            for pair in iterate(source):
                pieces = list(iterate(pair))
                if len(pieces) != 2:
                    raise ValueError("dict update sequence has wrong length")
                target[pieces[0]] = pieces[1]
    target.update(named)


def make_dict(*args: Any, **named: Any) -> dict[Any, Any]:
    """`dict(...)`."""
    made: dict[Any, Any] = {}
    fill_dict(made, args, named)
    return made


def make_bool(*args: Any) -> bool:
    """`bool(x)`."""
    _count("bool", args, 0, 1)
    return bool(args[0]) if args else False


def type_of(obj: Any) -> type:
    """`type(obj)`."""
    kind = type(obj)
    if is_guest_class(obj) if isinstance(obj, type) else False:
        return type
    if kind is types.FunctionType and is_generator_function(obj):
        return types.GeneratorType
    name = type_name(obj)
    if name == "function":
        return types.FunctionType
    if name == "bound_method":
        return types.MethodType
    if kind is types.FunctionType or kind is types.BuiltinFunctionType:
        return types.FunctionType
    from loader.exceptions import visible

    if isinstance(obj, BaseException):
        return type(visible(obj))
    return kind


def make_type(*args: Any, **named: Any) -> type:
    """`type(x)`, `type(name, bases, dict)`."""
    if named:
        raise TypeError("function doesn't take keyword arguments")
    if len(args) == 1:
        return type_of(args[0])
    _count("type", args, 1, 3)
    if len(args) != 3:
        raise TypeError("type takes 1 or 3 arguments")
    name, bases, namespace = args
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    if not isinstance(bases, tuple) or not isinstance(namespace, dict):
        raise TypeError
    return new_class(name, bases, namespace)


def make_range(*args: Any) -> range:
    """`range(...)`."""
    _count("range", args, 1, 3)
    bounds = [index(arg) for arg in args]
    if len(bounds) == 3 and bounds[2] == 0:
        raise ValueError("zero step")
    return range(*bounds)


def index(value: Any) -> int:
    """A value where an integer is needed."""
    if isinstance(value, int):
        return int(value)
    kind = type(value)
    converts = is_guest_class(kind) or hasattr(kind, "_guest_repr_")
    convert = getattr(kind, "__int__", None) if converts else None
    if convert is None:
        raise TypeError(f"can't convert {type_name(value)} to int")
    return int(convert(value))


def make_memoryview(*args: Any) -> memoryview:
    """`memoryview(x)`."""
    _count("memoryview", args, 1, 1)
    return memoryview(args[0]) if isinstance(args[0], array) else buffer_of(args[0])


def make_object(*args: Any) -> object:
    """`object()`."""
    _count("object", args, 0, 0)
    return object()


def callable_for(function: Any) -> Any:
    """What the host must call where it is handed a guest callable: a `key=`, say."""
    if type(function) is type:
        return CONSTRUCT.get(function, function)
    return function


def make_map(function: Any = None, *iterables: Any) -> Any:
    """`map(function, ...)`."""
    from loader.semantics import iterate

    given = len(iterables) + (function is not None)
    if given < 2:
        raise TypeError(f"function missing {2 - given} required positional arguments")
    return map(callable_for(function), *[iterate(i) for i in iterables])


def make_filter(*args: Any) -> Any:
    """`filter(function, iterable)`."""
    from loader.semantics import iterate

    _count("filter", args, 2, 2)
    return filter(callable_for(args[0]), iterate(args[1]))


def make_zip(*iterables: Any) -> Any:
    """`zip(...)`."""
    from loader.semantics import iterate

    return zip(*[iterate(i) for i in iterables], strict=False)


def make_enumerate(*args: Any, **named: Any) -> Any:
    """`enumerate(iterable, start)`."""
    from loader.modules.native import REQUIRED, parse_args
    from loader.semantics import iterate

    spec = (("iterable", REQUIRED), ("start", 0))
    iterable, start = parse_args(args, named, spec, 2)

    return enumerate(iterate(iterable), start)


def make_reversed(*args: Any) -> Any:
    """`reversed(x)`."""
    _count("reversed", args, 1, 1)
    value = args[0]
    if is_guest_class(type(value)):
        from loader.classes import _in_class

        found = _in_class(type(value), "__reversed__")
        if found is not None:
            return found[1](value)
    elif isinstance(value, dict | set):
        return iter([value[index] for index in reversed(range(len(value)))])  # type: ignore[index]
    return reversed(value)


def _exception(kind: type[BaseException]) -> Callable[..., BaseException]:
    def make(*args: Any, **named: Any) -> BaseException:
        if named:
            raise TypeError("function doesn't take keyword arguments")
        made = kind()
        if args:
            made.args = args
        made.__dict__[".guest"] = True
        return made

    return make


def make_stop_iteration(*args: Any) -> StopIteration:
    """`StopIteration(value)`."""
    made = StopIteration(*args)
    made.__dict__[".guest"] = True
    return made


def make_generator(*args: Any) -> Any:
    """Types that cannot be called."""
    raise TypeError("can't create 'generator' instances")


def _not_created(name: str) -> Callable[..., Any]:
    def make(*args: Any, **named: Any) -> Any:
        raise TypeError(f"can't create '{name}' instances")

    return make


def make_super(*args: Any) -> Super:
    """`super(cls, obj)`."""
    _count("super", args, 2, 2)
    return Super(*args)


def _wrapping(kind: Any) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        _count(kind.__name__, args, 1, 1)
        return kind(args[0])

    return make


def make_property(fget: Any = None, fset: Any = None, fdel: Any = None, doc: Any = None) -> Any:
    """`property(...)`."""
    return property(fget, fset, fdel)


def make_array(*args: Any) -> Any:
    """`array.array(...)`."""
    from loader.modules.array import make

    return make(*args)


CONSTRUCT: dict[type, Callable[..., Any]] = {
    int: make_int,
    float: make_float,
    complex: make_complex,
    str: make_str,
    bytes: make_bytes,
    bytearray: make_bytearray,
    list: make_list,
    tuple: make_tuple,
    set: make_set,
    frozenset: make_frozenset,
    dict: make_dict,
    bool: make_bool,
    type: make_type,
    range: make_range,
    memoryview: make_memoryview,
    object: make_object,
    map: make_map,
    filter: make_filter,
    zip: make_zip,
    array: make_array,
    Super: make_super,
    staticmethod: _wrapping(staticmethod),
    classmethod: _wrapping(classmethod),
    property: make_property,
    enumerate: make_enumerate,
    reversed: make_reversed,
    slice: _not_created("slice"),
    types.GeneratorType: _not_created("generator"),
    types.FunctionType: _not_created("function"),
    types.MethodType: _not_created("bound_method"),
    type(None): _not_created("NoneType"),
}
for _kind in (
    BaseException, Exception, ArithmeticError, AssertionError, AttributeError, EOFError,
    GeneratorExit, ImportError, IndentationError, IndexError, KeyboardInterrupt, KeyError,
    LookupError, MemoryError, NameError, NotImplementedError, OSError, OverflowError,
    RuntimeError, StopAsyncIteration, SyntaxError, TypeError, UnicodeError, ValueError,
    ZeroDivisionError, SystemExit,
):  # fmt: skip
    CONSTRUCT[_kind] = _exception(_kind)
CONSTRUCT[StopIteration] = make_stop_iteration
