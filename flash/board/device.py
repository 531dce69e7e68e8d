"""The processor of a virtual board: a MicroPython process, its pipes and its signals."""

from __future__ import annotations

import array
import fcntl
import importlib.util
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

from flash.board.protocol import STAGE
from romfs.errors import FlashError, MissingExtra

_HERE = Path(__file__).parent
_PIPE = 4096


@dataclass(frozen=True, slots=True)
class Memory:
    """A file the processor sees as memory; reading beyond `readable` bytes is a fault."""

    path: Path
    size: int
    readable: int


@dataclass(frozen=True, slots=True)
class Firmware:
    """What the stand-in modules are told; see firmware/_board.py.

    Attributes:
        memories: One for each segment.
        guest: Settings of the stand-in modules.
        heap: Bytes of the garbage-collected heap.
    """

    memories: tuple[Memory, ...]
    guest: dict[str, object] = field(default_factory=dict)
    heap: int = 1 << 20


def engine_directory() -> Path:
    """Where the engine's extension module is.

    Raises:
        MissingExtra: It is not installed.
        FlashError: This is not Linux, whose /proc tells when Ctrl-C may interrupt the engine.
    """
    if sys.platform != "linux":
        raise FlashError("the virtual board runs on Linux only")
    spec = importlib.util.find_spec("micropython_run")
    if spec is None or spec.origin is None:
        raise MissingExtra("the virtual board", extra="engine")
    return Path(spec.origin).parent


class Device:
    """One processor; it can be started again after it exited or was killed.

    Attributes:
        stdout: Reading end of its output, while it runs.
        link: Socket of its stand-in modules, while it runs.
        stage: Memory for the payloads of their requests.
    """

    def __init__(self, firmware: Firmware, directory: Path) -> None:
        self._firmware = firmware
        self._directory = directory
        self._engine = engine_directory()
        self._process: subprocess.Popen[bytes] | None = None
        self.stdout = -1
        self.link: socket.socket | None = None
        self._stdin_read, self._stdin = os.pipe()
        self._stage_path = directory / "stage"
        with self._stage_path.open("w+b") as file:
            file.truncate(STAGE)
            self.stage = mmap.mmap(file.fileno(), STAGE)

    @property
    def running(self) -> bool:
        """Whether there is a process whose end was not noticed yet."""
        return self._process is not None

    def start(self, *, raw: bool, reset_cause: int) -> None:
        """Power on or reset: boots, with the raw REPL instead of main.py if `raw`."""
        ours, theirs = socket.socketpair()
        reader, writer = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # A short pipe makes the guest wait for a slow line, as a UART does.
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIPE)
        # What arrived before is still in the receive buffer; the REPL mode comes first.
        waiting = self.drain()
        os.write(self._stdin, (b"\x01" if raw else b"") + waiting)
        guest = {
            **self._firmware.guest,
            "link": theirs.fileno(),
            "raw": raw,
            "reset_cause": int(reset_cause),
        }
        config = {
            "parent": os.getpid(),
            "engine": str(self._engine),
            "firmware": str(_HERE / "firmware"),
            "directory": str(self._directory),
            "memories": [(str(m.path), m.size, m.readable) for m in self._firmware.memories],
            "stage": (str(self._stage_path), STAGE),
            "guest": repr(guest),
            "heap": self._firmware.heap,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_HERE / "launch.py"), json.dumps(config)],
                stdin=self._stdin_read,  # kept open here too: unread bytes survive a reset
                stdout=writer,
                stderr=writer,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", "")},
            )
        finally:
            os.close(writer)
            theirs.close()
        os.set_blocking(reader, False)
        self.stdout, self.link = reader, ours

    def kill(self) -> None:
        """Stop at once, wherever it is. Nothing it had not yet done happens."""
        if self._process is not None:
            self._process.kill()
        self.reap()

    def reap(self) -> int | None:
        """Wait for the end and forget the process; returns its exit code."""
        if self._process is None:
            return None
        code = self._process.wait()
        self._process = None
        if self.link is not None:
            self.link.close()
            self.link = None
        os.close(self.stdout)
        self.stdout = -1
        return code

    def close(self) -> None:
        """Kill, and give everything back."""
        self.kill()
        for handle in (self._stdin, self._stdin_read):
            os.close(handle)
        self.stage.close()

    def feed(self, data: bytes) -> None:
        """Bytes reach the receive buffer."""
        os.write(self._stdin, data)

    def unread(self) -> int:
        """Bytes in the receive buffer."""
        count = array.array("i", [0])
        fcntl.ioctl(self._stdin_read, termios.FIONREAD, count)
        return count[0]

    def drain(self) -> bytes:
        """Take everything out of the receive buffer, while nobody else reads it."""
        count = self.unread()
        return os.read(self._stdin_read, count) if count else b""

    def interrupt(self) -> bool:
        """Ctrl-C. False: no code runs that it would interrupt, so it is a byte to read.

        The engine catches SIGINT exactly while its interrupt character is set: as it
        runs code, and `micropython.kbd_intr(-1)` was not called. At other times the signal
        would kill it, so it is stopped for the look.
        """
        if self._process is None:
            return False
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            if not self._stopped(pid):
                return False
            status = Path(f"/proc/{pid}/status").read_text()
            caught = int(status.partition("SigCgt:")[2].split(None, 1)[0], 16)
            if not caught >> (signal.SIGINT - 1) & 1:
                return False
            os.kill(pid, signal.SIGINT)
            return True
        finally:
            os.kill(pid, signal.SIGCONT)

    def _stopped(self, pid: int) -> bool:
        """Wait until it stands still; False if it has ended instead."""
        while True:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state in "Tt":
                return True
            if state in "ZX":
                return False
            time.sleep(0.0002)
