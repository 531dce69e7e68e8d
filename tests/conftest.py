"""Settings for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test asserts a time, and shared machines stall: hypothesis must not either.
settings.register_profile("romfs", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("romfs")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's cache out of the tests, and the tests out of the user's cache."""
    shared = tmp_path_factory.getbasetemp() / "romfs-cache"
    monkeypatch.setenv("ROMFS_CACHE", os.fspath(shared))
    return shared


# Files whose tests hold a conversation with a virtual board against a clock: another test on
# the same core makes the board look dead.
ALONE = (
    "tests/cli/test_device_commands.py",
    "tests/cli/test_emulate.py",
    "tests/cli/test_watch.py",
    "tests/docs/test_commands.py",
    "tests/flash/board/",
    "tests/flash/ota/test_cli.py",
    "tests/flash/ota/test_on_board.py",
    "tests/flash/test_cut_on_board.py",
    "tests/flash/test_on_board.py",
    "tests/flash/test_serial_repl.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what must run alone; `python -m tests` gives it a run of its own."""
    for item in items:
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
