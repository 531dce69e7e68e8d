"""A short sample of `python -m tests.fuzz check`."""

from __future__ import annotations

from loader.functions import module_function
from loader.ops import OPS, instructions
from romfs.mpy import parse_mpy
from tests.fuzz.check import programs, run
from tests.real import executable, needs_micropython


@needs_micropython
def test_nothing_that_passes_harms_the_engine() -> None:
    tally = run(str(executable()), cases=700, seed=3)
    assert tally.cases == 700
    assert tally.crashes == []
    assert tally.hangs == []
    assert tally.passed > 100
    assert len(tally.rules) > 10


def test_the_programs_use_every_opcode() -> None:
    used = {
        ins.op
        for data in programs().values()
        for function in module_function(parse_mpy(memoryview(data))).walk()
        for ins in instructions(function.ops)
    }
    assert [op.name for op in OPS if op not in used] == []
