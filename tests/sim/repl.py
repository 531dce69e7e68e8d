"""A small raw-REPL client for tests: no retries, no cleverness, every byte visible."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from textwrap import dedent
from types import TracebackType
from typing import Self


class Repl:
    """One open serial port.

    Attributes:
        seen: Every byte read so far.
    """

    def __init__(self, port: str) -> None:
        self._handle = os.open(port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._handle, termios.TCSANOW)
        self.seen = bytearray()
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)

    def send(self, data: bytes) -> None:
        """Write everything."""
        while data:
            data = data[os.write(self._handle, data) :]

    def expect(self, text: bytes, timeout: float = 10.0) -> bytes:
        """Read up to and including `text`; returns what came, `text` included."""
        limit = time.monotonic() + timeout
        start = self._taken
        while (end := self.seen.find(text, start)) < 0:
            start = max(self._taken, len(self.seen) - len(text))
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self._handle], [], [], left)[0]:
                raise TimeoutError(f"no {text!r} in {bytes(self.seen[self._taken :])!r}")
            self._read()
        end += len(text)
        start, self._taken = self._taken, end
        return bytes(self.seen[start:end])

    def _read(self) -> None:
        data = os.read(self._handle, 65536)
        if not data:
            raise ConnectionError("the port has vanished")
        self.seen += data

    def quiet(self, seconds: float = 0.1) -> bytes:
        """What comes until nothing has come for a while."""
        while select.select([self._handle], [], [], seconds)[0]:
            self._read()
        start, self._taken = self._taken, len(self.seen)
        return bytes(self.seen[start:])

    def enter_raw(self) -> None:
        """From whatever state: interrupt, then the raw REPL."""
        self.send(b"\r\x03\x03")
        self.quiet(0.03)
        self.send(b"\x01")
        self.expect(b"raw REPL; CTRL-B to exit\r\n>")

    def submit(self, code: str) -> None:
        """Send code, which may be indented as a whole, to the raw REPL; do not wait."""
        self.send(dedent(code).strip("\n").encode() + b"\x04")

    def run(self, code: str, timeout: float = 10.0) -> str:
        """Run code in the raw REPL; returns what it printed.

        Raises:
            AssertionError: It raised; the text is the traceback.
        """
        self.submit(code)
        self.expect(b"OK", timeout)
        printed = self.expect(b"\x04", timeout)[:-1]
        error = self.expect(b"\x04>", timeout)[:-2]
        assert not error, error.decode()
        return printed.decode()
