"""The manifest: what a package says of its image; and the table of hashes it vouches for."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from flash.ota import cbor
from romfs.errors import PackageError

FORMAT = 1
HASH = 32
MAX_SIZE = 2048
FOOTER = struct.Struct("<4sII4x")
FOOTER_MAGIC = b"OTF\x01"


class PayloadKind(IntEnum):
    """How a payload gives the image."""

    FULL = 0
    DELTA = 1


@dataclass(frozen=True, slots=True)
class Full:
    """Raw deflate, in segments that are compressed each by itself.

    Attributes:
        offset, length: In the payload.
        blocks: Blocks of the image in a segment.
        window: Bits of the deflate window.
    """

    offset: int
    length: int
    blocks: int
    window: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What turns one known image into this one.

    Attributes:
        offset, length: In the payload.
        base: SHA-256 of that image.
    """

    offset: int
    length: int
    base: bytes


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys a device shall trust from now on, instead of those it had.

    Attributes:
        version: Higher than that of the set it replaces.
        keys: (algorithm, public key) each.
    """

    version: int
    keys: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a device decides by.

    Attributes:
        product: Only devices of this product take it.
        boards: Only devices that go by one of these names.
        version: For people.
        sequence: Rises with every release; devices go by it.
        size: Bytes of the image.
        digest: SHA-256 of the image.
        block: Bytes per hash in the table.
        table: SHA-256 of the table.
        mpy: (version, sub-version, architecture number) its .mpy files need; None: it has none.
        firmware: Oldest MicroPython it runs on; None: any.
        payloads: Ways to get the image.
        key_set: Keys to trust from now on; None: no change.
        floor: Sequence below which devices shall never fall again, once it is confirmed.
        nonce: 12 bytes, if the payloads are encrypted; else b"".
        notes: For people.
    """

    product: str
    boards: tuple[str, ...]
    version: str
    sequence: int
    size: int
    digest: bytes
    block: int
    table: bytes
    mpy: tuple[int, int, int] | None = None
    firmware: tuple[int, ...] | None = None
    payloads: tuple[Full | Delta, ...] = ()
    key_set: KeySet | None = None
    floor: int = 0
    nonce: bytes = b""
    notes: str = ""

    @property
    def blocks(self) -> int:
        """Blocks of the image."""
        return -(-self.size // self.block)

    def encode(self) -> bytes:
        """As the bytes that are signed.

        Raises:
            PackageError: It is larger than a device takes.
        """
        fields: dict[int, cbor.Value] = {
            1: FORMAT,
            2: self.product,
            3: list(self.boards),
            4: self.version,
            5: self.sequence,
            6: self.size,
            7: self.digest,
            8: self.block,
            9: self.table,
            10: None if self.mpy is None else list(self.mpy),
            11: None if self.firmware is None else list(self.firmware),
            12: [_payload_fields(one) for one in self.payloads],
        }
        if self.key_set is not None:
            fields[13] = {
                1: self.key_set.version,
                2: [[algorithm, key] for algorithm, key in self.key_set.keys],
            }
        if self.floor:
            fields[14] = self.floor
        if self.nonce:
            fields[15] = self.nonce
        if self.notes:
            fields[16] = self.notes
        data = cbor.encode(fields)
        if len(data) > MAX_SIZE:
            raise PackageError(f"a manifest of {len(data)} bytes; devices take {MAX_SIZE}")
        return data

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """From the signed bytes; call it only when their signature is right.

        Raises:
            PackageError: Something is missing, of another type or out of range.
        """
        fields: Any = cbor.decode(data)
        try:
            if fields[1] != FORMAT:
                raise PackageError(f"manifest format {fields[1]}, this is for {FORMAT}")
            keys = fields.get(13)
            manifest = cls(
                _typed(fields[2], str),
                tuple(_typed(one, str) for one in fields[3]),
                _typed(fields[4], str),
                _typed(fields[5], int),
                _typed(fields[6], int),
                _hash(fields[7]),
                _typed(fields[8], int),
                _hash(fields[9]),
                None if fields[10] is None else tuple(_typed(n, int) for n in fields[10]),
                None if fields[11] is None else tuple(_typed(n, int) for n in fields[11]),
                tuple(map(_payload, fields[12])),
                None if keys is None else KeySet(keys[1], tuple((a, _hash(k)) for a, k in keys[2])),
                _typed(fields.get(14, 0), int),
                _typed(fields.get(15, b""), bytes),
                _typed(fields.get(16, ""), str),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, PackageError):
                raise
            raise PackageError(f"manifest: a field is missing or wrong ({error!r})") from None
        if not manifest.block or not manifest.size:
            raise PackageError("manifest: an image or blocks of no bytes")
        return manifest


def _payload_fields(one: Full | Delta) -> cbor.Value:
    if isinstance(one, Full):
        return [PayloadKind.FULL, one.offset, one.length, one.blocks, one.window]
    return [PayloadKind.DELTA, one.offset, one.length, one.base]


def _payload(fields: Any) -> Full | Delta:
    kind, offset, length, *rest = fields
    if kind == PayloadKind.FULL:
        blocks, window = rest
        return Full(offset, length, blocks, window)
    if kind == PayloadKind.DELTA:
        (base,) = rest
        return Delta(offset, length, _hash(base))
    raise PackageError(f"payload of unknown kind {kind}")


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise PackageError(f"manifest: {value!r} instead of {kind.__name__}")
    return value


def _hash(value: Any) -> bytes:
    if not isinstance(value, bytes) or len(value) != HASH:
        raise PackageError(f"manifest: {value!r} is not {HASH} bytes")
    return value


def blocks_of(image: bytes, block: int) -> Iterator[bytes]:
    """The image, block by block; the last may be shorter."""
    return (image[at : at + block] for at in range(0, len(image), block))


def hashes(image: bytes, block: int) -> bytes:
    """The first part of a table: the SHA-256 of every block."""
    return b"".join(hashlib.sha256(part).digest() for part in blocks_of(image, block))


def trailer(manifest: bytes, table: bytes) -> bytes:
    """What ends a slot: manifest, table and where they begin."""
    return manifest + table + FOOTER.pack(FOOTER_MAGIC, len(manifest), len(table))
