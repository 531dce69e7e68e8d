"""Methods of built-in types that differ from the host's only in special cases.

Generated code calls these instead of looking the method up: each takes the object and the
arguments, does what the host does where that is right, and otherwise what tier 1 does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.methods import METHODS as OWN
from loader.semantics import load_attr

if TYPE_CHECKING:
    from loader.vm import VM

Method = Callable[..., Any]

TRUSTED = frozenset(
    """append pop clear copy count index insert remove reverse isdisjoint fromhex start stop step
    real imag""".split()
)
"""Names under which the host has nothing wrong, only attributes a device lacks on some types."""


def _ascii(name: str) -> Callable[[VM], Method]:
    """A str method without arguments that is the host's for ASCII text."""
    host = getattr(str, name)

    def bind(vm: VM) -> Method:
        def method(obj: Any, *args: Any, **named: Any) -> Any:
            if type(obj) is str and not args and not named and obj.isascii():
                return host(obj)
            return load_attr(vm, name, obj)(*args, **named)

        return method

    return bind


def _join(vm: VM) -> Method:
    def method(obj: Any, *args: Any, **named: Any) -> Any:
        if type(obj) is str and len(args) == 1 and type(args[0]) in (list, tuple):
            try:
                return obj.join(args[0])
            except TypeError:
                pass  # the guest's own says why
        return load_attr(vm, "join", obj)(*args, **named)

    return method


def _plain(name: str, kind: type, most: int) -> Callable[[VM], Method]:
    """A method that is the host's for one type and few arguments."""
    host = getattr(kind, name)

    def bind(vm: VM) -> Method:
        def method(obj: Any, *args: Any, **named: Any) -> Any:
            if type(obj) is kind and len(args) <= most and not named:
                return host(obj, *args)
            return load_attr(vm, name, obj)(*args, **named)

        return method

    return bind


def _update(vm: VM) -> Method:
    def method(obj: Any, *args: Any, **named: Any) -> Any:
        if type(obj) is dict and not named and len(args) == 1 and type(args[0]) is dict:
            return obj.update(args[0])
        return load_attr(vm, "update", obj)(*args, **named)

    return method


_FIELDS = re.compile(r"[^{}]|\{\d*(?::[<>^]?0?\d*[dxX]?)?\}|\{\{|\}\}")
_formats: dict[str, bool] = {}
_MAX_FORMATS = 1000


def _format(vm: VM) -> Method:
    def method(obj: Any, *args: Any, **named: Any) -> Any:
        if type(obj) is str and not named:
            plain = _formats.get(obj)
            if plain is None:
                if len(_formats) > _MAX_FORMATS:
                    _formats.clear()
                plain = _formats[obj] = not _FIELDS.sub("", obj)
            if plain:
                for arg in args:
                    kind = type(arg)
                    if kind is not int and (kind is not str or not arg.isascii()):
                        break  # a device counts bytes
                else:
                    try:
                        return obj.format(*args)
                    except (ValueError, IndexError):
                        pass  # the guest's own says why
        return load_attr(vm, "format", obj)(*args, **named)

    return method


def _own(name: str) -> Callable[[VM], Method]:
    """A method that is the runtime's own for some types."""
    own = {kind: table[name] for kind, table in OWN.items() if name in table}

    def bind(vm: VM) -> Method:
        def method(obj: Any, *args: Any, **named: Any) -> Any:
            function = own.get(type(obj))
            if function is not None:
                return function(obj, *args, **named)
            return load_attr(vm, name, obj)(*args, **named)

        return method

    return bind


_ORDERS = ("little", "big")


def _to_bytes(vm: VM) -> Method:
    def method(obj: Any, *args: Any, **named: Any) -> Any:
        if type(obj) is int and obj >= 0 and len(args) == 2 and not named and args[1] in _ORDERS:
            try:
                return obj.to_bytes(args[0], args[1])
            except (OverflowError, TypeError, ValueError):
                pass  # the guest's own says why, or cuts
        return load_attr(vm, "to_bytes", obj)(*args, **named)

    return method


def _from_bytes(vm: VM) -> Method:
    def method(obj: Any, *args: Any, **named: Any) -> Any:
        plain = obj is int and len(args) == 2 and not named
        if plain and type(args[0]) in (bytes, bytearray) and args[1] in _ORDERS:
            return int.from_bytes(args[0], args[1])
        return load_attr(vm, "from_bytes", obj)(*args, **named)

    return method


METHODS: dict[str, Callable[[VM], Method]] = {
    **{
        name: _ascii(name)
        for name in ("isalpha", "isdigit", "islower", "isspace", "isupper", "lower", "upper")
    },
    "join": _join,
    "encode": _plain("encode", str, 0),
    "decode": _plain("decode", bytes, 0),
    "format": _format,
    "to_bytes": _to_bytes,
    "from_bytes": _from_bytes,
    **{name: _own(name) for name in ("center", "rsplit", "sort", "popitem", "hex")},
    "update": _update,
}
"""Name -> what makes the method for a run."""
