"""Merged files, byte for byte what srec_cat and esptool make of the same parts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from romfs.errors import DoesNotFit, FormatError, ImageError, OverlapError
from romfs.formats import container, esp
from romfs.formats.container import BinFile, Content, Options
from romfs.formats.dfu import DfuFile, DfuTarget, write_dfu
from romfs.formats.ihex import HexFile, read_hex, write_hex
from romfs.formats.memory import Memory
from romfs.formats.merge import Expected, Merged, NewPartition, Place, merge
from romfs.formats.uf2 import Uf2File, read_uf2, write_uf2
from tests.formats.firmware import (
    DEFAULT_TABLE,
    EMPTY_IMAGE,
    RP2_ROMFS,
    esp_firmware,
    esp_parts,
    romfs_image,
    rp2_firmware,
)
from tests.formats.tools import need, run

MICROBIT = Path("/usr/share/firmware-microbit-micropython/firmware.hex")
IMAGE = romfs_image(5000)
RP2040, RP2350_ARM, RP2350_RISCV, SAMD51 = 0xE48BFF56, 0xE48BFF59, 0xE48BFF5A, 0x55114460
SF2 = Place(0x9010_0000, 0x10_0000, "board PYBD_SF2")


def merged_bytes(data: bytes, **options: object) -> tuple[bytes, Merged]:
    """Merge as the command does: from file to file."""
    name = str(options.pop("name", ""))
    done = merge(container.read(data, name), IMAGE, **options)  # type: ignore[arg-type]
    return container.write(done.content), done


def test_rp2_binary_says_itself_where_the_image_goes() -> None:
    data, done = merged_bytes(rp2_firmware())
    assert (done.place.address, done.place.size) == RP2_ROMFS
    assert data == rp2_firmware().ljust(0x8_0000, b"\xff") + IMAGE


def test_rp2_uf2_is_what_uf2conv_makes_of_the_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages in between given, so that both write the same ones."""
    module = pytest.importorskip("adafruit_uf2.uf2conv", reason="adafruit-uf2 is not installed")
    firmware = rp2_firmware().ljust(0x8_0000, b"\xff")
    ours, _ = merged_bytes(write_uf2(Uf2File({RP2040: Memory([(0x1000_0000, firmware)])})))
    monkeypatch.setattr(module, "appstartaddr", 0x1000_0000)
    monkeypatch.setattr(module, "familyid", RP2040)
    sectors = -(-len(firmware + IMAGE) // 4096) * 4096
    assert ours == module.convert_to_uf2((firmware + IMAGE).ljust(sectors, b"\xff"))


def test_an_rp2350_file_for_both_cores_gets_the_image_twice() -> None:
    arm, riscv = rp2_firmware(header_at=0x14), rp2_firmware(size=0x4000)
    file = Uf2File(
        {
            RP2350_ARM: Memory([(0x1000_0000, arm)]),
            RP2350_RISCV: Memory([(0x1000_0000, riscv)]),
        },
        absolute_block=0x10FF_FF00,
    )
    data, done = merged_bytes(write_uf2(file))
    assert len(done.parts) == 2
    back = read_uf2(data)
    assert back.absolute_block == 0x10FF_FF00
    for memory in back.families.values():
        assert memory.read(RP2_ROMFS[0], len(IMAGE)) == IMAGE
    one, done = merged_bytes(write_uf2(file), family=RP2350_RISCV)
    assert done.parts == ("family 0xe48bff5a (RP2350 RISC-V)",)
    assert read_uf2(one).families[RP2350_ARM].read(RP2_ROMFS[0], 4) is None


def test_blocks_of_data_beside_the_program_get_no_image() -> None:
    table = Memory([(0x1000_0000, b"partition table")])
    file = Uf2File({0xE48BFF57: table, RP2350_ARM: Memory([(0x1000_0000, rp2_firmware())])})
    data, done = merged_bytes(write_uf2(file))
    assert done.parts == ("family 0xe48bff59 (RP2350 Arm secure)",)
    assert read_uf2(data).families[0xE48BFF57].read(0x1000_0000, 9) == b"partition"


def test_families_that_disagree_are_refused() -> None:
    other = rp2_firmware(romfs=(0x1006_0000, 0x1_0000))
    file = Uf2File(
        {RP2350_ARM: Memory([(0x1000_0000, rp2_firmware())]),
         RP2350_RISCV: Memory([(0x1000_0000, other)])}
    )  # fmt: skip
    with pytest.raises(FormatError, match=r"0x10080000.*0x10060000"):
        merged_bytes(write_uf2(file))


@pytest.mark.parametrize("chip", [0, 5, 9, 23])
def test_esp_binary_is_what_esptool_merges(chip: int, tmp_path: Path) -> None:
    esptool = pytest.importorskip("esptool", reason="esptool is not installed (extra)")
    name, base = esp.CHIPS[chip]
    words = []
    for offset, data in (*esp_parts(chip), (0x1E_0000, IMAGE)):
        path = tmp_path / f"{offset:x}.bin"
        path.write_bytes(data)
        words += [hex(offset), str(path)]
    esptool.main(["--chip", name.lower().replace("-", ""), "merge-bin", "-t", hex(base),
                  "-o", str(tmp_path / "theirs.bin"), *words])  # fmt: skip
    ours, done = merged_bytes(esp_firmware(chip))
    assert ours == (tmp_path / "theirs.bin").read_bytes()
    assert done.place.source == "the partition table of the firmware"
    # The same flash as HEX, which esptool writes, too.
    esptool.main(["--chip", name.lower().replace("-", ""), "merge-bin", "--format", "hex",
                  "-o", str(tmp_path / "theirs.hex"), *words])  # fmt: skip
    theirs = read_hex((tmp_path / "theirs.hex").read_bytes()).memory
    as_hex = container.convert(done.content, "hex")
    assert isinstance(as_hex, HexFile)
    for address, data in theirs:
        assert as_hex.memory.read(address, len(data)) == data


def test_esp_gets_a_partition_and_the_table_is_sound() -> None:
    theirs = pytest.importorskip("esp_idf_defs.partitions", reason="esp-idf-defs not installed")
    data, done = merged_bytes(esp_firmware(9, DEFAULT_TABLE), add=NewPartition(0x2_0000))
    assert done.place.address == 0x20_0000
    assert any("file system begins at 0x220000" in note for note in done.notes)
    table = theirs.PartitionTable.from_binary(data[0x8000:0x8C00])
    table.verify()
    assert [p.name for p in table] == ["nvs", "phy_init", "factory", "romfs"]
    assert data[0x20_0000:] == IMAGE
    # All but the table is as it was.
    assert data[:0x8000] + data[0x9000 : len(esp_firmware(9))] == (
        esp_firmware(9)[:0x8000] + esp_firmware(9)[0x9000:]
    )


def test_a_signed_table_is_left_alone() -> None:
    data = bytearray(esp_firmware(9, DEFAULT_TABLE))
    data[0x8C00:0x8C04] = b"sign"
    with pytest.raises(FormatError, match="signed"):
        merged_bytes(bytes(data), add=NewPartition(0x1000))


def debian_firmware() -> bytes:
    """MicroPython for the micro:bit V1, as Debian has it."""
    if not MICROBIT.exists():
        pytest.skip(f"{MICROBIT} is not installed (Debian package firmware-microbit-micropython)")
    return MICROBIT.read_bytes()


def pypi_firmware() -> bytes:
    """MicroPython for the micro:bit V2: the second part of uFlash's Universal Hex."""
    universal = pytest.importorskip("uflash", reason="uflash is not installed (PyPI)")._RUNTIME
    with pytest.raises(FormatError, match="Universal Hex"):
        read_hex(universal.encode())
    records = universal.split()
    start = next(n for n, line in enumerate(records) if line.startswith(":0400000A9903"))
    out = []
    for line in records[start:]:
        kind = line[7:9]
        if kind == "0D":
            # A data record of that board: the type counts in the checksum, too.
            check = (int(line[-2:], 16) + 0x0D) & 0xFF
            out.append(f"{line[:7]}00{line[9:-2]}{check:02X}")
        elif kind not in ("0A", "0B", "0C"):
            out.append(line)
    return "\n".join(out).encode()


@pytest.mark.parametrize(
    ("firmware", "address"), [(debian_firmware, 0x3_D000), (pypi_firmware, 0x6_8000)]
)
def test_hex_is_what_srec_cat_joins(
    firmware: Callable[[], bytes], address: int, tmp_path: Path
) -> None:
    """Real firmware, an image in a gap of it, and srec_cat doing the same."""
    srec_cat = need("srec_cat", "srecord")
    data = firmware()
    (tmp_path / "firmware.hex").write_bytes(data)
    ours, _ = merged_bytes(data, name="firmware.hex", at=Place(address, 0x3000, "the test"))
    (tmp_path / "image.bin").write_bytes(IMAGE)
    (tmp_path / "ours.hex").write_bytes(ours)
    run(srec_cat, tmp_path / "firmware.hex", "-intel", tmp_path / "image.bin", "-binary",
        "-offset", hex(address), "-o", tmp_path / "theirs.hex", "-intel")  # fmt: skip
    run(srec_cat, tmp_path / "ours.hex", "-intel", "-o", tmp_path / "again.hex", "-intel")
    assert (tmp_path / "again.hex").read_bytes() == (tmp_path / "theirs.hex").read_bytes()
    assert read_hex(ours).start == read_hex(data).start


@pytest.mark.parametrize(
    ("firmware", "address", "taken"),
    [(debian_firmware, 0x1000_1000, "0x100010c0"), (pypi_firmware, 0x6_0000, "0x60000")],
)
def test_real_firmware_is_not_written_over(
    firmware: Callable[[], bytes], address: int, taken: str
) -> None:
    data = firmware()
    with pytest.raises(OverlapError, match=f"the firmware has data at {taken}"):
        merged_bytes(data, name="a.hex", at=Place(address, 0x3000, "the test"))


def pybd() -> DfuFile:
    return DfuFile(
        (
            DfuTarget(Memory([(0x0800_8000, b"firm" * 100)]), 0, "Internal"),
            DfuTarget(Memory([(0x9000_0000, b"text" * 100)]), 1, "External"),
        ),
        0xF055,
        0x9802,
    )


def test_dfu_gets_the_image_in_the_target_of_that_memory() -> None:
    board = Expected("PYBD_SF2", "stm32", place=SF2)
    data, done = merged_bytes(write_dfu(pybd()), board=board)
    assert done.parts == ("target 1 (External)",)
    expected = pybd()
    expected.targets[1].memory.add(SF2.address, IMAGE)
    assert data == write_dfu(expected)


def test_dfu_suffix_accepts_what_is_merged(tmp_path: Path) -> None:
    dfu_suffix = need("dfu-suffix", "dfu-util")
    (tmp_path / "a.dfu").write_bytes(merged_bytes(write_dfu(pybd()), at=SF2)[0])
    assert b"0xF055" in run(dfu_suffix, "-c", tmp_path / "a.dfu").stdout


def test_a_dfu_target_that_cannot_be_told_must_be_named() -> None:
    at = Place(0x7000_0000, None, "the test")
    with pytest.raises(FormatError, match="--alternate"):
        merged_bytes(write_dfu(pybd()), at=at)
    assert merged_bytes(write_dfu(pybd()), at=at, alternate=1)[1].parts == ("target 1 (External)",)


RP2 = rp2_firmware()
PICO = Expected("RPI_PICO", "rp2", family=RP2040)
S3 = Expected("ESP32_GENERIC_S3", "esp32", "ESP32-S3")


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        (bytes(100), {}, FormatError, "at which address it begins"),
        (
            rp2_firmware(romfs=None),
            {},
            FormatError,
            "only 'MicroPython' at 0x100a0000.*MICROPY_HW_ROMFS_BYTES",
        ),
        (rp2_firmware(romfs=(0x1008_0000, 4096)), {}, DoesNotFit, r"\(9\d\d B over;"),
        (rp2_firmware(romfs=(0x1000_2000, 0x4000)), {}, OverlapError, "0x10002000..0x10003000"),
        (esp_firmware(9, DEFAULT_TABLE), {}, FormatError, "--add-partition"),
        (esp_firmware(9), {"add": NewPartition(0x1000)}, FormatError, "already"),
        (
            write_uf2(Uf2File({0xC47E5767: Memory([(0x1_0000, bytes(500))])})),
            {"board": Expected("ESP32_GENERIC_S3", "esp32", "ESP32-S3")},
            FormatError,
            "without a partition table; take firmware.bin",
        ),
        (RP2, {"add": NewPartition(0x1000)}, FormatError, "no ESP32 partition table"),
        (esp_firmware(9), {"board": PICO}, FormatError, "esp32 firmware.*board of rp2"),
        (RP2, {"board": S3}, FormatError, "rp2 firmware.*board of esp32"),
        (esp_firmware(5), {"board": S3}, FormatError, "for ESP32-C3.*has an ESP32-S3"),
        (
            write_uf2(Uf2File({RP2350_ARM: Memory([(0x1000_0000, RP2)])})),
            {"board": PICO},
            FormatError,
            "RP2350 Arm secure.*not family 0xe48bff56",
        ),
        (
            write_uf2(Uf2File({SAMD51: Memory([(0, b"a")]), RP2040: Memory([(0, b"b")])})),
            {},
            FormatError,
            "several chips",
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(
    data: bytes, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        merged_bytes(data, **options)


def test_only_an_image_is_merged() -> None:
    for image in (b"", b"not an image", IMAGE[:-1]):
        with pytest.raises(ImageError):
            merge(container.read(RP2), image)


def test_an_erased_partition_is_free_and_an_old_image_needs_a_word() -> None:
    """A file of a whole chip holds the partition, too."""
    chip = RP2.ljust(0x10_0000, b"\xff")
    first, _ = merged_bytes(chip)
    assert len(first) == len(chip)
    with pytest.raises(OverlapError, match="--replace"):
        merge(container.read(first), EMPTY_IMAGE)
    done = merge(container.read(first), EMPTY_IMAGE, replace=True)
    second = container.write(done.content)
    assert second == RP2.ljust(0x8_0000, b"\xff") + EMPTY_IMAGE.ljust(0x8_0000, b"\xff")


def contents() -> list[Content]:
    return [
        BinFile(Memory([(0x4000, b"data")]), 0x4000),
        HexFile(Memory([(0x4000, b"data")])),
        DfuFile((DfuTarget(Memory([(0x4000, b"data")])),)),
        Uf2File({SAMD51: Memory([(0x4000, b"data".ljust(256, b"\xff"))])}),
    ]


@pytest.mark.parametrize("source", range(4))
@pytest.mark.parametrize("to", container.FORMATS)
def test_every_format_becomes_every_other(source: int, to: container.Format) -> None:
    start = contents()[source]
    made = container.convert(start, to, Options(family=SAMD51))
    data = container.write(made)
    assert container.format_of(data, f"a.{to}") == to
    back = container.read(data, f"a.{to}", base=0x4000)
    assert container.parts(back)[0].memory.read(0x4000, 4) == b"data"
    if to == container.format_of(container.write(start)):
        assert data == container.write(start)


def test_what_a_format_needs_is_asked_for() -> None:
    raw = container.read(b"data")
    with pytest.raises(FormatError, match="--address"):
        container.convert(raw, "hex")
    with pytest.raises(FormatError, match="--family"):
        container.convert(contents()[0], "uf2")
    two = Uf2File({1: Memory([(0, b"a")]), 2: Memory([(0, b"b")])})
    with pytest.raises(FormatError, match="0x00000001, family 0x00000002"):
        container.convert(two, "bin")
    assert container.convert(two, "bin", Options(family=2)) == BinFile(Memory([(0, b"b")]), 0)
    with pytest.raises(FormatError, match="not for family 0x00000003"):
        container.convert(two, "bin", Options(family=3))
    with pytest.raises(FormatError, match="mostly filler"):
        container.write(BinFile(Memory([(0, b"a"), (0x9000_0000, b"b")]), 0))


def test_objcopy_joins_the_same(tmp_path: Path) -> None:
    objcopy = need("objcopy", "binutils")
    at = Place(0x2_0000, None, "the test")
    ours, _ = merged_bytes(write_hex(HexFile(Memory([(0, b"firmware" * 30)]))), at=at)
    (tmp_path / "ours.hex").write_bytes(ours)
    subprocess.run(
        [objcopy, "-I", "ihex", "-O", "binary", "--gap-fill", "0xff",
         tmp_path / "ours.hex", tmp_path / "ours.bin"], check=True, timeout=60,
    )  # fmt: skip
    assert (tmp_path / "ours.bin").read_bytes() == (b"firmware" * 30).ljust(
        0x2_0000, b"\xff"
    ) + IMAGE
