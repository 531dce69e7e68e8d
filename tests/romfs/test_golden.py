from __future__ import annotations

from pathlib import Path

import pytest

from romfs.image import Image
from tests.golden import regen
from tests.real import needs_micropython
from tests.romfs.test_real_engine import compare

NAMES = sorted(path.stem for path in regen.HERE.glob("*.romfs"))


def test_there_is_one_for_each() -> None:
    assert sorted(regen.images()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_today_makes_the_same_bytes(name: str) -> None:
    golden = (regen.HERE / f"{name}.romfs").read_bytes()
    assert regen.images()[name] == golden, "if meant: python -m tests.golden.regen, and review"


@pytest.mark.parametrize("name", NAMES)
def test_the_listing_is_that_of_the_image(name: str) -> None:
    golden = (regen.HERE / f"{name}.romfs").read_bytes()
    assert regen.listing(golden) == (regen.HERE / f"{name}.txt").read_text("utf-8")


@needs_micropython
@pytest.mark.parametrize("name", NAMES)
def test_the_real_engine_sees_what_we_see(name: str, tmp_path: Path) -> None:
    golden = (regen.HERE / f"{name}.romfs").read_bytes()
    compare(golden, tmp_path)
    assert Image(golden).trailing == 0
