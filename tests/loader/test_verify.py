"""The verifier accepts what the compiler emits and nothing that would break a tier."""

from __future__ import annotations

import pytest

from loader.code import Code
from loader.loose import load_loose
from loader.source import compile_source
from loader.verify import verify
from romfs.errors import BytecodeError
from tests.engines.suite import programs


def _codes(data: bytes) -> list[Code]:
    root = load_loose(memoryview(data))
    return [code for code in root.walk() if isinstance(code, Code)]


def test_every_function_of_the_suite_is_accepted() -> None:
    checked = 0
    for program in programs():
        for code in _codes(compile_source(program.text, f"{program.name}.py")):
            found = verify(code)
            assert found.states[0].depth == 0
            assert found.n_locals <= code.prelude.n_state
            checked += 1
    assert checked > 900


def _with_ops(source: str, change: dict[int, int]) -> Code:
    data = bytearray(compile_source(source, "t.py"))
    (function,) = _codes(bytes(data))[1:]
    start = function.raw.code_offset + function.prelude.opcode_start
    for ip, value in change.items():
        data[start + ip] = value
    return _codes(bytes(data))[1]


SOURCE = "def f(a):\n    while a:\n        a = a - 1\n    return a\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: 0x00}, "undefined opcode"),
        ({0: 0x59}, "takes 1 slots|no instruction starts"),
        ({1: 0x60}, "no instruction starts there|control leaves"),
        ({2: 0xBF}, "operand 15"),
        ({2: 0x5D}, "no block to end|takes"),
    ],
)
def test_bytecode_no_compiler_emits_is_refused(change: dict[int, int], message: str) -> None:
    with pytest.raises(BytecodeError, match=message):
        verify(_with_ops(SOURCE, change))
