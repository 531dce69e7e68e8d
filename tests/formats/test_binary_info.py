"""Binary info of RP2 firmware: found, followed through RAM addresses, and never trusted."""

from __future__ import annotations

import pytest

from romfs.errors import FormatError
from romfs.formats.binary_info import BlockDevice, read_binary_info
from romfs.formats.memory import Memory
from tests.formats.firmware import RP2_ROMFS, rp2_firmware


def info_of(data: bytes) -> object:
    return read_binary_info(Memory([(0x1000_0000, data)]))


@pytest.mark.parametrize("header_at", [0x14, 0x1D8, 0xF00])
def test_partitions_and_names_are_read(header_at: int) -> None:
    info = read_binary_info(Memory([(0x1000_0000, rp2_firmware(header_at=header_at))]))
    assert info is not None
    assert info.devices == (
        BlockDevice("MicroPython", 0x100A_0000, 0x16_0000),
        BlockDevice("ROMFS", *RP2_ROMFS),
    )
    assert info.romfs == info.devices[1]
    assert (info.board, info.end) == ("pico", 0x1000_3000)


def test_firmware_without_the_option_has_no_partition() -> None:
    info = read_binary_info(Memory([(0x1000_0000, rp2_firmware(romfs=None))]))
    assert info is not None and info.romfs is None


def test_other_data_has_no_binary_info() -> None:
    assert info_of(bytes(10_000)) is None
    assert info_of(b"\xf2\xeb\x88\x71" * 100) is None
    assert read_binary_info(Memory()) is None


def test_every_truncation_is_nothing_or_an_error() -> None:
    data = rp2_firmware()
    for length in range(0, 0x1100, 4):
        if length < 0x1D8 + 20:
            assert info_of(data[:length]) is None
        else:
            with pytest.raises(FormatError, match=r"truncated or damaged"):
                info_of(data[:length])


def test_a_damaged_list_is_an_error() -> None:
    data = bytearray(rp2_firmware())
    data[0x1D8 + 8 : 0x1D8 + 12] = b"\xff\xff\xff\xff"
    with pytest.raises(FormatError, match="damaged"):
        info_of(bytes(data))
