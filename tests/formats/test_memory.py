"""Memory against the simplest model there is: a dict of bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.errors import FormatError, OverlapError
from romfs.formats.memory import Memory
from tests.formats.strategies import memories


def model(memory: Memory) -> dict[int, int]:
    return {address + at: byte for address, data in memory for at, byte in enumerate(data)}


@given(st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=12)), max_size=12))
def test_pieces_in_any_order_are_a_dict_of_bytes(pieces: list[tuple[int, bytes]]) -> None:
    memory = Memory()
    bytes_at: dict[int, int] = {}
    for address, data in pieces:
        new = {address + at: byte for at, byte in enumerate(data)}
        if new.keys() & bytes_at.keys():
            with pytest.raises(OverlapError) as caught:
                memory.add(address, data)
            assert caught.value.address in new.keys() & bytes_at.keys()
        else:
            memory.add(address, data)
            bytes_at |= new
    assert model(memory) == bytes_at
    assert memory.size == len(bytes_at)
    ends = [(segment.address, segment.end) for segment in memory]
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(ends))


@given(memories(), st.integers(0, 2**32), st.integers(0, 5000))
def test_window_and_rest_make_the_whole(memory: Memory, start: int, length: int) -> None:
    end = min(start + length, 2**32)
    inside, outside = memory.window(start, end), memory.without(start, end)
    assert model(inside) | model(outside) == model(memory)
    assert all(start <= at < end for at in model(inside))
    assert not any(start <= at < end for at in model(outside))


@given(
    st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=12)), max_size=12),
    st.integers(0, 60),
    st.binary(max_size=20),
)
def test_holds_is_a_comparison(
    pieces: list[tuple[int, bytes]], address: int, wanted: bytes
) -> None:
    memory = Memory()
    for at, data in pieces:
        if not memory.window(at, at + len(data)):
            memory.add(at, data)
    assert memory.holds(address, wanted) == (
        not wanted or memory.read(address, len(wanted)) == wanted
    )
    there = memory.read(address, len(wanted))
    assert there is None or memory.holds(address, there)


@given(memories(), st.sampled_from((16, 256, 4096)))
def test_blocks_cut_at_multiples(memory: Memory, size: int) -> None:
    joined: dict[int, int] = {}
    for base, block in memory.blocks(size).items():
        assert base % size == 0 and block and base <= block.start and block.end <= base + size
        joined |= model(block)
    assert joined == model(memory)


def test_flat_fills_holes_as_erased_flash() -> None:
    assert Memory([(4, b"b"), (1, b"a")]).flat() == b"a\xff\xffb"
    assert Memory([(4, b"b")]).flat(start=2, end=6, fill=0) == b"\0\0b\0"
    assert Memory().flat() == b""


def test_read_gives_only_what_is_all_there() -> None:
    memory = Memory([(0x10, b"abc"), (0x13, b"def")])
    assert memory.read(0x11, 4) == b"bcde"
    assert memory.read(0x11, 6) is None
    assert memory.read(0xF, 2) is None


@pytest.mark.parametrize("address", [-1, 2**32 - 1])
def test_addresses_have_32_bits(address: int) -> None:
    with pytest.raises(FormatError, match="32-bit"):
        Memory().add(address, b"ab")


def test_an_overlap_says_where_and_how_much() -> None:
    memory = Memory([(0x1000, bytes(16))])
    with pytest.raises(OverlapError, match=r"0x1000\.\.0x1010 by 4 bytes") as caught:
        memory.add(0x0FFC, bytes(8), what="image")
    assert (caught.value.address, caught.value.length) == (0x1000, 4)
