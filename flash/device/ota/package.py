"""Reading a package or an index: what may be believed is what a trusted key has signed."""

import gc
import hashlib
import struct

from . import cbor
from .sources import Cursor
from .store import Refused

HEAD = "<8sBBHIIII"
HEAD_SIZE = 28
MAGIC = b"\x93RMOTA\r\n"
PACKAGE, INDEX = 1, 2
SLH_DSA, ED25519 = 1, 2
SIGNATURE_HEAD = 12
MAX_MANIFEST = 2048
MAX_INDEX = 8192
MAX_SIGNATURES = 4 * (SIGNATURE_HEAD + 7856)

ed25519 = None  # set it to a function (key, message, signature) -> bool where there is one


class Envelope:
    """Header, signed body and where the rest is.

    Attributes:
        body: The signed bytes.
        fields: What they say.
        table_at, table_size, payload_at, payload_size: Where the rest lies.
    """

    def __init__(self, source, kind, keys, limit=MAX_MANIFEST):
        head = bytearray(HEAD_SIZE)
        source.readinto(0, head)
        magic, version, found, zero, body, signatures, self.table_size, self.payload_size = (
            struct.unpack(HEAD, head)
        )
        if magic != MAGIC or version != 1 or zero:
            raise Refused("not a package of this format")
        if found != kind:
            raise Refused("of another kind: %d" % found)
        if body > limit or signatures > MAX_SIGNATURES:
            raise Refused("manifest or signatures larger than allowed")
        if self.table_size > 1 << 20 or self.payload_size > 1 << 28:
            raise Refused("larger than allowed")
        self.body = bytearray(body)
        source.readinto(HEAD_SIZE, self.body)
        at = HEAD_SIZE + body
        self._check(source, at, at + signatures, head, keys)
        # What stays is made low in memory, not behind what the check has left there.
        gc.collect()
        self.table_at = at + signatures
        self.payload_at = self.table_at + self.table_size
        try:
            self.fields = cbor.decode(self.body)
        except (ValueError, IndexError) as e:
            raise Refused("manifest: %s" % e)

    def _check(self, source, at, end, head, keys):
        known = {hashlib.sha256(bytes((a,)) + key).digest()[:8]: (a, key) for a, key in keys}
        box = bytearray(512)
        start = bytearray(SIGNATURE_HEAD)
        while at + SIGNATURE_HEAD <= end:
            source.readinto(at, start)
            at += SIGNATURE_HEAD
            algorithm, zero, size = start[8], start[9], start[10] | start[11] << 8
            if at + size > end:
                break
            key = known.get(bytes(start[:8]))
            if key and key[0] == algorithm and not zero:
                if self._right(key, head, Cursor(source, at, size, box), size):
                    return
            at += size
        raise Refused("no trusted key made a signature on it")

    def _right(self, key, head, cursor, size):
        algorithm, public = key
        if algorithm == SLH_DSA:
            from . import slh

            return size == slh.SIZE and slh.verify(public, (head, self.body), cursor.read)
        if algorithm == ED25519 and ed25519 and size == 64:
            message = b"romfs-ota" + hashlib.sha256(bytes(head) + self.body).digest()
            return ed25519(public, message, bytes(cursor.read(64)))
        return False


def head_hash(source):
    """The SHA-256 of a package's manifest, as yet unchecked."""
    head = bytearray(HEAD_SIZE)
    source.readinto(0, head)
    size = struct.unpack(HEAD, head)[4]
    if head[:8] != MAGIC or size > MAX_MANIFEST:
        raise Refused("not a package of this format")
    body = bytearray(size)
    source.readinto(HEAD_SIZE, body)
    return hashlib.sha256(body).digest()
