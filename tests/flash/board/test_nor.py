from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flash.board.nor import FlashFault, NorFlash, PowerCut, Supply
from flash.geometry import Geometry
from romfs.errors import FlashError

SMALL = Geometry.uniform(4096, 1024)
VALUES = bytes(range(256))


def test_a_new_memory_is_blank() -> None:
    assert NorFlash(SMALL).is_blank()
    assert NorFlash(Geometry.uniform(64, 32, erased=0)).read() == bytes(64)


@given(st.binary(min_size=1, max_size=600), st.binary(min_size=1, max_size=600))
def test_programming_only_clears_bits(first: bytes, second: bytes) -> None:
    flash = NorFlash(SMALL)
    flash.program(7, first)
    assert flash.read(7, len(first)) == first
    flash.program(7, second)
    both = min(len(first), len(second))
    assert flash.read(7, both) == bytes(a & b for a, b in zip(first, second, strict=False))
    assert flash.is_blank(7 + max(len(first), len(second)))


def test_only_an_erase_sets_bits_and_of_a_whole_unit() -> None:
    flash = NorFlash(SMALL, bytearray(4096))
    flash.program(0, b"\xff" * 4096)
    assert flash.read() == bytes(4096)
    flash.erase_block(1500)
    assert flash.is_blank(1024, 1024)
    assert flash.read(0, 1024) == bytes(1024)
    assert flash.read(2048) == bytes(2048)


def test_mram_takes_any_value() -> None:
    flash = NorFlash(Geometry(256, write=16, overwrites=True), bytearray(256))
    flash.program(16, VALUES[:32])
    assert flash.read(16, 32) == VALUES[:32]


def test_a_write_must_be_aligned_and_inside() -> None:
    flash = NorFlash(Geometry.uniform(4096, 1024, write=16))
    with pytest.raises(FlashFault, match="multiples of 16"):
        flash.program(8, bytes(16))
    with pytest.raises(FlashFault, match="multiples of 16"):
        flash.program(0, bytes(8))
    with pytest.raises(FlashError, match="outside"):
        flash.program(4096 - 16, bytes(32))
    with pytest.raises(FlashError, match="outside"):
        flash.erase(-1, 1)
    assert flash.is_blank()


def test_operations_are_pages_and_units() -> None:
    flash = NorFlash(SMALL)
    flash.erase(100, 1000)
    flash.program(200, bytes(400))
    assert [(op.number, op.kind, op.offset, op.length) for op in flash.supply.log] == [
        (1, "erase", 0, 1024),
        (2, "erase", 1024, 1024),
        (3, "program", 200, 56),
        (4, "program", 256, 256),
        (5, "program", 512, 88),
    ]
    assert flash.supply.busy > 0


def _steps(flash: NorFlash) -> None:
    flash.erase(0, 2048)
    flash.program(0, VALUES * 8)


def test_power_cut_after_each_operation_keeps_all_before() -> None:
    total = 2 + 8
    for cut in range(1, total + 1):
        flash = NorFlash(SMALL, bytearray(4096), supply=Supply(cut_after=cut))
        with pytest.raises(PowerCut) as caught:
            _steps(flash)
        assert (caught.value.operation, caught.value.torn) == (cut, False)
        done = max(0, cut - 2) * 256
        assert flash.read(0, done) == (VALUES * 8)[:done]
        assert flash.is_blank(done, 1024 * min(cut, 2) - done)
        with pytest.raises(PowerCut):  # still without power
            flash.erase_block(0)
        assert flash.supply.count == cut
        flash.supply.restore()
        _steps(flash)
        assert flash.read(0, 2048) == VALUES * 8


@given(st.integers(0, 10_000))
def test_a_torn_program_leaves_bits_between_old_and_new(seed: int) -> None:
    old = bytes(b | 0x0F for b in VALUES)
    flash = NorFlash(SMALL, bytearray(old * 16), supply=Supply(tear=1, seed=seed))
    with pytest.raises(PowerCut) as caught:
        flash.program(256, VALUES)
    assert caught.value.torn
    left = flash.read(256, 256)
    for before, after, now in zip(old, VALUES, left, strict=True):
        assert now | before == before  # no bit was set
        assert now & (before & after) == before & after  # none cleared that should stay
    assert flash.read(0, 256) == old
    assert flash.read(512) == old * 14


@given(st.integers(0, 10_000))
def test_a_torn_erase_leaves_bits_between_old_and_erased(seed: int) -> None:
    flash = NorFlash(SMALL, bytearray(VALUES * 16), supply=Supply(tear=1, seed=seed))
    with pytest.raises(PowerCut):
        flash.erase_block(1024)
    for before, now in zip(VALUES * 4, flash.read(1024, 1024), strict=True):
        assert now & before == before
    assert flash.read(0, 1024) == VALUES * 4
    flash.supply.restore()
    flash.erase_block(1024)
    assert flash.is_blank(1024, 1024)


def test_torn_content_differs_between_seeds_and_repeats_with_one() -> None:
    def left(seed: int) -> bytes:
        flash = NorFlash(SMALL, bytearray(4096), supply=Supply(tear=1, seed=seed))
        with pytest.raises(PowerCut):
            flash.erase_block(0)
        return flash.read()

    assert left(3) == left(3)
    assert len({left(seed) for seed in range(20)}) > 5


def test_a_failed_operation_does_nothing_and_says_so() -> None:
    flash = NorFlash(SMALL, bytearray(4096), supply=Supply(fail=frozenset({1})))
    with pytest.raises(FlashFault):
        flash.erase_block(0)
    assert flash.read() == bytes(4096)
    flash.erase_block(0)
    assert flash.is_blank(0, 1024)


def test_a_worn_unit_keeps_a_bit_down() -> None:
    flash = NorFlash(SMALL, worn=[1500])
    flash.erase(0, 4096)
    assert flash.read(1024, 2) == b"\xfe\xff"
    assert flash.is_blank(0, 1024)
    assert flash.is_blank(2048)
