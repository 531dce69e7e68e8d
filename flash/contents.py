"""What a partition holds, from as few bytes of it as possible."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from romfs.build_info import DIGEST_SIZE, FORMAT
from romfs.errors import ImageError
from romfs.records import MAGIC, Kind, read_record
from romfs.varuint import read_varuint

_HEAD = 512
_LARGEST_INFO = 64 * 1024
_MOST_RECORDS = 64


@dataclass(frozen=True, slots=True)
class Contents:
    """The start of a partition, understood.

    Attributes:
        state: "image", "erased", "unfinished" (an image whose magic is not written yet),
            or "unknown".
        size: Bytes of the image, 0 without one.
        info: Its build information, empty if it has none.
    """

    state: str
    size: int = 0
    info: Mapping[str, Any] = field(default_factory=dict)


def look(read: Callable[[int, int], bytes], size: int) -> Contents:
    """Look at a partition of `size` bytes through `read(offset, length)`."""
    head = read(0, min(_HEAD, size))
    if not head.strip(b"\xff"):
        return Contents("erased")
    if head[:3] != MAGIC:
        rest = head[3:].lstrip(b"\xff")
        return Contents("unfinished" if head[:3] == b"\xff" * 3 and rest else "unknown")
    try:
        root = read_record(memoryview(head), 0, size)
    except ImageError:
        return Contents("unknown")
    return Contents("image", root.end, _build_info(read, root.start, root.end))


def _build_info(read: Callable[[int, int], bytes], start: int, end: int) -> Mapping[str, Any]:
    """The fields of the build-information record, found by hopping over the others."""
    for _ in range(_MOST_RECORDS):
        if start >= end:
            break
        window = read(start, min(16, end - start))
        kind, length, at = _header(window)
        if kind == Kind.BUILD_INFO and length <= _LARGEST_INFO:
            return _fields(read(start + at, length))
        if at == 0 or kind == Kind.UNUSED:
            break
        start += at + length
    return {}


def _header(window: bytes) -> tuple[int, int, int]:
    """Kind and payload length of a record, and the size of its header; 0 if it has none."""
    view = memoryview(window)
    try:
        kind, at = read_varuint(view, 0, len(view))
        length, at = read_varuint(view, at, len(view))
    except ImageError:
        return 0, 0, 0
    return kind, length, at


def _fields(payload: bytes) -> Mapping[str, Any]:
    view = memoryview(payload)
    if not payload or payload[0] != FORMAT:
        return {}
    try:
        count, at = read_varuint(view, 1 + DIGEST_SIZE, len(view))
        fields = json.loads(payload[at + count * DIGEST_SIZE :])
    except (ImageError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}
