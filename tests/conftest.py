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
