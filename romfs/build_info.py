"""The build-information record: what an image says about its own making.

A record of a kind no device knows, so every device skips it. It holds nothing that
differs between two builds of the same input: no time, no host, no path of the host.
SPEC.md beside this file draws it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from romfs.errors import ImageError
from romfs.image import File, Image
from romfs.records import Kind, Record, encode_record
from romfs.varuint import encode_varuint, read_varuint

FORMAT = 1
DIGEST_SIZE = hashlib.sha256().digest_size
_DIGEST_AT = 1  # in the payload, after the format byte


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """A decoded record.

    Attributes:
        fields: Tool, compiler, board, version and so on, as written.
        image_digest: SHA-256 of the whole image, these 32 bytes taken as zero.
        digests: SHA-256 of each distinct file content, in order of appearance.
        digest_offset: Where `image_digest` lies, from image start.
        fields_offset: Where `fields` lie.
    """

    fields: Mapping[str, Any]
    image_digest: bytes
    digests: tuple[bytes, ...]
    digest_offset: int
    fields_offset: int


def encode(fields: Mapping[str, Any], digests: Sequence[bytes]) -> tuple[bytes, int]:
    """The record with its image digest still zero, and where in it that digest lies."""
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    payload = b"".join(
        (
            bytes((FORMAT,)),
            bytes(DIGEST_SIZE),
            encode_varuint(len(digests)),
            *digests,
            text.encode(),
        )
    )
    record = encode_record(Kind.BUILD_INFO, payload)
    return record, len(record) - len(payload) + _DIGEST_AT


def read(image: Image) -> BuildInfo | None:
    """The build information of an image, or None if it has none we know how to read.

    Raises:
        ImageError: There is one, but damaged.
    """
    for record in image.metadata:
        if record.kind != Kind.BUILD_INFO or record.start == record.end:
            continue
        if image.data[record.start] == FORMAT:
            return decode(image.data, record)
    return None


def decode(data: memoryview, record: Record) -> BuildInfo:
    """Decode a record of kind BUILD_INFO whose first byte is `FORMAT`.

    Raises:
        ImageError: It is damaged.
    """
    digest_at = record.start + _DIGEST_AT
    count, at = read_varuint(data, digest_at + DIGEST_SIZE, record.end)
    text_at = at + count * DIGEST_SIZE
    if text_at > record.end:
        raise ImageError(f"build information promises {count} digests", offset=record.start)
    try:
        fields = json.loads(bytes(data[text_at : record.end]))
    except (ValueError, RecursionError) as error:
        raise ImageError(f"build information: {error}", offset=text_at) from None
    if not isinstance(fields, dict):
        raise ImageError("build information is not an object", offset=text_at)
    digests = tuple(
        bytes(data[at + n * DIGEST_SIZE : at + (n + 1) * DIGEST_SIZE]) for n in range(count)
    )
    image_digest = bytes(data[digest_at : digest_at + DIGEST_SIZE])
    return BuildInfo(fields, image_digest, digests, digest_at, text_at)


def image_digest(data: bytes | memoryview, digest_offset: int) -> bytes:
    """SHA-256 of an image whose own digest lies at `digest_offset`."""
    digest = hashlib.sha256(data[:digest_offset])
    digest.update(bytes(DIGEST_SIZE))
    digest.update(data[digest_offset + DIGEST_SIZE :])
    return digest.digest()


def file_digests(image: Image, info: BuildInfo) -> Iterator[tuple[str, File, bytes | None]]:
    """Every file with the SHA-256 recorded for it.

    Contents are numbered in the order in which `Image.files` first meets them; an empty
    file has no number. None where the record has too few digests.
    """
    numbers: dict[tuple[int, int], int] = {}
    for path, file in image.files():
        if not file.data:
            yield path, file, hashlib.sha256(b"").digest()
            continue
        number = numbers.setdefault((file.data_offset, len(file.data)), len(numbers))
        yield path, file, info.digests[number] if number < len(info.digests) else None


def verify(image: Image, info: BuildInfo) -> Iterator[str]:
    """What does not match the recorded digests, in words; nothing if all is well."""
    if image_digest(image.data, info.digest_offset) == info.image_digest:
        return
    yield "the image is not as it was built: its SHA-256 differs"
    for path, file, digest in file_digests(image, info):
        if digest is None or hashlib.sha256(file.data).digest() != digest:
            yield f"{path}: content differs from what was built"
