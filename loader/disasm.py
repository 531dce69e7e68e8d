"""Listings of bytecode, from the opcode table alone."""

from __future__ import annotations

from collections.abc import Iterator

from loader.code import Code, NativeCode
from loader.operators import BINARY, UNARY
from loader.ops import Fmt, Instruction, instructions
from romfs.archs import ARCHS
from romfs.mpy import CodeKind, ScopeFlag


def operand_text(code: Code, ins: Instruction) -> str:
    """An instruction's operand, with what it refers to."""
    op, arg = ins.op, ins.arg
    if ins.target >= 0:
        extra = f" count={ins.byte & 0x7F}" if op.fmt is Fmt.SLABEL_BYTE else ""
        return f"-> {ins.target}{extra}{' iterator' if ins.byte & 0x80 else ''}"
    if op.fmt is Fmt.QSTR:
        return repr(code.context.names[arg])
    if op.name == "LOAD_CONST_OBJ":
        return f"{arg} ({code.context.objects[arg]!r})"
    if op.name in ("UNARY_OP", "BINARY_OP"):
        table = UNARY if op.name == "UNARY_OP" else BINARY
        return f"{arg} {table[arg].name}"
    if op.name.startswith("MAKE_"):
        cells = f" cells={ins.byte}" if op.fmt is Fmt.VARUINT_BYTE else ""
        return f"{arg}{cells} ({code.children[arg].name})"
    if op.name.startswith("CALL_"):
        return f"pos={arg & 0xFF} kw={arg >> 8 & 0xFF}"
    return "" if op.fmt is Fmt.NONE else str(arg)


def header_lines(code: Code) -> list[str]:
    """What the prelude says."""
    prelude = code.prelude
    flags = [flag.name for flag in ScopeFlag if prelude.scope_flags & flag]
    params = ", ".join(code.arg_names) or "none"
    text = [
        f"{code.context.file}: {code.name}",
        f"  image offset {code.offset:#x}, {len(code.raw.code)} bytes, "
        f"{len(code.ops)} of them opcodes",
        f"  frame: {prelude.n_state} slots, {prelude.n_exc_stack} blocks; parameters: {params}",
    ]
    if flags:
        text.append("  flags: " + " ".join(name.lower() for name in flags if name))
    if prelude.cells:
        text.append("  cells: " + " ".join(map(str, prelude.cells)))
    return text


def listing(code: Code) -> Iterator[str]:
    """Lines of the listing of one function."""
    yield from header_lines(code)
    starts = dict(code.lines())
    targets = {ins.target for ins in instructions(code.ops) if ins.target >= 0}
    for ins in instructions(code.ops):
        line = f"{starts[ins.ip]:4}" if ins.ip in starts else "    "
        mark = ">" if ins.ip in targets else " "
        raw = code.ops[ins.ip : ins.next].hex(" ")
        text = f"{ins.op.name:<24} {operand_text(code, ins)}".rstrip()
        yield f"{line} {mark}{ins.ip:5}  {raw:<14} {text}"


def native_listing(code: NativeCode) -> Iterator[str]:
    """What is known of a function of machine code."""
    raw = code.raw
    arch = ARCHS[code.context.mpy.header.arch]
    kind = CodeKind(raw.kind).name.lower()
    yield f"{code.context.file}: {code.name or '(unnamed)'}: {kind} machine code for {arch}"
    yield f"  {len(raw.code)} bytes, rodata {len(raw.rodata or b'')}, bss {raw.bss_size}, " + (
        f"{len(raw.relocations)} relocations"
    )


def module_listing(root: Code) -> Iterator[str]:
    """The listing of a module: its body, then every function in it."""
    for number, code in enumerate(root.walk()):
        if number:
            yield ""
        yield from listing(code) if isinstance(code, Code) else native_listing(code)
