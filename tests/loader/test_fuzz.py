"""Damaged .mpy files: always an error of ours or the guest's, never anything else, no hang."""

from __future__ import annotations

import io
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader import engine
from loader.code import link
from loader.exceptions import HostFault, is_host_fault
from loader.source import compile_source
from loader.vfs import MountTable
from loader.vm import VM
from romfs.errors import RomfsError
from romfs.mpy import CodeKind, parse_mpy
from tests.engines.suite import programs

STEPS = 3000
TEXTS = [program.text for program in programs() if program.theme in ("opcodes", "generators")]


class Enough(HostFault):
    """The damaged program ran long enough."""


class Budget:
    """Stops a run after so many instructions."""

    def __init__(self) -> None:
        self.left = STEPS

    def observe(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Enough


def mutate(data: bytes, rng: Random) -> bytes:
    """Change, drop or insert a few bytes after the header."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(4, len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del changed[at]
        else:
            changed.insert(at, rng.randrange(256))
    return bytes(changed)


def run_damaged(data: bytes) -> str:
    """Load and run a file; says how that ended."""
    budget = Budget()
    out = io.BytesIO()
    vm = VM(
        stdin=io.BytesIO(),
        stdout=out,
        stderr=io.BytesIO(),
        vfs=MountTable(),
        observer=budget.observe,
    )
    vm.path[:] = [".frozen"]
    try:
        mpy = parse_mpy(memoryview(data))
        if mpy.root.kind is not CodeKind.BYTECODE:
            return "machine code"  # the importer makes no `Code` of that
        code = link(mpy, memoryview(data), vm.main.__dict__, vm)
        vm.execute(code, vm.main.__dict__, vm.main.__dict__)
    except (RomfsError, Enough) as error:
        return type(error).__name__
    except BaseException as error:
        if is_host_fault(error) or isinstance(error, AssertionError | SystemError):
            raise
        return "guest error"
    return "ran"


@settings(max_examples=150)
@given(st.integers(0, 1 << 32))
def test_damaged_files(seed: int) -> None:
    rng = Random(seed)
    data = compile_source(rng.choice(TEXTS), "fuzz.py")
    run_damaged(mutate(data, rng))


def test_every_truncation_is_refused() -> None:
    data = compile_source(TEXTS[0], "fuzz.py")
    for length in range(len(data)):
        with pytest.raises(RomfsError):
            parse_mpy(memoryview(data[:length]))


def test_timeout_stops_a_program_that_never_ends() -> None:
    request = engine.Request(code="while True: pass\n", timeout=0.5)
    assert engine.run_interp(request).status == engine.TIMED_OUT
