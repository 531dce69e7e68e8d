"""Every malformation of an image at once: a walk that goes on where `Image` would stop.

`romfs.image.Image` refuses an image at the first thing wrong with it; whoever has to mend
one wants the whole list, and the files that can still be read examined too. The walk knows
the bounds of every container, so nothing it hands out lies outside the image.

Source: MicroPython extmod/vfs_rom.c; SPEC.md, "Malformed images".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from romfs.errors import ImageError
from romfs.findings import Finding, Severity
from romfs.image import MAX_DEPTH, name_problem
from romfs.records import MAGIC, Kind, Record
from romfs.varuint import read_varuint

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_NAME_RULES = {
    "is empty": "name-empty",
    "means a directory, not an entry": "name-dot",
    "contains a slash": "name-slash",
    "contains a NUL byte": "name-nul",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A file as a device would find it.

    Attributes:
        path: In the image.
        data: Window on its content.
        offset: Of its content, from image start.
    """

    path: str
    data: memoryview
    offset: int


@dataclass(slots=True)
class Scan:
    """What the walk came back with.

    Attributes:
        findings: In the order of the walk.
        files: Those with content inside the image, as a device resolves their paths:
            the first of several entries of one name.
        payload: Offset of the root record's payload; 0 if there is no image.
        end: Offset after the image; 0 if there is none.
    """

    findings: list[Finding] = field(default_factory=list)
    files: dict[str, Found] = field(default_factory=dict)
    payload: int = 0
    end: int = 0

    @property
    def sound(self) -> bool:
        """Whether `Image` would take it: no error was found."""
        return not any(finding.severity is ERROR for finding in self.findings)


def scan(buffer: bytes | bytearray | memoryview) -> Scan:
    """Walk an image.

    Args:
        buffer: The image; it may go on after it, as a partition does.
    """
    walk = _Walk(memoryview(buffer).cast("B").toreadonly())
    walk.root()
    return walk.result


class _Walk:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.result = Scan()

    def find(
        self, rule: str, severity: Severity, path: str, message: str, offset: int | None
    ) -> None:
        self.result.findings.append(Finding(rule, severity, path, message, offset))

    def root(self) -> None:
        data = self.data
        if bytes(data[: len(MAGIC)]) != MAGIC:
            head = bytes(data[:8]).hex(" ") or "nothing"
            self.find("no-image", ERROR, "", f"starts with {head}, not with d2 cd 31", 0)
            return
        try:
            length, payload = read_varuint(data, len(MAGIC))
        except ImageError as error:
            self.find("bad-varuint", ERROR, "", f"root length: {error.args[0]}", len(MAGIC))
            return
        end = payload + length
        if end > len(data):
            self.find(
                "image-truncated",
                ERROR,
                "",
                f"the image says it has {end} bytes and {len(data)} are there "
                f"({end - len(data)} missing)",
                len(MAGIC),
            )
            end = len(data)
        if end % 2:
            self.find(
                "odd-size",
                WARNING,
                "",
                f"{end} bytes; a conforming image has an even number, which a leading 80 in the "
                "root length gives",
                len(MAGIC),
            )
        if end < len(data) and len(bytes(data[end:]).strip(b"\xff\0")):
            self.find(
                "trailing-bytes",
                NOTE,
                "",
                f"{len(data) - end} bytes after the image, which a device ignores",
                end,
            )
        self.result.payload, self.result.end = payload, end
        self.directory("", payload, end, 0)

    def records(self, path: str, start: int, end: int) -> Iterator[Record]:
        """The records of a container, clipped to it; ends at one that cannot be read."""
        while start < end:
            try:
                kind, at = read_varuint(self.data, start, end)
                length, body = read_varuint(self.data, at, end)
            except ImageError as error:
                self.find(
                    "bad-varuint",
                    ERROR,
                    path,
                    f"record header: {error.args[0]}; a device sees nothing from here to the end "
                    "of the directory",
                    start,
                )
                return
            if kind == Kind.UNUSED:
                self.find(
                    "record-unused",
                    ERROR,
                    path,
                    f"record of kind 0: a device stops here and {end - start} bytes of this "
                    "directory stay invisible",
                    start,
                )
                return
            if length > end - body:
                self.find(
                    "record-overrun",
                    ERROR,
                    path,
                    f"record of kind {kind:#x} has {length} bytes, {length - (end - body)} more "
                    "than its container holds; a device reads on past it",
                    start,
                )
                length = end - body
            yield Record(kind, start, body, body + length)
            start = body + length

    def directory(self, path: str, start: int, end: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.find("too-deep", ERROR, path, f"directories nested deeper than {MAX_DEPTH}", start)
            return
        names: dict[str, int] = {}
        for record in self.records(path, start, end):
            if record.kind == Kind.FILESYSTEM:
                self.find(
                    "nested-filesystem",
                    WARNING,
                    path,
                    "a file system record inside the image, which a device skips; store the inner "
                    "image as a file",
                    record.offset,
                )
            if record.kind in (Kind.DIRECTORY, Kind.FILE):
                self.entry(path, record, names, depth)

    def entry(self, parent: str, record: Record, names: dict[str, int], depth: int) -> None:
        try:
            length, start = read_varuint(self.data, record.start, record.end)
        except ImageError as error:
            self.find("bad-varuint", ERROR, parent, f"name: {error.args[0]}", record.offset)
            return
        if length > record.end - start:
            self.find(
                "name-overrun",
                ERROR,
                parent,
                f"name of {length} bytes in a record with {record.end - start} left; a device "
                "compares bytes beyond it",
                record.offset,
            )
            return
        body = start + length
        name = str(self.data[start:body], "utf-8", "surrogateescape")
        path = f"{parent}/{name}" if parent else name
        self.name(path, name, start)
        first = names.setdefault(name, record.offset)
        visible = first == record.offset
        if not visible:
            self.find(
                "duplicate-name",
                ERROR,
                path,
                f"a second entry of this name; a device finds only the one at {first:#x}",
                record.offset,
            )
        before = len(self.result.files)
        if record.kind == Kind.DIRECTORY:
            self.directory(path, body, record.end, depth + 1)
        else:
            self.file(path, record, body)
        if not visible:
            for hidden in list(self.result.files)[before:]:
                del self.result.files[hidden]

    def name(self, path: str, name: str, offset: int) -> None:
        if problem := name_problem(name):
            self.find(
                _NAME_RULES[problem],
                ERROR,
                path,
                f"the name {name!r} {problem}: no path resolves to it as meant",
                offset,
            )
        if not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError:
                self.find(
                    "name-utf8",
                    ERROR,
                    path,
                    f"the name {name!r} is not UTF-8: listing its directory raises UnicodeError",
                    offset,
                )

    def file(self, path: str, record: Record, body: int) -> None:
        content: Found | None = None
        data_records = 0
        for inner in self.records(path, body, record.end):
            if inner.kind in (Kind.DIRECTORY, Kind.FILE):
                self.find(
                    "entry-in-file",
                    WARNING,
                    path,
                    "a file or directory record inside a file, which a device skips",
                    inner.offset,
                )
            if inner.kind not in (Kind.DATA_VERBATIM, Kind.DATA_POINTER):
                continue
            data_records += 1
            if data_records > 1:
                self.find(
                    "data-ignored",
                    WARNING,
                    path,
                    "a further data record: a device uses the first one",
                    inner.offset,
                )
            elif inner.kind == Kind.DATA_VERBATIM:
                window = self.data[inner.start : inner.end]
                content = Found(path, window, inner.start)
            else:
                content = self.pointed(path, inner)
        if not data_records:
            self.find(
                "no-data",
                ERROR,
                path,
                "the file has no data record: it cannot be opened and ends the listing of its "
                "directory; an empty file needs the record 02 00",
                record.offset,
            )
        if content is not None and path not in self.result.files:
            self.result.files[path] = content

    def pointed(self, path: str, record: Record) -> Found | None:
        try:
            size, at = read_varuint(self.data, record.start, record.end)
            offset, at = read_varuint(self.data, at, record.end)
        except ImageError as error:
            self.find("bad-varuint", ERROR, path, f"data pointer: {error.args[0]}", record.offset)
            return None
        first = self.result.payload + offset
        if first + size > self.result.end:
            over = first + size - self.result.end
            self.find(
                "pointer-range",
                ERROR,
                path,
                f"points to {size} bytes at {first:#x}, {over} beyond the image; a device reads "
                "whatever is there",
                record.offset,
            )
            return None
        if at < record.end:
            self.find(
                "pointer-extra",
                WARNING,
                path,
                f"{record.end - at} unused bytes in the data pointer",
                record.offset,
            )
        return Found(path, self.data[first : first + size], first)
