"""Device source made ready for the wire: joined, stripped of what only people need.

The files of `flash/device` are written to be read. A device gets the same program without
comments, docstrings and needless spaces, since at 115200 baud a kilobyte costs 90 ms.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
import zlib
from functools import cache
from importlib import resources

_TIGHT = frozenset("()[]{},:;=+-*/%&|^~<>.@!")


@cache
def read(name: str) -> str:
    """Text of one file of `flash/device`."""
    return (resources.files("flash.device") / f"{name}.py").read_text(encoding="utf-8")


@cache
def minify(text: str) -> str:
    """The same program in fewer bytes: comments, blank lines and spaces go, names stay.

    Source: the tokens are Python's own; a logical line per line, one space per indent.
    """
    out: list[str] = []
    depth, line = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING):
            continue
        if token.type == tokenize.INDENT:
            depth += 1
        elif token.type == tokenize.DEDENT:
            depth -= 1
        elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if line and not line.startswith(('"""', "'''")):
                out.append(" " * depth + line)
            line = ""
        else:
            line += _gap(line, token.string) + token.string
    return "\n".join(out) + "\n"


def _gap(line: str, word: str) -> str:
    """The space that must stay between what a line has so far and its next word."""
    if not line or line[-1] in _TIGHT or word[0] in _TIGHT:
        return ""
    if line[-1] in "\"'" and not (word.isidentifier() and not keyword.iskeyword(word)):
        return ""
    return " "


def program(*parts: str, **constants: object) -> str:
    """One program: constants first, then the named files, stripped.

    Args:
        parts: Names of files in `flash/device`.
        constants: Names the files leave to the host.
    """
    head = "".join(f"{name}={value!r}\n" for name, value in constants.items())
    return head + "".join(minify(read(part)) for part in parts)


def definitions(name: str) -> list[str]:
    """A file's top-level statements one by one, for a device that compiles each by itself."""
    pieces: list[str] = []
    for line in minify(read(name)).splitlines():
        if line.startswith(" "):
            pieces[-1] += "\n" + line
        else:
            pieces.append(line)
    return pieces


def packed(code: str) -> bytes:
    """A program that inflates and runs `code`, which it leaves as bytes in `SRC`.

    The compressed bytes stand in a literal as they are: base64 would cost a third more.
    Only what the REPL or the lexer would take for something else is escaped.
    """
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -12, 9)
    data = squeeze.compress(code.encode()) + squeeze.flush()
    return (
        b"from deflate import*\nfrom io import BytesIO\nSRC=DeflateIO(BytesIO("
        + literal(data)
        + b"),RAW,12).read()\nexec(SRC)"
    )


def literal(data: bytes) -> bytes:
    """A bytes literal with `data` in it as it is, but for what would end or interrupt it."""
    return b"b'" + _SPECIAL.sub(lambda match: _ESCAPES[match[0]], data) + b"'"


_ESCAPES = {bytes((byte,)): b"\\x%02x" % byte for byte in range(6)}
_ESCAPES |= {b"\r": b"\\r", b"\n": b"\\n", b"'": b"\\'", b"\\": b"\\\\"}
_SPECIAL = re.compile(b"[" + b"".join(re.escape(byte) for byte in _ESCAPES) + b"]")
