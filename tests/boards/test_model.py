"""Geometry of partitions and layouts of boards."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import boards
from boards import Board, EraseRegion, Flash, Level, Partition, Quirk, Region
from romfs.errors import BoardError


@st.composite
def partitions(draw: st.DrawFn) -> Partition:
    """A partition of one to four runs of erase units."""
    runs = draw(
        st.lists(
            st.tuples(st.sampled_from([16, 256, 4096, 0x8000]), st.integers(1, 5)),
            min_size=1,
            max_size=4,
        )
    )
    regions, at = [], 0
    for size, count in runs:
        regions.append(EraseRegion(at, size, count))
        at += size * count
    return Partition(index=0, name="romfs0", size=at, erase=tuple(regions))


@given(partitions(), st.data())
def test_erase_blocks_cover_the_range_and_no_more(part: Partition, data: st.DataObject) -> None:
    size = part.size or 0
    offset = data.draw(st.integers(0, size - 1))
    length = data.draw(st.integers(1, size - offset))
    blocks = list(part.erase_blocks(length, offset))
    assert blocks[0][0] <= offset < sum(blocks[0])
    assert blocks[-1][0] < offset + length <= sum(blocks[-1])
    for (start, span), (following, _) in itertools.pairwise(blocks):
        assert start + span == following
    for start, span in blocks:
        assert part.erase_size_at(start) == part.erase_size_at(start + span - 1) == span
        assert part.alignment % span == 0 or span % part.alignment == 0


@given(partitions())
def test_nothing_outside_the_partition_has_an_erase_unit(part: Partition) -> None:
    for offset in (-1, part.size or 0):
        with pytest.raises(BoardError, match="is outside romfs0"):
            part.erase_size_at(offset)
    assert list(part.erase_blocks(0)) == []


def test_no_erase_needed_means_no_blocks() -> None:
    part = Partition(index=0, name="ram", size=4096)
    assert part.erase_size_at(0) == 0
    assert list(part.erase_blocks(4096)) == []
    assert part.alignment == 1


def test_a_build_option_gives_the_size() -> None:
    part = boards.load("RPI_PICO").partition()
    assert (part.size, part.capacity, part.address) == (None, None, None)
    assert part.erase_size_at(0) == 4096
    built = part.with_size(0x2_0000)
    # flash of 2 MiB less a filesystem of 1408 KiB, less 128 KiB
    assert built.end == 0x1000_0000 + 0x20_0000 - 1408 * 1024
    assert built.address == built.end - 0x2_0000
    assert built.flash_offset == 0x20_0000 - 1408 * 1024 - 0x2_0000
    assert built.capacity == 0x2_0000
    assert len(list(built.erase_blocks(0x2_0000))) == 32
    with pytest.raises(BoardError, match="5000 bytes is not a whole number of 4096-byte"):
        part.with_size(5000)
    with pytest.raises(BoardError, match="but only 655360 are below its end"):
        part.with_size(0x10_0000)


def test_another_size_moves_the_end_that_is_free() -> None:
    below_filesystem = boards.load("TEENSY41").partition().with_size(0x8_0000)
    assert (below_filesystem.address, below_filesystem.end) == (0x6008_0000, 0x6010_0000)
    assert below_filesystem.flash_offset == 0x8_0000
    above_firmware = boards.load("SEEED_WIO_TERMINAL").partition().with_size(0x8000)
    assert (above_firmware.address, above_firmware.end) == (0x7_0000, 0x7_8000)


def test_a_partition_table_or_the_chip_may_say_otherwise() -> None:
    assert boards.load("ESP32_GENERIC").partition().with_size(0x4_0000).capacity == 0x4_0000
    assert boards.load("PYBD_SF6").partition().with_size(8 << 20).end == 0x9080_0000


def test_a_fixed_size_stays() -> None:
    part = boards.load("PYBD_SF2").partition()
    assert part.with_size(0x10_0000) == part
    with pytest.raises(BoardError, match="romfs0 always has 1048576 bytes, not 4096"):
        part.with_size(4096)


@pytest.mark.parametrize("name", boards.names())
def test_every_partition_is_whole_erase_units_at_an_aligned_place(name: str) -> None:
    for part in boards.load(name).partitions:
        assert part.quirks, "each port departs somewhere"
        assert part.writable != (Quirk.READ_ONLY_SEGMENT in part.quirks)
        if part.address is not None and part.erase:
            assert part.address % part.erase[0].block_size == 0
        if part.size is not None and part.erase:
            blocks = list(part.erase_blocks(part.size))
            assert sum(size for _, size in blocks) == part.size


def test_usable_size_is_the_capacity() -> None:
    part = boards.load("WEACTSTUDIO_MINI_STM32H723").partition()
    assert (part.size, part.capacity) == (0x80_0000, 0x10_0000)
    assert Quirk.USABLE_SMALLER_THAN_DECLARED in part.quirks


def test_quirks_of_one_partition_are_not_the_others() -> None:
    ospi, mram = boards.load("OPENMV_AE3:M55_HP").partitions
    assert Quirk.WRITE_LENGTH_MULTIPLE_OF_4_OR_HANG in ospi.quirks
    assert Quirk.WRITE_LENGTH_MULTIPLE_OF_4_OR_HANG not in mram.quirks
    assert Quirk.NO_ERASE_NEEDED in mram.quirks
    assert Quirk.NO_ERASE_NEEDED not in ospi.quirks


def test_partition_by_index() -> None:
    board = boards.load("ALIF_ENSEMBLE:M55_HP")
    assert board.partition(1).name == "romfs_mram"
    with pytest.raises(BoardError, match=r"no ROMFS partition 2; it has only 0\.\.1"):
        board.partition(2)
    with pytest.raises(BoardError, match="it has none"):
        boards.load("MIMXRT1050_EVK").partition()


def test_layout_is_in_address_order_and_whole() -> None:
    layout = boards.load("mimxrt/TEENSY41").layout()
    assert [region.kind for region in layout] == [
        "firmware",
        "firmware",
        "romfs",
        "filesystem",
        "reserved",
    ]
    for one, other in itertools.pairwise(layout):
        if one.name != "boot_header_and_ivt":  # the text starts after the vectors
            assert (one.start or 0) + (one.size or 0) == other.start


def test_firmware_joins_adjoining_regions_of_this_core_only() -> None:
    teensy = boards.load("TEENSY41").flash.firmware
    assert teensy is not None and (teensy.start, teensy.size) == (0x6000_0000, 0xC_0000)
    cores = boards.load("OPENMV_AE3:M55_HE").flash.firmware
    assert cores is not None and cores.name == "firmware_he"
    split = boards.load("PYBD_SF2").flash.firmware
    assert split is not None and split.size == 0x7_8000, "the rest is in another chip"


def test_overlap_needs_its_quirk() -> None:
    shared = boards.load("GARATRONIC_PYMATE_CORE8ADI8DOSC")
    filesystem = shared.flash.filesystem
    assert filesystem is not None and filesystem.start == shared.partition().address
    assert Quirk.ROMFS_SHARES_FILESYSTEM in shared.quirks
    with pytest.raises(BoardError, match="0x400 bytes into filesystem"):
        Board(
            port="x",
            board="X",
            partitions=(Partition(0, "romfs0", address=0, size=0x1000, end=0x1000),),
            flash=Flash(regions=(Region("filesystem", "filesystem", 0xC00, 0x1000),)),
        )


def test_transports_leave_out_what_cannot_reach() -> None:
    assert boards.load("WEACTSTUDIO_MINI_STM32H743").transports == ("rom_ioctl",)
    assert boards.load("PYBD_SF2").transports == ("rom_ioctl", "dfuse-mboot")
    assert boards.load("esp32/ESP32_GENERIC_S3").transports == ("blockdev", "esptool")
    assert boards.load("VIRT_RV32").transports == ("qemu-loader",)


def test_quirks_speak_to_users() -> None:
    for quirk in Quirk:
        assert quirk == quirk.name.lower() and isinstance(quirk.level, Level)
        assert quirk.description.endswith(".") and 30 < len(quirk.description) < 200
    used = {quirk for board in boards.all_boards() for quirk in board.quirks}
    # Of stm32 internal flash, which no upstream board uses for ROMFS.
    assert set(Quirk) - used == {Quirk.TAIL_BYTES_DROPPED, Quirk.WRITE_UNIT_LARGER_THAN_ADVERTISED}
