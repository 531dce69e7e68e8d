"""What loading a .mpy file allocates, before its module body runs, item by item.

Source: MicroPython py/persistentcode.c, py/emitglue.c, py/bc.h; SPEC.md tells the whole
model. Checked against `gc.mem_alloc()` on the real engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from romfs.mpy import CodeKind, Mpy, MpyObject, ObjKind, RawCode
from romfs.ram.device import Device

ROM, FILE, SOURCE = "rom", "file", "source"


@dataclass(frozen=True, slots=True)
class LoadCost:
    """Bytes of heap, by what they are for.

    Attributes:
        context: Module object, globals dict and its table.
        tables: Tables of qstrs and constants.
        constants: Constant objects.
        code: Records of functions and their lists of children.
        native: Machine code and its data, copied.
        names: Pool slots of names the firmware does not know.
        new_names: Those names.
        copied_code: Bytecode, in RAM only where the file is not in a ROMFS.
        copied_texts: Texts of names and constants, likewise.
    """

    context: int
    tables: int
    constants: int
    code: int
    native: int
    names: int
    new_names: frozenset[str]
    copied_code: int
    copied_texts: int

    @property
    def total(self) -> int:
        """All of it, from a ROMFS."""
        return self.context + self.tables + self.constants + self.code + self.native + self.names

    @property
    def from_file(self) -> int:
        """All of it, from another file system."""
        return self.total + self.copied_code + self.copied_texts


def load_cost(
    mpy: Mpy,
    path: str,
    device: Device,
    *,
    n_globals: int | None = None,
    known: Iterable[str] = (),
) -> LoadCost:
    """Predict what loading a file allocates.

    Args:
        mpy: The parsed file.
        path: In the image; its name is interned.
        device: Where it is loaded.
        n_globals: Entries of its globals in the end; the names in its table if None.
        known: Names that modules imported before have interned.
    """
    seen = device.known.union(known)
    texts = [qstr.text for qstr in mpy.qstrs if qstr.window is not None]
    new_names = frozenset(texts) - seen
    interned = seen | new_names
    entries = 3 if n_globals is None else n_globals
    raws = list(mpy.root.walk())
    n_qstr_words = -(-2 * len(mpy.qstrs) // device.word)
    return LoadCost(
        context=2 * device.words(4) + device.table(entries, start=1),
        tables=device.words(n_qstr_words + len(mpy.objects)),
        constants=sum(constant_cost(obj, device, interned) for obj in mpy.objects),
        code=sum(record_cost(raw, device) for raw in raws),
        native=sum(_native(raw, device) for raw in raws),
        names=len(new_names) * device.qstr_slot,
        new_names=new_names,
        copied_code=sum(code_cost(raw, device) for raw in raws),
        copied_texts=_texts(mpy, device, new_names),
    )


def record_cost(raw: RawCode, device: Device) -> int:
    """The struct that describes a function, and its list of children."""
    struct = device.words(3)
    return struct + children_cost(raw, device)


def children_cost(raw: RawCode, device: Device) -> int:
    """The list of a function's children."""
    if not raw.children:
        return 0
    return device.words(len(raw.children) + (raw.kind is CodeKind.NATIVE))


def constant_cost(obj: MpyObject, device: Device, interned: Iterable[str]) -> int:
    """A constant as an object on the heap; its text stays in the image."""
    kind = obj.kind
    if kind is ObjKind.TUPLE:
        inside = sum(constant_cost(item, device, interned) for item in obj.items)
        return inside + (device.words(2 + len(obj.items)) if obj.items else 0)
    if obj.window is None or not obj.window:
        return 0
    if kind is ObjKind.STR:
        text = str(obj.window, "utf-8", "surrogateescape")
        return 0 if text in interned else device.words(4)
    if kind is ObjKind.BYTES:
        return device.words(4)
    if kind is ObjKind.FLOAT:
        return device.floating
    if kind is ObjKind.COMPLEX:
        return device.complexity
    return _integer(str(obj.window, "ascii"), device)


def _integer(text: str, device: Device) -> int:
    """An int parsed from decimal text: digits are allocated for the longest it might be."""
    digits = len(text.lstrip("-"))
    if digits < 19:
        value = int(text)
        limit = 1 << (device.small_int_bits - 1)
        if -limit <= value < limit:
            return 0
        if value.bit_length() < 8 * device.word:
            return device.words(4) + device.heap(1)
    size = 16 if device.word == 4 else 32
    count = max(2, 8 * digits // size + 1)
    return device.words(4) + device.heap(count * size // 8)


def _native(raw: RawCode, device: Device) -> int:
    if raw.kind is CodeKind.BYTECODE:
        return 0
    data = len(raw.rodata or b"") + -(-raw.bss_size // device.word) * device.word
    return device.heap(len(raw.code)) + (device.heap(data) if data else 0)


def code_cost(raw: RawCode, device: Device) -> int:
    """A function's bytecode where it is copied."""
    return device.heap(len(raw.code)) if raw.kind is CodeKind.BYTECODE else 0


def _texts(mpy: Mpy, device: Device, new_names: frozenset[str]) -> int:
    names = sum(len(name.encode("utf-8", "surrogateescape")) + 1 for name in new_names)

    def text(obj: MpyObject) -> int:
        if obj.kind in (ObjKind.STR, ObjKind.BYTES) and obj.window:
            return device.heap(len(obj.window) + 1)
        return sum(map(text, obj.items))

    return device.heap(names) + sum(map(text, mpy.objects))
