"""Guest module `deflate`: (de)compression of streams, raw, zlib or gzip.

Reading takes the compressed stream byte by byte, so that what follows the compressed
data stays in it. The unix build cannot write; here it can, with the host's compressor.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count, get_int, os_error
from loader.modules.streams import (
    CLOSE,
    EINVAL,
    FLUSH,
    Stream,
    stream_ioctl,
    stream_read,
    stream_type,
    stream_write_all,
)

if TYPE_CHECKING:
    from loader.vm import VM

AUTO, RAW, ZLIB, GZIP = 0, 1, 2, 3
_READ_BITS = {AUTO: 47, RAW: -15, ZLIB: 15, GZIP: 31}


@stream_type(
    "read", "readinto", "readline", "write", "close", "__enter__", "__exit__", "__iter__",
    "__next__",
)  # fmt: skip
class DeflateIO(Stream):
    """A stream that decompresses what it reads from another, or compresses what it writes.

    Args:
        args: The stream, the format, the bits of the window, and whether `close()` closes
            the stream too.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 1, 4, named)
        self._stream: Any = args[0]
        self._format = get_int(args[1]) if len(args) > 1 else AUTO
        self._bits = get_int(args[2]) if len(args) > 2 else 0
        self._close_stream = bool(args[3]) if len(args) > 3 else False
        if not AUTO <= self._format <= GZIP:
            raise ValueError("format")
        if self._bits and not 5 <= self._bits <= 15:
            raise ValueError("wbits")
        self._reader: Any = None
        self._writer: Any = None
        self._failed = False

    def _open(self) -> Any:
        if self._stream is None or self._failed:
            raise os_error(EINVAL)
        return self._stream

    def _read(self, size: int) -> bytes:
        stream = self._open()
        if self._writer is not None:
            raise os_error(EINVAL)
        if self._reader is None:
            self._reader = zlib.decompressobj(_READ_BITS[self._format])
        result = bytearray()
        while len(result) < size and not self._reader.eof:
            try:
                pending = self._reader.unconsumed_tail
                char = pending or stream_read(stream, 1)
                if not char:
                    # What is inside comes out before the end of the input shows.
                    raise EOFError
                result += self._reader.decompress(char, size - len(result))
            except zlib.error:
                self._failed = True
                raise os_error(EINVAL) from None
        return bytes(result)

    def _write(self, data: memoryview) -> int:
        self._open()
        if self._reader is not None:
            raise os_error(EINVAL)
        if self._writer is None:
            window = max(self._bits or 8, 9)
            bits = {RAW: -window, ZLIB: window, GZIP: window + 16}.get(self._format, -window)
            self._writer = zlib.compressobj(wbits=bits)
        stream_write_all(self._stream, self._writer.compress(data))
        return len(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == CLOSE:
            stream, self._stream = self._stream, None
            if self._writer is not None:
                stream_write_all(stream, self._writer.flush())
            if self._close_stream and stream is not None:
                stream_ioctl(stream, CLOSE)
            return 0
        if request == FLUSH:
            return 0
        raise os_error(EINVAL)

    def _guest_repr_(self) -> str:
        return "<DeflateIO>"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"DeflateIO": DeflateIO, "AUTO": AUTO, "RAW": RAW, "ZLIB": ZLIB, "GZIP": GZIP}
