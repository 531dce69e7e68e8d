"""From an image and what a partition holds to the steps that bring the one into the other.

Pure: no device, no clock. A dry run prints these steps, tests run them on a model of
flash, and devices carry them out.

The order is what makes every interruption harmless. The image's magic is destroyed first
and written last, when all else has been read back and found right. So at any moment the
partition holds the old image complete, the new image complete, or nothing that mounts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from flash.target import Erasing, Target
from romfs.errors import DoesNotFit
from romfs.sizes import show_size

PIECE = 256
"""Bytes in which a unit that differs is compared once more."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """Overwrite the old magic with zeros, so that a half erased block cannot show it.

    Best effort: memory that refuses is erased next anyway.
    """

    address: int  # bytes from partition start, as everywhere here
    length: int


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase whole units."""

    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Write:
    """Write bytes into erased memory, or over anything where the memory allows that."""

    address: int
    data: bytes

    @property
    def length(self) -> int:
        """Bytes written."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Verify:
    """Read back and compare."""

    address: int
    data: bytes

    @property
    def length(self) -> int:
        """Bytes compared."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Commit:
    """The last write: it holds the magic."""

    address: int
    data: bytes

    @property
    def length(self) -> int:
        """Bytes written."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Keep:
    """Remember, on the device, bytes that are mostly right but must be erased."""

    address: int
    length: int


@dataclass(frozen=True, slots=True)
class Patch:
    """Write what was kept, with some of it replaced, and its first `hole` bytes erased."""

    address: int
    length: int
    pieces: tuple[tuple[int, bytes], ...] = ()  # offset in the kept bytes, and what belongs there
    hole: int = 0


Step = Spoil | Erase | Write | Verify | Commit | Keep | Patch


class Kind(Enum):
    """What a plan amounts to."""

    NOTHING = "identical"
    FULL = "everything"
    CHANGES = "changed blocks"
    FINISH = "what an interrupted run left to do"


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they must be done.

    Attributes:
        steps: All of them.
        kind: What they amount to.
        blocks: Erase units the image touches.
        changed: Of them, those to be written.
        erased: Of them, those to be erased.
        payload: Bytes to be written.
        note: Why more is written than changed, or "".
    """

    steps: tuple[Step, ...]
    kind: Kind
    blocks: int
    changed: int
    erased: int
    payload: int
    note: str = ""


class _State(Enum):
    SAME = "as in the image"
    BLANK = "erased"
    PENDING = "as in the image, the hole still erased"
    OTHER = "something else"


def without_erase(steps: Iterable[Step], target: Target) -> list[Step]:
    """The steps for a device that must not be told to erase: blank bytes are written."""
    if target.erasing is not Erasing.WHOLE:
        return list(steps)
    blank = bytes((target.erased,))
    return [
        Write(step.address, blank * step.length) if isinstance(step, Erase) else step
        for step in steps
    ]


def check_size(image: bytes, target: Target) -> None:
    """Refuse an image that is larger than the partition.

    Raises:
        DoesNotFit: By how much.
    """
    over = len(image) - target.size
    if over > 0:
        raise DoesNotFit(
            f"image is {show_size(len(image))}, partition romfs{target.index} holds "
            f"{show_size(target.size)} ({show_size(over)} over); nothing erased"
        )


def plan(
    image: bytes,
    target: Target,
    sums: Sequence[int] | None = None,
    *,
    keeps: int = 0,
    fine: Mapping[int, Sequence[int]] | None = None,
) -> Plan:
    """Find the steps.

    Args:
        image: What the partition shall start with.
        target: The partition.
        sums: CRC-32 of what it holds now, per unit of `target.blocks(len(image))`, the
            last one over the image's end only; None: unknown, or to be ignored.
        keeps: Bytes the device can `Keep`, so that what is right is not sent again.
        fine: For units that differ, by offset: CRC-32 of each `PIECE` bytes of them.
    Raises:
        DoesNotFit: The image is larger than the partition.
    """
    check_size(image, target)
    blocks = [
        (offset, min(size, len(image) - offset)) for offset, size in target.blocks(len(image))
    ]
    pending = bytes((target.erased,)) * min(target.hole, len(image)) + image[target.hole :]
    states = [
        _state(image[at : at + n], pending[at : at + n], None if sums is None else sums[i], target)
        for i, (at, n) in enumerate(blocks)
    ]
    if all(state is _State.SAME for state in states):
        return Plan((Verify(0, image),), Kind.NOTHING, len(blocks), 0, 0, 0)
    builder = _Builder(image, pending, target, blocks, states, keeps, fine or {})
    return builder.build()


def plan_erase(target: Target) -> Plan:
    """Steps that leave a partition blank, its magic gone first."""
    blocks = [(at, min(size, target.size - at)) for at, size in target.blocks(target.size)]
    blank = bytes((target.erased,))
    steps: list[Step] = []
    if target.erasing is Erasing.NONE:
        steps = [Write(at, blank * size) for at, size in blocks]
    else:
        if target.twice and target.erasing is not Erasing.WHOLE:
            steps.append(Spoil(0, target.commit))
        if target.erasing is Erasing.START:
            steps.append(Erase(0, target.size))
        else:
            steps += [Erase(at, size) for at, size in blocks]
    steps.append(Verify(0, blank * target.size))
    written = sum(step.length for step in steps if isinstance(step, Write))
    return Plan(tuple(steps), Kind.FULL, len(blocks), len(blocks), len(blocks), written)


def _state(new: bytes, pending: bytes, crc: int | None, target: Target) -> _State:
    if crc is None:
        return _State.OTHER
    if crc == zlib.crc32(new):
        return _State.SAME
    if crc == zlib.crc32(bytes((target.erased,)) * len(new)):
        return _State.BLANK
    return _State.PENDING if crc == zlib.crc32(pending) else _State.OTHER


@dataclass(slots=True)
class _Builder:
    """Steps for one image, block by block."""

    image: bytes
    pending: bytes
    target: Target
    blocks: list[tuple[int, int]]
    states: list[_State]
    keeps: int
    fine: Mapping[int, Sequence[int]]

    def build(self) -> Plan:
        erase, note = self._to_erase()
        write = [
            index
            for index, state in enumerate(self.states)
            if index in erase or state in (_State.BLANK, _State.OTHER)
        ]
        steps: list[Step] = []
        patches = {index: patch for index in write if (patch := self._patch(index)) is not None}
        if 0 in patches:
            steps.append(Keep(0, patches[0].length))
        if self.states[0] in (_State.SAME, _State.OTHER):
            steps += self._break_header()
        if self.target.erasing is Erasing.START and erase:
            steps.append(Erase(0, self._end(max(erase))))
        elif 0 in erase:
            steps.append(self._erase(0))
        for index in write[1:] if write[:1] == [0] else write:
            if index in patches:
                patch = patches[index]
                steps += [Keep(patch.address, patch.length), self._erase(index), patch]
                continue
            if self.target.erasing in (Erasing.RANGE, Erasing.BLOCK) and index in erase:
                steps.append(self._erase(index))
            steps += self._write(index)
        if 0 in patches:
            steps.append(patches[0])
        elif write[:1] == [0]:
            steps += self._write(0)
        hole = self.target.hole
        if hole < len(self.image):
            steps.append(Verify(hole, self.image[hole:]))
        head = self._padded(self.image, 0, min(self.target.commit, len(self.image)))
        steps += [Commit(0, head), Verify(0, self.image[: self.target.commit])]
        payload = sum(step.length for step in steps if isinstance(step, Write | Commit | Patch))
        return Plan(
            tuple(steps),
            self._kind(write, erase),
            len(self.blocks),
            len(write),
            len(erase),
            payload,
            note,
        )

    def _kind(self, write: list[int], erase: set[int]) -> Kind:
        if len(write) == len(self.blocks):
            return Kind.FULL
        if self.states[0] in (_State.BLANK, _State.PENDING):
            return Kind.FINISH
        return Kind.CHANGES

    def _to_erase(self) -> tuple[set[int], str]:
        """Indices of units that must be erased, and a remark for the user."""
        needed = {i for i, state in enumerate(self.states) if state is _State.OTHER}
        if self.states[0] is _State.SAME:
            needed.add(0)  # the magic must go while anything else is wrong
        if self.target.erasing is Erasing.NONE or not needed:
            return set(), ""
        if self.target.erasing is not Erasing.START:
            return needed, ""
        last = max(needed) if self.target.known_units else len(self.blocks) - 1
        prefix = set(range(last + 1))
        extra = len(prefix - needed)
        note = ""
        if extra:
            note = (
                f"this firmware erases from the partition start only: {extra} unchanged "
                f"block{'s' if extra > 1 else ''} must be written again"
            )
        return prefix, note

    def _break_header(self) -> list[Step]:
        target = self.target
        if target.erasing is Erasing.NONE:
            # Writing replaces, so the new first bytes can come at once, all but the magic.
            return [Write(0, self._padded(self.pending, 0, min(target.commit, self.blocks[0][1])))]
        if not target.twice or target.erasing is Erasing.WHOLE:
            return []  # a programmed unit takes nothing more; the erase alone must do
        return [Spoil(0, target.commit)]

    def _patch(self, index: int) -> Patch | None:
        """How the device can make a unit from what it holds; None: it must be sent whole."""
        at, length = self.blocks[index]
        target = self.target
        usable = target.twice and target.erasing in (Erasing.RANGE, Erasing.BLOCK)
        if not usable or length % target.write or length > self.keeps:
            return None
        hole = target.hole if index == 0 else 0
        if self.states[index] is _State.SAME:
            return Patch(at, length, (), hole)
        if self.states[index] is not _State.OTHER or at not in self.fine:
            return None
        new = self.image[at : at + length]
        pieces = tuple(
            (start, new[start : start + PIECE])
            for start, crc in zip(range(0, length, PIECE), self.fine[at], strict=True)
            if zlib.crc32(new[start : start + PIECE]) != crc
        )
        # Pieces compress worse than a whole unit does.
        if sum(len(data) for _, data in pieces) > length // 2:
            return None
        return Patch(at, length, pieces, hole)

    def _erase(self, index: int) -> Erase:
        at = self.blocks[index][0]
        return Erase(at, self._end(index) - at)

    def _end(self, index: int) -> int:
        sizes = list(self.target.blocks(len(self.image)))
        at, size = sizes[index]
        # Units that are only assumed may reach over the partition's end.
        return min(at + size, self.target.size)

    def _write(self, index: int) -> list[Step]:
        at, length = self.blocks[index]
        target = self.target
        start = at
        if index == 0 and not target.twice:
            start = min(target.commit, length)
        data = self._padded(self.pending, start, at + length)
        if target.erasing in (Erasing.RANGE, Erasing.BLOCK, Erasing.START):
            # What is erased already needs no programming.
            kept = len(data.rstrip(bytes((target.erased,))))
            data = data[: -(-kept // target.write) * target.write]
        return [Write(start, data)] if data else []

    def _padded(self, content: bytes, start: int, stop: int) -> bytes:
        """`content[start:stop]`, filled up with erased bytes to whole write units."""
        data = content[start:stop]
        if self.target.erasing is Erasing.NONE and stop < len(content):
            return data
        return data + bytes((self.target.erased,)) * (-len(data) % self.target.write)
