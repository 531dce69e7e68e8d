"""What a module keeps in RAM once it is imported, found by importing it here.

The module is run by the interpreter; then everything its globals lead to is sized as the
device would have it. What the module's own file brings (constants, qstrs, bytecode) is not
counted here but in `romfs.ram.load`.

Source: MicroPython py/objfun.h, py/objtype.h, py/objlist.c, py/objdict.c, py/objstr.h and the
other object headers; checked against `gc.mem_alloc()` on the real engine.
"""

from __future__ import annotations

import io
import types
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loader.classes import is_guest_class
from loader.code import NULL, Code
from loader.engine import Hooks, Request, Streams, execute
from loader.loops_support import code_of
from loader.ops import instructions
from romfs.mpy import RawCode
from romfs.ram.device import Device, list_capacity
from romfs.ram.load import children_cost, code_cost, record_cost


@dataclass(slots=True)
class Footprint:
    """What one module keeps.

    Attributes:
        globals: Entries of its globals.
        objects: Bytes of the objects reachable from them, by type.
        code: Bytes of function records that live functions hold on to.
        bytecode: Bytes of the bytecode of those functions, where it is copied.
        path: Of the file it was loaded from, or None.
        uncertain: Types met whose size is a guess, with how often.
    """

    globals: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    code: int = 0
    bytecode: int = 0
    path: str | None = None
    uncertain: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Bytes, without what the file itself brings."""
        return sum(self.objects.values()) + self.code


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought in.

    Attributes:
        modules: Every module loaded from the image, by name, in order.
        error: What the module raised, as the device would print it; "" if nothing.
    """

    modules: dict[str, Footprint]
    error: str


def import_and_measure(
    image: Path, name: str, device: Device, *, timeout: float = 20, board: Any = None
) -> Imported:
    """Import a module of an image and size what it leaves.

    Raises:
        RomfsError: The image or a module in it is malformed.
    """
    errors = io.BytesIO()
    streams = Streams(io.BytesIO(), io.BytesIO(), errors)
    request = Request(image=image, code=f"import {name}", timeout=timeout, board=board)
    # The module is somebody's program: it gets no way to the host's files.
    status, vm = execute(request, streams, Hooks(attach=[lambda vm: vm.vfs.umount("/")]))
    if vm is None:
        return Imported({}, f"did not finish within {timeout:g} s")
    text = errors.getvalue().decode("utf-8", "replace") if status else ""
    return Imported(_measure(vm, device), text)


def _measure(vm: Any, device: Device) -> dict[str, Footprint]:
    found: dict[str, Footprint] = {}
    sizer = _Sizer(vm, device)
    for name, module in list(vm.modules.items()):
        path = module.__dict__.get("__file__")
        if isinstance(path, str) and path.startswith("/rom/"):
            found[name] = sizer.module(module, path.removeprefix("/rom/"))
    return found


class _Sizer:
    """Sizes objects once each, whichever module they are met in first."""

    def __init__(self, vm: Any, device: Device) -> None:
        self.vm = vm
        self.device = device
        self.seen: set[int] = set()
        self.raws: set[int] = set()
        self.keep: list[Any] = []  # so that an id is not used twice
        self.displays: set[tuple[str, int]] = set()
        for code in vm.tables.values():
            for constant in code.context.objects:
                self.constant(constant)
            self.note_displays(code)

    def constant(self, obj: Any) -> None:
        self.seen.add(id(obj))
        if isinstance(obj, tuple):
            for item in obj:
                self.constant(item)

    def note_displays(self, code: Code) -> None:
        """Sizes of list and dict displays in the code: those are allocated exactly."""
        for one in code.walk():
            if isinstance(one, Code):
                for ins in instructions(one.ops):
                    if ins.op.name in ("BUILD_LIST", "BUILD_MAP"):
                        self.displays.add((ins.op.name, ins.arg))

    def module(self, module: Any, path: str) -> Footprint:
        found = Footprint(globals=len(module.__dict__), path=path)
        named = ("__name__", "__file__", "__path__")  # interned with the module
        pending = [value for key, value in module.__dict__.items() if key not in named]
        while pending:
            obj = pending.pop()
            if id(obj) in self.seen:
                continue
            self.seen.add(id(obj))
            self.keep.append(obj)
            kind = type(obj)
            size = _SIZES.get(kind)
            if size is not None:
                name, cost = kind.__name__, size(self, obj, found)
            elif isinstance(obj, type):
                name, cost = "class", self.a_class(obj)
            elif is_guest_class(kind):
                name, cost = "instance", self.instance(obj)
            else:
                if _resident(obj, self.vm):
                    continue
                name, cost = kind.__name__, self.device.words(4)
                found.uncertain[name] += 1
            if cost:
                found.objects[name] += cost
            pending.extend(_parts(obj))
        return found

    def text(self, obj: str, found: Footprint) -> int:
        if not obj or self.vm.pool.is_interned(obj) or obj in self.device.known:
            return 0
        size = len(obj.encode("utf-8", "surrogateescape")) + 1
        return self.device.words(4) + self.device.heap(size)

    def data(self, obj: bytes, found: Footprint) -> int:
        return self.device.words(4) + self.device.heap(len(obj) + 1) if obj else 0

    def buffer(self, obj: Any, found: Footprint) -> int:
        size = len(obj) * getattr(obj, "itemsize", 1)
        return self.device.words(4) + self.device.heap(max(size, 1))

    def list(self, obj: list[Any], found: Footprint) -> int:
        display = ("BUILD_LIST", len(obj)) in self.displays
        return self.device.words(4) + self.device.words(list_capacity(len(obj), display))

    def dict(self, obj: dict[Any, Any], found: Footprint) -> int:
        start = len(obj) if ("BUILD_MAP", len(obj)) in self.displays else 0
        return self.device.words(4) + self.device.table(len(obj), start=start)

    def set(self, obj: Any, found: Footprint) -> int:
        from romfs.ram.device import table_capacity

        slots = table_capacity(len(obj), 0)
        return self.device.words(4) + self.device.words(slots)

    def function(self, obj: types.FunctionType, found: Footprint) -> int:
        code = code_of(obj)
        device = self.device
        n_defaults = len(obj.__defaults__ or ())
        size = device.words(4 + n_defaults + bool(obj.__kwdefaults__))
        if obj.__closure__:
            size += device.words(3 + len(obj.__closure__))
        if code is not None and id(code.raw) not in self.raws:
            self.raws.add(id(code.raw))
            found.code += self.held(code.raw)
            found.bytecode += sum(code_cost(one, device) for one in code.raw.walk())
        return size

    def held(self, raw: RawCode) -> int:
        """Records below a function, which it keeps alive."""
        below = sum(record_cost(one, self.device) for child in raw.children for one in child.walk())
        return children_cost(raw, self.device) + below

    def a_class(self, cls: type) -> int:
        device = self.device
        if not is_guest_class(cls):
            if _resident(cls, self.vm):
                return 0
            return device.heap(24 + 20 * device.word)  # a namedtuple, or the like
        bases = [base for base in cls.__bases__ if base is not object]
        header = 20 if device.word == 4 else 24
        is_stream = any(base.__name__ in _STREAMS for base in cls.__mro__)
        slots = 10 + bool(bases) + is_stream
        size = device.heap(header + slots * device.word) + device.words(4)
        size += device.table(len(_own(cls)))
        if len(bases) > 1:
            size += device.words(2 + len(bases))
        return size

    def instance(self, obj: Any) -> int:
        native = next((b for b in type(obj).__mro__ if b in _SIZES and b is not object), None)
        attributes = len(getattr(obj, "__dict__", ()))
        size = self.device.words(4 + (native is not None)) + self.device.table(attributes)
        if native is not None:
            size += _SIZES[native](self, obj, Footprint())
        elif isinstance(obj, BaseException):
            size += self.device.words(4) + self.device.words(2 + len(obj.args))
        return size


def _own(cls: type) -> dict[str, Any]:
    """A guest class's dict as the guest filled it, `__module__` and `__qualname__` included."""
    own = {name: value for name, value in cls.__dict__.items() if name not in _HOST_NAMES}
    return {**own.pop(".hidden", {}), **own}


_STREAMS = frozenset("IOBase StringIO BytesIO FileIO TextIOWrapper".split())
"""Types with a stream protocol, for which a class that inherits it has one slot more."""

_HOST_NAMES = frozenset(
    "__dict__ __weakref__ __doc__ __slots__ __static_attributes__ __firstlineno__".split()
)


def _resident(obj: Any, vm: Any) -> bool:
    """Whether the firmware has the object in its own flash."""
    return (
        obj is None
        or obj is NULL
        or obj is vm
        or isinstance(obj, types.ModuleType)
        or (isinstance(obj, type) and not is_guest_class(obj))
        or hasattr(obj, "func")  # a native function of a module
        or getattr(obj, "__self__", None) is vm
    )


def _parts(obj: Any) -> Iterator[Any]:
    """What an object refers to."""
    kind = type(obj)
    if kind is types.FunctionType:
        yield from obj.__defaults__ or ()
        if obj.__kwdefaults__:
            yield obj.__kwdefaults__
        yield from obj.__closure__ or ()
    elif kind is types.CellType:
        try:
            yield obj.cell_contents
        except ValueError:  # an empty cell leads nowhere
            return
    elif isinstance(obj, type):
        if is_guest_class(obj):
            yield from _own(obj).values()
            yield from obj.__bases__
    elif isinstance(obj, types.MethodType):
        yield obj.__self__
        yield obj.__func__
    elif isinstance(obj, types.BuiltinFunctionType):
        if _bound(obj):
            yield obj.__self__
    elif isinstance(obj, property):
        yield from (obj.fget, obj.fset, obj.fdel)
    elif isinstance(obj, staticmethod | classmethod):
        yield obj.__func__
    elif isinstance(obj, types.ModuleType):
        return
    else:
        if isinstance(obj, dict):
            yield from obj.keys()
            yield from obj.values()
        elif isinstance(obj, list | tuple | set | frozenset | deque):
            yield from obj
        if is_guest_class(kind):
            yield kind
            yield from getattr(obj, "__dict__", {}).values()


def _bound(obj: Any) -> bool:
    """Whether it is a method of a native type with its object: made, not in flash."""
    owner = getattr(obj, "__self__", None)
    return owner is not None and not isinstance(owner, types.ModuleType | type)


def _fixed(words: int) -> Callable[[_Sizer, Any, Footprint], int]:
    return lambda sizer, obj, found: sizer.device.words(words)


_SIZES: dict[type, Callable[[_Sizer, Any, Footprint], int]] = {
    bool: lambda sizer, obj, found: 0,
    int: lambda sizer, obj, found: sizer.device.integer(obj),
    float: lambda sizer, obj, found: sizer.device.floating,
    complex: lambda sizer, obj, found: sizer.device.complexity,
    str: _Sizer.text,
    bytes: _Sizer.data,
    bytearray: _Sizer.buffer,
    tuple: lambda sizer, obj, found: sizer.device.words(2 + len(obj)) if obj else 0,
    list: _Sizer.list,
    dict: _Sizer.dict,
    OrderedDict: _Sizer.dict,
    set: _Sizer.set,
    frozenset: _Sizer.set,
    types.FunctionType: _Sizer.function,
    types.CellType: _fixed(2),
    types.MethodType: _fixed(3),
    types.BuiltinFunctionType: lambda sizer, obj, found: sizer.device.words(3 * _bound(obj)),
    types.GeneratorType: _fixed(16),
    property: _fixed(4),
    staticmethod: _fixed(2),
    classmethod: _fixed(2),
    range: _fixed(4),
    slice: _fixed(4),
    object: _fixed(1),
}
