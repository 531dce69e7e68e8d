"""A device's heap, as far as sizes of objects depend on it.

Source: MicroPython py/gc.c, py/qstr.c, py/obj.h, py/map.c; checked against `gc.mem_alloc()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from romfs.static_qstrs import STATIC_QSTRS

_CAPACITIES = (
    0, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 691,
    919, 1223, 1627, 2161, 3229, 4831, 7243, 10861, 16273, 24407, 36607, 54907,
)  # fmt: skip
_STRING_CHUNK = 128  # first allocation for texts interned at run time
_FIRST_POOL = 10  # capacity the firmware's own pool counts as; the next has twice that


@dataclass(frozen=True, slots=True)
class Device:
    """What a size depends on.

    Attributes:
        word: Bytes of a machine word.
        small_int_bits: Of a small int, sign included.
        hash_bytes: Bytes of a qstr's hash in its pool.
        length_bytes: Bytes of a qstr's length there.
        float_bytes: Bytes of a float's value; 0 where it is in the word itself.
        known: Texts of the firmware's own qstrs, which cost nothing.
    """

    word: int = 4
    small_int_bits: int = 31
    hash_bytes: int = 2
    length_bytes: int = 1
    float_bytes: int = 4
    known: frozenset[str] = frozenset(STATIC_QSTRS)

    @property
    def block(self) -> int:
        """Unit of the heap: every allocation is rounded up to it."""
        return 4 * self.word

    def heap(self, size: int) -> int:
        """What an allocation of `size` bytes takes."""
        return -(-size // self.block) * self.block

    def words(self, count: int) -> int:
        """What an allocation of `count` words takes."""
        return self.heap(count * self.word)

    @property
    def qstr_slot(self) -> int:
        """Bytes of pool one qstr takes."""
        return self.word + self.hash_bytes + self.length_bytes

    def table(self, used: int, *, start: int = 0) -> int:
        """The hash table of a dict that grew to `used` entries.

        Args:
            used: Entries.
            start: Capacity it was made with.
        """
        return self.words(2 * table_capacity(used, start)) if used or start else 0

    def integer(self, value: int) -> int:
        """An int object; nothing for a small int."""
        limit = 1 << (self.small_int_bits - 1)
        if -limit <= value < limit:
            return 0
        digit = 16 if self.word == 4 else 32
        digits = max(2, -(-value.bit_length() // digit))
        return self.words(4) + self.heap(digits * digit // 8)

    @property
    def floating(self) -> int:
        """A float object."""
        return self.heap(self.word + self.float_bytes) if self.float_bytes else 0

    @property
    def complexity(self) -> int:
        """A complex object."""
        return self.heap(self.word + 2 * (self.float_bytes or 4))

    def pools(self, new: int, *, used: int = 0, capacity: int = 0) -> int:
        """Bytes of the qstr pools allocated for `new` more names.

        Args:
            new: Names not yet known.
            used: Names in the newest pool made at run time; 0 if there is none yet.
            capacity: Its capacity.
        """
        free = capacity - used
        size = max(capacity, _FIRST_POOL)
        head = (6 if self.hash_bytes else 5) * self.word
        total = 0
        while new > free:
            new -= free
            size *= 2
            free = size
            total += self.heap(head + size * self.qstr_slot)
        return total

    def interned(self, texts: Iterable[str], *, spare: int = 0) -> int:
        """Bytes for texts interned at run time, such as a module's name and path.

        Args:
            texts: Those that are no qstr yet.
            spare: Room left in the current chunk.
        """
        sizes = [len(text.encode("utf-8", "surrogateescape")) + 1 for text in texts]
        over = max(sum(sizes) - spare, 0)
        return self.heap(max(over, _STRING_CHUNK)) if over else 0


def table_capacity(used: int, start: int = 0) -> int:
    """Slots of a hash table after `used` insertions; it grows when completely full.

    Source: MicroPython py/map.c, get_hash_alloc_greater_or_equal_to.
    """
    capacity = start
    while capacity < used:
        wanted = capacity + 1
        capacity = next(
            (size for size in _CAPACITIES if size >= wanted), (wanted + wanted // 2) | 1
        )
    return capacity


def list_capacity(used: int, display: bool) -> int:
    """Slots of a list: a display has what it needs, at least four; appending doubles.

    Source: MicroPython py/objlist.c.
    """
    if display:
        return max(used, 4)
    capacity = 4
    while capacity < used:
        capacity *= 2
    return capacity
