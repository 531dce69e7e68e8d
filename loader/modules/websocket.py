"""Guest module `websocket`: the frames of RFC 6455 over a stream.

Source: RFC 6455; MicroPython extmod/modwebsocket.c (which frames answer, and how).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count, os_error
from loader.modules.streams import (
    CLOSE,
    EINVAL,
    GET_DATA_OPTS,
    SET_DATA_OPTS,
    Stream,
    read_exactly,
    stream_ioctl,
    stream_type,
    stream_write_all,
)

if TYPE_CHECKING:
    from loader.vm import VM

_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10


@stream_type("read", "readinto", "readline", "write", "close", "ioctl")
class WebSocket(Stream):
    """A connection after its handshake. Reading crosses frames; writing makes one a call."""

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 1, 2)
        self._stream = args[0]
        self._left = 0
        self._mask = b""
        self._place = 0
        self._kind = _TEXT
        self._write_kind = _TEXT
        self._ended = False

    def _next_frame(self) -> bool:
        """Read a frame's header; answer control frames. False at the end."""
        while True:
            head = read_exactly(self._stream, 2)
            if len(head) < 2:
                return False
            kind, length = head[0] & 15, head[1] & 0x7F
            if length == 126:
                length = int.from_bytes(read_exactly(self._stream, 2), "big")
            elif length == 127:
                raise os_error(5)  # the device has no frames that long
            self._mask = read_exactly(self._stream, 4) if head[1] & 0x80 else b""
            self._place, self._left = 0, length
            if kind in (_CONTINUED, _TEXT, _BINARY):
                self._kind = kind or self._kind
                if length:
                    return True
                continue
            self._payload(length)
            if kind == _CLOSE:
                self._frame(_CLOSE, b"")
                self._ended = True
                return False
            if kind == _PING:
                continue

    def _payload(self, size: int) -> bytes:
        data = read_exactly(self._stream, min(size, self._left))
        self._left -= len(data)
        if self._mask:
            mask, place = self._mask, self._place
            self._place += len(data)
            data = bytes(byte ^ mask[(place + at) & 3] for at, byte in enumerate(data))
        return data

    def _read(self, size: int) -> bytes:
        if self._ended or (not self._left and not self._next_frame()):
            return b""
        return self._payload(size)

    def _frame(self, kind: int, data: bytes | memoryview) -> None:
        size = len(data)
        head = (
            bytes([0x80 | kind, size])
            if size < 126
            else (bytes([0x80 | kind, 126]) + size.to_bytes(2, "big"))
        )
        stream_write_all(self._stream, head + bytes(data))

    def _write(self, data: memoryview) -> int:
        part = data[:0xFFFF]
        self._frame(self._write_kind, part)
        return len(part)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == CLOSE:
            return stream_ioctl(self._stream, CLOSE)
        if request == GET_DATA_OPTS:
            return self._kind
        if request == SET_DATA_OPTS:
            old, self._write_kind = self._write_kind, arg
            return old
        if request in (1, 3):
            return stream_ioctl(self._stream, request, arg)
        raise os_error(EINVAL)

    def _guest_repr_(self) -> str:
        return "<websocket>"


WebSocket.__name__ = WebSocket.__qualname__ = "websocket"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"websocket": WebSocket}
