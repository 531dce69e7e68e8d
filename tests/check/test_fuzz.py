"""A short sample of `python -m tests.fuzz check`."""

from __future__ import annotations

from tests.fuzz.check import run
from tests.real import executable, needs_micropython


@needs_micropython
def test_nothing_that_passes_harms_the_engine() -> None:
    tally = run(str(executable()), cases=700, seed=3)
    assert tally.cases == 700
    assert tally.crashes == []
    assert tally.hangs == []
    assert tally.passed > 100
    assert len(tally.rules) > 10
