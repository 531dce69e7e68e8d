"""An annotated listing of an image: every record, its bytes and its meaning."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

from romfs import build_info
from romfs.errors import ImageError
from romfs.image import Image
from romfs.records import MAGIC, Kind, Record, iter_records
from romfs.varuint import read_varuint

_SHOWN = 16  # bytes of a payload
_NAMES = {int(kind): kind.name for kind in Kind}


class Row(NamedTuple):
    """One line of the listing.

    Attributes:
        offset: Of its first byte, from image start.
        depth: Nesting of the record it belongs to.
        data: The bytes it explains, shortened to the first few.
        text: What they mean.
    """

    offset: int
    depth: int
    data: bytes
    text: str


def dump(image: Image) -> Iterator[Row]:
    """Explain every record of a valid image, in the order in which they lie in it."""
    yield Row(0, 0, bytes(image.data[: len(MAGIC)]), "magic: FILESYSTEM record")
    length = image.data[len(MAGIC) : image.payload]
    yield Row(len(MAGIC), 0, bytes(length), f"payload of {image.size - image.payload} bytes")
    yield from _records(image, image.payload, image.size, 1)


def render(rows: Iterator[Row]) -> Iterator[str]:
    """The listing as lines of text."""
    for row in rows:
        data = row.data.hex(" ")
        yield f"{row.offset:08x}  {'  ' * row.depth}{data:<23}  {row.text}".rstrip()


def _records(image: Image, start: int, end: int, depth: int) -> Iterator[Row]:
    for record in iter_records(image.data, start, end):
        head = bytes(image.data[record.offset : record.start])
        size = record.end - record.start
        name = _NAMES.get(record.kind) or f"kind {record.kind:#x}"
        yield Row(record.offset, depth, head, f"{name}, {size} bytes")
        if record.kind in (Kind.DIRECTORY, Kind.FILE):
            body = yield from _name(image, record, depth + 1)
            yield from _records(image, body, record.end, depth + 1)
        elif record.kind == Kind.DATA_POINTER:
            yield _pointer(image, record, depth + 1)
        elif record.kind == Kind.BUILD_INFO:
            yield from _build_info(image, record, depth + 1)
        elif size:
            yield _payload(image, record, depth + 1)


def _name(image: Image, record: Record, depth: int) -> Generator[Row, None, int]:
    length, start = read_varuint(image.data, record.start, record.end)
    raw = bytes(image.data[start : start + length])
    data = bytes(image.data[record.start : start + min(length, _SHOWN)])
    yield Row(record.start, depth, data, f"name {raw.decode('utf-8', 'backslashreplace')!r}")
    return start + length


def _pointer(image: Image, record: Record, depth: int) -> Row:
    size, at = read_varuint(image.data, record.start, record.end)
    offset, _ = read_varuint(image.data, at, record.end)
    data = bytes(image.data[record.start : record.end])
    return Row(record.start, depth, data, f"{size} bytes at {image.payload + offset:#x}")


def _build_info(image: Image, record: Record, depth: int) -> Iterator[Row]:
    if image.data[record.start : record.end][:1] != bytes((build_info.FORMAT,)):
        yield _payload(image, record, depth)
        return
    try:
        info = build_info.decode(image.data, record)
    except ImageError as error:
        yield Row(record.start, depth, b"", str(error))
        return
    yield Row(record.start, depth, bytes(image.data[record.start : record.start + 1]), "format")
    yield Row(info.digest_offset, depth, info.image_digest[:8], "SHA-256 of the image")
    yield Row(info.digest_offset + 32, depth, b"", f"{len(info.digests)} SHA-256 of contents")
    fields = ", ".join(f"{name} {value!r}" for name, value in info.fields.items())
    yield Row(info.fields_offset, depth, b"", f"fields: {fields or 'none'}")


def _payload(image: Image, record: Record, depth: int) -> Row:
    data = bytes(image.data[record.start : min(record.end, record.start + _SHOWN)])
    more = record.end - record.start - len(data)
    return Row(record.start, depth, data, f"... {more} more" if more > 0 else "")
