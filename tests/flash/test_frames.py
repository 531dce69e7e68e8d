"""The window between host and agent."""

from __future__ import annotations

import zlib

import pytest

from flash.agent.frames import Frames, Window
from romfs.errors import TransportError, WriteRefused


class Agent:
    """An agent that does nothing, on a link that does what a test says.

    Attributes:
        lose: Numbers of arriving frames that vanish, counted from 0.
        taken: Payloads taken, in order.
        bursts: Bytes that came in before each time answers were waited for.
    """

    name = "agent"
    baud = 10_000_000

    def __init__(self, lose: set[int] | None = None, *, fail_at: int = -1) -> None:
        self.lose = lose or set()
        self.fail_at = fail_at
        self.taken: list[bytes] = []
        self.sent = self.received = 0
        self.bursts: list[int] = []
        self._count = -1
        self._answers = b""
        self._burst = 0

    def _say(self, text: str) -> None:
        line = text.encode()
        self._answers += b"%s~%04x\r\n" % (line, zlib.crc32(line) & 0xFFFF)

    def write(self, data: bytes) -> None:
        self.sent += len(data)
        self._burst += len(data)
        if not data.strip(b"\0"):
            return
        self._count += 1
        if self._count in self.lose:
            return
        number, payload = data[1], data[4:-4]
        expected = len(self.taken) & 0xFF
        if number == expected:
            if len(self.taken) == self.fail_at:
                self._say("X119 OSError(5,)")
                return
            self.taken.append(payload)
            self._say(f"A{len(self.taken) & 0xFF}")
        elif (expected - number) & 0xFF < 128:
            self._say(f"A{expected}")
        else:
            self._say(f"N{expected}")

    def read(self, timeout: float) -> bytes:
        if not timeout:
            return b""  # what was sent is still on its way
        self.bursts.append(self._burst)
        self._burst = 0
        data, self._answers = self._answers, b""
        self.received += len(data)
        return data

    def reopen(self, timeout: float) -> None:
        raise TransportError("not here")

    def close(self) -> None:
        pass


PAYLOADS = [b"p%d" % number for number in range(700)]


def _send(agent: Agent) -> Frames:
    frames = Frames(agent, largest=64, patience=1.0)
    for payload in PAYLOADS:
        frames.send(payload)
    frames.finish()
    return frames


def test_all_arrive_in_order() -> None:
    agent = Agent()
    assert _send(agent).resent == 0
    assert agent.taken == PAYLOADS


@pytest.mark.parametrize("lose", [{0}, {5}, {699}, {3, 4, 5}, set(range(0, 700, 50))])
def test_lost_frames_are_sent_again_and_none_twice(lose: set[int]) -> None:
    agent = Agent(lose)
    frames = _send(agent)
    assert agent.taken == PAYLOADS
    assert frames.resent >= 1


def test_several_are_under_way_but_no_more_than_the_window() -> None:
    agent = Agent()
    frames = Frames(agent, largest=64, window=300)
    for payload in [b"x" * 50] * 40:
        frames.send(payload)
    frames.finish()
    assert agent.bursts[0] == 5 * 58
    assert max(agent.bursts) > 600


def test_a_loss_halves_the_window_for_good() -> None:
    window = Window(1000)
    window.delivered(1000)
    assert window.size == 2000
    window.lost()
    assert window.size == 1000
    window.delivered(5000)
    assert window.size == 1000
    for _ in range(20):
        window.lost()
    assert window.size == 256


def test_what_the_device_refuses_is_raised_with_its_place() -> None:
    agent = Agent(fail_at=2)
    frames = Frames(agent, largest=64)
    for number in range(3):
        frames.send(b"w", where=(number * 4096, 4096))
    with pytest.raises(WriteRefused, match="refused the write") as caught:
        frames.finish()
    assert caught.value.address == 2 * 4096


def test_silence_is_a_lost_link() -> None:
    agent = Agent(set(range(10_000)))
    frames = Frames(agent, largest=64, patience=0.2)
    frames.send(b"x")
    with pytest.raises(TransportError, match="stopped answering"):
        frames.finish()
