"""A `Transport` that types Python into the raw REPL: slow, but it needs next to nothing.

For devices whose heap has no room for the agent (8 KiB will do here), or that cannot
receive binary data. Every call is small, compiled and gone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

from flash import source
from flash.agent.session import driver
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write, without_erase
from flash.probe import DeviceInfo
from flash.serial_repl import DeviceError, Repl
from flash.target import Erasing, Target
from flash.transport import Capability, Done
from romfs.errors import TransportError, VerifyError, WriteRefused

_LOOK = 64
_TIGHT = 20_000
_TRIES = 8
_SHOW = "print(''.join(['%02x'%x for x in look({},{})]))"


class TypedTransport:
    """A device in the raw REPL, driven call by call.

    Args:
        repl: The device's raw REPL.
        info: What the device can do.
        target: The partition.

    Attributes:
        carried: Bytes of data written so far.
        keeps: Bytes of flash the device can remember: none.

    Raises:
        DeviceError: Not even this fits into its memory.
    """

    capabilities = Capability.READBACK | Capability.SUMS | Capability.ERASE | Capability.MOUNT

    def __init__(self, repl: Repl, info: DeviceInfo, target: Target) -> None:
        self.name = repl.link.name
        self.repl = repl
        self.target = target
        least = target.block_size if target.erasing is Erasing.WHOLE else target.write
        self.chunk = max((4096 if info.free > 60_000 else 256) // least, 1) * least
        self.piece = 64 if info.free < 10_000 else 128 if info.free < _TIGHT else 512
        self._released = False
        self.carried = 0
        self.keeps = 0
        self._soft_crc = "binascii.crc32" not in info.features
        name, constants = driver(target)
        constants["LOOK"] = min(int(str(constants["LOOK"])), _LOOK)
        # One definition at a time: compiling takes several times the room of the result.
        parts = ["soft_crc"] if self._soft_crc else []
        setting = "".join(f"{key}={value!r}\n" for key, value in constants.items())
        self._run(setting if self._soft_crc else "from binascii import crc32\n" + setting)
        self._run(f"B=memoryview(bytearray({self.chunk}))")
        for part in (*parts, name, "typed"):
            for code in source.definitions(part):
                self._run(code)
                if info.free < _TIGHT:
                    # Or what stays is strewn over the heap, and nothing large fits between.
                    self._run("import gc\ngc.collect()")

    def _run(self, code: str | bytes, timeout: float = 15.0) -> bytes:
        """Run code that does no harm when run twice."""
        for attempt in range(1, _TRIES + 1):
            try:
                return self.repl.run(code, timeout).strip()
            except TransportError:
                if attempt == _TRIES:
                    raise
                self.repl.recover()
            except DeviceError as error:
                # A flipped bit in code is a syntax error, most likely; memory is not.
                if attempt == _TRIES or "MemoryError" in str(error):
                    raise
        raise AssertionError

    def _number(self, code: str, timeout: float) -> int:
        for _ in range(_TRIES):
            text = self._run(code, timeout)
            try:
                return int(text)
            except ValueError:
                continue
        raise TransportError(f"{self.name}: numbers do not come through, {text[:40]!r}")

    def _hash_time(self, length: int) -> float:
        return 15.0 + length / (1_000 if self._soft_crc else 50_000)

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """CRC-32 of each stretch."""
        return [
            self._number(f"print(total({at},{size}))", self._hash_time(size)) for at, size in blocks
        ]

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """Read the partition through the link."""
        content = b""
        while len(content) < length:
            size = min(_LOOK, length - len(content))
            for _ in range(_TRIES):
                answer = self._run(_SHOW.format(offset + len(content), size))
                if len(answer) == 2 * size:
                    break
            content += bytes.fromhex(answer.decode())
            if done is not None:
                done(len(content))
        return content

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """Carry out steps one after the other."""
        for step in without_erase(steps, self.target):
            if not self._released and not isinstance(step, Verify):
                self._run("import vfs\ntry:vfs.umount('/rom')\nexcept OSError:pass")
                self._released = True
            try:
                self._one(step, done)
            except DeviceError as error:
                raise WriteRefused(
                    f"the device refused: {error}", address=step.address, length=step.length
                ) from error
            if done is not None:
                done(step, step.length)

    def _one(self, step: Step, done: Done | None) -> None:
        if isinstance(step, Spoil):
            zeros = f"bytes({step.length})"
            self._run(f"try:prog({step.address},{zeros})\nexcept OSError:pass")
        elif isinstance(step, Erase):
            patience = 15.0 + step.length / 4096
            failed = self._number(f"print(erase({step.address},{step.length})or 0)", patience)
            if failed:
                raise WriteRefused(
                    f"the device refused the erase: error {failed}",
                    address=step.address,
                    length=step.length,
                )
        elif isinstance(step, Verify):
            timeout = self._hash_time(step.length)
            if self._number(f"print(total({step.address},{step.length}))", timeout) != zlib.crc32(
                step.data
            ):
                raise VerifyError(
                    "what reads back is not what was written",
                    address=step.address,
                    length=step.length,
                )
        elif isinstance(step, Write | Commit):
            self._write(step, done)
        else:
            raise AssertionError("a plan for this transport keeps nothing")

    def _write(self, step: Write | Commit, done: Done | None) -> None:
        for at in range(0, len(step.data), self.chunk):
            chunk = step.data[at : at + self.chunk]
            for i in range(0, len(chunk), self.piece):
                self._fill(i, chunk[i : i + self.piece])
            failed = self._number(
                f"print(put({step.address + at},{len(chunk)},{zlib.crc32(chunk)}))", 20.0
            )
            if failed:
                raise WriteRefused(
                    f"the device refused the write, or reads back something else ({failed})",
                    address=step.address + at,
                    length=len(chunk),
                )
            self.carried += len(chunk)
            if done is not None:
                done(step, at + len(chunk))

    def _fill(self, at: int, piece: bytes) -> None:
        """Bring a piece of data into the device's buffer."""
        call = b"print(fill(%d,%s,%d))" % (at, source.literal(piece), zlib.crc32(piece))
        for _ in range(_TRIES):
            if self._run(call) == b"None":
                return
        raise TransportError(f"{self.name}: data does not come through")

    def close(self) -> None:
        """Nothing to end: the device is at its raw REPL between calls."""
