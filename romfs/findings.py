"""What is wrong, or may surprise, in a tree or an image: findings with a rule each."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # it will not work, or not safely
    WARNING = "warning"  # it works, though hardly as meant
    NOTE = "note"  # worth knowing


class Finding(NamedTuple):
    """One finding.

    Attributes:
        rule: Stable identifier, such as `shadowed-module`.
        severity: How much it matters.
        path: File or directory in the image; "" for the image itself.
        message: What, where, by how much, and what to do.
        offset: Bytes from image start, where that says more than the path.
        line: Source line, where one is known.
    """

    rule: str
    severity: Severity
    path: str
    message: str
    offset: int | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{self.severity}: {place + ': ' if place else ''}{self.message} [{self.rule}]"
