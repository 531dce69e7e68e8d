"""Addresses: what the guest may reach through `uctypes` and `machine.mem8`.

An address is the host's own, so arithmetic on it works; but memory is only reached
through objects whose address the guest asked for, or through the mapped image, so that
a wrong one cannot crash the host.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from typing import Any

from loader.modules.native import buffer_of

_KEPT = 4096
"""Objects remembered; the oldest is forgotten first."""


class _Buffer(ctypes.Structure):
    """The host's buffer description.

    Source: CPython Include/cpython/pybuffer.h, Py_buffer.
    """

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def address_of(view: memoryview) -> int:
    """The host address of the first byte of a view."""
    buffer = _Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(view), ctypes.byref(buffer), 0)
    try:
        return int(buffer.buf or 0)
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))


_known: OrderedDict[int, Any] = OrderedDict()


def remember(obj: Any) -> int:
    """Note that the guest knows the address of `obj`'s buffer, and return it."""
    view = buffer_of(obj)
    owner: Any = view.obj
    _known[id(owner)] = owner
    _known.move_to_end(id(owner))
    if len(_known) > _KEPT:
        _known.popitem(last=False)
    return address_of(view)


_objects: OrderedDict[int, Any] = OrderedDict()


def pointer_to(obj: Any, word: int) -> int:
    """A pointer to any object, of `word` bytes, from which `object_at` gets it back."""
    pointer = id(obj) & (1 << 8 * word) - 1
    _objects[pointer] = obj
    _objects.move_to_end(pointer)
    if len(_objects) > _KEPT:
        _objects.popitem(last=False)
    return pointer


def object_at(pointer: int) -> Any:
    """The object a pointer was made of.

    Raises:
        MemoryError: None was.
    """
    if pointer not in _objects:
        raise MemoryError(f"no object is known at {pointer:#x}")
    return _objects[pointer]


def text_at(address: int) -> str:
    """The text at an address, up to its NUL or the end of what holds it.

    Raises:
        MemoryError: As for `window`.
    """
    view = _holder(address)
    content = bytes(view[address - address_of(view) :])
    return content.split(b"\0")[0].decode("utf-8", "surrogateescape")


def _holder(address: int, size: int = 1) -> memoryview:
    """The buffer that holds some bytes at `address`."""
    for owner in reversed(_known.values()):
        view = buffer_of(owner)
        at = address - address_of(view)
        if at >= 0 and at + size <= len(view):
            return view
    raise MemoryError(
        f"{size} bytes at {address:#x} are in no object whose address was taken with addressof()"
    )


def window(address: int, size: int) -> memoryview:
    """The `size` bytes at `address`.

    Raises:
        MemoryError: They belong to no object whose address the guest asked for.
    """
    view = _holder(address, size)
    at = address - address_of(view)
    return view[at : at + size]


class Alias:
    """A bytearray over memory that belongs to another object."""

    __slots__ = ("_view",)

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def __buffer__(self, flags: int) -> memoryview:
        return self._view

    def __len__(self) -> int:
        return len(self._view)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return bytearray(self._view[index])
        try:
            return self._view[index]
        except IndexError:
            raise IndexError("bytearray index out of range") from None

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._view[index] = buffer_of(value)
            return
        try:
            self._view[index] = value & 0xFF
        except IndexError:
            raise IndexError("bytearray index out of range") from None

    def __eq__(self, other: object) -> bool:
        return self._view == other

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> bytearray:
        return bytearray(self._view) + bytes(buffer_of(other))

    def decode(self, *args: Any) -> str:
        return bytes(self._view).decode(*args)

    def _guest_repr_(self) -> str:
        return f"bytearray({bytes(self._view)!r})"


Alias.__name__ = Alias.__qualname__ = "bytearray"


def shared_bytearray(address: int, size: int) -> Any:
    """A bytearray whose bytes are the memory at `address`."""
    view = window(address, size)
    owner: Any = view.obj
    if isinstance(owner, bytearray) and len(owner) == size:
        return owner
    return Alias(view)


def shown(address: int) -> str:
    """An address as `%p` prints it."""
    return f"{address:x}"
