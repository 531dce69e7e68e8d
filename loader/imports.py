"""What a module imports and defines, read off its bytecode.

Source: MicroPython py/compile.c: every import statement is a small int (level), None or a
tuple of names, then IMPORT_NAME.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from loader.functions import Function
from loader.ops import Flow


class Import(NamedTuple):
    """One import in the code.

    Attributes:
        name: Dotted name; "" in `from . import x`.
        level: Leading dots.
        names: What `from name import ...` asks for; empty for `import name`.
        guarded: Whether a handler of the same function surrounds it, as in
            `try: import x except ImportError`.
        always: Whether every import of the module runs it: it is in the module body, and no
            jump leads past it.
        line: Source line, or None without line numbers.
        offset: Of the instruction, from the start of the file.
    """

    name: str
    level: int
    names: tuple[str, ...]
    guarded: bool
    always: bool
    line: int | None
    offset: int


@dataclass(slots=True)
class Surface:
    """What other modules can know of a module.

    Attributes:
        imports: In the order of the code, functions inside others after them.
        defines: Names stored into its globals.
        open_ended: Whether it may define others: through `import *`, a module
            `__getattr__`, or by asking for `globals()`.
    """

    imports: list[Import]
    defines: set[str]
    open_ended: bool


def surface(root: Function) -> Surface:
    """Read a module.

    Raises:
        BytecodeError: It cannot be decoded.
    """
    found = Surface([], set(), False)
    for function in root.walk():
        if function.is_bytecode:
            _read(function, found)
        else:
            found.open_ended = True  # machine code stores names unseen
    return found


_OPENING = frozenset({"globals", "locals", "exec", "setattr"})


def _read(function: Function, found: Surface) -> None:
    mpy = function.mpy
    guards: list[tuple[int, int]] = []
    skipped: list[tuple[int, int]] = []
    is_body = not function.path
    for at, ins in enumerate(function.decoded):
        name = ins.op.name
        if name == "SETUP_EXCEPT":
            guards.append((ins.ip, ins.target))
        elif ins.op.flow in (Flow.JUMP, Flow.BRANCH) and ins.target > ins.ip:
            skipped.append((ins.ip, ins.target))
        elif name == "IMPORT_NAME":
            level, names = _operands(function, at)
            guarded = any(start < ins.ip < end for start, end in guards)
            found.imports.append(
                Import(
                    mpy.qstrs[ins.arg].text,
                    level,
                    names,
                    guarded,
                    is_body and not any(start < ins.ip < end for start, end in skipped),
                    function.line(ins.ip),
                    function.offset + ins.ip,
                )
            )
        elif name == "IMPORT_STAR":
            found.open_ended = True
        elif name == "STORE_GLOBAL" or (name == "STORE_NAME" and is_body):
            text = mpy.qstrs[ins.arg].text
            found.defines.add(text)
            found.open_ended |= text == "__getattr__"
        elif name in ("LOAD_NAME", "LOAD_GLOBAL"):
            found.open_ended |= mpy.qstrs[ins.arg].text in _OPENING


def _operands(function: Function, at: int) -> tuple[int, tuple[str, ...]]:
    """Level and names of an import, from the instructions before it."""
    before = function.decoded
    names: list[str] = []
    at -= 1
    if at >= 0 and before[at].op.name == "BUILD_TUPLE":
        count = before[at].arg
        names = [
            function.mpy.qstrs[ins.arg].text
            for ins in before[max(at - count, 0) : at]
            if ins.op.name == "LOAD_CONST_STRING"
        ]
        at -= count
    at -= 1
    is_level = at >= 0 and before[at].op.name == "LOAD_CONST_SMALL_INT"
    return (before[at].arg if is_level else 0), tuple(names)
