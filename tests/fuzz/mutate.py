"""Damage to images and .mpy files: at random, and where it hurts."""

from __future__ import annotations

import random
from collections.abc import Callable

from loader.functions import Function, module_function
from loader.ops import BY_CODE, Instruction, instructions
from romfs.mpy import parse_mpy

_DEFINED = [code for code, op in enumerate(BY_CODE) if op is not None]


class Victim:
    """A valid .mpy file and what its functions consist of.

    Args:
        data: The file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.functions: list[tuple[Function, list[Instruction]]] = [
            (function, list(instructions(function.ops)))
            for function in module_function(parse_mpy(memoryview(data))).walk()
            if function.is_bytecode
        ]

    def mutate(self, rng: random.Random) -> bytes:
        """A copy with one to three mutations."""
        data = bytearray(self.data)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            rng.choice(_WAYS)(self, data, rng)
        return bytes(data)

    def _pick(self, rng: random.Random) -> tuple[Function, list[Instruction], int]:
        function, listing = rng.choice(self.functions)
        return function, listing, rng.randrange(len(listing))

    def flip(self, data: bytearray, rng: random.Random) -> None:
        """Any byte."""
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)

    def opcode(self, data: bytearray, rng: random.Random) -> None:
        """Another opcode."""
        function, listing, at = self._pick(rng)
        data[function.offset + listing[at].ip] = rng.choice(_DEFINED)

    def operand(self, data: bytearray, rng: random.Random) -> None:
        """Another operand."""
        function, listing, at = self._pick(rng)
        ins = listing[at]
        if ins.next > ins.ip + 1:
            place = function.offset + rng.randrange(ins.ip + 1, ins.next)
            data[place] = rng.choice((rng.randrange(256), data[place] ^ 1, data[place] + 1 & 0xFF))

    def swap(self, data: bytearray, rng: random.Random) -> None:
        """Two neighbouring instructions exchanged."""
        function, listing, at = self._pick(rng)
        if at + 1 < len(listing):
            one, two = listing[at], listing[at + 1]
            start, middle, end = (function.offset + ip for ip in (one.ip, two.ip, two.next))
            data[start:end] = data[middle:end] + data[start:middle]

    def transplant(self, data: bytearray, rng: random.Random) -> None:
        """An instruction from elsewhere in the place of one as long."""
        function, listing, at = self._pick(rng)
        donor, other, there = self._pick(rng)
        length = listing[at].next - listing[at].ip
        if other[there].next - other[there].ip == length:
            source = donor.offset + other[there].ip
            place = function.offset + listing[at].ip
            data[place : place + length] = self.data[source : source + length]

    def blank(self, data: bytearray, rng: random.Random) -> None:
        """An instruction replaced by ones without operand."""
        function, listing, at = self._pick(rng)
        for place in range(listing[at].ip, listing[at].next):
            data[function.offset + place] = rng.choice((0x50, 0x51, 0x53, 0x57, 0x59, 0x5A, 0x80))

    def prelude(self, data: bytearray, rng: random.Random) -> None:
        """Frame size, flags, counts of parameters, names, cells."""
        function, _, _ = self._pick(rng)
        start = function.raw.code_offset
        data[rng.randrange(start, function.offset)] = rng.randrange(256)


_WAYS: tuple[Callable[[Victim, bytearray, random.Random], None], ...] = (
    Victim.flip,
    Victim.opcode,
    Victim.opcode,
    Victim.operand,
    Victim.operand,
    Victim.swap,
    Victim.swap,
    Victim.transplant,
    Victim.transplant,
    Victim.blank,
    Victim.prelude,
)


def mutate_image(image: bytes, metadata: int, rng: random.Random) -> bytes:
    """An image with damaged records.

    Args:
        image: A valid one.
        metadata: Bytes at its start that hold records.
        rng: Where chance comes from.
    """
    data = bytearray(image)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(3, metadata)
        way = rng.randrange(4)
        if way == 0:
            data[at] = rng.randrange(256)
        elif way == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif way == 2:
            data[at] = rng.choice((0, 1, 2, 3, 4, 5, 0x7F, 0x80, 0xFF))
        else:
            del data[at]
            data.insert(rng.randrange(3, metadata), rng.randrange(256))
    return bytes(data)
