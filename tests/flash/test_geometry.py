from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
from boards import EraseRegion
from flash.geometry import Geometry
from romfs.errors import DoesNotFit, FlashError

MIXED = Geometry(0x18000, (EraseRegion(0, 0x4000, 2), EraseRegion(0x8000, 0x10000, 1)))


def test_block_at_follows_the_regions() -> None:
    assert MIXED.block_at(0) == (0, 0x4000)
    assert MIXED.block_at(0x7FFF) == (0x4000, 0x4000)
    assert MIXED.block_at(0x8000) == (0x8000, 0x10000)
    with pytest.raises(FlashError):
        MIXED.block_at(0x18000)


@given(st.integers(0, MIXED.size - 1), st.integers(1, MIXED.size))
def test_blocks_cover_a_range_without_gaps(offset: int, length: int) -> None:
    length = min(length, MIXED.size - offset)
    blocks = list(MIXED.blocks(offset, length))
    assert blocks[0][0] <= offset
    assert sum(blocks[-1]) >= offset + length
    assert blocks[-1][0] < offset + length
    for (start, size), (following, _) in pairwise(blocks):
        assert start + size == following


@given(st.integers(0, 2000), st.integers(0, 3000))
def test_pages_split_at_multiples(offset: int, length: int) -> None:
    pages = list(MIXED.pages(offset, length))
    assert sum(size for _, size in pages) == length
    for start, size in pages:
        assert start // 256 == (start + size - 1) // 256


def test_units_that_do_not_cover_are_refused() -> None:
    with pytest.raises(FlashError, match="end at 0x4000"):
        Geometry(0x5000, (EraseRegion(0, 0x4000, 1),))
    with pytest.raises(FlashError, match="does not follow"):
        Geometry(0x8000, (EraseRegion(0x4000, 0x4000, 1),))
    with pytest.raises(FlashError, match="needs erase units"):
        Geometry(0x8000)


def test_every_board_has_a_geometry() -> None:
    for board in boards.all_boards():
        for part in board.partitions:
            if part.size is None:
                with pytest.raises(DoesNotFit, match="build option"):
                    Geometry.of(board, part)
            else:
                assert Geometry.of(board, part).size == part.size


def test_mram_and_ram_are_overwritten_in_place() -> None:
    alif = boards.load("ALIF_ENSEMBLE:M55_HP")
    assert not Geometry.of(alif, alif.partition(0)).overwrites
    assert Geometry.of(alif, alif.partition(1)).overwrites
    qemu = boards.load("MPS2_AN500")
    assert Geometry.of(qemu, qemu.partition(0)).overwrites
