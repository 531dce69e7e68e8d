"""Applying a delta: the image in use and a stream of coded bits give the new image.

One small number decides every bit (SPEC.md, section 6, and flash/ota/delta.py, which is
the same algorithm written to be read). All values stay below 2 ** 30, so that none of them
costs an allocation here.
"""

import gc
from array import array

from .store import Refused

_RATES = (
    36408,
    23405,
    17246,
    13653,
    11299,
    9637,
    8402,
    7447,
    6687,
    6068,
    5553,
    5120,
    4748,
    4428,
    4147,
    3900,
)
_COPY, _NEW, _SEEK, _RUN, _SIGN, _SAME, _CHANGE, _LITERAL = 0, 96, 192, 288, 384, 385, 387, 643
_AFTER = 899
_MODELS = _AFTER + 4096


class _Coder:
    def __init__(self, cursor):
        self.cursor = cursor
        # In pieces: made at once, it would for a moment be there twice.
        gc.collect()
        self.models = models = array("H", b"\x00\x80" * 45)
        piece = array("H", models)
        for _ in range(_MODELS // 45 - 1):
            models.extend(piece)
        self.range = 0xFFFFFF
        self.code = 0
        for _ in range(3):
            self.code = self.code << 8 | self.next()

    def next(self):
        cursor = self.cursor
        if cursor.at < cursor.end:
            cursor.at += 1
            return cursor.buffer[cursor.at - 1]
        return cursor.byte() if cursor.left else 0

    def decide(self, chance):
        bound = (self.range >> 12) * chance
        if self.code < bound:
            self.range = bound
            bit = 0
        else:
            self.code -= bound
            self.range -= bound
            bit = 1
        while self.range < 65536:
            self.range <<= 8
            self.code = self.code << 8 | self.next()
        return bit

    def learn(self, model, bit):
        state = self.models[model]
        seen = state & 15
        chance = state >> 4
        if bit:
            chance -= chance * _RATES[seen] >> 16
            if chance < 16:
                chance = 16
        else:
            chance += (4096 - chance) * _RATES[seen] >> 16
            if chance > 4080:
                chance = 4080
        self.models[model] = chance << 4 | (seen + 1 if seen < 15 else 15)

    def bit(self, model):
        bit = self.decide(self.models[model] >> 4)
        self.learn(model, bit)
        return bit

    def even(self):
        self.range >>= 1
        bit = 0
        if self.code >= self.range:
            self.code -= self.range
            bit = 1
        while self.range < 65536:
            self.range <<= 8
            self.code = self.code << 8 | self.next()
        return bit

    def number(self, kind):
        length = 0
        while self.bit(kind + length):
            length += 1
            if length > 23:
                raise Refused("a damaged delta")
        value = 1
        for depth in range(length):
            if depth < 3:
                value = value << 1 | self.bit(kind + 24 + 24 * depth + length)
            else:
                value = value << 1 | self.even()
        return value - 1

    def change(self):
        node = 1
        while node < 256:
            node = node << 1 | self.bit(_CHANGE + node)
        return node - 256

    def literal(self, previous):
        base = (previous & 31) * 97 + (previous >> 5) * 601
        models = self.models
        node = 1
        while node < 256:
            one = _LITERAL + node
            other = _AFTER + (base + node & 4095)
            state = models[other]
            chance = models[one] >> 4
            if state & 15:
                if state & 15 < 3:
                    chance = chance + (state >> 4) >> 1
                else:
                    chance = chance + 3 * (state >> 4) >> 2
            bit = self.decide(chance)
            self.learn(one, bit)
            self.learn(other, bit)
            node = node << 1 | bit
        return node - 256


def apply(cursor, old, job):
    """Make the new image.

    Args:
        cursor: Where the delta is read.
        old: The image it is for, in place.
        job: The installation; takes the bytes.
    Raises:
        Refused: The delta is damaged.
    """
    coder = _Coder(cursor)
    size = job.size
    writer = job.writer(0)
    one = bytearray(1)
    fresh = memoryview(bytearray(64))
    at = done = last = previous = idle = 0
    while done < size:
        before = done
        copy = coder.number(_COPY)
        done += copy
        if at < 0 or at + copy > len(old) or done > size:
            raise Refused("a damaged delta")
        while copy:
            run = coder.number(_RUN)
            if run > copy:
                raise Refused("a damaged delta")
            if run:
                writer.write(old[at : at + run])
            at += run
            copy -= run
            if not copy:
                break
            if coder.bit(_SAME + (0 if run else 1)):
                last = coder.change()
            one[0] = old[at] + last & 255
            writer.write(one)
            at += 1
            copy -= 1
        left = coder.number(_NEW)
        done += left
        if done > size:
            raise Refused("a damaged delta")
        while left:
            part = min(left, 64)
            for i in range(part):
                previous = coder.literal(previous)
                fresh[i] = previous
            writer.write(fresh[:part])
            left -= part
        # One step may do nothing but seek; a second one in a row would go on for ever.
        idle = 0 if done > before else idle + 1
        if idle > 1:
            raise Refused("a damaged delta")
        seek = coder.number(_SEEK)
        if seek and coder.bit(_SIGN):
            seek = -seek
        at += seek
    writer.close()
