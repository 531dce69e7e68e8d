"""The functions of a file, to look at and not to run: what static tools work on.

Unlike `code.Code`, making these needs neither a VM nor the module's constants as objects.

Source: MicroPython py/bc.h, py/persistentcode.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from loader.ops import Instruction, instructions
from romfs.mpy import CodeKind, Mpy, Prelude, RawCode, ScopeFlag, parse_prelude


class Function:
    """One function, class body or module body of a file.

    Attributes:
        mpy: The parsed file.
        raw: The record in it.
        path: Child numbers that lead to it from the module body.
        prelude: Decoded prelude; None for machine code without one.
        ops: Window on the opcodes; empty for machine code.
    """

    def __init__(self, mpy: Mpy, raw: RawCode, path: tuple[int, ...] = ()) -> None:
        self.mpy = mpy
        self.raw = raw
        self.path = path
        start = 0 if raw.kind is CodeKind.BYTECODE else raw.prelude_offset
        self.prelude: Prelude | None = None
        self.ops = raw.code[:0]
        if start is not None:
            self.prelude = parse_prelude(
                raw.code[start:], len(mpy.qstrs), at=raw.code_offset + start
            )
        if self.is_bytecode:
            self.ops = raw.code[self.signature.opcode_start :]

    def __repr__(self) -> str:
        return f"<Function {self.name} of {self.mpy.source_name}>"

    @property
    def is_bytecode(self) -> bool:
        """Whether an interpreter runs it."""
        return self.raw.kind is CodeKind.BYTECODE

    @property
    def signature(self) -> Prelude:
        """The prelude of a function that has one."""
        assert self.prelude is not None
        return self.prelude

    @property
    def name(self) -> str:
        """Its simple name; empty where the file has none."""
        return "" if self.prelude is None else self.mpy.qstrs[self.prelude.name].text

    @property
    def arg_names(self) -> tuple[str, ...]:
        """Names of its parameters by slot; `*` for closed-over variables."""
        return tuple(self.mpy.qstrs[number].text for number in self.signature.arg_names)

    @property
    def is_generator(self) -> bool:
        """Whether a call makes a generator."""
        return bool(self.signature.scope_flags & ScopeFlag.GENERATOR)

    @property
    def n_params(self) -> int:
        """Slots that binding fills: parameters, then those of `*args` and `**kw`."""
        prelude = self.signature
        flags = prelude.scope_flags
        extra = bool(flags & ScopeFlag.VARARGS) + bool(flags & ScopeFlag.VARKEYWORDS)
        return prelude.n_pos_args + prelude.n_kwonly_args + extra

    @property
    def offset(self) -> int:
        """Of its first opcode, from the start of the file."""
        return self.raw.code_offset + self.signature.opcode_start

    @cached_property
    def children(self) -> tuple[Function, ...]:
        """The functions defined directly in it, by child number."""
        return tuple(
            Function(self.mpy, raw, (*self.path, number))
            for number, raw in enumerate(self.raw.children)
        )

    @cached_property
    def decoded(self) -> tuple[Instruction, ...]:
        """Its instructions, decoded once for all who ask.

        Raises:
            BytecodeError: They cannot be.
        """
        return tuple(instructions(self.ops))

    def walk(self) -> Iterator[Function]:
        """This function and all defined in it, outer ones first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def line(self, ip: int) -> int | None:
        """Source line of the instruction at `ip`; None without a line table."""
        table = self.signature.line_info
        if not table:
            return None
        line, at = 1, 0
        while at < len(table):
            head = table[at]
            if head & 0x80:
                step = head & 0xF
                lines = head << 4 & 0x700 | (table[at + 1] if at + 1 < len(table) else 0)
                at += 2
            else:
                step, lines = head & 0x1F, head >> 5 & 0x3
                at += 1
            if ip < step:
                break
            ip -= step
            line += lines
        return line


def module_function(mpy: Mpy) -> Function:
    """The module body of a parsed file."""
    return Function(mpy, mpy.root)
