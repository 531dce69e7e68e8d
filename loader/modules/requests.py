"""Guest module `requests`: HTTP/1.0 requests, as small as the one MicroPython carries.

Source: comparison with MicroPython 1.29.
"""

from __future__ import annotations

import base64
import socket as host_socket
from typing import TYPE_CHECKING, Any

from loader.modules import builtin_module, unbound
from loader.modules import json as guest_json
from loader.modules.native import utf8
from loader.modules.socket import Socket, getaddrinfo
from loader.modules.streams import METHODS
from loader.modules.tls import PROTOCOL_TLS_CLIENT, SSLContext

if TYPE_CHECKING:
    from loader.vm import VM

_REDIRECTS = (301, 302, 303, 307, 308)


class Response:
    """What came back; `content` reads the body when it is first asked for."""

    def __init__(self, f: Any) -> None:
        self.raw = f
        self.encoding = "utf-8"
        self._cached: bytes | None = None
        self.status_code = 0
        self.reason = b""
        self.headers: Any = None

    def close(self) -> None:
        if self.raw is not None:
            self.raw.close()
            self.raw = None
        self._cached = None

    @property
    def content(self) -> bytes:
        if self._cached is None:
            try:
                self._cached = METHODS["read"](self.raw)
            finally:
                self.raw.close()
                self.raw = None
        return self._cached

    @property
    def text(self) -> str:
        return str(self.content, self.encoding)

    def json(self) -> Any:
        return guest_json.loads(self.content)


def _split(url: str) -> tuple[str, str, int, str]:
    """Protocol, host, port and path of a URL."""
    parts = url.split("/", 3)
    if len(parts) == 3:
        parts.append("")
    protocol, _, location, path = parts
    if protocol not in ("http:", "https:"):
        raise ValueError("Unsupported protocol: " + protocol)
    port = 443 if protocol == "https:" else 80
    if ":" in location:
        location, text = location.split(":", 1)
        port = int(text)
    return protocol, location, port, path


class _Request:
    """One request with its redirections."""

    def __init__(self, vm: VM, auth: Any, timeout: Any, parse_headers: Any) -> None:
        self.vm = vm
        self.credentials = ""
        if auth is not None:
            self.credentials = base64.b64encode(utf8(f"{auth[0]}:{auth[1]}")).decode()
        self.timeout = timeout
        self.parse_headers = parse_headers
        self.is_json = False

    def send(self, method: str, url: str, data: Any, headers: dict[str, Any]) -> Response:
        protocol, location, port, path = _split(url)
        info = getaddrinfo(location, port, 0, int(host_socket.SOCK_STREAM))[0]
        connection: Any = Socket(*info[:3])
        if self.timeout is not None:
            connection.settimeout(self.timeout)
        try:
            connection.connect(info[-1])
            if protocol == "https:":
                context = SSLContext(PROTOCOL_TLS_CLIENT)
                context.verify_mode = 0
                connection = context.wrap_socket(connection, server_hostname=location)
            headers.setdefault("Host", location)
            if self.is_json:
                headers.setdefault("Content-Type", "application/json")
            lines = [f"{method} /{path} HTTP/1.0"]
            if "Connection" not in headers:
                lines.append("Connection: close")
            lines += [f"{name}: {headers[name]}" for name in self.vm.iterate(headers)]
            if self.credentials:
                lines.append(f"Authorization: Basic {self.credentials}")
            if data is not None and "Content-Length" not in headers:
                lines.append(f"Content-Length: {len(data)}")
            METHODS["write"](connection, utf8("\r\n".join(lines) + "\r\n\r\n"))
            if data is not None:
                METHODS["write"](connection, data)
            return self._answer(connection, method, url, data, headers)
        except BaseException:
            connection.close()
            raise

    def _answer(
        self, connection: Any, method: str, url: str, data: Any, sent: dict[str, Any]
    ) -> Response:
        read_line = METHODS["readline"]
        status = read_line(connection).split(None, 2)
        if len(status) < 2:
            raise ValueError(f"HTTP error: BadStatusLine:\n{status!r}")
        response = Response(connection)
        response.status_code = int(status[1])
        response.reason = status[2].rstrip() if len(status) > 2 else b""
        received: dict[str, Any] = {}
        redirect = None
        while True:
            line = read_line(connection)
            if not line or line == b"\r\n":
                break
            if line.startswith(b"Transfer-Encoding:") and b"chunked" in line:
                raise ValueError("Unsupported " + str(line, "utf-8"))
            if line.startswith(b"Location:") and not 200 <= response.status_code <= 299:
                if response.status_code not in _REDIRECTS:
                    raise NotImplementedError(f"Redirect {response.status_code} not yet supported")
                redirect = str(line[10:-2], "utf-8")
            if callable(self.parse_headers):
                self.parse_headers(line, received)
            elif self.parse_headers:
                name, value = str(line, "utf-8").split(":", 1)
                received[name] = value.strip()
        if redirect is not None:
            connection.close()
            if response.status_code in (307, 308):
                return self.send(method, redirect, data, sent)
            sent.pop("Host", None)
            kept = method if response.status_code != 303 else "GET"
            return self.send("GET" if kept == "POST" else kept, redirect, None, sent)
        response.headers = received if self.parse_headers is not False else None
        return response


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    dumps: Any = guest_json.namespace(vm)["dumps"]

    def request(
        method: str,
        url: str,
        data: Any = None,
        json: Any = None,
        headers: Any = None,
        stream: Any = None,
        auth: Any = None,
        timeout: Any = None,
        parse_headers: Any = True,
    ) -> Response:
        """Send a request and read the headers of the answer."""
        if stream is not None:
            raise NotImplementedError("stream is not supported")
        fields = dict(headers) if headers else {}
        sender = _Request(vm, auth, timeout, parse_headers)
        if json is not None:
            assert data is None
            data = dumps(json)
            sender.is_json = True
        return sender.send(method, url, data, fields)

    def method(name: str) -> Any:
        def send(url: str, **named: Any) -> Response:
            return request(name, url, **named)

        return unbound(send)

    return {
        "Response": Response,
        "request": request,
        "socket": builtin_module(vm, "socket", extensible=True),
        "__version__": "0.10.2",
        **{name: method(name.upper()) for name in "delete get head patch post put".split()},
    }
