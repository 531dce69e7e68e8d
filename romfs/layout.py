"""From a tree of contents to the bytes of an image.

Layout, from image start: the root header; every directory and file record,
contiguous, so that a device's lookup touches nothing else; the build information; one
data record with all contents, to which the file records point. DESIGN.md beside this
file says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from romfs import build_info
from romfs.errors import BuildError
from romfs.image import MAX_DEPTH, Image, name_problem
from romfs.placement import (
    WORST_GROWTH,
    Former,
    Piece,
    align_up,
    former_places,
    place,
    place_around,
    slot_end,
)
from romfs.records import MAGIC, Kind, encode_padding, encode_record
from romfs.varuint import encode_varuint

FILL = b"\xff"
"""Between contents: what erased flash holds, so that it need not be programmed."""

_MAX_IMAGE = 1 << 32
_NO_DATA = encode_record(Kind.DATA_VERBATIM, b"")


class Content(NamedTuple):
    """A file to lay out.

    Attributes:
        path: In the image, parts joined with slashes.
        data: What it holds.
        digest: SHA-256 of `data`.
        align: Power of two, from image start.
        order: Rank among its siblings and in the data; lower comes first.
    """

    path: str
    data: bytes
    digest: bytes
    align: int = 1
    order: int = 0


@dataclass(frozen=True, slots=True)
class Geometry:
    """Of the partition the image is for, as far as the layout cares.

    Attributes:
        erase: Bytes of an erase block.
        capacity: Bytes of the partition.
        lead: Bytes from the start that hold nothing but header and padding, if there is
            room: what a power cut in the flashing tool's last write may lose.
    """

    erase: int
    capacity: int
    lead: int = 0

    @property
    def room(self) -> int:
        """Bytes an image may have: its size is always even."""
        return self.capacity & ~1


@dataclass(frozen=True, slots=True)
class Layout:
    """A finished image.

    Attributes:
        image: Its bytes.
        places: Offset and size of each file's data, from image start.
        metadata: Bytes before the data region: headers, records, build information.
    """

    image: bytes
    places: Mapping[str, tuple[int, int]]
    metadata: int


class _Node:
    """A directory while the tree is put together."""

    __slots__ = ("entries", "files", "folders", "size")

    def __init__(self) -> None:
        self.folders: dict[str, _Node] = {}
        self.files: dict[str, Content] = {}
        self.entries: list[tuple[str, _Node | Content]] = []  # in lookup order, by _order
        self.size = 0  # bytes of all its records, by _measure


def build_image(tree: Mapping[str, bytes | None], *, align: int = 1) -> bytes:
    """The smallest image of a tree: path -> content, None for a directory.

    Raises:
        BuildError: A name cannot be held, or a path is both file and directory.
    """
    files = [
        Content(path, data, hashlib.sha256(data).digest(), align)
        for path, data in tree.items()
        if data is not None
    ]
    return lay_out(files, (path for path, data in tree.items() if data is None)).image


def lay_out(
    files: Iterable[Content],
    directories: Iterable[str] = (),
    *,
    info: Mapping[str, Any] | None = None,
    geometry: Geometry | None = None,
    previous: Image | None = None,
) -> Layout:
    """Lay out an image.

    Args:
        files: In any order; the result does not depend on it.
        directories: Those that must exist even if empty.
        info: Fields of the build information; None for an image without it.
        geometry: Of the partition: if it has room, the layout leaves slack in it.
        previous: An image whose unchanged data shall stay where it is.
    Raises:
        BuildError: A name cannot be held, a path is both file and directory, directories
            are nested too deep, or the image would exceed 4 GiB.
    """
    contents = sorted(files, key=lambda content: content.path)
    root = _tree(contents, directories)
    _order(root)
    ordered = tuple(_walk(root))
    numbered = tuple(dict.fromkeys(content.digest for content in ordered if content.data))
    record, digest_at = (b"", 0) if info is None else build_info.encode(info, numbered)
    pieces = _pieces(contents)

    bound = _upper_bound(root, pieces, len(record), geometry)
    if bound >= _MAX_IMAGE:
        raise BuildError(f"an image of about {bound} bytes; the format ends at 4 GiB")
    width = len(encode_varuint(bound))
    payload = len(MAGIC) + width
    _measure(root, width)
    # The data record's header precedes the first content.
    start = payload + root.size + len(record) + 1 + width
    padding = _lead(geometry, payload, start + sum(piece.size for piece in pieces))
    start += len(padding)
    placed, end = _place(pieces, start, geometry, previous)

    body = bytearray(padding)
    _emit(root, body, placed, payload, width)
    assert len(body) == len(padding) + root.size, "an offset is wider than the bound promised"
    info_at = payload + len(body)
    body += record
    if pieces:
        end += end % 2
        body += encode_varuint(Kind.DATA_VERBATIM) + encode_varuint(end - start, width)
        body += _data(contents, placed, start, end)
    # Even size, since the smallest padding record has two bytes: see SPEC.md.
    length = encode_varuint(len(body), width)
    odd = (len(MAGIC) + len(length) + len(body)) % 2
    image = MAGIC + b"\x80" * odd + length + bytes(body)
    if info is not None:
        at = info_at + odd + digest_at
        digest = build_info.image_digest(image, at)
        image = image[:at] + digest + image[at + len(digest) :]
    places = {c.path: (placed[c.digest] if c.data else 0, len(c.data)) for c in contents}
    return Layout(image, places, start if pieces else len(image))


def _lead(geometry: Geometry | None, payload: int, size: int) -> bytes:
    """A padding record up to the end of the lead, if the image then still fits easily."""
    if geometry is None or geometry.lead < payload + 2:
        return b""
    wanted = geometry.lead - payload
    return encode_padding(wanted, FILL) if size + size // 8 + wanted <= geometry.capacity else b""


def _tree(contents: Sequence[Content], directories: Iterable[str]) -> _Node:
    root = _Node()

    def folder(parts: Sequence[str]) -> _Node:
        if len(parts) > MAX_DEPTH:
            raise BuildError(
                f"is {len(parts)} directories deep; tools that read images stop at {MAX_DEPTH}",
                path="/".join(parts),
            )
        node = root
        for depth, part in enumerate(parts):
            if part in node.files:
                raise BuildError(
                    "is both a file and a directory", path="/".join(parts[: depth + 1])
                )
            if (found := node.folders.get(part)) is None:
                _check_name(part, "/".join(parts[: depth + 1]))
                found = node.folders[part] = _Node()
            node = found
        return node

    for content in contents:
        *above, name = content.path.split("/")
        _check_name(name, content.path)
        parent = folder(above)
        if name in parent.files:
            raise BuildError("occurs twice", path=content.path)
        parent.files[name] = content
    for path in directories:
        folder(path.split("/"))
    return root


def _check_name(name: str, path: str) -> None:
    problem = name_problem(name)
    if problem is None:
        try:
            name.encode()
        except UnicodeEncodeError:
            problem = "is not UTF-8"
    if problem is not None:
        raise BuildError(f"name {name!r} {problem}", path=path)


def _order(node: _Node) -> None:
    """Put entries into the order in which they are cheapest to look up.

    A device scans linearly. A package is found at its own position, a module only after
    two scans to the end, so directories come first, `lib` (on sys.path, so part of every
    lookup there) before all, `__init__` before its siblings.
    """

    def rank(item: tuple[str, _Node | Content]) -> tuple[int, bool, bool, bool, str]:
        name, entry = item
        order = entry.order if isinstance(entry, Content) else 0
        is_file = isinstance(entry, Content)
        return order, is_file, name != "lib", not name.startswith("__init__."), name

    node.entries = sorted((*node.folders.items(), *node.files.items()), key=rank)
    for folder in node.folders.values():
        _order(folder)


def _walk(node: _Node) -> Iterable[Content]:
    """Files in the order in which a reader meets them."""
    for _, entry in node.entries:
        if isinstance(entry, Content):
            yield entry
        else:
            yield from _walk(entry)


def _pieces(contents: Sequence[Content]) -> list[Piece]:
    """Distinct contents in data order: by rank, strictly aligned ones last, then by path.

    Strictly aligned ones leave gaps in front of them; kept together, they leave fewer.
    """
    found: dict[bytes, Piece] = {}
    ranks: dict[bytes, tuple[int, int, str]] = {}
    for content in contents:
        if not content.data:
            continue
        known = found.get(content.digest)
        align = content.align if known is None else max(content.align, known.align)
        owner = content.path if known is None else known.owner
        found[content.digest] = Piece(content.digest, len(content.data), align, owner)
        rank = (content.order, align if align > 16 else 0, owner)
        ranks[content.digest] = min(rank, ranks.get(content.digest, rank))
    return sorted(found.values(), key=lambda piece: ranks[piece.digest])


def _upper_bound(
    root: _Node, pieces: Sequence[Piece], record: int, geometry: Geometry | None
) -> int:
    """A size no layout of this tree exceeds, so that every number has one width.

    It does not depend on a previous image: that must not change the width.
    """
    lead = 0 if geometry is None else geometry.lead
    metadata = 64 + _metadata_bound(root) + record + lead
    data = sum(piece.size + piece.align for piece in pieces)
    tight = int((metadata + data) * WORST_GROWTH) + 1
    if geometry is None:
        return tight
    roomy = (
        metadata
        + metadata // 8
        + geometry.erase
        + data
        + sum(slot_end(0, piece.size) - piece.size for piece in pieces)
    )
    return max(tight, min(int(roomy * WORST_GROWTH) + 1, geometry.capacity))


def _metadata_bound(node: _Node) -> int:
    """Bytes the records of a directory cannot exceed: names, and 32 for the numbers."""
    own = sum(len(name.encode()) + 32 for name in (*node.folders, *node.files))
    return own + sum(map(_metadata_bound, node.folders.values()))


def _measure(node: _Node, width: int) -> None:
    """Work out the bytes of every directory's records; numbers have `width` bytes."""
    pointer = 2 + 2 * width
    node.size = 0
    for name, entry in node.entries:
        encoded = len(name.encode())
        inside = len(encode_varuint(encoded)) + encoded
        if isinstance(entry, _Node):
            _measure(entry, width)
            inside += entry.size
        else:
            inside += pointer if entry.data else len(_NO_DATA)
        node.size += 1 + len(encode_varuint(inside)) + inside


def _emit(
    node: _Node, out: bytearray, placed: Mapping[bytes, int], payload: int, width: int
) -> None:
    """Append the records of a directory's entries."""
    for name, entry in node.entries:
        encoded = name.encode()
        head = encode_varuint(len(encoded)) + encoded
        if isinstance(entry, _Node):
            out += encode_varuint(Kind.DIRECTORY)
            out += encode_varuint(len(head) + entry.size)
            out += head
            _emit(entry, out, placed, payload, width)
        elif entry.data:
            size = encode_varuint(len(entry.data), width)
            offset = encode_varuint(placed[entry.digest] - payload, width)
            out += encode_record(Kind.FILE, head + encode_record(Kind.DATA_POINTER, size + offset))
        else:
            out += encode_record(Kind.FILE, head + _NO_DATA)


def _place(
    pieces: Sequence[Piece], start: int, geometry: Geometry | None, previous: Image | None
) -> tuple[dict[bytes, int], int]:
    fresh = _place_fresh(pieces, start, geometry)
    if previous is None:
        return fresh
    kept = place_around(pieces, start, _former(previous))
    limit = int(fresh[1] * WORST_GROWTH)
    if geometry is not None:
        limit = min(limit, geometry.room)
    return kept if kept is not None and kept[1] <= limit else fresh


def _place_fresh(
    pieces: Sequence[Piece], start: int, geometry: Geometry | None
) -> tuple[dict[bytes, int], int]:
    """With room to grow in, if the partition has that room."""
    if geometry is not None:
        # Room for the metadata to grow by an eighth, then data on a block of its own.
        roomy = align_up(start + start // 8, geometry.erase)
        placed, end = place(pieces, roomy, slack=True)
        if end <= geometry.room:
            return placed, end
    return place(pieces, start, slack=False)


def _former(previous: Image) -> Former:
    return former_places(
        (path, file.data_offset, hashlib.sha256(file.data).digest())
        for path, file in previous.files()
        if file.data
    )


def _data(contents: Sequence[Content], placed: Mapping[bytes, int], start: int, end: int) -> bytes:
    data = bytearray(FILL) * (end - start)
    for content in contents:
        if content.data:
            at = placed[content.digest] - start
            data[at : at + len(content.data)] = content.data
    return bytes(data)
