"""ESP32: ESP-IDF's own table code and esptool judge ours; damage of each kind is named."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from romfs.errors import DoesNotFit, FormatError
from romfs.formats import esp
from romfs.formats.esp import EspPartition, PartitionTable, read_table
from romfs.formats.memory import Memory
from tests.formats.firmware import (
    DEFAULT_TABLE,
    ROMFS_TABLE,
    esp_firmware,
    esp_image,
    esp_parts,
)

TABLE = PartitionTable(ROMFS_TABLE)


def test_a_table_is_read_as_written() -> None:
    assert read_table(TABLE.pack()) == TABLE
    plain = replace(TABLE, md5=False)
    assert read_table(plain.pack()) == plain
    assert TABLE.romfs == ROMFS_TABLE[-1]


def test_tables_are_those_of_esp_idf() -> None:
    theirs = pytest.importorskip(
        "esp_idf_defs.partitions", reason="esp-idf-defs is not installed (PyPI)"
    )
    table = theirs.PartitionTable.from_binary(TABLE.pack())
    table.verify()
    assert [(p.name, p.type, p.subtype, p.offset, p.size) for p in table] == [
        (p.label, p.type, p.subtype, p.offset, p.size) for p in ROMFS_TABLE
    ]
    assert table.to_binary() == TABLE.pack()


def test_chips_are_those_of_esptool() -> None:
    targets = pytest.importorskip("esptool.targets", reason="esptool is not installed (extra)")
    known = {
        chip.IMAGE_CHIP_ID: chip.BOOTLOADER_FLASH_OFFSET
        for chip in targets.CHIP_DEFS.values()
        if getattr(chip, "IMAGE_CHIP_ID", None) is not None
    }
    assert {chip: offset for chip, (_, offset) in esp.CHIPS.items()}.items() <= known.items()


@pytest.mark.parametrize("chip", list(esp.CHIPS))
def test_images_are_those_of_esptool(chip: int) -> None:
    """Our test images are images, so that what we say of them means something."""
    bin_image = pytest.importorskip("esptool.bin_image", reason="esptool is not installed (extra)")
    name = esp.CHIPS[chip][0].lower().replace("-", "")
    data = esp_image(chip)
    loaded = bin_image.LoadFirmwareImage(name, data)
    assert loaded.checksum == loaded.calculate_checksum()
    image = esp.check_image(Memory([(0, data)]), 0, "it")
    assert (image.chip, image.size, image.flash_size) == (chip, len(data), 4 << 20)


@pytest.mark.parametrize("chip", list(esp.CHIPS))
def test_the_base_of_a_file_is_found(chip: int) -> None:
    offset = esp.CHIPS[chip][1]
    firmware = esp_firmware(chip)
    assert esp.find_base(firmware) == offset
    assert esp.find_base(b"\xff" * offset + firmware) == 0
    assert esp.find_base(firmware[:0x5000]) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TABLE.pack()[:100], "truncated"),
        (TABLE.pack()[:64].ljust(0xC00, b"\0"), "malformed"),
        (TABLE.pack().replace(b"romfs", b"ROMFS"), "MD5"),
        (TABLE.pack()[:160] + TABLE.pack()[:32] + b"\xff" * 64, "follow the checksum"),
        (PartitionTable((*ROMFS_TABLE, ROMFS_TABLE[3])).pack(), "named 'romfs'"),
        (
            PartitionTable((*ROMFS_TABLE, EspPartition(1, 1, 0x1F_0000, 0x2_0000, "x"))).pack(),
            "'x' at 0x1f0000 overlaps partition 'romfs' by 64.0 KiB",
        ),
        (PartitionTable((EspPartition(1, 1, 0x8000, 0x1000, "x"),)).pack(), "partition table by"),
        (PartitionTable((EspPartition(1, 1, 0x9800, 0x1000, "x"),)).pack(), "not aligned"),
    ],
)
def test_bad_tables_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_table(data)


def flash(other: dict[str, bytes]) -> Memory:
    pieces = dict(zip(("bootloader", "table", "app"), esp_parts(9), strict=True))
    return Memory([(at, other.get(name, data)) for name, (at, data) in pieces.items()])


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ({"app": flipped(esp_image(9), 500)}, "checksum"),
        ({"app": flipped(esp_image(9), 16)}, "SHA-256"),
        ({"app": esp_image(9)[:-40]}, "truncated"),
        ({"app": esp_image(9)[:600]}, "segment"),
        ({"app": esp_image(5)}, "ESP32-S3.*ESP32-C3.*different boards"),
        ({"bootloader": esp_image(0)}, "ESP32, which expects it at 0x1000"),
    ],
)
def test_damaged_and_mixed_programs_are_refused(pieces: dict[str, bytes], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        esp.check_firmware(flash(pieces), TABLE)


def test_a_program_larger_than_its_partition_is_refused() -> None:
    rows = (*ROMFS_TABLE[:2], EspPartition(0, 0, 0x1_0000, 0x2000, "factory"))
    with pytest.raises(DoesNotFit, match="'factory'"):
        esp.check_firmware(flash({}), PartitionTable(rows))


def test_a_partition_is_added_after_the_last() -> None:
    table = PartitionTable(DEFAULT_TABLE)
    made = esp.with_romfs(table, 0x4_0000, flash_size=4 << 20)
    assert made.romfs == EspPartition(1, 0x8F, 0x20_0000, 0x4_0000, "romfs")
    assert made.rows[:-1] == table.rows


def test_upstreams_table_comes_from_shrinking_the_program() -> None:
    made = esp.with_romfs(
        PartitionTable(DEFAULT_TABLE), 0x2_0000, flash_size=4 << 20, shrink="factory"
    )
    assert made == TABLE


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0x1001, "flash_size": None}, FormatError, "whole sectors"),
        ({"size": 0x30_0000, "flash_size": 4 << 20}, DoesNotFit, "1.00 MiB beyond"),
        ({"size": 0x1000, "flash_size": None, "offset": 0x1_8000}, FormatError, "overlaps"),
        ({"size": 0x1000, "flash_size": None, "shrink": "app"}, FormatError, "no partition 'app'"),
        (
            {"size": 0x2_0000, "flash_size": None, "shrink": "factory",
             "used": [("factory", 0x1E_8000)]},
            DoesNotFit, "can give up 32.0 KiB",
        ),
    ],
)  # fmt: skip
def test_no_room_is_said(options: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        esp.with_romfs(PartitionTable(DEFAULT_TABLE), **options)  # type: ignore[arg-type]
    with pytest.raises(FormatError, match="already, at 0x1e0000"):
        esp.with_romfs(TABLE, 0x1000, flash_size=None)


def test_a_table_has_95_rows_at_most() -> None:
    rows = [EspPartition(1, 6, 0x9000 + n * 0x1000, 0x1000, f"p{n}") for n in range(95)]
    assert len(PartitionTable(tuple(rows[:94])).pack()) == 0xC00
    with pytest.raises(FormatError, match="too long"):
        PartitionTable(tuple(rows)).pack()


def test_a_broken_header_of_a_table_is_not_taken_for_raw_data() -> None:
    firmware = bytearray(esp_firmware(9))
    struct.pack_into("<I", firmware, 0x8000 + 4, 0x1234)
    assert esp.find_base(bytes(firmware)) == 0
    with pytest.raises(FormatError, match="MD5"):
        esp.table_of(Memory([(0, bytes(firmware))]))
