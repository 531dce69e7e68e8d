"""Why a method of a built-in type refused its arguments, as MicroPython says it.

The host checks the same things in another order and with other words, so after a failed
call the arguments are looked at again.

Source: MicroPython py/objstr.c, py/objlist.c, py/obj.c (mp_get_index).
"""

from __future__ import annotations

from typing import Any

from loader.text import type_name

# How many arguments are texts; those that follow are positions.
_TEXTS = {
    "find": 1, "rfind": 1, "index": 1, "rindex": 1, "count": 1, "startswith": 1, "endswith": 1,
    "replace": 2, "split": 1, "rsplit": 1, "strip": 1, "lstrip": 1, "rstrip": 1,
    "partition": 1, "rpartition": 1,
}  # fmt: skip
_NONE_IS_DEFAULT = ("split", "rsplit")
_COUNTED = ("replace", "split", "rsplit")
_TYPES: dict[type, str] = {
    str: "string",
    bytes: "bytes",
    bytearray: "bytearray",
    list: "list",
    tuple: "tuple",
}


def method_error(owner: Any, name: str, args: tuple[Any, ...]) -> str | None:
    """The text for a call that raised TypeError; None if the host's is as good.

    Args:
        owner: The object.
        name: The method.
        args: Its positional arguments.
    """
    kind = type(owner)
    if kind in (list, tuple):
        return _position(kind, _positions_of_sequence(name, args))
    if kind not in _TYPES or name not in _TEXTS:
        return None
    texts = _TEXTS[name]
    if name.endswith("with"):  # positions come first here
        found = _position(kind, args[1:])
        if found is not None:
            return found
    elif name in _NONE_IS_DEFAULT and len(args) > 1 and not isinstance(args[1], int):
        return f"can't convert {type_name(args[1])} to int"
    for text in args[:texts]:
        if text is None and name in _NONE_IS_DEFAULT:
            continue
        for item in text if isinstance(text, tuple) and name.endswith("with") else (text,):
            found = _not_text(kind, item)
            if found is not None:
                return found
    if name in _COUNTED:
        wrong = next((a for a in args[texts:] if not isinstance(a, int)), None)
        return None if wrong is None else f"can't convert {type_name(wrong)} to int"
    return _position(kind, args[texts:])


def _not_text(kind: type, text: Any) -> str | None:
    if kind is str:
        if isinstance(text, str):
            return None
    elif isinstance(text, bytes | bytearray | memoryview):
        return None
    elif isinstance(text, str):
        return "can't convert 'str' object to bytes implicitly"
    return f"can't convert '{type_name(text)}' object to str implicitly"


def _positions_of_sequence(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if name == "index":
        return args[1:]
    return args[:1] if name == "pop" else ()


def _position(kind: type, args: tuple[Any, ...]) -> str | None:
    for value in args:
        if value is None and kind is not list and kind is not tuple:
            continue
        if not isinstance(value, int):
            return f"{_TYPES[kind]} indices must be integers, not {type_name(value)}"
    return None
