"""Methods of built-in types that MicroPython has otherwise than the host.

Each takes the object first. `natives` makes them attributes of the guest's types.

Source: MicroPython py/objstr.c, py/objint.c, py/objgenerator.c, py/objdict.c.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Any

from loader.formatting import format_string
from loader.order import dict_keys


def str_format(self: str, *args: Any, **named: Any) -> str:
    """`str.format`."""
    return format_string(self, args, named)


def bytes_format(self: bytes, *args: Any, **named: Any) -> bytes:
    """`bytes.format`, which MicroPython shares with str."""
    return format_string(self.decode("latin-1"), args, named).encode("latin-1")


def _ascii_case(table: dict[int, int]) -> Callable[[Any], Any]:
    def convert(self: Any) -> Any:
        return (
            self.translate(table)
            if isinstance(self, str)
            else self.translate(bytes(table.get(i, i) for i in range(256)))
        )

    return convert


str_lower = _ascii_case({c: c + 32 for c in range(65, 91)})
str_upper = _ascii_case({c: c - 32 for c in range(97, 123)})


def _ascii_test(test: Callable[[str], bool]) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        text = self if isinstance(self, str) else self.decode("latin-1")
        return bool(text) and all(ord(char) < 128 and test(char) for char in text)

    return check


def _case_test(good: str, bad: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        text = self if isinstance(self, str) else self.decode("latin-1")
        seen = False
        for char in text:
            if bad[0] <= char <= bad[1]:
                return False
            seen = seen or good[0] <= char <= good[1]
        return seen

    return check


_CASES: dict[str, Callable[..., Any]] = {
    "lower": str_lower,
    "upper": str_upper,
    "isalpha": _ascii_test(str.isalpha),
    "isdigit": _ascii_test(str.isdigit),
    "isspace": _ascii_test(lambda c: c in " \t\n\r\v\f"),
    "isupper": _case_test("AZ", "az"),
    "islower": _case_test("az", "AZ"),
}


def _joined(self: Any, parts: Any) -> Any:
    from loader.semantics import iterate

    items = list(iterate(parts))
    wanted = (str,) if isinstance(self, str) else (bytes, bytearray)
    for item in items:
        if not isinstance(item, wanted):
            raise TypeError("join expects a list of str/bytes objects consistent with self object")
    return self.join(items)


def rsplit(self: Any, sep: Any = None, maxsplit: int = -1) -> Any:
    """`str.rsplit`; without a separator it cannot be limited."""
    if sep is None and maxsplit >= 0:
        raise NotImplementedError("rsplit(None,n)")
    return self.rsplit(sep, maxsplit)


def str_encode(self: str, encoding: str = "utf-8", errors: str = "strict") -> bytes:
    """`str.encode`: UTF-8 whatever the encoding."""
    return self.encode("utf-8", "surrogateescape")


def bytes_decode(self: bytes, encoding: str = "utf-8", errors: str = "strict") -> str:
    """`bytes.decode`: UTF-8 whatever the encoding.

    Raises:
        UnicodeError: It is not valid UTF-8.
    """
    try:
        return self.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise UnicodeError from None


def bytes_hex(self: bytes, sep: Any = None) -> str:
    """`bytes.hex`."""
    if sep is None:
        return self.hex()
    mark = sep if isinstance(sep, str) else bytes(sep).decode("latin-1")
    return mark.join(f"{byte:02x}" for byte in self)


def center(self: Any, width: int) -> Any:
    """`str.center`; the odd space goes to the right."""
    from loader.construct import index

    bare = self.encode("utf-8", "surrogateescape") if isinstance(self, str) else self
    missing = index(width) - len(bare)
    if missing <= 0:
        return self
    blank = " " if isinstance(self, str) else b" "
    return blank * (missing // 2) + self + blank * (missing - missing // 2)


def int_to_bytes(self: int, length: int = 1, byteorder: str = "big", signed: bool = False) -> bytes:
    """`int.to_bytes`."""
    from loader.construct import index

    length = index(length)
    if length < 0:
        raise ValueError
    little = byteorder == "little"
    order: Any = "little" if little else "big"
    if (self < 0 and not signed) or not -(1 << max(8 * length, 1)) <= self < 1 << 8 * length:
        raise OverflowError(f"value would overflow a {length} byte buffer")
    try:
        return self.to_bytes(length, order, signed=self < 0)
    except OverflowError:
        raise OverflowError(f"value would overflow a {length} byte buffer") from None


def int_from_bytes(self: Any, *args: Any, **named: Any) -> int:
    """`int.from_bytes`."""
    from loader.modules.native import buffer_of

    if not args:
        raise TypeError("function missing 1 required positional arguments")
    data = args[0].encode() if isinstance(args[0], str) else bytes(buffer_of(args[0]))
    order = args[1] if len(args) > 1 else named.get("byteorder", "big")
    signed = args[2] if len(args) > 2 else named.get("signed", False)
    return int.from_bytes(data, "little" if order == "little" else "big", signed=bool(signed))


def bytearray_append(self: bytearray, value: Any) -> None:
    """`bytearray.append`: keeps the low byte."""
    from loader.construct import index

    self.append(index(value) & 0xFF)


def generator_throw(self: Any, kind: Any, value: Any = None, trace: Any = None) -> Any:
    """`generator.throw`; a finished one ends again, whatever is thrown."""
    from loader.semantics import exception_from

    exc = exception_from(kind if value is None else value)
    if self.gi_frame is None:
        raise StopIteration
    if isinstance(exc, GeneratorExit):
        return _closing(self, self.throw, exc)
    return self.throw(exc)


def generator_close(self: Any) -> None:
    """`generator.close`."""
    _closing(self, self.close)


def _closing(generator: Any, end: Callable[..., Any], *args: Any) -> Any:
    """End a generator in such a way that its handlers run."""
    from loader.loops_support import CLOSING

    CLOSING.append(generator)
    try:
        return end(*args)
    finally:
        CLOSING.pop()


def generator_pend_throw(self: Any, value: Any) -> Any:
    """`generator.pend_throw`: have it raise when it is resumed next."""
    from loader.loops_support import PENDING

    if self.gi_running:
        raise ValueError("generator already executing")
    old = PENDING.pop(self, None)
    if value is not None:
        PENDING[self] = value
    return old


def dict_popitem(self: dict[Any, Any]) -> tuple[Any, Any]:
    """`dict.popitem`: the first slot in use."""
    if not self:
        raise KeyError("popitem(): dictionary is empty")
    key = dict_keys(self)[0]
    return key, self.pop(key)


def dict_pop(self: dict[Any, Any], key: Any, *default: Any) -> Any:
    """`dict.pop`."""
    if key in self:
        return self.pop(key)
    if default:
        return default[0]
    raise KeyError(key)


def dict_copy(self: dict[Any, Any]) -> dict[Any, Any]:
    """`dict.copy`."""
    return dict(self)


def dict_update(self: dict[Any, Any], *args: Any, **named: Any) -> None:
    """`dict.update`."""
    from loader.construct import fill_dict

    fill_dict(self, args, named)


def dict_fromkeys(self: Any, keys: Any, value: Any = None) -> dict[Any, Any]:
    """`dict.fromkeys`."""
    from loader.semantics import iterate

    return dict.fromkeys(iterate(keys), value)


def list_extend(self: list[Any], items: Any) -> None:
    """`list.extend`."""
    from loader.semantics import iterate

    self.extend(iterate(items))


def list_sort(
    self: list[Any], *args: Any, key: Any = None, reverse: Any = False, **named: Any
) -> None:
    """`list.sort`."""
    from loader.construct import callable_for

    if args:
        raise TypeError("extra positional arguments given")
    if named:
        raise TypeError("extra keyword arguments given")
    sort_list(self, callable_for(key), bool(reverse))


def sort_list(items: list[Any], key: Any, reverse: bool) -> None:
    """Sort in place.

    Raises:
        TypeError: Two items cannot be compared; MicroPython compares them the other way
            round than the host.
    """
    try:
        items.sort(key=key, reverse=reverse)
    except TypeError as error:
        found = _NOT_COMPARABLE.fullmatch(str(error))
        if found is None:
            raise
        swapped = f"unsupported types for __lt__: '{found[2]}', '{found[1]}'"
        raise TypeError(swapped) from None


_NOT_COMPARABLE = re.compile(r"'<' not supported between instances of '(.+)' and '(.+)'")


def set_union(self: Any, other: Any) -> Any:
    """`set.union`, of exactly one other."""
    return self.union(other)


def set_intersection(self: Any, other: Any) -> Any:
    """`set.intersection`, of exactly one other."""
    return self.intersection(other)


def set_pop(self: set[Any]) -> Any:
    """`set.pop`: the first slot in use."""
    from loader.order import set_items

    if not self:
        raise KeyError("pop from an empty set")
    item = set_items(self)[0]
    self.remove(item)
    return item


def function_globals(self: types.FunctionType) -> dict[str, Any]:
    """`function.__globals__`."""
    return self.__globals__


METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    int: {"to_bytes": int_to_bytes, "from_bytes": int_from_bytes},
    str: {**_CASES, "format": str_format, "join": _joined, "encode": str_encode,
          "center": center, "rsplit": rsplit},
    bytes: {**_CASES, "format": bytes_format, "join": _joined, "decode": bytes_decode,
            "hex": bytes_hex, "center": center, "rsplit": rsplit},
    bytearray: {**_CASES, "format": bytes_format, "join": _joined, "decode": bytes_decode,
                "hex": bytes_hex, "center": center, "rsplit": rsplit, "append": bytearray_append},
    memoryview: {"hex": bytes_hex},
    list: {"sort": list_sort},
    dict: {"popitem": dict_popitem, "fromkeys": dict_fromkeys, "update": dict_update},
    set: {"union": set_union, "intersection": set_intersection},
    frozenset: {"union": set_union, "intersection": set_intersection},
    types.GeneratorType: {"throw": generator_throw, "pend_throw": generator_pend_throw,
                          "close": generator_close},
}  # fmt: skip
