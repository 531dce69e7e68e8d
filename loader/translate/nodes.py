"""Short constructors for host syntax tree nodes, each with its guest line."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

LOAD, STORE, DEL = ast.Load(), ast.Store(), ast.Del()
HELPER = "vm."
"""Start of the names helpers have among the builtins: no guest name has a dot."""

TRANSLATED = "translated"
"""Last constant of every translated host code object; see `link`."""


class _Numbers:
    """Numbers for the operations of a unit, in the order they are made.

    The host keeps a node's column with each instruction; these stand in its place, so that
    `explain` finds the operation that failed. Making a unit again gives the same numbers.
    """

    def __init__(self) -> None:
        self.last = 0

    def restart(self) -> None:
        """Begin a unit."""
        self.last = 0

    def next(self) -> int:
        """The next operation's number."""
        self.last += 1
        return self.last


numbers = _Numbers()

AND, OR, NOT = ast.And(), ast.Or(), ast.Not()
IS, IS_NOT, IN, NOT_IN = ast.Is(), ast.IsNot(), ast.In(), ast.NotIn()

OPERATORS: dict[str, ast.operator] = {
    "|": ast.BitOr(), "^": ast.BitXor(), "&": ast.BitAnd(), "<<": ast.LShift(), ">>": ast.RShift(),
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "@": ast.MatMult(), "//": ast.FloorDiv(),
    "/": ast.Div(), "%": ast.Mod(), "**": ast.Pow(),
}  # fmt: skip
COMPARISONS: dict[str, ast.cmpop] = {
    "<": ast.Lt(), ">": ast.Gt(), "==": ast.Eq(), "<=": ast.LtE(), ">=": ast.GtE(),
    "!=": ast.NotEq(), "in": IN, "is": IS,
}  # fmt: skip
UNARIES: tuple[ast.unaryop, ...] = (ast.UAdd(), ast.USub(), ast.Invert(), NOT)


def name(text: str, line: int) -> ast.Name:
    """A name that is read."""
    return ast.Name(text, LOAD, lineno=line, col_offset=0)


def target(text: str, line: int) -> ast.Name:
    """A name that is assigned."""
    return ast.Name(text, STORE, lineno=line, col_offset=0)


def helper(text: str, line: int) -> ast.Name:
    """One of `support.HELPERS`."""
    return ast.Name(HELPER + text, LOAD, lineno=line, col_offset=0)


def constant(value: Any, line: int) -> ast.Constant:
    """A constant."""
    return ast.Constant(value, None, lineno=line, col_offset=0)


def call(
    function: ast.expr, args: Sequence[ast.expr], line: int, keywords: Sequence[ast.keyword] = ()
) -> ast.Call:
    """A call."""
    return ast.Call(function, list(args), list(keywords), lineno=line, col_offset=numbers.next())


def help_call(text: str, args: Sequence[ast.expr], line: int) -> ast.Call:
    """A call of a helper."""
    return call(helper(text, line), args, line)


def attribute(
    obj: ast.expr, text: str, line: int, context: ast.expr_context = LOAD
) -> ast.Attribute:
    """`obj.text`."""
    return ast.Attribute(obj, text, context, lineno=line, col_offset=0)


def subscript(
    obj: ast.expr, key: ast.expr, line: int, context: ast.expr_context = LOAD
) -> ast.Subscript:
    """`obj[key]`."""
    return ast.Subscript(obj, key, context, lineno=line, col_offset=numbers.next())


def tuple_(items: Sequence[ast.expr], line: int, context: ast.expr_context = LOAD) -> ast.Tuple:
    """A tuple display, or target."""
    return ast.Tuple(list(items), context, lineno=line, col_offset=0)


def compare(left: ast.expr, op: ast.cmpop, right: ast.expr, line: int) -> ast.Compare:
    """One comparison."""
    return ast.Compare(left, [op], [right], lineno=line, col_offset=numbers.next())


def binary(left: ast.expr, op: ast.operator, right: ast.expr, line: int) -> ast.BinOp:
    """An arithmetic operation."""
    return ast.BinOp(left, op, right, lineno=line, col_offset=numbers.next())


def not_(value: ast.expr, line: int) -> ast.expr:
    """The opposite of a condition."""
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not):
        return value.operand
    return ast.UnaryOp(NOT, value, lineno=line, col_offset=0)


def choose(test: ast.expr, yes: ast.expr, no: ast.expr, line: int) -> ast.IfExp:
    """`yes if test else no`."""
    return ast.IfExp(test, yes, no, lineno=line, col_offset=0)


def walrus(text: str, value: ast.expr, line: int) -> ast.NamedExpr:
    """`(text := value)`."""
    return ast.NamedExpr(target(text, line), value, lineno=line, col_offset=0)


def assign(where: ast.expr, value: ast.expr, line: int) -> ast.Assign:
    """`where = value`."""
    return ast.Assign([where], value, None, lineno=line, col_offset=0)


def expression(value: ast.expr, line: int) -> ast.Expr:
    """An expression as statement."""
    return ast.Expr(value, lineno=line, col_offset=0)


def is_type(value: ast.expr, kind: str, line: int, *, negate: bool = False) -> ast.Compare:
    """`type(value) is kind`, or `is not`, for a helper that names a type."""
    return compare(
        call(helper("type", line), [value], line),
        IS_NOT if negate else IS,
        helper(kind, line),
        line,
    )
