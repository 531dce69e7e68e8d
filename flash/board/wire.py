"""One direction of a serial line: its speed, and what can go wrong on it.

Pure: time is passed in, bytes are returned when they would have arrived.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

USB_RATE = 1_000_000
"""Bytes per second of a USB-like link: full-speed CDC reaches about that."""

_GRAIN = 0.002


@dataclass(frozen=True, slots=True)
class LinkFaults:
    """What one direction of the link does to the bytes on it.

    A float is a probability per byte. An integer is the number of one byte, counted from 1.

    Attributes:
        drop: Bytes that vanish.
        flip: Bytes in which one bit changes.
        duplicate: Bytes that arrive twice.
        stall: (N, seconds): nothing moves for that long after N bytes.
        disconnect: (N, seconds): the port vanishes for that long after N bytes.
    """

    drop: float | int = 0.0
    flip: float | int = 0.0
    duplicate: float | int = 0.0
    stall: tuple[int, float] | None = None
    disconnect: tuple[int, float] | None = None

    @property
    def any_byte(self) -> bool:
        """Whether single bytes are touched at all."""
        return bool(self.drop or self.flip or self.duplicate)


@dataclass(slots=True)
class Wire:
    """Bytes on their way.

    Attributes:
        rate: Bytes per second.
        faults: What happens to them.
        seed: Decides which ones.
        passed: Bytes that have left the sender's side of the line so far.
        disconnected: Seconds the port must now vanish for, until taken by the owner.
    """

    rate: float
    faults: LinkFaults = LinkFaults()
    seed: int = 0
    passed: int = 0
    disconnected: float | None = None
    _queue: bytearray = field(default_factory=bytearray)
    _clock: float = 0.0
    _chance: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._chance.seed(self.seed)

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def room(self) -> int:
        """Bytes the sender may add without running ahead of the line."""
        return max(0, max(64, int(self.rate * 0.01)) - len(self._queue))

    def push(self, data: bytes, now: float) -> None:
        """The sender puts bytes on the line."""
        if not self._queue:
            self._clock = max(self._clock, now)
        self._queue += data

    def clear(self) -> None:
        """Forget what is on the line."""
        self._queue.clear()

    def hold(self, now: float) -> None:
        """The receiver asks for a pause: time on the line stops."""
        self._clock = now

    def wake(self) -> float | None:
        """When `arrived` should be asked next; None: nothing is on the line."""
        if not self._queue:
            return None
        grain = max(1, min(len(self._queue), int(self.rate * _GRAIN)))
        return self._clock + grain / self.rate

    def arrived(self, now: float, limit: int | None = None) -> bytes:
        """The bytes that have arrived by `now`, at most `limit` of them."""
        count = min(len(self._queue), int((now - self._clock) * self.rate + 1e-6))
        if limit is not None and count > limit:
            count = limit
        if count <= 0:
            return b""
        for event in (self.faults.stall, self.faults.disconnect):
            if event is not None and self.passed < event[0] < self.passed + count:
                count = event[0] - self.passed
        data = bytes(self._queue[:count])
        del self._queue[:count]
        self._clock += count / self.rate
        first = self.passed + 1
        self.passed += count
        if self.faults.stall is not None and self.passed == self.faults.stall[0]:
            self._clock = now + self.faults.stall[1]
        if self.faults.disconnect is not None and self.passed == self.faults.disconnect[0]:
            self.disconnected = self.faults.disconnect[1]
        return self._damaged(data, first) if self.faults.any_byte else data

    def _damaged(self, data: bytes, first: int) -> bytes:
        out = bytearray()
        for number, byte in enumerate(data, first):
            if self._hits(self.faults.drop, number):
                continue
            value = byte
            if self._hits(self.faults.flip, number):
                value ^= 1 << self._chance.randrange(8)
            out.append(value)
            if self._hits(self.faults.duplicate, number):
                out.append(value)
        return bytes(out)

    def _hits(self, which: float | int, number: int) -> bool:
        if isinstance(which, int):
            return which == number
        return which > 0 and self._chance.random() < which
