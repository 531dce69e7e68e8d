"""Second thoughts about an instruction that failed in the host.

The interpreter runs each opcode as the host's own operation. Where that raises, MicroPython
may succeed (str appended to bytes, int division beyond the range of float) or say why with
the operands at hand (wrong arguments of a call). Only exceptions raised by the instruction
itself come here, so the guest has seen nothing yet.
"""

from __future__ import annotations

import array
import re
import sys
import types
from typing import TYPE_CHECKING, Any

from loader.code import NULL, Null
from loader.construct import fill_dict
from loader.exceptions import raised_by_guest, visible
from loader.method_errors import method_error
from loader.operators import BINARY, UNARY
from loader.text import is_guest_class, is_guest_function, type_name

if TYPE_CHECKING:
    from loader.vm import VM

_STORE_SUBSCR = 0x56
_UNARY, _BINARY, _CALLS = 0xD0, 0xD7, range(0x34, 0x38)
_NUMBERS = frozenset({int, bool, float, complex})
_PLAIN = frozenset({int, bool, float, complex, str, bytes, bytearray, list, tuple, dict, set,
                    frozenset, range, slice, type(None)})  # fmt: skip


_ITEM_FORMATS = frozenset("bBhHiIlLqQ")

FAILED = Null()
"""What `recover` returns where the instruction has failed for good."""


class Replaced:
    """What `recover` returns where another exception takes the place of the host's.

    Attributes:
        exc: The exception.
    """

    __slots__ = ("exc",)

    def __init__(self, exc: BaseException) -> None:
        self.exc = exc


def recover(vm: VM, op: int, x: Any, t: Any, exc: BaseException) -> Any:
    """What the failed instruction yields after all, or FAILED.

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
        return FAILED
    if op == _STORE_SUBSCR and type(exc) is ValueError and type(x) is int:
        frame = sys._getframe(1).f_locals
        target = frame["y"]
        if type(target) is bytearray:
            target[t] = x & 0xFF
            return frame["s"].pop()
        if type(target) is memoryview and target.format in _ITEM_FORMATS:
            size = 8 * target.itemsize
            low = x & (1 << size) - 1
            signed = target.format.islower() and low >> size - 1
            target[t] = low - (1 << size) if signed else low
            return frame["s"].pop()
    if op == _STORE_SUBSCR and type(exc) in (OverflowError, TypeError, ValueError):
        frame = sys._getframe(1).f_locals
        if type(frame["y"]) is memoryview and str(exc).startswith("memoryview: invalid type"):
            exc.args = (f"can't convert {type_name(x)} to int",)
            return FAILED
        if type(frame["y"]) is array.array:
            try:
                array_module().store(frame["y"], t, x)
            except (TypeError, ValueError, IndexError, OverflowError) as error:
                exc.args = error.args
                return FAILED
            return frame["s"].pop()
    if op in _CALLS and type(exc) in (OverflowError, TypeError, ValueError):
        done = _array_call(sys._getframe(1).f_locals)
        if done is not FAILED:
            return done
    if op in _CALLS and type(exc) is TypeError:
        return _call(exc, sys._getframe(1).f_locals)
    return FAILED


def array_module() -> Any:
    """What arrays do otherwise."""
    from loader.modules import array as module

    return module


def _array_call(frame: dict[str, Any]) -> Any:
    """A failed call of a method of an array: values are cut to the item's size."""
    method = frame.get("f")
    owner = getattr(method, "__self__", None)
    if type(owner) is not array.array or frame["op"] != _CALL_METHOD or frame.get("arg") != 1:
        return FAILED
    name = getattr(method, "__name__", "")
    if name in ("append", "extend"):
        try:
            return getattr(array_module(), name)(owner, frame["t"])
        except (TypeError, ValueError, OverflowError):
            return FAILED
    return FAILED


def _binary(operator: Any, x: Any, t: Any, exc: BaseException) -> Any:
    from loader.semantics import iterate

    symbol = (
        operator.symbol.removesuffix("=")
        if operator.name.startswith("INPLACE")
        else (operator.symbol)
    )
    if type(exc) is ValueError and symbol == "in" and isinstance(t, bytes | bytearray):
        return False  # no byte has that value
    if isinstance(exc, TypeError):
        if operator.name == "INPLACE_ADD" and type(x) is bytearray and type(t) is not str:
            try:
                x.extend(item & 0xFF for item in iterate(t))
            except TypeError:
                exc.args = (f"'{type_name(t)}' object isn't iterable",)
                return FAILED
            return x
        if symbol == "+" and type(x) in (bytes, bytearray) and type(t) is str:
            return x + t.encode("utf-8", "surrogateescape")
        if symbol in _ORDER and type(x) in _BUFFERS:
            try:
                answer = _compare(operator.host, x, t)
            except NotImplementedError as error:
                return Replaced(error)
            if answer is not FAILED:
                return answer
        if symbol == "in":
            return _contains(x, t, exc)
        if symbol == "+" and type(x) is array.array:
            try:
                return (
                    (array_module().extend(x, t) or x)
                    if "INPLACE" in operator.name
                    else (array_module().add(x, t))
                )
            except TypeError:
                pass
        if symbol == "//" and complex in (type(x), type(t)) and {type(x), type(t)} <= _NUMBERS:
            exc.args = ("can't truncate-divide a complex number",)
            return FAILED
        if symbol in ("matches", "is"):
            return FAILED
        if symbol == "%" and type(x) in (bytes, bytearray):
            return FAILED
        if symbol == "+" and type(x) is list and "not iterable" in str(exc):
            return FAILED  # `list += x`
        method = operator.method
        if operator.name.startswith("INPLACE"):
            method = "__" + method[3:]
        if symbol in _ORDER and type(x) is type(t) and type(x) in (list, tuple):
            pair = next(((a, b) for a, b in zip(x, t, strict=False) if a != b), None)
            if pair is not None:
                method, swap = _ORDER[symbol]
                x, t = pair[::-1] if swap else pair
        if type(t) is bool and type(x) is float and symbol in _NOT_FOR_FLOATS:
            # The bool was tried as left operand, and its int refused for the float's sake.
            method, x, t = "__r" + method[2:], t, x
        if symbol == "|" and type(x) is dict:
            made = x if operator.name.startswith("INPLACE") else dict(x)
            try:
                fill_dict(made, (t,), {})
            except (TypeError, ValueError) as error:
                if isinstance(error, ValueError):
                    return Replaced(error)
                exc.args = visible(error).args
                return FAILED
            return made
        rhs = type_name(t) if symbol[0] in "<>" and symbol not in ("<<", ">>") else _operand(t)
        exc.args = (f"unsupported types for {method}: '{_operand(x)}', '{rhs}'",)
        return FAILED
    if isinstance(exc, OverflowError):
        return _overflow(symbol, x, t, exc)
    if isinstance(exc, ZeroDivisionError):
        if complex not in (type(x), type(t)):
            exc.args = ("divide by zero",)
        elif symbol == "**":
            exc.args = ("0.0 to a complex power",)
        else:
            exc.args = ("complex divide by zero",)
    return FAILED


_BUFFERS = frozenset({bytes, bytearray, memoryview, array.array})


def _compare(host: Any, x: Any, t: Any) -> Any:
    """A buffer less or more than something: bytes are compared.

    Source: MicroPython py/objarray.c, array_binary_op; py/objstr.c, mp_obj_str_binary_op.
    """
    if type(t) is str:
        t = t.encode("utf-8", "surrogateescape")
    if type(t) not in _BUFFERS:
        return FAILED if type(x) is bytes else False
    if type(x) is not bytes and memoryview(x).itemsize + memoryview(t).itemsize > 2:
        raise NotImplementedError
    return host(bytes(x), bytes(t))


def _operand(value: Any) -> str:
    """Name of an operand's type: a bool has become an int by then."""
    return "int" if type(value) is bool else type_name(value)


def _is_small(value: Any) -> bool:
    """Whether a number fits a machine word's small int, or is no int at all."""
    return not isinstance(value, int) or -(1 << 62) <= value < 1 << 62


_NOT_FOR_FLOATS = frozenset({"|", "^", "&", "<<", ">>", "@"})
_ORDER = {
    "<": ("__gt__", True), ">": ("__gt__", False), "<=": ("__ge__", True), ">=": ("__ge__", False)
}  # fmt: skip
"""How items of two sequences are compared: method, and whether the other way round."""


def _contains(item: Any, container: Any, exc: BaseException) -> Any:
    if isinstance(container, str):
        if isinstance(item, bytes):
            return FAILED
        exc.args = (f"can't convert '{type_name(item)}' object to str implicitly",)
    elif isinstance(container, bytes | bytearray) and isinstance(item, str):
        return item.encode() in container
    elif isinstance(container, int):
        # Containment is tried as an operator of ints first, on the int a bool stands for.
        method = "__contains__" if type(container) is bool else ""
        plain = (int, bool, float, complex) if method else (int, float, complex)
        if type(item) in plain and _is_small(item) and _is_small(container):
            exc.args = (f"unsupported types for {method}: 'int', '{_operand(item)}'",)
        else:
            exc.args = ("'int' object isn't iterable",)
    return FAILED


def _overflow(symbol: str, x: Any, t: Any, exc: BaseException) -> Any:
    """Operations on ints beyond the range of a float, which are infinite on a device."""
    if symbol in ("<<", ">>"):
        return FAILED
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
        return FAILED
    return FAILED


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _call(exc: BaseException, frame: dict[str, Any]) -> Any:
    """A call that failed before the callee ran."""
    function = frame.get("f")
    text = str(exc.args[0]) if exc.args else ""
    if (
        isinstance(function, type)
        and is_guest_class(function)
        and text.endswith("takes no arguments")
    ):
        return object.__new__(function)
    if text.endswith("object is not callable"):
        exc.args = (f"'{type_name(function)}' object isn't callable",)
        return FAILED
    if type(function) is types.BuiltinFunctionType:
        better = None
        if _COUNTS.search(text) is None:
            better = method_error(function.__self__, function.__name__, _positional(frame))
        if better is not None:
            exc.args = (better,)
            raised_by_guest(exc)
        return FAILED
    target = _binding_target(function)
    if target is None or target[0].__name__ + "()" not in text:
        return FAILED
    positional, named = _arguments(frame)
    callee, bound = target
    if is_guest_function(callee):
        better = binding_error(callee, bound + positional, named)
    else:
        better = native_binding_error(callee, bound + positional, named)
    if better is not None:
        exc.args = (better,)
        raised_by_guest(exc)
    return FAILED


def _binding_target(function: Any) -> tuple[types.FunctionType, int] | None:
    """The host function that was to be called, and how many arguments came before."""
    bound = 0
    if isinstance(function, types.MethodType):
        function, bound = function.__func__, 1
        if isinstance(function, types.FunctionType) and not is_guest_function(function):
            code = function.__code__
            if code.co_argcount and code.co_varnames[0] == "function":  # a wrapped function
                return None
    elif isinstance(function, type) and is_guest_class(function):
        function, bound = getattr(function, "__init__", None), 1
    elif is_guest_class(type(function)):
        function, bound = vars(type(function)).get("__call__"), 1
    return (function, bound) if isinstance(function, types.FunctionType) else None


def _positional(frame: dict[str, Any]) -> tuple[Any, ...]:
    """The positional arguments of the failed call."""
    op, arg = frame["op"], frame.get("arg", 0)
    if op in _STARRED:
        return tuple(frame["args"])
    if arg > (2 if op == _CALL_METHOD else 3):
        return tuple(frame["args"][: arg & 0xFF])
    places = _PLACES_OF_METHOD_ARGUMENTS if op == _CALL_METHOD else _PLACES_OF_ARGUMENTS
    return tuple(frame[name] for name in places[arg])


# Registers that hold the arguments of short calls, by their number.
_PLACES_OF_ARGUMENTS = ((), ("t",), ("x", "t"), ("x", "y", "t"))
_PLACES_OF_METHOD_ARGUMENTS = ((), ("t",), ("y", "t"))


def _arguments(frame: dict[str, Any]) -> tuple[int, list[str]]:
    """How many positional arguments the failed call had, and its keywords."""
    op, arg, args = frame["op"], frame.get("arg", 0), frame.get("args", ())
    if op in _STARRED:
        return len(args), list(frame["x"])
    if op == _CALL_METHOD and arg <= 2:
        extra = int((frame.get("t") if arg == 0 else frame.get("x")) is not NULL)
        return arg + extra, []
    if op != _CALL_METHOD and arg <= 3:
        return arg, []
    count = arg & 0xFF
    if op == _CALL_METHOD and frame.get("x") is not NULL:
        count += 1
    return count, list(args[count::2])


_COUNTS = re.compile(r"(expected|takes) .*argument")
"""Texts about the number of arguments, which is checked before the arguments are."""

_CALL_METHOD, _STARRED = 0x36, (0x35, 0x37)


def binding_error(function: types.FunctionType, given: int, named: list[str]) -> str | None:
    """MicroPython's text for arguments that do not fit a guest function.

    Source: MicroPython py/bc.c, mp_setup_code_state.
    """
    code = function.__code__
    n_free = len(code.co_freevars)
    n_pos = code.co_argcount + n_free
    given += n_free
    defaults = len(function.__defaults__ or ())
    kwdefaults = function.__kwdefaults__ or {}
    keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    if given > n_pos and not code.co_flags & _VARARGS:
        return _takes(function, n_pos, given)
    if not named and not kwdefaults:
        if given < n_pos - defaults:
            return _takes(function, n_pos - defaults, given)
        return "function missing keyword-only argument" if keyword_only else None
    names = (*code.co_varnames[: code.co_argcount], *keyword_only)
    filled = set(range(min(given, n_pos) - n_free))
    for name in named:
        if name in names:
            slot = names.index(name)
            if slot in filled:
                return f"function got multiple values for argument '{name}'"
            filled.add(slot)
        elif not code.co_flags & _VARKEYWORDS:
            return f"unexpected keyword argument '{name}'"
    for slot in reversed(range(code.co_argcount - defaults)):
        if slot not in filled:
            return f"function missing required positional argument #{slot + n_free}"
    for slot, name in enumerate(keyword_only, code.co_argcount):
        if slot not in filled and name not in kwdefaults:
            return f"function missing required keyword argument '{name}'"
    return None


_VARARGS, _VARKEYWORDS = 0x04, 0x08


def _takes(function: types.FunctionType, wanted: int, given: int) -> str:
    return f"{function.__name__}() takes {wanted} positional arguments but {given} were given"


def native_binding_error(function: types.FunctionType, given: int, named: list[str]) -> str | None:
    """MicroPython's text for arguments that do not fit a function of the runtime.

    Source: MicroPython py/argcheck.c, mp_arg_check_num_sig.
    """
    code = function.__code__
    most = code.co_argcount
    least = most - len(function.__defaults__ or ())
    if code.co_flags & _VARARGS:
        refuses = named and not code.co_flags & _VARKEYWORDS and not code.co_kwonlyargcount
        return "function doesn't take keyword arguments" if refuses else None
    if named and not code.co_kwonlyargcount:
        return "function doesn't take keyword arguments"
    if least == most:
        if given != most:
            return f"function takes {most} positional arguments but {given} were given"
    elif given < least:
        return f"function missing {least - given} required positional arguments"
    elif given > most:
        return f"function expected at most {most} arguments, got {given}"
    return None
