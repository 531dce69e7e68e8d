"""The DfuSe route through the `dfu-util` command, for hosts that have it and not pyusb.

The command erases the sectors that it writes, and tells whether it succeeded; so writing
is by whole sectors, and everything is read back.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

from flash.dfu_devices import Memory, parse_layout
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write
from flash.transport import Capability, Done
from romfs.errors import DoesNotFit, TransportError, VerifyError, WriteRefused

COMMAND = "dfu-util"
_LIMIT = 600.0
"""Seconds of one call; erasing 8 MiB of external flash takes about a minute."""

# Source: dfu-util 0.11, src/dfu_util.c, print_dfu_if().
_FOUND = re.compile(
    r"Found DFU: \[(?P<ids>[0-9a-f]{4}:[0-9a-f]{4})\].* intf=(?P<interface>\d+),.*"
    r' alt=(?P<alternate>\d+), name="(?P<name>[^"]*)", serial="(?P<serial>[^"]*)"'
)


def available(command: str = COMMAND) -> bool:
    """Whether the command is installed."""
    return shutil.which(command) is not None


def list_memories(command: str = COMMAND) -> list[Memory]:
    """Every memory of every device in DFU mode.

    Raises:
        TransportError: The command fails.
    """
    found = _FOUND.finditer(_run([command, "--list"], "listing devices"))
    memories = [
        Memory(
            device=None,
            interface=int(row["interface"]),
            alternate=int(row["alternate"]),
            name=row["name"],
            sectors=parse_layout(row["name"]),
            transfer_size=0,
            can_upload=True,
            ids=row["ids"],
            serial="" if row["serial"] == "UNKNOWN" else row["serial"],
        )
        for row in found
    ]
    # Some versions list a device once for each of its settings.
    return list(dict.fromkeys(memories))


def _run(words: list[str], what: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise TransportError(f"{words[0]}: {what} took more than {_LIMIT:.0f} s") from None
    except OSError as error:
        raise TransportError(f"{words[0]}: {error}") from error
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise TransportError(
            f"{words[0]}: {what} failed: {said[-1] if said else 'no reason given'}"
        )
    return done.stdout


class DfuUtilTransport:
    """A partition behind a device in DFU mode, written by the command.

    Args:
        memory: Where the partition is.
        address: Of the partition.
        size: Of the partition in bytes.
        run: Address of the application to start at the end, or None to stay.
        command: The command.

    Attributes:
        carried: Bytes of data written.
    """

    def __init__(
        self,
        memory: Memory,
        address: int,
        size: int,
        *,
        run: int | None = None,
        command: str = COMMAND,
    ) -> None:
        self.name = f"DFU {memory.ids}, {memory.title}"
        self.memory = memory
        self.address = address
        self.size = size
        self.run = run
        self.carried = 0
        self.capabilities = Capability.SUMS | Capability.READBACK
        self._words = [command, "-d", memory.ids, "-a", str(memory.alternate)]
        if memory.serial:
            self._words += ["-S", memory.serial]

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """See `Transport.sums`: read, and summed here."""
        wanted = list(blocks)
        if not wanted:
            return []
        start, end = wanted[0][0], wanted[-1][0] + wanted[-1][1]
        content = self.read(start, end - start)
        return [zlib.crc32(content[at - start : at - start + n]) for at, n in wanted]

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """See `Transport.read`."""
        self._check(offset, length)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "content"  # the command refuses files that exist
            place = f"{self.address + offset:#x}:{length}"
            _run([*self._words, "-s", place, "-U", str(path)], "reading")
            data = path.read_bytes()
        if len(data) != length:
            raise TransportError(f"{self.name}: {len(data)} of {length} bytes came back")
        if done is not None:
            done(length)
        return data

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """See `Transport.apply`. Writes that adjoin are one call."""
        pending: list[Write] = []
        for step in steps:
            self._check(step.address, step.length)
            if isinstance(step, Write):
                if pending and pending[-1].address + pending[-1].length != step.address:
                    self._flush(pending, done)
                pending.append(step)
                continue
            self._flush(pending, done)
            if isinstance(step, Erase):
                # There is no call that only erases; what is written next erases again.
                self._write(step.address, b"\xff" * step.length)
            elif isinstance(step, Commit):
                self._write(step.address, step.data)
                self.carried += step.length
            elif isinstance(step, Verify):
                self._verify(step)
            else:
                assert isinstance(step, Spoil)
                continue
            if done is not None:
                done(step, step.length)
        self._flush(pending, done)

    def _flush(self, pending: list[Write], done: Done | None) -> None:
        if not pending:
            return
        data = b"".join(step.data for step in pending)
        self._write(pending[0].address, data)
        self.carried += len(data)
        for step in pending:
            if done is not None:
                done(step, step.length)
        pending.clear()

    def _write(self, offset: int, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "content"
            path.write_bytes(data)
            place = f"{self.address + offset:#x}"
            try:
                _run([*self._words, "-s", place, "-D", str(path)], f"writing at {place}")
            except TransportError as error:
                # The command does not say whether the device refused or is gone.
                raise WriteRefused(str(error)) from error

    def _verify(self, step: Verify) -> None:
        found = self.read(step.address, step.length)
        if found != step.data:
            at = next(i for i, (a, b) in enumerate(zip(found, step.data, strict=True)) if a != b)
            raise VerifyError(
                f"{self.name}: reads back differently",
                address=step.address + at,
                length=step.length - at,
            )

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise DoesNotFit("outside the partition", address=offset, length=length)

    def close(self) -> None:
        """Start the application, or leave the device in DFU mode."""
        if self.run is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            # Leaving is an addition to something else, here to reading a word of the
            # application. The device then leaves the bus, which some versions call a failure.
            words = [*self._words, "-s", f"{self.run:#x}:4:leave", "-U", f"{folder}/word"]
            words[words.index("-a") + 1] = "0"
            subprocess.run(words, capture_output=True, timeout=_LIMIT, check=False)
