"""The order in which MicroPython iterates dicts and sets: that of their hash table's slots.

A guest dict is a host dict, which remembers insertion order. Where order shows (iteration,
printing, `popitem`), the table a device would have built from the same insertions is worked
out here. Deletions leave no trace in a host dict, so a dict that shrank may differ.

Source: MicroPython py/map.c, py/qstr.c, py/objset.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from loader.code import NULL

HASH_BYTES = 2
"""Bytes of a string's hash the firmware keeps: 2 in full-featured builds."""

_CAPACITIES = (
    0, 1, 2, 4, 6, 8, 10, 12, 17, 23, 29, 37, 47, 59, 73, 97, 127, 167, 223, 293, 389, 521, 691,
    919, 1223, 1627, 2161, 3229, 4831, 7243, 10861, 16273, 24407, 36607, 54907,
)  # fmt: skip

# Dict displays start with exactly as many slots as they have items, and a host set does not
# know in which order it was filled. Only the last ones made are remembered; holding them
# keeps their identity theirs.
_displays: dict[int, tuple[dict[Any, Any], int]] = {}
_MAX_DISPLAYS = 256
_sets: dict[int, tuple[set[Any], tuple[Any, ...], int]] = {}
_MAX_SETS = 64


def note_display(made: dict[Any, Any], capacity: int) -> dict[Any, Any]:
    """Remember the capacity of a dict display, where growth alone may lead elsewhere."""
    if capacity > 2:
        _displays[id(made)] = (made, capacity)
        if len(_displays) > _MAX_DISPLAYS:
            del _displays[next(iter(_displays))]
    return made


def made_set(items: Iterable[Any], capacity: int = 0) -> set[Any]:
    """A set, remembering the order it was filled in."""
    filled = tuple(dict.fromkeys(items))
    made = set(filled)
    if 1 < len(filled) < 100:
        _sets[id(made)] = (made, filled, capacity)
        if len(_sets) > _MAX_SETS:
            del _sets[next(iter(_sets))]
    return made


def hash_bytes(data: bytes) -> int:
    """Hash of a string's or bytes object's content, as kept by the firmware."""
    value = 5381
    for byte in data:
        value = (value * 33 ^ byte) & 0xFFFF_FFFF
    return value & (1 << 8 * HASH_BYTES) - 1 or 1


_text_hashes: dict[str, int] = {}


def device_hash(key: Any) -> int | None:
    """Hash a device computes for a key; None where it depends on an address."""
    kind = type(key)
    if kind is str:
        found = _text_hashes.get(key)
        if found is None:
            found = _text_hashes[key] = hash_bytes(key.encode("utf-8", "surrogateescape"))
        return found
    if kind is int or kind is bool:
        return int(key)
    if kind is bytes:
        return hash_bytes(key)
    return None


def _next_capacity(capacity: int) -> int:
    for size in _CAPACITIES[2:]:
        if size >= capacity + 1:
            return size
    return (capacity + capacity // 2) | 1


def slots(keys: Iterable[Any], capacity: int = 0) -> list[Any]:
    """Keys in the slot order of the table built by inserting them one by one."""
    table: list[Any] = [NULL] * capacity
    hashes: dict[Any, int] = {}
    for used, key in enumerate(keys):
        if used == capacity:
            capacity = _next_capacity(capacity)
            old, table = table, [NULL] * capacity
            for moved in old:
                at = hashes[moved] % capacity
                while table[at] is not NULL:
                    at = at + 1 if at + 1 < capacity else 0
                table[at] = moved
        hashed = _text_hashes.get(key) if type(key) is str else device_hash(key)
        if hashed is None:
            hashed = device_hash(key)
        if hashed is None:
            hashed = hash(key) if isinstance(key, float | tuple | frozenset) else id(key) >> 5
        hashes[key] = hashed
        at = hashed % capacity
        while table[at] is not NULL:
            at = at + 1 if at + 1 < capacity else 0
        table[at] = key
        used += 1
    return [key for key in table if key is not NULL]


# What was worked out for the same keys before: programs iterate a dict again and again.
_known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_MAX_KNOWN, _MAX_KEYS = 2048, 256


def _remembered(keys: tuple[Any, ...], capacity: int) -> list[Any]:
    """`slots`, for keys that are all of types whose equals have equal hashes."""
    question = (capacity, *keys)
    found = _known.get(question)
    if found is None:
        found = tuple(slots(keys, capacity))
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        _known[question] = found
    return list(found)


# The same by dict: telling that its keys are still the same takes less than looking them up.
_last: dict[int, tuple[tuple[Any, ...], int, list[Any]]] = {}
_MAX_LAST = 256

_BY_VALUE = ({str}, {int}, {str, int})


def _keeps_order(mapping: dict[Any, Any]) -> bool:
    """Whether it is an OrderedDict."""
    from loader.modules.collections import OrderedDict

    return isinstance(mapping, OrderedDict)


def dict_keys(mapping: dict[Any, Any]) -> list[Any]:
    """Keys of a guest dict in a device's order."""
    count = len(mapping)
    if count < 2 or (type(mapping) is not dict and _keeps_order(mapping)):
        return list(mapping)
    noted = _displays.get(id(mapping))
    capacity = noted[1] if noted is not None and noted[0] is mapping else 0
    keys = tuple(mapping)
    last = _last.get(id(mapping))
    if last is not None and last[1] == capacity and last[0] == keys:
        return last[2].copy()
    if count > _MAX_KEYS or set(map(type, keys)) not in _BY_VALUE:
        return slots(keys, capacity)
    order = _remembered(keys, capacity)
    if len(_last) >= _MAX_LAST:
        _last.clear()
    _last[id(mapping)] = (keys, capacity, order)
    return order.copy()


def set_items(items: Iterable[Any]) -> list[Any]:
    """Items of a guest set in a device's order, as far as it does not depend on history.

    A host set does not keep the order of insertion, which decides between items that
    collide; ascending order stands in for it unless the set is new.
    """
    capacity = 0
    noted = _sets.get(id(items))
    if noted is not None and noted[0] is items and noted[0] == set(noted[1]):
        ordered, capacity = list(noted[1]), noted[2]
    else:
        try:
            ordered = sorted(items)
        except TypeError:
            ordered = list(items)
    if len(ordered) <= _MAX_KEYS and set(map(type, ordered)) in _BY_VALUE:
        return _remembered(tuple(ordered), capacity)
    return slots(ordered, capacity)
