"""Installing a package into the slot that is not in use.

Whatever happens, and whenever power fails: the image in use is not touched, and the same
call again goes on where this one stopped. What is done is found by hash, not remembered.
"""

import gc
import hashlib
import struct
import sys

from . import _running_slot, config
from .package import PACKAGE, Envelope
from .record import NONE, READY, RECEIVING
from .sources import Cursor
from .store import (
    FOOTER,
    FOOTER_MAGIC,
    FOOTER_SIZE,
    START,
    Refused,
    Store,
    read_trailer,
    usable,
    view,
)

FULL, DELTA = 0, 1
PIECE = 1024  # bytes that one piece of a deflate stream gives


def install(source, progress=None, again=False):
    """Install a package.

    Args:
        source: See `sources`.
        progress: Called with blocks in place and blocks in all.
        again: Install even what is running already.
    Returns:
        True: the next boot tries the new image. False: it is running already.
    Raises:
        Refused: It must not be installed; nothing was changed.
        OSError: The source or the flash failed; call again.
    """
    gc.collect()
    store = Store(config())
    gc.collect()
    package = Envelope(source, PACKAGE, store.keys())
    manifest = package.fields
    record = store.record
    name = hashlib.sha256(package.body).digest()
    trust(store, manifest)
    live = record.active
    if not again:
        if live != NONE and record.image[live] == name and record.status[live] == READY:
            return False
        trial = record.trial
        if (
            trial != NONE
            and record.image[trial] == name
            and usable(store.config, record, trial, True)
        ):
            return True
    number = _target(store)
    gc.collect()
    job = _Job(store, number, package, manifest, name, source)
    job.prepare()
    job.fill(progress)
    job.finish()
    return True


def trust(store, manifest):
    """Whether this device may install a package whose signature is right.

    Raises:
        Refused: And why not.
    """
    settings = store.config
    record = store.record
    if manifest[1] != 1:
        raise Refused("manifest of a later format")
    if manifest[2] != settings.product:
        raise Refused("for product %s, this is %s" % (manifest[2], settings.product))
    if not any(board in settings.accepts for board in manifest[3]):
        raise Refused("for board %s, this is %s" % (", ".join(manifest[3]), settings.board))
    sequence = manifest[5]
    if sequence < record.floor:
        raise Refused("sequence %d is below the floor %d" % (sequence, record.floor))
    live = record.active
    if live != NONE and sequence < record.sequence[live]:
        raise Refused("sequence %d is older than %d" % (sequence, record.sequence[live]))
    block = manifest[8]
    if not block or block % settings.block:
        raise Refused("blocks of %d bytes, erased are %d" % (block, settings.block))
    mpy = getattr(sys.implementation, "_mpy", 0)
    if manifest[10]:
        version, sub, arch = manifest[10]
        mine = mpy >> 10 & 15
        if version != mpy & 255 or (arch and sub != mpy >> 8 & 3):
            raise Refused("for .mpy version %d.%d" % (version, sub))
        if arch and arch != mine and not 4 <= arch <= mine <= 8:
            raise Refused("native code for another processor")
    if manifest[11] and tuple(manifest[11]) > tuple(sys.implementation.version[:3]):
        raise Refused("needs MicroPython %s" % ".".join(str(n) for n in manifest[11]))
    keys = manifest.get(13)
    if keys:
        same = [(one[0], one[1]) for one in keys[2]] == store.keys()
        if keys[1] < record.key_version or (keys[1] == record.key_version and not same):
            raise Refused("key set %d, this device has %d" % (keys[1], record.key_version))
        if not 0 < len(keys[2]) <= 4:
            raise Refused("a key set of %d keys" % len(keys[2]))


def _target(store):
    """The slot to write: neither the confirmed one nor the one that runs."""
    record = store.record
    running = _running_slot()
    if store.config.single:
        return 0
    if record.trial != NONE and record.trial == running:
        raise Refused("the running image is on trial: confirm it, or roll back, first")
    if record.active == NONE:
        return 0 if running != 0 else 1
    return 1 - record.active


class _Job:
    """One installation."""

    def __init__(self, store, number, package, manifest, name, source):
        self.store = store
        self.config = store.config
        self.number = number
        self.package = package
        self.manifest = manifest
        self.name = name
        self.source = source
        self.size = manifest[6]
        self.block = manifest[8]
        self.count = -(-self.size // self.block)
        segment, self.base, self.room = self.config.slots[number]
        self.flash = self.config.segments[segment]
        unit = self.flash.write
        length = len(package.body) + package.table_size + FOOTER_SIZE
        self.trailer_at = (self.room - length) // unit * unit
        if -(-self.size // unit) * unit > self.trailer_at:
            raise Refused("%d bytes too large for the slot" % (self.size + length - self.room))
        if package.table_size < 32 * self.count:
            raise Refused("a table too short")
        # What is erased together with the trailer: all of it, where only all can be erased.
        self.shared = self.trailer_at // self.config.block * self.config.block
        if self.flash.kind == START:
            self.shared = 0
        self.held = None  # first bytes of an image that has the partition to itself
        self.box = bytearray(512)
        self.done = bytearray(self.count)
        self.trailer = None

    # The trailer.

    def prepare(self):
        """Put manifest and table into the slot, unless they are there."""
        record = self.store.record
        n = self.number
        if record.status[n] != RECEIVING or record.image[n] != self.name or record.trial == n:
            if self.config.single:
                # From here on there is no image, but what it was still counts.
                record.active = NONE
                record.floor = max(record.floor, record.sequence[n])
            record.status[n] = RECEIVING
            record.image[n] = self.name
            record.sequence[n] = self.manifest[5]
            record.size[n] = self.size
            if record.trial == n:
                record.trial = NONE
            self.store.save()
        gc.collect()
        self.trailer = read_trailer(self.config, record, n)
        if self.trailer is None or self.trailer.start < self.trailer_at or self._soiled():
            self._write_trailer()
            self.trailer = read_trailer(self.config, record, n)
            if self.trailer is None:
                raise Refused("the table is not the one the manifest promises")

    def _soiled(self):
        """Whether what shares an erase unit with the trailer is neither right nor blank."""
        for i in range(self.shared // self.block, self.count):
            if not self._right(i):
                data = view(self.config, self.number)
                start = max(i * self.block, self.shared)
                for at in range(start, min((i + 1) * self.block, self.trailer_at), 256):
                    piece = data[at : min(at + 256, self.trailer_at)]
                    if piece != b"\xff" * len(piece):
                        return True
        return False

    def _write_trailer(self):
        self.flash.erase(self.base + self.shared, self.room - self.shared)
        out = _Writer(self.flash, self.base + self.trailer_at)
        body = self.package.body
        table = self.package.table_size
        out.write(b"\xff" * (self.room - self.trailer_at - len(body) - table - FOOTER_SIZE))
        out.write(body)
        cursor = Cursor(self.source, self.package.table_at, table, self.box)
        left = table
        while left:
            size = min(left, 256)
            out.write(cursor.read(size))
            left -= size
        out.write(struct.pack(FOOTER, FOOTER_MAGIC, len(body), table))
        out.flush()

    # The blocks.

    def _right(self, i):
        start = i * self.block
        content = view(self.config, self.number)[start : min(start + self.block, self.size)]
        return hashlib.sha256(content).digest() == self.trailer.table[i * 32 : i * 32 + 32]

    def fill(self, progress=None):
        """Bring every block into the slot."""
        for i in range(self.count):
            self.done[i] = self._right(i)
        self.progress = progress
        self._tell()
        if not all(self.done):
            self._reuse()
        if not all(self.done):
            self._from_payload()

    def _tell(self):
        if self.progress:
            self.progress(sum(self.done), self.count)

    def _reuse(self):
        """Copy blocks that the image in use has, wherever in it they are."""
        record = self.store.record
        live = record.active
        if live == NONE or live == self.number or record.status[live] != READY:
            return
        old = read_trailer(self.config, record, live)
        if old is None or old.manifest[8] != self.block:
            return
        whole = record.size[live] // self.block
        content = view(self.config, live)[: record.size[live]]
        for i in range(self.count):
            if self.done[i]:
                continue
            start = i * self.block
            length = min(self.block, self.size - start)
            wanted = self.trailer.table[i * 32 : i * 32 + 32]
            # At its own place first; a last block that is shorter only there.
            places = [i] + (list(range(whole)) if length == self.block else [])
            for k in places:
                if length == self.block and (
                    k >= whole or old.table[k * 32 : k * 32 + 32] != wanted
                ):
                    continue
                data = content[k * self.block : k * self.block + length]
                # What a table promises may have decayed; then the payload has it.
                if len(data) == length and hashlib.sha256(data).digest() == wanted:
                    writer = self.writer(i)
                    writer.write(data)
                    writer.close()
                    break

    def writer(self, first):
        """Takes the image's bytes from block `first` on."""
        return _Blocks(self, first)

    def _from_payload(self):
        record = self.store.record
        live = record.active
        old = None
        if live != NONE and live != self.number and record.status[live] == READY:
            old = read_trailer(self.config, record, live)
        payloads = self.manifest[12]
        for one in payloads:
            if one[0] == DELTA and old and one[3] == old.manifest[7]:
                if hashlib.sha256(view(self.config, live)[: record.size[live]]).digest() == one[3]:
                    gc.collect()
                    from .delta import apply

                    cursor = self.cursor(one[1], one[2])
                    apply(cursor, view(self.config, live)[: record.size[live]], self)
                    if all(self.done):
                        return
        for one in payloads:
            if one[0] == FULL:
                self._full(one)
                return
        raise Refused("neither a full payload nor a delta for the image that is here")

    def cursor(self, offset, length):
        """Reads one encrypted or plain stretch of the payload."""
        decrypt = None
        if self.manifest.get(15):
            decrypt = self._cipher(offset)
        if offset + length > self.package.payload_size:
            raise Refused("a payload beyond its end")
        return Cursor(self.source, self.package.payload_at + offset, length, self.box, decrypt)

    def _cipher(self, offset):
        from cryptolib import aes

        if not self.config.key:
            raise Refused("encrypted, and this device has no key")
        nonce = self.manifest[15]
        start = aes(self.config.key, 1).encrypt(nonce + offset.to_bytes(4, "little"))
        cipher = aes(self.config.key, 2, start)

        def decrypt(data):
            cipher.decrypt(data, data)

        return decrypt

    def _full(self, payload):
        """Segments of the full payload: only those with a block that is missing."""
        _, offset, length, blocks, window = payload
        lengths = memoryview(self.trailer.table)[32 * self.count :]
        # Alone in its partition, the image gets its beginning last: until then, nothing mounts.
        for number in range(-(-self.count // blocks)):
            size = int.from_bytes(lengths[number * 4 : number * 4 + 4], "little")
            first = number * blocks
            last = min(first + blocks, self.count)
            if first and not all(self.done[first:last]):
                self._segment(self.cursor(offset, size), first, last, window)
            if not first:
                begin = (offset, size, last)
            offset += size
        offset, size, last = begin
        if not all(self.done[:last]):
            self._segment(self.cursor(offset, size), 0, last, window)
        if not all(self.done):
            raise Refused("the payload does not give what the manifest promises")

    def _segment(self, cursor, first, last, window):
        from deflate import RAW, DeflateIO
        from io import BytesIO

        gc.collect()
        # The larger things first, while memory is in one piece.
        fifo = BytesIO(bytes(PIECE + 256))
        stream = DeflateIO(fifo, RAW, window)
        out = memoryview(bytearray(PIECE))
        writer = self.writer(first)
        left = min(last * self.block, self.size) - first * self.block
        rest = b""
        while left:
            length = cursor.byte()
            length |= cursor.byte() << 8
            if length > PIECE + 256:
                raise Refused("a piece too long")
            fifo.seek(0)
            fifo.write(rest)
            while length:
                part = cursor.read(min(length, 256))
                fifo.write(part)
                length -= len(part)
            end = fifo.tell()
            fifo.seek(0)
            size = min(PIECE, left)
            try:
                got = stream.readinto(out[:size])
            except (OSError, EOFError):
                got = -1
            if got != size:
                raise Refused("a damaged payload")
            rest = fifo.read(end - fifo.tell())
            writer.write(out[:size])
            left -= size
        writer.close()

    def finish(self):
        """Everything is there: read it all again, and let the next boot try it."""
        record = self.store.record
        n = self.number
        if self.held:
            self.flash.program(self.base, self.held)
        record.status[n] = READY
        if not usable(self.config, record, n, True):
            record.status[n] = RECEIVING
            raise OSError("the slot does not hold what was written")
        record.raised = self.manifest.get(14, 0)
        if self.config.single:
            record.active = n
            record.floor = max(record.floor, record.raised)
        else:
            record.trial = n
            record.left = self.config.trials
        keys = self.manifest.get(13)
        if keys:
            record.key_version = keys[1]
            record.keys = [(one[0], one[1]) for one in keys[2]]
        self.store.save()


class _Writer:
    """Collects bytes and programs them in whole write units."""

    def __init__(self, flash, offset, job=None):
        self.flash = flash
        self.offset = offset
        self.job = job  # keeps the image's first bytes for later
        self.unit = flash.write
        self.buffer = memoryview(bytearray(max(512 // self.unit, 1) * self.unit))
        self.fill = 0

    def write(self, data):
        at = 0
        while at < len(data):
            size = min(len(data) - at, len(self.buffer) - self.fill)
            self.buffer[self.fill : self.fill + size] = data[at : at + size]
            self.fill += size
            at += size
            if self.fill == len(self.buffer):
                self.flush()

    def flush(self):
        if self.fill:
            end = -(-self.fill // self.unit) * self.unit
            while self.fill < end:
                self.buffer[self.fill] = 255
                self.fill += 1
            keep = 0
            if self.job and self.offset == self.job.base and not self.job.held:
                keep = -(-4 // self.unit) * self.unit  # what makes it an image, and no more
                self.job.held = bytes(self.buffer[:keep])
            if end > keep:
                self.flash.program(self.offset + keep, self.buffer[keep:end])
            self.offset += end
            self.fill = 0


class _Blocks:
    """Takes bytes of the image in order; writes the blocks that are missing, checks each."""

    def __init__(self, job, first):
        self.job = job
        self.index = first
        self.room = 0
        self.writer = None
        self._out = _Writer(job.flash, 0, job if job.config.single else None)

    def _begin(self):
        job = self.job
        start = self.index * job.block
        self.room = min(job.block, job.size - start)
        self.writer = None
        if not job.done[self.index]:
            end = min(start + job.block, job.shared)
            if end > start:
                job.flash.erase(job.base + start, end - start)
            self._out.offset = job.base + start
            self.writer = self._out

    def write(self, data):
        at = 0
        while at < len(data):
            if not self.room:
                if self.index >= self.job.count:
                    raise Refused("more payload than image")
                self._begin()
            size = min(self.room, len(data) - at)
            if self.writer:
                self.writer.write(data[at : at + size])
            at += size
            self.room -= size
            if not self.room:
                self._end()

    def _end(self):
        job = self.job
        if self.writer:
            self.writer.flush()
            if not (job.held and not self.index) and not job._right(self.index):
                raise Refused("block %d is not what the manifest promises" % self.index)
            job.done[self.index] = 1
            job._tell()
        self.index += 1

    def close(self):
        if self.room:
            raise Refused("less payload than image")
