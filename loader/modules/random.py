"""Guest module `random`: MicroPython's generator, so that a seed gives its numbers.

Source: MicroPython extmod/modrandom.c; the generator is Ilya Levin's Yasmarang.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

from loader.modules.native import any_int, check_count, function, get_float, get_int

if TYPE_CHECKING:
    from loader.vm import VM

_MASK = 0xFFFFFFFF


class Yasmarang:
    """The generator's state: 32 bits at a time."""

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start over from the low 32 bits of `seed`."""
        self.pad, self.n, self.d, self.dat = seed & _MASK, 69, 233, 0

    def next(self) -> int:
        """The next 32 bits."""
        pad = (self.pad + self.dat + self.d * self.n) & _MASK
        pad = ((pad << 3) + (pad >> 29)) & _MASK
        self.n = pad | 2
        self.d ^= ((pad << 31) + (pad >> 1)) & _MASK
        low = pad & 0xFF
        signed = low - 256 if low > 127 else low
        self.dat = (self.dat ^ signed ^ (self.d >> 8) ^ 1) & 0xFF
        self.pad = pad
        return pad ^ (self.d << 5) & _MASK ^ (pad >> 18) ^ (self.dat << 1)

    def below(self, limit: int) -> int:
        """A number under `limit`, by rejection."""
        mask = (1 << limit.bit_length()) - 1
        while True:
            value = self.next() & mask
            if value < limit:
                return value

    def real(self) -> float:
        """A number in [0, 1) with all the bits of a double's fraction."""
        high = self.next()
        fraction = (high << 32 | self.next()) & (1 << 52) - 1
        value: float = struct.unpack("<d", struct.pack("<Q", 0x3FF << 52 | fraction))[0]
        return value - 1.0


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict, with a generator of its own seeded by the host."""
    generator = Yasmarang(int.from_bytes(os.urandom(4), "little"))

    @function(0, 1)
    def seed(value: Any = None) -> None:
        if value is None:
            generator.seed(int.from_bytes(os.urandom(4), "little"))
        else:
            generator.seed(any_int(value))

    @function(1)
    def getrandbits(bits: Any) -> int:
        count = get_int(bits)
        if not 0 <= count <= 32:
            raise ValueError("bits must be 32 or less")
        return generator.next() & (1 << count) - 1

    def randrange(*args: Any) -> int:
        check_count(len(args), 1, 3)
        start = get_int(args[0])
        if len(args) == 1:
            if start <= 0:
                raise ValueError
            return generator.below(start)
        stop = get_int(args[1])
        step = get_int(args[2]) if len(args) == 3 else 1
        if step > 0:
            count = (stop - start + step - 1) // step
        elif step < 0:
            count = (stop - start + step + 1) // step
        else:
            count = 0
        if count <= 0:
            raise ValueError
        return start + step * generator.below(count)

    @function(2)
    def randint(first: Any, last: Any) -> int:
        low, high = get_int(first), get_int(last)
        if low > high:
            raise ValueError
        return low + generator.below(high - low + 1)

    @function(1)
    def choice(sequence: Any) -> Any:
        length = len(sequence)
        if length == 0:
            raise IndexError
        return sequence[generator.below(length)]

    @function(0)
    def random() -> float:
        return generator.real()

    @function(2)
    def uniform(first: Any, last: Any) -> float:
        low, high = get_float(first), get_float(last)
        return low + (high - low) * generator.real()

    return {
        "seed": seed,
        "getrandbits": getrandbits,
        "randrange": randrange,
        "randint": randint,
        "choice": choice,
        "random": random,
        "uniform": uniform,
    }
