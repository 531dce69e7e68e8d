"""What files of a finished image hold that they had better not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from romfs.check.structure import Found
from romfs.findings import Finding, Severity
from romfs.mpy import Mpy, ObjKind
from romfs.sizes import show_size

Files = Mapping[str, Found]

MAX_QSTRS = 0xFFFF
"""A module's qstr table has 16-bit entries. Source: MicroPython py/qstr.h, qstr_short_t."""


def source_left(files: Files) -> Iterator[Finding]:
    """A .py file is compiled on the device, into RAM, at every import."""
    for path, file in files.items():
        if path.endswith(".py") and file.data:
            yield Finding(
                "source-left",
                Severity.WARNING,
                path,
                f"{len(file.data)} bytes of source: the device compiles it into RAM at every "
                "import and nothing of it executes in place; let `romfs build` compile it",
                file.offset,
            )


def misaligned(files: Files, rules: Sequence[tuple[Collection[str], int]]) -> Iterator[Finding]:
    """Data that programs map as wider elements must lie on a multiple of their size.

    Args:
        files: Of the image.
        rules: Paths and the alignment they need, from image start.
    """
    for paths, align in rules:
        for path in paths:
            file = files.get(path)
            if file is not None and file.data and file.offset % align:
                yield Finding(
                    "misaligned",
                    Severity.ERROR,
                    path,
                    f"its data is at {file.offset:#x}, not on a multiple of {align} as configured",
                    file.offset,
                )


def nested_image_misaligned(files: Files) -> Iterator[Finding]:
    """What is aligned inside a nested image is so only if the image itself is."""
    for path, file in files.items():
        if bytes(file.data[:3]) == b"\xd2\xcd\x31" and file.offset % 4:
            yield Finding(
                "nested-misaligned",
                Severity.NOTE,
                path,
                f"an image inside the image, at {file.offset:#x}: alignment promised to its files "
                "does not hold; give it align = 16",
                file.offset,
            )


def too_large(size: int, capacity: int | None) -> Iterator[Finding]:
    """An image must fit its partition."""
    if capacity is not None and size > capacity:
        yield Finding(
            "does-not-fit",
            Severity.ERROR,
            "",
            f"image is {show_size(size)}, partition holds {show_size(capacity)} "
            f"({show_size(size - capacity)} over)",
        )


def unreadable_constants(path: str, mpy: Mpy, offset: int) -> Iterator[Finding]:
    """Constants a firmware turns down, or that its qstr table has no room for."""
    if len(mpy.qstrs) > MAX_QSTRS:
        yield Finding(
            "too-many-qstrs",
            Severity.ERROR,
            path,
            f"{len(mpy.qstrs)} qstrs; a device's table has {MAX_QSTRS} entries",
            offset,
        )
    for obj in mpy.objects:
        if obj.kind is ObjKind.STR and obj.window is not None:
            try:
                str(obj.window, "utf-8")
            except UnicodeDecodeError:
                yield Finding(
                    "str-not-utf8",
                    Severity.NOTE,
                    path,
                    "a str constant that is not UTF-8: printing or indexing it gives rubbish",
                    offset + obj.offset,
                )
