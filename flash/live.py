"""A device that gets one image after the other, and whose output is passed on in between."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum, auto

from flash import mount
from flash.execute import Options, Result, Source, Tell, flash, quiet
from flash.link import Link
from flash.serial_repl import CTRL_B, CTRL_C, CTRL_D, Repl
from romfs.errors import TransportError

_REBOOT = b"soft reboot\r\n"
_BACK = 20.0  # seconds a device may take to come back after its link was lost


class _Phase(Enum):
    """Where in what the device sends we are."""

    IDLE = auto()
    """Nothing was started; everything it sends is shown."""
    REBOOTING = auto()
    """The prompt and the reset that start the application are not its output."""
    PRINTING = auto()
    """A program that was started prints."""
    FAILING = auto()
    """It has ended; a traceback may follow."""
    ENDED = auto()
    """Nothing more comes from it."""


class Live:
    """One device, from the first image to the last.

    Args:
        link: Its wire, kept open.
        options: How to flash.
        entry: "module" or "module:function" to run after each update; None: the application,
            by boot.py and main.py, as after a reset.
        tell: Takes the events of flashing.
    """

    def __init__(
        self, link: Link, options: Options, entry: str | None = None, tell: Tell = quiet
    ) -> None:
        self.link = link
        self.options = options
        self.entry = entry
        self.tell = tell
        self._phase = _Phase.IDLE
        self._held = b""

    def update(self, source: Source) -> Result:
        """Stop what runs, bring the image into the partition, start it.

        Raises:
            RomfsError: As `flash.execute.flash` does. The device is left running.
        """
        self._phase, self._held = _Phase.IDLE, b""
        try:
            result = flash(self.link, source, self.options, self.tell)
        except TransportError:
            raise
        except BaseException:
            # What stopped the update says more than a link that is gone as well.
            with suppress(TransportError):
                mount.run_application(Repl(self.link))
            raise
        self._start()
        return result

    def _start(self) -> None:
        if self.entry is None:
            self._phase = _Phase.REBOOTING
            if not self.options.reset:
                mount.run_application(Repl(self.link))
            return
        repl = Repl(self.link)
        repl.enter()
        repl.soft_reset()
        repl.start(program(self.entry))
        self._held = repl.take_pending()
        self._phase = _Phase.PRINTING

    def output(self, timeout: float) -> tuple[bytes, bool]:
        """What was printed since, and whether the program that was started has just ended.

        Waits up to `timeout` seconds for the first byte. Lines end as on the host.

        Raises:
            TransportError: The link is lost.
        """
        data = self._held + self.link.read(0 if self._held else timeout)
        self._held = b""
        ended = False
        if self._phase is _Phase.REBOOTING:
            _, mark, rest = data.partition(_REBOOT)
            if not mark:
                self._held = data[-len(_REBOOT) :]
                if len(data) == len(self._held):
                    data = self.link.read(timeout)
                    self._held += data
                return b"", False
            self._phase, data = _Phase.IDLE, rest
        if self._phase in (_Phase.PRINTING, _Phase.FAILING):
            data, ended = self._split(data)
        elif self._phase is _Phase.ENDED:
            data = b""
        if data.endswith(b"\r"):
            data, self._held = data[:-1], b"\r"
        return data.replace(b"\r\n", b"\n"), ended

    def _split(self, data: bytes) -> tuple[bytes, bool]:
        """Output of a program in the raw REPL: text, end, errors, end.

        Source: MicroPython docs/reference/repl.rst, "Raw mode".
        """
        shown = b""
        while data and self._phase is not _Phase.ENDED:
            part, mark, data = data.partition(CTRL_D)
            shown += part
            if mark:
                printing = self._phase is _Phase.PRINTING
                self._phase = _Phase.FAILING if printing else _Phase.ENDED
        return shown, self._phase is _Phase.ENDED

    def recover(self) -> None:
        """Wait for a device whose link was lost.

        Raises:
            TransportError: It did not come back.
        """
        self.link.reopen(_BACK)
        self._phase, self._held = _Phase.IDLE, b""

    def leave(self) -> None:
        """Let go: the application goes on, a program that was started is stopped."""
        if self._phase in (_Phase.PRINTING, _Phase.FAILING, _Phase.ENDED):
            self.link.write(CTRL_C + CTRL_B)


def program(entry: str) -> str:
    """What to type at a prompt to run "module" or "module:function"."""
    module, _, function = entry.partition(":")
    code = f"import {module}\n"
    return f"{code}{module}.{function}()\n" if function else code
