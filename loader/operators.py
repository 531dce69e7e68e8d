"""The operators of UNARY_OP and BINARY_OP: number, symbol, special method, host meaning.

The host's own operator is what both tiers run; where its operands are of built-in types
and it fails or means something else, `semantics` has the difference.

Source: MicroPython py/runtime0.h, mp_unary_op_t and mp_binary_op_t; py/objtype.c.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    Attributes:
        name: As listings show it.
        symbol: As source code spells it.
        method: Special method that error messages name.
        host: The host's function of the same meaning.
    """

    name: str
    symbol: str
    method: str
    host: Callable[..., Any]


def _contains(item: Any, container: Any) -> bool:
    return item in container


def _matches(exception: object, kind: Any) -> bool:
    return isinstance(exception, kind)


UNARY = (
    Operator("POSITIVE", "+", "__pos__", operator.pos),
    Operator("NEGATIVE", "-", "__neg__", operator.neg),
    Operator("INVERT", "~", "__invert__", operator.invert),
    Operator("NOT", "not ", "__bool__", operator.not_),
)

_ARITHMETIC = (
    ("OR", "|", "or", operator.or_, operator.ior),
    ("XOR", "^", "xor", operator.xor, operator.ixor),
    ("AND", "&", "and", operator.and_, operator.iand),
    ("LSHIFT", "<<", "lshift", operator.lshift, operator.ilshift),
    ("RSHIFT", ">>", "rshift", operator.rshift, operator.irshift),
    ("ADD", "+", "add", operator.add, operator.iadd),
    ("SUBTRACT", "-", "sub", operator.sub, operator.isub),
    ("MULTIPLY", "*", "mul", operator.mul, operator.imul),
    ("MAT_MULTIPLY", "@", "matmul", operator.matmul, operator.imatmul),
    ("FLOOR_DIVIDE", "//", "floordiv", operator.floordiv, operator.ifloordiv),
    ("TRUE_DIVIDE", "/", "truediv", operator.truediv, operator.itruediv),
    ("MODULO", "%", "mod", operator.mod, operator.imod),
    ("POWER", "**", "pow", operator.pow, operator.ipow),
)

BINARY = (
    Operator("LESS", "<", "__lt__", operator.lt),
    Operator("MORE", ">", "__gt__", operator.gt),
    Operator("EQUAL", "==", "__eq__", operator.eq),
    Operator("LESS_EQUAL", "<=", "__le__", operator.le),
    Operator("MORE_EQUAL", ">=", "__ge__", operator.ge),
    Operator("NOT_EQUAL", "!=", "__ne__", operator.ne),
    Operator("IN", "in", "__contains__", _contains),
    Operator("IS", "is", "", operator.is_),
    Operator("EXCEPTION_MATCH", "matches", "", _matches),
    *(
        Operator("INPLACE_" + name, symbol + "=", f"__i{method}__", inplace)
        for name, symbol, method, _, inplace in _ARITHMETIC
    ),
    *(
        Operator(name, symbol, f"__{method}__", plain)
        for name, symbol, method, plain, _ in _ARITHMETIC
    ),
)

IN, IS, MATCH = 6, 7, 8
FIRST_INPLACE = 9
FIRST_PLAIN = FIRST_INPLACE + len(_ARITHMETIC)
