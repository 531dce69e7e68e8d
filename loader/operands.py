"""Decoding a function whole, with every operand held against the table it indexes.

Source: MicroPython py/vm.c, py/bc.c.
"""

from __future__ import annotations

from loader.functions import Function
from loader.ops import Flow, Fmt, Instruction
from romfs.errors import BytecodeError

_MAX_OPERAND = 0xFFFF_FFFF  # a 32-bit device loses the bits above


class Unsafe(BytecodeError):
    """Bytecode the C interpreter must not run.

    Attributes:
        rule: Identifier of the rule it breaks.
    """

    def __init__(self, rule: str, message: str, *, ip: int, op: int | None = None) -> None:
        super().__init__(message, ip=ip, op=op)
        self.rule = rule


def decode_all(function: Function) -> dict[int, Instruction]:
    """Every instruction by ip, with operands and jump targets in range.

    Raises:
        Unsafe: One is not.
    """
    try:
        found = {instruction.ip: instruction for instruction in function.decoded}
    except BytecodeError as error:
        raise Unsafe("bytecode-decode", str(error.args[0]), ip=error.ip, op=error.op) from None
    if not found:
        raise Unsafe("bytecode-decode", "the function has no instruction", ip=0)
    for instruction in found.values():
        _operand(function, instruction)
        if instruction.op.flow in _JUMPING and instruction.target not in found:
            raise Unsafe(
                "bytecode-jump",
                f"{instruction.op.name} goes to {instruction.target}, where no instruction starts",
                ip=instruction.ip,
                op=instruction.code,
            )
    return found


_JUMPING = frozenset(
    {
        Flow.JUMP,
        Flow.BRANCH,
        Flow.BRANCH_OR_POP,
        Flow.FOR,
        Flow.SETUP,
        Flow.POP_EXCEPT,
        Flow.UNWIND,
    }
)


def _operand(function: Function, ins: Instruction) -> None:
    op, arg = ins.op, ins.arg
    limit, table = _MAX_OPERAND + 1, "32 bits"
    if op.fmt is Fmt.QSTR:
        limit, table = len(function.mpy.qstrs), "qstrs"
    elif op.name == "LOAD_CONST_OBJ":
        limit, table = len(function.mpy.objects), "constants"
    elif op.name.startswith("MAKE_"):
        limit, table = len(function.raw.children), "functions"
    elif op.name.endswith(("_FAST", "_FAST_N", "_DEREF")):
        limit, table = function.signature.n_state, "slots"
    elif op.name == "BUILD_MAP":
        limit, table = len(function.ops) + 1, "items that would fit the code"
    elif op.name.startswith("CALL_"):
        limit, table = 1 << 16, "arguments"
    if arg >= limit:
        raise Unsafe(
            "bytecode-operand",
            f"{op.name} {arg}, where there are {min(limit, _MAX_OPERAND)} {table}",
            ip=ins.ip,
            op=ins.code,
        )
    if op.name == "BUILD_SLICE" and (arg not in (2, 3) or ins.next != ins.ip + 2):
        # The interpreter reads this operand as one byte, whatever it says.
        raise Unsafe("bytecode-operand", f"BUILD_SLICE of {arg} bounds", ip=ins.ip, op=ins.code)
    if op.name == "STORE_COMP" and arg & 3 == 3:
        raise Unsafe("bytecode-operand", "STORE_COMP into nothing", ip=ins.ip, op=ins.code)
    if op.fmt is Fmt.SIGNED and not -(1 << 63) <= arg < 1 << 63:
        raise Unsafe("bytecode-operand", f"small int {arg}", ip=ins.ip, op=ins.code)
