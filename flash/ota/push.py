"""A package over a serial line: the host's side of flash/device/ota/serial.py."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from flash.serial_repl import DeviceError, Repl
from romfs.errors import PackageError, RollbackRefused, TransportError

PATIENCE = 3.0  # seconds without a sign of life before an answer counts as lost
_ATTEMPTS = 5
_LONGEST = 4096
_START = "import romfs_ota.serial as s\ns.serve({})\n"


class Refused(PackageError):
    """The device does not take this package; it says why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    Attributes:
        installed: False: this very image was confirmed and running already.
        sent: Bytes of the package the device asked for.
        seconds: From start to end.
    """

    installed: bool
    sent: int
    seconds: float


def push(
    repl: Repl,
    package: bytes,
    progress: Callable[[int, int], None] | None = None,
    *,
    again: bool = False,
    patience: float = 60.0,
) -> Outcome:
    """Have a device install a package.

    Args:
        repl: Its raw REPL.
        progress: Told blocks in place and blocks in all.
        again: Install what is running already, too.
        patience: Seconds a device may think, as it does when it checks a signature.
    Raises:
        Refused: It does not take it; RollbackRefused if for its age.
        TransportError: The line failed; what has arrived is kept, so try again.
        DeviceError: It has no updater.
    """
    begun = time.monotonic()
    sent = 0
    repl.start(_START.format(again))
    last: tuple[int, int] | None = None
    waiting = time.monotonic() + patience
    repeats = 0
    while True:
        try:
            line = repl.line(PATIENCE)
        except TransportError:
            if time.monotonic() > waiting or repeats >= _ATTEMPTS:
                raise
            if last is not None:
                # Bytes were lost on the way: make the answer whole, so that it asks again.
                repl.link.write(bytes(last[1] + 4))
                repeats += 1
            continue
        kind, rest = line[:1], line[1:].decode("utf-8", "replace")
        if kind == b"?":
            last = _question(rest, len(package))
            if last is None:
                continue  # a damaged line; the device will repeat it
            data = package[last[0] : last[0] + last[1]]
            repl.link.write(data + hashlib.sha256(data).digest()[:4])
            sent += len(data)
            repeats = 0
            waiting = time.monotonic() + patience
        elif kind == b"#" and progress is not None:
            last = None
            done, _, total = rest.partition(":")
            if done.isdigit() and total.isdigit():
                progress(int(done), int(total))
        elif kind == b"=":
            repl.follow()
            return Outcome(rest == "1", sent, time.monotonic() - begun)
        elif kind == b"!":
            repl.follow()
            raise _failure(rest)


def _question(text: str, size: int) -> tuple[int, int] | None:
    offset, _, length = text.partition(":")
    if not (offset.isdigit() and length.isdigit()):
        return None
    where = int(offset), int(length)
    return where if where[1] <= _LONGEST and sum(where) <= size else None


def _failure(text: str) -> Exception:
    name, _, why = text.partition(": ")
    if name != "refused":
        return DeviceError(f"on the device: {text}")
    if why.startswith("sequence"):
        return RollbackRefused(f"the device refuses the package: {why}")
    return Refused(f"the device refuses the package: {why}")
