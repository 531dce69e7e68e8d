"""Reading an image: strict, without a copy, over any buffer.

A device checks next to nothing (SPEC.md, "Malformed images"), so this reader checks
everything before it hands out a window: what `Image` accepts is safe to walk on a
device too.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from romfs.errors import ImageError, PathNotFound, TruncatedError
from romfs.records import MAGIC, Kind, Record, iter_records
from romfs.varuint import read_varuint

MAX_DEPTH = 200
"""Directories nested deeper are refused. A device's lookup needs no stack for them, but
host tools, ours among them, recurse; and no path of that length is of use."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an image.

    Attributes:
        name: Its last path component. Bytes that are not UTF-8 appear as lone surrogates.
        offset: Of its record, from image start.
        data: Window on its content.
        data_offset: Of its content, from image start.
        by_pointer: Whether the content lies outside the record, perhaps shared.
    """

    name: str
    offset: int
    data: memoryview
    data_offset: int
    by_pointer: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of an image; the root has the empty name.

    Attributes:
        name: Its last path component.
        offset: Of its record, from image start.
        entries: Its content in record order, the order in which a device searches.
    """

    name: str
    offset: int
    entries: tuple[File | Directory, ...]

    def find(self, name: str) -> File | Directory | None:
        """The entry of that name."""
        return next((entry for entry in self.entries if entry.name == name), None)


Entry = File | Directory


class Image:
    """A ROMFS image.

    Args:
        buffer: Bytes, an mmap, or anything else with a read buffer. It may go on after
            the image, as a partition does.

    Attributes:
        data: Window on the image, without what follows it in the buffer.
        root: The directory tree.
        payload: Offset of the root record's payload; data pointers count from there.
        metadata: Records the format leaves to tools, found in the root.
        trailing: Bytes in the buffer after the image.

    Raises:
        ImageError: The buffer holds no image, or one that is malformed anywhere.
    """

    def __init__(self, buffer: bytes | bytearray | memoryview | mmap.mmap) -> None:
        view = memoryview(buffer).cast("B").toreadonly()
        self.payload, end = _root_bounds(view)
        self.data = view[:end]
        self.trailing = len(view) - end
        metadata: list[Record] = []
        self.root = Directory("", 0, self._entries(self.payload, end, 0, metadata))
        self.metadata = tuple(metadata)
        self._map: mmap.mmap | None = None

    @classmethod
    def open(cls, path: str | Path) -> Image:
        """Map the image at `path` read-only. Use it as a context manager, or `close()` it.

        Raises:
            ImageError: As for `Image`.
            OSError: The file cannot be opened.
        """
        with Path(path).open("rb") as file:
            if file.seek(0, 2) == 0:
                raise TruncatedError("the file is empty", offset=0)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            image = cls(mapped)
        except ImageError as error:
            # The traceback's frames hold windows on the map, which can then not be closed.
            raise error.with_traceback(None) from None
        image._map = mapped
        return image

    def close(self) -> None:
        """Give the map back. Windows handed out before keep it alive until they go."""
        self._map = None

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Bytes from the magic to the end of the root record."""
        return len(self.data)

    def lookup(self, path: str) -> Entry:
        """The entry at `path`; one leading slash is allowed, "" and "/" are the root.

        Raises:
            PathNotFound: There is none.
        """
        entry: Entry | None = self.root
        inner = path.removeprefix("/")
        for name in inner.split("/") if inner else ():
            entry = entry.find(name) if isinstance(entry, Directory) else None
            if entry is None:
                raise PathNotFound("no such file or directory in the image", path=path)
        assert entry is not None
        return entry

    def file(self, path: str) -> File:
        """The file at `path`.

        Raises:
            PathNotFound: There is nothing, or a directory.
        """
        entry = self.lookup(path)
        if isinstance(entry, Directory):
            raise PathNotFound("is a directory", path=path)
        return entry

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Every path and entry below the root, each directory before its content."""
        pending: list[tuple[str, Entry]] = [("", self.root)]
        while pending:
            path, entry = pending.pop()
            if path:
                yield path, entry
            if isinstance(entry, Directory):
                prefix = path + "/" if path else ""
                pending.extend((prefix + e.name, e) for e in reversed(entry.entries))

    def files(self) -> Iterator[tuple[str, File]]:
        """Every path and file, in the order of `walk`."""
        return ((path, entry) for path, entry in self.walk() if isinstance(entry, File))

    def _entries(
        self, start: int, end: int, depth: int, metadata: list[Record]
    ) -> tuple[Entry, ...]:
        if depth > MAX_DEPTH:
            raise ImageError(f"directories nested deeper than {MAX_DEPTH}", offset=start)
        entries: dict[str, Entry] = {}
        for record in iter_records(self.data, start, end):
            if record.kind not in (Kind.DIRECTORY, Kind.FILE):
                if depth == 0 and record.kind > Kind.FILE:
                    metadata.append(record)
                continue
            name, body = self._name(record)
            if name in entries:
                raise ImageError(f"a second entry named {name!r}", offset=record.offset)
            if record.kind == Kind.DIRECTORY:
                inside = self._entries(body, record.end, depth + 1, metadata)
                entries[name] = Directory(name, record.offset, inside)
            else:
                entries[name] = self._file(name, record, body)
        return tuple(entries.values())

    def _name(self, record: Record) -> tuple[str, int]:
        length, start = read_varuint(self.data, record.start, record.end)
        if length > record.end - start:
            raise TruncatedError(
                f"name of {length} bytes in a record with {record.end - start} left",
                offset=record.offset,
            )
        name = bytes(self.data[start : start + length]).decode("utf-8", "surrogateescape")
        if problem := name_problem(name):
            raise ImageError(f"name {name!r} {problem}", offset=start)
        return name, start + length

    def _file(self, name: str, record: Record, body: int) -> File:
        for inner in iter_records(self.data, body, record.end):
            if inner.kind == Kind.DATA_VERBATIM:
                content = self.data[inner.start : inner.end]
                return File(name, record.offset, content, inner.start, by_pointer=False)
            if inner.kind == Kind.DATA_POINTER:
                size, at = read_varuint(self.data, inner.start, inner.end)
                offset, _ = read_varuint(self.data, at, inner.end)
                first = self.payload + offset
                if first + size > len(self.data):
                    raise ImageError(
                        f"data of {name!r} ends {first + size - len(self.data)} bytes "
                        "past the end of the image",
                        offset=inner.offset,
                    )
                content = self.data[first : first + size]
                return File(name, record.offset, content, first, by_pointer=True)
        raise ImageError(f"file {name!r} has no data record", offset=record.offset)


def name_problem(name: str) -> str | None:
    """Why a device could not resolve an entry of this name, or None.

    Source: MicroPython extmod/vfs_rom.c, extract_file/vfs_rom_search_filesystem: names are
    compared as bytes, split at slashes and handed over as C strings.
    """
    if not name:
        return "is empty"
    if name in (".", ".."):
        return "means a directory, not an entry"
    if "/" in name:
        return "contains a slash"
    if "\0" in name:
        return "contains a NUL byte"
    return None


def _root_bounds(view: memoryview) -> tuple[int, int]:
    """Offsets of the root record's payload and of its end."""
    if bytes(view[:8]) == b"-rom1fs-":
        raise ImageError(
            "this is a Linux romfs image (-rom1fs-), a different format of the same name; "
            "MicroPython ROMFS images start with d2 cd 31",
            offset=0,
        )
    if bytes(view[:3]) != MAGIC:
        head = bytes(view[:8]).hex(" ")
        raise ImageError(
            f"not a MicroPython ROMFS image: starts with {head or 'nothing'}, not d2 cd 31",
            offset=0,
        )
    length, payload = read_varuint(view, len(MAGIC))
    if length > len(view) - payload:
        raise TruncatedError(
            f"the image says it has {payload + length} bytes, the buffer has {len(view)} "
            f"({payload + length - len(view)} missing)",
            offset=len(MAGIC),
        )
    return payload, payload + length
