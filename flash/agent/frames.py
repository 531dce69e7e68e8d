"""The wire between host and agent: frames down, checked lines up, a window between.

Go-back-N: frames carry a sequence number and a CRC, the agent takes them in order only
and answers each that it carried out with the number it expects next. Several are under
way at once, so neither the wire nor the flash waits for the other.
`flash/device/PROTOCOL.md` describes the bytes.
"""

from __future__ import annotations

import re
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from flash.link import Link
from romfs.errors import TransportError, WriteRefused

MARK = 0x7E
OVERHEAD = 8
"""Bytes of a frame beside its payload: mark, number, length, CRC-32."""
_LINE = re.compile(rb"([A-Z][^~\r\n]*)~([0-9a-f]{4})\r?$")
_PROMPT = b"\r\n>>> "
_SMALLEST_WINDOW = 256
_SMALLEST_PAYLOAD = 64
_LARGEST_WINDOW = 32 * 1024
_MOST_FRAMES = 100
"""Frames under way at most: the agent tells a repeat from a gap by half of 256 numbers."""


@dataclass(slots=True)
class _Frame:
    number: int
    data: bytes
    patience: float
    done: Callable[[], None] | None
    where: tuple[int, int] | None


class Window:
    """How many bytes may be under way: doubled while all goes well, halved by a loss.

    A device with USB takes any number; a UART has a buffer of some hundred bytes, and
    loses what arrives while a flash operation blocks it. Neither tells, so this tries.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._limit = _LARGEST_WINDOW

    def delivered(self, count: int) -> None:
        """`count` bytes arrived and were answered for."""
        self.size = min(self.size + count, self._limit)

    def lost(self) -> None:
        """Something was lost: be more careful from now on."""
        self.size = self._limit = max(_SMALLEST_WINDOW, self.size // 2)


class Frames:
    """Host end of the protocol.

    Args:
        link: The wire, with an agent at its other end that has said it is ready.
        largest: Payload bytes the agent takes in one frame.
        window: Bytes that may be under way at first.
        patience: Seconds without any sign of life after which the link is lost.

    Attributes:
        resent: Frames sent more than once.
    """

    def __init__(
        self, link: Link, *, largest: int, window: int = 512, patience: float = 8.0
    ) -> None:
        self.link = link
        self.largest = largest
        self.window = Window(window)
        self.patience = patience
        self.resent = 0
        self.answers: list[bytes] = []
        self._pending = b""
        self._next = 0
        self._waiting: deque[_Frame] = deque()
        self._under_way = 0
        self._lost = False

    def send(
        self,
        payload: bytes,
        *,
        patience: float = 0.0,
        done: Callable[[], None] | None = None,
        where: tuple[int, int] | None = None,
    ) -> None:
        """Send one frame; returns when it is on its way.

        Args:
            payload: Operation and arguments.
            patience: Seconds the device may be busy with it.
            done: Called when the agent has carried it out.
            where: Address and length it is about, for the error if it fails.
        Raises:
            WriteRefused: The agent reports that an earlier frame, or this, failed.
            TransportError: The link is lost.
        """
        assert len(payload) <= self.largest
        head = bytes((self._next & 0xFF,)) + len(payload).to_bytes(2, "little") + payload
        check = zlib.crc32(head, zlib.crc32(bytes((MARK,)))).to_bytes(4, "little")
        frame = _Frame(self._next, bytes((MARK,)) + head + check, patience, done, where)
        self._next += 1
        self._waiting.append(frame)
        self._pump(0)
        self._push()
        while self._under_way < len(self._waiting):
            self._await_progress()

    @property
    def payload(self) -> int:
        """Bytes the next frame should have at most: small where little may be under way."""
        return max(_SMALLEST_PAYLOAD, min(self.largest, self.window.size // 2 - OVERHEAD))

    def finish(self) -> None:
        """Wait until every frame is carried out. Raises as `send` does."""
        while self._waiting:
            self._await_progress()

    def ask(self, payload: bytes, *, patience: float = 0.0) -> list[bytes]:
        """Send one frame when all before it are done; returns the lines it brought.

        Lines lost on the way are not repeated: whoever asks checks that all are there.
        """
        self.finish()
        self.answers = []
        self.send(payload, patience=patience)
        self.finish()
        answers, self.answers = self.answers, []
        return answers

    def _push(self) -> None:
        """Send what the window has room for; one frame always."""
        room = self.window.size - sum(
            len(frame.data) for frame in islice(self._waiting, self._under_way)
        )
        for frame in islice(self._waiting, self._under_way, _MOST_FRAMES):
            if self._under_way and len(frame.data) > room:
                break
            self.link.write(frame.data)
            self._under_way += 1
            room -= len(frame.data)

    def _await_progress(self) -> None:
        """Wait until the device has done at least one frame, resending what got lost."""
        before = len(self._waiting)
        busy = sum(frame.patience for frame in self._waiting)
        travel = 10.0 * sum(len(frame.data) for frame in self._waiting) / self.link.baud
        last_sign = time.monotonic()
        pause = 0.5 + 2 * travel + busy / 4
        nudge_at = last_sign + pause
        while len(self._waiting) == before:
            now = time.monotonic()
            if self._lost or now >= nudge_at:
                # Without a word, frames or answers got lost, or the device waits for the
                # rest of a frame, or it is still busy: repeating harms in no case.
                self._resend(flush=not self._lost)
                pause *= 1.5
                nudge_at = time.monotonic() + pause
            elif now - last_sign > self.patience + busy + travel:
                raise TransportError(
                    f"{self.link.name}: the device stopped answering "
                    f"{now - last_sign:.0f} s ago, in the middle of a transfer"
                )
            if self._pump(min(0.05, max(0.0, nudge_at - now))):
                last_sign = time.monotonic()
        self._push()

    def _resend(self, *, flush: bool) -> None:
        """Go back to the first frame that was not answered for.

        Args:
            flush: Fill up a frame the device may still be waiting for.
        """
        self.window.lost()
        longest = max(len(frame.data) for frame in islice(self._waiting, self._under_way))
        if flush:
            longest = self.largest + OVERHEAD
            self.link.write(bytes(longest))
        # What is still on the way must have come and been answered for before it is repeated.
        quiet = 0.03 + 12.0 * longest / self.link.baud
        stop = time.monotonic() + 1.0
        while time.monotonic() < stop and self._pump(quiet):
            pass
        self._lost = False
        self.resent += self._under_way
        self._under_way = 0
        self._push()

    def _pump(self, timeout: float) -> bool:
        """Read and take in what has arrived; whether there was any line of the agent's."""
        self._pending += self.link.read(timeout)
        if b"\x04" in self._pending or _PROMPT in self._pending:
            self._agent_ended()
        *lines, self._pending = self._pending.split(b"\n")
        alive = False
        for line in lines:
            match = _LINE.search(line)
            if match and zlib.crc32(match[1]) & 0xFFFF == int(match[2], 16):
                alive = True
                self._take_in(match[1])
        return alive

    def _take_in(self, line: bytes) -> None:
        kind, rest = line[:1], line[1:]
        if kind in b"AN":
            self._answered(int(rest))
            if kind == b"N" and self._waiting:
                self._lost = True
        elif kind == b"X":
            where = self._waiting[0].where if self._waiting else None
            address, length = where or (None, None)
            raise WriteRefused(_refusal(rest), address=address, length=length)
        elif kind != b"R":
            self.answers.append(line)

    def _answered(self, expected: int) -> None:
        if not self._under_way:
            return
        count = (expected - self._waiting[0].number) & 0xFF
        if count > self._under_way:
            return  # an old answer
        for _ in range(count):
            frame = self._waiting.popleft()
            self._under_way -= 1
            self.window.delivered(len(frame.data))
            if frame.done is not None:
                frame.done()

    def _agent_ended(self) -> None:
        text = self._pending.replace(b"\x04", b"").decode("utf-8", "replace").strip()
        last = text.splitlines()[-1].strip() if text else "no message"
        if _PROMPT in self._pending:
            last = "the device was reset"
        raise TransportError(f"{self.link.name}: the transfer agent ended: {last}")


_OPERATIONS = {
    101: "erase",
    119: "write",
    112: "write",
    98: "write",
    107: "read",
    122: "start of the data stream",
    104: "checksum",
    115: "hash",
    114: "read",
}


def _refusal(rest: bytes) -> str:
    """What the agent's report of a failed operation means.

    A driver's negative errno arrives as `OSError(-5,)`, a raised one as `OSError(5,)`.
    """
    number, _, cause = rest.decode("utf-8", "replace").partition(" ")
    operation = _OPERATIONS.get(int(number), f"operation {number}")
    return f"the device refused the {operation}: {cause}"
