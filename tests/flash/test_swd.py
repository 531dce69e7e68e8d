"""The SWD route over pyOCD's memory map and a model of flash."""

from __future__ import annotations

import pytest

pytest.importorskip("pyocd", reason="pyOCD is not installed (extra 'swd')")

import boards
from boards import EraseRegion
from flash.bootloader import Outcome, deploy, make_target
from flash.plan import Kind
from flash.swd import SwdTransport, guess_target, open_session
from romfs.errors import (
    BoardError,
    DoesNotFit,
    NoPartition,
    NoPort,
    TransportError,
    VerifyError,
    WriteRefused,
)
from tests.formats.firmware import romfs_image
from tests.sim.swd_target import Chip, Session

BOARD = boards.load("SAMD21_XPLAINED_PRO")
AT, SIZE = 0x2_0000, 0x1_0000
IMAGE = romfs_image(20_000)


@pytest.fixture
def chip() -> Chip:
    made = Chip()
    made.nor.load(b"\x5a" * 0x4_0000)
    return made


def run(chip: Chip, image: bytes = IMAGE, **options: bool) -> Outcome:
    route = SwdTransport(Session(chip), AT, SIZE)
    part = boards.load("SEEED_XIAO_SAMD21").partition(0).with_size(SIZE)
    target = make_target(BOARD, part, erase=route.erase_regions(), write=route.write)
    try:
        return deploy(route, image, target, full=options.get("full", False))
    finally:
        route.close()


def test_the_image_arrives_is_read_back_and_the_firmware_started(chip: Chip) -> None:
    done = run(chip)
    assert (done.plan.kind, done.verified) == (Kind.FULL, True)
    assert chip.nor.read(AT, len(IMAGE)) == IMAGE
    assert chip.nor.read(0, AT) == b"\x5a" * AT
    assert chip.nor.read(AT + 5 * 4096, 4096) == b"\x5a" * 4096
    assert (chip.starts, chip.halted) == (1, False)
    # The header's sector is erased first, and its first page programmed last.
    log = chip.nor.supply.log
    assert (log[0].kind, log[0].offset) == ("erase", AT)
    assert (log[-1].kind, log[-1].offset) == ("program", AT)


def test_the_same_image_is_not_written_again_and_a_change_alone(chip: Chip) -> None:
    chip.nor.load(IMAGE, AT)
    assert run(chip).plan.kind is Kind.NOTHING
    assert chip.nor.supply.log == []
    chip.nor.load(b"damage", AT + 9000)
    assert run(chip).plan.kind is Kind.CHANGES
    assert chip.nor.read(AT, len(IMAGE)) == IMAGE
    erased = [entry.offset for entry in chip.nor.supply.log if entry.kind == "erase"]
    assert erased == [AT, AT + 8192]


def test_a_failing_algorithm_is_told_and_cleaned_up(chip: Chip) -> None:
    chip.nor.supply.fail = frozenset({3})
    with pytest.raises(WriteRefused, match="flash algorithm failed"):
        run(chip)
    chip.nor.supply.fail = frozenset()
    assert run(chip).verified


def test_worn_flash_is_found_out(chip: Chip) -> None:
    chip.nor.worn = frozenset({AT + 4096})
    chip.nor.load(b"\xff" * len(IMAGE), AT)
    image = IMAGE[:4096] + b"\x01" + IMAGE[4097:]
    with pytest.raises(VerifyError):
        run(chip, image)


def test_a_probe_that_is_unplugged_is_a_lost_link(chip: Chip) -> None:
    chip.unplugged = True
    with pytest.raises(TransportError):
        run(chip)


def test_power_cut_after_every_operation_leaves_old_new_or_nothing(chip: Chip) -> None:
    image, old = romfs_image(9000), romfs_image(8000)
    whole = Chip()
    whole.nor.load(old, AT)
    run(whole, image, full=True)
    for cut in range(1, whole.nor.supply.count + 1):
        device = Chip()
        device.nor.load(old, AT)
        device.nor.supply.cut_after = cut
        with pytest.raises(TransportError):
            run(device, image, full=True)
        held = device.nor.read(AT, len(image))
        assert held[: len(old)] == old or held == image or held[:3] != image[:3], cut
        device.nor.supply.restore()
        assert run(device, image).verified


def test_too_large_is_refused_before_anything_is_written(chip: Chip) -> None:
    with pytest.raises(DoesNotFit):
        run(chip, romfs_image(SIZE))
    assert chip.nor.supply.log == []


@pytest.mark.parametrize("address", [0x2000_0000, 0x9000_0000])
def test_memory_that_is_not_flash_is_refused(chip: Chip, address: int) -> None:
    with pytest.raises(NoPartition, match="no flash algorithm"):
        SwdTransport(Session(chip), address, 4096)


def test_a_partition_of_half_a_sector_is_refused(chip: Chip) -> None:
    with pytest.raises(NoPartition, match="not whole sectors"):
        SwdTransport(Session(chip), AT + 1024, 4096)
    with pytest.raises(NoPartition, match="not whole sectors"):
        SwdTransport(Session(chip), AT, 5000)
    assert SwdTransport(Session(chip), AT, 8192).erase_regions() == (EraseRegion(0, 4096, 2),)


def test_chips_are_named_as_pyocd_does() -> None:
    known = pytest.importorskip("pyocd.target").TARGET
    assert guess_target(boards.load("RPI_PICO"), known) == "rp2040"
    assert guess_target(boards.load("PCA10056"), known) == "nrf52840"
    with pytest.raises(BoardError, match="--target"):
        guess_target(boards.load("SAMD21_XPLAINED_PRO"), known)


def test_no_probe_is_told() -> None:
    with pytest.raises(NoPort, match="no debug probe"):
        open_session(boards.load("RPI_PICO"), probe="none such")
