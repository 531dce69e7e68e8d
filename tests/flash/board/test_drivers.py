"""Each port's driver, without an engine: answers, what reaches the flash, every quirk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import boards
from boards import Quirk
from flash.board.assembly import Assembly, assemble, settled
from flash.board.drivers import Argument, Hang, Refused, Segment
from flash.board.faults import Faults

DATA = bytes(range(256)) * 64
ROM_IOCTL = [
    "PYBD_SF2",
    "OPENMV_N6",
    "WEACTSTUDIO_MINI_STM32H723",
    "ESP8266_GENERIC-FLASH_2M_ROMFS",
]
BLOCKDEV = ["RPI_PICO", "PCA10040", "TEENSY40", "SAMD_GENERIC_D51X19", "ESP32_GENERIC"]

Make = Callable[..., Assembly]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Assembly] = []

    def build(name: str, *faults: str, size: int | None = None, romfs: bool = True) -> Assembly:
        path = tmp_path / f"{len(made)}.bin"
        one = assemble(boards.load(name), path, size=size, faults=Faults.parse(faults), romfs=romfs)
        made.append(one)
        return one

    yield build
    for one in made:
        one.close()


def _ioctl(board: Assembly, *args: Argument) -> object:
    return board.driver.rom_ioctl(args)


@pytest.mark.parametrize("name", [*ROM_IOCTL, *BLOCKDEV, "EK_RA6M2", "MPS2_AN500", "MINISAM_M4"])
def test_requests_every_port_answers_alike(make: Make, name: str) -> None:
    board = make(name)
    assert _ioctl(board, 1) == 1
    assert _ioctl(board, 2, 0) == Segment(0)
    assert _ioctl(board, 5, 0) == -22
    assert _ioctl(board, 99, 0) == -22
    assert not board.supply.log


@pytest.mark.parametrize("name", ["PYBD_SF2", "ALIF_ENSEMBLE:M55_HE"])
def test_a_checked_segment_id_is_refused(make: Make, name: str) -> None:
    board = make(name)
    assert _ioctl(board, 2, 1) == -22
    assert _ioctl(board, 2) == -22


@pytest.mark.parametrize("name", ["RPI_PICO", "ESP8266_GENERIC-FLASH_2M_ROMFS", "EK_RA6M2"])
def test_an_unchecked_segment_id_means_the_first(make: Make, name: str) -> None:
    assert _ioctl(make(name), 2, 7) == Segment(0)


def test_alif_has_two_segments(make: Make) -> None:
    board = make("ALIF_ENSEMBLE:M55_HP")
    assert _ioctl(board, 1) == 2
    assert (_ioctl(board, 6, 0), _ioctl(board, 6, 1)) == (4096, 16)
    assert (_ioctl(board, 3, 0, 0), _ioctl(board, 3, 1, 0)) == (4, 16)


@pytest.mark.parametrize("name", [*BLOCKDEV, "MPS2_AN500"])
def test_rom_ioctl_does_not_write_where_the_object_or_nobody_does(make: Make, name: str) -> None:
    board = make(name)
    for args in ((3, 0, 4096), (3, 0, 0, 4096), (4, 0, 0, b"abcd"), (6, 0)):
        assert _ioctl(board, *args) == -22
    assert not board.supply.log


@pytest.mark.parametrize("name", ROM_IOCTL)
def test_prepare_then_write(make: Make, name: str) -> None:
    board = make(name)
    board.segments[0].load(bytes(8192))
    assert _ioctl(board, 3, 0, 4096) == 4
    assert board.segments[0].is_blank(0, 4096)
    assert board.segments[0].read(4096, 4096) == bytes(4096)
    assert _ioctl(board, 4, 0, 0, DATA[:1024]) == 0
    assert board.segments[0].read(0, 1024) == DATA[:1024]


def test_prepare_of_a_range(make: Make) -> None:
    board = make("PYBD_SF2")
    board.segments[0].load(bytes(16384))
    assert _ioctl(board, 3, 0, 4096, 8192) == 4
    assert board.segments[0].read(0, 4096) == bytes(4096)
    assert board.segments[0].is_blank(4096, 8192)
    assert board.segments[0].read(12288, 4096) == bytes(4096)


@pytest.mark.parametrize("name", ["ESP8266_GENERIC-FLASH_2M_ROMFS", "EK_RA6M2"])
def test_prepare_that_ignores_the_offset(make: Make, name: str) -> None:
    board = make(name)
    unit = board.segments[0].geometry.block_at(0)[1]
    board.segments[0].load(bytes(4 * unit))
    assert _ioctl(board, 6, 0) == -22
    assert _ioctl(board, 3, 0, 0, 2 * unit) == 4  # offset 0 is taken as length 0
    assert not board.supply.log
    assert _ioctl(board, 3, 0, unit, unit) == 4  # and offset as length
    assert board.segments[0].is_blank(0, unit)
    assert board.segments[0].read(unit, unit) == bytes(unit)


def test_h723_has_no_smallest_prepare_and_honours_the_offset(make: Make) -> None:
    board = make("WEACTSTUDIO_MINI_STM32H723")
    assert _ioctl(board, 6, 0) == -22
    board.segments[0].load(bytes(8192))
    assert _ioctl(board, 3, 0, 4096, 4096) == 4
    assert board.segments[0].read(0, 4096) == bytes(4096)
    assert board.segments[0].is_blank(4096, 4096)


def test_only_the_end_of_a_range_is_checked(make: Make) -> None:
    board = make("PYBD_SF2")
    size = board.segments[0].geometry.size
    assert _ioctl(board, 3, 0, size - 4096, 8192) == -22
    assert _ioctl(board, 4, 0, size - 2, b"abcd") == -22
    before = board.bus.memory("firmware_text1")
    assert _ioctl(board, 3, 0, -4096, 4096) == 4
    assert before.is_blank(before.geometry.size - 4096)


def test_an_unaligned_erase_takes_the_bytes_before_it_too(make: Make) -> None:
    board = make("PYBD_SF2")
    board.segments[0].load(bytes(16384))
    assert _ioctl(board, 3, 0, 4096 + 100, 4096) == 4
    assert board.segments[0].is_blank(4096, 8192)


def test_a_write_without_range_check_runs_into_the_neighbour(make: Make) -> None:
    board = make("EK_RA6M2")
    size = board.segments[0].geometry.size
    next_door = board.bus.memory("filesystem")
    before = next_door.read(0, 64)
    assert _ioctl(board, 4, 0, size, bytes(64)) == 0
    assert next_door.read(0, 64) == bytes(64) != before


def test_renesas_programs_a_whole_unit_each_time_and_never_erases(make: Make) -> None:
    board = make("EK_RA6M2")
    assert _ioctl(board, 4, 0, 0, bytes(16)) == 0
    assert sum(op.length for op in board.supply.log) == 2048
    assert _ioctl(board, 4, 0, 0, b"\xff" * 16) == 0  # programmed twice, and 0 stays 0
    assert board.segments[0].read(0, 16) == bytes(16)
    assert {op.kind for op in board.supply.log} == {"program"}


def test_samd_write_erases_by_itself_and_its_long_erase_does_not_reach_far(make: Make) -> None:
    board = make("MINISAM_M4")
    board.segments[0].load(bytes(65536))
    assert _ioctl(board, 6, 0) == 512
    assert _ioctl(board, 3, 0, 100, 512) == -22
    assert _ioctl(board, 3, 0, 0, 32768) == 4
    assert board.segments[0].is_blank(0, 8192)
    assert not board.segments[0].is_blank(8192, 8192)
    assert _ioctl(board, 4, 0, 8192, DATA[:1000]) == 0
    assert board.segments[0].read(8192, 1000) == DATA[:1000]
    assert board.segments[0].read(9192, 100) == bytes(100)


@pytest.mark.parametrize(
    ("name", "prepare", "write"),
    [
        ("PYBD_SF2", -5, -5),
        ("ESP8266_GENERIC-FLASH_2M_ROMFS", -5, -5),
        ("EK_RA6M2", 4, 0),
        ("MINISAM_M4", 4, 0),
    ],
)
def test_a_failing_chip_is_reported_or_not(make: Make, name: str, prepare: int, write: int) -> None:
    board = make(name, "fail=1", "fail=2")
    board.segments[0].load(bytes(4096))
    assert _ioctl(board, 3, 0, 512) == prepare
    assert board.segments[0].read(0, 512) == bytes(512)
    assert _ioctl(board, 4, 0, 0, DATA[:16]) == write
    assert board.segments[0].read(0, 16) == bytes(16)


def test_alif_ospi_hangs_on_a_length_that_is_not_a_multiple_of_4(make: Make) -> None:
    board = make("ALIF_ENSEMBLE:M55_HP")
    assert _ioctl(board, 4, 0, 0, b"abcd") == 0
    for offset, data in ((4, b"abcde"), (5, b"abcd")):
        with pytest.raises(Hang):
            _ioctl(board, 4, 0, offset, data)


def test_alif_mram_needs_no_erase_and_reads_past_a_short_buffer(make: Make) -> None:
    board = make("ALIF_ENSEMBLE:M55_HE")
    board.segments[0].load(bytes(64))
    assert _ioctl(board, 3, 0, 0, 64) == 16
    assert board.segments[0].read(0, 64) == bytes(64)
    assert _ioctl(board, 4, 0, 0, DATA[:20]) == 0
    assert board.segments[0].read(0, 20) == DATA[:20]
    assert board.segments[0].read(20, 12) not in (bytes(12), b"\xff" * 12)  # stray RAM
    assert _ioctl(board, 4, 0, 0, b"\xff" * 16) == 0
    assert board.segments[0].read(0, 16) == b"\xff" * 16


def test_esp8266_rounds_a_write_up_to_4(make: Make) -> None:
    board = make("ESP8266_GENERIC-FLASH_2M_ROMFS")
    assert _ioctl(board, 4, 0, 0, b"abcde") == 0
    assert board.segments[0].read(0, 5) == b"abcde"
    assert not board.segments[0].is_blank(5, 3)
    assert board.segments[0].is_blank(8, 100)


def test_esp8266_does_not_count_arguments_where_others_do(make: Make) -> None:
    assert _ioctl(make("ESP8266_GENERIC-FLASH_2M_ROMFS"), 3, 0) == 4
    assert _ioctl(make("PYBD_SF2"), 3, 0) == -22
    assert _ioctl(make("PYBD_SF2"), 4, 0, 0) == -22
    assert _ioctl(make("EK_RA6M2"), 3, 0) == -22


def test_a_driver_for_another_chip_says_yes_and_does_nothing(make: Make) -> None:
    board = make("VK_RA6M5")
    assert Quirk.DRIVER_PROBABLY_BROKEN in board.board.partition(0).quirks
    assert _ioctl(board, 3, 0, 32768) == 4
    assert _ioctl(board, 4, 0, 0, bytes(2048)) == 0
    assert not board.supply.log


def test_numbers_and_buffers_are_not_mixed_up(make: Make) -> None:
    board = make("PYBD_SF2")
    with pytest.raises(TypeError):
        _ioctl(board, 4, 0, 0, 5)
    with pytest.raises(TypeError):
        _ioctl(board, 3, 0, b"abcd")


@pytest.mark.parametrize("name", ["TEENSY40", "PCA10040", "SAMD_GENERIC_D51X19"])
def test_without_a_partition_everything_is_refused(make: Make, name: str) -> None:
    board = make(name, romfs=False)
    assert board.driver.has_rom_ioctl
    assert [_ioctl(board, op, 0) for op in (1, 2, 3, 4, 5, 6)] == [-22] * 6


@pytest.mark.parametrize("name", ["RPI_PICO", "PYBD_SF2"])
def test_without_a_partition_some_ports_have_no_rom_ioctl(make: Make, name: str) -> None:
    assert not make(name, romfs=False).driver.has_rom_ioctl


# Block devices.


@pytest.mark.parametrize(
    ("name", "count", "size"),
    [
        ("RPI_PICO", 32, 4096),
        ("PCA10040", 32, 4096),
        ("PCA10001", 12, 1024),
        ("TEENSY40", 64, 4096),
        ("SAMD_GENERIC_D51X19", 32, 2048),
        ("SAMD_GENERIC_D21X18", 8, 1536),
        ("ESP32_GENERIC", 32, 4096),
    ],
)
def test_block_device_sizes(make: Make, name: str, count: int, size: int) -> None:
    driver = make(name).driver
    assert (driver.ioctl(0, 4, 0), driver.ioctl(0, 5, 0)) == (count, size)


@pytest.mark.parametrize("name", ["RPI_PICO", "PCA10040", "TEENSY40", "ESP32_GENERIC"])
def test_a_block_is_erased_then_programmed(make: Make, name: str) -> None:
    board = make(name)
    flash = board.segments[0]
    flash.load(bytes(8192))
    assert board.driver.ioctl(0, 6, 1) == 0
    assert flash.read(0, 4096) == bytes(4096)
    assert flash.is_blank(4096, 4096)
    assert board.driver.writeblocks(0, 1, DATA[:256], 512) is None
    assert flash.read(4096 + 512, 256) == DATA[:256]
    assert flash.is_blank(4096, 512)
    board.driver.writeblocks(0, 0, DATA[:4096], None)
    assert flash.read(0, 4096) == DATA[:4096]


@pytest.mark.parametrize(
    ("name", "erased"), [("RPI_PICO", 2), ("ESP32_GENERIC", 2), ("PCA10040", 1), ("TEENSY40", 1)]
)
def test_how_much_writeblocks_erases(make: Make, name: str, erased: int) -> None:
    board = make(name)
    board.segments[0].load(bytes(8192))
    board.driver.writeblocks(0, 0, DATA[:8192], None)
    assert sum(op.kind == "erase" for op in board.supply.log) == erased
    assert board.segments[0].read(0, erased * 4096) == DATA[: erased * 4096]
    if erased == 1:
        assert board.segments[0].read(4096, 4096) == bytes(4096)


def test_rp2_programs_whole_pages_and_wraps_inside_one(make: Make) -> None:
    board = make("RPI_PICO")
    flash = board.segments[0]
    board.driver.writeblocks(0, 0, b"abc", 0)
    assert flash.read(0, 3) == b"abc"
    assert not flash.is_blank(3, 253)  # RAM behind the buffer
    assert flash.is_blank(256, 4096)
    board.driver.writeblocks(0, 1, DATA[:256], 16)
    assert flash.read(4096, 256) == DATA[240:256] + DATA[:240]


def test_rp2_and_samd_do_not_report_a_failing_chip(make: Make) -> None:
    for name in ("RPI_PICO", "SAMD_GENERIC_D51X19"):
        board = make(name, "fail=1", "fail=2")
        assert board.driver.ioctl(0, 6, 0) == 0
        board.driver.writeblocks(0, 0, bytes(256), 0)
        assert board.segments[0].is_blank()


def test_mimxrt_and_esp32_report_a_failing_chip_each_their_way(make: Make) -> None:
    teensy = make("TEENSY40", "fail=1", "fail=2").driver
    assert teensy.ioctl(0, 6, 0) == 1
    with pytest.raises(Refused) as caught:
        teensy.writeblocks(0, 0, bytes(256), 0)
    assert caught.value.errno == 5
    esp32 = make("ESP32_GENERIC", "fail=1", "fail=2").driver
    with pytest.raises(Refused):
        esp32.ioctl(0, 6, 0)
    with pytest.raises(Refused):
        esp32.writeblocks(0, 0, bytes(256), 0)


def test_esp32_checks_the_range_and_rp2_does_not(make: Make) -> None:
    esp32 = make("ESP32_GENERIC").driver
    with pytest.raises(Refused):
        esp32.ioctl(0, 6, 32)
    with pytest.raises(Refused):
        esp32.writeblocks(0, 31, bytes(256), 4000)
    pico = make("RPI_PICO")
    filesystem = pico.bus.memory("filesystem")
    assert not filesystem.is_blank(0, 4096)
    assert pico.driver.ioctl(0, 6, 32) == 0
    assert filesystem.is_blank(0, 4096)


def test_samd_erase_of_romfs_hits_the_filesystem(make: Make) -> None:
    board = make("SAMD_GENERIC_D51X19")
    board.segments[0].load(bytes(65536))
    filesystem = board.bus.memory("filesystem")
    assert board.driver.ioctl(0, 6, 4) == 0
    assert board.segments[0].read() == bytes(65536)
    assert filesystem.is_blank(8192, 2048)
    assert not filesystem.is_blank(0, 8192)
    assert not filesystem.is_blank(10240, 6144)
    # Whole blocks without offset go to the right place, and keep the rest of the unit.
    board.driver.writeblocks(0, 5, DATA[:2048], None)
    assert board.segments[0].read(10240, 2048) == DATA[:2048]
    assert board.segments[0].read(8192, 2048) == bytes(2048)
    assert board.segments[0].read(12288, 4096) == bytes(4096)


def test_samd_without_filesystem_erases_outside_the_chip(make: Make) -> None:
    board = make("SAMD_GENERIC_D51X20")
    assert board.driver.ioctl(0, 6, 0) == 0
    assert not board.supply.log


def test_romfs_and_filesystem_may_be_the_same_flash(make: Make) -> None:
    board = make("GARATRONIC_PYMATE_CORE8ADI8DOSC")
    assert [place.memory.name for place in board.bus.places] == ["romfs0"]


# Sizes.


def test_a_chosen_size_moves_what_is_anchored_at_the_end() -> None:
    row = boards.load("RPI_PICO")
    small, large = settled(row, 65536).partition(0), settled(row, 262144).partition(0)
    assert (small.size, large.size) == (65536, 262144)
    assert small.address is not None and large.address is not None
    assert small.address + 65536 == large.address + 262144 == row.partition(0).end


def test_every_board_can_be_assembled(make: Make, tmp_path: Path) -> None:
    for row in boards.all_boards():
        if row.port in ("esp32", "rp2") and row.key not in ("ESP32_GENERIC", "RPI_PICO"):
            continue  # dozens of equal rows
        if any((part.size or 0) > 8 << 20 for part in row.partitions):
            continue  # one of each kind is tested above
        board = make(row.id)
        addresses = [(place.address, place.end) for place in board.bus.places]
        for (_, end), (start, _) in pairwise(addresses):
            assert end <= start, row.id
        board.close()
