"""What changed between two builds of a module, function by function, opcode by opcode.

Listings are made comparable first: jumps name the label they go to and not its address,
constants and names show their text and not their number in a table.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from loader.functions import Function, module_function
from loader.operators import BINARY, UNARY
from loader.ops import Fmt, Instruction, instructions
from romfs.errors import BytecodeError
from romfs.mpy import MpyObject, ObjKind, parse_mpy

T = TypeVar("T")


class FunctionChange(NamedTuple):
    """A function that is not the same.

    Attributes:
        name: Dotted, from the module body down; "<module>" for the body itself.
        change: "added", "removed" or "changed".
        old_size: Bytes of its block before; 0 if added.
        new_size: Bytes after; 0 if removed.
        lines: Unified diff of the listings, without header; empty where only line
            numbers, the frame or machine code changed.
    """

    name: str
    change: str
    old_size: int
    new_size: int
    lines: tuple[str, ...]


def changes(old: memoryview, new: memoryview, *, context: int = 2) -> Iterator[FunctionChange]:
    """Compare two .mpy files.

    Raises:
        MpyError: One is malformed.
    """
    before, after = _functions(old), _functions(new)
    for name in [*before, *(name for name in after if name not in before)]:
        one, two = before.get(name), after.get(name)
        if one is None and two is not None:
            yield FunctionChange(name, "added", 0, len(two.raw.code), ())
        elif two is None and one is not None:
            yield FunctionChange(name, "removed", len(one.raw.code), 0, ())
        elif one is not None and two is not None:
            left, right = listing(one), listing(two)
            if left == right and one.raw.code == two.raw.code:
                continue
            diff = difflib.unified_diff(left, right, lineterm="", n=context)
            lines = tuple(line for line in diff if not line.startswith(("---", "+++")))
            same_size = len(one.raw.code) == len(two.raw.code)
            if left == right and same_size and one.is_bytecode and two.is_bytecode:
                continue  # only numbers in tables moved
            yield FunctionChange(name, "changed", len(one.raw.code), len(two.raw.code), lines)


def _functions(data: memoryview) -> dict[str, Function]:
    """Every function by dotted name; further ones of a name get a number."""
    found: dict[str, Function] = {}

    def visit(function: Function, prefix: str) -> None:
        for child in function.children:
            name = prefix + (child.name or "machine code")
            unique, number = name, 1
            while unique in found:
                number += 1
                unique = f"{name}#{number}"
            found[unique] = child
            visit(child, f"{unique}.")

    root = module_function(parse_mpy(data))
    found["<module>"] = root
    visit(root, "")
    return found


def listing(function: Function) -> list[str]:
    """The function without addresses: signature, then one line an instruction."""
    if not function.is_bytecode:
        return [f"machine code, {len(function.raw.code)} bytes"]
    prelude = function.signature
    lines = [
        f"({', '.join(function.arg_names)}) flags={prelude.scope_flags:#x} "
        f"defaults={prelude.n_def_pos_args}"
    ]
    try:
        code = list(instructions(function.ops))
    except BytecodeError as error:
        return [*lines, f"cannot be decoded: {error}"]
    targets = sorted({ins.target for ins in code if ins.target >= 0})
    labels = {target: f"L{number}" for number, target in enumerate(targets, 1)}
    for ins in code:
        if ins.ip in labels:
            lines.append(f"{labels[ins.ip]}:")
        lines.append(f"  {ins.op.name} {_operand(function, ins, labels)}".rstrip())
    return lines


def _operand(function: Function, ins: Instruction, labels: dict[int, str]) -> str:
    op, arg = ins.op, ins.arg
    if ins.target >= 0:
        return labels[ins.target] + (f" {ins.byte:#x}" if op.fmt is Fmt.SLABEL_BYTE else "")
    if op.fmt is Fmt.QSTR:
        return _item(function.mpy.qstrs, arg, lambda qstr: repr(qstr.text))
    if op.name == "LOAD_CONST_OBJ":
        return _item(function.mpy.objects, arg, constant_text)
    if op.name in ("UNARY_OP", "BINARY_OP"):
        return (UNARY if op.name == "UNARY_OP" else BINARY)[arg].symbol.strip()
    if op.name.startswith("MAKE_"):
        cells = f" cells={ins.byte}" if op.fmt is Fmt.VARUINT_BYTE else ""
        return _item(function.children, arg, lambda child: child.name) + cells
    if op.name.startswith("CALL_"):
        keywords = f" kw={arg >> 8}" if arg >> 8 else ""
        return f"{arg & 0xFF}{keywords}"
    if "_FAST" in op.name and arg < len(function.arg_names):
        return f"{arg} ({function.arg_names[arg]})"
    return "" if op.fmt is Fmt.NONE else str(arg)


def _item(table: tuple[T, ...], number: int, show: Callable[[T], str]) -> str:
    return show(table[number]) if number < len(table) else f"#{number}"


def constant_text(obj: MpyObject) -> str:
    """A constant as source text would have it."""
    if obj.kind is ObjKind.TUPLE:
        inner = ", ".join(map(constant_text, obj.items))
        return f"({inner},)" if len(obj.items) == 1 else f"({inner})"
    if obj.window is None:
        return obj.kind.name.lower()
    if obj.kind is ObjKind.BYTES:
        return repr(bytes(obj.window))
    text = str(obj.window, "utf-8", "surrogateescape")
    return repr(text) if obj.kind is ObjKind.STR else text
