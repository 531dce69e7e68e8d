"""The map of an image file: what every imported module runs from.

Code, names and constants of the modules are windows on the map, so it must outlive them,
as flash does on a device. The host keeps it as long as a window exists; `offset_of` says
where in the image a window lies, which proves that it is one.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from romfs.image import Image


class Mapping:
    """An image, mapped read-only.

    Attributes:
        path: The file.
        image: The image in it.
    """

    def __init__(self, path: str | Path) -> None:
        """Map `path`.

        Raises:
            OSError: The file cannot be opened.
            ImageError: It holds no valid image.
        """
        self.path = Path(path)
        self.image = Image.open(self.path)
        self._address = address_of(self.image.data)

    def offset_of(self, window: memoryview) -> int | None:
        """Where in the image a window lies; None if it is no window on this map."""
        offset = address_of(window) - self._address
        return offset if 0 <= offset <= len(self.image.data) - len(window) else None


class _PyBuffer(ctypes.Structure):
    """The host's Py_buffer, of which only the address is read.

    Source: CPython Include/pybuffer.h (part of the stable ABI since 3.11).
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


def address_of(window: memoryview) -> int:
    """Address of the first byte of a contiguous window, in the host's memory."""
    view = _PyBuffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(window), ctypes.byref(view), 0)
    try:
        return view.buf or 0
    finally:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(view))
