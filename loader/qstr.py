"""Interned strings: the firmware's static ones, those of the image, those made at run time.

A device knows every string it has interned by number and keeps one table per module that
maps the module's numbers to its own. Here the text object itself is the number: it is
interned by the host, so equal names are identical, and the table of a module is a tuple.
What the device would pay for each is counted, for `--stats`.

Source: MicroPython py/qstr.c, py/persistentcode.c.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from romfs.mpy import QStr
from romfs.static_qstrs import STATIC_QSTRS


@dataclass(slots=True)
class QstrCount:
    """Where the qstrs of a module, or of a whole run, came from.

    Attributes:
        static: Resident in the firmware.
        new: First seen here; the text stays in the image.
        shared: Seen before in another module.
    """

    static: int = 0
    new: int = 0
    shared: int = 0


@dataclass(slots=True)
class QstrPool:
    """Every string interned in one run.

    Attributes:
        in_image: Text -> window on its bytes in the map.
        runtime: Texts interned by the running program, which a device copies to RAM.
    """

    in_image: dict[str, memoryview] = field(default_factory=dict)
    runtime: set[str] = field(default_factory=set)
    _ranks: dict[str, int] = field(default_factory=dict, repr=False)

    def table(self, qstrs: Iterable[QStr]) -> tuple[tuple[str, ...], QstrCount]:
        """Intern a module's qstrs: its table, and what it cost."""
        count = QstrCount()
        names = []
        for qstr in qstrs:
            text = sys.intern(qstr.text)
            names.append(text)
            if qstr.window is None:
                count.static += 1
            elif text in self.in_image or text in _STATIC or text in self.runtime:
                count.shared += 1
            else:
                count.new += 1
                self.in_image[text] = qstr.window
        return tuple(names), count

    def rank(self, text: str) -> int:
        """Place of a string among those interned after the firmware's own."""
        if not self._ranks or len(self._ranks) != len(self.in_image):
            self._ranks = {name: number for number, name in enumerate(self.in_image)}
        return self._ranks.get(text, len(self._ranks))

    def intern(self, text: str) -> str:
        """Intern a string made at run time."""
        if text not in self.in_image and text not in _STATIC:
            self.runtime.add(text)
        return sys.intern(text)

    def is_interned(self, text: str) -> bool:
        """Whether a device would know this text as a qstr."""
        return text in _STATIC or text in self.in_image or text in self.runtime


_STATIC = frozenset(STATIC_QSTRS)
