"""A package index and code host on the loopback, with a network's misbehaviour."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class MipIndex:
    """What the server serves, and what it was asked.

    Attributes:
        files: URL path -> content.
        asked: URL paths, in order.
        faults: URL path -> "500", "cut" (half the content), or a URL to redirect to.
        url: Of the server; the index is at `index`.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def index(self) -> str:
        """URL of the index."""
        return f"{self.url}/pi/v2"

    def publish(
        self,
        name: str,
        version: str,
        modules: Mapping[str, bytes],
        *,
        deps: Sequence[tuple[str, str]] = (),
        mpy: str = "6",
    ) -> None:
        """Add a package as micropython-lib's build tool lays it out, and make it the latest."""
        hashes = []
        for path, data in modules.items():
            short = hashlib.sha256(data).hexdigest()[:8]
            self.files[f"/pi/v2/file/{short[:2]}/{short}"] = data
            hashes.append([path, short])
        document = {"v": 1, "hashes": hashes, "version": version}
        if deps:
            document["deps"] = [list(dep) for dep in deps]
        for label in (version, "latest"):
            where = f"/pi/v2/package/{mpy}/{name}/{label}.json"
            self.files[where] = json.dumps(document, separators=(",", ":")).encode()

    def put(self, path: str, content: object) -> str:
        """Serve bytes, or anything else as JSON; returns its URL."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.files[path] = data
        return self.url + path


@contextmanager
def mip_index() -> Iterator[MipIndex]:
    """A running server."""
    state = MipIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            fault = state.faults.get(self.path)
            data = state.files.get(self.path)
            if fault is not None and fault.startswith(("http", "file")):
                self.send_response(302)
                self.send_header("Location", fault)
                self.end_headers()
            elif fault == "500" or data is None:
                self.send_error(500 if fault else 404)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
