"""Bytecode safety: what compilers write passes, what would harm the C interpreter does not."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.functions import Function, module_function
from loader.ops import BY_NAME, Instruction, instructions
from loader.safety import Fault, faults
from romfs.cache import Cache
from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image
from romfs.mpy import parse_mpy
from tests.fuzz.check import PROGRAMS, Tally, run_batch
from tests.real import executable, needs_micropython


def compile_text(text: str) -> bytes:
    """One module."""
    (done,) = Compiler().compile([Job("m.py", text.encode(), CompileOptions())], cache=None)
    if done.error is not None:
        raise done.error
    return done.content


def examine(data: bytes) -> list[Fault]:
    """Faults of a file."""
    return list(faults(module_function(parse_mpy(memoryview(data)))))


def find(data: bytes, function: str, op: str, number: int = 0) -> tuple[Function, Instruction]:
    """The n-th instruction of a name in the function of a name."""
    for candidate in module_function(parse_mpy(memoryview(data))).walk():
        if candidate.name == function:
            hits = [
                ins
                for ins in instructions(candidate.ops)
                if ins.op is BY_NAME[op] or ins.op.name == op
            ]
            return candidate, hits[number]
    raise AssertionError(f"no function {function}")


def patched(text: str, function: str, op: str, code: bytes, number: int = 0) -> bytes:
    """The module with an instruction overwritten."""
    data = bytearray(compile_text(text))
    where, ins = find(bytes(data), function, op, number)
    at = where.offset + ins.ip
    data[at : at + len(code)] = code
    return bytes(data)


LOOP = "def f(a):\n    for x in a:\n        print(x)\n"
CELL = "def f(a):\n    def g(): return a\n    return g\nf(1)()\n"
CLASS = "class C(list):\n    def m(self):\n        return super().copy()\nC().m()\n"
PLAIN = "class P:\n    x = 1\nP()\n"
METHOD = "def f(a):\n    return a.append(1)\nf([])\n"
WITH = "def f(a):\n    with a as b:\n        return b\n"
FINALLY = "def f(a):\n    try:\n        return a()\n    finally:\n        a(1)\n"
CALL = "def f(a, b=1):\n    return a(b, k=2)\nf(f)\n"

# What is written over which instruction, and the rule that must stop it.
HARMFUL = {
    "undefined opcode": (CALL, "f", "LOAD_FAST", b"\x00", "bytecode-decode"),
    "constant out of its table": (
        "x = 'a long enough constant'\n",
        "<module>",
        "LOAD_CONST_OBJ",
        b"\x23\x07",
        "bytecode-operand",
    ),
    "child that is not there": (CALL, "<module>", "MAKE_FUNCTION_DEFARGS", b"\x33\x05",
                                "bytecode-operand"),
    "local beyond the frame": (CALL, "f", "LOAD_FAST", b"\xbf", "bytecode-operand"),
    "stack empty": (CALL, "f", "LOAD_FAST", b"\x59", "bytecode-stack"),
    "jump into an instruction": (LOOP, "f", "JUMP", b"\x42\x39", "bytecode-jump"),
    "NULL as an object": (CALL, "f", "LOAD_CONST_STRING", b"\x53\x51", "bytecode-stack"),
    "NULL called": (CALL, "f", "LOAD_FAST", b"\x53", "bytecode-value"),
    "iterator taken apart": (LOOP, "f", "LOAD_GLOBAL", b"\x59\x51", "bytecode-stack"),
    "iterator that is none": (LOOP, "f", "GET_ITER_STACK", b"\x5e", "bytecode-value"),
    "cell of no closure": (CELL, "g", "LOAD_DEREF", b"\x25\x01", "bytecode-cell"),
    "cell overwritten": (CELL, "f", "STORE_FAST", b"\xc0", "bytecode-cell"),
    "closure without its cell": (CELL, "f", "LOAD_FAST", b"\x50", "bytecode-value"),
    "defaults missing": (CALL, "<module>", "MAKE_FUNCTION_DEFARGS", b"\x32", "bytecode-call"),
    "keyword that is no name": (CALL, "f", "LOAD_CONST_STRING", b"\x80\x80", "bytecode-stack"),
    "class body that returns a value": (PLAIN, "P", "LOAD_CONST_NONE", b"\x80", "bytecode-class"),
    "super of another cell": (CLASS, "m", "LOAD_DEREF", b"\x22\x00", "bytecode-value"),
    "finally left wrongly": (FINALLY, "f", "END_FINALLY", b"\x59", "bytecode-blocks"),
    "end without a block": (CALL, "f", "RETURN_VALUE", b"\x5d", "bytecode-blocks"),
    "with cleaned up without with": (CALL, "f", "RETURN_VALUE", b"\x5c", "bytecode-blocks"),
    "yield in a plain function": (CALL, "f", "RETURN_VALUE", b"\x67", "bytecode-call"),
    "method and self exchanged": (METHOD, "f", "LOAD_CONST_SMALL_INT", b"\x5a", "bytecode-value"),
    "end of the code": (CALL, "f", "RETURN_VALUE", b"\x59", "bytecode-jump"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "function", "op", "code", "rule"), HARMFUL.values(), ids=HARMFUL.keys()
)
def test_harm_is_stopped(text: str, function: str, op: str, code: bytes, rule: str) -> None:
    assert examine(compile_text(text)) == []
    found = examine(patched(text, function, op, code))
    assert rule in {fault.rule for fault in found}, found


@needs_micropython
def test_what_is_stopped_does_harm() -> None:
    """Without the check the engine crashes: the rules are not there for nothing."""
    images = [
        build_image({"m.mpy": patched(*HARMFUL[name][:4])})
        for name in ("class body that returns a value", "closure without its cell")
    ]
    tally = Tally()
    run_batch(str(executable()), images, tally)
    assert tally.crashes


def test_a_fault_tells_its_place() -> None:
    text = "def f(a):\n    a()\n    return a\n\n\ndef g(b):\n    b()\n    return b\n"
    (fault,) = examine(patched(text, "g", "RETURN_VALUE", b"\x5d"))
    assert (fault.function.name, fault.line) == ("g", 8)
    where, ins = find(compile_text(text), "g", "RETURN_VALUE")
    assert fault.offset == where.offset + ins.ip


def test_frames_may_not_ask_for_the_whole_memory() -> None:
    plain = compile_text("def f(a):\n    return a\n")
    function = next(f for f in module_function(parse_mpy(memoryview(plain))).walk() if f.path)
    data, at = bytearray(plain), function.raw.code_offset
    # The slots of the frame lie in the first three bytes of a prelude that long: 256.
    data[at : at + 1] = bytes((data[at] | 0xF8, 0xB0, 0x30))
    data[at - 1] += 2 << 3  # the code is two bytes longer now
    assert [fault.rule for fault in examine(bytes(data))] == ["bytecode-frame"]


def test_super_where_class_is_assigned_is_a_warning() -> None:
    text = "class C:\n    __class__ = int\n    def m(self):\n        super().x()\n"
    (fault,) = examine(compile_text(text))
    assert (fault.rule, fault.certain) == ("super-unchecked", False)
    (fault,) = examine(compile_text("def m(self):\n    super().x()\n"))
    assert (fault.rule, fault.certain) == ("super-unchecked", False)
    reassigned = CLASS.replace("return", "self = 1; return")
    (fault,) = examine(compile_text(reassigned))
    assert (fault.rule, fault.certain) == ("super-unchecked", False)


def test_rebinding_base_exception_is_a_warning_where_it_matters() -> None:
    plain = "BaseException = Exception\n"
    assert examine(compile_text(plain)) == []
    text = plain + "async def f(a):\n    async with a:\n        pass\n"
    (fault,) = examine(compile_text(text))
    assert (fault.rule, fault.certain) == ("exception-rebound", False)


def sources(limit: int | None) -> Iterator[Path]:
    """Files of the host's own library and packages."""
    roots = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    found = sorted(
        {
            path
            for root in roots
            for path in root.rglob("*.py")
            # Another environment's packages are not ours to try; one holds a constant that
            # no compiler ever finishes.
            if root == roots[1] or "site-packages" not in path.parts
        }
    )
    step = 1 if limit is None else max(1, len(found) // limit)
    return iter(found[::step])


def check_real_code(limit: int | None, own_cache: Path) -> int:
    """Compile and examine real sources; the number that compiled."""
    jobs = [
        Job(path.name, path.read_bytes(), CompileOptions())
        for path in sources(limit)
        if 20 < path.stat().st_size < 300_000
    ]
    compiled = 0
    for job, done in zip(
        jobs, Compiler().compile(jobs, cache=Cache(own_cache), workers=2), strict=True
    ):
        if done.error is None:
            compiled += 1
            found = [fault for fault in examine(done.content) if fault.certain]
            assert found == [], job.path
    return compiled


def test_real_code_passes(own_cache: Path) -> None:
    assert check_real_code(300, own_cache) > 150


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_real_code_passes(own_cache: Path) -> None:
    assert check_real_code(None, own_cache) > 2000


def test_a_frame_with_the_room_the_compiler_wastes_passes() -> None:
    text = "def f(a):\n"
    for depth in range(8):
        indent = "    " * (depth + 1)
        text += f"{indent}try:\n{indent}    return a.x{depth}\n{indent}except AttributeError:\n"
    text += "    " * 9 + "raise NotImplementedError\n"
    assert examine(compile_text(text)) == []


def test_the_programs_to_be_damaged_pass() -> None:
    for path in PROGRAMS.glob("*.py"):
        assert examine(compile_text(path.read_text())) == [], path
