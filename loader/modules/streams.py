"""The stream protocol: what files, sockets, buffers and guest streams have in common.

A native stream subclasses `Stream` and supplies `_read`, `_write` and `_ioctl`; the
methods a guest sees are assembled per class from the ones below, because which of
them exist is visible. A guest stream subclasses `IOBase` and supplies `readinto`,
`write` and `ioctl`. `stream_read`, `stream_write` and `stream_ioctl` reach both.

Source: MicroPython py/stream.c, extmod/modio.c (behaviour).
"""

from __future__ import annotations

from typing import Any

from loader.modules.native import (
    buffer_of,
    check_count,
    function,
    get_int,
    os_error,
    text_of,
)

FLUSH, SEEK, POLL, CLOSE, TIMEOUT, GET_OPTS, SET_OPTS = 1, 2, 3, 4, 5, 6, 7
GET_DATA_OPTS, SET_DATA_OPTS, GET_FILENO, GET_BUFFER_SIZE = 8, 9, 10, 11
POLL_RD, POLL_WR, POLL_ERR, POLL_HUP, POLL_NVAL = 1, 4, 8, 16, 32

EBADF, EAGAIN, EINVAL, EIO = 9, 11, 22, 5
_CHUNK = 256
"""Bytes asked for at a time when reading to the end."""


class Stream:
    """Base of native streams: binary unless `_text`."""

    _text = False

    def _read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end. Raises OSError, EAGAIN included."""
        raise os_error("stream operation not supported")

    def _write(self, data: memoryview) -> int:
        """Write what can be written and say how much."""
        raise os_error("stream operation not supported")

    def _ioctl(self, request: int, arg: Any) -> Any:
        """Answer a control request; `SEEK` has `(offset, whence)` as argument."""
        raise os_error(EINVAL)


class IOBase:
    """Base class for streams written in guest code."""


def _guest_result(result: object) -> int:
    if result is None:
        raise os_error(EAGAIN)
    count = get_int(result)
    if count < 0:
        raise os_error(-count)
    return count


def stream_read(obj: Any, size: int) -> bytes:
    """Read up to `size` bytes in one go.

    Raises:
        OSError: Not a readable stream, nothing there yet (EAGAIN), or any other failure.
    """
    if isinstance(obj, Stream):
        return obj._read(size)
    if isinstance(obj, IOBase):
        buffer = bytearray(size)
        count = _guest_result(_guest_method(obj, "readinto")(buffer))
        return bytes(buffer[:count])
    raise os_error("stream operation not supported")


def stream_write(obj: Any, data: bytes | bytearray | memoryview) -> int:
    """Write in one go and return the number of bytes taken."""
    if isinstance(obj, Stream):
        return obj._write(memoryview(data))
    if isinstance(obj, IOBase):
        return _guest_result(_guest_method(obj, "write")(bytearray(data)))
    raise os_error("stream operation not supported")


def stream_write_all(obj: Any, data: bytes | bytearray | memoryview) -> None:
    """Write until nothing is left or the stream takes no more."""
    rest = memoryview(data)
    while rest:
        count = stream_write(obj, rest)
        if count <= 0:
            break
        rest = rest[count:]


def stream_ioctl(obj: Any, request: int, arg: Any = 0) -> Any:
    """Send a control request."""
    if isinstance(obj, Stream):
        return obj._ioctl(request, arg)
    if isinstance(obj, IOBase):
        result = _guest_method(obj, "ioctl")(request, arg)
        count = get_int(result)
        if count < 0:
            raise os_error(-count)
        return count
    raise os_error("stream operation not supported")


def is_stream(obj: Any) -> bool:
    """Whether `obj` speaks the protocol."""
    return isinstance(obj, (Stream, IOBase))


def _guest_method(obj: object, name: str) -> Any:
    return getattr(obj, name)


def read_exactly(obj: Any, size: int) -> bytes:
    """Read until `size` bytes are there or the stream ends. EAGAIN with nothing read is raised."""
    parts = bytearray()
    while len(parts) < size:
        try:
            part = stream_read(obj, size - len(parts))
        except OSError as error:
            if parts and error.args[:1] == (EAGAIN,):
                break
            raise
        if not part:
            break
        parts += part
    return bytes(parts)


def _again(error: OSError) -> bool:
    return error.args[:1] == (EAGAIN,)


def _read_all(stream: Any) -> Any:
    parts = bytearray()
    while True:
        try:
            part = stream_read(stream, _CHUNK)
        except OSError as error:
            if not _again(error):
                raise
            if not parts:
                return None
            break
        if not part:
            break
        parts += part
    return text_of(parts) if stream._text else bytes(parts)


def _char_length(first: int) -> int:
    """Bytes of the UTF-8 character that starts with `first`, as the text reader counts them."""
    if first < 0x80:
        return 1
    if first & 0xE0 == 0xC0:
        return 2
    if first & 0xF0 == 0xE0:
        return 3
    return 4 if first & 0xF8 == 0xF0 else 1


def _read_chars(stream: Any, count: int) -> str:
    """`count` characters: as many bytes first, then what the last character lacks."""
    data = bytearray()
    at = chars = 0
    while chars < count:
        need = count - chars
        part = stream_read(stream, need)
        if not part:
            break
        data += part
        while at < len(data) and chars < count:
            at += _char_length(data[at])
            chars += 1
        if at > len(data):
            tail = stream_read(stream, at - len(data))
            if not tail:
                break
            data += tail
    return text_of(data)


def _read(self: Any, *args: Any) -> Any:
    """Read `size` bytes or characters, or to the end."""
    check_count(len(args) + 1, 1, 2)
    size = get_int(args[0]) if args else -1
    if size == -1:
        return _read_all(self)
    try:
        if self._text:
            return _read_chars(self, size)
        if size < 0:
            raise MemoryError(
                f"memory allocation failed, allocating {size & 0xFFFFFFFFFFFFFFFF} bytes"
            )
        return read_exactly(self, size)
    except OSError as error:
        if _again(error):
            return None
        raise


def _read1(self: Any, *args: Any) -> Any:
    check_count(len(args) + 1, 1, 2)
    size = get_int(args[0]) if args else -1
    if size == -1:
        return _read_all(self)
    try:
        data = stream_read(self, size)
    except OSError as error:
        if _again(error):
            return None
        raise
    return text_of(data) if self._text else data


def _write(self: Any, *args: Any) -> Any:
    """write(buffer), write(buffer, max_length) or write(buffer, offset, max_length)."""
    check_count(len(args) + 1, 2, 4)
    data = buffer_of(args[0])
    offset = 0
    length = len(data)
    if len(args) == 2:
        length = get_int(args[1])
    elif len(args) == 3:
        offset = min(get_int(args[1]), len(data))
        length = get_int(args[2])
    data = data[offset : offset + length]
    written = 0
    try:
        while written < len(data):
            count = stream_write(self, data[written:])
            if count <= 0:
                break
            written += count
    except OSError as error:
        if not _again(error):
            raise
        return written or None
    return written


def _write1(self: Any, *args: Any) -> Any:
    check_count(len(args) + 1, 2, 4)
    data = buffer_of(args[0])
    try:
        return stream_write(self, data)
    except OSError as error:
        if _again(error):
            return None
        raise


def _readinto(self: Any, *args: Any) -> Any:
    check_count(len(args) + 1, 2, 3)
    target = buffer_of(args[0], writable=True)
    size = len(target)
    if len(args) == 2:
        size = min(size, get_int(args[1]))
    try:
        data = read_exactly(self, size)
    except OSError as error:
        if _again(error):
            return None
        raise
    target[: len(data)] = data
    return len(data)


def _readline(self: Any, *args: Any) -> Any:
    check_count(len(args) + 1, 1, 2)
    limit = get_int(args[0]) if args else -1
    line = read_line(self, limit)
    if line is None:
        return None
    return text_of(line) if self._text else line


def read_line(stream: Any, limit: int = -1) -> bytes | None:
    """One line with its newline, at most `limit` bytes; None if nothing is there yet."""
    line = bytearray()
    while limit < 0 or len(line) < limit:
        try:
            char = stream_read(stream, 1)
        except OSError as error:
            if not _again(error):
                raise
            if not line:
                return None
            break
        if not char:
            break
        line += char
        if char == b"\n":
            break
    return bytes(line)


def _readlines(self: Any, *args: Any) -> list[Any]:
    check_count(len(args) + 1, 1, 1)
    lines = []
    while line := _readline(self):
        lines.append(line)
    return lines


def _next(self: Any) -> Any:
    line = _readline(self)
    if not line:
        raise StopIteration
    return line


def _iter(self: Any) -> Any:
    return self


def _seek(self: Any, *args: Any) -> Any:
    check_count(len(args) + 1, 2, 3)
    offset = get_int(args[0])
    whence = get_int(args[1]) if len(args) == 2 else 0
    if whence == 0 and offset < 0:
        raise os_error(EINVAL)
    return self._ioctl(SEEK, (offset, whence))


@function(1)
def _tell(self: Any) -> Any:
    return self._ioctl(SEEK, (0, 1))


@function(1)
def _flush(self: Any) -> None:
    self._ioctl(FLUSH, 0)


@function(1)
def _close(self: Any) -> None:
    self._ioctl(CLOSE, 0)


@function(1)
def _enter(self: Any) -> Any:
    return self


@function(4)
def _exit(self: Any, kind: object, value: object, trace: object) -> None:
    self._ioctl(CLOSE, 0)


@function(2, 3)
def _ioctl_method(self: Any, request: int, arg: Any = 0) -> Any:
    return self._ioctl(get_int(request), arg)


METHODS: dict[str, Any] = {
    "read": _read,
    "read1": _read1,
    "write": _write,
    "write1": _write1,
    "readinto": _readinto,
    "readline": _readline,
    "readlines": _readlines,
    "seek": _seek,
    "tell": _tell,
    "flush": _flush,
    "close": _close,
    "ioctl": _ioctl_method,
    "__enter__": _enter,
    "__exit__": _exit,
    "__iter__": _iter,
    "__next__": _next,
}
"""The guest-visible methods by name."""


def stream_type(*names: str) -> Any:
    """Class decorator: give a native stream exactly these methods of `METHODS`."""

    def decorate(kind: type) -> type:
        for name in names:
            setattr(kind, name, METHODS[name])
        return kind

    return decorate


FILE = (
    "read readinto readline readlines write flush seek tell close"
    " __enter__ __exit__ __iter__ __next__"
).split()
BUFFERED = [name for name in FILE if name != "readlines"]
