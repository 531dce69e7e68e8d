"""The ESP32 route: esptool itself talks to a simulated chip on a pty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import boards
from flash.bootloader import Outcome, deploy, make_target
from flash.esp import EspTool, EspTransport, device_table, find_partition
from flash.plan import Kind
from flash.target import Erasing
from romfs.errors import (
    BoardError,
    DoesNotFit,
    NoPartition,
    NoPort,
    TransportError,
    VerifyError,
    WriteRefused,
)
from romfs.formats.esp import EspPartition, PartitionTable
from tests.formats.firmware import DEFAULT_TABLE, ROMFS_TABLE, esp_firmware, romfs_image
from tests.sim.esp_rom import EspRom, on_a_port

pytest.importorskip("esptool", reason="esptool is not installed (extra 'esp')")

BOARD = boards.load("ESP32_GENERIC_S3")
IMAGE = romfs_image(50_000)
AT = 0x1E_0000
CHIPS = {"esp32": (0, 0x1000), "esp32s3": (9, 0), "esp32c3": (5, 0)}


def prepared(chip: str = "esp32s3", rows: tuple[EspPartition, ...] = ROMFS_TABLE) -> EspRom:
    rom = EspRom(chip)
    number, base = CHIPS[chip]
    rom.flash.load(b"\x5a" * (4 << 20))
    rom.flash.load(esp_firmware(number, rows), base)
    return rom


@pytest.fixture
def rom() -> EspRom:
    return prepared()


@pytest.fixture(autouse=True)
def _one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault is a fault; that esptool tries three times is its own affair."""
    monkeypatch.setattr("esptool.loader.WRITE_BLOCK_ATTEMPTS", 1)


@pytest.fixture
def tool(rom: EspRom) -> Iterator[EspTool]:
    with on_a_port(rom) as port:
        opened = EspTool(port)
        yield opened
        opened.close()


def run(
    tool: EspTool, image: bytes = IMAGE, *, full: bool = False, dry_run: bool = False
) -> Outcome:
    part = find_partition(tool, BOARD)
    row = BOARD.partition(0).with_size(part.size)
    target = make_target(BOARD, row, write=4096, erasing=Erasing.WHOLE)
    return deploy(EspTransport(tool, part, image), image, target, full=full, dry_run=dry_run)


@pytest.mark.parametrize("chip", list(CHIPS))
def test_esptool_finds_chip_and_partition(chip: str) -> None:
    rom = prepared(chip)
    with on_a_port(rom) as port:
        tool = EspTool(port)
        assert tool.chip.lower().replace("-", "") == chip
        assert find_partition(tool) == ROMFS_TABLE[-1]
        assert device_table(tool).rows == ROMFS_TABLE
        assert tool.read(AT, 5000) == b"\x5a" * 5000
        tool.close()


def test_the_image_arrives_and_nothing_else_changes(rom: EspRom, tool: EspTool) -> None:
    before = rom.flash.read(0, AT)
    done = run(tool)
    assert (done.plan.kind, done.verified) == (Kind.FULL, True)
    assert rom.flash.read(AT, len(IMAGE)) == IMAGE
    assert rom.flash.read(0, AT) == before
    sectors = -(-len(IMAGE) // 4096) * 4096
    assert rom.flash.read(AT + sectors, 4096) == b"\x5a" * 4096
    # The header's sector goes first and comes last.
    assert rom.log[0] == f"erase {AT:#x} 4096"
    assert rom.log[-1] == f"begin {AT:#x} 4096"
    # All between is one transfer.
    assert len(rom.log) == 3


def test_the_same_image_is_not_written_again_and_a_change_alone(rom: EspRom, tool: EspTool) -> None:
    rom.flash.load(IMAGE, AT)
    assert run(tool).plan.kind is Kind.NOTHING
    assert rom.log == []
    rom.flash.load(b"damage", AT + 20_000)
    done = run(tool)
    assert (done.plan.kind, done.verified) == (Kind.CHANGES, True)
    assert rom.flash.read(AT, len(IMAGE)) == IMAGE
    assert [line for line in rom.log if line.startswith("begin")] == [
        f"begin {AT + 16384:#x} 4096", f"begin {AT:#x} 4096",
    ]  # fmt: skip


def test_a_dry_run_writes_nothing(rom: EspRom, tool: EspTool) -> None:
    run(tool, dry_run=True)
    assert rom.log == []


def test_too_large_is_refused_before_anything_is_written(rom: EspRom, tool: EspTool) -> None:
    with pytest.raises(DoesNotFit, match="128"):
        run(tool, romfs_image(0x2_0000))
    assert rom.log == []


def test_a_block_the_chip_cannot_write_is_told(rom: EspRom, tool: EspTool) -> None:
    rom.fail_block = 2
    with pytest.raises(WriteRefused, match="writing at"):
        run(tool)
    assert rom.flash.read(AT, 3) != IMAGE[:3]


def test_a_chip_that_lies_is_found_out_by_its_own_md5(rom: EspRom, tool: EspTool) -> None:
    rom.lie = True
    with pytest.raises(WriteRefused, match="MD5"):
        run(tool)


def test_what_reads_back_wrong_is_not_called_verified(rom: EspRom, tool: EspTool) -> None:
    rom.flash.load(IMAGE, AT)
    part = find_partition(tool, BOARD)
    rom.damage_read = True
    with pytest.raises((TransportError, VerifyError)):
        EspTransport(tool, part, IMAGE).read(0, 5000)


def test_a_chip_that_falls_silent_is_a_lost_link(rom: EspRom, tool: EspTool) -> None:
    rom.stall_block = 2
    with pytest.raises(TransportError):
        run(tool)
    assert rom.flash.read(AT, 3) != IMAGE[:3]


def test_a_power_cut_before_the_last_write_leaves_nothing_that_looks_whole() -> None:
    image, old = romfs_image(9000), romfs_image(8000)

    def attempt(rom: EspRom) -> None:
        with on_a_port(rom) as port:
            opened = EspTool(port)
            try:
                run(opened, image, full=True)
            finally:
                opened.close()

    whole = prepared()
    whole.flash.load(old, AT)
    attempt(whole)
    operations = whole.flash.supply.count
    # The header's sector is written by the last 17 operations, and cannot be written in
    # two goes: that is the risk the user is told of. Each lost link costs esptool's
    # patience, so these are the first, the last before that, and one between.
    for cut in (1, operations // 2, operations - 17):
        rom = prepared()
        rom.flash.load(old, AT)
        rom.flash.supply.cut_after = cut
        with pytest.raises(TransportError):
            attempt(rom)
        held = rom.flash.read(AT, len(image))
        assert held[: len(old)] == old or held[:3] != image[:3], cut
        rom.flash.supply.restore()
        rom.power_up()
        attempt(rom)
        assert rom.flash.read(AT, len(image)) == image


def test_a_device_without_the_partition_is_told() -> None:
    with on_a_port(prepared(rows=DEFAULT_TABLE)) as port:
        tool = EspTool(port)
        with pytest.raises(NoPartition, match=r"only nvs at 0x9000.*--add-partition"):
            find_partition(tool)
        tool.close()


def test_a_damaged_table_is_told(rom: EspRom, tool: EspTool) -> None:
    rom.flash.load(PartitionTable(ROMFS_TABLE).pack().replace(b"romfs", b"xomfs"), 0x8000)
    with pytest.raises(NoPartition, match="MD5"):
        find_partition(tool)


def test_an_encrypted_partition_is_left_alone(rom: EspRom, tool: EspTool) -> None:
    rows = (*ROMFS_TABLE[:-1], EspPartition(1, 0x8F, AT, 0x2_0000, "romfs", 1))
    rom.flash.load(PartitionTable(rows).pack(), 0x8000)
    with pytest.raises(NoPartition, match="encrypted"):
        find_partition(tool)


def test_another_chip_than_the_boards_is_refused(tool: EspTool) -> None:
    with pytest.raises(BoardError, match="ESP32-S3"):
        find_partition(tool, boards.load("ESP32_GENERIC_C3"))


def test_nobody_there_is_told(rom: EspRom, tmp_path: Path) -> None:
    with pytest.raises(NoPort, match="no ESP chip"):
        EspTool(str(tmp_path / "nothing"))
    rom.deaf = True
    with on_a_port(rom) as port, pytest.raises(NoPort, match="hold BOOT"):
        EspTool(port, attempts=1)
