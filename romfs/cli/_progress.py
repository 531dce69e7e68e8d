"""Progress of long work on stderr: only on a terminal, only after a second."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

DELAY = 1.0  # seconds of silence before anything is shown


class Progress:
    """A progress bar that appears if the work takes long enough.

    Args:
        label: What is being done.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, total: int) -> None:
        """Tell how far the work is; callable from any thread."""
        if not sys.stderr.isatty() or time.monotonic() - self._begun < DELAY:
            return
        with self._lock:
            if self._bar is None:
                self._start(total)
            self._bar.update(self._task, completed=done)

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self.label, total=total)
        self._bar.start()
