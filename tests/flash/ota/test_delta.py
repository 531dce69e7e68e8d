"""Deltas: host and device give the same image, and damage is noticed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flash.ota import delta
from romfs.errors import PackageError
from tests.flash.ota import device


class Sink:
    """What the installer is to a delta."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.data = bytearray()

    def writer(self, first: int) -> Sink:
        assert first == 0
        return self

    def write(self, data: Any) -> None:
        self.data += data

    def close(self) -> None:
        pass


def on_device(old: bytes, data: bytes, size: int) -> bytes:
    sources = device.part("sources")
    cursor = sources.Cursor(device.Bytes(data), 0, len(data), bytearray(64))
    sink = Sink(size)
    device.part("delta").apply(cursor, memoryview(old), sink)
    return bytes(sink.data)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.binary(min_size=1, max_size=300))
def test_any_image_becomes_any_other(old: bytes, new: bytes) -> None:
    data = delta.encode(old, new)
    assert delta.decode(old, data, len(new)) == new
    assert on_device(old, data, len(new)) == new


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_an_edited_image_costs_what_the_edit_costs(seed: int, edits: int) -> None:
    chance = random.Random(seed)
    old = chance.randbytes(8000)
    new = bytearray(old)
    for _ in range(edits):
        at = chance.randrange(len(new))
        new[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
    data = delta.encode(old, bytes(new))
    assert delta.decode(old, data, len(new)) == bytes(new)
    assert on_device(old, data, len(new)) == bytes(new)
    assert len(data) < 40 + 24 * edits


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_nonsense_ends_and_stays_inside(data: bytes) -> None:
    """Whatever the bits say, both sides agree, stop, and read nothing outside the image."""
    old = bytes(range(200))
    try:
        expected = delta.decode(old, data, 400)
    except PackageError:
        with pytest.raises((ValueError, IndexError)):
            on_device(old, data, 400)
        return
    assert on_device(old, data, 400) == expected


def test_the_same_image_costs_almost_nothing() -> None:
    image = random.Random(1).randbytes(50_000)
    assert len(delta.encode(image, image)) <= 12
