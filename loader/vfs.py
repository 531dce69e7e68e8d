"""The mount table: which file system a path belongs to, and every path operation.

File systems are objects with the methods a guest may call: `VfsRom`, `VfsPosix`, or
one that guest code defines. The table routes as the device does, mount point by mount
point with the root last, and knows the current file system.

Source: MicroPython extmod/vfs.c; SPEC.md, "Auto-mount by the firmware".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loader.modules._posix_fs import VfsPosix, open_file
from loader.modules._rom_fs import VfsRom
from loader.modules.native import NativeIterator, buffer_of, get_str, os_error
from loader.modules.streams import CLOSE, GET_BUFFER_SIZE, Stream, stream_ioctl, stream_read

EPERM, EEXIST, ENODEV, EINVAL = 1, 17, 19, 22
DIR = 0x4000
_NAME_MAX = 4096
_BLOCK = 53
"""Bytes the importer reads at a time on a 64-bit device: what two GC blocks leave for them."""


@dataclass(eq=False, slots=True)
class Mount:
    """One row: a file system and the absolute path it appears at."""

    point: str
    fs: Any

    @property
    def is_root(self) -> bool:
        """Whether it is mounted at "/"."""
        return len(self.point) == 1


class MountTable:
    """All mounted file systems, in the order in which they are tried.

    Attributes:
        mounts: The rows.
        current: The row of the current directory; None is the virtual root.
    """

    def __init__(self) -> None:
        self.mounts: list[Mount] = []
        self.current: Mount | None = None

    @classmethod
    def unix(cls) -> MountTable:
        """The table of the unix build: the host's files at "/"."""
        table = cls()
        table.mount(VfsPosix(), "/")
        table.current = table.mounts[0]
        return table

    # Routing

    def lookup(self, path: str) -> tuple[Mount | None, str]:
        """The row that `path` belongs to and the path within it.

        No row means the virtual root, which lists the mount points.

        Raises:
            OSError: ENODEV, nothing is mounted there.
        """
        found = self._route(path)
        if found is None:
            raise os_error(ENODEV)
        return found

    def _route(self, path: str) -> tuple[Mount | None, str] | None:
        absolute = path.startswith("/")
        if not absolute and self.current is not None:
            return self.current, path
        inner = path[1:] if absolute else path
        if not inner:
            return None, ""
        for mount in self.mounts:
            if mount.is_root:
                return mount, path
            name = mount.point[1:]
            if inner == name:
                return mount, "/"
            if inner.startswith(name + "/"):
                return mount, inner[len(name) :]
        return None

    # Mounting

    def mount(self, fs: Any, point: str, readonly: object = False, mkfs: object = False) -> None:
        """Mount `fs` at `point`.

        Raises:
            OSError: EPERM, something else is mounted there; or what `fs` itself raises.
        """
        fs.mount(readonly, mkfs)
        row = Mount(point, fs)
        found = self._route(point)
        if found is not None and found[0] is not None and (row.is_root or not found[0].is_root):
            raise os_error(EPERM)
        where = next((at for at, mount in enumerate(self.mounts) if mount.is_root), None)
        self.mounts.insert(len(self.mounts) if where is None else where, row)

    def umount(self, target: Any) -> None:
        """Unmount the file system `target`, or the one at the path `target`.

        Raises:
            OSError: EINVAL, it is not mounted.
        """
        for row in self.mounts:
            if row.fs is target or (isinstance(target, str) and row.point == target):
                break
        else:
            raise os_error(EINVAL)
        self.mounts.remove(row)
        if self.current is row:
            self.current = None
        row.fs.umount()

    # Operations on paths

    def import_stat(self, path: str) -> str | None:
        """What lies at `path`, as the importer asks: "dir", "file" or None."""
        found = self._route(path)
        if found is None:
            return None
        row, inner = found
        if row is None:
            return "dir"
        if isinstance(row.fs, (VfsRom, VfsPosix)):
            return row.fs._import_stat(inner)
        try:
            mode = row.fs.stat(inner)[0]
        except Exception:  # noqa: BLE001 - the importer takes any failure for "not there"
            return None
        return "dir" if mode & DIR else "file"

    def open(self, path: Any, mode: Any = "r") -> Any:
        """Open a file; an int is a descriptor of the host."""
        if isinstance(path, int):
            return open_file(path, mode)
        row, inner = self._need(path)
        return row.fs.open(inner, mode)

    def read_for_import(self, path: str) -> memoryview:
        """The content of a file: in place if the file system can, else read through its stream."""
        row, inner = self._need(path)
        if isinstance(row.fs, VfsRom):
            return row.fs._window(inner)
        file = row.fs.open(inner, "rb")
        try:
            return buffer_of(file)
        except TypeError:
            return memoryview(_read_whole(file))

    def lookup_path(self, path: Any) -> tuple[Mount | None, str]:
        """As `lookup`, for the path argument of a guest: str or bytes."""
        return self.lookup(get_str(path))

    def listdir(self, path: Any = "") -> Iterator[tuple[Any, ...]]:
        """Entries at `path` as tuples; bytes in, bytes out."""
        row, inner = self.lookup_path(path)
        if row is not None:
            return self._entries(row, inner, path)
        return NativeIterator(self._root_entries(path))

    def _entries(self, row: Mount, inner: str, path: Any) -> Iterator[tuple[Any, ...]]:
        return row.fs.ilistdir(inner if isinstance(path, str) else inner.encode())  # type: ignore[no-any-return]

    def _root_entries(self, path: Any) -> Iterator[tuple[Any, ...]]:
        for row in list(self.mounts):
            if row.is_root:
                yield from self._entries(row, "/", path)
                return
            name = row.point[1:]
            yield (name if isinstance(path, str) else name.encode(), DIR, 0)

    def chdir(self, path: Any) -> None:
        """Change the current directory, and with it the current file system."""
        row, inner = self.lookup_path(path)
        target = row
        if row is None:
            target = next((mount for mount in self.mounts if mount.is_root), None)
            inner = "/"
        if target is not None:
            target.fs.chdir(inner)
        self.current = row

    def getcwd(self) -> Any:
        """The current directory as an absolute path."""
        row = self.current
        if row is None:
            return "/"
        inner = row.fs.getcwd()
        if row.is_root:
            return inner
        return row.point + ("" if inner == "/" else get_str(inner))

    def stat(self, path: Any) -> Any:
        """The stat tuple of `path`."""
        row, inner = self.lookup_path(path)
        return (DIR, 0, 0, 0, 0, 0, 0, 0, 0, 0) if row is None else row.fs.stat(inner)

    def statvfs(self, path: Any) -> Any:
        """The statvfs tuple of the file system at `path`."""
        row, inner = self.lookup_path(path)
        if row is None:
            row = next((mount for mount in self.mounts if mount.is_root), None)
            inner = "/"
        return (0, 0, 0, 0, 0, 0, 0, 0, 0, _NAME_MAX) if row is None else row.fs.statvfs(inner)

    def mkdir(self, path: Any) -> None:
        """Make a directory; a mount point exists already."""
        row, inner = self.lookup_path(path)
        if row is None or (inner == "/" and not row.is_root):
            raise os_error(EEXIST)
        row.fs.mkdir(inner)

    def rename(self, old: Any, new: Any) -> None:
        """Rename within one file system."""
        row, inner = self.lookup_path(old)
        other, inner_new = self.lookup_path(new)
        if row is not other or row is None:
            raise os_error(EPERM)
        row.fs.rename(inner, inner_new)

    def remove(self, path: Any) -> None:
        """Remove a file."""
        row, inner = self._need(path)
        row.fs.remove(inner)

    def rmdir(self, path: Any) -> None:
        """Remove an empty directory."""
        row, inner = self._need(path)
        row.fs.rmdir(inner)

    def _need(self, path: Any) -> tuple[Mount, str]:
        row, inner = self.lookup_path(path)
        if row is None:
            raise os_error(EPERM)
        return row, inner


def _read_whole(file: Any) -> bytes:
    """Read a stream to its end as the device's importer does: in blocks, the first short
    one being the last."""
    try:
        # Nobody sees how a native stream is read; a guest's own sees every call.
        size = 1 << 16 if isinstance(file, Stream) else int(stream_ioctl(file, GET_BUFFER_SIZE))
    except OSError:
        size = 0
    size = size if size > 0 else _BLOCK
    content = bytearray()
    while True:
        part = stream_read(file, size)
        content += part
        if len(part) < size:
            break
    stream_ioctl(file, CLOSE)
    return bytes(content)
