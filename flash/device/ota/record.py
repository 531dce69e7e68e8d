"""One state record: everything that must survive a power cut, with a checksum of its own."""

import hashlib
import struct

SIZE = 256  # bytes, before padding to the write unit
NONE = 255
EMPTY, RECEIVING, READY, FAILED = range(4)
KEYS = 4

_HEAD = "<4sIBBBBIII4sI"
_SLOT = "<BII32s"
_MAGIC = b"RST\x01"
_SLOTS_AT = struct.calcsize(_HEAD)
_SLOT_SIZE = struct.calcsize(_SLOT)
_KEYS_AT = _SLOTS_AT + 2 * _SLOT_SIZE
_SUM_AT = SIZE - 8


class Record:
    """The state as attributes.

    Attributes:
        counter: One more in every record written.
        active: Slot of the confirmed image; NONE: there is none.
        trial: Slot to be tried; NONE: there is none.
        left: Trial boots it has left.
        floor: Least sequence number that may be installed or booted.
        raised: What `floor` becomes when the image on trial is confirmed.
        channel, index: First bytes of the hash of the update channel, and the version of its
            newest index seen.
        key_version: Of the key set.
        status, sequence, size, image: Of each slot; `image` is the SHA-256 of its manifest.
        keys: Trusted public keys, (algorithm, bytes) each; empty: those of the container.
    """

    def __init__(self):
        self.counter = 0
        self.active = self.trial = NONE
        self.left = 0
        self.floor = self.raised = self.index = self.key_version = 0
        self.channel = bytes(4)
        self.status = [EMPTY, EMPTY]
        self.sequence = [0, 0]
        self.size = [0, 0]
        self.image = [bytes(32), bytes(32)]
        self.keys = []

    def pack(self):
        """The record as bytes."""
        out = bytearray(SIZE)
        struct.pack_into(
            _HEAD,
            out,
            0,
            _MAGIC,
            self.counter,
            self.active,
            self.trial,
            self.left,
            len(self.keys),
            self.floor,
            self.raised,
            self.index,
            self.channel,
            self.key_version,
        )
        for n in range(2):
            struct.pack_into(
                _SLOT,
                out,
                _SLOTS_AT + n * _SLOT_SIZE,
                self.status[n],
                self.sequence[n],
                self.size[n],
                self.image[n],
            )
        at = _KEYS_AT
        for algorithm, key in self.keys:
            out[at] = algorithm
            out[at + 1 : at + 33] = key
            at += 33
        out[_SUM_AT:] = hashlib.sha256(memoryview(out)[:_SUM_AT]).digest()[:8]
        return out


def read(data):
    """The record in 256 bytes, or None if they are not one that was completely written."""
    if data[:4] != _MAGIC or hashlib.sha256(data[:_SUM_AT]).digest()[:8] != data[_SUM_AT:SIZE]:
        return None
    self = Record()
    (
        _,
        self.counter,
        self.active,
        self.trial,
        self.left,
        count,
        self.floor,
        self.raised,
        self.index,
        self.channel,
        self.key_version,
    ) = struct.unpack_from(_HEAD, data, 0)
    for n in range(2):
        self.status[n], self.sequence[n], self.size[n], self.image[n] = struct.unpack_from(
            _SLOT, data, _SLOTS_AT + n * _SLOT_SIZE
        )
    for at in range(_KEYS_AT, _KEYS_AT + 33 * count, 33):
        self.keys.append((data[at], bytes(data[at + 1 : at + 33])))
    return self
