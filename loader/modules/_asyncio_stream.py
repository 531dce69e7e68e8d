"""Streams of the guest's asyncio: connections and servers."""

from __future__ import annotations

import socket as host_socket
from typing import TYPE_CHECKING, Any

from loader.modules import unbound
from loader.modules._asyncio_core import CancelledError, EventLoop, loop_of
from loader.modules.native import buffer_of
from loader.modules.socket import EINPROGRESS, Socket, getaddrinfo

if TYPE_CHECKING:
    from loader.vm import VM


def _stream_type(vm: VM, loop: EventLoop) -> type:
    class Stream:
        """Both ends of a connection: reads wait, writes are kept until `drain()`."""

        def __init__(self, s: Any, e: Any = None) -> None:
            self.s = s
            self.e = {} if e is None else e
            self.out_buf = b""

        def get_extra_info(self, v: Any) -> Any:
            return self.e[v]

        def close(self) -> None:
            """Nothing yet; `wait_closed()` closes."""

        def wait_closed(self) -> Any:
            self.s.close()
            return
            yield

        def read(self, n: int = -1) -> Any:
            data = b""
            while True:
                yield loop.io_queue.queue_read(self.s)
                part = self.s.read(n)
                if part is not None:
                    if n >= 0:
                        return part
                    if not len(part):
                        return data
                    data += part

        def readinto(self, buf: Any) -> Any:
            yield loop.io_queue.queue_read(self.s)
            return self.s.readinto(buf)

        def readexactly(self, n: int) -> Any:
            data = b""
            while n:
                yield loop.io_queue.queue_read(self.s)
                part = self.s.read(n)
                if part is not None:
                    if not len(part):
                        raise EOFError
                    data += part
                    n -= len(part)
            return data

        def readline(self) -> Any:
            line = b""
            while True:
                yield loop.io_queue.queue_read(self.s)
                part = self.s.readline()
                if part is None:
                    continue
                line += part
                if not part or line[-1] == 10:
                    return line

        def write(self, buf: Any) -> None:
            if not self.out_buf:
                written = self.s.write(buf)
                if written == len(buf):
                    return
                if written is not None:
                    buf = buf[written:]
            self.out_buf += bytes(buffer_of(buf))

        def drain(self) -> Any:
            if not self.out_buf:
                return (yield from loop.sleep_ms(0))
            view = memoryview(self.out_buf)
            at = 0
            while at < len(view):
                yield loop.io_queue.queue_write(self.s)
                written = self.s.write(view[at:])
                if written is not None:
                    at += written
            self.out_buf = b""
            return None

        def awrite(self, buf: Any, off: int = 0, sz: int = -1) -> Any:
            if off or sz != -1:
                buf = memoryview(buf)[off : off + sz if sz != -1 else None]
            self.write(buf)
            yield from self.drain()

        awritestr = awrite

        def aclose(self) -> Any:
            yield from self.wait_closed()

    return Stream


def _with_tls(connection: Any, context: Any, named: dict[str, Any]) -> Any:
    """Wrap a connected socket; `context` may also be True."""
    if context is True:
        from loader.modules.tls import PROTOCOL_TLS_CLIENT, SSLContext

        context = SSLContext(PROTOCOL_TLS_CLIENT)
    return context.wrap_socket(connection, do_handshake_on_connect=False, **named)


def _server_type(loop: EventLoop, stream_type: Any) -> type:
    class Server:
        """A listening socket and the task that serves it."""

        def __init__(self) -> None:
            self.state = False
            self.task: Any = None

        def __aenter__(self) -> Any:
            return self
            yield

        def __aexit__(self, *_: object) -> Any:
            self.close()
            yield from self.wait_closed()

        def close(self) -> None:
            """Stop accepting; connections stay."""
            self.state = True
            self.task.cancel()

        def wait_closed(self) -> Any:
            yield from self.task

        def _serve(self, s: Any, cb: Any, ssl: Any) -> Any:
            self.state = False
            while True:
                try:
                    yield loop.io_queue.queue_read(s)
                except CancelledError:
                    s.close()
                    if self.state:
                        return
                    raise
                try:
                    connection, peer = s.accept()
                except OSError:
                    continue  # gone before it was accepted
                connection.setblocking(False)
                if ssl:
                    try:
                        connection = _with_tls(connection, ssl, {"server_side": True})
                    except OSError as error:
                        loop.report({"message": "", "exception": error, "future": self.task})
                        connection.close()
                        continue
                stream = stream_type(connection, {"peername": peer})
                loop.create_task(cb(stream, stream))

    return Server


def names(vm: VM) -> dict[str, object]:
    """What `asyncio.stream` offers, the same classes at every import."""
    found = vm.__dict__.get("asyncio_streams")
    if found is None:
        found = vm.__dict__["asyncio_streams"] = _names(vm)
    return found


def _names(vm: VM) -> dict[str, object]:
    loop = loop_of(vm)
    stream_type = _stream_type(vm, loop)
    server_type = _server_type(loop, stream_type)

    def open_connection(host: Any, port: Any, ssl: Any = None, server_hostname: Any = None) -> Any:
        info = getaddrinfo(host, port, 0, int(host_socket.SOCK_STREAM))[0]
        connection: Any = Socket(*info[:3])
        connection.setblocking(False)
        try:
            connection.connect(info[-1])
        except OSError as error:
            if error.args[0] != EINPROGRESS:
                raise
        if ssl:
            yield loop.io_queue.queue_write(connection)
            name = server_hostname or host
            connection = _with_tls(connection, ssl, {"server_hostname": name})
            connection.setblocking(False)
        stream = stream_type(connection)
        yield loop.io_queue.queue_write(connection)
        return stream, stream

    def start_server(cb: Any, host: Any, port: Any, backlog: int = 5, ssl: Any = None) -> Any:
        info = getaddrinfo(host, port)[0]
        listener = Socket()
        listener.setblocking(False)
        listener.setsockopt(int(host_socket.SOL_SOCKET), int(host_socket.SO_REUSEADDR), 1)
        listener.bind(info[-1])
        listener.listen(backlog)
        server: Any = server_type()
        server.task = loop.create_task(server._serve(listener, cb, ssl))
        try:
            # Let the task start, so that it holds the socket from here on.
            yield from loop.sleep_ms(0)
        except CancelledError:
            server.task.cancel()
            raise
        return server

    return {
        "Server": server_type,
        "Stream": stream_type,
        "StreamReader": stream_type,
        "StreamWriter": stream_type,
        "open_connection": unbound(open_connection),
        "start_server": unbound(start_server),
    }
