"""A FAT12/16/32 image, as dumped from a board or an SD card, as a source."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.errors import BuildError
from romfs.sources.base import Select, SourceEntry

if TYPE_CHECKING:
    from pyfatfs.PyFat import PyFat

SECTOR = 512
_SIGNATURE = b"\x55\xaa"
_FAT_PARTITION_TYPES = frozenset((0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E))

# Bits of DIR_NTRes: an 8.3 name without a long one is shown in lower case. FatFs, which
# MicroPython uses, stores `main.py` this way.
_LOWER_BASE, _LOWER_EXTENSION = 0x08, 0x10


def looks_like_fat(head: bytes) -> bool:
    """Whether a file starting with these 512 bytes may be a FAT volume or hold one.

    Source: Microsoft FAT specification 1.03, section 3.1: BS_jmpBoot and the signature.
    """
    return len(head) >= SECTOR and head[510:512] == _SIGNATURE


class FatSource:
    """Files of a FAT volume.

    Args:
        path: The image: a bare volume, as a board's flash holds, or a disk with a
            partition table, as an SD card is; then its first FAT partition.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def label(self) -> str:
        """The image file, as given."""
        return str(self.path)

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """See `Source.entries`.

        Raises:
            BuildError: It is not a FAT volume, or a damaged one.
        """
        with _damage_reported(self.label), warnings.catch_warnings():
            # A volume dumped from a running board may well be marked as in use, or have
            # names that never got their long form.
            warnings.simplefilter("ignore")
            volume = _open(_volume(self.path.read_bytes()))
            found = list(self._directory(volume, volume.root_dir, "", (), select))
        yield from found

    def _directory(
        self, volume: PyFat, directory: Any, prefix: str, above: tuple[int, ...], select: Select
    ) -> Iterator[SourceEntry]:
        here = directory.get_cluster()
        if here in above:
            raise BuildError("damaged FAT volume: a directory contains itself", path=prefix)
        folders, files, _dots_and_label = directory.get_entries()
        for name, entry in sorted((_name(entry), entry) for entry in (*folders, *files)):
            path = prefix + name
            origin = f"{self.label}:{path}"
            if entry.is_directory():
                if select(path, True):
                    yield SourceEntry(path, origin, None)
                    yield from self._directory(volume, entry, path + "/", (*above, here), select)
            elif select(path, False):
                yield SourceEntry(path, origin, partial(_content, volume, entry, path))


@contextmanager
def _damage_reported(path: str) -> Iterator[None]:
    from pyfatfs import PyFATException

    try:
        yield
    except PyFATException as error:
        raise BuildError(f"not a readable FAT volume: {error}", path=path) from None
    except BuildError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        # What pyfatfs 1.1 lets through on damaged volumes.
        raise BuildError(f"damaged FAT volume: {error!r}", path=path) from None


def _volume(disk: bytes) -> bytes:
    """The FAT volume of a disk image: all of it, or its first FAT partition."""
    if disk[0:1] in (b"\xeb", b"\xe9") or not looks_like_fat(disk[:SECTOR]):
        return disk
    for row in range(446, 510, 16):  # the partition table of a master boot record
        if disk[row + 4] in _FAT_PARTITION_TYPES:
            start = int.from_bytes(disk[row + 8 : row + 12], "little") * SECTOR
            size = int.from_bytes(disk[row + 12 : row + 16], "little") * SECTOR
            return disk[start : start + size]
    return disk


def _open(volume: bytes) -> PyFat:
    from pyfatfs import PyFATException
    from pyfatfs.PyFat import PyFat

    class Volume(PyFat):  # type: ignore[misc]
        """PyFat, whose cluster chains end even where the volume links them in a ring."""

        def get_cluster_chain(self, first_cluster: int) -> Iterator[int]:
            for number, cluster in enumerate(super().get_cluster_chain(first_cluster)):
                if number > len(self.fat):
                    raise PyFATException("a cluster chain runs in a ring")
                yield cluster

        def __del__(self) -> None:
            """Nothing: it would mark a volume in memory as cleanly closed, damaged or not."""

    found = Volume(encoding="ibm437")
    found.set_fp(io.BytesIO(volume))
    return found


def _name(entry: Any) -> str:
    if entry.lfn_entry is not None:
        return str(entry.get_long_name())
    base, dot, extension = entry.get_short_name().partition(".")
    if entry.ntres & _LOWER_BASE:
        base = base.lower()
    if entry.ntres & _LOWER_EXTENSION:
        extension = extension.lower()
    return f"{base}{dot}{extension}"


def _content(volume: PyFat, entry: Any, path: str) -> bytes:
    size = int(entry.filesize)
    data = bytearray()
    with _damage_reported(path):
        for cluster in volume.get_cluster_chain(entry.get_cluster()) if size else ():
            data += volume.read_cluster_contents(cluster)
            if len(data) >= size:
                break
    if len(data) < size:
        raise BuildError(f"{size - len(data)} of {size} bytes are missing", path=path)
    return bytes(data[:size])
