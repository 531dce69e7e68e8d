"""Code objects: one function's bytecode where it lies, with the tables it refers to.

A `Code` holds windows and tables, never a copy of bytecode. Several share one `Context`:
the qstr table, the constant table and the globals dict of the module they belong to.
Parts that only a run needs (names, line table, children) are decoded on first use, so that
importing a large module costs little.

Source: MicroPython py/bc.h, py/persistentcode.c.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from loader.qstr import QstrCount
from romfs.mpy import (
    CodeKind,
    Mpy,
    MpyObject,
    ObjKind,
    Prelude,
    RawCode,
    ScopeFlag,
    parse_prelude,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loader.vm import VM


class Null:
    """The one value that is no guest object: an empty slot."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL"

    def __bool__(self) -> bool:
        raise AssertionError("NULL reached a condition")


NULL = Null()


class FunTable:
    """The constant that stands for the native function table; opaque to bytecode."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<fun_table>"


FUN_TABLE = FunTable()


@dataclass(slots=True, eq=False)
class Context:
    """What the functions of one module share.

    Attributes:
        names: The qstr table: interned text by number.
        objects: The constant table.
        globals: The module's dict.
        file: Source file name, for tracebacks.
        mpy: The parsed file.
        window: The whole file.
        offset: Of the file from image start; None if it is not in an image.
        count: Where its qstrs came from.
        root: The module body.
    """

    names: tuple[str, ...]
    objects: tuple[object, ...]
    globals: dict[str, Any]
    vm: VM
    file: str
    mpy: Mpy
    window: memoryview
    offset: int | None
    count: QstrCount
    root: Code = field(init=False, repr=False)
    _digest: str | None = field(default=None, repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the file, under which derived code may be cached."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.window).hexdigest()
        return self._digest


def link(
    mpy: Mpy,
    window: memoryview,
    globals_: dict[str, Any],
    vm: VM,
    *,
    offset: int | None = None,
) -> Code:
    """Build the tables of a parsed file; returns the code of its module body.

    The body must be bytecode; that of a module linked from C is not, see `NativeCode`.

    Args:
        mpy: The parsed file.
        window: The file.
        globals_: Dict of the module that its functions will belong to.
        vm: The run; its pool knows the strings interned so far.
        offset: Of the file from image start.
    """
    names, count = vm.pool.table(mpy.qstrs)
    objects = tuple([constant(obj) for obj in mpy.objects])
    context = Context(names, objects, globals_, vm, names[0], mpy, window, offset, count)
    context.root = Code(context, mpy.root, ())
    return context.root


def constant(obj: MpyObject) -> object:
    """The host value of a constant.

    An int may have more digits than the host converts by default:
    `sys.set_int_max_str_digits(0)` must have been called.
    """
    kind = obj.kind
    if kind is ObjKind.TUPLE:
        return tuple([constant(item) for item in obj.items])
    if obj.window is None:
        return _SINGLETONS[kind]
    if kind is ObjKind.BYTES:
        return bytes(obj.window)
    if kind is ObjKind.STR:
        return str(obj.window, "utf-8", "surrogateescape")
    text = str(obj.window, "ascii")
    if kind is ObjKind.INT:
        return int(text)
    return float(text) if kind is ObjKind.FLOAT else complex(text)


_SINGLETONS = {
    ObjKind.FUN_TABLE: FUN_TABLE,
    ObjKind.NONE: None,
    ObjKind.FALSE: False,
    ObjKind.TRUE: True,
    ObjKind.ELLIPSIS: ...,
}


class Code:
    """The code of one bytecode function, class body or module body.

    Attributes:
        context: What it shares with the other functions of the module.
        raw: The record in the file.
        path: Child numbers that lead to it from the module body.
        prelude: Decoded prelude.
        ops: Window on the opcodes; an `ip` is an index into it.
        name: Its simple name.
        arg_names: Names of its parameters by slot; `*` for those without (cells).
        frame: What the interpreter unpacks on entry: opcodes, operands, ips of the next
            instructions, globals, builtins, vm. Empty until the first run.
        pad: Empty slots for the locals that are no parameters; None until the code is
            verified, before its first run.
        cells: Numbers of the locals to be wrapped in a cell on entry.
        stubs: The interpreter's: host code objects by number of free variables.
        heat: The tiers': entries and loop iterations so far.
    """

    __slots__ = (
        "_children",
        "arg_names",
        "cells",
        "context",
        "frame",
        "heat",
        "name",
        "ops",
        "pad",
        "path",
        "prelude",
        "raw",
        "stubs",
    )

    def __init__(self, context: Context, raw: RawCode, path: tuple[int, ...]) -> None:
        assert raw.kind is CodeKind.BYTECODE
        names = context.names
        prelude = parse_prelude(raw.code, len(names), at=raw.code_offset)
        self.context = context
        self.raw = raw
        self.path = path
        self.prelude: Prelude = prelude
        self.ops = raw.code[prelude.opcode_start :]
        self.name = names[prelude.name]
        self.arg_names = tuple([names[number] for number in prelude.arg_names])
        self.frame: tuple[Any, ...] = ()
        self.pad: tuple[Null, ...] | None = None
        self.cells = tuple(prelude.cells)
        self.stubs: dict[int, Any] = {}
        self.heat = 0
        self._children: tuple[Code | NativeCode, ...] | None = None

    def __repr__(self) -> str:
        return f"<Code {self.name} of {self.context.file}>"

    @property
    def children(self) -> tuple[Code | NativeCode, ...]:
        """The functions defined directly in this one, by child number."""
        if self._children is None:
            self._children = tuple(
                [
                    (Code if raw.kind is CodeKind.BYTECODE else NativeCode)(
                        self.context, raw, (*self.path, number)
                    )
                    for number, raw in enumerate(self.raw.children)
                ]
            )
        return self._children

    @property
    def is_generator(self) -> bool:
        """Whether a call makes a generator."""
        return bool(self.prelude.scope_flags & ScopeFlag.GENERATOR)

    @property
    def has_varargs(self) -> bool:
        """Whether it has a `*args` parameter."""
        return bool(self.prelude.scope_flags & ScopeFlag.VARARGS)

    @property
    def has_varkeywords(self) -> bool:
        """Whether it has a `**kw` parameter."""
        return bool(self.prelude.scope_flags & ScopeFlag.VARKEYWORDS)

    @property
    def n_params(self) -> int:
        """Slots that binding fills: parameters, then the `*args` and `**kw` slots."""
        prelude = self.prelude
        return prelude.n_pos_args + prelude.n_kwonly_args + self.has_varargs + self.has_varkeywords

    @property
    def offset(self) -> int:
        """Of the code block from image start, or from file start outside an image."""
        return (self.context.offset or 0) + self.raw.code_offset

    def line(self, ip: int) -> int:
        """Source line of the instruction at `ip`; 1 without a line table."""
        for start, line in self._lines():
            if ip < start:
                break
            found = line
        return found

    def lines(self) -> list[tuple[int, int]]:
        """The line table: (first ip, line), ascending by ip."""
        return list(self._lines())

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Source: MicroPython py/bc.h, mp_bytecode_get_source_line."""
        table = self.prelude.line_info
        ip, line, at = 0, 1, 0
        yield 0, 1
        while at < len(table):
            head = table[at]
            if head & 0x80 and at + 1 < len(table):
                ip += head & 0xF
                line += head << 4 & 0x700 | table[at + 1]
                at += 2
            else:
                ip += head & 0x1F
                line += head >> 5 & 0x3
                at += 1
            yield ip, line

    def walk(self) -> Iterator[Code | NativeCode]:
        """This function and all defined in it, outer ones first."""
        yield self
        for child in self.children:
            if isinstance(child, Code):
                yield from child.walk()
            else:
                yield child

    def fresh(self, globals_: dict[str, Any]) -> Code:
        """The same code bound to another globals dict, as `exec` needs."""
        old = self.context
        context = Context(
            old.names,
            old.objects,
            globals_,
            old.vm,
            old.file,
            old.mpy,
            old.window,
            old.offset,
            old.count,
        )
        return Code(context, self.raw, self.path)

    def find(self, names: Sequence[str]) -> Code | NativeCode | None:
        """The function reached by these names, each the first of that name in the last."""
        found: Code | NativeCode = self
        for name in names:
            inside = found.children if isinstance(found, Code) else ()
            match = next((child for child in inside if child.name == name), None)
            if match is None:
                return None
            found = match
        return found


class NativeCode:
    """A function of machine code: parsed, linked on request, never run here.

    Attributes:
        context: What it shares with the other functions of the module.
        raw: The record in the file.
        path: Child numbers that lead to it from the module body.
        name: Its name where the file has one (NATIVE), else "".
    """

    __slots__ = ("context", "name", "path", "raw")

    def __init__(self, context: Context, raw: RawCode, path: tuple[int, ...]) -> None:
        self.context = context
        self.raw = raw
        self.path = path
        self.name = ""
        if raw.prelude_offset is not None:
            prelude = parse_prelude(
                raw.code[raw.prelude_offset :],
                len(context.names),
                at=raw.code_offset + raw.prelude_offset,
            )
            self.name = context.names[prelude.name]

    def __repr__(self) -> str:
        return f"<NativeCode {self.name} of {self.context.file}>"

    @property
    def children(self) -> tuple[Code | NativeCode, ...]:
        """Functions defined in it."""
        return tuple(
            (Code if raw.kind is CodeKind.BYTECODE else NativeCode)(
                self.context, raw, (*self.path, number)
            )
            for number, raw in enumerate(self.raw.children)
        )
