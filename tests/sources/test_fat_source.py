from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from romfs.errors import BuildError
from romfs.formats.fat import fat_type, write_fat
from romfs.sizes import parse_size
from romfs.sources import open_source
from romfs.sources.fat import FatSource

TREE = {
    "main.py": b"print(1)\n" * 2000,
    "UPPER.TXT": b"u",
    "Mixed Case and long.txt": b"long",
    "EMPTY": b"",
    "lib": None,
    "lib/deeper": None,
    "lib/deeper/module_with_a_long_name.py": b"x = 1\n",
    "void": None,
}
SIZES = {12: "1440K", 16: "20M", 32: "70M"}

needs_mtools = pytest.mark.skipif(
    not (shutil.which("mkfs.fat") and shutil.which("mcopy")),
    reason="no mkfs.fat or mcopy (Debian: dosfstools, mtools)",
)


def everything(path: str, is_directory: bool) -> bool:
    return True


def listing(path: Path) -> dict[str, bytes | None]:
    entries = FatSource(path).entries(everything)
    return {entry.path: entry.load() if entry.load else None for entry in entries}


def make_fat(folder: Path, bits: int) -> Path:
    root = folder / "tree"
    for name, data in TREE.items():
        if data is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
    image = folder / f"fat{bits}.img"
    subprocess.run(["truncate", "-s", SIZES[bits], image], check=True)
    subprocess.run(
        ["mkfs.fat", "-F", str(bits), "-n", "LABEL", image], check=True, capture_output=True
    )
    tops = sorted(path for path in root.iterdir())
    subprocess.run(["mcopy", "-s", "-i", image, *tops, "::"], check=True)
    return image


@pytest.mark.parametrize("bits", [12, 16])  # FAT32 begins at half a gigabyte there
def test_volumes_made_by_pyfatfs(tmp_path: Path, bits: int) -> None:
    image = tmp_path / "fat.img"
    files = [(name, data) for name, data in TREE.items() if data is not None]
    folders = [name for name, data in TREE.items() if data is None]
    size = parse_size(SIZES[bits])
    write_fat(image, files, directories=folders, size=size, label="LABEL")
    assert fat_type(size) == bits
    assert listing(image) == TREE


@needs_mtools
@pytest.mark.parametrize("bits", SIZES)
def test_volumes_made_by_mtools(tmp_path: Path, bits: int) -> None:
    image = make_fat(tmp_path, bits)
    before = image.read_bytes()
    assert isinstance(open_source(image), FatSource)
    assert listing(image) == TREE
    assert image.read_bytes() == before


@needs_mtools
def test_the_first_fat_partition_of_a_disk(tmp_path: Path) -> None:
    volume = make_fat(tmp_path, 12).read_bytes()
    table = bytearray(512)
    table[446:462] = (
        bytes((0, 0, 0, 0, 0x0C, 0, 0, 0))
        + (1).to_bytes(4, "little")
        + (len(volume) // 512).to_bytes(4, "little")
    )
    table[510:] = b"\x55\xaa"
    disk = tmp_path / "disk.img"
    disk.write_bytes(bytes(table) + volume)
    assert listing(disk) == TREE


@needs_mtools
@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_volume_is_an_error_never_a_hang(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    made = tmp_path_factory.getbasetemp() / "damaged-fat"
    if not made.exists():
        made.mkdir()
        make_fat(made, 12)
    volume = bytearray((made / "fat12.img").read_bytes()[: 200 * 1024])
    for _ in range(data.draw(st.integers(1, 4))):
        # Boot sector, both FATs and the root directory.
        volume[data.draw(st.integers(0, 33 * 512))] = data.draw(st.integers(0, 255))
    damaged = made / "damaged.img"
    damaged.write_bytes(volume)
    try:
        listing(damaged)
    except BuildError as error:
        assert error.path  # noqa: PT017


def test_a_ring_of_clusters_ends(tmp_path: Path) -> None:
    # A FAT12 volume whose first file claims 5,000 bytes in a chain of one cluster: itself.
    boot = bytearray(512)
    boot[0:3] = b"\xeb\x3c\x90"
    boot[3:11] = b"MSDOS5.0"
    boot[11:13] = (512).to_bytes(2, "little")
    boot[13], boot[14], boot[16] = 1, 1, 1  # sectors a cluster, reserved sectors, FATs
    boot[17:19] = (16).to_bytes(2, "little")
    boot[19:21] = (100).to_bytes(2, "little")
    boot[21], boot[22] = 0xF8, 1
    boot[38] = 0x29
    boot[54:62] = b"FAT12   "
    boot[510:] = b"\x55\xaa"
    fat = bytearray(512)
    fat[0:6] = bytes.fromhex("f8 ff ff 02 00 00")  # cluster 2 links to cluster 2
    root = bytearray(512)
    root[0:11] = b"RING    BIN"
    root[26:28] = (2).to_bytes(2, "little")
    root[28:32] = (500_000_000).to_bytes(4, "little")
    image = tmp_path / "ring.img"
    image.write_bytes(boot + fat + root + bytes(97 * 512))
    with pytest.raises(BuildError, match="ring"):
        listing(image)


def test_something_else_with_the_signature(tmp_path: Path) -> None:
    image = tmp_path / "not.img"
    image.write_bytes(bytes(510) + b"\x55\xaa" + bytes(4096))
    with pytest.raises(BuildError, match="FAT volume"):
        listing(image)
