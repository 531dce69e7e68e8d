"""Guest module `socket`: sockets of the host with the interface of the unix build.

Addresses are the packed ones `getaddrinfo` gives, as there; tuples, which boards take,
are accepted as well.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from typing import TYPE_CHECKING, Any

from loader.modules._posix_fs import open_file
from loader.modules.native import (
    buffer_of,
    check_count,
    get_float,
    get_int,
    get_str,
    os_error,
    utf8,
)
from loader.modules.streams import CLOSE, GET_FILENO, POLL, Stream, stream_type

if TYPE_CHECKING:
    from loader.vm import VM

_CONSTANTS = (
    "AF_INET AF_INET6 AF_UNIX SOCK_STREAM SOCK_DGRAM SOCK_RAW SOL_SOCKET SO_REUSEADDR"
    " SO_BROADCAST SO_ERROR SO_KEEPALIVE SO_LINGER MSG_DONTROUTE MSG_DONTWAIT MSG_PEEK"
).split()
_NUMBERS = {"IP_ADD_MEMBERSHIP": 35, "IP_DROP_MEMBERSHIP": 36}
EAGAIN, EBADF, EINVAL, EINPROGRESS, ETIMEDOUT = 11, 9, 22, 115, 110
_NAME_ERRORS = {socket.EAI_NONAME: -2, socket.EAI_AGAIN: -3}


def pack_address(family: int, address: Any) -> bytearray:
    """A host address as the C structure, which is what guests handle."""
    if family == socket.AF_INET:
        port = address[1].to_bytes(2, "big")
        return bytearray(struct.pack("<H2s4s8x", family, port, socket.inet_aton(address[0])))
    if family == socket.AF_INET6:
        packed = socket.inet_pton(family, address[0].split("%")[0])
        port = address[1].to_bytes(2, "big")
        return bytearray(struct.pack("<H2sI16sI", family, port, address[2], packed, address[3]))
    path = address if isinstance(address, bytes) else utf8(address)
    return bytearray(struct.pack("<H", family) + path + b"\0")


def unpack_address(data: Any) -> Any:
    """The host's form of a guest address: packed, or a tuple of host and port."""
    if isinstance(data, tuple):
        return (get_str(data[0]), *data[1:])
    packed = bytes(buffer_of(data))
    (family,) = struct.unpack_from("<H", packed)
    if family == socket.AF_INET:
        return (socket.inet_ntoa(packed[4:8]), int.from_bytes(packed[2:4], "big"))
    if family == socket.AF_INET6:
        flow, address, scope = struct.unpack_from("<I16sI", packed, 4)
        port = int.from_bytes(packed[2:4], "big")
        return (socket.inet_ntop(family, address), port, flow, scope)
    return packed[2:].split(b"\0")[0]


@contextlib.contextmanager
def _host_errors() -> Any:
    try:
        yield
    except TimeoutError:
        raise os_error(ETIMEDOUT) from None
    except OSError as error:
        raise os_error(error.errno or EINVAL) from None


@stream_type("read", "readinto", "readline", "write", "close", "__enter__", "__exit__", "__iter__")
class Socket(Stream):
    """A socket; as a stream it is read and written in binary."""

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 0, 3)
        family, kind, protocol = (*map(get_int, args), *(2, 1, 0)[len(args) :])
        with _host_errors():
            self._socket = socket.socket(family, kind, protocol)

    @classmethod
    def _of(cls, host: socket.socket) -> Socket:
        made = cls.__new__(cls)
        made._socket = host
        return made

    def _read(self, size: int) -> bytes:
        with _host_errors():
            return self._socket.recv(size)

    def _write(self, data: memoryview) -> int:
        with _host_errors():
            return self._socket.send(data)

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == CLOSE:
            self._socket.close()
            return 0
        if request == GET_FILENO:
            return self._socket.fileno()
        if request == POLL:
            poll = select.poll()
            poll.register(self._socket, arg)
            return next((events for _, events in poll.poll(0)), 0)
        raise os_error(EINVAL)

    def fileno(self, *args: Any) -> int:
        check_count(len(args) + 1, 1, 1)
        return self._socket.fileno()

    def connect(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        with _host_errors():
            self._socket.connect(unpack_address(args[0]))

    def bind(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        with _host_errors():
            self._socket.bind(unpack_address(args[0]))

    def listen(self, *args: Any) -> None:
        check_count(len(args) + 1, 1, 2)
        with _host_errors():
            self._socket.listen(get_int(args[0]) if args else 2)

    def accept(self, *args: Any) -> tuple[Socket, bytearray]:
        check_count(len(args) + 1, 1, 1)
        with _host_errors():
            peer, address = self._socket.accept()
        peer.setblocking(True)
        return Socket._of(peer), pack_address(self._socket.family, address)

    def recv(self, *args: Any) -> bytes:
        check_count(len(args) + 1, 2, 3)
        flags = get_int(args[1]) if len(args) == 2 else 0
        with _host_errors():
            return self._socket.recv(get_int(args[0]), flags)

    def recvfrom(self, *args: Any) -> tuple[bytes, bytearray]:
        check_count(len(args) + 1, 2, 3)
        with _host_errors():
            data, address = self._socket.recvfrom(get_int(args[0]))
        return data, pack_address(self._socket.family, address) if address else bytearray()

    def send(self, *args: Any) -> int:
        check_count(len(args) + 1, 2, 3)
        flags = get_int(args[1]) if len(args) == 2 else 0
        with _host_errors():
            return self._socket.send(buffer_of(args[0]), flags)

    def sendall(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 3)
        with _host_errors():
            self._socket.sendall(buffer_of(args[0]))

    def sendto(self, *args: Any) -> int:
        check_count(len(args) + 1, 3, 4)
        with _host_errors():
            return self._socket.sendto(buffer_of(args[0]), unpack_address(args[-1]))

    def setsockopt(self, *args: Any) -> None:
        check_count(len(args) + 1, 4, 4)
        value = args[2] if isinstance(args[2], int) else bytes(buffer_of(args[2]))
        with _host_errors():
            self._socket.setsockopt(get_int(args[0]), get_int(args[1]), value)

    def setblocking(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        self._socket.setblocking(bool(args[0]))

    def settimeout(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        self._socket.settimeout(None if args[0] is None else get_float(args[0]))

    def makefile(self, *args: Any) -> Any:
        check_count(len(args) + 1, 1, 3)
        with _host_errors():
            return open_file(os.dup(self._socket.fileno()), args[0] if args else "r")

    def _guest_repr_(self) -> str:
        return f"<_socket {self._socket.fileno()}>"


Socket.__name__ = Socket.__qualname__ = "socket"


def getaddrinfo(*args: Any) -> list[tuple[Any, ...]]:
    check_count(len(args), 2, 6)
    host = get_str(args[0])
    port = args[1] if isinstance(args[1], int) else get_str(args[1])
    family, kind, protocol, flags = (*map(get_int, args[2:]), *(0, 0, 0, 0)[len(args) - 2 :])
    try:
        found = socket.getaddrinfo(
            host or None, port, socket.AddressFamily(family), socket.SocketKind(kind)
            if kind else 0, protocol, flags or (0 if host else socket.AI_PASSIVE)
        )  # fmt: skip
    except socket.gaierror as error:
        raise os_error(_NAME_ERRORS.get(error.errno or 0, error.errno or -1)) from None
    return [
        (int(af), int(st), proto, name or None, pack_address(af, address))
        for af, st, proto, name, address in found
    ]


def inet_pton(*args: Any) -> bytes:
    check_count(len(args), 2, 2)
    try:
        return socket.inet_pton(get_int(args[0]), get_str(args[1]))
    except OSError:
        raise os_error(EINVAL) from None


def inet_ntop(*args: Any) -> str:
    check_count(len(args), 2, 2)
    return socket.inet_ntop(get_int(args[0]), bytes(buffer_of(args[1])))


def sockaddr(*args: Any) -> tuple[Any, ...]:
    """The parts of a packed address: family, address bytes, port and what else it has."""
    check_count(len(args), 1, 1)
    packed = bytes(buffer_of(args[0]))
    (family,) = struct.unpack_from("<H", packed)
    if family == socket.AF_INET:
        return (family, packed[4:8], int.from_bytes(packed[2:4], "big"))
    if family == socket.AF_INET6:
        flow, address, scope = struct.unpack_from("<I16sI", packed, 4)
        return (family, address, int.from_bytes(packed[2:4], "big"), flow, scope)
    return (family, packed[2:])


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    names: dict[str, object] = {name: int(getattr(socket, name)) for name in _CONSTANTS}
    return {
        **names,
        **_NUMBERS,
        "socket": Socket,
        "getaddrinfo": getaddrinfo,
        "inet_ntop": inet_ntop,
        "inet_pton": inet_pton,
        "sockaddr": sockaddr,
    }
