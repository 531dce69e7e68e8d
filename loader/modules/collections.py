"""Guest module `collections`: deque, namedtuple, OrderedDict."""

from __future__ import annotations

import collections as host
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from loader.exceptions import raised_by_guest
from loader.modules.native import address_text, check_count, get_int, get_str, type_name

if TYPE_CHECKING:
    from loader.vm import VM


class _Absent:
    """Hides an attribute the host's type has and the guest's has not."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, obj: Any, kind: type | None = None) -> Any:
        raise AttributeError(f"'deque' object has no attribute '{self._name}'")


class deque(host.deque[Any]):
    """The host's deque of a maximum length: what is pushed out is lost.

    Args:
        args: Initial items, the capacity, and flags: bit 0 refuses to overflow.

    Source: MicroPython py/objdeque.c (behaviour).
    """

    __slots__ = ()

    def __new__(cls, *args: Any, **named: Any) -> deque:
        # A guest's subclass has its own arguments here; `__init__` sees the deque's.
        strict = cls is deque and len(args) == 3 and get_int(args[2]) & 1
        return super().__new__(_StrictDeque if strict else cls)

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 2, 3, named)
        capacity = get_int(args[1])
        if capacity < 0:
            raise ValueError
        super().__init__((), capacity)
        self.extend(args[0])

    def popleft(self) -> Any:
        if not self:
            raise IndexError("empty")
        return host.deque.popleft(self)

    def pop(self) -> Any:  # type: ignore[override]
        if not self:
            raise IndexError("empty")
        return host.deque.pop(self)

    def extend(self, items: Any) -> None:
        try:
            found = iter(items)
        except TypeError:
            raise TypeError(f"'{type_name(items)}' object isn't iterable") from None
        host.deque.extend(self, found)

    def __getitem__(self, index: Any) -> Any:
        try:
            return host.deque.__getitem__(self, index)
        except TypeError:
            raise TypeError(f"deque indices must be integers, not {type_name(index)}") from None

    def __setitem__(self, index: Any, value: Any) -> None:
        try:
            host.deque.__setitem__(self, index, value)
        except TypeError:
            raise TypeError(f"deque indices must be integers, not {type_name(index)}") from None

    def __delitem__(self, index: Any) -> None:
        raise TypeError("'deque' object doesn't support item deletion")

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return self is other

    def __add__(self, other: Any) -> Any:
        return NotImplemented

    __mul__ = __rmul__ = __imul__ = __iadd__ = __add__
    __lt__ = __le__ = __gt__ = __ge__ = __add__

    def _guest_repr_(self) -> str:
        if type(self) in (deque, _StrictDeque):
            return "<deque>"
        return f"<{type(self).__name__} object at {address_text(self)}>"


for _name in "clear copy count extendleft index insert maxlen remove reverse rotate".split():
    setattr(deque, _name, _Absent(_name))


class _StrictDeque(deque):
    """A deque that refuses what does not fit."""

    __slots__ = ()

    def append(self, item: Any) -> None:
        if len(self) == host.deque.maxlen.__get__(self):
            raise IndexError("full")
        host.deque.append(self, item)

    def appendleft(self, item: Any) -> None:
        if len(self) == host.deque.maxlen.__get__(self):
            raise IndexError("full")
        host.deque.appendleft(self, item)

    def extend(self, items: Any) -> None:
        for item in items:
            self.append(item)


_StrictDeque.__name__ = _StrictDeque.__qualname__ = "deque"


def _named_tuple(vm: VM) -> Callable[..., Any]:
    def namedtuple(*args: Any) -> type:
        check_count(len(args), 2, 2)
        name = get_str(args[0])
        fields = args[1]
        if isinstance(fields, (str, bytes)):
            fields = get_str(fields).split()
        elif not isinstance(fields, (tuple, list)):
            raise TypeError(f"object '{type_name(fields)}' isn't a tuple or list")
        names = [get_str(field) for field in fields]
        return make_named_tuple(vm, name, names)

    return namedtuple


def make_named_tuple(vm: VM, name: str, names: list[str]) -> type[Any]:
    """A class of tuples with `names` for its items."""
    places = {field: at for at, field in reversed(list(enumerate(names)))}
    size = len(names)

    def new(cls: type, *args: Any, **named: Any) -> Any:
        if not named:
            if len(args) != size:
                raise _count_error(name, size, len(args))
            return tuple.__new__(cls, args)
        if len(args) + len(named) != size:
            raise _count_error(name, size, len(args) + len(named))
        values = list(args) + [_MISSING] * (size - len(args))
        for key, value in named.items():
            at = places.get(key)
            if at is None:
                raise TypeError(f"unexpected keyword argument '{key}'")
            if values[at] is not _MISSING:
                raise TypeError(f"function got multiple values for argument '{key}'")
            values[at] = value
        return tuple.__new__(cls, values)

    def text(self: tuple[Any, ...]) -> str:
        shown = (f"{field}={vm.repr(item)}" for field, item in zip(names, self, strict=False))
        return f"{name}({', '.join(shown)})"

    def refuse(self: object, key: str, value: object) -> None:
        raise AttributeError("can't set attribute")

    body: dict[str, Any] = {field: property(itemgetter(at)) for field, at in places.items()}
    body |= {"__new__": new, "_guest_repr_": text, "__setattr__": refuse, "__slots__": ()}
    return type(name, (tuple,), body)


_MISSING: Any = object()


def _count_error(name: str, wanted: int, given: int) -> TypeError:
    error = TypeError(f"{name}() takes {wanted} positional arguments but {given} were given")
    # The text is the device's, though the host's would look the same and be converted.
    raised_by_guest(error)
    return error


class OrderedDict(dict[Any, Any]):
    """A dict that keeps the order of insertion, and compares by it."""

    __slots__ = ()

    def __init__(self, *args: Any, **named: Any) -> None:
        try:
            super().__init__(*args, **named)
        except ValueError:
            raise ValueError("dict update sequence has wrong length") from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderedDict):
            return False
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self.items(), other.items(), strict=True)
        )

    __hash__ = None

    def copy(self) -> OrderedDict:
        return OrderedDict(self)

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, dict):
            return NotImplemented
        merged = OrderedDict(self)
        merged.update(other)
        return merged


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict; renderings of elements are the guest's."""
    return {
        "deque": deque,
        "namedtuple": _named_tuple(vm),
        "OrderedDict": _ordered_dict(vm),
    }


def _ordered_dict(vm: VM) -> type:
    """`OrderedDict` with the guest's rendering, one class for a run."""

    def text(self: OrderedDict) -> str:
        shown = (f"{vm.repr(key)}: {vm.repr(value)}" for key, value in self.items())
        return f"OrderedDict({{{', '.join(shown)}}})"

    OrderedDict._guest_repr_ = text  # type: ignore[attr-defined]
    return OrderedDict
