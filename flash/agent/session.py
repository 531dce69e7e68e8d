"""A `Transport` through the agent: starts it, keeps its pipe full, believes nothing unread."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flash import source
from flash.agent.frames import Frames
from flash.deflate import LEAST_WINDOW, Deflater
from flash.plan import Commit, Erase, Keep, Patch, Spoil, Step, Verify, Write, without_erase
from flash.probe import DeviceInfo
from flash.serial_repl import CTRL_C, DeviceError, Repl
from flash.target import Erasing, Target
from flash.transport import Capability, Done
from romfs.errors import TransportError, VerifyError

NEEDS = frozenset({"micropython.kbd_intr", "stdin.buffer"})
"""Without these, binary data cannot be received: Ctrl-C would interrupt, text be converted."""

_ERASE_PATIENCE = 0.5  # seconds for 4 KiB of slow, worn flash
_HASH_RATE = 50_000  # bytes a second, the slowest to be expected
_SOFT_CRC_RATE = 4_000


# Frame, chunk, and the free heap at which they leave room for a deflate window. Large
# frames save bytes on the wire; a device that loses bytes is sent smaller ones anyway.
_SIZES = (
    (4096, 4096, 90_000),
    (1024, 4096, 40_000),
    (512, 2048, 24_000),
    (256, 512, 16_000),
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Buffers of the agent, in bytes.

    Attributes:
        frame: Payload of one frame.
        chunk: Bytes written at once.
    """

    frame: int
    chunk: int

    @classmethod
    def for_heap(cls, free: int, target: Target) -> Sizes | None:
        """What fits; None: not even the smallest, or the partition wants larger writes."""
        for frame, chunk, need in _SIZES:
            if free >= need:
                least = target.block_size if target.erasing is Erasing.WHOLE else target.write
                whole = max(chunk // least, 1) * least
                return cls(frame, whole) if whole <= max(chunk, 2048) else None
        return None


class AgentTransport:
    """The agent on a device in the raw REPL.

    Args:
        repl: The device's raw REPL.
        info: What the device can do.
        target: The partition.
        window: Bits of the largest deflate window to try; 0: send uncompressed.
        reading: Whether `read` will be used; it costs a few more bytes of agent.

    Attributes:
        carried: Bytes of the data stream sent so far, as compressed.
        keeps: Bytes of flash the device can remember.

    Raises:
        DeviceError: The device could not run the agent: out of memory, most likely.
    """

    capabilities = Capability.READBACK | Capability.SUMS | Capability.ERASE | Capability.MOUNT

    def __init__(
        self,
        repl: Repl,
        info: DeviceInfo,
        target: Target,
        *,
        window: int = 15,
        reading: bool = False,
    ) -> None:
        sizes = Sizes.for_heap(info.free, target)
        if sizes is None:
            raise DeviceError(f"{info.free} bytes of free heap are too few for the agent")
        self.name = repl.link.name
        self.repl = repl
        self.target = target
        self.sizes = sizes
        self._strong = "hashlib.sha256" in info.features
        self._soft_crc = "binascii.crc32" not in info.features
        self._window = window if "deflate.DeflateIO" in info.features else 0
        self._running = False
        self._released = False
        self.carried = 0
        self.keeps = sizes.chunk if sizes.chunk >= 4096 else 0
        free = self._start(info, reading)
        while self._window > LEAST_WINDOW and (1 << self._window) + 8192 > free:
            self._window -= 1
        self.frames = Frames(repl.link, largest=sizes.frame)

    # Life.

    def _start(self, info: DeviceInfo, reading: bool) -> int:
        """Upload and start the agent; returns the heap it has left."""
        code = agent_program(info, self.target, self.sizes, reading=reading)
        packed = "deflate.DeflateIO" in info.features
        self.repl.start(source.packed(code) if packed else "SRC=b''\n" + code)
        self._running = True
        line = self.repl.line(5.0)
        body, _, check = line.partition(b"~")
        kind, _, rest = body.partition(b":")
        if kind[:1] != b"R" or f"{zlib.crc32(body) & 0xFFFF:04x}".encode() != check:
            self.close()
            raise DeviceError(f"the transfer agent did not start: {line[:80]!r}")
        if int(rest, 16) != (zlib.crc32(code.encode()) if packed else 0):
            self.close()
            raise TransportError(f"{self.name}: the transfer agent arrived damaged")
        return int(kind[1:])

    def close(self) -> None:
        """End the agent; the device is in the raw REPL again."""
        if self._running:
            self._running = False
            self.repl.link.write(CTRL_C * 4)
            self.repl.enter(3.0)

    # Questions.

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """CRC-32 of adjoining stretches."""
        wanted = list(blocks)
        found: dict[int, int] = {}
        at = 0
        while at < len(wanted):
            # One question for a run of equal units; the last may be shorter.
            start, unit = wanted[at]
            stop = at
            while stop < len(wanted) and wanted[stop][1] == unit:
                stop += 1
            if stop < len(wanted) and wanted[stop][1] < unit:
                stop += 1
            end = wanted[stop - 1][0] + wanted[stop - 1][1]
            self._ask_sums(start, end - start, unit, found)
            at = stop
        return [found[offset] for offset, _ in wanted]

    def _ask_sums(self, start: int, length: int, unit: int, found: dict[int, int]) -> None:
        offsets = range(start, start + length, unit)
        for _ in range(4):
            # Only what is missing: lines may have been lost.
            missing = [offset for offset in offsets if offset not in found]
            if not missing:
                return
            first, end = missing[0], min(missing[-1] + unit, start + length)
            request = b"h" + _u32(first) + _u32(end - first) + _u32(unit)
            for line in self.frames.ask(request, patience=self._hash_time(end - first)):
                if line[:1] == b"H":
                    where, _, digits = line[1:].partition(b":")
                    for i in range(0, len(digits), 8):
                        found[int(where, 16) + i // 8 * unit] = int(digits[i : i + 8], 16)
        raise TransportError(f"{self.name}: checksums do not come through")

    def _hash_time(self, length: int) -> float:
        return length / (_SOFT_CRC_RATE if self._soft_crc else _HASH_RATE)

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """Read the partition through the link."""
        content = bytearray(length)
        for at in range(offset, offset + length, 4096):
            size = min(4096, offset + length - at)
            content[at - offset : at - offset + size] = self._read_piece(at, size)
            if done is not None:
                done(at - offset + size)
        return bytes(content)

    def _read_piece(self, at: int, size: int) -> bytes:
        piece, have = bytearray(size), 0
        for _ in range(4):
            for line in self.frames.ask(b"r" + _u32(at + have) + _u32(size - have)):
                where, _, text = line[1:].partition(b":")
                if line[:1] == b"D" and int(where, 16) == at + have:
                    hexadecimal = text.endswith(b".")
                    data = (
                        bytes.fromhex(text[:-1].decode()) if hexadecimal else base64.b64decode(text)
                    )
                    piece[have : have + len(data)] = data
                    have += len(data)
            if have == size:
                return bytes(piece)
        raise TransportError(f"{self.name}: data does not come through", address=at, length=size)

    # Steps.

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """Carry out steps; several are under way at once."""
        todo = without_erase(steps, self.target)
        if not self._released and any(not isinstance(step, Verify) for step in todo):
            # Nothing must look at the old image through the mount while it changes.
            self.frames.ask(b"u")
            self._released = True
        chunks = [chunk for step in todo for chunk in self._data_of(step)]
        pieces = Deflater(self._open_stream() if chunks else 0).pieces(chunks)
        for step in todo:
            self._one(step, pieces, done)
        self.frames.finish()

    def _data_of(self, step: Step) -> Iterable[bytes]:
        """What of a step goes through the stream, in the order in which it is needed."""
        if isinstance(step, Patch):
            return [data for _, data in step.pieces]
        return self._chunks(step.data) if isinstance(step, Write) else ()

    def _chunks(self, data: bytes) -> Iterable[bytes]:
        size = self.sizes.chunk
        return (data[at : at + size] for at in range(0, len(data), size))

    def _one(self, step: Step, pieces: Iterable[bytes], done: Done | None) -> None:
        def tell(count: int) -> Callable[[], None] | None:
            return None if done is None else lambda: done(step, count)

        if isinstance(step, Erase):
            patience = _ERASE_PATIENCE * (1 + step.length / 4096)
            request = b"e" + _u32(step.address) + _u32(step.length)
            self.frames.send(
                request,
                patience=patience,
                done=tell(step.length),
                where=(step.address, step.length),
            )
        elif isinstance(step, Spoil):
            self.frames.send(b"v" + _u32(step.address) + bytes(step.length))
        elif isinstance(step, Keep):
            self.frames.send(b"k" + _u32(step.address) + _u32(step.length))
        elif isinstance(step, Patch):
            for (offset, data), piece in zip(step.pieces, pieces, strict=False):
                where = _u32(step.address) + _u16(len(data)) + _u16(offset)
                self._pour(b"o" + where, piece)
            self.frames.send(
                b"b" + _u32(step.address) + _u32(step.hole),
                patience=_ERASE_PATIENCE,
                done=tell(step.length),
                where=(step.address, step.length),
            )
        elif isinstance(step, Write):
            at = 0
            for chunk, piece in zip(self._chunks(step.data), pieces, strict=False):
                self._write(step.address + at, len(chunk), piece, tell(at + len(chunk)))
                at += len(chunk)
        elif isinstance(step, Verify):
            self._verify(step)
            if done is not None:
                done(step, step.length)
        elif isinstance(step, Commit):
            self._commit(step)
            if done is not None:
                done(step, step.length)

    def _write(
        self, address: int, length: int, piece: bytes, done: Callable[[], None] | None
    ) -> None:
        request = b"w" + _u32(address) + _u16(length)
        self._pour(request, piece, done=done, where=(address, length))

    def _pour(
        self,
        request: bytes,
        piece: bytes,
        *,
        done: Callable[[], None] | None = None,
        where: tuple[int, int] | None = None,
    ) -> None:
        """Send a piece of the stream, its end together with the request that needs it."""
        self.carried += len(piece)
        while len(piece) > self.frames.payload - len(request):
            size = self.frames.payload - 1
            self.frames.send(b"d" + piece[:size])
            piece = piece[size:]
        self.frames.send(request + piece, patience=_ERASE_PATIENCE, done=done, where=where)

    def _commit(self, step: Commit) -> None:
        self.frames.finish()
        if len(step.data) <= self.sizes.frame - 5:
            self.frames.send(b"p" + _u32(step.address) + step.data, patience=_ERASE_PATIENCE)
        else:
            self.frames.ask(b"z" + _u32(0))
            for at, chunk in enumerate(self._chunks(step.data)):
                self._write(step.address + at * self.sizes.chunk, len(chunk), chunk, None)
        self.frames.finish()

    def _verify(self, step: Verify) -> None:
        where = _u32(step.address) + _u32(step.length)
        if self._strong:
            expected, request, kind = hashlib.sha256(step.data).hexdigest(), b"s" + where, b"S"
        else:
            expected = f"{step.address:x}:{zlib.crc32(step.data):08x}"
            request, kind = b"h" + where + _u32(step.length), b"H"
        for _ in range(4):
            lines = self.frames.ask(request, patience=self._hash_time(step.length))
            answers = [line[1:].decode() for line in lines if line[:1] == kind]
            if answers:
                break
        else:
            raise TransportError(f"{self.name}: the hash does not come through")
        if answers[-1] != expected:
            raise VerifyError(
                "what reads back is not what was written", address=step.address, length=step.length
            )

    def _open_stream(self) -> int:
        """Begin a compressed stream; returns the bits of its window, or 0."""
        while self._window:
            answer = self.frames.ask(b"z" + _u32(self._window))
            if b"Z1" in answer:
                return self._window
            if b"Z0" not in answer:
                continue  # the answer was lost; a new stream does no harm
            self._window = self._window - 1 if self._window > LEAST_WINDOW else 0
        self.frames.ask(b"z" + _u32(0))
        return 0


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def agent_program(info: DeviceInfo, target: Target, sizes: Sizes, *, reading: bool = False) -> str:
    """The agent for this device and partition, ready to run."""
    imports = ""
    name, constants = driver(target)
    constants.update(FRAME=sizes.frame, CHUNK=sizes.chunk)
    parts = [name, "agent"]
    if "binascii.crc32" in info.features:
        imports += "from binascii import crc32\n"
    else:
        parts.insert(0, "soft_crc")
    if reading:
        parts.insert(0, "agent_read")
    if reading and "binascii.a2b_base64" in info.features:
        imports += "from binascii import b2a_base64 as b64\n"
    if "hashlib.sha256" in info.features:
        imports += "from hashlib import sha256\n"
    return imports + source.program(*parts, **constants)


def driver(target: Target) -> tuple[str, dict[str, object]]:
    """File with the driver for a partition, and the constants it leaves to the host."""
    if not target.block_size:
        return "drive_rom", {
            "ID": target.index,
            "OFF": target.erasing is not Erasing.START,
            "LOOK": 4096,
        }
    return "drive_dev", {
        "ID": target.index,
        "BS": target.block_size,
        "WHOLE": target.erasing is Erasing.WHOLE,
        "LOOK": min(target.block_size, 512),
    }
