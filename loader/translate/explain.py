"""Why an operation of translated code failed, in MicroPython's words.

The host's text of an exception does not say all that MicroPython's does: how many arguments
a call had, of what types the operands were. The interpreter has them at hand
(`recovery`). For translated code they are found again: the host says which operation failed,
the tree the code was made from says what its operands are, and operands that can be evaluated
again without effect are.
"""

from __future__ import annotations

import ast
import itertools
import types
from typing import TYPE_CHECKING, Any

from loader.code import Code
from loader.operators import BINARY, UNARY
from loader.recovery import recover
from loader.semantics import load_attr, load_subscr
from loader.text import GUEST_FILE_PREFIX, type_name
from loader.translate import methods, nodes, support
from loader.translate.nodes import HELPER

if TYPE_CHECKING:
    from loader.tiering import Tiers
    from loader.vm import VM

_UNARY, _BINARY, _CALL_VAR_KW = 0xD0, 0xD7, 0x35
_KINDS = (TypeError, OverflowError, ZeroDivisionError)
_METHOD = HELPER + "method_"
_PURE_HELPERS = frozenset({"type", "slice", "construct"})
_PURE_FOR_FLAT = frozenset({"mapping", "iterate", "load_attr"})
_FLAT = (int, float, complex, str, bytes, bool, type(None), tuple, list, dict, range)


class Unknown(Exception):
    """An operand cannot be evaluated again."""


def explain(exc: BaseException) -> None:
    """Correct the text of an exception that the host raised in translated code."""
    trace = exc.__traceback__
    if trace is None or not isinstance(exc, _KINDS) or ".guest" in exc.__dict__:
        return
    last: types.TracebackType | None = trace
    while last is not None:
        if last.tb_frame.f_code.co_filename not in _HELPER_FILES:
            trace = last
        last = last.tb_next
    frame = trace.tb_frame
    unit = unit_of(frame.f_code)
    if unit is None:
        return
    place = next(itertools.islice(frame.f_code.co_positions(), trace.tb_lasti // 2, None), None)
    if place is None or not place[2]:
        return
    root, ip = unit
    vm = root.context.vm
    node = _operations(vm.tiers, root, ip).get(place[2])
    if node is None:
        return
    try:
        _correct(vm, exc, node, Scope(frame, root))
    except Unknown:
        return


def _operations(tiers: Tiers, root: Code, ip: int) -> dict[int, ast.AST]:
    """The operations of a unit by their number."""
    key = (root, ip)
    if key not in tiers.trees:
        tiers.trees[key] = {
            node.col_offset: node
            for node in ast.walk(tiers.tree(root, ip))
            if isinstance(node, ast.expr | ast.AugAssign) and node.col_offset
        }
    return tiers.trees[key]


def _correct(vm: VM, exc: BaseException, node: ast.AST, scope: Scope) -> None:
    """Say it as the interpreter would."""
    operation = _operation(node)
    if operation is not None:
        number, lhs, rhs = operation
        recover(vm, _BINARY + number, scope.value(lhs), scope.value(rhs), exc)
    elif isinstance(node, ast.Call):
        args = node.args
        if isinstance(node.func, ast.Name) and node.func.id.startswith(_METHOD):
            owner = scope.value(args[0])
            function = load_attr(vm, node.func.id[len(_METHOD) :], owner)
            args = args[1:]
        else:
            function = scope.value(node.func)
        text = str(exc.args[0]) if exc.args else ""
        called = callable(function) and not isinstance(function, staticmethod)
        if called and text.endswith("is not callable"):
            return  # it says so of something else
        given: list[Any] = []
        for arg in args:
            if isinstance(arg, ast.Starred):
                value = scope.value(arg.value)
                if "argument after * must be an iterable" in text:
                    exc.args = (f"'{type_name(value)}' object isn't iterable",)
                    return
                if type(value) not in _FLAT:
                    raise Unknown
                given.extend(value)
            else:
                given.append(scope.perhaps(arg))
        names: list[str] = []
        for keyword in node.keywords:
            if keyword.arg is None:
                names.extend(scope.value(keyword.value))
            else:
                names.append(keyword.arg)
        _call(vm, exc, function, given, names)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        obj, key = scope.value(node.value), scope.key(node.slice)
        if type(obj) in _FLAT:
            try:
                load_subscr(vm, 0, obj, key)
            except (TypeError, OverflowError, LookupError, ValueError) as same:
                exc.args = same.args
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY_NUMBERS:
        operand = scope.value(node.operand)
        recover(vm, _UNARY + _UNARY_NUMBERS[type(node.op)], None, operand, exc)


def _operation(node: ast.AST) -> tuple[int, ast.expr, ast.expr] | None:
    """Number and operands of a binary operator."""
    if isinstance(node, ast.BinOp):
        symbol = _SIGNS[type(node.op)] + "=" * hasattr(node, "inplace")
        return _SYMBOLS[symbol], node.left, node.right
    if isinstance(node, ast.AugAssign):
        return _SYMBOLS[_SIGNS[type(node.op)] + "="], node.target, node.value
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        number = _COMPARISON_NUMBERS[type(node.ops[0])]
        return number, node.left, node.comparators[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        sign = _HELPED.get(node.func.id)
        if sign is not None:
            symbol = sign + "=" * hasattr(node, "inplace")
            return _SYMBOLS[symbol], node.args[0], node.args[1]
    return None


def _call(vm: Any, exc: BaseException, f: Any, args: list[Any], names: list[str]) -> None:
    """`recover` reads what was called out of the frame that asks: this one."""
    op, arg, x = _CALL_VAR_KW, 0, names
    recover(vm, op, x, None, exc)
    del op, arg


class Scope:
    """Evaluates expressions of translated code once more, as far as that has no effect.

    Args:
        frame: Of the code.
        root: Of the unit it belongs to.
    """

    def __init__(self, frame: types.FrameType, root: Code) -> None:
        self.root = root
        self.locals = frame.f_locals
        self.globals = frame.f_globals
        self.builtins = frame.f_builtins

    def value(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            Unknown: It may have an effect, or takes more than a look.
        """
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.name(node.id)
        if isinstance(node, ast.NamedExpr):
            return self.name(node.target.id)
        if isinstance(node, ast.IfExp):
            return self.value(node.body if self.value(node.test) else node.orelse)
        if isinstance(node, ast.BoolOp):
            found: Any = None
            for part in node.values:
                found = self.value(part)
                if bool(found) is isinstance(node.op, ast.Or):
                    break
            return found
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self.comparison(node)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.value(node.value), node.attr)
        if isinstance(node, ast.Tuple | ast.List):
            items = [self.value(item) for item in node.elts]
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.Dict):
            if None in node.keys:
                raise Unknown
            keys = [self.value(key) for key in node.keys if key is not None]
            return dict(zip(keys, map(self.value, node.values), strict=True))
        if isinstance(node, ast.Lambda) and not node.args.defaults and not node.args.kwonlyargs:
            return self.like(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            operand = self.value(node.operand)
            if type(operand) in (int, float, complex):
                return -operand
        if isinstance(node, ast.Call):
            return self.helper(node)
        raise Unknown

    def perhaps(self, node: ast.expr) -> Any:
        """The value of an expression, or None."""
        try:
            return self.value(node)
        except Unknown:
            return None

    def name(self, text: str) -> Any:
        for space in (self.locals, self.globals, self.builtins):
            if text in space:
                return space[text]
        raise Unknown

    def key(self, node: ast.expr) -> Any:
        """The value of a subscript."""
        if not isinstance(node, ast.Slice):
            return self.value(node)
        bounds = (node.lower, node.upper)
        return slice(*[None if bound is None else self.value(bound) for bound in bounds])

    def like(self, node: ast.Lambda) -> Any:
        """A function with the parameters of a lambda."""
        body = ast.Constant(None, lineno=1, col_offset=0)
        empty = ast.Lambda(node.args, body, lineno=1, col_offset=0)
        text = GUEST_FILE_PREFIX
        return eval(compile(ast.Expression(empty), text, "eval", dont_inherit=True), {})

    def comparison(self, node: ast.Compare) -> bool:
        left, right = self.value(node.left), self.value(node.comparators[0])
        op = node.ops[0]
        if isinstance(op, ast.Is):
            return left is right
        if isinstance(op, ast.IsNot):
            return left is not right
        if isinstance(op, ast.In) and isinstance(right, set | frozenset | dict):
            return left in right
        raise Unknown

    @staticmethod
    def attribute(obj: Any, name: str) -> Any:
        if isinstance(getattr(type(obj), name, None), property):
            raise Unknown
        try:
            return getattr(obj, name)
        except AttributeError:
            raise Unknown from None

    def helper(self, node: ast.Call) -> Any:
        function = node.func
        if not isinstance(function, ast.Name) or node.keywords:
            raise Unknown
        text = function.id
        if not text.startswith(HELPER):
            raise Unknown
        text = text[len(HELPER) :]
        if text == "make" and isinstance(node.args[0], ast.Constant):
            code: Any = self.root.context.root
            path: Any = node.args[0].value
            for number in path[1:]:
                code = code.children[number]
            defaults, kwdefaults = map(self.value, node.args[1:3])
            return self.builtins[HELPER + text](code, defaults, kwdefaults, ())
        if text not in _PURE_HELPERS and text not in _PURE_FOR_FLAT:
            raise Unknown
        args = [self.value(arg) for arg in node.args]
        if text in _PURE_FOR_FLAT and type(args[-1]) not in _FLAT:
            raise Unknown
        return self.builtins[HELPER + text](*args)


def unit_of(host: types.CodeType) -> tuple[Code, int] | None:
    """The unit a translated host code object belongs to: its root, and the loop's ip or -1."""
    consts = host.co_consts
    if len(consts) > 3 and consts[-1] == nodes.TRANSLATED and isinstance(consts[-3], Code):
        return consts[-3], consts[-4]
    return None


_SYMBOLS = {operator.symbol: n for n, operator in enumerate(BINARY)}
_SIGNS: dict[type, str] = {type(op): symbol for symbol, op in nodes.OPERATORS.items()}
_HELPED = {HELPER + "power": "**", HELPER + "divide": "/", HELPER + "modulo": "%"}
_HELPER_FILES = frozenset({methods.__file__, support.__file__})
_COMPARISON_NUMBERS = {type(op): _SYMBOLS[symbol] for symbol, op in nodes.COMPARISONS.items()} | {
    ast.NotIn: _SYMBOLS["in"],
    ast.IsNot: _SYMBOLS["is"],
}
_UNARY_NUMBERS: dict[type, int] = {
    type(op): n for n, op in enumerate(nodes.UNARIES) if UNARY[n].name != "NOT"
}
