"""State records and the log they are kept in, as the host reads and first writes them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from enum import IntEnum

from romfs.errors import PackageError

SIZE = 256
NONE = 255
MAX_KEYS = 4
_MAGIC = b"RST\x01"
_HEAD = struct.Struct("<4sIBBBBIII4sI")
_SLOT = struct.Struct("<BII32s")
_KEYS_AT = _HEAD.size + 2 * _SLOT.size
_SUM_AT = SIZE - 8


class Status(IntEnum):
    """Of a slot."""

    EMPTY = 0
    RECEIVING = 1
    READY = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Slot:
    """What a record says of a slot.

    Attributes:
        status: Whether an image is there.
        sequence: Of that image.
        size: Its bytes.
        image: SHA-256 of its manifest.
    """

    status: Status = Status.EMPTY
    sequence: int = 0
    size: int = 0
    image: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class Record:
    """One state record; see SPEC.md for its bytes."""

    counter: int = 0
    active: int = NONE
    trial: int = NONE
    left: int = 0
    floor: int = 0
    raised: int = 0
    index: int = 0
    channel: bytes = bytes(4)
    key_version: int = 0
    slots: tuple[Slot, Slot] = (Slot(), Slot())
    keys: tuple[tuple[int, bytes], ...] = field(default=())

    def pack(self) -> bytes:
        """The record as bytes."""
        body = _HEAD.pack(
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
        for slot in self.slots:
            body += _SLOT.pack(slot.status, slot.sequence, slot.size, slot.image)
        body += b"".join(bytes((algorithm,)) + key for algorithm, key in self.keys)
        body = body.ljust(_SUM_AT, b"\0")
        return body + hashlib.sha256(body).digest()[:8]

    @classmethod
    def unpack(cls, data: bytes) -> Record | None:
        """The record in 256 bytes; None if they are not a complete one."""
        if data[:4] != _MAGIC or hashlib.sha256(data[:_SUM_AT]).digest()[:8] != data[_SUM_AT:SIZE]:
            return None
        _, counter, active, trial, left, count, floor, raised, index, channel, key_version = (
            _HEAD.unpack_from(data)
        )
        slots = []
        for n in range(2):
            status, sequence, size, image = _SLOT.unpack_from(data, _HEAD.size + n * _SLOT.size)
            slots.append(Slot(Status(status), sequence, size, image))
        keys = tuple(
            (data[at], data[at + 1 : at + 33]) for at in range(_KEYS_AT, _KEYS_AT + 33 * count, 33)
        )
        return cls(
            counter,
            active,
            trial,
            left,
            floor,
            raised,
            index,
            channel,
            key_version,
            (slots[0], slots[1]),
            keys,
        )


def step(write: int) -> int:
    """Bytes from one record to the next."""
    return -(-SIZE // write) * write


def newest(banks: list[bytes], write: int) -> Record:
    """The record in force, from the content of both banks.

    Raises:
        PackageError: There is none.
    """
    found: list[Record] = []
    for bank in banks:
        for at in range(0, len(bank) - SIZE + 1, step(write)):
            record = Record.unpack(bank[at : at + SIZE])
            if record is None:
                break
            found.append(record)
    if not found:
        raise PackageError("no state record in either bank")
    return max(found, key=lambda record: record.counter)
