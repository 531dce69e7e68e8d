"""Guest module `collections`: deque, namedtuple, OrderedDict."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from loader.exceptions import raised_by_guest
from loader.modules.native import address_text, check_count, get_int, get_str, type_name

if TYPE_CHECKING:
    from loader.vm import VM


class deque:
    """A ring of a fixed number of items; what is pushed out is lost, or refused on request.

    Args:
        args: Initial items, the capacity, and flags: bit 0 refuses to overflow.

    Source: MicroPython py/objdeque.c (behaviour).
    """

    __slots__ = ("_capacity", "_count", "_items", "_start", "_strict")

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 2, 3, named)
        self._capacity = get_int(args[1])
        if self._capacity < 0:
            raise ValueError
        self._items: list[Any] = [None] * (self._capacity + 1)
        self._start = self._count = 0
        self._strict = bool(get_int(args[2]) & 1) if len(args) == 3 else False
        self.extend(args[0])

    def _at(self, index: Any) -> int:
        try:
            at = operator.index(index)
        except TypeError:
            raise TypeError(f"deque indices must be integers, not {type_name(index)}") from None
        if at < 0:
            at += self._count
        if not 0 <= at < self._count:
            raise IndexError("deque index out of range")
        return (self._start + at) % len(self._items)

    def append(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        if self._count == self._capacity:
            if self._strict:
                raise IndexError("full")
            if not self._capacity:
                return
            self._drop_first()
        self._items[(self._start + self._count) % len(self._items)] = args[0]
        self._count += 1

    def appendleft(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        if self._count == self._capacity:
            if self._strict:
                raise IndexError("full")
            if not self._capacity:
                return
            self._count -= 1
        self._start = (self._start - 1) % len(self._items)
        self._items[self._start] = args[0]
        self._count += 1

    def _drop_first(self) -> Any:
        item, self._items[self._start] = self._items[self._start], None
        self._start = (self._start + 1) % len(self._items)
        self._count -= 1
        return item

    def popleft(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 1)
        if not self._count:
            raise IndexError("empty")
        return self._drop_first()

    def pop(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 1)
        if not self._count:
            raise IndexError("empty")
        self._count -= 1
        at = (self._start + self._count) % len(self._items)
        item, self._items[at] = self._items[at], None
        return item

    def extend(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        try:
            items = iter(args[0])
        except TypeError:
            raise TypeError(f"'{type_name(args[0])}' object isn't iterable") from None
        for item in items:
            self.append(item)

    def __len__(self) -> int:
        return self._count

    def __bool__(self) -> bool:
        return self._count > 0

    def __getitem__(self, index: Any) -> Any:
        return self._items[self._at(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._items[self._at(index)] = value

    def __iter__(self) -> Iterator[Any]:
        at = 0
        while at < self._count:
            yield self[at]
            at += 1

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def _guest_repr_(self) -> str:
        if type(self) is deque:
            return "<deque>"
        return f"<{type(self).__name__} object at {address_text(self)}>"


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

    body: dict[str, Any] = {field: _Field(at) for field, at in places.items()}
    body |= {"__new__": new, "_guest_repr_": text, "__setattr__": refuse, "__slots__": ()}
    return type(name, (tuple,), body)


_MISSING: Any = object()


def _count_error(name: str, wanted: int, given: int) -> TypeError:
    error = TypeError(f"{name}() takes {wanted} positional arguments but {given} were given")
    # The text is the device's, though the host's would look the same and be converted.
    raised_by_guest(error)
    return error


class _Field:
    """A field of a named tuple; the class itself has no such attribute."""

    __slots__ = ("_at",)

    def __init__(self, at: int) -> None:
        self._at = at

    def __get__(self, obj: Any, kind: type | None = None) -> Any:
        if obj is None:
            names = [name for name, each in vars(kind).items() if each is self]
            name = getattr(kind, "__name__", "")
            raise AttributeError(f"type object '{name}' has no attribute '{''.join(names[:1])}'")
        return tuple.__getitem__(obj, self._at)


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
