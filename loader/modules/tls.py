"""Guest module `tls`: TLS over any stream, by the host's library.

Source: documentation of MicroPython's `tls`; error numbers are Mbed TLS's.
"""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loader.modules.native import REQUIRED, buffer_of, check_count, get_int, get_str, os_error
from loader.modules.native import parse_args as bind_args
from loader.modules.streams import (
    CLOSE,
    EINVAL,
    FLUSH,
    POLL,
    POLL_RD,
    Stream,
    is_stream,
    stream_ioctl,
    stream_read,
    stream_type,
    stream_write,
)

if TYPE_CHECKING:
    from loader.vm import VM

PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER, PROTOCOL_DTLS_CLIENT, PROTOCOL_DTLS_SERVER = range(4)
CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = range(3)
_EOF = (-29312, "MBEDTLS_ERR_SSL_CONN_EOF")
_BAD_CONFIG = (-24192, "MBEDTLS_ERR_SSL_BAD_CONFIG")
_ALERT = (-30592, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE")
_VERIFY = (-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED")
_BLOCK = 4096

_WRAP = (
    ("sock", REQUIRED),
    ("server_side", False),
    ("do_handshake_on_connect", True),
    ("server_hostname", None),
    ("client_id", None),
)


def _pem(data: Any, kind: str) -> str:
    """PEM text of a certificate or key that may be DER.

    Raises:
        ValueError: It is neither.
    """
    content = bytes(buffer_of(data))
    name = "cert" if kind == "CERTIFICATE" else "key"
    if content.startswith(b"-----BEGIN"):
        return content.rstrip(b"\0").decode("ascii")
    start = _sequence(content)
    if start is None:
        raise ValueError(f"invalid {name}")
    text = ssl.DER_cert_to_PEM_cert(content)
    if kind == "CERTIFICATE":
        return text
    # A bare elliptic curve key has version 1; a bare RSA key goes on with a number.
    if content[start : start + 3] == b"\x02\x01\x01":
        kind = "EC PRIVATE KEY"
    elif content[start + 3 : start + 4] == b"\x02":
        kind = "RSA PRIVATE KEY"
    return text.replace("CERTIFICATE", kind)


def _sequence(content: bytes) -> int | None:
    """Where the content of a DER sequence that is all of `content` starts."""
    if len(content) < 2 or content[0] != 0x30:
        return None
    if content[1] < 0x80:
        start, length = 2, content[1]
    else:
        start = 2 + (content[1] & 0x7F)
        length = int.from_bytes(content[2:start], "big")
    return start if start + length == len(content) else None


class SSLContext:
    """Settings for connections, and the certificates they use."""

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 1, 1)
        self._protocol = get_int(args[0])
        server = self._protocol in (PROTOCOL_TLS_SERVER, PROTOCOL_DTLS_SERVER)
        self._server = server
        self._host = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        self._host.check_hostname = False
        self._host.verify_mode = ssl.CERT_NONE
        self.verify_mode = CERT_NONE if server else CERT_REQUIRED
        self.verify_callback: Any = None

    def load_cert_chain(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        key = _pem(args[1], "PRIVATE KEY")
        certificate = _pem(args[0], "CERTIFICATE")
        with tempfile.TemporaryDirectory() as folder:
            names = [Path(folder) / "cert.pem", Path(folder) / "key.pem"]
            for name, text in zip(names, (certificate, key), strict=True):
                name.write_text(text, encoding="ascii")
            try:
                self._host.load_cert_chain(str(names[0]), str(names[1]))
            except ssl.SSLError:
                raise ValueError("invalid cert") from None

    def load_verify_locations(self, *args: Any, **named: Any) -> None:
        (data,) = bind_args(args, named, (("cadata", REQUIRED),), 1)
        try:
            self._host.load_verify_locations(cadata=_pem(data, "CERTIFICATE"))
        except ssl.SSLError:
            raise ValueError("invalid cert") from None

    def get_ciphers(self, *args: Any) -> list[str]:
        check_count(len(args) + 1, 1, 1)
        return [cipher["name"] for cipher in self._host.get_ciphers()]

    def set_ciphers(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        try:
            self._host.set_ciphers(":".join(get_str(name) for name in args[0]))
        except ssl.SSLError:
            raise OSError(*_BAD_CONFIG) from None

    def wrap_socket(self, *args: Any, **named: Any) -> SSLSocket:
        check_count(len(args) + 1, 2, -1)
        sock, server_side, handshake, hostname, _ = bind_args(args, named, _WRAP, 1)
        if not is_stream(sock):
            raise os_error("stream operation not supported")
        name = None if hostname is None else get_str(hostname)
        verified = self.verify_mode == CERT_REQUIRED
        if verified and not (server_side or self._server) and name is None:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        self._host.check_hostname = False
        self._host.verify_mode = ssl.VerifyMode(self.verify_mode)
        self._host.check_hostname = verified and not self._server
        return SSLSocket(self._host, sock, bool(server_side) or self._server, name, bool(handshake))

    def _guest_repr_(self) -> str:
        return "<SSLContext>"


@stream_type("read", "readinto", "readline", "write", "close")
class SSLSocket(Stream):
    """An encrypted stream over another stream."""

    def __init__(
        self, context: ssl.SSLContext, stream: Any, server: bool, name: str | None, handshake: bool
    ) -> None:
        self._stream: Any = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._unsent = b""
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server, server_hostname=name
        )
        self._established = False
        if handshake:
            self._handshake()

    def _flush(self) -> None:
        """Send what the library has produced."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            count = stream_write(self._stream, self._unsent)
            self._unsent = self._unsent[count:]

    @contextlib.contextmanager
    def _host_errors(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError:
            raise OSError(*_VERIFY) from None
        except ssl.SSLEOFError:
            raise OSError(*_EOF) from None
        except ssl.SSLError:
            with contextlib.suppress(OSError):
                self._flush()
            raise OSError(*_ALERT) from None

    def _run(self, operation: Any, *args: Any) -> Any:
        """Do something that may first need to receive."""
        if self._stream is None:
            raise os_error(EINVAL)
        while True:
            with self._host_errors():
                try:
                    result = operation(*args)
                except ssl.SSLWantReadError:
                    self._flush()
                    received = stream_read(self._stream, _BLOCK)
                    if received:
                        self._incoming.write(received)
                    else:
                        self._incoming.write_eof()
                        if not self._established:
                            raise OSError(*_EOF) from None
                    continue
                except ssl.SSLZeroReturnError:
                    return b""
            self._flush()
            return result

    def _handshake(self) -> None:
        if not self._established:
            self._run(self._tls.do_handshake)
            self._established = True

    def _read(self, size: int) -> bytes:
        self._handshake()
        try:
            data: bytes = self._run(self._tls.read, size)
        except OSError as error:
            if error.args == _EOF:
                return b""
            raise
        return data

    def _write(self, data: memoryview) -> int:
        self._handshake()
        count: int = self._run(self._tls.write, data)
        return count

    def _ioctl(self, request: int, arg: Any) -> Any:
        if request == CLOSE:
            stream, self._stream = self._stream, None
            if stream is not None:
                with contextlib.suppress(ssl.SSLError, OSError):
                    self._tls.unwrap()
                with contextlib.suppress(OSError):
                    stream_write(stream, self._outgoing.read())
                stream_ioctl(stream, CLOSE)
            return 0
        if request == POLL and self._established and self._tls.pending():
            return arg & POLL_RD
        if request == FLUSH:
            return 0
        if self._stream is None:
            raise os_error(EINVAL)
        return stream_ioctl(self._stream, request, arg)

    def setblocking(self, flag: Any) -> None:
        self._stream.setblocking(flag)

    def cipher(self) -> tuple[str, str]:
        found = self._tls.cipher()
        return (found[0], found[1]) if found else ("", "")

    def getpeercert(self, binary: bool = True) -> bytes | None:
        return self._tls.getpeercert(True)

    def recv(self, size: Any) -> bytes:
        return self._read(get_int(size))

    def recv_into(self, buf: Any) -> int:
        target = buffer_of(buf, writable=True)
        data = self._read(len(target))
        target[: len(data)] = data
        return len(data)

    def send(self, buf: Any) -> int:
        return self._write(buffer_of(buf))

    def sendall(self, buf: Any) -> None:
        data = buffer_of(buf)
        while data:
            data = data[self._write(data) :]

    def _guest_repr_(self) -> str:
        return "<SSLSocket>"


CONSTANTS = {
    "PROTOCOL_TLS_CLIENT": PROTOCOL_TLS_CLIENT,
    "PROTOCOL_TLS_SERVER": PROTOCOL_TLS_SERVER,
    "PROTOCOL_DTLS_CLIENT": PROTOCOL_DTLS_CLIENT,
    "PROTOCOL_DTLS_SERVER": PROTOCOL_DTLS_SERVER,
    "CERT_NONE": CERT_NONE,
    "CERT_OPTIONAL": CERT_OPTIONAL,
    "CERT_REQUIRED": CERT_REQUIRED,
    "MBEDTLS_VERSION": "Mbed TLS 3.6.6",
}


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"SSLContext": SSLContext, **CONSTANTS}
