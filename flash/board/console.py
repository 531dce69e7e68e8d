"""The byte stream a virtual board prints, made to look like its firmware's."""

from __future__ import annotations

import re

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
SOFT_REBOOT = b"MPY: soft reboot\r\n"
PROMPT = b">>> "

_FRIENDLY = b'Type "help()" for more information.'
_HOST_MACHINE = re.compile(rb"linux \[[^\]\r\n]*\] version(?=\r?\n|$)")
_KEEP = 80
_LOG = 65536


class Console:
    """Turns the engine's output into the board's, and notes which REPL it is in.

    Attributes:
        raw: Whether the raw REPL was the last to greet.
        log: The last things printed, whether or not anyone was listening.
    """

    def __init__(self, machine: str) -> None:
        self._machine = machine.encode()
        self._tail = b""
        self.raw = False
        self.log = b""

    def cooked(self, data: bytes) -> bytes:
        """Text as it leaves the board: a lone LF becomes CR LF, the banner names the board."""
        # The engine prints explicit CR LF in the REPL and a lone LF from print().
        previous = self._tail[-1:]
        text = re.sub(rb"(?<!\r)\n", b"\r\n", data)
        if previous == b"\r" and data.startswith(b"\n"):
            text = text[1:]
        text = _HOST_MACHINE.sub(lambda _: self._machine, text)
        self._note(text)
        return text

    def _note(self, text: bytes) -> None:
        self.log = (self.log + text)[-_LOG:]
        seen = self._tail + text
        raw, friendly = seen.rfind(RAW_BANNER), seen.rfind(_FRIENDLY)
        if raw != friendly:
            self.raw = raw > friendly
        self._tail = seen[-_KEEP:]

    @property
    def text(self) -> str:
        """The last things printed, as text."""
        return self.log.decode(errors="replace")

    @property
    def at_prompt(self) -> bool:
        """Whether the friendly prompt is the last thing printed."""
        return self._tail.endswith(PROMPT)

    @property
    def greeted(self) -> bool:
        """Whether a REPL has just begun to wait for its first input."""
        return self.at_prompt or self._tail.endswith(RAW_BANNER)
