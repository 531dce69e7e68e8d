"""UF2: round trips, bad files, and other people's readers and writers."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import given

from romfs.errors import FormatError, OverlapError
from romfs.formats import uf2
from romfs.formats.memory import Memory
from romfs.formats.uf2 import Uf2File, read_uf2, write_uf2
from tests.formats.strategies import memories

RP2040, RP2350_ARM, RP2350_RISCV, SAMD51 = 0xE48BFF56, 0xE48BFF59, 0xE48BFF5A, 0x55114460


def blocks(data: bytes) -> list[bytearray]:
    return [bytearray(data[at : at + 512]) for at in range(0, len(data), 512)]


def joined(parts: list[bytearray]) -> bytes:
    return b"".join(parts)


@given(memories())
def test_what_is_written_is_read_in_whole_pages(memory: Memory) -> None:
    back = read_uf2(write_uf2(Uf2File({SAMD51: memory}))).families[SAMD51]
    for address, data in memory:
        assert back.read(address, len(data)) == data
    # All else is filler of pages that are touched.
    for address, data in back:
        assert address % 256 == 0 and len(data) % 256 == 0
    assert set(back.blocks(256)) == set(memory.blocks(256))
    filler = (
        [data for rest in memory for address, data in back.without(rest.address, rest.end)]
        if len(memory.segments) == 1
        else []
    )
    assert set(b"".join(filler)) <= {0xFF}


def test_rp2_sectors_are_whole() -> None:
    """A sector partly filled in the middle of a file is lost: RP2040-E14."""
    file = Uf2File({RP2040: Memory([(0x1000_0100, b"a"), (0x100A_0000, b"b")])})
    back = read_uf2(write_uf2(file)).families[RP2040]
    assert [(s.address, len(s.data)) for s in back] == [(0x1000_0000, 4096), (0x100A_0000, 4096)]
    assert back.read(0x1000_0100, 2) == b"a\xff"


def test_families_are_kept_apart_and_numbered_each_from_0() -> None:
    """An RP2350 file for both cores: the same addresses, once for each family."""
    arm, riscv = Memory([(0x1000_0000, b"arm")]), Memory([(0x1000_0000, b"riscv")])
    data = write_uf2(Uf2File({RP2350_ARM: arm, RP2350_RISCV: riscv}))
    back = read_uf2(data)
    assert list(back.families) == [RP2350_ARM, RP2350_RISCV]
    assert back.families[RP2350_RISCV].read(0x1000_0000, 5) == b"riscv"
    numbers = [struct.unpack_from("<II", block, 20) for block in blocks(data)]
    assert numbers == [(n, 16) for n in range(16)] * 2


def test_the_absolute_block_of_the_rp2350_is_recognised_and_kept() -> None:
    payload = Memory([(0x1000_0000, b"arm")])
    file = Uf2File({RP2350_ARM: payload}, absolute_block=0x10FF_FF00)
    data = write_uf2(file)
    back = read_uf2(data)
    assert back.absolute_block == 0x10FF_FF00
    assert list(back.families) == [RP2350_ARM]
    head = struct.unpack_from("<8I", data)
    assert head[2:] == (0xA000, 0x10FF_FF00, 256, 0, 2, 0xE48BFF57)
    assert data[32:288] == b"\xef" * 256 and data[288:292] == b"\x04\xe3\x57\x99"
    # As picotool wrote it at first, without the tag.
    old = blocks(data)
    old[0][8:12] = struct.pack("<I", 0x2000)
    old[0][288:292] = bytes(4)
    assert read_uf2(joined(old)) == back


def test_tags_are_read_and_kept() -> None:
    tags = {0x9FC7BC: b"1.28.0", 0x650D9D: b"ACME Toaster mk3"}
    file = Uf2File({SAMD51: Memory([(0, bytes(600))])}, tags={SAMD51: tags})
    data = write_uf2(file)
    assert read_uf2(data).tags == {SAMD51: tags}
    # The worked example of the UF2 specification, in its own padding.
    example = bytes.fromhex(
        "09bcc79f302e312e32000000149d0d6541434d4520546f6173746572206d6b33ffffffff"
    )
    block = blocks(data)[0]
    block[32 + 256 : 32 + 256 + len(example)] = example
    assert read_uf2(joined([block, *blocks(data)[1:]])).tags[SAMD51] == {
        0x9FC7BC: b"0.1.2\0"[:5],
        0x650D9D: b"ACME Toaster mk3",
    }


def test_a_shuffled_and_repeated_file_is_the_same_file() -> None:
    data = write_uf2(Uf2File({SAMD51: Memory([(0x4000, bytes(range(256)) * 5)])}))
    parts = blocks(data)
    assert read_uf2(joined([parts[3], *parts[::-1]])) == read_uf2(data)


def test_a_file_with_every_block_twice_is_the_same_file() -> None:
    # With the time of a test this ends only if each repetition is cheap.
    content = b"".join(number.to_bytes(4, "little") * 64 for number in range(20_000))
    file = Uf2File({None: Memory([(0x1000, content)])})
    data = write_uf2(file)
    blocks = [data[at : at + 512] for at in range(0, len(data), 512)]
    assert read_uf2(b"".join(block * 2 for block in blocks)) == file


def test_concatenated_files_are_one() -> None:
    first = write_uf2(Uf2File({SAMD51: Memory([(0x4000, bytes(700))])}))
    second = write_uf2(Uf2File({SAMD51: Memory([(0x7_0000, bytes(300))])}))
    memory = read_uf2(first + second).families[SAMD51]
    assert [segment.address for segment in memory] == [0x4000, 0x7_0000]


def with_md5(data: bytes, *, damage: bool = False) -> bytes:
    parts = blocks(data)
    region = b"".join(bytes(part[32:288]) for part in parts)
    digest = bytearray(hashlib.md5(region).digest())
    digest[0] ^= damage
    for part in parts:
        (start,) = struct.unpack_from("<I", parts[0], 12)
        part[8:12] = struct.pack("<I", struct.unpack_from("<I", part, 8)[0] | 0x4000)
        part[484:508] = struct.pack("<II", start, len(region)) + digest
    return joined(parts)


def test_md5_of_regions_is_checked() -> None:
    data = write_uf2(Uf2File({SAMD51: Memory([(0x4000, bytes(range(256)) * 4)])}))
    assert read_uf2(with_md5(data)) == read_uf2(data)
    with pytest.raises(FormatError, match="MD5"):
        read_uf2(with_md5(data, damage=True))


def changed(data: bytes, offset: int, value: int) -> bytes:
    return data[:offset] + struct.pack("<I", value) + data[offset + 4 :]


GOOD = write_uf2(Uf2File({SAMD51: Memory([(0x4000, b"\1" * 700)])}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (GOOD[:-1], "whole blocks"),
        (GOOD[:-512], "1 of 3 blocks are missing, first is number 2"),
        (GOOD[512:], "first is number 0"),
        (changed(GOOD, 512, 0), "magic.*0x200"),
        (changed(GOOD, 508, 0), "magic.*0x0"),
        (changed(GOOD, 16, 477), "477 payload"),
        (changed(GOOD, 20, 3), "number 3 of 3"),
        (changed(GOOD, 8, 0x3000), "file system"),
        (changed(GOOD, 512 + 20, 0), "two different UF2 blocks"),
        (changed(changed(GOOD, 8, 0xA000), 32 + 256, 0x9FC7BC02), "tag of 2 bytes"),
    ],
)
def test_bad_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_uf2(data)


def test_blocks_that_overlap_are_refused() -> None:
    with pytest.raises(OverlapError):
        read_uf2(changed(GOOD[:512] + GOOD[512:1024] + GOOD[1024:], 512 + 12, 0x4080))
    other = write_uf2(Uf2File({SAMD51: Memory([(0x4000, b"\2" * 700)])}))
    with pytest.raises(OverlapError):
        read_uf2(GOOD + other)


def test_blocks_not_for_flash_are_left_out_and_counted() -> None:
    file = read_uf2(changed(GOOD, 8, 0x2001))
    assert file.skipped == 1
    assert file.families[SAMD51].start == 0x4100


def test_uf2utils_reads_ours(tmp_path: Path) -> None:
    module = pytest.importorskip("uf2utils.file", reason="uf2utils is not installed (PyPI)")
    (tmp_path / "a.uf2").write_bytes(write_uf2(Uf2File({RP2040: Memory([(0x1000_0000, b"hi")])})))
    file = module.UF2File(str(tmp_path / "a.uf2"))
    found = [(block.header.address, bytes(block.payload)) for block in file]
    assert len(found) == 16
    assert found[0] == (0x1000_0000, b"hi".ljust(256, b"\xff"))
    assert int(file[0].header.family.id) == RP2040


def test_uf2conv_reads_ours_and_we_read_uf2conv(monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip(
        "adafruit_uf2.uf2conv", reason="adafruit-uf2 is not installed (PyPI)"
    )
    data = bytes(range(256)) * 33
    ours = write_uf2(Uf2File({SAMD51: Memory([(0x4000, data)])}))
    monkeypatch.setattr(module, "familyid", 0)
    assert module.convert_from_uf2(ours) == data
    monkeypatch.setattr(module, "appstartaddr", 0x4000)
    monkeypatch.setattr(module, "familyid", SAMD51)
    theirs = module.convert_to_uf2(data)
    assert read_uf2(theirs).families[SAMD51] == Memory([(0x4000, data)])
    assert theirs == ours


def test_we_read_what_esptool_writes_with_its_md5(tmp_path: Path) -> None:
    esptool = pytest.importorskip("esptool", reason="esptool is not installed (extra 'esp')")

    image = bytes(range(256)) * 20
    (tmp_path / "a.bin").write_bytes(image)
    esptool.main(["--chip", "esp32s3", "merge-bin", "--format", "uf2", "-o",
                  str(tmp_path / "a.uf2"), "0x10000", str(tmp_path / "a.bin")])  # fmt: skip
    data = (tmp_path / "a.uf2").read_bytes()
    assert struct.unpack_from("<I", data, 8)[0] & uf2.MD5_PRESENT
    (memory,) = read_uf2(data).families.values()
    assert memory.read(0x1_0000, len(image)) == image
    with pytest.raises(FormatError, match="MD5"):
        read_uf2(changed(data, 32, 0))


def test_nothing_to_write_is_an_error() -> None:
    with pytest.raises(FormatError, match="nothing"):
        write_uf2(Uf2File())
    with pytest.raises(FormatError, match="tags take"):
        write_uf2(Uf2File({1: Memory([(0, b"x")])}, tags={1: {5: bytes(100), 6: bytes(120)}}))
