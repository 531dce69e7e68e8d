"""The guest's built-in functions and the dict they live in.

Each function takes the run first; `namespace` binds it, and what is bound is not bound again
when a guest class holds it, as with MicroPython's own.

Source: MicroPython py/modbuiltins.c.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader import source
from loader.classes import HIDDEN, Super, build_class, class_dict
from loader.code import NULL
from loader.construct import (
    CONSTRUCT,
    callable_for,
    index,
    to_float,
    type_of,
)
from loader.exceptions import Entry, add_entry
from loader.floats import round_to
from loader.formatting import format_percent, format_value
from loader.methods import sort_list
from loader.modules import builtin_module
from loader.modules.streams import IOBase
from loader.natives import ATTRIBUTES, GUARDED
from loader.order import dict_keys, hash_bytes
from loader.semantics import call, get_iter, iterate, load_attr, store_attr
from loader.text import check_name, class_name, is_guest_class, repr_, str_, type_name
from romfs.static_qstrs import STATIC_QSTRS

if TYPE_CHECKING:
    from loader.vm import VM


class CodeObject:
    """What `compile` returns.

    Attributes:
        data: The compiled .mpy file.
        mode: "exec", "eval" or "single".
    """

    __guest_name__ = "code"
    __slots__ = ("data", "mode")

    def __init__(self, data: bytes, mode: str) -> None:
        self.data = data
        self.mode = mode

    def _guest_repr_(self) -> str:
        return f"<code {id(self):x}>"


def _args(args: tuple[Any, ...], least: int, most: int | None = None) -> None:
    most = least if most is None else most
    if least == most and len(args) != least:
        raise TypeError(f"function takes {least} positional arguments but {len(args)} were given")
    if len(args) < least:
        raise TypeError(f"function missing {least - len(args)} required positional arguments")
    if len(args) > most:
        raise TypeError(f"function expected at most {most} arguments, got {len(args)}")


def _number(value: Any) -> Any:
    return index(value) if is_guest_class(type(value)) else value


def b_abs(vm: VM, *args: Any) -> Any:
    """`abs(x)`."""
    _args(args, 1)
    if isinstance(args[0], int | float | complex) or is_guest_class(type(args[0])):
        return abs(args[0])
    raise TypeError(f"unsupported type for __abs__: '{type_name(args[0])}'")


def b_all(vm: VM, *args: Any) -> bool:
    """`all(x)`."""
    _args(args, 1)
    return all(iterate(args[0]))


def b_any(vm: VM, *args: Any) -> bool:
    """`any(x)`."""
    _args(args, 1)
    return any(iterate(args[0]))


def b_bin(vm: VM, *args: Any) -> str:
    """`bin(x)`."""
    _args(args, 1)
    return format_value(_number(args[0]), "#b")


def b_hex(vm: VM, *args: Any) -> str:
    """`hex(x)`."""
    _args(args, 1)
    return str(format_percent("%#x", _number(args[0])))


def b_oct(vm: VM, *args: Any) -> str:
    """`oct(x)`."""
    _args(args, 1)
    return str(format_percent("%#o", (_number(args[0]),)))


def b_callable(vm: VM, *args: Any) -> bool:
    """`callable(x)`."""
    _args(args, 1)
    return callable(args[0])


def b_chr(vm: VM, *args: Any) -> str:
    """`chr(x)`."""
    _args(args, 1)
    code = index(args[0])
    if not -(1 << 63) <= code < 1 << 63:
        raise OverflowError("overflow converting long int to machine word")
    if not 0 <= code < 0x110000:
        raise ValueError("chr() arg not in range(0x110000)")
    return chr(code)


def b_ord(vm: VM, *args: Any) -> int:
    """`ord(x)`."""
    _args(args, 1)
    value = args[0]
    if isinstance(value, str | bytes):
        if len(value) != 1:
            raise TypeError(f"ord() expected a character, but string of length {len(value)} found")
        return ord(value)
    raise TypeError(f"can't convert '{type_name(value)}' object to str implicitly")


def b_compile(vm: VM, *args: Any) -> CodeObject:
    """`compile(source, filename, mode)`."""
    _args(args, 3, 6)
    text, name, mode = args[:3]
    if mode not in ("exec", "eval", "single"):
        raise ValueError("bad compile mode")
    return CodeObject(_compile(vm, text, name, mode), mode)


def _compile(vm: VM, text: Any, name: str, mode: str) -> bytes:
    if not isinstance(text, str):
        text = bytes(CONSTRUCT[bytes](text)).decode("utf-8", "surrogateescape")
    if mode == "eval":
        if not text.strip():
            raise SyntaxError("invalid syntax")
        if text[0] in " \t":
            error = IndentationError("unexpected indent")
            add_entry(error, Entry(name, 1, ""))
            raise error
        text = f"{_RESULT}=({text.strip()}\n)"
    return source.compile_source(text, name, vm.opt_level)


_RESULT = "__eval_result__"


def _run(vm: VM, obj: Any, args: tuple[Any, ...], mode: str) -> Any:
    """`exec` and `eval`: run in the given dicts, or those of the caller."""
    globals_, locals_ = vm.current_globals(), vm.ns
    if args and args[0] is not None:
        if not isinstance(args[0], dict):
            raise TypeError
        globals_ = locals_ = args[0]
    if len(args) > 1 and args[1] is not None:
        locals_ = args[1]
    if isinstance(obj, CodeObject):
        data, mode = obj.data, obj.mode
    else:
        data = _compile(vm, obj, "<string>", mode)
    vm.run_compiled(memoryview(data), globals_, locals_)
    return locals_.pop(_RESULT, None) if mode == "eval" else None


def b_eval(vm: VM, *args: Any) -> Any:
    """`eval(source, globals, locals)`."""
    _args(args, 1, 3)
    return _run(vm, args[0], args[1:], "eval")


def b_exec(vm: VM, *args: Any) -> None:
    """`exec(source, globals, locals)`."""
    _args(args, 1, 3)
    _run(vm, args[0], args[1:], "exec")


def b_execfile(vm: VM, *args: Any) -> None:
    """`execfile(path, globals, locals)`."""
    _args(args, 1, 3)
    data = bytes(vm.vfs.read_for_import(args[0]))
    compiled = source.compile_source(data, args[0], vm.opt_level)
    _run(vm, CodeObject(compiled, "exec"), args[1:], "exec")


def b_dir(vm: VM, *args: Any) -> list[str]:
    """`dir()`, `dir(x)`."""
    _args(args, 0, 1)
    names = [k for k in vm.ns if "." not in k] if not args else names_of(vm, args[0])
    return sorted(names, key=lambda name: _interned_rank(vm, name))


def _interned_rank(vm: VM, name: str) -> tuple[int, int, str]:
    """Where a name stands among all interned strings: the order in which `dir` looks."""
    number = _STATIC.get(name)
    if number is not None:
        return 0, number, name
    if name in _FIRMWARE or name in FUNCTIONS or name in _TYPES:
        return 1, 0, name
    return 2, vm.pool.rank(name), name


_STATIC = {name: number for number, name in enumerate(STATIC_QSTRS)}
_FIRMWARE = frozenset(name for table in ATTRIBUTES.values() for name in table) | HIDDEN | GUARDED


def names_of(vm: VM, obj: Any) -> list[str]:
    """Names of the attributes of an object, in no particular order."""
    kind = type(obj)
    names: dict[str, None] = {"__class__": None}
    if isinstance(obj, types.ModuleType):
        names.update(dict.fromkeys(k for k in dict_keys(obj.__dict__) if "." not in k))
        names["__dict__"] = None
        return list(names)
    if isinstance(obj, type):
        names["__name__"] = names["__bases__"] = names["__dict__"] = None
        kind = obj
    elif is_guest_class(kind):
        names.update(dict.fromkeys(k for k in obj.__dict__ if not k.startswith(".")))
        names["__dict__"] = None
    for base in kind.__mro__:
        if is_guest_class(base):
            names.update(dict.fromkeys(class_dict(base)))
        elif base in ATTRIBUTES:
            names.update(dict.fromkeys(ATTRIBUTES[base]))
        elif issubclass(base, BaseException) and base is not object:
            names.update(dict.fromkeys(("args", "value", "errno")))
        elif base is not object:
            names.update(dict.fromkeys(k for k in base.__dict__ if k[:1] != "_"))
    return list(names)


def b_divmod(vm: VM, *args: Any) -> Any:
    """`divmod(a, b)`."""
    _args(args, 2)
    try:
        return divmod(args[0], args[1])
    except TypeError:
        raise TypeError(
            f"unsupported types for __divmod__: '{type_name(args[0])}', '{type_name(args[1])}'"
        ) from None


def b_getattr(vm: VM, *args: Any) -> Any:
    """`getattr(x, name, default)`."""
    _args(args, 2, 3)
    name = _attribute_name(args[1])
    if len(args) == 2:
        return load_attr(vm, name, args[0])
    try:
        return load_attr(vm, name, args[0])
    except AttributeError:
        return args[2]


def _attribute_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    return check_name(name)


def b_setattr(vm: VM, *args: Any) -> None:
    """`setattr(x, name, value)`."""
    _args(args, 3)
    store_attr(vm, _attribute_name(args[1]), args[2], args[0])


def b_delattr(vm: VM, *args: Any) -> None:
    """`delattr(x, name)`."""
    _args(args, 2)
    store_attr(vm, _attribute_name(args[1]), NULL, args[0])


def b_hasattr(vm: VM, *args: Any) -> bool:
    """`hasattr(x, name)`."""
    _args(args, 2)
    try:
        load_attr(vm, _attribute_name(args[1]), args[0])
    except AttributeError:
        return False
    return True


def b_globals(vm: VM, *args: Any) -> dict[str, Any]:
    """`globals()`."""
    _args(args, 0)
    return vm.current_globals()


def b_locals(vm: VM, *args: Any) -> dict[str, Any]:
    """`locals()`: of the module or class body being run, never of a function."""
    _args(args, 0)
    return vm.ns


def b_hash(vm: VM, *args: Any) -> int:
    """`hash(x)`."""
    _args(args, 1)
    value = args[0]
    if isinstance(value, str):
        return hash_bytes(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, bytes):
        return hash_bytes(value)
    if type(value) is int and -(1 << 62) <= value < 1 << 62:
        return value
    if type(value) is range:
        raise TypeError("unsupported type for __hash__: 'range'")
    return hash(value)


def b_id(vm: VM, *args: Any) -> int:
    """`id(x)`."""
    _args(args, 1)
    return id(args[0])


def b_input(vm: VM, *args: Any) -> str:
    """`input(prompt)`."""
    _args(args, 0, 1)
    if args:
        vm.write(str_(args[0]))
    vm.stdout.flush()
    line = vm.stdin.readline()
    if not line:
        raise EOFError
    return bytes(line).rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def _is_subclass(kind: type, kinds: Any) -> bool:
    """Whether a class derives from one of others, which are looked at one after the other."""
    if not isinstance(kinds, tuple | type):
        raise TypeError("issubclass() arg 2 must be a class or a tuple of classes")
    for one in kinds if isinstance(kinds, tuple) else (kinds,):
        if not isinstance(one, type):
            continue
        if issubclass(kind, one) and (kind is not bool or one is bool or one is object):
            return True
    return False


def b_isinstance(vm: VM, *args: Any) -> bool:
    """`isinstance(x, types)`; bool is no int."""
    _args(args, 2)
    obj, kinds = args
    if type(obj) is not bool and type(kinds) is type:
        if type(obj) is kinds:
            return True
        if kinds is types.FunctionType or kinds is types.GeneratorType or kinds is type:
            return _is_subclass(type_of(obj), kinds)
    return _is_subclass(type_of(obj), kinds)


def b_issubclass(vm: VM, *args: Any) -> bool:
    """`issubclass(cls, types)`."""
    _args(args, 2)
    if not isinstance(args[0], type):
        raise TypeError("issubclass() arg 1 must be a class")
    return _is_subclass(args[0], args[1])


def b_iter(vm: VM, *args: Any) -> Any:
    """`iter(x)`."""
    _args(args, 1)
    return get_iter(vm, 0, args[0])


def b_len(vm: VM, *args: Any) -> int:
    """`len(x)`."""
    _args(args, 1)
    return len(args[0])


def b_next(vm: VM, *args: Any) -> Any:
    """`next(x, default)`."""
    _args(args, 1, 2)
    return next(*args)


def _extreme(vm: VM, name: str, pick: Callable[..., Any], args: Any, named: dict[str, Any]) -> Any:
    key = callable_for(named.pop("key", None))
    default = named.pop("default", NULL)
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    if len(args) == 1:
        items = iterate(args[0])
        if default is not NULL:
            return pick(items, key=key, default=default)
        try:
            return pick(items, key=key)
        except ValueError as error:
            if "empty" in str(error):
                raise ValueError("arg is an empty sequence") from None
            raise
    return pick(args, key=key)


def b_max(vm: VM, *args: Any, **named: Any) -> Any:
    """`max(...)`."""
    return _extreme(vm, "max", max, args, named)


def b_min(vm: VM, *args: Any, **named: Any) -> Any:
    """`min(...)`."""
    return _extreme(vm, "min", min, args, named)


def b_open(vm: VM, *args: Any, **named: Any) -> Any:
    """`open(...)`, as of `io`."""
    io = builtin_module(vm, "io", extensible=True)
    assert io is not None
    return call(io.__dict__["open"], *args, **named)


def b_pow(vm: VM, *args: Any) -> Any:
    """`pow(a, b, modulus)`."""
    _args(args, 2, 3)
    if len(args) == 3:
        for arg in args:
            if not isinstance(arg, int):
                raise TypeError("pow() with 3 arguments requires integers")
        if args[2] == 0:
            raise ValueError("divide by zero")
        if args[1] < 0:
            return 0
    return pow(*args)


def b_print(
    vm: VM, *args: Any, sep: Any = " ", end: Any = "\n", file: Any = None, **named: Any
) -> None:
    """`print(...)`."""
    if named:
        raise TypeError("extra keyword arguments given")
    for text in (sep, end):
        if not isinstance(text, str):
            raise TypeError(f"can't convert '{type_name(text)}' object to str implicitly")
    texts = [str_(arg) for arg in args]
    if file is None:
        vm.write(sep.join(texts) + end)
    elif isinstance(file, IOBase):
        # A stream of the guest's own sees how its text arrives.
        for place, text in enumerate(texts):
            if place and sep:
                vm.write_to(file, sep)
            if text:
                vm.write_to(file, text)
        if end:
            vm.write_to(file, end)
    else:
        vm.write_to(file, sep.join(texts) + end)


def b_repr(vm: VM, *args: Any) -> str:
    """`repr(x)`."""
    _args(args, 1)
    return repr_(args[0])


def b_round(vm: VM, *args: Any) -> Any:
    """`round(x, digits)`."""
    _args(args, 1, 2)
    value = args[0]
    digits = args[1] if len(args) == 2 else None
    if isinstance(value, int):
        if digits is None or digits >= 0:
            return int(value)
        return round(value, digits)
    real = to_float(value)
    if digits is not None:
        return round_to(real, index(digits))
    if real != real:
        raise ValueError("can't convert NaN to int")
    if real in (float("inf"), float("-inf")):
        raise OverflowError("can't convert inf to int")
    return round(real)


def b_sorted(vm: VM, *args: Any, key: Any = None, reverse: Any = False, **named: Any) -> list[Any]:
    """`sorted(x, key=, reverse=)`."""
    if named:
        raise TypeError("extra keyword arguments given")
    if len(args) > 1:
        raise TypeError("must use keyword argument for key function")
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    items = list(iterate(args[0]))
    sort_list(items, callable_for(key), bool(reverse))
    return items


def b_sum(vm: VM, *args: Any) -> Any:
    """`sum(x, start)`."""
    _args(args, 1, 2)
    total = args[1] if len(args) == 2 else 0
    for item in iterate(args[0]):
        total = total + item
    return total


def b_import(vm: VM, *args: Any) -> Any:
    """`__import__(name, globals, locals, fromlist, level)`."""
    _args(args, 1, 5)
    name = args[0]
    if not isinstance(name, str):
        raise TypeError(f"can't convert '{type_name(name)}' object to str implicitly")
    globals_ = args[1] if len(args) > 1 and args[1] is not None else vm.current_globals()
    fromlist = args[3] if len(args) > 3 else None
    level = args[4] if len(args) > 4 else 0
    if level < 0:
        raise ValueError
    return vm.import_plain(name, globals_, fromlist, level)


def b_repl_print(vm: VM, *args: Any) -> None:
    """`__repl_print__(x)`."""
    _args(args, 1)
    if args[0] is not None:
        vm.write(repr_(args[0]) + "\n")


def b_help(vm: VM, *args: Any) -> None:
    """`help(x)`."""
    if not args:
        vm.write(
            "Welcome to MicroPython!\n\nFor online docs please visit http://docs.micropython.org/\n"
        )
        return
    obj = args[0]
    vm.write(f"object {str_(obj)} is of type {class_name(type_of(obj))}\n")
    for name in names_of(vm, obj):
        if name != "__class__":
            vm.write(f"  {name} -- {str_(load_attr(vm, name, obj))}\n")


_TYPES: dict[str, Any] = {
    "bool": bool, "bytearray": bytearray, "bytes": bytes, "classmethod": classmethod,
    "complex": complex, "dict": dict, "enumerate": enumerate, "filter": filter, "float": float,
    "frozenset": frozenset, "int": int, "list": list, "map": map, "memoryview": memoryview,
    "object": object, "property": property, "range": range, "reversed": reversed, "set": set,
    "slice": slice, "staticmethod": staticmethod, "str": str, "tuple": tuple, "type": type,
    "zip": zip, "Ellipsis": ..., "NotImplemented": NotImplemented,
}  # fmt: skip


class ViperTypeError(TypeError):
    """Raised by the native code emitter only; kept because programs may name it."""


EXCEPTIONS = (
    ArithmeticError, AssertionError, AttributeError, BaseException, EOFError, Exception,
    GeneratorExit, ImportError, IndentationError, IndexError, KeyError, KeyboardInterrupt,
    LookupError, MemoryError, NameError, NotImplementedError, OSError, OverflowError,
    RuntimeError, StopIteration, SyntaxError, SystemExit, TypeError, ValueError,
    ZeroDivisionError, StopAsyncIteration, UnicodeError, ViperTypeError,
)  # fmt: skip

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": b_abs, "all": b_all, "any": b_any, "bin": b_bin, "callable": b_callable, "chr": b_chr,
    "compile": b_compile, "delattr": b_delattr, "dir": b_dir, "divmod": b_divmod, "eval": b_eval,
    "exec": b_exec, "execfile": b_execfile, "getattr": b_getattr, "globals": b_globals,
    "hasattr": b_hasattr, "hash": b_hash, "help": b_help, "hex": b_hex, "id": b_id,
    "input": b_input, "isinstance": b_isinstance, "issubclass": b_issubclass, "iter": b_iter,
    "len": b_len, "locals": b_locals, "max": b_max, "min": b_min, "next": b_next, "oct": b_oct,
    "open": b_open, "ord": b_ord, "pow": b_pow, "print": b_print, "repr": b_repr,
    "round": b_round, "setattr": b_setattr, "sorted": b_sorted, "sum": b_sum,
    "__build_class__": build_class, "__import__": b_import, "__repl_print__": b_repl_print,
}  # fmt: skip


def namespace(vm: VM) -> dict[str, Any]:
    """The dict of the module `builtins`."""
    values: dict[str, Any] = {"__name__": "builtins"}
    values.update(_TYPES)
    values.update({kind.__name__: kind for kind in EXCEPTIONS})
    values.update({name: types.MethodType(function, vm) for name, function in FUNCTIONS.items()})
    values["super"] = Super
    return values
