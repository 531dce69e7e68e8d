from __future__ import annotations

import pytest

from flash.board.faults import Faults
from flash.board.wire import LinkFaults, Wire
from romfs.errors import ConfigError


def _all(
    wire: Wire, data: bytes, *, step: float = 0.001, limit: float = 60.0
) -> tuple[bytes, float]:
    """Push as there is room; returns what arrived, and when the last byte did."""
    got, now, last = b"", 0.0, 0.0
    while (data or len(wire)) and now < limit:
        room = wire.room
        wire.push(data[:room], now)
        data = data[room:]
        now += step
        arrived = wire.arrived(now)
        if arrived:
            got, last = got + arrived, now
    return got, last


def test_bytes_take_their_time_and_keep_their_order() -> None:
    data = bytes(i & 0xFF for i in range(11520))
    got, last = _all(Wire(11520.0), data)
    assert got == data
    assert last == pytest.approx(1.0, abs=0.01)


def test_a_single_byte_takes_its_own_time_after_a_pause() -> None:
    wire = Wire(1000.0)
    wire.push(b"a", 5.0)
    assert wire.wake() == pytest.approx(5.001)
    assert wire.arrived(5.0005) == b""
    assert wire.arrived(5.0011) == b"a"
    assert wire.wake() is None


def test_a_limit_keeps_the_rest_on_the_line() -> None:
    wire = Wire(1e6)
    wire.push(bytes(64), 0.0)
    assert len(wire.arrived(1.0, 10)) == 10
    wire.hold(1.0)
    assert wire.arrived(1.0) == b""
    assert len(wire.arrived(2.0)) == 54


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        (LinkFaults(drop=3), b"abdefgh"),
        (LinkFaults(duplicate=3), b"abccdefgh"),
        (LinkFaults(), b"abcdefgh"),
    ],
)
def test_one_chosen_byte_is_hit(faults: LinkFaults, expected: bytes) -> None:
    assert _all(Wire(1000.0, faults), b"abcdefgh")[0] == expected


def test_a_flip_changes_one_bit_of_one_byte() -> None:
    got, _ = _all(Wire(1000.0, LinkFaults(flip=4)), bytes(8))
    assert [byte.bit_count() for byte in got] == [0, 0, 0, 1, 0, 0, 0, 0]


def test_probabilities_hit_about_that_often_and_repeat_with_the_seed() -> None:
    data = bytes(20_000)
    one = _all(Wire(1e6, LinkFaults(drop=0.01), seed=4), data)[0]
    assert 19_700 < len(one) < 19_900
    assert _all(Wire(1e6, LinkFaults(drop=0.01), seed=4), data)[0] == one


def test_a_stall_happens_at_its_byte_and_then_everything_goes_on() -> None:
    data = bytes(range(200))
    got, last = _all(Wire(1000.0, LinkFaults(stall=(100, 2.0))), data)
    assert got == data
    assert last == pytest.approx(2.2, abs=0.02)


def test_a_disconnect_is_reported_at_its_byte() -> None:
    wire = Wire(1e6, LinkFaults(disconnect=(10, 0.5)))
    wire.push(bytes(64), 0.0)
    assert len(wire.arrived(1.0)) == 10
    assert wire.disconnected == 0.5


def test_fault_lines() -> None:
    faults = Faults.parse(
        ["cut=3", "tear=0x10", "fail=1", "fail=2", "worn=4096", "in.drop=0.5", "flip=#7"]
    )
    assert (faults.cut, faults.tear) == (3, 16)
    assert faults.fail == {1, 2}
    assert faults.worn == {4096}
    assert faults.inbound == LinkFaults(drop=0.5, flip=7)
    assert faults.outbound == LinkFaults(flip=7)
    more = Faults.parse(["out.unplug=100:2.5", "stall=5:1", "in.dup=0.25"])
    assert more.outbound == LinkFaults(disconnect=(100, 2.5), stall=(5, 1.0))
    assert more.inbound == LinkFaults(duplicate=0.25, stall=(5, 1.0))


@pytest.mark.parametrize("line", ["cut", "cut=x", "up.drop=0.1", "melt=3", "drop=often"])
def test_wrong_fault_lines_are_explained(line: str) -> None:
    with pytest.raises(ConfigError, match="fault"):
        Faults.parse([line])
