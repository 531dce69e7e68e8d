"""Guest module `random`: MicroPython's generator, so that a seed gives its numbers.

Source: MicroPython extmod/modrandom.c; the generator is Ilya Levin's Yasmarang.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.modules.native import any_int, check_count, function, get_float, get_int

if TYPE_CHECKING:
    from loader.vm import VM

_MASK = 0xFFFFFFFF


def yasmarang(start: int) -> tuple[Callable[[int], None], Callable[[], int]]:
    """A generator: a function that seeds it and one that gives its next 32 bits."""
    pad, n, d, dat = start & _MASK, 69, 233, 0

    def seed(value: int) -> None:
        nonlocal pad, n, d, dat
        pad, n, d, dat = value & _MASK, 69, 233, 0

    def bits() -> int:
        nonlocal pad, n, d, dat
        pad = (pad + dat + d * n) & _MASK
        pad = ((pad << 3) + (pad >> 29)) & _MASK
        n = pad | 2
        d ^= ((pad << 31) + (pad >> 1)) & _MASK
        # The low byte as a signed char, of which only 8 bits are kept.
        dat = (dat ^ pad ^ (d >> 8) ^ 1) & 0xFF
        return pad ^ (d << 5) & _MASK ^ (pad >> 18) ^ (dat << 1)

    return seed, bits


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict, with a generator of its own seeded by the host."""
    reseed, bits = yasmarang(int.from_bytes(os.urandom(4), "little"))

    def below(limit: int) -> int:
        """A number under `limit`, by rejection."""
        mask = (1 << limit.bit_length()) - 1
        while (value := bits() & mask) >= limit:
            pass
        return value

    def real() -> float:
        """A number in [0, 1) with all the bits of a double's fraction."""
        high = bits()
        fraction = (high << 32 | bits()) & (1 << 52) - 1
        value: float = struct.unpack("<d", struct.pack("<Q", 0x3FF << 52 | fraction))[0]
        return value - 1.0

    @function(0, 1)
    def seed(value: Any = None) -> None:
        if value is None:
            reseed(int.from_bytes(os.urandom(4), "little"))
        else:
            reseed(any_int(value))

    @function(1)
    def getrandbits(wanted: Any) -> int:
        count = get_int(wanted)
        if not 0 <= count <= 32:
            raise ValueError("bits must be 32 or less")
        return bits() & (1 << count) - 1

    def randrange(*args: Any) -> int:
        check_count(len(args), 1, 3)
        start = get_int(args[0])
        if len(args) == 1:
            if start <= 0:
                raise ValueError
            return below(start)
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
        return start + step * below(count)

    @function(2)
    def randint(first: Any, last: Any) -> int:
        low, high = get_int(first), get_int(last)
        if low > high:
            raise ValueError
        return low + below(high - low + 1)

    @function(1)
    def choice(sequence: Any) -> Any:
        length = len(sequence)
        if length == 0:
            raise IndexError
        return sequence[below(length)]

    @function(0)
    def random() -> float:
        return real()

    @function(2)
    def uniform(first: Any, last: Any) -> float:
        low, high = get_float(first), get_float(last)
        return low + (high - low) * real()

    return {
        "seed": seed,
        "getrandbits": getrandbits,
        "randrange": randrange,
        "randint": randint,
        "choice": choice,
        "random": random,
        "uniform": uniform,
    }
