"""Faults a virtual board is asked for, in one line each: `cut=12`, `in.drop=0.001` ..."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flash.board.wire import LinkFaults
from romfs.errors import ConfigError

HELP = """\
cut=N                power fails when flash operation N has completed (from 1)
tear=N               power fails during flash operation N, which is left torn
fail=N               flash operation N does nothing; the driver learns of it
worn=OFFSET          the erase unit there has a bit that no longer works
[in.|out.]drop=P     bytes vanish: P is a probability, or #N for the Nth byte
[in.|out.]flip=P     one bit of a byte changes
[in.|out.]dup=P      a byte arrives twice
[in.|out.]stall=N:S  nothing moves for S seconds after N bytes
[in.|out.]unplug=N:S the port vanishes for S seconds after N bytes
"in" is towards the board, "out" from it; without it, both ways."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that goes wrong on one virtual board.

    Attributes:
        cut: Flash operation after which power fails.
        tear: Flash operation during which power fails.
        fail: Flash operations that the chip does not carry out.
        worn: Offsets in partition 0 whose erase unit is worn out.
        inbound: The link towards the board.
        outbound: The link from the board.
    """

    cut: int | None = None
    tear: int | None = None
    fail: frozenset[int] = frozenset()
    worn: frozenset[int] = frozenset()
    inbound: LinkFaults = field(default_factory=LinkFaults)
    outbound: LinkFaults = field(default_factory=LinkFaults)

    @classmethod
    def parse(cls, specs: Iterable[str]) -> Faults:
        """Faults from their one-line forms (see `HELP`).

        Raises:
            ConfigError: One of them is not of any of these forms.
        """
        faults = cls()
        for spec in specs:
            name, equals, value = spec.partition("=")
            if not equals:
                raise ConfigError(f"fault {spec!r}: write NAME=VALUE")
            try:
                faults = faults._with(name, value)
            except ValueError as error:
                raise ConfigError(f"fault {spec!r}: {error}") from None
        return faults

    def _with(self, name: str, value: str) -> Faults:
        if name == "cut":
            return replace(self, cut=int(value, 0))
        if name == "tear":
            return replace(self, tear=int(value, 0))
        if name == "fail":
            return replace(self, fail=self.fail | {int(value, 0)})
        if name == "worn":
            return replace(self, worn=self.worn | {int(value, 0)})
        side, dot, what = name.rpartition(".")
        if dot and side not in ("in", "out"):
            raise ValueError(f"{side!r} is not 'in' or 'out'")
        changed = self
        if side in ("", "in"):
            changed = replace(changed, inbound=_link(self.inbound, what, value))
        if side in ("", "out"):
            changed = replace(changed, outbound=_link(self.outbound, what, value))
        return changed


def _link(faults: LinkFaults, what: str, value: str) -> LinkFaults:
    if what in ("drop", "flip", "dup"):
        which = int(value[1:]) if value.startswith("#") else float(value)
        field_name = {"dup": "duplicate"}.get(what, what)
        return replace(faults, **{field_name: which})  # type: ignore[arg-type]
    if what in ("stall", "unplug"):
        count, _, seconds = value.partition(":")
        event = (int(count, 0), float(seconds or 1))
        return replace(faults, **{{"unplug": "disconnect"}.get(what, what): event})  # type: ignore[arg-type]
    raise ValueError(f"unknown; the faults are\n{HELP}")
