# ruff: noqa: E501 - the rules are a table, one a line
"""Texts of exceptions the host raises by itself, turned into MicroPython's.

A rule is a pattern for the host's text and what MicroPython says instead; `\\1` stands for a
group of the pattern, `<1>` for one that names a type, `+1` for a count to which MicroPython
adds one because it counts `self`. Texts that match nothing are MicroPython's already.

Source: MicroPython py/runtime.c, py/obj.c, py/argcheck.c, py/bc.c; texts checked on the unix
build of 1.29.
"""

from __future__ import annotations

import functools
import re

_SYMBOLS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
    "@": "matmul", "<<": "lshift", ">>": "rshift", "&": "and", "|": "or", "^": "xor",
    "** or pow()": "pow", "**": "pow", "divmod()": "divmod",
    "<": "lt", ">": "gt", "<=": "le", ">=": "ge",
    "unary +": "pos", "unary -": "neg", "unary ~": "invert", "** or **=": "ipow",
}  # fmt: skip
"""Host's spelling of an operator -> its special method; `op=` adds an i."""

_TYPES = {
    "builtin_function_or_method": "function", "method": "bound_method",
    "dict_keys": "dict_view", "dict_values": "dict_view", "dict_items": "dict_view",
    "list_iterator": "iterator", "tuple_iterator": "iterator", "str_iterator": "iterator",
    "range_iterator": "iterator", "str_ascii_iterator": "iterator",
    "wrapper_descriptor": "function", "method_descriptor": "function",
    "method-wrapper": "bound_method", "functools.partial": "function", "byte": "bytes", "array.array": "array",
}  # fmt: skip
"""Host's name of a type -> the guest's."""

Rules = tuple[tuple[str, str], ...]

_SEQUENCE = "list|tuple|string|bytearray|range|byte|array|memoryview"
_TO_STR = "can't convert '<1>' object to str implicitly"
_JOIN = "join expects a list of str/bytes objects consistent with self object"
_BUFFER = "object with buffer protocol required"

_TYPE_ERROR: Rules = (
    (r"unsupported operand type\(s\) for (.+): '(.+)' and '(.+)'", "unsupported types for @1: '<2>', '<3>'"),
    (r"'(<|>|<=|>=)' not supported between instances of '(.+)' and '(.+)'", "unsupported types for @1: '<2>', '<3>'"),
    (r"bad operand type for (unary .): '(.+)'", "unsupported type for @1: '<2>'"),
    (r"bad operand type for abs\(\): '(.+)'", "unsupported type for __abs__: '<1>'"),
    (r'can only concatenate (\w+) \(not "(.+)"\) to \w+', "unsupported types for __add__: '<1>', '<2>'"),
    (r"can't concat (.+) to (.+)", "unsupported types for __add__: '<2>', '<1>'"),
    (r"can't multiply sequence by non-int of type '(.+)'", "unsupported types for __mul__: 'list', '<1>'"),
    (r"'(.+)' object is not callable", "'<1>' object isn't callable"),
    (r"'(.+)' object is not iterable", "'<1>' object isn't iterable"),
    (r"cannot unpack non-iterable (.+) object", "'<1>' object isn't iterable"),
    (r"argument of type '(.+)' is not iterable", "'<1>' object isn't iterable"),
    (r"'(.+)' object is not an iterator", "'<1>' object isn't an iterator"),
    (r"iter\(\) returned non-iterator of type '(.+)'", "'<1>' object isn't an iterator"),
    (r"'(.+)' object is not subscriptable", "'<1>' object isn't subscriptable"),
    (r"'(.+)' object does(?: not|n't) support item (assignment|deletion)", r"'<1>' object doesn't support item \2"),
    (r"type '.+' is not subscriptable", "'type' object isn't subscriptable"),
    (r"unhashable type: '(.+)'", "unsupported type for __hash__: '<1>'"),
    (r"object of type '(.+)' has no len\(\)", "object of type '<1>' has no len()"),
    (r"'(.+)' object is not reversible", "object of type '<1>' has no len()"),
    (
        rf"({_SEQUENCE}) (?:object )?(?:index|indices) must be integers(?: or slices)?, not '?(.+?)'?",
        "<1> indices must be integers, not <2>",
    ),
    (r"'(.+)' object (?:cannot|can't) be interpreted as an integer", "can't convert <1> to int"),
    (r"must be real number, not (.+)", "can't convert <1> to float"),
    (r"exceptions must be classes or instances deriving from BaseException, not .*", "exceptions must derive from BaseException"),
    (r"__init__\(\) should return None, not '(.+)'", "__init__() should return None, not '<1>'"),
    (r"'in <string>' requires string as left operand, not (.+)", _TO_STR),
    (r"sequence item \d+: expected .+ found", _JOIN),
    (r"a bytes-like object is required, not '(.+)'", _BUFFER),
    (r"(?:can|could) (?:only|not) .*bytes-like object.*", _BUFFER),
    (r"cannot modify read-only memory", "'memoryview' object doesn't support item assignment"),
    (r"(?:\w+\(\) )?(?:argument \d+ |first arg )?must be str(?: or a tuple of str| or None)?, not (.+)", _TO_STR),
    (r"(?:starts|ends)with first arg must be \w+ or a tuple of (bytes|str), not (.+)", r"can't convert '<2>' object to \1 implicitly"),
    (r"argument should be integer or bytes-like object, not '(.+)'", "can't convert '<1>' object to bytes implicitly"),
    (r"slice indices must be integers or None or have an __index__ method", "string indices must be integers, not str"),
    (r"\w*strip arg must be None or (?:str|bytes)", "can't convert 'int' object to str implicitly"),
    (r"not all arguments converted during string formatting", "format string didn't convert all arguments"),
    (r".*takes no keyword arguments", "function doesn't take keyword arguments"),
)  # fmt: skip

_NATIVE = r"(?:list|dict|str|bytes|bytearray|tuple|set|frozenset|int|generator)\.\w+\(\) "
_NAMED = r"(?:.*\.)?\w+\(\) "
_TAKES = "function takes {} positional arguments but {} were given"

_ARGUMENTS: Rules = (
    (_NATIVE + r"takes exactly one argument \((\d+) given\)", _TAKES.format("2", "+1")),
    (_NATIVE + r"takes no arguments \((\d+) given\)", _TAKES.format("1", "+1")),
    (_NATIVE + r"takes exactly (\d+) (?:positional )?arguments? \((\d+) given\)", _TAKES.format("+1", "+2")),
    (_NATIVE + r"takes at most (\d+) (?:positional )?arguments? \((\d+) given\)", "function expected at most +1 arguments, got +2"),
    (r"(?!function )\w+ expected at most (\d+) arguments?, got (\d+)", "function expected at most +1 arguments, got +2"),
    (r"(?!function )\w+ expected at least (\d+) arguments?, got (\d+)", "function missing -1-2 required positional arguments"),
    (r" ?expected (\d+) arguments?, got (\d+)", _TAKES.format("+1", "+2")),
    (r"(?!function )\w+ expected (\d+) arguments?, got (\d+)", _TAKES.format("+1", "+2")),
    (_NAMED + r"takes (?:from \d+ to )?(\d+) positional arguments? but (\d+) .*(?:was|were) given", _TAKES.format(r"\1", r"\2")),
    (_NAMED + r"takes exactly one argument \((\d+) given\)", _TAKES.format("1", r"\1")),
    (_NAMED + r"takes no arguments \((\d+) given\)", _TAKES.format("0", r"\1")),
    (_NAMED + r"takes exactly (\d+) (?:positional )?arguments? \((\d+) given\)", _TAKES.format(r"\1", r"\2")),
    (_NAMED + r"takes at most (\d+) (?:positional )?arguments? \((\d+) given\)", r"function expected at most \1 arguments, got \2"),
    (_NAMED + r"takes at least (\d+) (?:positional )?arguments? \((\d+) given\)", "function missing -1-2 required positional arguments"),
    (_NAMED + r"got an unexpected keyword argument '(.*)'", r"unexpected keyword argument '\1'"),
    (_NAMED + r"got multiple values for (?:keyword )?argument '(.*)'", r"function got multiple values for argument '\1'"),
    (_NAMED + r"missing \d+ required keyword-only arguments?: '(.+?)'.*", r"function missing required keyword argument '\1'"),
)  # fmt: skip

_VALUE_ERROR: Rules = (
    (r"not enough values to unpack \(expected (?:at least )?\d+, got (\d+)\)", r"need more than \1 values to unpack"),
    (r"list\.remove\(x\): x not in list", "object not in sequence"),
    (r".* is not in (?:list|tuple|sequence|range)", "object not in sequence"),
    (r"\w+\.index\(x\): x not in \w+", "object not in sequence"),
    (r"(?:substring|subsection) not found", "substring not found"),
    (r"memoryview assignment: lvalue and rvalue have different structures", "lhs and rhs should be compatible"),
    (r"non-hexadecimal number found.*", "non-hex digit"),
    (r"slice step cannot be zero", "slice step can't be zero"),
    (r"range\(\) arg 3 must not be zero", "zero step"),
    (r"bytes? must be in range\(0, 256\)", "bytes value out of range"),
    (r"invalid literal for int\(\) with base (\d+): (.*)", r"invalid syntax for integer with base \1: \2"),
    (r"could not convert string to float: .*", "invalid syntax for number"),
    (r"pow\(\) 3rd argument cannot be 0", "divide by zero"),
    (r"cannot convert float NaN to integer", "can't convert NaN to int"),
)  # fmt: skip

_INDEX_ERROR: Rules = (
    (r"(list|tuple|bytearray|array) (?:assignment )?index out of range", r"\1 index out of range"),
    (r"index out of range", "bytes index out of range"),
    (r"range object index out of range", "range index out of range"),
    (r"pop index out of range", "list index out of range"),
    (r"index out of bounds on dimension 1", "memoryview index out of range"),
)

_UNASSIGNED = "local variable referenced before assignment"
_NAME_ERROR: Rules = (
    (r"name '(.+)' is not defined.*", r"name '\1' isn't defined"),
    (r"cannot access (?:local|free) variable .*", _UNASSIGNED),
    (r"free variable .*", _UNASSIGNED),
    (r"local variable .* referenced before assignment", _UNASSIGNED),
)

_ATTRIBUTE_ERROR: Rules = (
    (r"'(.+)' object has no attribute '(.+)'", r"'<1>' object has no attribute '\2'"),
    (r"property '.+' of '.+' object has no getter", "unreadable attribute"),
    (r"property '(.+)' of '(.+)' object has no \w+", r"'\2' object has no attribute '\1'"),
)

_WORD = "overflow converting long int to machine word"
_OVERFLOW_ERROR: Rules = (
    (r"cannot convert float infinity to integer", "can't convert inf to int"),
    (r"cannot fit 'int' into an index-sized integer", _WORD),
    (r"(?:Python )?int too (?:big|large) to convert(?: to .*)?", _WORD),
    (r"too many digits in integer|shift count too large", _WORD),
    (r".*signed .* is (?:greater|less) than (?:maximum|minimum)", _WORD),
)

_RUNTIME_ERROR: Rules = (
    (r"maximum recursion depth exceeded.*", "maximum recursion depth exceeded"),
    (r"No active exception to reraise", "no active exception to reraise"),
)

_ZERO_DIVISION: Rules = ((r"(?!complex divide|0\.0 to a complex).*", "divide by zero"),)

_RULES: dict[str, Rules] = {
    "TypeError": _ARGUMENTS + _TYPE_ERROR,
    "ValueError": _VALUE_ERROR,
    "IndexError": _INDEX_ERROR,
    "NameError": _NAME_ERROR,
    "AttributeError": _ATTRIBUTE_ERROR,
    "OverflowError": _OVERFLOW_ERROR,
    "RuntimeError": _RUNTIME_ERROR,
    "ZeroDivisionError": _ZERO_DIVISION,
}

_SLOT = re.compile(r"<(\d)>|@(\d)|\+(\d)|-(\d)-(\d)|\\(\d)")


@functools.cache
def _compiled(kind: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    rules = _RULES.get(kind, ())
    return tuple((re.compile(pattern, re.DOTALL), text) for pattern, text in rules)


def convert(kind: type[BaseException], text: str) -> str:
    """MicroPython's text for one of the host's; others pass unchanged.

    Args:
        kind: Class of the exception.
        text: Its only argument.
    """
    for pattern, template in _compiled(kind.__name__):
        match = pattern.fullmatch(text)
        if match is not None:
            return _SLOT.sub(functools.partial(_fill, match), template)
    return text


def _fill(match: re.Match[str], slot: re.Match[str]) -> str:
    kind, symbol, more, least, given, plain = slot.groups()
    if kind:
        return _TYPES.get(match[int(kind)], match[int(kind)])
    if symbol:
        return _method(match[int(symbol)])
    if more:
        return str(int(match[int(more)]) + 1)
    if least:
        return str(int(match[int(least)]) - int(match[int(given)]))
    return str(match[int(plain)])


def _method(symbol: str) -> str:
    found = _SYMBOLS.get(symbol)
    if found is None and symbol.endswith("="):
        found = "i" + _SYMBOLS.get(symbol[:-1], symbol)
    return f"__{found}__" if found else symbol
