"""The rows against figures taken from upstream's source by another route.

`fingerprints.txt` holds a digest of each board as loaded, so that a change of the merging
code, or of a default, cannot alter boards unnoticed. After a deliberate change run
`python -m tests.boards.test_facts` and look at which lines differ.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest

import boards
from boards import Board, Quirk

FINGERPRINTS = Path(__file__).parent / "fingerprints.txt"


def fingerprint(board: Board) -> str:
    text = json.dumps(asdict(board), sort_keys=True)
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}  {board.id}"


def test_fingerprints() -> None:
    now = [fingerprint(board) for board in boards.all_boards()]
    assert now == FINGERPRINTS.read_text(encoding="utf-8").splitlines()


# rom_ioctl(3) on success, whether it takes an offset, rom_ioctl(6), what a write must be a
# multiple of; None: -22. Read off each port's vfs_rom_ioctl.c.
ROM_IOCTL = {
    "stm32/PYBD_SF2": (4, True, 4096, 1),
    "stm32/WEACTSTUDIO_MINI_STM32H723": (4, True, None, 1),
    "stm32/OPENMV_N6": (4, True, 4096, 4),
    "alif/ALIF_ENSEMBLE:M55_HE": (16, True, 16, 16),
    "alif/ALIF_ENSEMBLE:M55_HP": (4, True, 4096, 4),
    "esp8266/ESP8266_GENERIC-FLASH_2M_ROMFS": (4, False, None, 4),
    "renesas-ra/EK_RA6M2": (4, False, None, 2048),
    "samd/ADAFRUIT_FEATHER_M0_EXPRESS": (4, True, 64, 1),
    "samd/SEEED_WIO_TERMINAL": (4, True, 512, 1),
    "qemu/MPS2_AN385": (None, None, None, None),
    "unix/unix-coverage": (None, None, None, None),
    "rp2/RPI_PICO2": (None, None, None, 256),
    "nrf/MICROBIT": (None, None, None, 1),
    "mimxrt/TEENSY40": (None, None, None, 1),
    "samd/SAMD_GENERIC_D51X19": (None, None, None, 1),
    "esp32/ESP32_GENERIC": (None, None, None, 1),
}


@pytest.mark.parametrize("name", ROM_IOCTL)
def test_rom_ioctl(name: str) -> None:
    part = boards.load(name).partition()
    assert ROM_IOCTL[name] == (
        part.prepare_returns,
        part.prepare_takes_offset,
        part.min_prepare,
        part.write,
    )


@pytest.mark.parametrize(
    ("name", "address", "size", "erase", "block"),
    [
        ("ESP8266_GENERIC", 0x402B_0000, 0x5_0000, 4096, None),
        ("PYBD_SF3", 0x9010_0000, 0x10_0000, 4096, None),
        ("OPENMV_N6", 0x7080_0000, 24 << 20, 4096, None),
        ("MICROBIT", 0x2_D000, 12 << 10, 1024, 1024),
        ("PCA10040", 0x5_0000, 128 << 10, 4096, 4096),
        ("PCA10056", 0xB_0000, 256 << 10, 4096, 4096),
        ("TEENSY40", 0x600C_0000, 256 << 10, 4096, 4096),
        ("EK_RA6M2", 0xA_0000, 256 << 10, 32768, None),
        ("EK_RA4M1", 0x3_4000, 12 << 10, 2048, None),
        ("SEEED_WIO_TERMINAL", 0x7_0000, 64 << 10, 8192, None),
        ("ADAFRUIT_FEATHER_M0_EXPRESS", 0x3_D000, 12 << 10, 256, None),
        ("SAMD_GENERIC_D51X20", 0xC_0000, 256 << 10, 8192, 2048),
        ("MPS3_AN547", 0x6200_0000, 32 << 20, 0, None),
    ],
)
def test_geometry(name: str, address: int, size: int, erase: int, block: int | None) -> None:
    part = boards.load(name).partition()
    assert (part.address, part.size, part.erase_size_at(0)) == (address, size, erase)
    assert part.block_size == block


def test_esp32_partition_table() -> None:
    """partitions-4MiB-romfs.csv."""
    board = boards.load("ESP32_GENERIC_C6")
    part = board.partition()
    assert (part.flash_offset, part.size, part.address) == (0x1E_0000, 0x2_0000, None)
    assert board.flash.firmware is not None
    assert (board.flash.firmware.start, board.flash.firmware.size) == (0x1_0000, 0x1D_0000)
    assert [region.name for region in board.layout()][-3:] == ["factory", "romfs", "vfs"]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("RPI_PICO", 0xE48B_FF56),
        ("RPI_PICO2", 0xE48B_FF59),
        ("RPI_PICO2-RISCV", 0xE48B_FF5A),
        ("TEENSY41", 0x4FB2_D5BD),
        ("SEEED_XIAO_SAMD21", 0x68ED_2B88),
        ("SEEED_WIO_TERMINAL", 0x5511_4460),
    ],
)
def test_uf2_families(name: str, family: int) -> None:
    ways = {way.method: way for way in boards.load(name).flashing}
    assert ways["uf2"].uf2_family == family


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        (Quirk.ROMFS_SHARES_FILESYSTEM, {"stm32/GARATRONIC_PYMATE_CORE8ADI8DOSC"}),
        (Quirk.DRIVER_PROBABLY_BROKEN, {"renesas-ra/VK_RA6M5"}),
        (Quirk.MIN_PREPARE_ABSENT, {"stm32/WEACTSTUDIO_MINI_STM32H723"}),
        (Quirk.FILESYSTEM_SIZE_ZERO, {"samd/SAMD_GENERIC_D51X20"}),
        (Quirk.MAY_OVERLAP_BOOTLOADER, {"nrf/ARDUINO_NANO_33_BLE_SENSE"}),
        (Quirk.UF2_BASE_DIFFERS, {"mimxrt/MIMXRT1064_EVK"}),
        (Quirk.DISABLED_ROM_IOCTL, {"mimxrt/MIMXRT1050_EVK"}),
        (Quirk.OCTAL_BYTE_ORDER_UNKNOWN, {"alif/OPENMV_AE3:M55_HP", "stm32/OPENMV_N6"}),
    ],
)
def test_hazards_of_single_boards(quirk: Quirk, expected: set[str]) -> None:
    assert {board.id for board in boards.all_boards() if quirk in board.quirks} == expected


@pytest.mark.parametrize(
    ("quirk", "holds"),
    [
        (Quirk.PREPARE_IGNORES_OFFSET, lambda b: b.port in ("esp8266", "renesas-ra")),
        (Quirk.ALWAYS_REPORTS_SUCCESS, lambda b: b.port in ("samd", "renesas-ra", "rp2")),
        (Quirk.PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE, lambda b: b.port == "renesas-ra"),
        (Quirk.READ_ONLY_SEGMENT, lambda b: b.port in ("qemu", "unix")),
        (Quirk.SHARED_BETWEEN_CORES, lambda b: b.port == "alif"),
        (Quirk.BOOTS_FROM_ROMFS, lambda b: b.core == "M55_HE"),
        (
            Quirk.IOCTL_ERASE_HITS_FILESYSTEM,
            lambda b: b.port == "samd" and b.partition().is_block_device,
        ),
    ],
)
def test_hazards_of_ports(quirk: Quirk, holds: object) -> None:
    assert callable(holds)
    for board in boards.all_boards():
        assert (quirk in board.quirks) == bool(holds(board)), board.id


if __name__ == "__main__":
    lines = [fingerprint(board) for board in boards.all_boards()]
    FINGERPRINTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} fingerprints written")
