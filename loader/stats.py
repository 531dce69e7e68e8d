"""`--stats`: what of each module ran in place and what its tables cost.

Source: MicroPython py/persistentcode.c; SPEC.md, "What stays in ROM and what is copied".
"""

from __future__ import annotations

from typing import Any

from loader.code import Code, NativeCode
from romfs.mpy import MpyObject, ObjKind


def collect(vm: Any) -> list[dict[str, Any]]:
    """Figures of every module loaded from a file, in order of loading."""
    return [module_figures(path, code, vm.target.word) for path, code in vm.tables.items()]


def module_figures(path: str, root: Code, word: int) -> dict[str, Any]:
    """Figures of one module.

    Args:
        path: Its file.
        root: Code of its body.
        word: Bytes of a machine word of the target, for the RAM figures.
    """
    context = root.context
    mapped = context.offset is not None
    functions = list(root.walk())
    bytecode = sum(len(code.raw.code) for code in functions if isinstance(code, Code))
    native = sum(len(code.raw.code) for code in functions if isinstance(code, NativeCode))
    constants = sum(_text_bytes(obj) for obj in context.mpy.objects)
    texts = sum(len(qstr.window) for qstr in context.mpy.qstrs if qstr.window is not None)
    return {
        "file": path,
        "mapped": mapped,
        "functions": len(functions),
        "bytecode_in_place": bytecode if mapped else 0,
        "bytecode_copied": 0 if mapped else bytecode,
        "native_copied": native,
        "constants_in_place": constants if mapped else 0,
        "qstr_text_in_place": texts if mapped else 0,
        "qstrs_new": context.count.new,
        "qstrs_shared": context.count.shared,
        "qstrs_static": context.count.static,
        "table_bytes": _table_bytes(context.mpy, word),
        "predicted_ram": predicted_ram(root, word),
    }


def _text_bytes(obj: MpyObject) -> int:
    own = len(obj.window) if obj.kind in (ObjKind.STR, ObjKind.BYTES) and obj.window else 0
    return own + sum(_text_bytes(item) for item in obj.items)


def _table_bytes(mpy: Any, word: int) -> int:
    return -(-2 * len(mpy.qstrs) // word) * word + word * len(mpy.objects)


def _block(size: int, word: int) -> int:
    """Heap bytes an allocation takes."""
    unit = 4 * word
    return -(-size // unit) * unit


def predicted_ram(root: Code, word: int) -> int:
    """Heap bytes a device needs to load the module, before its body runs."""
    total = 2 * _block(4 * word, word)  # context, globals dict
    total += _block(_table_bytes(root.context.mpy, word), word)
    for code in root.walk():
        total += _block(3 * word, word)
        total += _block(word * len(code.raw.children), word)
        if isinstance(code, NativeCode):
            total += _block(len(code.raw.code), word)
    for obj in root.context.mpy.objects:
        total += _object_ram(obj, word)
    total += root.context.count.new * (word + 3)
    return total


def _object_ram(obj: MpyObject, word: int) -> int:
    kind = obj.kind
    if kind is ObjKind.TUPLE:
        own = _block((2 + len(obj.items)) * word, word) if obj.items else 0
        return own + sum(_object_ram(item, word) for item in obj.items)
    if kind in (ObjKind.STR, ObjKind.BYTES):
        return _block(4 * word, word) if obj.window else 0
    if kind is ObjKind.FLOAT:
        return _block(word + (8 if word == 8 else 4), word)
    if kind is ObjKind.COMPLEX:
        return _block(word + 2 * (8 if word == 8 else 4), word)
    if kind is ObjKind.INT and obj.window is not None:
        digit = 4 if word == 8 else 2
        return _block(4 * word, word) + _block(
            digit * max(2, 8 * len(obj.window) // (8 * digit) + 1), word
        )
    return 0


def render(figures: list[dict[str, Any]]) -> str:
    """The figures as a table for people."""
    lines = []
    for row in figures:
        lines.append(
            "{file}: {functions} functions, bytecode {bytecode_in_place} B in place, "
            "{bytecode_copied} B copied; constants {constants_in_place} B in place; qstrs "
            "{qstrs_new} new, {qstrs_shared} shared, {qstrs_static} static; tables "
            "{table_bytes} B; RAM on the target {predicted_ram} B".format(**row)
        )
    return "\n".join(lines)
