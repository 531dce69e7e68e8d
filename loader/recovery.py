"""Second thoughts about an instruction that failed in the host.

The interpreter runs each opcode as the host's own operation. Where that raises, MicroPython
may succeed (str appended to bytes, int division beyond the range of float) or say why with
the operands at hand (wrong arguments of a call). Only exceptions raised by the instruction
itself come here, so the guest has seen nothing yet.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from loader.code import NULL
from loader.exceptions import raised_by_guest
from loader.operators import BINARY, UNARY
from loader.text import class_name, is_guest_class, is_guest_function, type_name

if TYPE_CHECKING:
    from loader.vm import VM

_UNARY, _BINARY, _CALLS = 0xD0, 0xD7, range(0x34, 0x38)
_PLAIN = frozenset({int, bool, float, complex, str, bytes, bytearray, list, tuple, dict, set,
                    frozenset, range, slice, type(None)})  # fmt: skip


def recover(vm: VM, op: int, x: Any, t: Any, exc: BaseException) -> Any:
    """What the failed instruction yields after all, or NULL.

    Args:
        vm: The run.
        op: Its opcode byte.
        x: Left operand.
        t: Top of the stack: right or only operand.
        exc: What the host raised; its text may be corrected.
    """
    if op >= _BINARY:
        return _binary(BINARY[op - _BINARY], x, t, exc)
    if op >= _UNARY:
        if isinstance(exc, TypeError) and type(t) in _PLAIN:
            exc.args = (f"unsupported type for {UNARY[op - _UNARY].method}: '{type_name(t)}'",)
        return NULL
    if op in _CALLS and type(exc) is TypeError:
        return _call(exc, sys._getframe(1).f_locals)
    return NULL


def _binary(operator: Any, x: Any, t: Any, exc: BaseException) -> Any:
    symbol = operator.symbol.removesuffix("=") if operator.name.startswith("INPLACE") else (
        operator.symbol
    )
    if isinstance(exc, TypeError):
        if symbol == "+" and type(x) in (bytes, bytearray) and type(t) is str:
            return x + t.encode("utf-8", "surrogateescape")
        if symbol == "in":
            return _contains(x, t, exc)
        if symbol in ("matches", "is"):
            return NULL
        method = operator.method
        if symbol == "%" and type(x) in (bytes, bytearray):
            return NULL
        exc.args = (f"unsupported types for {method}: '{type_name(x)}', '{type_name(t)}'",)
        if symbol == "*" and {type(x), type(t)} & {list, tuple, str, bytes}:
            _sequence_times(x, t, exc)
        return NULL
    if isinstance(exc, OverflowError):
        return _overflow(symbol, x, t, exc)
    if isinstance(exc, ZeroDivisionError):
        exc.args = ("divide by zero",)
    return NULL


def _contains(item: Any, container: Any, exc: BaseException) -> Any:
    if isinstance(container, str):
        if isinstance(item, bytes):
            return NULL
        exc.args = (f"can't convert '{type_name(item)}' object to str implicitly",)
    elif isinstance(container, bytes | bytearray) and isinstance(item, str):
        return item.encode() in container
    return NULL


def _sequence_times(x: Any, t: Any, exc: BaseException) -> None:
    return None


def _overflow(symbol: str, x: Any, t: Any, exc: BaseException) -> Any:
    """Operations on ints beyond the range of a float, which are infinite on a device."""
    if symbol in ("<<", ">>"):
        return NULL
    try:
        lhs, rhs = _as_float(x), _as_float(t)
        if symbol == "/":
            if isinstance(x, int) and isinstance(t, int):
                return lhs / rhs if rhs not in (float("inf"), float("-inf")) else 0.0
            return lhs / rhs
        if symbol == "+":
            return lhs + rhs
        if symbol == "-":
            return lhs - rhs
        if symbol == "*":
            return lhs * rhs
        if symbol == "**" and not isinstance(x, complex):
            return float("inf") if lhs > 0 or int(rhs) % 2 == 0 else float("-inf")
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return NULL
    return NULL


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _call(exc: BaseException, frame: dict[str, Any]) -> Any:
    """A call that failed before the callee ran."""
    function = frame.get("f")
    if function is None:
        return NULL
    text = str(exc.args[0]) if exc.args else ""
    if is_guest_class(type(function)) or (isinstance(function, type) and is_guest_class(function)):
        if isinstance(function, type) and text.endswith("takes no arguments"):
            return object.__new__(function)
    if text.endswith("object is not callable"):
        exc.args = (f"'{type_name(function)}' object isn't callable",)
        return NULL
    target = _binding_target(function)
    if target is not None:
        _binding_error(exc, *target, frame)
    return NULL


def _binding_target(function: Any) -> tuple[types.FunctionType, int] | None:
    """The guest function that was to be called, and how many arguments came before."""
    bound = 0
    if isinstance(function, types.MethodType):
        function, bound = function.__func__, 1
    elif isinstance(function, type) and is_guest_class(function):
        function, bound = getattr(function, "__init__", None), 1
    elif is_guest_class(type(function)):
        function, bound = getattr(type(function), "__call__", None), 1
    if isinstance(function, types.FunctionType) and is_guest_function(function):
        return function, bound
    return None


def _binding_error(
    exc: BaseException, function: types.FunctionType, bound: int, frame: dict[str, Any]
) -> None:
    """MicroPython's text for arguments that do not fit.

    Source: MicroPython py/bc.c, mp_setup_code_state.
    """
    text = str(exc.args[0])
    if function.__name__ + "()" not in text:
        return
    code = function.__code__
    n_free = len(code.co_freevars)
    n_pos = code.co_argcount + n_free
    defaults = len(function.__defaults__ or ())
    if "positional argument" not in text or "keyword" in text:
        if "required keyword-only" in text:
            if function.__kwdefaults__ is None and not _has_keywords(frame):
                exc.args = ("function missing keyword-only argument",)
        return
    given = _given(frame) + bound + n_free
    if "missing" in text:
        if _has_keywords(frame) or function.__kwdefaults__ or _kw_flag(code, function):
            names = text.rsplit("argument", 1)[1]
            last = names.rsplit("'", 2)[-2]
            slot = code.co_varnames.index(last) + n_free
            exc.args = (f"function missing required positional argument #{slot}",)
        else:
            wanted = n_pos - defaults if code.co_flags & 0x04 or True else n_pos
            exc.args = (
                f"function takes {wanted} positional arguments but {given} were given",
            )
        raised_by_guest(exc)
        return
    exc.args = (f"function takes {n_pos} positional arguments but {given} were given",)
    raised_by_guest(exc)


def _kw_flag(code: types.CodeType, function: types.FunctionType) -> bool:
    return bool(function.__kwdefaults__)


def _given(frame: dict[str, Any]) -> int:
    op, arg = frame["op"], frame.get("arg", 0)
    n_pos = arg & 0xFF
    if op in (0x35, 0x37):
        return len(frame["args"])
    if op == 0x36 and frame.get("x", NULL) is not NULL and n_pos > 2:
        return n_pos
    return int(n_pos)


def _has_keywords(frame: dict[str, Any]) -> bool:
    op = frame["op"]
    if op in (0x35, 0x37):
        return bool(frame["x"])
    return len(frame.get("args", ())) > frame.get("arg", 0) > 3 if False else _kw(frame)


def _kw(frame: dict[str, Any]) -> bool:
    arg, args = frame.get("arg", 0), frame.get("args")
    return args is not None and frame.get("y", 0) == len(args) and arg < len(args)


_ = class_name
