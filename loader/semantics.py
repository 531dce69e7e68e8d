"""What each opcode means: typed functions that know no tier.

`act(vm, arg, *inputs)` takes an instruction's operand and the values it pops and returns
what it pushes. Values are host values (see `space` for the object model); the functions add
what MicroPython does otherwise.

Source: MicroPython py/vm.c, py/runtime.c, py/objtype.c.
"""

from __future__ import annotations

import array
import gc
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.classes import (
    HIDDEN,
    attribute_of_class,
    attribute_of_instance,
    is_guest_class,
    super_attribute,
    super_lookup,
)
from loader.code import NULL, Null
from loader.construct import CONSTRUCT
from loader.exceptions import raised_by_guest
from loader.floats import complex_divide as complex_divide
from loader.floats import complex_power as complex_power
from loader.formatting import format_percent as format_percent
from loader.natives import ATTRIBUTES, EXCEPTION_NAMES, cannot_store, missing, native_attribute
from loader.operators import BINARY, FIRST_INPLACE, IS, MATCH, UNARY
from loader.order import dict_keys, made_set, note_display, set_items
from loader.text import type_name

if TYPE_CHECKING:
    from loader.vm import VM

Obj = Any
"""A guest value: any host object."""


# ------------------------------------------------------------------------------ attributes


def load_attr(vm: VM, name: str, obj: Obj) -> Obj:
    """`obj.name`.

    Raises:
        AttributeError: There is none.
    """
    kind = type(obj)
    if kind in ATTRIBUTES:
        if name == "__class__":
            return kind
        return native_attribute(obj, kind, name)
    if isinstance(obj, type):
        return attribute_of_class(obj, name)
    if is_guest_class(kind):
        return attribute_of_instance(obj, kind, name)
    if name == "__class__":
        return kind
    if isinstance(obj, BaseException):
        if name == "args":
            return obj.args
        if name in EXCEPTION_NAMES:
            return obj.args[0] if obj.args else None
        raise missing(obj, name)
    if kind is vm.module_type:
        return _module_attr(obj, name)
    if kind is vm.super_type:
        return super_attribute(obj.cls, obj.obj, name)
    if name in HIDDEN or (name.startswith("__") and name not in _NATIVE_SPECIAL):
        raise missing(obj, name)
    return getattr(obj, name)


_NATIVE_SPECIAL = frozenset(
    {"__enter__", "__exit__", "__next__", "__iter__", "__getitem__", "__setitem__",
     "__delitem__", "__contains__", "__name__", "__call__"}
)  # fmt: skip


def _module_attr(module: Obj, name: str) -> Obj:
    namespace = module.__dict__
    if name in namespace:
        return namespace[name]
    if name == "__dict__":
        return namespace
    hook = namespace.get("__getattr__")
    if hook is not None:
        return hook(name)
    raise AttributeError(f"module '{namespace.get('__name__')}' has no attribute '{name}'")


def load_method(vm: VM, name: str, obj: Obj) -> tuple[Obj, Null]:
    """`obj.name` that will be called: the bound attribute, and NULL for self."""
    return load_attr(vm, name, obj), NULL


def load_super_method(vm: VM, name: str, unused: Obj, cls: Obj, obj: Obj) -> tuple[Obj, Obj]:
    """`super().name` that will be called: function and self."""
    return super_lookup(cls, obj, name)


def store_attr(vm: VM, name: str, value: Obj, obj: Obj) -> None:
    """`obj.name = value`; NULL deletes.

    Raises:
        AttributeError: The object takes no attributes, or has none of this name to delete.
    """
    kind = type(obj)
    if is_guest_class(kind):
        hooked = _accessor(kind, "__delattr__" if value is NULL else "__setattr__")
        try:
            if value is NULL:
                delattr(obj, name)
            else:
                setattr(obj, name, value)
        except AttributeError as error:
            trace = error.__traceback__
            if hooked is None and trace is not None and trace.tb_next is None:
                raise cannot_store(obj, name) from None
            raise
        return
    if kind is vm.module_type and vm.is_fixed(obj, name):
        raise cannot_store(obj, name)
    if kind is vm.module_type or is_guest_class(obj if isinstance(obj, type) else object):
        _store_in_namespace(name, value, obj)
        return
    if isinstance(obj, BaseException) and name == "__traceback__":
        if value is None:
            from loader.exceptions import clear_entries

            clear_entries(obj)
        return
    setter = getattr(kind, "_guest_setattr_", None)
    if setter is not None:
        setter(obj, name, value)
        return
    if kind in ATTRIBUTES or isinstance(obj, BaseException | type):
        raise cannot_store(obj, name)
    try:
        if value is NULL:
            delattr(obj, name)
        else:
            setattr(obj, name, value)
    except (AttributeError, TypeError) as error:
        if str(error) == "can't set attribute":
            raise
        raise cannot_store(obj, name) from None


def _accessor(kind: type, name: str) -> Callable[..., Any] | None:
    return next((base.__dict__[name] for base in kind.__mro__[:-1] if name in base.__dict__), None)


def _store_in_namespace(name: str, value: Obj, obj: Obj) -> None:
    if value is NULL:
        if name not in obj.__dict__:
            raise cannot_store(obj, name) if isinstance(obj, type) else KeyError(name)
        delattr(obj, name)
    elif name in HIDDEN and isinstance(obj, type):
        hidden = obj.__dict__.get(".hidden")
        if hidden is None:
            hidden = {}
            setattr(obj, ".hidden", hidden)
        hidden[name] = value
    else:
        setattr(obj, name, value)


def import_from(vm: VM, name: str, module: Obj) -> tuple[Obj, Obj]:
    """`from module import name`: leaves the module below the value."""
    return module, vm.import_from(module, name)


def load_build_class(vm: VM, arg: int) -> Obj:
    """The class builder, which a program may have replaced."""
    return vm.builtins["__build_class__"]


# -------------------------------------------------------------------------------- building


def build_tuple(vm: VM, arg: int, *items: Obj) -> Obj:
    """A tuple display."""
    return items


def build_list(vm: VM, arg: int, *items: Obj) -> Obj:
    """A list display."""
    return list(items)


def build_set(vm: VM, arg: int, *items: Obj) -> Obj:
    """A set display."""
    return made_set(items, len(items))


def build_map(vm: VM, arg: int) -> Obj:
    """An empty dict with room for `arg` items."""
    made: dict[Obj, Obj] = {}
    note_display(made, arg)
    return made


def build_slice(vm: VM, arg: int, *bounds: Obj) -> Obj:
    """A slice of two or three bounds."""
    return slice(*bounds) if arg == 3 else slice(bounds[0], bounds[1])


def store_map(vm: VM, arg: int, map_: Obj, value: Obj, key: Obj) -> Obj:
    """One item of a dict display."""
    map_[key] = value
    return map_


def unpack_sequence(vm: VM, arg: int, sequence: Obj) -> list[Obj]:
    """The `arg` items of a sequence, last first.

    Raises:
        ValueError: It has another number of items.
    """
    kind = type(sequence)
    items = sequence if kind is tuple or kind is list else _take(vm, sequence, arg + 1)
    if len(items) < arg:
        raise ValueError(f"need more than {len(items)} values to unpack")
    if len(items) > arg:
        raise ValueError(f"too many values to unpack (expected {arg})")
    return list(items[::-1])


def _take(vm: VM, iterable: Obj, count: int) -> list[Obj]:
    return list(itertools.islice(get_iter(vm, 0, iterable), count))


def unpack_ex(vm: VM, arg: int, sequence: Obj) -> list[Obj]:
    """Items before and after a starred target, and the list between; last first.

    Raises:
        ValueError: There are fewer items than plain targets.
    """
    left, right = arg & 0xFF, arg >> 8 & 0xFF
    items = list(get_iter(vm, 0, sequence))
    if len(items) < left + right:
        raise ValueError(f"need more than {len(items)} values to unpack")
    middle = len(items) - right
    return [*items[middle:][::-1], items[left:middle], *items[:left][::-1]]


# ----------------------------------------------------------------------------------- calls


def call(function: Obj, *args: Obj, **named: Obj) -> Obj:
    """Call any guest callable."""
    if type(function) is type:
        function = CONSTRUCT.get(function, function)
    return function(*args, **named)


def keywords(args: list[Obj], n_pos: int) -> dict[str, Obj]:
    """The keyword arguments among the values of a call, after its positional ones.

    Raises:
        TypeError: One is given twice.
    """
    found: dict[str, Obj] = {}
    for at in range(n_pos, len(args), 2):
        name = args[at]
        if name in found:
            raise TypeError(f"function got multiple values for argument '{name}'")
        found[name] = args[at + 1]
    return found


def star_args(args: list[Obj], n_pos: int) -> tuple[list[Obj], dict[str, Obj]]:
    """Expand the arguments of a call with `*x` or `**x`.

    Args:
        args: Positional values, then keys and values, then the bitmap of the starred ones.
        n_pos: Number of positional values.
    """
    bitmap = args[-1]
    positional: list[Obj] = []
    for at in range(n_pos):
        if bitmap >> at & 1:
            positional.extend(iterate(args[at]))
        else:
            positional.append(args[at])
    named: dict[str, Obj] = {}
    for at in range(n_pos, len(args) - 1, 2):
        key, value = args[at], args[at + 1]
        if key is not NULL:
            pairs = [(key, value)]
        elif isinstance(value, dict):
            pairs = [(k, value[k]) for k in dict_keys(value)]
        else:
            pairs = [(k, value[k]) for k in iterate(value.keys())]
        for name, item in pairs:
            if not isinstance(name, str):
                raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
            if name in named:
                raise TypeError(f"function got multiple values for argument '{name}'")
            named[name] = item
    return positional, named


def call_function(vm: VM, arg: int, function: Obj, *args: Obj) -> Obj:
    """A call without stars."""
    n_pos = arg & 0xFF
    return call(function, *args[:n_pos], **keywords(list(args), n_pos))


def call_function_var_kw(vm: VM, arg: int, function: Obj, *args: Obj) -> Obj:
    """A call with stars."""
    positional, named = star_args(list(args), arg & 0xFF)
    return call(function, *positional, **named)


def call_method(vm: VM, arg: int, method: Obj, self: Obj, *args: Obj) -> Obj:
    """A method call without stars."""
    n_pos = arg & 0xFF
    first = () if self is NULL else (self,)
    return call(method, *first, *args[:n_pos], **keywords(list(args), n_pos))


def call_method_var_kw(vm: VM, arg: int, method: Obj, self: Obj, *args: Obj) -> Obj:
    """A method call with stars."""
    positional, named = star_args(list(args), arg & 0xFF)
    first = () if self is NULL else (self,)
    return call(method, *first, *positional, **named)


def setup_with(vm: VM, arg: int, manager: Obj) -> tuple[Obj, Obj, Obj]:
    """Enter a context manager: its `__exit__`, self (or NULL), and the result of `__enter__`."""
    leave = load_attr(vm, "__exit__", manager)
    enter = load_attr(vm, "__enter__", manager)
    return leave, NULL, enter()


# ------------------------------------------------------------------- subscripts, iteration


def load_subscr(vm: VM, arg: int, obj: Obj, key: Obj) -> Obj:
    """`obj[key]`.

    Raises:
        NotImplementedError: A slice with a step of a type that has none on a device.
    """
    if type(key) is slice and key.step is not None and key.step != 1:
        kind = type(obj)
        if kind in _NO_STEP or kind.__name__ == "array":
            raise NotImplementedError("only slices with step=1 (aka None) are supported")
    try:
        return obj[key]
    except TypeError:
        if type(key) is slice and type(obj) in _SEQUENCES:
            for bound in (key.start, key.stop, key.step):
                if bound is not None and not isinstance(bound, int):
                    raise TypeError(f"can't convert {type_name(bound)} to int") from None
        raise


_STEP_TEXT = ("only slices with step=1 (aka None) are supported",)
_SEQUENCES = frozenset({list, tuple, str, bytes, bytearray, range})
_NO_STEP = frozenset({str, bytes, bytearray, memoryview, tuple})


def store_subscr(vm: VM, arg: int, value: Obj, obj: Obj, key: Obj) -> None:
    """`obj[key] = value`; NULL deletes.

    Raises:
        NotImplementedError: A slice with a step of a type that has none on a device.
    """
    if type(key) is slice:
        kind = type(obj)
        if key.step is not None and key.step != 1 and (kind in _NO_STEP or kind is list):
            raise NotImplementedError(*_STEP_TEXT[kind is list :])
        if kind is list and value is not NULL and type(value) not in (list, tuple):
            raise TypeError(f"object '{type_name(value)}' isn't a tuple or list")
        if kind in _CUT and value is not NULL:
            _store_slice(obj, key, value)
            return
    if value is NULL and type(obj) in _CUT:
        raise TypeError(f"'{type_name(obj)}' object doesn't support item deletion")
    if value is NULL:
        del obj[key]
    else:
        obj[key] = value


_CUT = frozenset({bytearray, array.array, memoryview})
"""Types that hold numbers of a fixed size."""


def _store_slice(obj: Obj, key: slice, value: Obj) -> None:
    """`obj[a:b] = value` for a buffer: only arrays and bytes may be assigned."""
    if not isinstance(value, bytes | bytearray | memoryview | array.array):
        raise NotImplementedError("array/bytes required on right side")
    if type(obj) is memoryview:
        obj[key] = value
        return
    if type(obj) is not bytearray and memoryview(value).itemsize != obj.itemsize:
        raise ValueError("lhs and rhs should be compatible")
    if type(obj) is bytearray:
        obj[key] = value
    else:
        made: array.array[Any] = array.array(obj.typecode)
        made.frombytes(bytes(value))
        start, stop, _ = key.indices(len(obj))
        obj[start : max(start, stop)] = made


def get_iter(vm: VM | None, arg: int, obj: Obj) -> Obj:
    """`iter(obj)`: dicts and sets in the order of a device's hash table."""
    return iter(iterate(obj))


def iterate(obj: Obj) -> Any:
    """What the host iterates to get the guest's items of `obj` in the guest's order."""
    kind = type(obj)
    if kind is dict:
        return dict_keys(obj)
    if kind is set or kind is frozenset:
        return set_items(obj)
    if kind in _VIEWS:
        mapping = gc.get_referents(obj.mapping)[0]  # what the read-only proxy stands for
        keys = list(iterate(mapping))
        if kind is _KEYS:
            return keys
        if kind is _ITEMS:
            return list(zip(keys, map(mapping.__getitem__, keys), strict=True))
        return list(map(mapping.__getitem__, keys))
    if kind in _PLAIN or not is_guest_class(kind) or hasattr(kind, "__iter__"):
        if isinstance(obj, dict) and is_guest_class(kind) and kind.__iter__ is dict.__iter__:
            return dict_keys(obj)
        return obj
    return obj


_PLAIN = frozenset({list, tuple, str, bytes, range})
_KEYS: type = type({}.keys())
_ITEMS: type = type({}.items())
_VIEWS = frozenset({_KEYS, _ITEMS, type({}.values())})


# ------------------------------------------------------------------------------- operators


def unary_op(vm: VM, arg: int, value: Obj) -> Obj:
    """`-x`, `+x`, `~x`, `not x`."""
    return UNARY[arg].host(value)


def binary_op(vm: VM, arg: int, lhs: Obj, rhs: Obj) -> Obj:
    """The operator of number `arg` of `operators.BINARY`."""
    if arg == MATCH:
        return matches(lhs, rhs)
    if arg == IS:
        return lhs is rhs or (type(lhs) is int and type(rhs) is int and lhs == rhs)
    operator = BINARY[arg]
    if operator.symbol in ("%", "%=") and type(lhs) in (str, bytes):
        return format_percent(lhs, rhs)
    if arg >= FIRST_INPLACE and operator.method not in _INPLACE:
        operator = BINARY[_plain_of(arg)]
    result = operator.host(lhs, rhs)
    if type(lhs) is bool and type(result) is bool and arg >= FIRST_INPLACE:
        return int(result)
    if type(result) is complex and operator.symbol in ("/", "**"):
        return (complex_divide if operator.symbol == "/" else complex_power)(lhs, rhs)
    return result


_INPLACE = frozenset({"__iadd__", "__isub__", "__ior__"})


def _plain_of(arg: int) -> int:
    count = (len(BINARY) - FIRST_INPLACE) // 2
    return arg + count if arg < FIRST_INPLACE + count else arg


def matches(exc: Obj, kinds: Obj) -> bool:
    """Whether an `except` clause for `kinds` catches what is on the stack.

    Raises:
        TypeError: `kinds` is no exception class.
    """
    for kind in kinds if type(kinds) is tuple else (kinds,):
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f"unsupported types for : '{type_name(exc)}', '{type_name(kind)}'")
        if isinstance(exc, kind):
            return True
    return False


def exception_from(obj: Obj) -> BaseException:
    """What `raise obj` raises.

    Raises:
        TypeError: It is no exception.
    """
    if isinstance(obj, type) and issubclass(obj, BaseException):
        obj = call(obj)
    if not isinstance(obj, BaseException):
        return TypeError("exceptions must derive from BaseException")
    raised_by_guest(obj)
    return obj
