"""Limits of a run, so that a program cannot hold up its caller for ever."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOST_SHARE = 512 << 20
"""Address space the host itself needs beside the guest's heap."""


@contextmanager
def memory(limit: int | None) -> Iterator[None]:
    """Let this process allocate no more than `limit` bytes beyond what the host needs.

    A guest that wants more gets MemoryError. Without effect where the system has no such
    limit.
    """
    if limit is None or sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _in_use() + HOST_SHARE + limit
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _in_use() -> int:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 256 << 20


def leave(status: int) -> None:
    """End the process although a guest thread still runs."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
