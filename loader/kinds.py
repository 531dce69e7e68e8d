"""What a value slot may hold, as far as the safety of the C interpreter depends on it.

The C interpreter keeps more on its value stack than objects: null pointers, the words of an
iterator, jump addresses, cells it unpacks without a look at their type. Bytecode that makes
it take one for the other crashes the device. `safety` follows these kinds through a
function; what an opcode wants and leaves is read off the names in its row's effect.

Source: MicroPython py/vm.c, py/runtime.c, py/bc.c.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """What is known of a slot.

    Attributes:
        name: One of the names below.
        value: What belongs to it: a number of items, a local, a jump target ...
    """

    name: str
    value: int = 0


OBJECT = Kind("object")
NONE = Kind("none")
EXCEPTION = Kind("exception")  # pushed where a handler is entered
TRUE, FALSE = Kind("bool", 1), Kind("bool", 0)  # only of comparisons decided here
NULL = Kind("null")
MODULE = Kind("module")
LIST, DICT, SET = Kind("list"), Kind("dict"), Kind("set")
QSTR = Kind("name")
BUILDER = Kind("class builder")
BASE_EXCEPTION = Kind("BaseException")
CLASS_GLOBAL = Kind("global __class__")
ITERATOR = tuple(Kind("iterator", number) for number in range(4))
RETURNING = Kind("leaving", -1)


def method(ip: int) -> tuple[Kind, Kind]:
    """What LOAD_METHOD at `ip` leaves: a function that trusts its self, and that self or NULL.

    The one may only be called with the other: built-in methods do not check its type.
    """
    return Kind("method", ip), Kind("self", ip)


def target(ip: int) -> Kind:
    """A raw jump address."""
    return Kind("address", ip)


def leaving(blocks: int) -> Kind:
    """The small int that tells finally code what led into it: blocks still to leave."""
    return Kind("leaving", blocks)


OBJECTS = frozenset(
    """
    object none exception bool module list dict set name int tuple function content parameter copy
    """.split()
) | {"BaseException", "global __class__"}
"""Names of the kinds any operation takes."""

OR_NULL = OBJECTS | {"null"}
DISTINCT = frozenset({"exception", "leaving", "address"})
"""Kinds that tell apart the ways into finally code; paths that differ in them stay apart."""

REQUIRED: dict[str, tuple[frozenset[str], str]] = {
    "map": (frozenset({"dict"}), "a dict"),
    "level": (frozenset({"int"}), "a small int constant"),
    "bitmap": (frozenset({"int"}), "a small int constant"),
    "module": (frozenset({"module"}), "an imported module"),
    "cells": (frozenset({"cell"}), "a cell"),
    "defaults": (frozenset({"tuple", "null"}), "a tuple or nothing"),
    "kwdefaults": (frozenset({"dict", "null"}), "a dict or nothing"),
}
"""Input name in an effect -> kinds it takes. Any other name takes `OBJECTS`."""

NULLABLE = frozenset({"STORE_ATTR", "STORE_SUBSCR"})
"""Rows whose input `value` may be NULL, which deletes."""

GIVEN: dict[str, Kind] = {
    "null": NULL,
    "module": MODULE,
    "map": DICT,
    "list": LIST,
    "set": SET,
    "builder": BUILDER,
}
"""Output name in an effect -> kind. Any other name gives `OBJECT`."""


def join(one: Kind, other: Kind) -> Kind | None:
    """What holds for a slot that two paths fill; None where nothing may be said."""
    if one == other:
        return one
    if one.name in OBJECTS and other.name in OBJECTS:
        return OBJECT
    return None
