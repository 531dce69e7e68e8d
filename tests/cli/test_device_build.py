"""A directory given to `flash` is built as `build` builds it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flash.board.virtual import VirtualBoard
from romfs.image import Image
from romfs.sources.lock import Lock, LockedFile, LockedPackage
from tests.cli.run import romfs

PACKAGE = b"def f():\n    return 1\n"


class _Served(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PACKAGE)))
        self.end_headers()
        self.wfile.write(PACKAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Not into the test's output."""


@pytest.fixture
def url() -> Iterator[str]:
    """Where the package's file is served."""
    server = HTTPServer(("127.0.0.1", 0), _Served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/helper.py"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """A tree with its configuration in it, a package and its lock file."""
    monkeypatch.chdir(tmp_path)
    app = tmp_path / "app"
    app.mkdir()
    (app / "main.py").write_text("import helper\n")
    file = LockedFile("helper.py", url, hashlib.sha256(PACKAGE).hexdigest(), len(PACKAGE))
    lock = Lock(url, "py", (url,), (LockedPackage(url, "helper", "1", url, (), (file,)),))
    (app / "romfs.lock").write_text(lock.dumps())
    (app / "romfs.toml").write_text(f'packages = ["{url}"]\nversion = "7"\n')
    return app


def test_flash_builds_packages_in_and_leaves_configuration_out(project: Path) -> None:
    with VirtualBoard("RPI_PICO2", size=128 * 1024) as board:
        done = romfs("flash", project, "--port", board.port)
        assert done.code == 0, done.err
        image = Image(board.flash.read(0, 65536))
    assert {path for path, _ in image.files()} == {"main.mpy", "lib/helper.mpy"}


def test_a_source_that_does_not_compile_leaves_the_board_alone(project: Path) -> None:
    (project / "main.py").write_text("def f(:\n")
    with VirtualBoard("RPI_PICO2", size=128 * 1024) as board:
        done = romfs("flash", project, "--port", board.port)
        assert done.code == 1 and "main.py:1" in done.err
        assert board.supply.count == 0
