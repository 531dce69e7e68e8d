"""Guest module `hashlib`: MD5, SHA-1 and SHA-256 as the unix build has them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from loader.modules.native import buffer_of, check_count

if TYPE_CHECKING:
    from loader.vm import VM


class _Hash:
    """A hash object; `digest()` ends it."""

    _algorithm = ""

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 0, 1, named)
        self._state = hashlib.new(self._algorithm, usedforsecurity=False)
        self._final = False
        if args:
            self._state.update(buffer_of(args[0]))

    def update(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        self._not_final()
        self._state.update(buffer_of(args[0]))

    def digest(self, *args: Any) -> bytes:
        check_count(len(args) + 1, 1, 1)
        self._not_final()
        self._final = True
        return self._state.digest()

    def _not_final(self) -> None:
        if self._final:
            raise ValueError("hash is final")

    def _guest_repr_(self) -> str:
        return f"<{self._algorithm}>"


class md5(_Hash):
    _algorithm = "md5"


class sha1(_Hash):
    _algorithm = "sha1"


class sha256(_Hash):
    _algorithm = "sha256"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"md5": md5, "sha1": sha1, "sha256": sha256}
