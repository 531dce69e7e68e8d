"""`VfsRom`: a ROMFS image as a mounted file system, over any buffer.

Reads as lazily and as forgivingly as a device does (a guest sees the difference when
it mounts a malformed image) but never outside the buffer. For the strict reader see
`romfs.image`.

Source: SPEC.md, "Device reader algorithms"; MicroPython extmod/vfs_rom.c, vfs_rom_file.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from loader.modules.native import (
    NativeIterator,
    buffer_of,
    check_count,
    get_str,
    os_error,
    text_of,
    utf8,
)
from loader.modules.streams import CLOSE, EINVAL, SEEK, Stream, stream_type
from romfs.errors import ImageError
from romfs.records import MAGIC, Kind
from romfs.varuint import read_varuint

DIR, FILE = 0x4000, 0x8000
EPERM, ENOENT, ENODEV, EISDIR, EROFS, EOPNOTSUPP = 1, 2, 19, 21, 30, 95
_NAME_MAX = 32767


class _Node(NamedTuple):
    """What a path leads to: a directory's records or a file's data, as a range of the image."""

    mode: int
    start: int
    end: int


class _RomFile(Stream):
    """An open file: a window on the image and a position."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._pos = 0

    def _read(self, size: int) -> bytes:
        part = bytes(self._data[self._pos : self._pos + size])
        self._pos += len(part)
        return part

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == SEEK:
            offset, whence = arg
            at = offset + {0: 0, 1: self._pos}.get(whence, len(self._data))
            if at < 0:
                raise os_error(EINVAL)
            self._pos = min(at, len(self._data))
            return self._pos
        if request == CLOSE:
            return 0
        raise os_error(EINVAL)

    def _guest_repr_(self) -> str:
        return f"<{type(self).__name__}>"


_METHODS = (
    "read readinto readline readlines seek tell close __enter__ __exit__ __iter__ __next__".split()
)


@stream_type(*_METHODS)
class FileIO(_RomFile):
    """A file opened binary; its buffer is the file's data where the image lies."""

    def __buffer__(self, flags: int) -> memoryview:
        if flags & 1:
            raise TypeError("object with buffer protocol required")
        return self._data


@stream_type(*_METHODS)
class TextIOWrapper(_RomFile):
    """A file opened as text."""

    _text = True


class VfsRom:
    """A mounted image.

    Args:
        args: One object with a read buffer that starts with an image.
    """

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 1, 1)
        self._memory = args[0]
        view = buffer_of(args[0]).toreadonly()
        if len(view) < 4 or bytes(view[:3]) != MAGIC:
            raise os_error(ENODEV)
        try:
            _, at = read_varuint(view, 0)
            length, at = read_varuint(view, at)
        except ImageError:
            raise os_error(ENODEV) from None
        if at + length > len(view):
            raise os_error(ENODEV)
        self._view = view
        self._root = _Node(DIR, at, at + length)

    def _records(self, node: _Node) -> Iterator[tuple[int, int, int]]:
        """Kind, payload start and end of each record of a directory or file."""
        at, end = node.start, min(node.end, len(self._view))
        while at < end:
            try:
                kind, at = read_varuint(self._view, at, end)
                length, at = read_varuint(self._view, at, end)
            except ImageError:
                return
            if kind == Kind.UNUSED:
                return
            yield kind, at, at + length
            at += length

    def _named(self, start: int, end: int) -> tuple[bytes, int] | None:
        """The name in front of a directory's or file's records, and where they start."""
        try:
            length, at = read_varuint(self._view, start, min(end, len(self._view)))
        except ImageError:
            return None
        return bytes(self._view[at : at + length]), at + length

    def _file_data(self, start: int, end: int) -> _Node | None:
        for kind, at, stop in self._records(_Node(FILE, start, end)):
            if kind == Kind.DATA_VERBATIM:
                return _Node(FILE, at, stop)
            if kind == Kind.DATA_POINTER:
                try:
                    stop = min(stop, len(self._view))
                    size, at = read_varuint(self._view, at, stop)
                    offset, at = read_varuint(self._view, at, stop)
                except ImageError:
                    return None
                where = self._root.start + offset
                return _Node(FILE, where, where + size)
        return None

    def _find(self, path: str) -> _Node | None:
        """Walk the records as a device does: first match by name, no way back."""
        rest = utf8(path)
        rest = rest[1:] if rest.startswith(b"/") else rest
        node = self._root
        while rest:
            for kind, start, end in self._records(node):
                if kind not in (Kind.DIRECTORY, Kind.FILE):
                    continue
                named = self._named(start, end)
                if named is None:
                    return None
                name, inner = named
                if rest == name or rest.startswith(name + b"/"):
                    break
            else:
                return None
            rest = rest[len(name) + 1 :] if kind == Kind.DIRECTORY else rest[len(name) :]
            if kind == Kind.FILE:
                return None if rest else self._file_data(inner, end)
            node = _Node(DIR, inner, end)
        return node

    def _import_stat(self, path: str) -> str | None:
        """What the importer asks: "dir", "file" or None."""
        node = self._find(path)
        return None if node is None else "dir" if node.mode == DIR else "file"

    def _window(self, path: str) -> memoryview:
        """The data of the file at `path`, in place.

        Raises:
            OSError: ENOENT, EISDIR.
        """
        node = self._find(path)
        if node is None:
            raise os_error(ENOENT)
        if node.mode == DIR:
            raise os_error(EISDIR)
        return self._view[node.start : node.end]

    def mount(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        if args[1]:
            raise os_error(EPERM)

    def umount(self, *args: Any) -> VfsRom:
        check_count(len(args) + 1, 1, 1)
        return self

    def open(self, *args: Any) -> Any:
        check_count(len(args) + 1, 3, 3)
        path, mode = get_str(args[0]), get_str(args[1])
        kind: type[FileIO | TextIOWrapper] = TextIOWrapper
        for char in mode:
            if char in "wa+":
                raise os_error(EROFS)
            if char == "b":
                kind = FileIO
            elif char == "t":
                kind = TextIOWrapper
        return kind(self._window(path))

    def chdir(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        if get_str(args[0]) != "/":
            raise os_error(EOPNOTSUPP)

    def getcwd(self, *args: Any) -> str:
        check_count(len(args) + 1, 1, 1)
        return ""

    def stat(self, *args: Any) -> tuple[int, ...]:
        check_count(len(args) + 1, 2, 2)
        node = self._find(get_str(args[0]))
        if node is None:
            raise os_error(ENOENT)
        return (node.mode, 0, 0, 0, 0, 0, node.end - node.start, 0, 0, 0)

    def statvfs(self, *args: Any) -> tuple[int, ...]:
        check_count(len(args) + 1, 2, 2)
        return (1, 0, self._root.end - self._root.start, 0, 0, 0, 0, 0, 0, _NAME_MAX)

    def ilistdir(self, *args: Any) -> Iterator[tuple[Any, ...]]:
        check_count(len(args) + 1, 2, 2)
        node = self._find(get_str(args[0]))
        if node is None or node.mode != DIR:
            raise os_error(ENOENT)
        return NativeIterator(self._list(node, isinstance(args[0], str)))

    def _list(self, node: _Node, as_text: bool) -> Iterator[tuple[Any, ...]]:
        for kind, start, end in self._records(node):
            if kind not in (Kind.DIRECTORY, Kind.FILE):
                continue
            named = self._named(start, end)
            if named is None:
                return
            name, inner = named
            found = (
                _Node(DIR, inner, end) if kind == Kind.DIRECTORY else self._file_data(inner, end)
            )
            if found is None:
                return
            shown = text_of(name) if as_text else name
            yield (shown, found.mode, 0, found.end - found.start)

    def _guest_repr_(self) -> str:
        return "<VfsRom>"
