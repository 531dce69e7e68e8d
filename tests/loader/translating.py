"""Runs guest source in this process, for tests of the translator."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from loader import importer, tiering
from loader.code import Code
from loader.exceptions import format_exception
from loader.translate.store import Store
from loader.vm import VM


class Run:
    """A finished run of a program.

    Attributes:
        output: What it printed, a final traceback included.
        vm: The run.
        root: Code of its module body.
        globals: Its module's dict.
    """

    def __init__(
        self, source: str, tier: str, *, store: Path | None = None, dispatch: bool = False
    ) -> None:
        out = io.BytesIO()
        self.vm = vm = VM(argv=["test.py"], stdout=out, stderr=out)
        self.tiers: tiering.Tiers | None = None
        if tier != "interp":
            self.tiers = tiering.attach(vm, tier)
            self.tiers.store = Store(store) if store is not None else None
            self.tiers.dispatch_only = dispatch
        self.globals: dict[str, Any] = vm.main.__dict__
        self.root: Code = importer.load_source(vm, source.encode(), "test.py", self.globals)
        try:
            vm.execute(self.root, self.globals, self.globals)
        except BaseException as exc:  # noqa: BLE001 - the guest's, printed as it would be
            out.write(format_exception(exc).encode())
        self.output = out.getvalue().decode()

    def code(self, *names: str) -> Code:
        """The function reached by these names."""
        found = self.root.find(names)
        assert isinstance(found, Code)
        return found

    def text(self, *names: str) -> str:
        """Generated text of a function."""
        assert self.tiers is not None
        return self.tiers.text(self.code(*names))
