"""CBOR and state records: host and device read and write the same bytes."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flash.ota import cbor, state
from romfs.errors import PackageError
from tests.flash.ota import device

numbers = st.integers(0, 0xFFFF_FFFF)
leaves = st.one_of(numbers, st.binary(max_size=40), st.text(max_size=20), st.booleans(), st.none())
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 300), inner, max_size=4)
    ),
    max_leaves=12,
)


def depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inside), default=0) if isinstance(value, dict | list) else 0


@given(values.filter(lambda value: depth(value) < 6))
def test_an_independent_library_agrees_on_every_value(value: Any) -> None:
    data = cbor.encode(value)
    assert data == cbor2.dumps(value, canonical=True)
    assert cbor.decode(data) == value
    assert device.part("cbor").decode(data) == value


@given(st.binary(max_size=24))
def test_what_decodes_has_no_other_form(data: bytes) -> None:
    try:
        value = cbor.decode(data)
    except PackageError:
        with pytest.raises((ValueError, IndexError)):
            device.part("cbor").decode(data)
        return
    assert cbor.encode(value) == data
    assert device.part("cbor").decode(data) == value


@pytest.mark.parametrize(
    "text",
    [
        "1817",  # 23 in two bytes
        "190017",  # in three
        "5f4101ff",  # a string of unknown length
        "a201000100",  # a key twice
        "a202000100",  # keys out of order
        "a1616100",  # a key that is text
        "fb3ff0000000000000",  # a float
        "c000",  # a tag
        "20",  # a negative number
        "0000",  # a second value
        "82",  # cut off
        "1b0000000100000000",  # more than 32 bits
        "8181818181818100",  # too deep
        "62c328",  # not UTF-8
        "",
    ],
)
def test_other_forms_are_refused_on_both_sides(text: str) -> None:
    data = bytes.fromhex(text)
    with pytest.raises(PackageError):
        cbor.decode(data)
    with pytest.raises((ValueError, IndexError)):
        device.part("cbor").decode(data)


slots = st.builds(
    state.Slot, st.sampled_from(state.Status), numbers, numbers, st.binary(min_size=32, max_size=32)
)
small = st.integers(0, 255)
records = st.builds(
    state.Record,
    counter=numbers,
    active=small,
    trial=small,
    left=small,
    floor=numbers,
    raised=numbers,
    index=numbers,
    channel=st.binary(min_size=4, max_size=4),
    key_version=numbers,
    slots=st.tuples(slots, slots),
    keys=st.lists(
        st.tuples(st.integers(1, 2), st.binary(min_size=32, max_size=32)), max_size=4
    ).map(tuple),
)


@given(records)
def test_a_record_means_the_same_on_both_sides(record: state.Record) -> None:
    data = record.pack()
    assert len(data) == state.SIZE
    assert state.Record.unpack(data) == record
    theirs = device.part("record").read(memoryview(data))
    assert bytes(theirs.pack()) == data
    assert (theirs.counter, theirs.active, theirs.floor) == (
        record.counter,
        record.active,
        record.floor,
    )
    assert tuple(theirs.keys) == record.keys


@given(records, st.integers(0, state.SIZE * 8 - 1))
def test_a_damaged_record_is_none(record: state.Record, bit: int) -> None:
    data = bytearray(record.pack())
    data[bit // 8] ^= 1 << bit % 8
    assert state.Record.unpack(bytes(data)) is None
    assert device.part("record").read(memoryview(data)) is None


def test_the_newest_of_two_banks_counts() -> None:
    def bank(*counters: int) -> bytes:
        return b"".join(state.Record(counter=n).pack() for n in counters).ljust(2048, b"\xff")

    assert state.newest([bank(1, 3, 5), bank(2, 4)], 1).counter == 5
    assert state.newest([bank(1), bank(2, 4, 6)], 4).counter == 6
    with pytest.raises(PackageError, match="no state record"):
        state.newest([b"\xff" * 512, bytes(512)], 1)


def test_the_record_is_what_the_specification_draws() -> None:
    data = state.Record(counter=7, active=1, trial=255).pack()
    assert data[:8] == b"RST\x01\x07\0\0\0" and data[8:12] == b"\x01\xff\0\0"
    assert data[248:] == hashlib.sha256(data[:248]).digest()[:8]
