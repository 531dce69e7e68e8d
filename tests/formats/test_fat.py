"""FAT volumes: fsck.fat and mtools judge, the library reads back, dates are ours."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from romfs.errors import FormatError
from romfs.formats.fat import FAT12_MAX, FAT16_MAX, fat_type, write_fat
from tests.formats.tools import need, run

FILES = [
    ("main.py", b"print(1)\n" * 100),
    ("lib/a.mpy", bytes(range(256)) * 20),
    ("lib/deep/er/x.bin", b"\xa5" * 70_000),
    ("empty", b""),
    ("Name With Spaces and \xfcn\xef.txt", b"x"),
    ("UPPER.TXT", b"y"),
    (".hidden", b"z"),
    ("a.b.c", b"1"),
    ("A_B.C", b"2"),
    *((f"many/file_number_{n}.py", b"%d" % n) for n in range(200)),
]
SIZES = {12: 1 << 20, 16: 8 << 20, 32: 520 << 20}


def contents(path: Path) -> dict[str, bytes]:
    from pyfatfs.PyFat import PyFat

    fat = PyFat(encoding="ibm437")
    fat.open(str(path), read_only=True)
    found = {}
    for root, _, files in fat.root_dir.walk():
        for entry in files:
            chain = fat.get_cluster_chain(entry.get_cluster()) if entry.filesize else ()
            data = b"".join(fat.read_cluster_contents(cluster) for cluster in chain)
            found[f"{root}/{entry!r}".strip("/")] = data[: entry.filesize]
    return found


@pytest.mark.parametrize("kind", [12, 16, 32])
def test_fsck_and_mtools_accept_ours(kind: int, tmp_path: Path) -> None:
    fsck, mtype = need("fsck.fat", "dosfstools"), need("mtype", "mtools")
    mlabel, mdir = need("mlabel", "mtools"), need("mdir", "mtools")
    image = tmp_path / "card.img"
    assert (
        write_fat(image, FILES, size=SIZES[kind], label="my card", directories=["void"])
        == (SIZES[kind])
    )
    said = run(fsck, "-n", "-v", image).stdout.decode()
    assert f"{kind} bit entries" in said
    assert b"MY CARD" in run(mlabel, "-s", "-i", image).stdout
    assert b"::/void/" in run(mdir, "-b", "-i", image, "::").stdout
    for path, data in FILES[:4]:
        assert run(mtype, "-i", image, f"::{path}").stdout == data
    assert contents(image) == dict(FILES)


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.img", tmp_path / "2.img"
    write_fat(first, FILES)
    second.write_bytes(b"left over" * 1000)
    write_fat(second, reversed(FILES))
    assert first.read_bytes() == second.read_bytes()
    write_fat(second, FILES, when=datetime.datetime(2026, 5, 4, 3, 2, 1))
    assert first.read_bytes() != second.read_bytes()


def test_the_serial_tells_volumes_apart(tmp_path: Path) -> None:
    serials = set()
    for data in (b"1", b"2"):
        write_fat(tmp_path / "a.img", [("a", data)])
        serials.add((tmp_path / "a.img").read_bytes()[39:43])
    assert len(serials) == 2


@pytest.mark.parametrize("count", [0, 1, 37, 500])
def test_the_size_chosen_holds_the_files(count: int, tmp_path: Path) -> None:
    fsck = need("fsck.fat", "dosfstools")
    files = [(f"d{n % 7}/f{n}.bin", bytes(n * 97 % 9000)) for n in range(count)]
    size = write_fat(tmp_path / "a.img", files)
    assert size % (1 << 20) == 0
    run(fsck, "-n", tmp_path / "a.img")
    assert contents(tmp_path / "a.img") == dict(files)


def test_a_volume_filled_to_its_last_cluster_is_sound(tmp_path: Path) -> None:
    """The library alone would go on to clusters that lie beyond the end of the volume."""
    fsck = need("fsck.fat", "dosfstools")
    free = 2017 * 512  # what fsck.fat says of an empty FAT12 volume of 1 MiB
    write_fat(tmp_path / "a.img", [("a", bytes(free))], size=1 << 20)
    run(fsck, "-n", tmp_path / "a.img")
    with pytest.raises(FormatError, match="do not fit"):
        write_fat(tmp_path / "a.img", [("a", bytes(free + 1))], size=1 << 20)


def test_a_full_root_directory_is_an_error(tmp_path: Path) -> None:
    files = [(f"a long name number {n}", b"") for n in range(224)]
    for size in (1 << 20, None):
        with pytest.raises(FormatError, match=r"root directory.*holds 224 entries"):
            write_fat(tmp_path / "a.img", files, size=size)


def test_types_follow_size() -> None:
    assert [fat_type(n) for n in (128 << 10, FAT12_MAX, FAT12_MAX + 512)] == [12, 12, 16]
    assert [fat_type(n) for n in (FAT16_MAX, FAT16_MAX + 512, 32 << 30)] == [16, 32, 32]
    for size in (0, 1000, (1 << 20) + 1, 33 << 30):
        with pytest.raises(FormatError):
            fat_type(size)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a:b"], "cannot store ':'"),
        (["con\x01"], "cannot store"),
        (["trailing."], "name 'trailing.'"),
        (["a/../b"], "name '..'"),
        (["Main.py", "main.py"], "only in case"),
        (["Lib/a", "lib/b"], "only in case"),
        (["a", "a/b"], "a is a file"),
        (["a", "a"], "already"),
        (["n" * 128], "too long"),
        (["x\udc80"], "UTF-8"),
    ],
)
def test_names_fat_cannot_store_are_refused(names: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=message):
        write_fat(tmp_path / "a.img", [(name, b"") for name in names])


@pytest.mark.parametrize("label", ["", "twelve chars", "a/b", "\xfc"])
def test_labels_fat_cannot_store_are_refused(label: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="label"):
        write_fat(tmp_path / "a.img", [], label=label)
