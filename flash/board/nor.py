"""A NOR flash memory: bits are programmed from 1 to 0, and only an erase sets them again.

The model is exact about what is left behind: every erase of a unit and every program of a
page is one counted operation, power can fail after any of them or in the middle of one,
and the memory then holds what a real chip would. Memory that overwrites (MRAM) is the same
model without that rule.

Used as the flash of the virtual board, and directly in tests that need thousands of cuts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from flash.geometry import Geometry
from romfs.errors import FlashError

Kind = Literal["erase", "program"]


class Memory(Protocol):
    """A writable buffer: bytearray, or an mmap of a file."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: slice, /) -> bytes | bytearray: ...
    def __setitem__(self, index: slice, value: bytes, /) -> None: ...


class PowerCut(Exception):
    """Power failed; nothing after this point happened.

    Attributes:
        operation: Number of the flash operation, from 1, that was the last to begin.
        torn: Whether that operation was left unfinished.
    """

    def __init__(self, operation: int, *, torn: bool) -> None:
        super().__init__(f"power cut {'in' if torn else 'after'} flash operation {operation}")
        self.operation = operation
        self.torn = torn


class FlashFault(FlashError):
    """The chip did not carry out an operation, and its driver noticed."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that was begun.

    Attributes:
        number: From 1, over all memories on the same `Supply`.
        kind: "erase" or "program".
        memory: Name of the memory.
        offset: From the start of that memory.
        length: Bytes.
    """

    number: int
    kind: Kind
    memory: str
    offset: int
    length: int


@dataclass(slots=True)
class Supply:
    """What the memories of one board share: power, the count of operations, what fails.

    Attributes:
        cut_after: Power fails when operation N has completed.
        tear: Power fails during operation N.
        fail: Operations that do nothing but report a fault.
        seed: Decides what a torn operation leaves.
        on: False after a cut, until `restore`.
        log: Every operation begun.
        busy: Seconds that the operations so far would have taken.
    """

    cut_after: int | None = None
    tear: int | None = None
    fail: frozenset[int] = frozenset()
    seed: int = 0
    on: bool = True
    log: list[Operation] = field(default_factory=list)
    busy: float = 0.0

    @property
    def count(self) -> int:
        """Operations begun so far."""
        return len(self.log)

    def restore(self, *, cut_after: int | None = None, tear: int | None = None) -> None:
        """Turn power on again; a later cut may be asked for at once."""
        self.on = True
        self.cut_after = cut_after
        self.tear = tear

    def begin(self, kind: Kind, memory: str, offset: int, length: int) -> Operation:
        """Count one operation.

        Raises:
            PowerCut: There is no power.
            FlashFault: This operation was chosen to fail.
        """
        if not self.on:
            raise PowerCut(self.count, torn=False)
        operation = Operation(self.count + 1, kind, memory, offset, length)
        self.log.append(operation)
        if operation.number in self.fail:
            raise FlashFault(f"{kind} failed in the chip", address=offset, length=length)
        return operation

    def torn(self, operation: Operation) -> random.Random | None:
        """Randomness for what a torn operation leaves; None: it completes."""
        if self.tear != operation.number:
            return None
        return random.Random(f"{self.seed}/{operation.number}")

    def end(self, operation: Operation, seconds: float) -> None:
        """Finish one operation.

        Raises:
            PowerCut: Power fails now.
        """
        self.busy += seconds
        if operation.number in (self.cut_after, self.tear):
            self.on = False
            raise PowerCut(operation.number, torn=operation.number == self.tear)


class NorFlash:
    """One memory.

    Args:
        geometry: Its erase units, write unit and erased value.
        memory: What it holds now, `geometry.size` bytes, changed in place; None: erased.
        supply: Shared by all memories of a board; None: one of its own.
        name: For the log and messages.
        worn: Offsets whose erase unit no longer clears or sets its first bit.
    """

    def __init__(
        self,
        geometry: Geometry,
        memory: Memory | None = None,
        *,
        supply: Supply | None = None,
        name: str = "flash",
        worn: Iterable[int] = (),
    ) -> None:
        self.geometry = geometry
        self.memory: Memory = bytearray(self._blank(geometry.size)) if memory is None else memory
        if len(self.memory) != geometry.size:
            raise FlashError(f"{name}: {len(self.memory)} bytes given, it has {geometry.size}")
        self.supply = Supply() if supply is None else supply
        self.name = name
        self.worn = frozenset(geometry.block_at(offset)[0] for offset in worn)

    def _blank(self, length: int) -> bytes:
        return bytes((self.geometry.erased,)) * length

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.geometry.size:
            raise FlashError(
                f"outside {self.name}, which has {self.geometry.size:#x} bytes",
                address=offset,
                length=length,
            )

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """The bytes there; everything from `offset` without a length."""
        length = self.geometry.size - offset if length is None else length
        self._check(offset, length)
        return bytes(self.memory[offset : offset + length])

    def is_blank(self, offset: int = 0, length: int | None = None) -> bool:
        """Whether every byte of a range is erased."""
        data = self.read(offset, length)
        return data == self._blank(len(data))

    def load(self, data: bytes, offset: int = 0) -> None:
        """Set content from outside, as a programmer would: no rules, not counted."""
        self._check(offset, len(data))
        self.memory[offset : offset + len(data)] = bytes(data)

    def erase_block(self, offset: int) -> None:
        """Erase the unit that holds `offset`: one operation.

        Raises:
            PowerCut, FlashFault: As chosen.
        """
        start, size = self.geometry.block_at(offset)
        operation = self.supply.begin("erase", self.name, start, size)
        after = self._blank(size)
        chance = self.supply.torn(operation)
        if chance is not None:
            after = _torn_erase(self.read(start, size), after, chance)
        self._store(start, after)
        self.supply.end(operation, self.geometry.timing.erase)

    def erase(self, offset: int, length: int) -> None:
        """Erase every unit that a range touches, in address order."""
        self._check(offset, length)
        for start, _ in self.geometry.blocks(offset, length):
            self.erase_block(start)

    def program(self, offset: int, data: bytes) -> None:
        """Program a range page by page: one operation each.

        NOR memory keeps the bits that are 0 already, whatever `data` says.

        Raises:
            PowerCut: As chosen.
            FlashFault: As chosen, or the range is not aligned to the write unit.
            FlashError: The range is outside.
        """
        self._check(offset, len(data))
        unit = self.geometry.write
        if offset % unit or len(data) % unit:
            raise FlashFault(
                f"{self.name}: offset and length must be multiples of {unit}",
                address=offset,
                length=len(data),
            )
        for start, size in self.geometry.pages(offset, len(data)):
            self._program_page(start, bytes(data[start - offset : start - offset + size]))

    def _program_page(self, offset: int, data: bytes) -> None:
        operation = self.supply.begin("program", self.name, offset, len(data))
        before = self.read(offset, len(data))
        after = data if self.geometry.overwrites else _bits_and(before, data)
        chance = self.supply.torn(operation)
        if chance is not None:
            after = _torn_program(before, after, chance, self.geometry.overwrites)
        self._store(offset, after)
        self.supply.end(operation, self.geometry.timing.program)

    def _store(self, offset: int, data: bytes) -> None:
        if self.worn:
            content = bytearray(data)
            for start in self.worn:
                if offset <= start < offset + len(data):
                    content[start - offset] &= 0xFE
            data = bytes(content)
        self.memory[offset : offset + len(data)] = data


def _bits_and(one: bytes, other: bytes) -> bytes:
    value = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return value.to_bytes(len(one), "little")


def _random_mask(length: int, chance: random.Random) -> int:
    return int.from_bytes(chance.randbytes(length), "little")


def _torn_program(before: bytes, after: bytes, chance: random.Random, overwrites: bool) -> bytes:
    """A page whose programming stopped: a prefix is done, then single bits are or are not."""
    done = chance.randrange(len(after) + 1)
    rest_old, rest_new = before[done:], after[done:]
    if not rest_old or overwrites:
        return after[:done] + rest_old
    old, new = int.from_bytes(rest_old, "little"), int.from_bytes(rest_new, "little")
    if chance.random() < 0.5:
        return after[:done] + rest_old
    # Bits still to be cleared: each may have made it or not.
    mixed = new | (old & _random_mask(len(rest_old), chance))
    return after[:done] + mixed.to_bytes(len(rest_old), "little")


def _torn_erase(before: bytes, after: bytes, chance: random.Random) -> bytes:
    """A unit whose erase stopped: untouched, done in part, bits anywhere, or almost blank."""
    how = chance.randrange(4)
    if how == 0:
        return before
    if how == 1:
        done = chance.randrange(len(after) + 1)
        return after[:done] + before[done:]
    old, new = int.from_bytes(before, "little"), int.from_bytes(after, "little")
    mask = _random_mask(len(before), chance)
    if how == 3:
        for _ in range(3):  # one bit in sixteen is not yet erased
            mask &= _random_mask(len(before), chance)
    mixed = (new & ~mask) | (old & mask)
    return mixed.to_bytes(len(before), "little")
