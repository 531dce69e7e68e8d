"""What generated code calls by name: helpers among the guest's builtins.

Their names begin with `vm.`, which no guest identifier can; `dir(builtins)` leaves them out.
"""

from __future__ import annotations

import contextlib
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from loader.builtins import EXCEPTIONS
from loader.classes import GuestType, Super, super_lookup
from loader.code import NULL
from loader.construct import CONSTRUCT
from loader.exceptions import HostFault, is_host_fault, visible
from loader.loops_support import PENDING, TEXTS, delegate, make_function, raise_pending
from loader.modules import array
from loader.natives import GUARDED
from loader.operators import BINARY
from loader.order import made_set, note_display
from loader.recovery import FAILED, Replaced, recover
from loader.semantics import (
    complex_divide,
    complex_power,
    exception_from,
    format_percent,
    get_iter,
    iterate,
    keywords,
    load_attr,
    load_subscr,
    matches,
    store_attr,
    store_subscr,
)
from loader.text import native_base, quote, type_name
from loader.translate import methods
from loader.translate.nodes import HELPER
from romfs.errors import RomfsError

if TYPE_CHECKING:
    from loader.vm import VM

HOST_FUNCTIONS: dict[str, Any] = {
    "len": len, "abs": abs, "ord": ord, "any": any, "all": all, "next": next, "chr": chr,
    "min": min, "max": max, "divmod": divmod,
}  # fmt: skip
"""Built-in functions for which the host's own does the same wherever it succeeds."""

ARITIES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("len", "abs", "ord", "any", "all", "chr"), (1,)),
    "next": (1, 2), "divmod": (2,), "min": (2, 3, 4), "max": (2, 3, 4),
}  # fmt: skip
"""With how many arguments."""


def caught(exc: BaseException) -> BaseException:
    """An exception that leaves a with statement; what is not the guest's goes its way."""
    if type(type(exc)) is GuestType:
        return exc
    if is_host_fault(exc):
        raise exc
    return visible(exc)


def last(*saved: BaseException | None) -> BaseException:
    """What a bare `raise` raises: the exception of the innermost handler that has one."""
    return next((exc for exc in saved if exc is not None), None) or nothing_to_raise()


def with_cleanup(leave: Any, state: Any) -> Any:
    """Call `__exit__`: what is left to be done afterwards; see `dispatch`."""
    if isinstance(state, BaseException):
        return None if leave(type(state), state, None) else state
    leave(None, None, None)
    return state


def count(start: Any, stop: Any, step: int) -> Iterator[Any]:
    """A range loop over whatever compares and adds, as the compiler's own loop does."""
    if type(start) is int and type(stop) is int:
        yield from range(start, stop, step)
        return
    while (start < stop) if step > 0 else (start > stop):
        yield start
        start += step


def identical(one: Any, other: Any) -> bool:
    """`is`: small ints are values on a device."""
    return one is other or (type(one) is int and type(other) is int and one == other)


_OR = 0xD7 + [operator.name for operator in BINARY].index("OR")


def union(lhs: Any, rhs: Any) -> Any:
    """`|` of a dict."""
    try:
        return lhs | rhs
    except TypeError as exc:
        result = recover(None, _OR, lhs, rhs, exc)  # type: ignore[arg-type]
        if result is FAILED:
            raise
        if type(result) is Replaced:
            raise result.exc from None
        return result


def power(lhs: Any, rhs: Any) -> Any:
    """`**`; complex results are a device's to the last digit."""
    if type(lhs) is complex or type(rhs) is complex:
        return complex_power(lhs, rhs)
    result = lhs**rhs
    return result if type(result) is not complex else complex_power(lhs, rhs)


def divide(lhs: Any, rhs: Any) -> Any:
    """`/`; complex results are a device's to the last digit."""
    if type(lhs) is complex or type(rhs) is complex:
        return complex_divide(lhs, rhs)
    return lhs / rhs


def contains(item: Any, container: bytes) -> bool:
    """`item in container`."""
    if type(item) is str:
        return item.encode() in container
    return item in container


def bare(cls: Any, *args: Any) -> Any:
    """Call of a class that has no `__init__` with arguments, which are ignored."""
    if type(cls) is GuestType and all(
        getattr(cls, name) is getattr(object, name) for name in ("__init__", "__new__")
    ):
        return cls()
    return cls(*args)


def nothing_to_raise() -> BaseException:
    """What a bare `raise` outside a handler raises."""
    return RuntimeError("no active exception to reraise")


def construct(function: Any) -> Any:
    """What to call for a callable."""
    return CONSTRUCT.get(function, function)


def make(code: Any, defaults: Any, kwdefaults: Any, cells: tuple[types.CellType, ...]) -> Any:
    """A function of another unit."""
    return make_function(
        code,
        NULL if defaults is None else defaults,
        NULL if kwdefaults is None else kwdefaults,
        cells,
    )


def modulo(lhs: Any, rhs: Any) -> Any:
    """`%`."""
    return format_(lhs, rhs) if type(lhs) in TEXTS else lhs % rhs


def delete_subscr(obj: Any, key: Any) -> None:
    """`del obj[key]`."""
    store_subscr(None, 0, NULL, obj, key)  # type: ignore[arg-type]


def store_subscript(value: Any, obj: Any, key: Any) -> None:
    """`obj[key] = value` where the key may be a slice."""
    store_subscr(None, 0, value, obj, key)  # type: ignore[arg-type]


_FIXED = (types.FunctionType, type, BaseException)


def remembering(guest: Callable[..., Any]) -> Callable[..., Any]:
    """`isinstance`, which depends on the object's type alone with few exceptions."""
    known: dict[Any, bool] = {}

    def isinstance_(obj: Any, kinds_: Any) -> Any:
        key = (type(obj), kinds_)
        try:
            return known[key]
        except KeyError:
            answer = known[key] = guest(obj, kinds_)
            if isinstance(obj, _FIXED):
                del known[key]
            return answer
        except TypeError:  # not hashable
            return guest(obj, kinds_)

    return isinstance_


def _has_plain(obj: Any, name: Any) -> bool:
    """Whether the host's look at an attribute is right."""
    return type(type(obj)) is GuestType and type(name) is str and name not in GUARDED


def hasattr_of(guest: Callable[..., Any]) -> Callable[..., Any]:
    """`hasattr`, by the host for instances of the guest's classes."""

    def hasattr_(obj: Any, name: Any) -> Any:
        return hasattr(obj, name) if _has_plain(obj, name) else guest(obj, name)

    return hasattr_


def getattr_of(guest: Callable[..., Any]) -> Callable[..., Any]:
    """`getattr`, by the host for instances of the guest's classes."""

    def getattr_(obj: Any, name: Any, *default: Any) -> Any:
        if _has_plain(obj, name):
            return getattr(obj, name, *default)
        return guest(obj, name, *default)

    return getattr_


def store_cut(value: Any, obj: Any, key: Any) -> bool:
    """Repeat a store that failed as a device does it; whether there is such a way."""
    if type(obj) is not bytearray and type(obj).__name__ != "array":
        return False
    array.store(obj, key, value)
    return True


def load_subscript(obj: Any, key: Any) -> Any:
    """`obj[key]` where the key may be a slice."""
    return load_subscr(None, 0, obj, key)  # type: ignore[arg-type]


def inplace(symbol: str) -> Callable[[Any, Any], Any]:
    """An in-place operator whose result goes elsewhere."""
    import operator

    functions = {"iadd": operator.iadd, "isub": operator.isub, "ior": operator.ior}
    found: Callable[[Any, Any], Any] = functions[symbol]
    return found


def mapping(value: Any) -> dict[str, Any]:
    """The argument of `**` in a call."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"can't convert '{type_name(key)}' object to str implicitly")
        if type(value) is dict:
            return value
        pairs = [item for key in iterate(value) for item in (key, value[key])]
    else:
        pairs = [item for key in iterate(value.keys()) for item in (key, value[key])]
    return keywords(pairs, 0)


def _one_base_each(kind: type) -> bool:
    """Whether a class and all its bases have one base."""
    return all(len(base.__bases__) <= 1 for base in kind.__mro__)


_BARE = frozenset({
    ArithmeticError, AssertionError, BaseException, EOFError, Exception, IndexError, KeyError,
    LookupError, MemoryError, NotImplementedError, OverflowError, RuntimeError, TypeError,
    ValueError, ZeroDivisionError,
})  # fmt: skip
"""Exception classes to which the host adds no attributes but those of all exceptions."""


def seen(exc: BaseException) -> BaseException:
    """`visible`, with a short way for what the guest raised."""
    return exc if type(type(exc)) is GuestType else visible(exc)


def exception(obj: Any) -> BaseException:
    """What `raise obj` raises; see `semantics.exception_from`."""
    if isinstance(obj, BaseException):
        obj.__dict__[".guest"] = True
        return obj
    return exception_from(obj)


def make_int(*args: Any) -> int:
    """`int(..)`, with a short way for decimal text."""
    if len(args) == 1:
        text = args[0]
        if type(text) is str and text.isascii() and "_" not in text:
            try:
                return int(text)
            except ValueError:
                digits = text.lstrip(" \t\n\r\v\f")
                digits = digits[1:] if digits[:1] in ("-", "+") else digits
            raise ValueError(f"invalid syntax for integer with base 10: {quote(digits)}")
    return CONSTRUCT[int](*args)  # type: ignore[no-any-return]


def make_float(*args: Any) -> float:
    """`float(..)`, with a short way for plain text."""
    if len(args) == 1:
        text = args[0]
        if type(text) is str and text.isascii() and "_" not in text:
            with contextlib.suppress(ValueError):  # the guest's own says why
                return float(text)
    return CONSTRUCT[float](*args)  # type: ignore[no-any-return]


def make_bytes(*args: Any) -> bytes:
    """`bytes(..)`, with a short way for lists of bytes."""
    if len(args) == 1 and type(args[0]) is list:
        with contextlib.suppress(ValueError, TypeError):  # cut, or refused by the guest's own
            return bytes(args[0])
    return CONSTRUCT[bytes](*args)  # type: ignore[no-any-return]


def make_type(*args: Any) -> type:
    """`type(..)`, with a short way for instances of the guest's classes."""
    if len(args) == 1:
        kind = type(args[0])
        if type(kind) is GuestType and not issubclass(kind, BaseException):
            return kind
    return CONSTRUCT[type](*args)  # type: ignore[no-any-return]


_CONVERSION = re.compile(r"%(?:(-[-+ ]*(?:[1-9]\d*)?|[+ 0]*\d*)([dixXs])|%)|%")
_conversions: dict[str, tuple[frozenset[type], ...] | None] = {}
_INT, _TEXT = frozenset({int}), frozenset({int, str})
_MAX_FORMATS = 1000


def _host_formats(text: str) -> tuple[frozenset[type], ...] | None:
    """Types of arguments for which the host's `%` formats as a device does; None if unknown."""
    found: list[frozenset[type]] = []
    for match in _CONVERSION.finditer(text):
        if match[0] == "%%":
            continue
        if not match[2]:
            return None
        found.append(_TEXT if match[2] == "s" else _INT)
    return tuple(found)


def format_(text: str, values: Any) -> str:
    """`text % values`, by the host where ints and texts are formatted plainly."""
    if type(text) is not str:
        return format_percent(text, values)  # type: ignore[no-any-return]
    wanted = _conversions.get(text, ())
    if wanted == ():
        if len(_conversions) > _MAX_FORMATS:
            _conversions.clear()
        wanted = _conversions[text] = _host_formats(text)
    if wanted is not None:
        kind = type(values)
        if kind is tuple:
            if len(values) == len(wanted):
                for value, kinds_ in zip(values, wanted, strict=True):
                    of = type(value)
                    if of not in kinds_ or (of is str and not value.isascii()):
                        break  # a device counts bytes
                else:
                    return text % values  # type: ignore[no-any-return]
        elif len(wanted) == 1 and kind in wanted[0] and (kind is int or values.isascii()):
            return text % values  # type: ignore[no-any-return]
    return format_percent(text, values)  # type: ignore[no-any-return]


def kinds(kind: Any) -> Any:
    """What an except clause catches: a tuple is looked at only as far as needed."""
    if type(kind) is tuple and all(isinstance(one, type) for one in kind):
        return kind
    return BaseException if matches(sys.exc_info()[1], kind) else ()


def helpers(vm: VM) -> dict[str, Any]:
    """Every helper, under its full name."""
    plain: set[type] = set()
    strict: set[type] = set()

    def load(name: str, obj: Any) -> Any:
        kind = type(obj)
        if type(kind) is GuestType and not name.startswith("__"):
            base = native_base(kind)
            if base is object or base in _BARE:
                # Instances of such classes have nothing the host adds under a plain name.
                plain.add(kind)
                if base is object:
                    strict.add(kind)
            own = obj.__dict__
            if name in own:
                return own[name]
        return load_attr(vm, name, obj)

    def store(name: str, value: Any, obj: Any) -> None:
        store_attr(vm, name, value, obj)

    def delete(name: str, obj: Any) -> None:
        store_attr(vm, name, NULL, obj)

    single: set[type] = set()
    initialised: set[type] = set()

    def super_method(cls: Any, obj: Any, name: str) -> Any:
        kind = type(obj)
        if type(kind) is GuestType and isinstance(obj, cls):
            base = cls.__base__
            native = native_base(kind)
            if native is object or native in _BARE:
                if _one_base_each(kind):
                    single.add(kind)
                if isinstance(base.__init__, types.FunctionType) or base in _BARE:
                    initialised.add(cls)
        function, self = super_lookup(cls, obj, name)
        return function if self is NULL else types.MethodType(function, self)

    guest = vm.builtins
    found: dict[str, Any] = {
        "type": type, "int": int, "float": float, "str": str, "list": list, "tuple": tuple,
        "dict": dict, "range": range, "generator": types.GeneratorType, "set": set,
        "bytearray": bytearray, "BaseException": BaseException,
        "iterate": iterate, "iter": lambda obj: get_iter(vm, 0, obj), "construct": construct,
        "visible": seen, "caught": caught, "faults": (RomfsError, HostFault), "awaited": awaited,
        "union": union, "power": power, "divide": divide, "contains": contains, "bare": bare,
        "null": NULL, "last": last, "with_cleanup": with_cleanup, "count": count,
        "is": identical, "load_attr": load, "store_attr": store, "delete_attr": delete,
        "plain": plain, "strict": strict,
        "load_subscr": load_subscript, "store_subscr": store_subscript,
        "delete_subscr": delete_subscr, "slice": slice, "display": note_display,
        "made_set": made_set,
        "exception": exception, "nothing_to_raise": nothing_to_raise, "kinds": kinds,
        "matches": matches, "format": format_, "modulo": modulo, "mapping": mapping,
        "make": make, "super_method": super_method, "globals": globals_of_caller,
        "namespace": lambda: vm.ns, "build_class": lambda: guest["__build_class__"],
        "import_name": vm.import_name, "import_from": vm.import_from,
        "import_star": vm.import_star, "delegate": lambda obj: delegate(get_iter(vm, 0, obj)),
        "pending": vars(PENDING)["data"],
        "raise_pending": lambda: raise_pending(sys._getframe(1)),
        "inplace_iadd": inplace("iadd"), "inplace_isub": inplace("isub"),
        "inplace_ior": inplace("ior"),
    }  # fmt: skip
    for name, function in HOST_FUNCTIONS.items():
        found["host_" + name] = function
        found["guest_" + name] = guest[name]
    for kind, maker in CONSTRUCT.items():
        name = kind.__name__.lower() if kind is Super else kind.__name__
        found.setdefault("make_" + name, maker)
        found.setdefault(name, kind)
    found["host_isinstance"], found["guest_isinstance"] = isinstance, guest["isinstance"]
    found["guest_type"] = GuestType
    found["numbers"] = frozenset({int, float})
    found["ints"] = frozenset({int})
    found["ordered"] = frozenset({
        list, tuple, range, str, bytes, bytearray, types.GeneratorType, map, zip, filter,
        enumerate, reversed,
    })  # fmt: skip
    found["bytes_like"] = frozenset({bytes, bytearray})
    found["common"] = frozenset({
        int, float, str, bool, bytes, bytearray, list, tuple, dict, set, type(None), complex,
    })  # fmt: skip
    found["texts"] = TEXTS
    found["cut_errors"] = (ValueError, OverflowError, TypeError)
    found["store_cut"] = store_cut
    found["super"] = Super
    found["make_int"], found["make_float"] = make_int, make_float
    found["make_bytes"], found["make_type"] = make_bytes, make_type
    found["guest_hasattr"], found["guest_getattr"] = guest["hasattr"], guest["getattr"]
    found["isinstance"] = remembering(guest["isinstance"])
    found["hasattr"] = hasattr_of(guest["hasattr"])
    found["getattr"] = getattr_of(guest["getattr"])
    found["host_super"], found["single"], found["initialised"] = super, single, initialised
    for name, function in methods.METHODS.items():
        found["method_" + name] = function(vm)
    return {HELPER + name: value for name, value in found.items()}


def awaited(obj: Any) -> Any:
    """What `yield from` delegates to for an awaited object."""
    return obj if type(obj) is types.GeneratorType else delegate(iter(iterate(obj)))


def globals_of_caller() -> dict[str, Any]:
    """`globals()` of the function that asks."""
    return sys._getframe(1).f_globals


def constructors() -> frozenset[str]:
    """Names of the types among the builtins whose calls differ from the host's."""
    return frozenset("super" if kind is Super else kind.__name__ for kind in CONSTRUCT)


def plain_exceptions() -> frozenset[str]:
    """Names of the exception classes among the builtins that are called as they are."""
    return frozenset(kind.__name__ for kind in EXCEPTIONS if kind not in CONSTRUCT)


def install(vm: VM) -> None:
    """Put the helpers where generated code finds them."""
    vm.builtins.update(helpers(vm))
