"""The package file: header, signed manifest, signatures, table, payload.

package = pack(image, product="thermostat", boards=["RPI_PICO"], version="1.4.0",
               sequence=7, block=4096, signers=[key])
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flash.deflate import Deflater
from flash.ota import delta
from flash.ota.keys import NAMES, SIGNATURE_SIZES, Algorithm, PublicKey, Signer
from flash.ota.manifest import Delta, Full, KeySet, Manifest, blocks_of, hashes
from romfs.errors import BadSignature, HashMismatch, MissingExtra, PackageError
from romfs.image import Image

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

MAGIC = b"\x93RMOTA\r\n"
FORMAT = 1
PACKAGE, INDEX = 1, 2
HEAD = struct.Struct("<8sBBHIIII")
SIGNATURE_HEAD = struct.Struct("<8sBBH")
PIECE = 1024
SEGMENT = 16 * 1024
WINDOW = 12
MAX_SIGNATURES = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature block.

    Attributes:
        key_id: Which key claims to have made it.
        algorithm: Its number.
        data: The signature.
    """

    key_id: bytes
    algorithm: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed file taken apart, nothing in it believed yet.

    Attributes:
        kind: PACKAGE or INDEX.
        head: Its first 28 bytes, signed too.
        body: The signed bytes.
        signatures: All of them.
        table, payload: What follows; both empty in an index.
    """

    kind: int
    head: bytes
    body: bytes
    signatures: tuple[Signature, ...]
    table: bytes = b""
    payload: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Take a file apart.

        Raises:
            PackageError: It is not of this format, is cut off, or has bytes left over.
        """
        if len(data) < HEAD.size:
            raise PackageError(f"{len(data)} bytes are no package")
        magic, version, kind, zero, body, signatures, table, payload = HEAD.unpack_from(data)
        if magic != MAGIC:
            raise PackageError(f"not a package: starts with {data[:8].hex(' ')}")
        if version != FORMAT or zero:
            raise PackageError(f"package format {version}, this is for {FORMAT}")
        ends = [HEAD.size]
        for length in (body, signatures, table, payload):
            ends.append(ends[-1] + length)
        if ends[-1] != len(data):
            raise PackageError(f"the package has {len(data)} bytes, its header says {ends[-1]}")
        return cls(
            kind,
            data[: HEAD.size],
            data[ends[0] : ends[1]],
            tuple(_signatures(data[ends[1] : ends[2]])),
            data[ends[2] : ends[3]],
            data[ends[3] :],
        )

    def check(self, keys: Sequence[PublicKey]) -> PublicKey:
        """The first of the keys that signed it.

        Raises:
            BadSignature: None did.
        """
        for signature in self.signatures:
            for key in keys:
                if (
                    key.id == signature.key_id
                    and key.algorithm == signature.algorithm
                    and key.verify(self.head + self.body, signature.data)
                ):
                    return key
        named = ", ".join(one.key_id.hex() for one in self.signatures) or "nobody"
        raise BadSignature(f"no trusted key made a signature on it (signed by {named})")


def _signatures(data: bytes) -> list[Signature]:
    found: list[Signature] = []
    at = 0
    while at < len(data):
        if at + SIGNATURE_HEAD.size > len(data) or len(found) == MAX_SIGNATURES:
            raise PackageError("signatures are cut off, or too many")
        key_id, algorithm, zero, size = SIGNATURE_HEAD.unpack_from(data, at)
        at += SIGNATURE_HEAD.size
        if zero or at + size > len(data):
            raise PackageError("a signature is malformed or cut off")
        found.append(Signature(key_id, algorithm, data[at : at + size]))
        at += size
    return found


def seal(
    kind: int, body: bytes, signers: Sequence[Signer], table: bytes = b"", payload: bytes = b""
) -> bytes:
    """A signed file.

    Raises:
        PackageError: There is no signer, or there are too many.
    """
    if not 0 < len(signers) <= MAX_SIGNATURES:
        raise PackageError(f"{len(signers)} signers; a package has 1 to {MAX_SIGNATURES}")
    size = sum(SIGNATURE_HEAD.size + SIGNATURE_SIZES[one.public.algorithm] for one in signers)
    head = HEAD.pack(MAGIC, FORMAT, kind, 0, len(body), size, len(table), len(payload))
    blocks = []
    for signer in signers:
        public = signer.public
        signature = signer.sign(head + body)
        blocks.append(SIGNATURE_HEAD.pack(public.id, public.algorithm, 0, len(signature)))
        blocks.append(signature)
    return b"".join((head, body, *blocks, table, payload))


@dataclass(frozen=True, slots=True)
class Release:
    """What a package is made of besides the image.

    Attributes:
        product, boards, version, sequence, mpy, firmware, floor, notes: See `Manifest`.
        block: Erase block of the devices.
        bases: Older images a device may have; each gets a delta.
        full: Whether to include the whole image, for every other device.
        key_set: New keys.
        device_key: Encrypt the payloads with this AES-256 key.
        window: Bits of the deflate window.
        segment: Bytes of the image compressed together.
    """

    product: str
    boards: tuple[str, ...]
    version: str
    sequence: int
    block: int
    mpy: tuple[int, int, int] | None = None
    firmware: tuple[int, ...] | None = None
    floor: int = 0
    notes: str = ""
    bases: tuple[bytes, ...] = ()
    full: bool = True
    key_set: KeySet | None = None
    device_key: bytes | None = None
    window: int = WINDOW
    segment: int = SEGMENT


def compose(image: bytes, release: Release) -> tuple[Manifest, bytes, bytes]:
    """Manifest, table and payload for an image, not signed yet.

    Raises:
        ImageError: It is not an image.
        PackageError: A figure is out of range.
    """
    Image(image)
    if release.block <= 0 or release.block % 2:
        raise PackageError(f"blocks of {release.block} bytes")
    nonce = secrets.token_bytes(12) if release.device_key else b""
    payload = bytearray()
    table = hashes(image, release.block)
    ways: list[Full | Delta] = []
    for base in release.bases:
        start = len(payload)
        payload += _encrypt(delta.encode(base, image), release.device_key, nonce, start)
        ways.append(Delta(start, len(payload) - start, hashlib.sha256(base).digest()))
    if release.full:
        start = len(payload)
        blocks = max(1, release.segment // release.block)
        lengths = []
        for at in range(0, len(image), blocks * release.block):
            content = image[at : at + blocks * release.block]
            part = _encrypt(
                _deflate(content, release.window), release.device_key, nonce, len(payload)
            )
            lengths.append(struct.pack("<I", len(part)))
            payload += part
        table += b"".join(lengths)
        ways.append(Full(start, len(payload) - start, blocks, release.window))
    manifest = Manifest(
        release.product,
        release.boards,
        release.version,
        release.sequence,
        len(image),
        hashlib.sha256(image).digest(),
        release.block,
        hashlib.sha256(table).digest(),
        release.mpy,
        release.firmware,
        tuple(ways),
        release.key_set,
        release.floor,
        nonce,
        release.notes,
    )
    return manifest, table, bytes(payload)


def pack(image: bytes, release: Release, signers: Sequence[Signer]) -> bytes:
    """A package."""
    manifest, table, payload = compose(image, release)
    return seal(PACKAGE, manifest.encode(), signers, table, payload)


def _deflate(content: bytes, window: int) -> bytes:
    """One segment: pieces of a raw deflate stream, each with its length in front."""
    out = bytearray()
    for piece in Deflater(window).pieces(list(blocks_of(content, PIECE))):
        out += struct.pack("<H", len(piece)) + piece
    return bytes(out)


def _aes(key: bytes, nonce: bytes, offset: int) -> Cipher[CBC]:
    """AES-256-CBC with the initial vector of a stretch of the payload."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        raise MissingExtra("payload encryption", extra="ota") from None
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    start = ecb.update(nonce + struct.pack("<I", offset)) + ecb.finalize()
    return Cipher(algorithms.AES(key), modes.CBC(start))


def _encrypt(data: bytes, key: bytes | None, nonce: bytes, offset: int) -> bytes:
    if key is None:
        return data
    encryptor = _aes(key, nonce, offset).encryptor()
    return bytes(encryptor.update(data + bytes(-len(data) % 16)) + encryptor.finalize())


def _decrypt(data: bytes, key: bytes | None, nonce: bytes, offset: int) -> bytes:
    if not nonce:
        return data
    if key is None:
        raise PackageError("the payload is encrypted; give the device key")
    decryptor = _aes(key, nonce, offset).decryptor()
    return bytes(decryptor.update(data) + decryptor.finalize())


@dataclass(frozen=True, slots=True)
class Opened:
    """A package whose signature is right.

    Attributes:
        manifest: What it says.
        signer: Whose signature counted; None if none was asked for.
        envelope: All of it.
    """

    manifest: Manifest
    signer: PublicKey | None
    envelope: Envelope

    def image(self, *, base: bytes | None = None, device_key: bytes | None = None) -> bytes:
        """The image, as a device makes it, every hash checked.

        Args:
            base: Use the delta against this image instead of the full payload.
        Raises:
            HashMismatch: It does not come out as promised.
            PackageError: There is no such payload.
        """
        table, manifest = self.envelope.table, self.manifest
        for way in manifest.payloads:
            raw = self.envelope.payload[way.offset : way.offset + way.length]
            if isinstance(way, Delta) and base is not None:
                if hashlib.sha256(base).digest() != way.base:
                    continue
                image = delta.decode(
                    base, _decrypt(raw, device_key, manifest.nonce, way.offset), manifest.size
                )
            elif isinstance(way, Full) and base is None:
                image = self._inflate(way, raw, device_key)
            else:
                continue
            if hashes(image, manifest.block) != table[: 32 * manifest.blocks]:
                raise HashMismatch("a block is not what the table promises")
            if hashlib.sha256(image).digest() != manifest.digest or len(image) != manifest.size:
                raise HashMismatch("the image is not what the manifest promises")
            return image
        raise PackageError("no payload of that kind, or none for that image, in the package")

    def _inflate(self, way: Full, raw: bytes, device_key: bytes | None) -> bytes:
        manifest, lengths = self.manifest, self.envelope.table[32 * self.manifest.blocks :]
        image = bytearray()
        offset = 0
        for (length,) in struct.iter_unpack("<I", lengths):
            part = _decrypt(
                raw[offset : offset + length], device_key, manifest.nonce, way.offset + offset
            )
            offset += length
            stream, at = b"", 0
            left = min(way.blocks * manifest.block, manifest.size - len(image))
            for _ in range(-(-left // PIECE)):
                size = int.from_bytes(part[at : at + 2], "little")
                stream += part[at + 2 : at + 2 + size]
                at += 2 + size
            try:
                image += zlib.decompressobj(-way.window).decompress(stream, left)
            except zlib.error as error:
                raise HashMismatch(f"the payload does not inflate: {error}") from None
        return bytes(image)


def open_package(data: bytes, keys: Sequence[PublicKey] | None) -> Opened:
    """Check a package and read its manifest.

    Args:
        keys: Trusted ones; None: look without believing, to show what is in it.
    Raises:
        BadSignature: None of the keys signed it.
        PackageError: It is malformed.
        HashMismatch: Its table is not the one that was signed.
    """
    envelope = Envelope.parse(data)
    if envelope.kind != PACKAGE:
        raise PackageError("an index, not a package")
    signer = None if keys is None else envelope.check(keys)
    manifest = Manifest.decode(envelope.body)
    if hashlib.sha256(envelope.table).digest() != manifest.table:
        raise HashMismatch("the table is not the one the manifest promises")
    for way in manifest.payloads:
        if way.offset + way.length > len(envelope.payload):
            raise PackageError("a payload beyond the end of the package")
    return Opened(manifest, signer, envelope)


def describe_signatures(envelope: Envelope) -> list[str]:
    """Signatures in words."""
    names = {int(algorithm): NAMES[algorithm] for algorithm in Algorithm}
    return [
        f"{names.get(one.algorithm, one.algorithm)} by {one.key_id.hex()}"
        for one in envelope.signatures
    ]
