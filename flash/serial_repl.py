"""The raw REPL over any `Link`: get in whatever the device is doing, run code, get out.

Source: MicroPython shared/runtime/pyexec.c (raw REPL, raw-paste mode) and
docs/reference/repl.rst.
"""

from __future__ import annotations

import time

from flash.link import Link
from romfs.errors import FlashError, TransportError

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_LONGEST_FRAME = 4112
"""Bytes for which a transfer agent that lost its host may still be waiting."""


class DeviceError(FlashError):
    """Code run on the device raised an exception.

    Attributes:
        output: What it printed before.
    """

    def __init__(self, message: str, *, output: bytes = b"") -> None:
        super().__init__(message)
        self.output = output


class Repl:
    """The raw REPL of the device at the other end of a link.

    Attributes:
        link: The wire.
        paste_window: Bytes the device takes at once in raw-paste mode; 0: not offered,
            None: not known yet.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.paste_window: int | None = None
        self._pending = b""

    # Bytes.

    def _fill(self, deadline: float, what: str) -> None:
        data = self.link.read(max(0.0, deadline - time.monotonic()))
        if not data and time.monotonic() >= deadline:
            seen = self._pending[-80:]
            raise TransportError(f"{self.link.name}: waited for {what}, got {seen!r}")
        self._pending += data

    def _take_until(self, mark: bytes, timeout: float, what: str) -> bytes:
        """Everything up to `mark`, which is dropped."""
        deadline = time.monotonic() + timeout
        while mark not in self._pending:
            self._fill(deadline, what)
        head, _, self._pending = self._pending.partition(mark)
        return head

    def _take(self, count: int, timeout: float, what: str) -> bytes:
        deadline = time.monotonic() + timeout
        while len(self._pending) < count:
            self._fill(deadline, what)
        head, self._pending = self._pending[:count], self._pending[count:]
        return head

    def quieten(self, quiet: float = 0.05, limit: float = 2.0) -> bytes:
        """Drop what arrives until nothing does for `quiet` seconds; returns it."""
        stop = time.monotonic() + limit
        noise = self._pending
        self._pending = b""
        while time.monotonic() < stop:
            data = self.link.read(quiet)
            if not data:
                break
            noise += data
        return noise

    # In and out.

    def enter(self, patience: float = 10.0) -> None:
        """Get to an empty raw REPL prompt from anything a device may be doing.

        A running program is interrupted, a half line and paste mode are given up, an
        agent left alone by a host that died is released. The device is not reset.

        Raises:
            TransportError: It did not answer as MicroPython does.
        """
        deadline = time.monotonic() + patience
        noise = b""
        attempt = 0
        while True:
            # Ctrl-C only: a carriage return would run a half line left by someone else.
            if attempt == 0:
                # An idle device answers this at once; any other gets time below.
                self.link.write(CTRL_C + CTRL_A)
            else:
                self.link.write(CTRL_C * (_LONGEST_FRAME if attempt in (2, 5, 9) else 4))
                noise = (noise + self.quieten(0.1))[-200:]
                self.link.write(CTRL_A)
            try:
                self._take_until(_BANNER, 0.3 + 0.2 * min(attempt, 5), "the raw REPL")
                self._handshake()
                return
            except (TransportError, DeviceError):
                noise = (noise + self._pending)[-200:]
                if time.monotonic() >= deadline:
                    raise TransportError(_no_answer(self.link.name, patience, noise)) from None
            attempt += 1

    def _handshake(self) -> None:
        """Run a trifle: a prompt in old output is not a prompt."""
        self.quieten(0.005, 0.2)
        token = f"{time.monotonic_ns() & 0xFFFFFF:06x}"
        self.link.write(f"print('{token}')".encode() + CTRL_D)
        self._take_until(b"OK" + token.encode() + b"\r\n\x04\x04>", 1.0, "an answer")

    def leave(self) -> None:
        """Back to the prompt for people."""
        self.link.write(b"\r" + CTRL_B)

    def soft_reset(self, patience: float = 15.0) -> None:
        """Reset the interpreter; boot.py runs, main.py does not. Ends in the raw REPL.

        Raises:
            TransportError: The device did not come back.
        """
        self._pending = b""
        try:
            self.link.write(CTRL_D)
            self._take_until(_BANNER, patience / 3, "the raw REPL after a soft reset")
            self.quieten(0.005, 0.2)
        except TransportError:
            # A boot.py that never ends, or USB that went away with the reset.
            self.recover(patience)

    def recover(self, patience: float = 15.0) -> None:
        """Enter again after trouble, on a new connection if the old one is gone."""
        self._pending = b""
        try:
            self.link.read(0)
            self.enter(patience)
        except TransportError:
            self.link.reopen(patience)
            self.enter(patience)

    # Running code.

    def run(self, code: str | bytes, timeout: float = 10.0) -> bytes:
        """Run code to its end; returns what it printed.

        Raises:
            DeviceError: It raised an exception.
            TransportError: The link failed, or `timeout` seconds passed without output.
        """
        self.start(code)
        return self.follow(timeout)

    def start(self, code: str | bytes) -> None:
        """Send code and let it start; in raw-paste mode where that is offered."""
        data = code.encode() if isinstance(code, str) else code
        if self.paste_window != 0 and self._offer_paste():
            self._paste(data)
        else:
            self._type(data)

    def _offer_paste(self) -> bool:
        self.link.write(CTRL_E + b"A" + CTRL_A)
        answer = self._take(2, 2.0, "an answer to the raw-paste offer")
        if answer == b"R\x01":
            self.paste_window = int.from_bytes(self._take(2, 1.0, "a window size"), "little")
            return True
        self.paste_window = 0
        if answer != b"R\x00":
            # Firmware that knows no raw-paste took Ctrl-A for a new prompt.
            self._take_until(b">", 1.0, "a prompt")
        return False

    def _paste(self, data: bytes) -> None:
        assert self.paste_window
        room, at = self.paste_window, 0
        while at < len(data):
            while not room or self._pending:
                byte = self._take(1, 2.0, "room for more code")
                if byte == CTRL_A:
                    room += self.paste_window
                elif byte == CTRL_D:
                    self.link.write(CTRL_D)
                    self.follow(5.0)
                    raise TransportError(f"{self.link.name}: the device broke off the upload")
                else:
                    raise TransportError(f"{self.link.name}: {byte!r} in the middle of an upload")
            piece = data[at : at + room]
            self.link.write(piece)
            at += len(piece)
            room -= len(piece)
            self._pending += self.link.read(0)
        self.link.write(CTRL_D)
        self._take_until(CTRL_D, 2.0, "the end of the upload")

    def _type(self, data: bytes) -> None:
        # No flow control here: a device with a small buffer must get time to take it.
        for at in range(0, len(data), 128):
            self.link.write(data[at : at + 128])
            time.sleep(0.01)
        self.link.write(CTRL_D)
        answer = self._take(2, 5.0, "OK")
        if answer != b"OK":
            raise TransportError(f"{self.link.name}: {answer!r} instead of OK")

    def follow(self, timeout: float = 10.0) -> bytes:
        """Output of the code that was started, up to its end.

        Raises:
            DeviceError: It raised an exception.
        """
        output = self._take_until(CTRL_D, timeout, "the end of its output")
        trace = self._take_until(CTRL_D + b">", timeout, "the end of its errors")
        if trace:
            last = trace.decode("utf-8", "replace").strip().splitlines()[-1]
            raise DeviceError(f"on the device: {last}", output=output)
        return output

    def line(self, timeout: float) -> bytes:
        """The next line of a program that goes on running.

        Raises:
            DeviceError: It ended instead.
        """
        deadline = time.monotonic() + timeout
        while b"\n" not in self._pending and CTRL_D not in self._pending:
            self._fill(deadline, "a line")
        if CTRL_D in self._pending.partition(b"\n")[0]:
            self.follow(1.0)
            raise DeviceError("the program on the device ended early")
        head, _, self._pending = self._pending.partition(b"\n")
        return head.rstrip(b"\r")

    def take_pending(self) -> bytes:
        """What was read from the link but belongs to nobody yet; the caller's from now on."""
        data, self._pending = self._pending, b""
        return data


def _no_answer(name: str, patience: float, noise: bytes) -> str:
    if not noise.strip(b"\r\n\x00 "):
        return (
            f"{name}: no answer in {patience:g} s; is MicroPython running there, "
            "and is the baud rate right?"
        )
    return (
        f"{name}: no raw REPL in {patience:g} s, the last it sent was {noise[-60:]!r}; if a "
        "program holds the board, press its reset button while this command waits"
    )
