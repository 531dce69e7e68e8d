"""Guest module `re`: MicroPython's small regular expressions.

They match bytes (a str as its UTF-8), know few escapes and stop replacing at an empty
match. A pattern is parsed as the device parses it and becomes one of the host's, which
backtracks in the same order.

Source: MicroPython extmod/modre.c, lib/re1.5 (behaviour).
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from loader.modules.native import (
    address_text,
    check_count,
    get_int,
    get_str,
    text_of,
    type_name,
    utf8,
)

if TYPE_CHECKING:
    from loader.vm import VM

_TOO_COMPLEX = "regex too complex"
_CLASSES = b"dDsSwW"
_ANY = rb"[\x00-\xff]"


class _Compiled(NamedTuple):
    pattern: re.Pattern[bytes]
    endless: bool  # a loop around what may match nothing, on which the device runs out of stack


class _Parser:
    """Parses one pattern, left to right, into the host's syntax."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.at = 0
        self.endless = False

    def peek(self, ahead: int = 0) -> int:
        """The byte `ahead` of the current one; 0 at the end, as in C."""
        at = self.at + ahead
        return self.source[at] if at < len(self.source) else 0

    def parse(self) -> bytes:
        text, _ = self.alternatives()
        if self.at < len(self.source):
            raise ValueError("error in regex")
        return text

    def alternatives(self) -> tuple[bytes, bool]:
        """The text up to `)` or the end, and whether it may match nothing."""
        branches: list[bytes] = []
        branch: list[tuple[bytes, bool]] = []
        nullable = False
        repeatable = False  # whether there is a term a repetition may apply to
        while char := self.peek():
            if char == 0x29:
                break
            if char == 0x7C:
                branches.append(b"".join(text for text, _ in branch))
                nullable |= all(empty for _, empty in branch)
                branch, repeatable = [], False
                self.at += 1
            elif char in b"*+?":
                if not repeatable:
                    raise ValueError(_TOO_COMPLEX)
                branch[-1] = self.repeat(char, *branch[-1])
                repeatable = False
            elif char in b"^$":
                branch.append((rb"\A" if char == 0x5E else rb"\Z", True))
                repeatable = False
                self.at += 1
            else:
                branch.append(self.term(char))
                repeatable = True
        branches.append(b"".join(text for text, _ in branch))
        nullable |= all(empty for _, empty in branch)
        return b"|".join(branches), nullable

    def repeat(self, char: int, text: bytes, nullable: bool) -> tuple[bytes, bool]:
        self.at += 1
        lazy = self.peek() == 0x3F
        if lazy:
            self.at += 1
        if nullable and char != 0x3F and not lazy:
            self.endless = True
        return text + bytes([char]) + b"?" * lazy, nullable or char != 0x2B

    def term(self, char: int) -> tuple[bytes, bool]:
        if char == 0x28:
            return self.group()
        self.at += 1
        if char == 0x5B:
            return self.char_class(), False
        if char == 0x2E:
            return _ANY, False
        if char == 0x5C:
            char = self.peek()
            if not char:
                raise ValueError(_TOO_COMPLEX)
            self.at += 1
            if char in _CLASSES:
                return b"\\" + bytes([char]), False
        return re.escape(bytes([char])), False

    def group(self) -> tuple[bytes, bool]:
        opening = b"("
        self.at += 1
        if self.peek() == 0x3F:
            if self.peek(1) != 0x3A:
                raise ValueError(_TOO_COMPLEX)
            opening = b"(?:"
            self.at += 2
        text, nullable = self.alternatives()
        if self.peek() != 0x29:
            raise ValueError(_TOO_COMPLEX)
        self.at += 1
        return opening + text + b")", nullable

    def char_class(self) -> bytes:
        negated = self.peek() == 0x5E
        if negated:
            self.at += 1
        items = []
        while self.peek() != 0x5D or self.at >= len(self.source):
            first = self.peek()
            if first == 0x5C:
                self.at += 1
                first = self.peek()
                if first and first in _CLASSES:
                    items.append(b"\\" + bytes([first]))
                    self.at += 1
                    continue
            if not first:
                raise ValueError(_TOO_COMPLEX)
            last = first
            if self.peek(1) == 0x2D and self.peek(2) != 0x5D:
                self.at += 2
                last = self.peek()
            self.at += 1
            if first <= last:
                items.append(b"\\x%02x-\\x%02x" % (first, last))
        self.at += 1
        if not items:
            return _ANY if negated else b"(?!)"
        return b"[" + b"^" * negated + b"".join(items) + b"]"


@functools.lru_cache(maxsize=128)
def _compile(source: bytes) -> _Compiled:
    parser = _Parser(source)
    text = parser.parse()
    return _Compiled(re.compile(text, re.DOTALL), parser.endless)


class _Subject:
    """A str or bytes being matched."""

    def __init__(self, obj: Any) -> None:
        self.is_text = isinstance(obj, str)
        if not isinstance(obj, (str, bytes, bytearray)):
            raise TypeError(f"can't convert '{type_name(obj)}' object to str implicitly")
        self.obj: Any = obj
        self.data = utf8(obj) if isinstance(obj, str) else bytes(obj)

    def part(self, data: bytes) -> Any:
        return text_of(data) if self.is_text else data

    def offset(self, position: Any) -> int:
        """Bytes before a position given in characters, clamped."""
        index = get_int(position)
        if not self.is_text:
            return max(0, min(index, len(self.data)))
        return len(utf8(self.obj[: max(0, index)]))


class Match:
    """A match; the unix build offers nothing but `group`."""

    def __init__(self, found: re.Match[bytes], subject: _Subject) -> None:
        self._found = found
        self._subject = subject

    def group(self, *args: Any) -> Any:
        check_count(len(args) + 1, 2, 2)
        number = get_int(args[0])
        if not 0 <= number <= self._found.re.groups:
            raise IndexError(number)
        part = self._found.group(number)
        return None if part is None else self._subject.part(part)

    def _guest_repr_(self) -> str:
        return f"<match num={self._found.re.groups + 1}>"


class Regex:
    """A compiled pattern."""

    def __init__(self, source: Any) -> None:
        data = bytes(source) if isinstance(source, bytearray) else utf8(get_str(source))
        self._compiled = _compile(data.split(b"\0")[0])

    def _run(self, how: str, subject: _Subject, *where: int) -> re.Match[bytes] | None:
        if self._compiled.endless:
            raise RuntimeError("maximum recursion depth exceeded")
        run = getattr(self._compiled.pattern, how)
        found: re.Match[bytes] | None = run(subject.data, *where)
        return found

    def _find(self, how: str, args: tuple[Any, ...]) -> Match | None:
        subject = _Subject(args[0])
        where = [subject.offset(position) for position in args[1:3]]
        found = self._run(how, subject, *where)
        return None if found is None else Match(found, subject)

    def match(self, *args: Any) -> Match | None:
        check_count(len(args) + 1, 2, 4)
        return self._find("match", args)

    def search(self, *args: Any) -> Match | None:
        check_count(len(args) + 1, 2, 4)
        return self._find("search", args)

    def split(self, *args: Any) -> list[Any]:
        check_count(len(args) + 1, 2, 3)
        subject = _Subject(args[0])
        limit = get_int(args[1]) if len(args) == 2 else 0
        parts: list[Any] = []
        at = 0
        while True:
            found = self._run("search", subject, at)
            if found is None or found.start() == found.end():
                break
            if self._compiled.pattern.groups:
                raise NotImplementedError("splitting with sub-captures")
            parts.append(subject.part(subject.data[at : found.start()]))
            at = found.end()
            if limit > 0:
                limit -= 1
                if limit == 0:
                    break
        parts.append(subject.part(subject.data[at:]))
        return parts

    def sub(self, *args: Any) -> Any:
        check_count(len(args) + 1, 3, 5)
        replacement, subject = args[0], _Subject(args[1])
        limit = get_int(args[2]) if len(args) > 2 else 0
        result = bytearray()
        at = 0
        while True:
            found = self._run("search", subject, at)
            if found is None or found.start() == found.end():
                break
            result += subject.data[at : found.start()]
            text = replacement
            if callable(replacement):
                text = replacement(Match(found, subject))
            result += _expand(utf8(get_str(text)), found)
            at = found.end()
            if limit > 0:
                limit -= 1
                if limit == 0:
                    break
        if not at:
            return args[1]
        result += subject.data[at:]
        return subject.part(bytes(result))

    def _guest_repr_(self) -> str:
        return f"<re {address_text(self)}>"


Match.__name__ = Match.__qualname__ = "match"
Regex.__name__ = Regex.__qualname__ = "re"

_REFERENCE = re.compile(rb"\\(?:g<(\d+)>?|(\d+)|(\\))|\\(?=.)|\\$", re.DOTALL)


def _expand(template: bytes, found: re.Match[bytes]) -> bytes:
    """A replacement with its `\\1` and `\\g<1>` filled in."""

    def fill(reference: re.Match[bytes]) -> bytes:
        digits = reference.group(1) or reference.group(2)
        if digits is None:
            return reference.group(3) or b""
        number = int(digits)
        if number > found.re.groups:
            raise IndexError(number)
        return found.group(number) or b""

    return _REFERENCE.sub(fill, template)


def _regex(source: Any) -> Regex:
    return source if isinstance(source, Regex) else Regex(source)


def compile_(*args: Any) -> Regex:
    check_count(len(args), 1, 2)
    return Regex(args[0])


def match(*args: Any) -> Match | None:
    check_count(len(args), 2, 4)
    return _regex(args[0]).match(args[1])


def search(*args: Any) -> Match | None:
    check_count(len(args), 2, 4)
    return _regex(args[0]).search(args[1])


def sub(*args: Any) -> Any:
    check_count(len(args), 3, 5)
    return _regex(args[0]).sub(*args[1:])


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"compile": compile_, "match": match, "search": search, "sub": sub}
