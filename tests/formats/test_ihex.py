"""Intel HEX: round trips, bad files, and objcopy and srec_cat as independent readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from romfs.errors import FormatError, OverlapError
from romfs.formats.ihex import HexFile, read_hex, write_hex
from romfs.formats.memory import Memory
from tests.formats.strategies import memories
from tests.formats.tools import need, run

FAR = Memory([(0x0000_FFF8, bytes(range(16))), (0x9010_0000, b"image" * 40), (0x20, b"x")])
MICROBIT = Path("/usr/share/firmware-microbit-micropython/firmware.hex")


@given(memories())
def test_what_is_written_is_read(memory: Memory) -> None:
    assert read_hex(write_hex(HexFile(memory))) == HexFile(memory)


@pytest.mark.parametrize("start", [{"EIP": 0x1000_0001}, {"CS": 0x1234, "IP": 0x5678}])
def test_start_address_records_are_kept(start: dict[str, int]) -> None:
    file = HexFile(FAR, start)
    assert read_hex(write_hex(file)).start == start


def test_objcopy_reads_ours(tmp_path: Path) -> None:
    objcopy = need("objcopy", "binutils")
    (tmp_path / "a.hex").write_bytes(write_hex(HexFile(FAR.window(0, 0x2_0000))))
    run(objcopy, "-I", "ihex", "-O", "binary", "--gap-fill", "0xff",
        tmp_path / "a.hex", tmp_path / "a.bin")  # fmt: skip
    assert (tmp_path / "a.bin").read_bytes() == FAR.window(0, 0x2_0000).flat()


def test_srec_cat_and_we_read_each_other_beyond_64_kib(tmp_path: Path) -> None:
    srec_cat = need("srec_cat", "srecord")
    file = HexFile(FAR, {"EIP": 0x9010_0001})
    (tmp_path / "a.hex").write_bytes(write_hex(file))
    # Through Motorola records, so that nothing of our text is passed on.
    run(srec_cat, tmp_path / "a.hex", "-intel", "-o", tmp_path / "b.srec")
    run(srec_cat, tmp_path / "b.srec", "-o", tmp_path / "b.hex", "-intel")
    assert read_hex((tmp_path / "b.hex").read_bytes()) == file


def test_segmented_addresses_of_objcopy_are_read(tmp_path: Path) -> None:
    objcopy = need("objcopy", "binutils")
    data = bytes(range(256)) * 300
    (tmp_path / "a.bin").write_bytes(data)
    run(objcopy, "-I", "binary", "-O", "ihex", tmp_path / "a.bin", tmp_path / "a.hex")
    assert read_hex((tmp_path / "a.hex").read_bytes()).memory == Memory([(0, data)])


def test_real_firmware_is_read_and_written_back(tmp_path: Path) -> None:
    if not MICROBIT.exists():
        pytest.skip(f"{MICROBIT} is not installed (Debian package firmware-microbit-micropython)")
    objcopy = need("objcopy", "binutils")
    data = MICROBIT.read_bytes()
    file = read_hex(data)
    assert file.start == {"EIP": 0x0001_CCD9}
    assert read_hex(write_hex(file)) == file
    run(objcopy, "-I", "ihex", "-O", "binary", "--gap-fill", "0xff",
        "-j", ".sec1", "-j", ".sec2", MICROBIT, tmp_path / "a.bin")  # fmt: skip
    flat = file.memory.flat()
    assert (tmp_path / "a.bin").read_bytes() == flat[: (tmp_path / "a.bin").stat().st_size]


GOOD = write_hex(HexFile(Memory([(0x100, b"abcd")]))).decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not begin"),
        ("hello\n", "does not begin"),
        (GOOD.replace("61", "62", 1), "checksum"),
        (GOOD.replace(":00000001FF\n", ""), "truncated"),
        (GOOD + GOOD, "follow the end record in line 2"),
        (GOOD.replace("04010000", "05010000"), "length|record"),
        (":0400000A9903C0DEB8\n" + GOOD, "Universal Hex"),
        (":02000006000AEE\n" + GOOD, "(?i)record"),
        (":0400000500000100F6\n:0400000500000200F5\n" + GOOD, "(?i)start address"),
        (
            ":020000040001F9\n:0400000500000100F6\n:020000040002F8\n:0400000500000200F5\n" + GOOD,
            "two different start",
        ),
        ("\xff" + GOOD, "ASCII|does not begin"),
    ],
)
def test_bad_files_are_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_hex(text.encode("latin-1"))


def test_every_truncation_is_noticed() -> None:
    data = write_hex(HexFile(FAR, {"EIP": 1}))
    for length in range(len(data) - 1):
        with pytest.raises(FormatError):
            read_hex(data[:length])


def test_records_that_overlap_are_refused_also_across_segments() -> None:
    first = write_hex(HexFile(Memory([(0x1_0000, b"abcd")]))).decode().split()
    # The same address once more, through an extended segment address record.
    text = "\n".join([*first[:-1], ":020000021000EC", first[1], first[-1]])
    with pytest.raises(OverlapError):
        read_hex(text.encode())
    with pytest.raises(FormatError, match=r"(?i)overlap"):
        read_hex("\n".join([*first[:-1], first[1], first[-1]]).encode())
