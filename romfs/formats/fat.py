"""FAT12/16/32 images for SD cards and USB drives, written through `pyfatfs`.

The same files give the same bytes: dates are those given (1980-01-01 unless told), files
lie in sorted order and the volume serial is a CRC of what is stored.

Only the low-level `PyFat` is used: the package's `PyFatFS` needs a module that newer
setuptools no longer brings.
"""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from romfs.errors import FormatError

SECTOR = 512
FAT12_MAX = 8400 * SECTOR
FAT16_MAX = 512 << 20
"""Up to these sizes mkfs.fat, too, takes the smaller type."""
SMALLEST = 128 << 10
LARGEST = 32 << 30
EPOCH = datetime.datetime(1980, 1, 1)
"""First date that FAT can store."""

_BAD_CHARACTERS = frozenset('"*/:<>?\\|') | {chr(code) for code in range(32)}
_LABEL_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-!#$%&'()@^`{}~")


def check_label(label: str) -> str:
    """A volume label as FAT stores it, in upper case.

    Raises:
        FormatError: It is empty, longer than 11 characters, or has one FAT cannot store.
    """
    upper = label.upper().strip()
    if not 1 <= len(upper) <= 11:
        raise FormatError(f"FAT volume label {label!r}: 1 to 11 characters are possible")
    if bad := set(upper) - _LABEL_CHARACTERS:
        raise FormatError(f"FAT volume label {label!r}: {min(bad)!r} is not possible")
    return upper


def fat_type(size: int) -> int:
    """12, 16 or 32: the FAT type for a volume of `size` bytes.

    Raises:
        FormatError: No FAT volume has that size.
    """
    if not SMALLEST <= size <= LARGEST:
        raise FormatError(
            f"a FAT volume of {size} bytes: {SMALLEST // 1024} KiB to {LARGEST >> 30} GiB "
            "are possible"
        )
    if size % SECTOR:
        raise FormatError(f"a FAT volume of {size} bytes is not whole sectors of {SECTOR}")
    return 12 if size <= FAT12_MAX else 16 if size <= FAT16_MAX else 32


def write_fat(
    target: Path,
    files: Iterable[tuple[str, bytes | memoryview]],
    *,
    directories: Iterable[str] = (),
    size: int | None = None,
    label: str = "ROMFS",
    when: datetime.datetime = EPOCH,
) -> int:
    """Make a FAT volume in a file.

    Args:
        target: The file; what it holds is lost. On an error it is left half written, so
            give a temporary one.
        files: Path with "/" between components, and content.
        directories: Paths of directories to make even if they hold nothing.
        size: Of the volume in bytes, or None for the smallest number of MiB with some
            room to spare.
        label: Volume label.
        when: Date of every file.
    Returns:
        The size of the volume in bytes.
    Raises:
        FormatError: A name cannot be stored, or the files do not fit.
    """
    tree = _tree(files, directories)
    label = check_label(label)
    stamp = _stamp(when)
    if size is not None:
        _Volume(target, size, label, _serial(tree, label), stamp).fill(tree)
        return size
    size = -(-_estimate(tree) // (1 << 20)) << 20
    while True:
        try:
            _Volume(target, size, label, _serial(tree, label), stamp).fill(tree)
            return size
        except _Full:
            # Larger clusters waste more than was estimated.
            size += max(size // 4 >> 20, 1) << 20


Tree = dict[str, "Tree | bytes | memoryview"]


class _Full(FormatError):
    """The volume has no room left."""


def _tree(files: Iterable[tuple[str, bytes | memoryview]], directories: Iterable[str]) -> Tree:
    root: Tree = {}
    for path in sorted(directories):
        _descend(root, path.strip("/").split("/"), path)
    for path, data in sorted(files, key=lambda item: item[0]):
        *parents, name = path.strip("/").split("/")
        folder = _descend(root, parents, path)
        _check_name(name, path)
        if name in folder:
            raise FormatError(f"{path}: there is already a file or directory of that name")
        folder[name] = data
    _check_case(root, "")
    return root


def _descend(root: Tree, parents: list[str], path: str) -> Tree:
    folder = root
    for part in parents:
        _check_name(part, path)
        below = folder.setdefault(part, {})
        if not isinstance(below, dict):
            raise FormatError(f"{path}: {part} is a file")
        folder = below
    return folder


def _check_name(name: str, path: str) -> None:
    if not name or name in (".", "..") or name[-1] in ". " or name[0] == " ":
        raise FormatError(f"{path}: FAT cannot store the name {name!r}")
    if bad := set(name) & _BAD_CHARACTERS:
        raise FormatError(f"{path}: FAT cannot store {min(bad)!r} in a name")
    if any(0xD800 <= ord(char) < 0xE000 for char in name):
        raise FormatError(f"{path}: FAT cannot store a name that is not UTF-8")
    # The library counts bytes of UTF-16 where FAT counts 255 characters.
    if len(name.encode("utf-16-le")) > 254:
        raise FormatError(f"{path}: the name is too long, 127 characters are possible")


def _check_case(folder: Tree, prefix: str) -> None:
    seen: dict[str, str] = {}
    for name, entry in folder.items():
        other = seen.setdefault(name.upper(), name)
        if other != name:
            raise FormatError(
                f"{prefix}{name}: differs from {other!r} only in case, on FAT that is one"
            )
        if isinstance(entry, dict):
            _check_case(entry, f"{prefix}{name}/")


def _estimate(tree: Tree) -> int:
    """Bytes that surely hold the tree in a small volume: FATs, root, 2 KiB clusters."""

    def used(folder: Tree) -> int:
        total = 2048 + 128 * len(folder)
        for entry in folder.values():
            total += used(entry) if isinstance(entry, dict) else len(entry) + 2048
        return total

    return used(tree) * 17 // 16 + (64 << 10)


def _serial(tree: Tree, label: str) -> int:
    """A volume serial that tells different volumes apart, never 0."""

    def crc(folder: Tree, value: int) -> int:
        for name, entry in folder.items():
            value = zlib.crc32(name.encode(), value)
            value = crc(entry, value) if isinstance(entry, dict) else zlib.crc32(entry, value)
        return value

    return crc(tree, zlib.crc32(label.encode())) or 1


def _stamp(when: datetime.datetime) -> tuple[int, int]:
    """Date and time as FAT stores them: days, and units of two seconds."""
    if not 1980 <= when.year <= 2107:
        raise FormatError(f"FAT stores dates from 1980 to 2107, not {when:%Y-%m-%d}")
    date = (when.year - 1980) << 9 | when.month << 5 | when.day
    return date, when.hour << 11 | when.minute << 5 | when.second // 2


class _Volume:
    """An empty volume being filled."""

    def __init__(
        self, target: Path, size: int, label: str, serial: int, stamp: tuple[int, int]
    ) -> None:
        from pyfatfs.PyFat import PyFat

        kind = fat_type(size)
        target.write_bytes(b"")
        made = PyFat(encoding="ibm437")
        made.mkfs(str(target), fat_type=kind, size=size, label="LABEL", volume_id=serial)
        made.close()
        self.stamp = stamp
        self.short_names: dict[int, set[str]] = {}
        self.numbers: dict[tuple[int, str, str], int] = {}  # last one given to a stem
        self.fat: Any = PyFat(encoding="ibm437")
        self.fat.open(str(target))
        # The library takes every entry of the FAT for a cluster; those that only fill the
        # FAT's last sector lie beyond the end of the volume.
        header = self.fat.bpb_header
        data_sectors = size // SECTOR - self.fat.first_data_sector
        self.entries = data_sectors // header["BPB_SecPerClus"] + 2
        # One taken entry stays at the end: its search fails if the last one is needed.
        self.fat.fat[self.entries :] = [self.fat.FAT_CLUSTER_VALUES[kind]["BAD_CLUSTER"]]
        if kind == 12:
            self.fat.fat[1] = 0xFFF  # it leaves 0xFF0, which mtools refuses
        # Nothing uses the geometry, but mtools refuses a volume that names none.
        header.update(BPB_SecPerTrk=32, BPB_NumHeads=64)
        header["BS_VolLab"] = label.ljust(11).encode("ascii")
        for entry in self.fat.root_dir._get_entries_raw():
            if entry.is_volume_id():
                # Through the library a label would have to be an 8.3 file name.
                entry.name.name = bytearray(label.ljust(11).encode("ascii"))
                self._date(entry)

    def fill(self, tree: Tree) -> None:
        """Store everything and close."""
        from pyfatfs._exceptions import PyFATException

        try:
            self._directory(self.fat.root_dir, tree)
        except PyFATException as error:
            if "root directory" in str(error):
                # More space does not help: its entries are counted when it is made.
                raise FormatError(
                    f"the root directory of a FAT{self.fat.fat_type} volume holds "
                    f"{self.fat.bpb_header['BPB_RootEntCnt']} entries, and long names take "
                    "several; put files into directories, or take a volume above 512 MiB"
                ) from error
            raise _Full(f"the files do not fit the FAT volume: {error}") from error
        finally:
            self._close()

    def _close(self) -> None:
        del self.fat.fat[self.entries :]
        if self.fat.fat_type == 32:
            self._free_space()
        # On closing the library writes the FAT only where it keeps a dirty bit there.
        self.fat.flush_fat()
        self.fat.close()

    def _date(self, entry: Any) -> None:
        date, time = self.stamp
        entry.crtdate = entry.wrtdate = entry.lstaccessdate = date
        entry.crttime = entry.wrttime = time

    def _directory(self, folder: Any, tree: Tree) -> None:
        for name, content in tree.items():
            if isinstance(content, dict):
                self._directory(self._subdirectory(folder, name), content)
            else:
                chain = self.fat.allocate_bytes(len(content)) if content else [0]
                if content:
                    self.fat.write_data_to_cluster(bytes(content), chain[0], extend_cluster=False)
                self._entry(folder, name, chain[0], len(content), attributes=0x20)
        # Once, when it is complete: the library writes a directory as a whole.
        self.fat.update_directory_entry(folder)

    def _subdirectory(self, parent: Any, name: str) -> Any:
        """A new directory with the entries "." and ".."."""
        cluster = self.fat.allocate_bytes(SECTOR, erase=True)[0]
        made = self._entry(parent, name, cluster, 0, attributes=0x10)
        above = 0 if parent is self.fat.root_dir else parent.get_cluster()
        for dots, points_to in ((".", cluster), ("..", above)):
            self._entry(made, dots, points_to, 0, attributes=0x10)
        return made

    def _entry(self, folder: Any, name: str, cluster: int, size: int, *, attributes: int) -> Any:
        from pyfatfs.EightDotThree import EightDotThree
        from pyfatfs.FATDirectoryEntry import FATDirectoryEntry, make_lfn_entry

        short = EightDotThree(encoding="ibm437")
        if name in (".", ".."):
            short.set_byte_name(name.ljust(11).encode("ascii"))
        else:
            short.set_str_name(self._short_name(folder, name))
        entry = FATDirectoryEntry.new(
            name=short,
            tz=datetime.UTC,
            encoding="ibm437",
            attr=attributes,
            cluster=cluster,
            filesize=size,
        )
        self._date(entry)
        if name not in (".", "..") and short.get_unpadded_filename() != name:
            entry.set_lfn_entry(make_lfn_entry(name, short))
        folder.add_subdirectory(entry)
        return entry

    def _short_name(self, folder: Any, name: str) -> str:
        """An 8.3 name not yet in the folder.

        The library's own search looks at every entry for every name.
        """
        used = self.short_names.setdefault(id(folder), set())
        stem, _, extension = name.rpartition(".")
        if not stem:
            stem, extension = name, ""
        stem, extension = _short_part(stem), _short_part(extension)
        lossless = f"{stem}{'.' if extension else ''}{extension}" == name.upper()
        lossless = lossless and len(stem) <= 8 and len(extension) <= 3
        stem, extension = stem[:8], extension[:3]
        key = (id(folder), stem, extension)
        number = 0 if lossless else self.numbers.get(key, 0) + 1
        while True:
            tail = f"~{number}" if number else ""
            base = stem[: 8 - len(tail)] + tail
            short = f"{base}.{extension}" if extension else base
            if short not in used:
                used.add(short)
                self.numbers[key] = max(number, self.numbers.get(key, 0))
                return short
            number += 1  # names of one directory differ, so this ends

    def _free_space(self) -> None:
        """Bring the FAT32 free-space summary up to date, in the sector and its backup."""
        free = self.fat.fat[2:].count(0)
        used = len(self.fat.fat) - free
        following = next((at for at, to in enumerate(self.fat.fat) if at >= 2 and not to), used)
        summary = free.to_bytes(4, "little") + following.to_bytes(4, "little")
        for sector in (1, 7):
            self.fat._write_data_to_address(summary, sector * SECTOR + 488)


def _short_part(text: str) -> str:
    """What 8.3 keeps of a name's part: ASCII letters, digits and a few signs."""
    kept = (char for char in text.upper() if char not in " .")
    return "".join(char if char in _LABEL_CHARACTERS else "_" for char in kept)
