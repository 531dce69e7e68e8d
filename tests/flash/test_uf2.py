"""The UF2 route against a simulated drive: what it takes, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

import boards
from flash import uf2
from flash.bootloader import deploy, make_target
from flash.plan import Kind
from flash.target import Erasing
from flash.uf2 import Uf2Transport, choose_drive, find_drives, parse_info
from romfs.errors import BoardError, NoPort, TransportError, WriteRefused
from tests.formats.firmware import romfs_image
from tests.sim.uf2_drive import RP2040, Uf2Drive, running

BOARD = boards.load("RPI_PICO")
PART = BOARD.partition(0).with_size(0x2_0000)
ADDRESS = PART.address or 0
IMAGE = romfs_image(20_000)
TARGET = make_target(BOARD, PART, erasing=Erasing.WHOLE, write=4096)


@pytest.fixture
def drive(tmp_path: Path) -> Uf2Drive:
    made = Uf2Drive(tmp_path / "media/RPI-RP2")
    made.flash.load(b"\x5a" * 0x20_0000)
    return made


def transport(drive: Uf2Drive, patience: float = 5.0) -> Uf2Transport:
    found = choose_drive(RP2040, volumes=lambda: [drive.path])
    return Uf2Transport(found, ADDRESS, 0x2_0000, RP2040, patience=patience)


def held(drive: Uf2Drive, length: int) -> bytes:
    return drive.flash.read(ADDRESS - drive.base, length)


def test_the_image_arrives_and_nothing_else_changes(drive: Uf2Drive) -> None:
    drive.appear()
    with running(drive):
        done = deploy(transport(drive), IMAGE, TARGET)
    assert drive.restarted
    assert (done.written, done.verified) == (True, False)
    assert held(drive, len(IMAGE)) == IMAGE
    before, after = ADDRESS - drive.base, ADDRESS - drive.base + -(-len(IMAGE) // 4096) * 4096
    assert drive.flash.read(0, before) == b"\x5a" * before
    assert drive.flash.read(after, 4096) == b"\x5a" * 4096


def test_a_drive_that_shows_its_flash_spares_writing_the_same(drive: Uf2Drive) -> None:
    drive.flash.load(IMAGE, ADDRESS - drive.base)
    drive.appear(shows_flash=True)
    done = deploy(transport(drive), IMAGE, TARGET)
    assert (done.plan.kind, done.verified) == (Kind.NOTHING, True)
    assert drive.taken == {}
    drive.flash.load(b"x", ADDRESS - drive.base + 9000)
    drive.restart()
    drive.appear(shows_flash=True)
    with running(drive):
        done = deploy(transport(drive), IMAGE, TARGET)
    assert held(drive, len(IMAGE)) == IMAGE
    assert done.plan.kind is Kind.CHANGES
    assert len(drive.taken) < len(IMAGE) // 256


def test_a_dry_run_copies_nothing(drive: Uf2Drive) -> None:
    drive.appear()
    deploy(transport(drive), IMAGE, TARGET, dry_run=True)
    assert sorted(path.name for path in drive.path.iterdir()) == ["INDEX.HTM", "INFO_UF2.TXT"]


def test_a_bootloader_that_takes_nothing_is_not_called_done(drive: Uf2Drive) -> None:
    drive.appear()
    drive.deaf = True
    with running(drive), pytest.raises(WriteRefused, match="did not take the file"):
        deploy(transport(drive, patience=0.3), IMAGE, TARGET)


def test_an_address_out_of_its_reach_is_not_called_done(drive: Uf2Drive) -> None:
    drive.appear()
    drive.reach = (drive.base, drive.base + 0x1_0000)
    with running(drive), pytest.raises(WriteRefused, match="an address it does not write"):
        deploy(transport(drive, patience=0.3), IMAGE, TARGET)


def test_a_drive_that_cannot_be_written_is_told(drive: Uf2Drive) -> None:
    drive.appear()
    route = transport(drive)
    (drive.path / uf2.FILE).mkdir()  # nobody can open it for writing
    with pytest.raises((WriteRefused, TransportError)):
        deploy(route, IMAGE, TARGET)


def test_a_drive_that_goes_away_before_the_copy_is_told(drive: Uf2Drive) -> None:
    drive.appear()
    route = transport(drive)
    drive.restart()
    with pytest.raises(TransportError, match="went away after 0 of"):
        deploy(route, IMAGE, TARGET)


def test_the_wrong_board_is_refused_before_anything_is_written(drive: Uf2Drive) -> None:
    drive.appear("UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n")
    with pytest.raises(BoardError, match="RP2350, which does not take family 0xe48bff56"):
        transport(drive)


@pytest.mark.parametrize(
    ("board_id", "family", "fits"),
    [
        ("RPI-RP2", 0xE48BFF56, True),
        ("RP2350", 0xE48BFF5A, True),
        ("RP2350", 0xE48BFF56, False),
        ("SAMD51J19A-Feather-v0", 0x55114460, True),
        ("SAMD21G18A-Zero-v0", 0x55114460, False),
        ("nRF52840-SomeBoard", 0xADA52840, True),
    ],
)
def test_families_follow_the_board_id(
    board_id: str, family: int, fits: bool, tmp_path: Path
) -> None:
    drive = parse_info(tmp_path, f"UF2 Bootloader\nModel: m\nBoard-ID: {board_id}\n")
    assert drive.board_id == board_id
    assert (drive.families is None or family in drive.families) is fits


def test_drives_are_told_from_other_volumes(tmp_path: Path) -> None:
    (tmp_path / "usb stick").mkdir()
    lower = tmp_path / "FEATHER"
    lower.mkdir()
    (lower / "info_uf2.txt").write_text("UF2 Bootloader\nBoard-ID: SAMD51J19A\n")
    volumes = [tmp_path / "usb stick", lower, tmp_path / "gone"]
    assert [drive.path for drive in find_drives(lambda: volumes)] == [lower]
    with pytest.raises(NoPort, match="BOOTSEL"):
        choose_drive(RP2040, volumes=list)
    with pytest.raises(NoPort, match="is not a UF2 drive"):
        choose_drive(RP2040, where=volumes[0])


def test_several_boards_must_be_told_apart(tmp_path: Path) -> None:
    drives = [Uf2Drive(tmp_path / name) for name in "ab"]
    for drive in drives:
        drive.appear()
    paths = [drive.path for drive in drives]
    with pytest.raises(NoPort, match="several UF2 drives"):
        choose_drive(RP2040, volumes=lambda: paths)
    assert choose_drive(RP2040, where=paths[1]).path == paths[1]


def test_boards_know_their_family() -> None:
    assert uf2.uf2_family(BOARD) == RP2040
    with pytest.raises(BoardError, match="no UF2"):
        uf2.uf2_family(boards.load("PYBD_SF2"))
