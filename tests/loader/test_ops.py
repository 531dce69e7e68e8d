"""The opcode table: complete, free of contradictions, and what everything derives from."""

from __future__ import annotations

import inspect

import pytest

from loader import interp_gen, ops
from loader.ops import BY_CODE, EFFECTS, OPS, Fmt, bound, stack_effect
from romfs.errors import BytecodeError

UNDEFINED = {
    *range(0x10), *range(0x1D, 0x20), *range(0x38, 0x40), 0x41, *range(0x4C, 0x50),
    0x60, 0x61, *range(0x6A, 0x70), *range(0xD4, 0xD7), *range(0xFA, 0x100),
}  # fmt: skip


def test_each_number_has_one_row_or_is_reserved() -> None:
    assert {code for code in range(256) if BY_CODE[code] is None} == UNDEFINED


def test_operand_format_follows_from_the_high_nibble() -> None:
    for op in OPS:
        for code in range(op.code, op.code + op.span):
            nibble = code >> 4
            if nibble == 1:
                assert op.fmt is Fmt.QSTR
            elif nibble in (2, 3):
                assert op.fmt in (Fmt.VARUINT, Fmt.SIGNED, Fmt.VARUINT_BYTE)
            elif nibble == 4:
                assert op.fmt in (Fmt.SLABEL, Fmt.ULABEL, Fmt.SLABEL_BYTE)
            else:
                assert op.fmt in (Fmt.NONE, Fmt.PACKED)
            extra = op.fmt in (Fmt.VARUINT_BYTE, Fmt.SLABEL_BYTE)
            assert extra == (code in (0x20, 0x21, 0x40))


@pytest.mark.parametrize("op", [op for op in OPS if op.act is not bound], ids=lambda op: op.name)
def test_act_takes_the_inputs_of_the_effect(op: ops.Op) -> None:
    parameters = list(inspect.signature(op.act).parameters.values())[2:]
    several = any("*" in item for item in EFFECTS[op].inputs)
    if several:
        assert parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL
    else:
        assert len(parameters) == len(EFFECTS[op].inputs)


def test_stack_effects() -> None:
    effect = {op.name: op for op in reversed(OPS)}
    assert stack_effect(effect["BUILD_TUPLE"], 3) == (3, 1)
    assert stack_effect(effect["CALL_FUNCTION"], 0x0201) == (6, 1)
    assert stack_effect(effect["CALL_METHOD"], 2) == (4, 1)
    assert stack_effect(effect["UNPACK_EX"], 0x0102) == (1, 4)
    assert stack_effect(effect["FOR_ITER"], 0) == (4, 5)
    assert stack_effect(effect["MAKE_CLOSURE_DEFARGS"], 0, 2) == (4, 1)


def test_decode_of_the_examples_in_the_format_description() -> None:
    def arg(code: str) -> int:
        return ops.decode(memoryview(bytes.fromhex(code)), 0).arg

    assert arg("2230") == 48
    assert arg("228040") == 64
    assert arg("226f") == -17
    assert arg("22ff3f") == -65
    assert arg("2283ffffff7f") == 1073741823
    assert arg("70") == -16
    assert arg("af") == 47


def test_decode_refuses_what_is_no_instruction() -> None:
    for code in (b"\x00", b"\x23", b"\x23\x80", b"\x42", b"\x40\x40", b""):
        with pytest.raises(BytecodeError):
            ops.decode(memoryview(code), 0)


def test_generated_loops_are_up_to_date() -> None:
    assert interp_gen.TARGET.read_text() == interp_gen.generate(), (
        "run `python -m loader.interp_gen`"
    )
