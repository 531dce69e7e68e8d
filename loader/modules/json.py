"""Guest module `json`: MicroPython's spacing, its forgiving reader and its errors.

Text that strict JSON allows is read by the host's parser; for the rest, and for what
the host would accept and the device not, the device's reader is followed.

Source: MicroPython extmod/modjson.c (behaviour).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from loader.modules.native import (
    REQUIRED,
    buffer_of,
    check_count,
    function,
    os_error,
    parse_args,
    text_of,
)
from loader.modules.streams import IOBase, is_stream, stream_read, stream_write_all

if TYPE_CHECKING:
    from loader.vm import VM

_SYNTAX = "syntax error in JSON"
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in map(chr, range(32))} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_PLAIN = re.compile(r'[^\x00-\x1f"\\]*').fullmatch
"""Whether a text needs no escapes."""
_WORDS = {ord("n"): (b"ull", None), ord("t"): (b"rue", True), ord("f"): (b"alse", False)}
_SHORT = {ord("b"): 8, ord("f"): 12, ord("n"): 10, ord("r"): 13, ord("t"): 9}
_SPACE = b" \t\n\r\v\f"
_DIGITS = b"0123456789"
_DUMP = (("obj", REQUIRED), ("separators", None))


class _Writer:
    """Renders values; pieces go out in the order the device prints them."""

    def __init__(self, vm: VM, separators: Any, by_char: bool = False) -> None:
        self.vm = vm
        self.by_char = by_char  # strings go out a character at a time, which a stream can see
        self.item, self.key = ", ", ": "
        if separators is not None:
            if not isinstance(separators, (tuple, list)):
                name = vm.type_name(separators)
                raise TypeError(f"object '{name}' isn't a tuple or list")
            if len(separators) != 2:
                raise ValueError(f"requested length 2 but object has length {len(separators)}")
            for text in separators:
                if not isinstance(text, str):
                    name = vm.type_name(text)
                    raise TypeError(f"can't convert '{name}' object to str implicitly")
            self.item, self.key = separators
        self.pieces: list[str] = []

    def write(self, value: Any) -> None:
        put = self.pieces.append
        kind = type(value)
        if kind is str:
            self._text(value)
        elif kind is int:
            put(str(value))
        elif value is None or value is True or value is False:
            put({None: "null", True: "true", False: "false"}[value])
        elif kind is bytes:
            self._text(value.decode("utf-8", "surrogateescape"))
        elif kind in (list, tuple):
            self._sequence(value)
        elif self.vm.is_guest_class(kind) and self._has_own_text(kind):
            put(self.vm.repr(value))
        elif isinstance(value, dict):
            self._mapping(value)
        elif isinstance(value, list):
            self._sequence(value)
        elif isinstance(value, BaseException):
            self._sequence(value.args)
        else:
            put(self.vm.repr(value))

    def _has_own_text(self, kind: type) -> bool:
        guest = [each for each in kind.__mro__ if self.vm.is_guest_class(each)]
        return any("__repr__" in each.__dict__ for each in guest)

    def _text(self, text: str) -> None:
        if self.by_char:
            put = self.pieces.append
            put('"')
            for char in text:
                if char in '"\\':
                    put("\\")
                    put(char)
                else:
                    put(_ESCAPES.get(ord(char), char))
            put('"')
        else:
            self.pieces.append(f'"{text}"' if _PLAIN(text) else f'"{text.translate(_ESCAPES)}"')

    def _sequence(self, values: Any) -> None:
        put, between = self.pieces.append, ""
        put("[")
        for value in values:
            if between:
                put(between)
            between = self.item
            self.write(value)
        put("]")

    def _mapping(self, mapping: dict[Any, Any]) -> None:
        put, between = self.pieces.append, ""
        put("{")
        for key in self.vm.iterate(mapping):
            if between:
                put(between)
            between = self.item
            if isinstance(key, (str, bytes)):
                self.write(key)
            else:
                put('"')
                self.write(key)
                put('"')
            put(self.key)
            self.write(mapping[key])
        put("}")


class _Source:
    """Bytes to parse, one of them looked ahead; -1 after the end."""

    def __init__(self, data: bytes | None, stream: Any = None) -> None:
        self._data = data
        self._stream = stream
        self._at = 0
        self.current = -1
        self.advance()

    def advance(self) -> int:
        """Move on by one byte and return it."""
        if self._data is None:
            char = stream_read(self._stream, 1)
            self.current = char[0] if char else -1
        elif self._at < len(self._data):
            self.current = self._data[self._at]
            self._at += 1
        else:
            self.current = -1
        return self.current


def _encode(code: int) -> bytes:
    """A character of an escape; what bad digits make of it has no meaning, as on the device."""
    return chr(code % 0x110000).encode("utf-8", "surrogatepass")


def _string(source: _Source) -> str:
    text = bytearray()
    while source.current not in (-1, 0x22):
        char = source.current
        if char == 0x5C:
            char = source.advance()
            if char == ord("u"):
                number = 0
                for _ in range(4):
                    digit = (source.advance() | 0x20) - 0x30
                    if digit > 9:
                        digit -= 39
                    number = number << 4 | digit
                text += _encode(number)
                source.advance()
                continue
            char = _SHORT.get(char, char)
        if char < 0:
            break
        text.append(char)
        source.advance()
    if source.current == -1:
        raise ValueError(_SYNTAX)
    source.advance()
    try:
        return text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text_of(text)


def _number(source: _Source, first: int) -> int | float:
    text = bytearray([first])
    real = False
    while source.current != -1:
        char = source.current
        if char in b".eE":
            real = True
        elif char not in b"+-0123456789":
            break
        text.append(char)
        source.advance()
    digits = text.decode()
    try:
        return float(digits) if real else int(digits)
    except ValueError:
        if real:
            raise ValueError("invalid syntax for number") from None
        rest = digits[1:] if digits[0] in "+-" else digits
        raise ValueError(f"invalid syntax for integer with base 10: '{rest}'") from None


def _parse(source: _Source) -> Any:
    """One value, and nothing but white space after it."""
    result: Any = REQUIRED
    stack: list[Any] = []
    key: Any = REQUIRED
    while True:
        char = source.current
        if char == -1:
            break
        source.advance()
        if char in b",: \t\n\r":
            continue
        enter = False
        value: Any
        if char in _WORDS:
            rest, value = _WORDS[char]
            for expected in rest:
                if source.current != expected:
                    raise ValueError(_SYNTAX)
                source.advance()
        elif char == 0x22:
            value = _string(source)
        elif char == 0x2D or char in _DIGITS:
            value = _number(source, char)
        elif char in b"[{":
            value, enter = ([] if char == 0x5B else {}), True
        elif char in b"]}":
            if not stack:
                raise ValueError(_SYNTAX)
            stack.pop()
            if not stack:
                break
            continue
        else:
            raise ValueError(_SYNTAX)
        if not stack:
            result = value
            if not enter:
                break
        elif isinstance(stack[-1], list):
            stack[-1].append(value)
        elif key is REQUIRED:
            if enter:
                raise ValueError(_SYNTAX)
            key = value
        else:
            stack[-1][key] = value
            key = REQUIRED
        if enter:
            stack.append(value)
    while source.current != -1 and source.current in _SPACE:
        source.advance()
    if source.current != -1 or result is REQUIRED or stack:
        raise ValueError(_SYNTAX)
    return result


def _refuse(name: str) -> Any:
    raise ValueError(name)


_STRICT = json.JSONDecoder(parse_constant=_refuse, strict=False)


@function(1)
def loads(text: Any) -> Any:
    data = bytes(buffer_of(text))
    try:
        decoded = text if type(text) is str else data.decode()
        if not _SURROGATE.search(decoded):
            return _STRICT.decode(decoded)
    except (ValueError, RecursionError):
        pass  # not strict JSON; the device may still read it, or knows what to say
    return _parse(_Source(data))


@function(1)
def load(stream: Any) -> Any:
    if not is_stream(stream):
        raise os_error("stream operation not supported")
    return _parse(_Source(None, stream))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict; what JSON has no form for is rendered by `vm.repr`."""

    def dumps(*args: Any, **named: Any) -> str:
        check_count(len(args), 1, -1)
        value, separators = parse_args(args, named, _DUMP, 1)
        writer = _Writer(vm, separators)
        writer.write(value)
        return "".join(writer.pieces)

    def dump(*args: Any, **named: Any) -> None:
        check_count(len(args), 2, -1)
        value, stream, separators = parse_args(args, named, (_DUMP[0], *_STREAM, _DUMP[1]), 2)
        if not is_stream(stream):
            raise os_error("stream operation not supported")
        writer = _Writer(vm, separators, isinstance(stream, IOBase))
        writer.write(value)
        for piece in writer.pieces:
            stream_write_all(stream, piece.encode("utf-8", "surrogatepass"))

    return {"dump": dump, "dumps": dumps, "load": load, "loads": loads}


_STREAM = (("stream", REQUIRED),)
