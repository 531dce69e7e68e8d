"""What every byte of an image is for: the picture's model, without a picture.

The regions cover the image from its first byte to its last without gap or overlap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from romfs.errors import MpyError
from romfs.image import Image
from romfs.mpy import CodeKind, Mpy, parse_mpy
from romfs.records import Kind, Record, iter_records
from romfs.sizes import show_size
from romfs.varuint import read_varuint


class Use(StrEnum):
    """What bytes are for."""

    METADATA = "metadata"
    NAMES = "names"
    CONSTANTS = "constants"
    BYTECODE = "bytecode"
    NATIVE = "native code"
    SOURCE = "source"
    DATA = "data"
    PADDING = "padding"
    FREE = "free"


EXPLAINED = {
    Use.METADATA: "records, names of files, build information",
    Use.NAMES: "names in modules, read in place",
    Use.CONSTANTS: "constants of modules; texts are read in place",
    Use.BYTECODE: "executed in place",
    Use.NATIVE: "machine code, copied to RAM at import",
    Use.SOURCE: ".py, compiled into RAM at import",
    Use.DATA: "files, read in place",
    Use.PADDING: "alignment and room to grow",
    Use.FREE: "the rest of the partition",
}


@dataclass(frozen=True, slots=True)
class Region:
    """A run of bytes with one use.

    Attributes:
        start: From image start.
        end: After its last byte.
        use: What it is for.
        owner: Path of the file it belongs to; "" for none.
        detail: What it is, for people.
    """

    start: int
    end: int
    use: Use
    owner: str
    detail: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class PartitionMap:
    """An image in its partition.

    Attributes:
        title: What the picture is of.
        regions: From the first byte to the last, free space included.
        image_size: Bytes of the image.
        capacity: Bytes of the partition; the image's size if that is not known.
        blocks: Offset and size of every erase block; empty if not known.
        changed: Numbers of those that differ from the previous image; None without one.
        excess: Bytes of the image beyond the end of its partition.
    """

    title: str
    regions: tuple[Region, ...]
    image_size: int
    capacity: int
    blocks: tuple[tuple[int, int], ...] = ()
    changed: frozenset[int] | None = None
    excess: int = 0

    @property
    def summary(self) -> str:
        """How much of the partition is used, and how much of it would change."""
        text = show_size(self.image_size)
        if self.excess:
            text += f": does not fit, {show_size(self.excess)} more than the partition holds"
        elif self.capacity > self.image_size:
            used = 100 * self.image_size / self.capacity
            text += f" of {show_size(self.capacity)} ({used:.1f} %)"
        if self.changed is not None:
            count = sum(start < self.image_size for start, _ in self.blocks)
            text += f"; {len(self.changed)} of {count} erase blocks change"
        return text

    def totals(self) -> dict[Use, int]:
        """Bytes by use, in the order of `Use`, without those that do not occur."""
        sums = dict.fromkeys(Use, 0)
        for region in self.regions:
            sums[region.use] += region.size
        return {use: size for use, size in sums.items() if size}

    def files(self) -> dict[str, int]:
        """Bytes by file, the largest first."""
        sums: dict[str, int] = {}
        for region in self.regions:
            if region.owner and region.use is not Use.METADATA:
                sums[region.owner] = sums.get(region.owner, 0) + region.size
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def partition_map(
    image: Image,
    *,
    title: str,
    capacity: int | None = None,
    blocks: Iterable[tuple[int, int]] = (),
    changed: Iterable[int] | None = None,
) -> PartitionMap:
    """Work out the map of an image.

    Args:
        image: The image.
        title: What to call it.
        capacity: Bytes of the partition, or None.
        blocks: Offset and size of its erase blocks.
        changed: Numbers of those that differ from a previous image.
    """
    whole = max(capacity or 0, image.size)
    regions = list(image_regions(image))
    if whole > image.size:
        detail = f"{whole - image.size} bytes not used"
        regions.append(Region(image.size, whole, Use.FREE, "", detail))
    return PartitionMap(
        title,
        tuple(regions),
        image.size,
        whole,
        tuple(blocks),
        None if changed is None else frozenset(changed),
        max(image.size - capacity, 0) if capacity else 0,
    )


def image_regions(image: Image) -> list[Region]:
    """Regions that cover the image."""
    pieces = [Region(0, image.payload, Use.METADATA, "", "header")]
    pieces += _records(image, image.payload, image.size, "")
    contents: dict[tuple[int, int], list[str]] = {}
    for path, file in image.files():
        if file.data:
            contents.setdefault((file.data_offset, len(file.data)), []).append(path)
    for (offset, size), paths in contents.items():
        pieces += _content(offset, image.data[offset : offset + size], paths)
    return _flatten(pieces, image.size)


def _records(image: Image, start: int, end: int, owner: str) -> list[Region]:
    found: list[Region] = []
    for record in iter_records(image.data, start, end):
        kind = record.kind
        if kind in (Kind.DIRECTORY, Kind.FILE):
            name, body = _name(image.data, record)
            path = f"{owner}/{name}" if owner else name
            what = "directory" if kind == Kind.DIRECTORY else "file record"
            entry = "" if kind == Kind.DIRECTORY else path
            found.append(Region(record.offset, body, Use.METADATA, entry, f"{what} {path}"))
            found += _records(image, body, record.end, path)
        elif kind == Kind.PADDING:
            found.append(Region(record.offset, record.end, Use.PADDING, "", "padding record"))
        elif kind == Kind.DATA_VERBATIM:
            found.append(Region(record.offset, record.start, Use.METADATA, "", "data record"))
            # What files do not claim of it, on top of this, is room between them.
            found.append(Region(record.start, record.end, Use.PADDING, "", "between contents"))
        else:
            names = {Kind.DATA_POINTER: "data pointer", Kind.BUILD_INFO: "build information"}
            what = names.get(Kind(kind), "") if kind in set(Kind) else ""
            detail = what or f"record of kind {kind:#x}"
            found.append(Region(record.offset, record.end, Use.METADATA, "", detail))
    return found


def _name(data: memoryview, record: Record) -> tuple[str, int]:
    length, start = read_varuint(data, record.start, record.end)
    return str(data[start : start + length], "utf-8", "backslashreplace"), start + length


def _content(offset: int, data: memoryview, paths: list[str]) -> list[Region]:
    owner = paths[0]
    shared = f", shared with {', '.join(paths[1:])}" if len(paths) > 1 else ""
    end = offset + len(data)
    if owner.endswith(".mpy"):
        try:
            return _module(offset, parse_mpy(data), owner, end, shared)
        except MpyError:
            return [Region(offset, end, Use.DATA, owner, f"malformed .mpy{shared}")]
    use = Use.SOURCE if owner.endswith(".py") else Use.DATA
    return [Region(offset, end, use, owner, f"{len(data)} bytes{shared}")]


def _module(offset: int, mpy: Mpy, owner: str, end: int, shared: str) -> list[Region]:
    first_object = mpy.objects[0].offset if mpy.objects else mpy.root.offset
    found = [
        Region(
            offset,
            offset + first_object,
            Use.NAMES,
            owner,
            f"{len(mpy.qstrs)} names{shared}",
        )
    ]
    if mpy.objects:
        found.append(
            Region(
                offset + first_object,
                offset + mpy.root.offset,
                Use.CONSTANTS,
                owner,
                f"{len(mpy.objects)} constants{shared}",
            )
        )
    raws = list(mpy.root.walk())
    count = f"{len(raws)} function{'s' * (len(raws) > 1)}{shared}"
    found.append(Region(offset + mpy.root.offset, end, Use.BYTECODE, owner, count))
    for raw in raws:
        if raw.kind is not CodeKind.BYTECODE:
            start = offset + raw.code_offset
            detail = f"{len(raw.code)} bytes of machine code"
            found.append(Region(start, start + len(raw.code), Use.NATIVE, owner, detail))
    return found


def _flatten(pieces: list[Region], size: int) -> list[Region]:
    """Cut so that later pieces cover earlier ones and nothing is left out."""
    edges = sorted({0, size, *(p.start for p in pieces), *(p.end for p in pieces)})
    index = {edge: number for number, edge in enumerate(edges)}
    top: list[Region | None] = [None] * (len(edges) - 1)
    for piece in pieces:
        for number in range(index[piece.start], index[piece.end]):
            top[number] = piece
    found: list[Region] = []
    for number, covering in enumerate(top):
        start, end = edges[number], edges[number + 1]
        piece = covering or Region(start, end, Use.PADDING, "", "not used")
        last = found[-1] if found else None
        if last is not None and (last.use, last.owner, last.detail) == (
            piece.use,
            piece.owner,
            piece.detail,
        ):
            found[-1] = Region(last.start, end, last.use, last.owner, last.detail)
        else:
            found.append(Region(start, end, piece.use, piece.owner, piece.detail))
    return found
