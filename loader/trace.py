"""`--trace`: every instruction as it is executed."""

from __future__ import annotations

from typing import Any, TextIO

from loader.code import NULL, Code
from loader.disasm import operand_text
from loader.ops import decode
from loader.text import repr_, type_name
from romfs.errors import RomfsError

_WIDTH = 40


class Tracer:
    """Prints instructions with the value on top of the stack before each."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    def observe(self, code: Code, ip: int, stack: list[Any], top: Any) -> None:
        """Called before each instruction."""
        ins = decode(code.ops, ip)
        operand = operand_text(code, ins)
        where = f"{code.context.file}:{code.line(ip)}:{code.name}"
        self.out.write(
            f"{where} {ip:4} {ins.op.name} {operand}".rstrip()
            + f"  [{len(stack)}] {_show(top) if stack else ''}\n"
        )


def _show(value: Any) -> str:
    if value is NULL:
        return "NULL"
    try:
        text = (
            repr_(value)
            if type(value) in (int, str, float, bool, bytes)
            else (f"<{type_name(value)}>")
        )
    except RomfsError:
        return "?"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
