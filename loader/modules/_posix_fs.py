"""`VfsPosix`: a directory of the host as a mounted file system, and its open files.

Source: MicroPython extmod/vfs_posix.c, vfs_posix_file.c (behaviour).
"""

from __future__ import annotations

import contextlib
import os
import select
import stat as host_stat
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from loader.modules.native import NativeIterator, check_count, function, get_str, os_error, utf8
from loader.modules.streams import (
    CLOSE,
    EINVAL,
    FILE,
    FLUSH,
    GET_FILENO,
    POLL,
    POLL_RD,
    POLL_WR,
    SEEK,
    Stream,
    stream_type,
)

T = TypeVar("T")

CLOSED = "I/O operation on closed file"


def host(call: Callable[..., T], *args: Any) -> T:
    """Call a function of the host's `os`; its failure is the guest's OSError."""
    try:
        return call(*args)
    except OSError as error:
        raise os_error(error.errno or EINVAL) from None
    except ValueError:
        raise os_error(EINVAL) from None


class _PosixFile(Stream):
    """An open file descriptor, unbuffered as on the device."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def _open_fd(self) -> int:
        if self._fd < 0:
            raise ValueError(CLOSED)
        return self._fd

    def _read(self, size: int) -> bytes:
        return host(os.read, self._open_fd(), size)

    def _write(self, data: memoryview) -> int:
        return host(os.write, self._open_fd(), data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == CLOSE:
            if self._fd > 2:
                os.close(self._fd)
            self._fd = -1
            return 0
        fd = self._open_fd()
        if request == SEEK:
            offset, whence = arg
            return host(os.lseek, fd, offset, whence)
        if request == FLUSH:
            # Pipes and terminals cannot be synchronised, which is not the guest's concern.
            try:
                os.fsync(fd)
            except OSError as error:
                if error.errno != EINVAL:
                    raise os_error(error.errno or EINVAL) from None
            return 0
        if request == POLL:
            poll = select.poll()
            poll.register(fd, arg)
            return next((events for _, events in poll.poll(0)), 0)
        if request == GET_FILENO:
            return fd
        raise os_error(EINVAL)

    @function(1)
    def fileno(self) -> int:
        return self._open_fd()

    def __del__(self) -> None:
        fd, self._fd = getattr(self, "_fd", -1), -1
        if fd > 2:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _guest_repr_(self) -> str:
        return f"<io.{type(self).__name__} {self._fd}>"


@stream_type(*FILE)
class FileIO(_PosixFile):
    """A file opened binary."""


@stream_type(*FILE)
class TextIOWrapper(_PosixFile):
    """A file opened as text."""

    _text = True


class StandardStream(_PosixFile):
    """One of the three standard streams: a file over a binary stream of the host.

    Args:
        stream: What to read or write; `sys.stdout.buffer`, an `io.BytesIO`...
        fd: The number shown and returned by `fileno()`.
    """

    def __init__(self, stream: Any, fd: int) -> None:
        super().__init__(fd)
        self._stream = stream

    def _read(self, size: int) -> bytes:
        read = getattr(self._stream, "read1", None) or self._stream.read
        return bytes(read(size))

    def _write(self, data: memoryview) -> int:
        self._stream.write(bytes(data))
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == FLUSH:
            self._stream.flush()
            return 0
        if request == CLOSE:
            return 0
        if request in (POLL, GET_FILENO):
            try:
                self._stream.fileno()
            except (AttributeError, OSError):
                # Not a file of the host: whoever waits for it need not.
                if request == POLL:
                    return arg & (POLL_RD | POLL_WR)
                raise os_error(EINVAL) from None
        return super()._ioctl(request, arg)

    def __del__(self) -> None:
        """The host owns the stream."""


@stream_type(*FILE)
class _StandardFile(StandardStream):
    pass


@stream_type(*FILE)
class _StandardText(StandardStream):
    _text = True

    @property
    def buffer(self) -> StandardStream:
        return _StandardFile(self._stream, self._fd)


_StandardFile.__name__ = _StandardFile.__qualname__ = "FileIO"
_StandardText.__name__ = _StandardText.__qualname__ = "TextIOWrapper"


def standard_stream(stream: Any, fd: int) -> StandardStream:
    """The guest's `sys.stdin`, `sys.stdout` or `sys.stderr` over a host binary stream."""
    return _StandardText(stream, fd)


def open_file(path: Any, mode: Any) -> Any:
    """Open a path of the host, or wrap a descriptor.

    Unknown mode letters are ignored, as on the device.
    """
    kind: type[_PosixFile] = TextIOWrapper
    flags, creation = os.O_RDONLY, 0
    for char in get_str(mode):
        if char == "r":
            flags, creation = os.O_RDONLY, 0
        elif char == "w":
            flags, creation = os.O_WRONLY, os.O_CREAT | os.O_TRUNC
        elif char == "a":
            flags, creation = os.O_WRONLY, os.O_CREAT | os.O_APPEND
        elif char == "+":
            flags = os.O_RDWR
        elif char == "b":
            kind = FileIO
        elif char == "t":
            kind = TextIOWrapper
    if isinstance(path, int):
        return kind(int(path))
    return kind(host(os.open, utf8(get_str(path)), flags | creation | os.O_CLOEXEC, 0o644))


class VfsPosix:
    """A host directory as a file system.

    Args:
        args: Optionally the directory; without it paths are the host's own.
    """

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 0, 1)
        self._root = ""
        if args:
            root = get_str(args[0])
            if root and not root.startswith("/"):
                root = f"{host(os.getcwd)}/{root}"
            self._root = root.rstrip("/")
        self._readonly = False

    def _host_path(self, path: Any) -> str:
        text = get_str(path)
        if not self._root:
            return text
        return f"{self._root}/{text.removeprefix('/')}"

    def _writable_path(self, path: Any) -> bytes:
        if self._readonly:
            raise os_error(30)
        return utf8(self._host_path(path))

    def _import_stat(self, path: str) -> str | None:
        """What the importer asks: "dir", "file" or None."""
        try:
            mode = host(os.stat, utf8(self._host_path(path))).st_mode
        except OSError:
            return None
        return "dir" if host_stat.S_ISDIR(mode) else "file" if host_stat.S_ISREG(mode) else None

    def mount(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        self._readonly = bool(args[0])
        if args[1]:
            raise os_error(1)

    def umount(self, *args: Any) -> None:
        check_count(len(args) + 1, 1, 1)

    def open(self, *args: Any) -> Any:
        check_count(len(args) + 1, 3, 3)
        path, mode = args
        if self._readonly and any(char in get_str(mode) for char in "wa+"):
            raise os_error(30)
        return open_file(path if isinstance(path, int) else self._host_path(path), mode)

    def chdir(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        host(os.chdir, utf8(self._host_path(args[0])))

    def getcwd(self, *args: Any) -> str:
        check_count(len(args) + 1, 1, 1)
        here = host(os.getcwd)
        return here[len(self._root) :]

    def stat(self, *args: Any) -> tuple[int, ...]:
        check_count(len(args) + 1, 2, 2)
        found = host(os.stat, utf8(self._host_path(args[0])))
        return tuple(map(int, found[:10]))

    def statvfs(self, *args: Any) -> tuple[int, ...]:
        check_count(len(args) + 1, 2, 2)
        found = host(os.statvfs, utf8(self._host_path(args[0])))
        return tuple(found)[:10]

    def ilistdir(self, *args: Any) -> Iterator[tuple[Any, ...]]:
        check_count(len(args) + 1, 2, 2)
        path = self._host_path(args[0]) or "."
        entries: Any = host(os.scandir, utf8(path))
        as_text = isinstance(args[0], str)

        def entry_tuples() -> Iterator[tuple[Any, ...]]:
            with entries:
                for entry in entries:
                    kind = 0x4000 if entry.is_dir() else 0x8000 if entry.is_file() else 0
                    name = entry.name.decode("utf-8", "surrogateescape") if as_text else entry.name
                    yield (name, kind, entry.inode())

        return NativeIterator(entry_tuples())

    def mkdir(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        host(os.mkdir, self._writable_path(args[0]))

    def remove(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        host(os.unlink, self._writable_path(args[0]))

    def rename(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        host(os.rename, self._writable_path(args[0]), self._writable_path(args[1]))

    def rmdir(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        host(os.rmdir, self._writable_path(args[0]))

    def _guest_repr_(self) -> str:
        return "<VfsPosix>"
