"""Says how two runs of one program differ."""

from __future__ import annotations

import re

from loader.engine import Result

_ADDRESS = re.compile(
    rb"(?<=at )(0x)?[0-9a-f]{6,}|(?<=<bound_method )[0-9a-f]+|(?<=<code )[0-9a-f]+"
)


def first_difference(expected: Result, found: Result) -> str | None:
    """The first difference, as text for a user; None if there is none but addresses."""
    for what in ("stdout", "stderr"):
        left = _ADDRESS.sub(b"ADDRESS", getattr(expected, what)).split(b"\n")
        right = _ADDRESS.sub(b"ADDRESS", getattr(found, what)).split(b"\n")
        for number, (one, other) in enumerate(zip(left, right, strict=False), 1):
            if one != other:
                return (
                    f"{what} differs in line {number}:\n"
                    f"  micropython: {_show(one)}\n  interp:      {_show(other)}"
                )
        if len(left) != len(right):
            longer, lines = ("micropython", left) if len(left) > len(right) else ("interp", right)
            number = min(len(left), len(right)) + 1
            return f"{what}: only {longer} goes on in line {number}: {_show(lines[number - 1])}"
    if expected.status != found.status:
        return f"exit status: micropython {expected.status}, interp {found.status}"
    return None


def _show(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
