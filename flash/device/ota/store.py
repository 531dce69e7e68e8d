"""The container as the device sees it: its configuration, flash, state records and slots."""

import hashlib
import struct
import vfs

from . import cbor
from .record import EMPTY, NONE, READY, SIZE, Record
from .record import read as read_record

# Kinds of segments: how they are erased. The host knows which board needs which.
RANGE, BLOCK, WHOLE, OVER, START = range(5)
CHUNK = 512
FOOTER = "<4sII4x"
FOOTER_SIZE = 16
FOOTER_MAGIC = b"OTF\x01"


class NoImage(Exception):
    """No slot holds an image that may be booted."""


class Refused(ValueError):
    """A package that must not be installed, and why."""


class Flash:
    """One segment, erased and written as its board needs it.

    Offsets and lengths of writes are multiples of the write unit, those of erases multiples
    of the block.
    """

    def __init__(self, index, kind, unit, write):
        self.index = index
        self.kind = kind
        self.unit = unit  # block size of a block device; 0: a memoryview
        self.write = write

    def view(self, offset, length):
        """What is there now, in place."""
        # A new view each time: an old one may have been handed out before a remapping.
        return memoryview(vfs.rom_ioctl(2, self.index))[offset : offset + length]

    def erase(self, offset, length):
        """Make a range blank: 0xff."""
        if self.kind == RANGE:
            self._check(vfs.rom_ioctl(3, self.index, offset, length), offset)
        elif self.kind == START:
            if offset:
                raise OSError(22)
            self._check(vfs.rom_ioctl(3, self.index, length), offset)
        elif self.kind == BLOCK:
            device = vfs.rom_ioctl(2, self.index)
            for n in range(offset // self.unit, (offset + length) // self.unit):
                if device.ioctl(6, n):
                    raise OSError(5)
        else:
            blank = b"\xff" * max(self.unit, self.write, 256)
            for at in range(offset, offset + length, len(blank)):
                self.program(at, memoryview(blank)[: offset + length - at])

    def program(self, offset, data):
        """Write into blank memory."""
        if not self.unit:
            self._check(vfs.rom_ioctl(4, self.index, offset, data), offset)
            return
        device = vfs.rom_ioctl(2, self.index)
        if self.kind == WHOLE:
            for at in range(0, len(data), self.unit):
                device.writeblocks((offset + at) // self.unit, data[at : at + self.unit])
        else:
            device.writeblocks(offset // self.unit, data, offset % self.unit)

    def _check(self, result, offset):
        if result < 0:
            raise OSError(-result)


class FileFlash:
    """A bank in a file of the read-write file system: one record, replaced as a whole."""

    write = 1

    def __init__(self, name):
        self.name = name

    def view(self, offset, length):
        try:
            with open(self.name, "rb") as f:
                data = f.read()
        except OSError:
            data = b""
        return memoryview(data + b"\xff" * max(0, offset + length - len(data)))[
            offset : offset + length
        ]

    def erase(self, offset, length):
        self.program(0, b"")

    def program(self, offset, data):
        with open(self.name, "wb") as f:
            f.write(data)


class Config:
    """What `romfs ota init` decided; `ota.cfg` in the container.

    With a single slot there is no container: the updater, this file and the state are on
    the read-write file system, and the image has the partition to itself.
    """

    def __init__(self):
        try:
            file = vfs.VfsRom(vfs.rom_ioctl(2, 0)).open("/ota.cfg", "rb")
        except (OSError, TypeError):
            file = open("ota.cfg", "rb")
        fields = cbor.decode(file.read())
        if fields[1] != 1:
            raise ValueError("ota.cfg of a later format")
        self.product = fields[2]
        self.board = fields[3]
        self.block = fields[4]
        self.segments = {one[0]: Flash(*one) for one in fields[5]}
        self.banks = fields[6]  # [segment, offset, size] each
        self.slots = fields[7]
        self.single = len(self.slots) == 1
        for bank in self.banks:
            if isinstance(bank[0], str):
                self.segments[bank[0]] = FileFlash(bank[0])
        self.keys = [(one[0], one[1]) for one in fields[8]]
        self.trials = fields[9]
        self.url = fields.get(10)
        self.channel = fields.get(11, "stable")
        self.key = fields.get(12)
        self.accepts = fields.get(13, [self.board])


class Store:
    """The state records: two banks, of which the one with the newest record is left alone.

    A new record goes into the other bank, so whatever a power cut does to that one, the
    newest complete record stays. A bank is a run of complete records and then blank; one
    that is anything else is erased before it is used.
    """

    def __init__(self, config):
        self.config = config
        flash = config.segments[config.banks[0][0]]
        self.step = -(-SIZE // flash.write) * flash.write
        self.record = Record()
        self._newest = 1
        self._next = [0, 0]
        found = False
        for n in range(2):
            record, self._next[n] = self._scan(n)
            if record and (not found or record.counter > self.record.counter):
                self.record = record
                self._newest = n
                found = True

    def _scan(self, n):
        """The last record of a bank, and where the next one goes; None: erase first."""
        index, offset, size = self.config.banks[n]
        flash = self.config.segments[index]
        last = None
        at = 0
        while at + self.step <= size:
            record = read_record(flash.view(offset + at, SIZE))
            if record is None:
                break
            last = record
            at += self.step
        if last is None or at + self.step > size or not _blank(flash, offset + at, size - at):
            return last, None
        return last, at

    def save(self):
        """Write the record.

        Raises:
            OSError: The flash does not take it, even after an erase.
        """
        self.record.counter += 1
        n = 1 - self._newest
        index, offset, size = self.config.banks[n]
        flash = self.config.segments[index]
        data = self.record.pack()
        if self.step > SIZE:
            data = data + b"\xff" * (self.step - SIZE)
        for _ in range(2):
            at = self._next[n]
            if at is None:
                flash.erase(offset, size)
                at = 0
            flash.program(offset + at, data)
            self._next[n] = None
            if flash.view(offset + at, self.step) == data:
                at += self.step
                self._next[n] = at if at + self.step <= size else None
                self._newest = n
                return
        raise OSError(5)

    def keys(self):
        """Trusted public keys, (algorithm, bytes) each."""
        return self.record.keys or self.config.keys


def _blank(flash, offset, length):
    blank = b"\xff" * min(256, length)
    for at in range(offset, offset + length, 256):
        size = min(256, offset + length - at)
        if flash.view(at, size) != blank[:size]:
            return False
    return True


def view(config, n):
    """A slot, in place."""
    index, offset, size = config.slots[n]
    return config.segments[index].view(offset, size)


class Trailer:
    """What lies at the end of a slot: manifest and table of the image in it.

    Attributes:
        raw: The manifest's bytes, in place.
        table: Hash of every block and lengths of the payload's segments, in place.
        start: Offset in the slot.
    """

    def __init__(self, config, n):
        data = view(config, n)
        end = len(data) - FOOTER_SIZE
        magic, manifest, table = struct.unpack_from(FOOTER, data, end)
        if magic != FOOTER_MAGIC or manifest + table > end:
            raise ValueError("no trailer")
        self.table = data[end - table : end]
        self.raw = data[end - table - manifest : end - table]
        self.start = end - table - manifest


def read_trailer(config, record, n):
    """The trailer of a slot if it is the one the record knows, and its manifest; else None."""
    try:
        trailer = Trailer(config, n)
    except ValueError:
        return None
    if hashlib.sha256(trailer.raw).digest() != record.image[n]:
        return None
    trailer.manifest = cbor.decode(trailer.raw)
    if hashlib.sha256(trailer.table).digest() != trailer.manifest[9]:
        return None
    return trailer


def usable(config, record, n, check):
    """Whether a slot may be booted: ready, mountable, and if asked for, hash by hash right."""
    if record.status[n] != READY or record.sequence[n] < record.floor:
        return False
    data = view(config, n)
    try:
        vfs.VfsRom(data)
    except OSError:
        return False
    if not check:
        return True
    trailer = read_trailer(config, record, n)
    if trailer is None:
        return False
    block = trailer.manifest[8]
    for i, start in enumerate(range(0, record.size[n], block)):
        content = data[start : min(start + block, record.size[n])]
        if hashlib.sha256(content).digest() != trailer.table[i * 32 : i * 32 + 32]:
            return False
    return True
