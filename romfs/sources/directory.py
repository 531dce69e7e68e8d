"""A directory of the host as a source."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from romfs.errors import BuildError
from romfs.image import MAX_DEPTH
from romfs.sources.base import Select, SourceEntry

_SPECIAL = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class DirectorySource:
    """Files below a directory; symbolic links are followed.

    Args:
        root: The directory. Nothing is ever written into it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def label(self) -> str:
        """The directory, as given."""
        return str(self.root)

    def entries(self, select: Select) -> Iterator[SourceEntry]:
        """See `Source.entries`.

        Raises:
            BuildError: A FIFO, socket or device, a link into nowhere or in circles, or a
                name that is not UTF-8.
            OSError: The directory, or one below it, cannot be read.
        """
        return self._directory(os.fspath(self.root), "", (), select)

    def _directory(
        self, host: str, prefix: str, above: tuple[tuple[int, int], ...], select: Select
    ) -> Iterator[SourceEntry]:
        if len(above) > MAX_DEPTH:
            raise BuildError(f"is more than {MAX_DEPTH} directories deep", path=prefix.rstrip("/"))
        here = Path(host).stat()
        identity = (here.st_dev, here.st_ino)
        if identity in above:
            raise BuildError("symbolic links lead in a circle", path=prefix.rstrip("/"))
        with os.scandir(host) as scan:
            found = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        for entry in found:
            path = prefix + _name(prefix, entry.name)
            try:
                mode = entry.stat().st_mode if entry.is_symlink() else 0
            except OSError as error:
                if not select(path, False):
                    continue
                raise _bad_link(path, error) from None
            if entry.is_dir():
                if select(path, True):
                    yield SourceEntry(path, entry.path, None)
                    below = (*above, identity)
                    yield from self._directory(entry.path, path + "/", below, select)
            elif not select(path, False):
                continue
            elif entry.is_file():
                yield SourceEntry(path, entry.path, _Reader(entry.path))
            else:
                mode = mode or entry.stat(follow_symlinks=False).st_mode
                what = _SPECIAL.get(stat.S_IFMT(mode), "not a file")
                raise BuildError(f"is {what}; an image holds only files", path=path)


class _Reader:
    """Reads one file; a slotted class, since there are as many as files."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> bytes:
        # Three system calls; Path.read_bytes() makes twice as many, which shows in
        # the rebuild time of a large tree.
        handle = os.open(self.path, os.O_RDONLY)
        try:
            size = os.fstat(handle).st_size
            data = os.read(handle, size + 1)
            if len(data) == size:
                return data
            chunks = [data]  # it grew or shrank meanwhile, or size means nothing here
            while chunk := os.read(handle, 1 << 20):
                chunks.append(chunk)
            return b"".join(chunks)
        finally:
            os.close(handle)


def _name(prefix: str, name: str) -> str:
    """A name as the image has it: what its bytes mean in UTF-8, whatever the locale says."""
    raw = os.fsencode(name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BuildError(
            "name is not UTF-8; a device could not list it. Rename it or exclude it",
            path=prefix + raw.decode("utf-8", "backslashreplace"),
        ) from None


def _bad_link(path: str, error: OSError) -> BuildError:
    if error.errno == errno.ELOOP:
        return BuildError("symbolic links lead in a circle", path=path)
    return BuildError(f"symbolic link to nowhere ({error.strerror})", path=path)
