"""The same programs, from the same image, give the same output in every engine."""

from __future__ import annotations

import pytest

from tests.engines.conftest import outputs
from tests.engines.suite import Program, normal, programs

# What is known to go wrong; shown as xfailed, not hidden.
KNOWN = {("auto", "tables"): "a module loop replaced while it runs may lose a local"}


@pytest.mark.parametrize("program", programs(), ids=lambda p: f"{p.theme}:{p.name}")
def test_output_is_that_of_micropython(
    program: Program, engine: str, reference: str, request: pytest.FixtureRequest
) -> None:
    if reason := KNOWN.get((engine, program.theme)):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=False))
    expected = outputs(program.theme, reference).get(program.module)
    found = outputs(program.theme, engine).get(program.module, "(the engine ended before)")
    assert expected is not None, "the reference engine ended before this program"
    assert normal(found) == normal(expected)


def test_there_are_enough_programs() -> None:
    assert len(programs()) >= 300
    assert len({program.module for program in programs()}) == len(programs())
