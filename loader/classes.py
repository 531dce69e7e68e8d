"""Guest classes: made by the host's `type`, so that instances run at the host's speed.

What MicroPython does otherwise is settled when a class is made (names the host would react
to are put aside, a diamond gets the depth-first order) or when a name is loaded for which
host and guest differ (`natives.GUARDED`).

Source: MicroPython py/objtype.c.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from loader.natives import ATTRIBUTES, EXCEPTION_NAMES, GUARDED, missing, unbound
from loader.order import dict_keys
from loader.text import class_name, is_guest_class, is_guest_function, type_name

__all__ = ["HIDDEN", "GuestType", "is_guest_class", "new_class"]

HIDDEN = frozenset(
    {
        "__slots__", "__init_subclass__", "__class_getitem__", "__getattribute__", "__del__",
        "__format__", "__index__", "__round__", "__trunc__", "__floor__", "__ceil__", "__dir__",
        "__sizeof__", "__missing__", "__length_hint__", "__bytes__", "__await__",
        "__instancecheck__", "__subclasscheck__", "__prepare__", "__mro_entries__",
        "__rdivmod__", "__fspath__", "__reduce__", "__reduce_ex__", "__getstate__",
        "__setstate__", "__match_args__", "__imul__", "__imatmul__", "__ifloordiv__",
        "__itruediv__", "__imod__", "__ipow__", "__ilshift__", "__irshift__", "__iand__",
        "__ior__", "__ixor__", "__qualname__", "__classcell__", "__weakref__", "__buffer__",
        "__copy__", "__deepcopy__", "__class__", "__annotations__", "__mro__", "__bases__",
        "__subclasses__", "__abstractmethods__", "__dict__", "__rpow3__",
    }
)  # fmt: skip
"""Names in a class body that mean something to the host but not to MicroPython."""


class GuestType(type):
    """Type of guest classes. It overrides nothing, so the host's caches work."""

    _makes_guest_classes_ = True


class DepthFirstType(GuestType):
    """Type of guest classes whose base classes the host would search in another order."""

    def mro(cls) -> list[type]:
        """Depth first, left to right; built-in types last."""
        order: list[type] = [cls]
        for base in cls.__bases__:
            order += [k for k in depth_first(base) if k not in order]
        natives = [k for k in order if not is_guest_class(k)]
        return [k for k in order if is_guest_class(k)] + sorted(
            natives, key=lambda k: -len(k.__mro__)
        )


class NativeBaseType(GuestType):
    """Type of guest classes over a mutable container whose `__init__` may not fill it."""

    def __call__(cls, *args: Any, **named: Any) -> Any:
        """Make an instance; fill its native part if the guest's `__init__` did not.

        Source: MicroPython py/objtype.c, mp_obj_instance_make_new.
        """
        new: Any = cls.__new__
        obj: Any = new(cls, *args, **named)
        if type(obj) is not cls:
            return obj
        _uninitialised.append(obj)
        try:
            init: Any = cls.__init__
            result = init(obj, *args, **named)
        finally:
            pending = _uninitialised and _uninitialised[-1] is obj
            if pending:
                _uninitialised.pop()
        if result is not None:
            raise TypeError(f"__init__() should return None, not '{type_name(result)}'")
        if pending:
            _container_base(cls).__init__(obj, *args, **named)
        return obj


_uninitialised: list[Any] = []
_CONTAINERS = (list, dict, set, bytearray)


def _container_base(cls: type) -> Any:
    return next(base for base in cls.__mro__ if base in _CONTAINERS)


def depth_first(cls: type) -> Iterator[type]:
    """A class and its bases in the order MicroPython searches them."""
    yield cls
    for base in cls.__bases__:
        yield from depth_first(base)


def _needs_depth_first(bases: tuple[type, ...]) -> bool:
    """Whether the host's order differs or does not exist."""
    if len(bases) < 2:
        return False
    order: list[type] = []
    for base in bases:
        order += [k for k in depth_first(base) if is_guest_class(k) and k not in order]
    try:
        host = (
            type("probe", bases, {}).__mro__
            if not any(map(is_guest_class, bases))
            else (GuestType("probe", bases, {}).__mro__)
        )
    except TypeError:
        return True
    return [k for k in host[1:] if is_guest_class(k)] != order


_NOT_BASES = frozenset({type(None), types.FunctionType, types.GeneratorType, range, slice,
                        memoryview, type(...), property, staticmethod, classmethod, zip, map,
                        filter, enumerate, reversed, types.ModuleType})  # fmt: skip


def new_class(name: str, bases: tuple[Any, ...], namespace: dict[str, Any]) -> type:
    """`type(name, bases, namespace)`.

    Raises:
        TypeError: A base is no class, or cannot be one.
    """
    for base in bases:
        if not isinstance(base, type):
            raise TypeError
        if base is bool:
            return new_class(name, tuple(int if b is bool else b for b in bases), namespace)
        if base in _NOT_BASES or base is type:
            raise TypeError(f"type '{class_name(base)}' isn't an acceptable base type")
    natives = {n for base in bases if (n := _native(base)) is not object}
    if len(natives) > 1:
        raise TypeError("multiple bases have instance lay-out conflict")
    body: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for key, value in namespace.items():
        if key in HIDDEN:
            hidden[key] = value
        elif type(value) is types.FunctionType and not is_guest_function(value):
            body[key] = staticmethod(value)
        else:
            body[key] = value
            if hasattr(type(value), "__get__") and is_guest_class(type(value)):
                GUARDED.add(key)
    if "__int__" in body:
        body["__index__"] = body["__int__"]
    if not _COMPARISONS.keys().isdisjoint(body):
        for key, blocker in _COMPARISONS.items():
            if key not in body and not any(_in_class(base, key) for base in bases):
                body[key] = blocker
    if hidden:
        body[".hidden"] = hidden
    body.setdefault("__module__", None)
    meta: type[GuestType] = GuestType
    if natives and next(iter(natives)) in _CONTAINERS:
        meta = NativeBaseType
    elif _needs_depth_first(bases):
        meta = DepthFirstType
    try:
        cls = meta(name, bases or (object,), body)
    except TypeError as error:
        if "layout" in str(error) or "lay-out" in str(error):
            raise TypeError("multiple bases have instance lay-out conflict") from None
        raise
    except RuntimeError as error:
        # The host wraps what `__set_name__` raises.
        raise (error.__cause__ or error) from None
    _names[cls] = namespace
    return cls


def _blocker(method: str) -> Callable[[Any, Any], Any]:
    """A comparison a class lacks: the host would turn the operands round, MicroPython not."""

    def compare(self: Any, other: Any) -> Any:
        raise TypeError(
            f"unsupported types for {method}: '{type_name(self)}', '{type_name(other)}'"
        )

    return compare


_COMPARISONS = {name: _blocker(name) for name in ("__lt__", "__gt__", "__le__", "__ge__")}
_BLOCKERS = frozenset(_COMPARISONS.values())

_names: dict[type, dict[str, Any]] = {}


def _native(cls: type) -> type:
    return next((base for base in cls.__mro__ if not is_guest_class(base)), object)


def build_class(vm: Any, *args: Any, **named: Any) -> type:
    """What LOAD_BUILD_CLASS gives: run a class body, make the class.

    Args:
        vm: The run, whose locals register the body uses.
        args: The body as a function, the class name, the bases.
    """
    if named:
        raise TypeError("unexpected keyword argument")
    if len(args) < 2:
        raise TypeError(f"function missing {2 - len(args)} required positional arguments")
    body, name, *bases = args
    namespace: dict[str, Any] = {}
    saved = vm.ns
    vm.ns = namespace
    cell = body()
    vm.ns = saved
    cls = new_class(name, tuple(bases), namespace)
    if isinstance(cell, types.CellType):
        cell.cell_contents = cls
    return cls


# ------------------------------------------------------------------------------ attributes


def _in_class(cls: type, name: str) -> tuple[type, Any] | None:
    """Where in the order of a guest class a name is found, and its raw value."""
    for base in cls.__mro__:
        if not is_guest_class(base):
            continue
        if name in base.__dict__ and not (name == "__index__" or name in _ADDED):
            if name in _COMPARISONS and base.__dict__[name] in _BLOCKERS:
                continue
            return base, base.__dict__[name]
        hidden = base.__dict__.get(".hidden")
        if hidden is not None and name in hidden:
            return base, hidden[name]
    return None


_ADDED = frozenset({"__doc__", "__weakref__", "__dict__"})


def bind(value: Any, obj: Any, cls: type) -> Any:
    """A class member as attribute of an instance."""
    if type(value) in (staticmethod, classmethod, property, types.FunctionType):
        return value.__get__(obj, cls)
    if is_guest_class(type(value)) and hasattr(type(value), "__get__"):
        return value.__get__(obj, cls)
    return value


def attribute_of_instance(obj: Any, cls: type, name: str) -> Any:
    """`obj.name` for an instance of a guest class."""
    if name == "__class__":
        return cls
    own = obj.__dict__
    if name in own:
        return own[name]
    if name == "__dict__":
        return ReadOnlyDict((key, own[key]) for key in dict_keys(own) if key[:1] != ".")
    found = _in_class(cls, name)
    if found is not None:
        return bind(found[1], obj, cls)
    native = _native(cls)
    if native is not object:
        value = _native_member(obj, native, name)
        if value is not None or name in EXCEPTION_NAMES:
            return value
    hook = _in_class(cls, "__getattr__")
    if hook is not None and name not in _NO_HOOK:
        return bind(hook[1], obj, cls)(name)
    raise missing(obj, name)


_NO_HOOK = frozenset({"__get__", "__set__", "__delete__", "__setattr__", "__delattr__"})


def _native_member(obj: Any, native: type, name: str) -> Any:
    """Attribute that an instance has from its built-in base, or None."""
    if issubclass(native, BaseException):
        if name == "args":
            return obj.args
        if name in ("value", "errno"):
            return obj.args[0] if obj.args else None
        return None
    if native in ATTRIBUTES:
        if name in ATTRIBUTES[native]:
            return native_attribute_as(obj, native, name)
        return None
    if name.startswith("__"):
        return None
    member: Any = getattr(native, name, None)
    return member.__get__(obj, type(obj)) if hasattr(member, "__get__") else member


def native_attribute_as(obj: Any, native: type, name: str) -> Any:
    """A method of the built-in base, bound to an instance of a guest class."""
    entry = ATTRIBUTES[native][name]
    if callable(entry):
        return entry(obj)
    member = getattr(native, name)
    if isinstance(member, types.BuiltinFunctionType):  # a class method
        return member
    return member.__get__(obj, type(obj))


def attribute_of_class(cls: Any, name: str) -> Any:
    """`cls.name`."""
    if name == "__class__":
        return type if is_guest_class(cls) else type(cls)
    if name == "__name__":
        return class_name(cls)
    if is_guest_class(cls):
        found = _in_class(cls, name)
        if found is not None:
            value = found[1]
            if type(value) in (staticmethod, classmethod):
                return value.__get__(None, cls)
            return value
    if name == "__bases__":
        bases: tuple[type, ...] = cls.__bases__
        return bases
    if name == "__dict__":
        return class_dict(cls)
    value = class_member(cls, name)
    if value is not None:
        return value
    raise missing(cls, name)


def class_dict(cls: type) -> dict[str, Any]:
    """A copy of a class's dict, without what the host keeps there."""
    if not is_guest_class(cls):
        return {}
    names = {
        k: v
        for k, v in cls.__dict__.items()
        if k not in _ADDED and k != ".hidden" and not (k in _COMPARISONS and v in _BLOCKERS)
    }
    names.pop("__index__", None)
    if names.get("__module__", 0) is None:
        del names["__module__"]
    names.update(cls.__dict__.get(".hidden", {}))
    return ReadOnlyDict((key, names[key]) for key in dict_keys(names))


class ReadOnlyDict(dict[str, Any]):
    """The copy of a namespace that `__dict__` gives; it cannot be changed."""

    __guest_name__ = "dict"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def _guest_repr_(self) -> str:
        from loader.text import repr_

        return repr_(dict(self))


def class_member(cls: Any, name: str) -> Any:
    """What a class has from its built-in base."""
    native = _native(cls)
    if name in OBJECT_MEMBERS and (native is object or name in ("__init__", "__new__")):
        if native is object:
            return OBJECT_MEMBERS[name] if cls is object else None
        return _NATIVE_INIT[name](native) if name in _NATIVE_INIT else None
    value = unbound(native, name)
    if value is not None or issubclass(native, BaseException):
        return value
    if native in ATTRIBUTES or name.startswith("__"):
        return None
    return getattr(native, name, None)


def _object_init(self: Any, *args: Any, **named: Any) -> None:
    """`object.__init__`: takes whatever it is given."""


def _object_new(cls: Any, *args: Any, **named: Any) -> Any:
    if not isinstance(cls, type) or not is_guest_class(cls):
        raise TypeError("arg must be user-type")
    native = _native(cls)
    return native.__new__(cls, *(() if native is object else args))


def _object_setattr(obj: Any, name: str, value: Any) -> None:
    if not is_guest_class(type(obj)):
        raise TypeError("arg must be user-type")
    if not isinstance(name, str):
        raise TypeError
    object.__setattr__(obj, name, value)


def _object_delattr(obj: Any, name: str) -> None:
    if not is_guest_class(type(obj)):
        raise TypeError("arg must be user-type")
    if name not in obj.__dict__:
        raise AttributeError("no such attribute")
    object.__delattr__(obj, name)


def _wrap(function: Callable[..., Any]) -> Any:
    return types.MethodType(_apply, function)


def _apply(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return function(*args, **named)


OBJECT_MEMBERS: dict[str, Any] = {
    "__init__": _wrap(_object_init),
    "__new__": _wrap(_object_new),
    "__setattr__": _wrap(_object_setattr),
    "__delattr__": _wrap(_object_delattr),
}


def _init_native(native: type) -> Any:
    def init(self: Any, *args: Any, **named: Any) -> None:
        if _uninitialised and _uninitialised[-1] is self:
            _uninitialised.pop()
        native.__init__(self, *args, **named)  # type: ignore[misc]

    return _wrap(init)


def _new_native(native: type) -> Any:
    def new(cls: Any, *args: Any, **named: Any) -> Any:
        return native.__new__(cls, *args, **named)

    return _wrap(new)


_NATIVE_INIT = {"__init__": _init_native, "__new__": _new_native}


# ----------------------------------------------------------------------------------- super


class Super:
    """`super(cls, obj)`: searches the bases of `cls` only, each depth first."""

    __guest_name__ = "super"
    __slots__ = ("cls", "obj")

    def __init__(self, cls: Any, obj: Any) -> None:
        if not isinstance(cls, type):
            raise TypeError("issubclass() arg 2 must be a class or a tuple of classes")
        self.cls = cls
        self.obj = obj

    def _guest_repr_(self) -> str:
        from loader.text import repr_

        return f"<super: {repr_(self.cls)}, {repr_(self.obj)}>"

    def __getattr__(self, name: str) -> Any:
        return super_attribute(self.cls, self.obj, name)


def super_lookup(cls: Any, obj: Any, name: str) -> tuple[Any, Any]:
    """Function and self of `super(cls, obj).name`; self is NULL where nothing is bound.

    Raises:
        AttributeError: No base has it.
    """
    from loader.code import NULL

    for base in cls.__bases__:
        if is_guest_class(base):
            found = _in_class(base, name)
            if found is not None:
                value = found[1]
                if type(value) is types.FunctionType:
                    return value, obj
                owner = obj if isinstance(obj, type) else type(obj)
                if type(value) in (staticmethod, classmethod):
                    return value.__get__(obj, owner), NULL
                return value, NULL
    native = next((n for b in cls.__bases__ if (n := _native(b)) is not object), object)
    if native is not object and not isinstance(obj, type):
        if name == "__init__":
            return _init_native(native), obj
        value = _native_member(obj, native, name)
        if value is not None:
            return value, NULL
        member = getattr(native, name, None)
        if name.startswith("__") and member is not None and name in _SUPER_SPECIAL:
            return member.__get__(obj, type(obj)), NULL
    if name == "__new__":
        return (_new_native(native) if native is not object else OBJECT_MEMBERS[name]), NULL
    if name in OBJECT_MEMBERS:
        return OBJECT_MEMBERS[name], obj
    if name in ("__module__", "__qualname__", "__class__"):
        return getattr(obj, name, None), NULL
    raise AttributeError(f"'super' object has no attribute '{name}'")


_SUPER_SPECIAL = frozenset(
    {"__getitem__", "__setitem__", "__delitem__", "__len__", "__contains__", "__eq__", "__iter__",
     "__next__", "__add__", "__iadd__", "__enter__", "__exit__", "__call__", "__str__", "__repr__"}
)  # fmt: skip


def super_attribute(cls: Any, obj: Any, name: str) -> Any:
    """`super(cls, obj).name`."""
    from loader.code import NULL

    function, self = super_lookup(cls, obj, name)
    if self is NULL:
        return function
    if isinstance(function, types.FunctionType):
        return types.MethodType(function, self)
    return types.MethodType(_first, (function, self))


def _first(pair: tuple[Any, Any], *args: Any, **named: Any) -> Any:
    return pair[0](pair[1], *args, **named)
