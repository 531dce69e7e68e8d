"""Plans by themselves: what is erased and written, and what is left alone."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards import EraseRegion
from flash.plan import (
    PIECE,
    Commit,
    Erase,
    Keep,
    Kind,
    Patch,
    Spoil,
    Verify,
    Write,
    plan,
    plan_erase,
)
from flash.target import Erasing, Target
from romfs.errors import DoesNotFit

BLOCK = 1024
TARGET = Target(0, 8 * BLOCK, Erasing.RANGE, (EraseRegion(0, BLOCK, 8),), write=4)
IMAGE = bytes(range(1, 251)) * 20


def _sums(held: bytes, image: bytes = IMAGE, target: Target = TARGET) -> list[int]:
    return [zlib.crc32(held[at : min(at + n, len(image))]) for at, n in target.blocks(len(image))]


def _held(*changed: int) -> bytes:
    held = bytearray(IMAGE)
    for block in changed:
        held[block * BLOCK] ^= 1
    return bytes(held)


def test_what_is_there_already_is_only_verified() -> None:
    found = plan(IMAGE, TARGET, _sums(IMAGE))
    assert found.kind is Kind.NOTHING
    assert found.steps == (Verify(0, IMAGE),)


def test_a_changed_block_costs_itself_and_the_header() -> None:
    found = plan(IMAGE, TARGET, _sums(_held(3)))
    assert found.kind is Kind.CHANGES and (found.changed, found.erased) == (2, 2)
    kinds = [(type(step), step.address) for step in found.steps]
    assert kinds == [
        (Spoil, 0),
        (Erase, 0),
        (Erase, 3 * BLOCK),
        (Write, 3 * BLOCK),
        (Write, 0),
        (Verify, 3),
        (Commit, 0),
        (Verify, 0),
    ]


def test_a_header_that_is_right_is_kept_on_the_device() -> None:
    found = plan(IMAGE, TARGET, _sums(_held(3)), keeps=BLOCK)
    assert found.steps[0] == Keep(0, BLOCK)
    assert Patch(0, BLOCK, (), 3) in found.steps
    assert not any(isinstance(step, Write) and step.address == 0 for step in found.steps)
    smaller = plan(IMAGE, TARGET, _sums(_held(3)), keeps=BLOCK - 1)
    assert not any(isinstance(step, Keep) for step in smaller.steps)


def test_a_unit_that_differs_a_little_is_patched() -> None:
    held = _held(3)
    pieces = [zlib.crc32(held[at : at + PIECE]) for at in range(3 * BLOCK, 4 * BLOCK, PIECE)]
    found = plan(IMAGE, TARGET, _sums(held), keeps=BLOCK, fine={3 * BLOCK: pieces})
    (patch,) = [s for s in found.steps if isinstance(s, Patch) and s.address]
    assert patch == Patch(3 * BLOCK, BLOCK, ((0, IMAGE[3 * BLOCK : 3 * BLOCK + PIECE]),))
    order = [type(step) for step in found.steps if step.address == 3 * BLOCK]
    assert order == [Keep, Erase, Patch]


def test_blank_blocks_are_not_erased() -> None:
    found = plan(IMAGE, TARGET, _sums(b"\xff" * len(IMAGE)))
    assert found.kind is Kind.FULL and found.erased == 0
    assert not any(isinstance(step, Erase | Spoil) for step in found.steps)


def test_all_but_the_magic_there_needs_the_last_write_only() -> None:
    found = plan(IMAGE, TARGET, _sums(b"\xff" * 3 + IMAGE[3:]))
    assert found.kind is Kind.FINISH
    assert [type(step) for step in found.steps] == [Verify, Commit, Verify]


def test_a_firmware_that_erases_from_the_start_pays_for_what_comes_before() -> None:
    target = replace(TARGET, erasing=Erasing.START)
    found = plan(IMAGE, target, _sums(_held(3)))
    assert Erase(0, 4 * BLOCK) in found.steps and found.changed == 4
    assert "2 unchanged blocks" in found.note
    unknown = plan(IMAGE, replace(target, known_units=False), _sums(_held(1)))
    assert unknown.changed == len(_sums(IMAGE))


def test_memory_that_overwrites_is_never_erased() -> None:
    target = replace(TARGET, erasing=Erasing.NONE)
    found = plan(IMAGE, target, _sums(_held(2)))
    assert not any(isinstance(step, Erase | Spoil) for step in found.steps)
    assert found.steps[0] == Write(0, b"\xff" * 3 + IMAGE[3:16])
    assert isinstance(found.steps[-2], Commit)


def test_a_unit_that_takes_one_program_only_is_written_once() -> None:
    target = replace(TARGET, twice=False, commit=64, write=64)
    found = plan(IMAGE, target, None)
    written = [
        (s.address, s.address + s.length) for s in found.steps if isinstance(s, Write | Commit)
    ]
    written.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(written))
    assert not any(isinstance(step, Spoil) for step in found.steps)


def test_too_large_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="1 B over"):
        plan(bytes(8 * BLOCK + 1), TARGET)


def test_erasing_destroys_the_magic_first() -> None:
    found = plan_erase(TARGET)
    assert isinstance(found.steps[0], Spoil) and found.steps[1] == Erase(0, BLOCK)
    assert found.erased == 8


@st.composite
def situations(draw: st.DrawFn) -> tuple[bytes, bytes, Target]:
    """An image, what is held, and a target."""
    block = draw(st.sampled_from([256, 1024]))
    write = draw(st.sampled_from([4, 16, 64]))
    once = draw(st.booleans())
    target = Target(
        0,
        16 * block,
        draw(st.sampled_from([Erasing.RANGE, Erasing.START, Erasing.BLOCK, Erasing.NONE])),
        (EraseRegion(0, block, 16),),
        write=write,
        twice=not once,
        commit=max(write, 16),
        known_units=draw(st.booleans()),
    )
    size = draw(st.integers(4, 8 * block))
    image = draw(st.binary(min_size=4, max_size=8)) * (size // 4)
    image = b"\xd2\xcd\x31" + image[3:size]
    held = bytearray(image.ljust(target.size, b"\xff"))
    for number in range(16):
        what = draw(st.sampled_from(["same", "same", "blank", "other"]))
        if what != "same":
            fill = b"\xff" if what == "blank" else b"\x5a"
            held[number * block : (number + 1) * block] = fill * block
    return image, bytes(held), target


@given(situations())
def test_carried_out_on_flash_gives_the_image(situation: tuple[bytes, bytes, Target]) -> None:
    image, held, target = situation
    flash = bytearray(held)
    mountable = False
    keeps = {}
    sums = _sums(held, image, target)
    fine = {
        at: [
            zlib.crc32(held[start : min(start + PIECE, at + n, len(image))])
            for start in range(at, min(at + n, len(image)), PIECE)
        ]
        for at, n in target.blocks(len(image))
    }
    for step in plan(image, target, sums, keeps=1024, fine=fine).steps:
        end = step.address + step.length
        if isinstance(step, Verify):
            assert flash[step.address : end] == step.data
            continue
        if isinstance(step, Keep):
            keeps[step.address] = flash[step.address : end]
            continue
        assert not mountable, "something is changed after the magic was written"
        if isinstance(step, Erase):
            flash[step.address : end] = b"\xff" * step.length
            continue
        if isinstance(step, Patch):
            patched = keeps.pop(step.address)
            for offset, piece in step.pieces:
                patched[offset : offset + len(piece)] = piece
            data = b"\xff" * step.hole + bytes(patched[step.hole :])
        else:
            data = bytes(step.length) if isinstance(step, Spoil) else step.data
        assert step.address % target.write == 0
        for at, byte in enumerate(data, step.address):
            flash[at] = byte if target.erasing is Erasing.NONE else flash[at] & byte
        mountable = isinstance(step, Commit)
    assert flash[: len(image)] == image
