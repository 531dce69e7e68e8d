"""Deltas: what turns one image into another, small, and made to be read as a stream.

The matching is bsdiff's, which knows that code moves and addresses in it change. Its
result is not written as three compressed files but as one stream of adaptively coded bits:
numbers, differing bytes and new bytes, each with models of its own. A device decodes it
front to back in 10 KiB of memory, copies from the image in use in place, and needs no
window. SPEC.md, section 6, has every detail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from romfs.errors import MissingExtra, PackageError

Buffer: TypeAlias = bytes | memoryview

# Model numbers: where each kind of thing has its probabilities.
NUMBERS = 96  # of one kind of number: 24 for its length, 3 x 24 for the bits after the first
COPY, NEW, SEEK, RUN = (kind * NUMBERS for kind in range(4))
SIGN = 4 * NUMBERS
SAME = SIGN + 1
CHANGE = SAME + 2
LITERAL = CHANGE + 256
AFTER = LITERAL + 256  # new bytes again, each in the light of the one before it, hashed
AFTER_MASK = 4095
MODELS = AFTER + AFTER_MASK + 1
HALF = 1 << 15  # a probability of one half, and nothing seen yet
RATES = tuple(int(65536 / (1.8 + seen)) for seen in range(16))

_TOP = 1 << 16
_MASK = (1 << 24) - 1


class _Models:
    """Adaptive probabilities of a zero bit: 12 bits each, and a count that slows them down."""

    def __init__(self) -> None:
        self.state = [HALF] * MODELS

    def chance(self, model: int) -> int:
        """Of a zero bit, in 4096ths."""
        return self.state[model] >> 4

    def mixed(self, one: int, other: int) -> int:
        """Of two opinions, the second of which knows more but is slower to know anything."""
        seen = self.state[other] & 15
        first, second = self.state[one] >> 4, self.state[other] >> 4
        if not seen:
            return first
        return first + second >> 1 if seen < 3 else first + 3 * second >> 2

    def update(self, model: int, bit: int) -> None:
        state = self.state[model]
        seen = state & 15
        chance = state >> 4
        if bit:
            chance -= chance * RATES[seen] >> 16
        else:
            chance += (4096 - chance) * RATES[seen] >> 16
        chance = min(max(chance, 16), 4080)
        self.state[model] = chance << 4 | min(seen + 1, len(RATES) - 1)


class _Encoder:
    """A binary range coder with 24 bits of state, all that fits a small int of a device."""

    def __init__(self) -> None:
        self.models = _Models()
        self.low = 0
        self.range = _MASK
        self.out = bytearray()

    def bit(self, model: int, bit: int) -> None:
        self._code(self.models.chance(model), bit)
        self.models.update(model, bit)

    def _code(self, chance: int, bit: int) -> None:
        bound = (self.range >> 12) * chance
        if bit:
            self.low += bound
            self.range -= bound
        else:
            self.range = bound
        self._settle()

    def even(self, bit: int) -> None:
        """A bit of which nothing is known."""
        self.range >>= 1
        if bit:
            self.low += self.range
        self._settle()

    def _settle(self) -> None:
        if self.low > _MASK:
            self._carry()
        while self.range < _TOP:
            self.out.append(self.low >> 16)
            self.low = (self.low << 8) & _MASK
            self.range <<= 8

    def _carry(self) -> None:
        self.low &= _MASK
        at = len(self.out) - 1
        while self.out[at] == 255:
            self.out[at] = 0
            at -= 1
        self.out[at] += 1

    def finish(self) -> bytes:
        # Of all numbers that decode the same, the one with most zeros at its end: the decoder
        # reads zeros after the end.
        for bits in range(24, -1, -1):
            value = -(-self.low >> bits) << bits
            if value < self.low + self.range:
                break
        self.low = value
        if self.low > _MASK:
            self._carry()
        self.out += self.low.to_bytes(3, "big")
        return bytes(self.out).rstrip(b"\0")

    def number(self, kind: int, value: int) -> None:
        """Length in bits, one by one, and then the bits; those next to the first have models."""
        value += 1
        length = value.bit_length() - 1
        for n in range(length):
            self.bit(kind + n, 1)
        self.bit(kind + length, 0)
        for n in range(length - 1, -1, -1):
            bit = value >> n & 1
            depth = length - 1 - n
            if depth < 3:
                self.bit(kind + 24 + 24 * depth + length, bit)
            else:
                self.even(bit)

    def byte(self, model: int, value: int) -> None:
        node = 1
        for n in range(7, -1, -1):
            bit = value >> n & 1
            self.bit(model + node, bit)
            node = node << 1 | bit

    def literal(self, previous: int, value: int) -> None:
        node = 1
        for n in range(7, -1, -1):
            bit = value >> n & 1
            one, other = LITERAL + node, _after(previous, node)
            self._code(self.models.mixed(one, other), bit)
            self.models.update(one, bit)
            self.models.update(other, bit)
            node = node << 1 | bit


def _after(previous: int, node: int) -> int:
    return AFTER + ((previous & 31) * 97 + (previous >> 5) * 601 + node & AFTER_MASK)


def encode(old: bytes, new: bytes) -> bytes:
    """The delta from one image to another.

    Raises:
        MissingExtra: bsdiff4, which finds the matches, is not installed.
    """
    try:
        import bsdiff4.core
    except ImportError:
        raise MissingExtra("making a delta", extra="ota") from None
    raw, changes, fresh = bsdiff4.core.diff(old, new)
    numbers = [bsdiff4.core.decode_int64(raw[at : at + 8]) for at in range(0, len(raw), 8)]
    control = zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True)
    coder = _Encoder()
    at_change = at_fresh = 0
    last = 0
    previous = 0
    for copy, added, seek in control:
        coder.number(COPY, copy)
        last = _changes(coder, changes[at_change : at_change + copy], last)
        at_change += copy
        coder.number(NEW, added)
        for value in fresh[at_fresh : at_fresh + added]:
            coder.literal(previous, value)
            previous = value
        at_fresh += added
        coder.number(SEEK, abs(seek))
        if seek:
            coder.bit(SIGN, seek < 0)
    return coder.finish()


def _changes(coder: _Encoder, changes: bytes, last: int) -> int:
    """Runs of bytes that stay, each but a final one followed by one that differs."""
    at = 0
    while at < len(changes):
        start = at
        while at < len(changes) and not changes[at]:
            at += 1
        coder.number(RUN, at - start)
        if at == len(changes):
            break
        same = changes[at] == last
        coder.bit(SAME + (at == start), not same)
        if not same:
            last = changes[at]
            coder.byte(CHANGE, last)
        at += 1
    return last


class _Decoder:
    """The other side of `_Encoder`; zeros follow the end of the data."""

    def __init__(self, data: Buffer) -> None:
        self.models = _Models()
        self.data = data
        self.at = 0
        self.range = _MASK
        self.code = 0
        for _ in range(3):
            self.code = self.code << 8 | self._next()

    def _next(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def bit(self, model: int) -> int:
        bit = self._code(self.models.chance(model))
        self.models.update(model, bit)
        return bit

    def _code(self, chance: int) -> int:
        bound = (self.range >> 12) * chance
        if self.code < bound:
            self.range = bound
            bit = 0
        else:
            self.code -= bound
            self.range -= bound
            bit = 1
        self._settle()
        return bit

    def even(self) -> int:
        self.range >>= 1
        bit = int(self.code >= self.range)
        self.code -= self.range * bit
        self._settle()
        return bit

    def _settle(self) -> None:
        while self.range < _TOP:
            self.range <<= 8
            self.code = self.code << 8 | self._next()

    def number(self, kind: int) -> int:
        length = 0
        while self.bit(kind + length):
            length += 1
            if length > 23:
                raise PackageError("delta: a number too large")
        value = 1
        for depth in range(length):
            bit = self.bit(kind + 24 + 24 * depth + length) if depth < 3 else self.even()
            value = value << 1 | bit
        return value - 1

    def byte(self, model: int) -> int:
        node = 1
        while node < 256:
            node = node << 1 | self.bit(model + node)
        return node - 256

    def literal(self, previous: int) -> int:
        node = 1
        while node < 256:
            one, other = LITERAL + node, _after(previous, node)
            bit = self._code(self.models.mixed(one, other))
            self.models.update(one, bit)
            self.models.update(other, bit)
            node = node << 1 | bit
        return node - 256


def decode(old: bytes, data: bytes, size: int) -> bytes:
    """The new image; what a device does, for checking.

    Raises:
        PackageError: The delta does not fit the old image, or gives another size.
    """
    out = bytearray()
    for part in _parts(old, data, size):
        out += part
    return bytes(out)


def _parts(old: bytes, data: bytes, size: int) -> Iterator[bytes]:
    coder = _Decoder(data)
    at = done = last = previous = idle = 0
    while done < size:
        before = done
        copy = coder.number(COPY)
        if at < 0 or at + copy > len(old) or done + copy > size:
            raise PackageError("delta: a copy from or to beyond an end")
        done += copy
        while copy:
            run = coder.number(RUN)
            if run > copy:
                raise PackageError("delta: a run beyond its copy")
            yield old[at : at + run]
            at += run
            copy -= run
            if not copy:
                break
            if coder.bit(SAME + (run == 0)):
                last = coder.byte(CHANGE)
            yield bytes((old[at] + last & 255,))
            at += 1
            copy -= 1
        added = coder.number(NEW)
        done += added
        if done > size:
            raise PackageError("delta: more than the image")
        for _ in range(added):
            previous = coder.literal(previous)
            yield bytes((previous,))
        # One step may do nothing but seek; a second one in a row would go on for ever.
        idle = 0 if done > before else idle + 1
        if idle > 1:
            raise PackageError("delta: steps that do nothing")
        seek = coder.number(SEEK)
        if seek and coder.bit(SIGN):
            seek = -seek
        at += seek
