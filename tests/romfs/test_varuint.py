from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.errors import ImageError, TruncatedError
from romfs.varuint import encode_varuint, read_varuint


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "81 00"),
        (0x14A6B1, "d2 cd 31"),
        (0xFFFFFFFF, "8f ff ff ff 7f"),
    ],
)
def test_canonical_forms(value: int, encoded: str) -> None:
    assert encode_varuint(value) == bytes.fromhex(encoded)
    assert read_varuint(bytes.fromhex(encoded), 0) == (value, len(bytes.fromhex(encoded)))


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 9), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip_at_any_place_and_width(
    value: int, width: int, before: bytes, after: bytes
) -> None:
    encoded = encode_varuint(value, width)
    assert len(encoded) >= width
    assert read_varuint(before + encoded + after, len(before)) == (value, len(before + encoded))


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_what_a_device_would_read_differently_is_not_written(value: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        encode_varuint(value)


def test_a_varuint_without_end_is_refused() -> None:
    with pytest.raises(TruncatedError) as caught:
        read_varuint(b"\x01\x80\x80", 1)
    assert caught.value.offset == 1
    with pytest.raises(TruncatedError):
        read_varuint(b"\x80\x00", 0, 1)


def test_a_varuint_over_32_bits_is_refused_at_once() -> None:
    # Erased flash reads as one endless varuint; summing it up would take for ever.
    with pytest.raises(ImageError, match="32 bits"):
        read_varuint(b"\xff" * (1 << 20), 0)
