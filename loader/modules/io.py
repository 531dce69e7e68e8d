"""Guest module `io`: memory streams, the base class of guest streams, `open`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import (
    REQUIRED,
    address_text,
    any_int,
    buffer_of,
    check_count,
    os_error,
    parse_args,
    utf8,
)
from loader.modules.streams import (
    BUFFERED,
    CLOSE,
    EINVAL,
    FLUSH,
    METHODS,
    SEEK,
    IOBase,
    Stream,
    stream_ioctl,
    stream_type,
    stream_write_all,
)

if TYPE_CHECKING:
    from loader.vm import VM

CLOSED = "I/O operation on closed file"
_METHODS = [name for name in BUFFERED if name not in ("read", "write")]


class _Memory(Stream):
    """A stream over bytes in memory; positions count bytes, in a StringIO too."""

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 0, 1, named)
        self._data: bytearray | None = bytearray()
        self._pos = 0
        if not args:
            return
        first = args[0]
        if isinstance(first, int):
            if any_int(first) < 0:
                raise MemoryError(
                    f"memory allocation failed, allocating {first & 0xFFFFFFFFFFFFFFFF} bytes"
                )
            return
        self._data = bytearray(buffer_of(first))

    def _content(self) -> bytearray:
        if self._data is None:
            raise ValueError(CLOSED)
        return self._data

    def _read(self, size: int) -> bytes:
        part = self._content()[self._pos : self._pos + size]
        self._pos += len(part)
        return bytes(part)

    def _write(self, data: memoryview) -> int:
        content = self._content()
        if self._pos > len(content):
            content.extend(bytes(self._pos - len(content)))
        content[self._pos : self._pos + len(data)] = data
        self._pos += len(data)
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == SEEK:
            offset, whence = arg
            content = self._data or b""
            base = {0: 0, 1: self._pos, 2: len(content)}.get(whence, 0)
            self._pos = max(0, base + offset)
            return self._pos
        if request == FLUSH:
            return 0
        if request == CLOSE:
            self._data = None
            return 0
        raise os_error(EINVAL)

    def write(self, *args: Any) -> Any:
        """As any stream's, but most writes are of one whole str or bytes."""
        if len(args) == 1 and self._data is not None:
            data = args[0]
            if type(data) is str:
                data = utf8(data)
            if type(data) is bytes and self._pos == len(self._data):
                self._data += data
                self._pos += len(data)
                return len(data)
        return METHODS["write"](self, *args)

    def read(self, *args: Any) -> Any:
        """As any stream's, but binary reads of a given size need no loop."""
        if len(args) == 1 and type(args[0]) is int and args[0] >= 0 and not self._text:
            return self._read(args[0])
        return METHODS["read"](self, *args)

    def getvalue(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 1)
        content = self._content()
        return content.decode("utf-8", "surrogateescape") if self._text else bytes(content)

    def _guest_repr_(self) -> str:
        return f"<io.{'StringIO' if self._text else 'BytesIO'} 0x{address_text(self)}>"


@stream_type(*_METHODS)
class BytesIO(_Memory):
    """A binary stream in memory."""


@stream_type(*_METHODS)
class StringIO(_Memory):
    """A text stream in memory, kept as UTF-8."""

    _text = True


@stream_type("write", "flush", "close", "__enter__", "__exit__")
class BufferedWriter(Stream):
    """Collects writes to another stream into blocks of a fixed size."""

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 2, 2, named)
        self._stream, size = args[0], any_int(args[1])
        self._size = size
        self._pending = bytearray()

    def _write(self, data: memoryview) -> int:
        self._pending += data
        while len(self._pending) >= self._size:
            block = bytes(self._pending[: self._size])
            del self._pending[: self._size]
            stream_write_all(self._stream, block)
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request in (FLUSH, CLOSE):
            if self._pending:
                block = bytes(self._pending)
                self._pending.clear()
                stream_write_all(self._stream, block)
            return stream_ioctl(self._stream, request, arg) if request == FLUSH else 0
        raise os_error(EINVAL)


_OPEN = (("file", REQUIRED), ("mode", "r"), ("buffering", -1), ("encoding", None))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict; `open` goes through the mount table of `vm`."""

    def open_(*args: Any, **named: Any) -> Any:
        file, mode, _, _ = parse_args(args, named, _OPEN, 2)
        return vm.vfs.open(file, mode)

    open_.__name__ = open_.__qualname__ = "open"
    return {"open": open_, "IOBase": IOBase, "BytesIO": BytesIO, "StringIO": StringIO}
