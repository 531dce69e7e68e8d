from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.compile import CompileOptions, Compiler, Job
from romfs.errors import MpyError
from romfs.mpy import (
    CodeKind,
    ObjKind,
    Relocation,
    ScopeFlag,
    parse_header,
    parse_mpy,
    parse_prelude,
)
from romfs.static_qstrs import STATIC_QSTRS


def compiled(source: str, march: str | None = None, small_int_bits: int = 31) -> bytes:
    options = CompileOptions(march=march, small_int_bits=small_int_bits)
    (result,) = Compiler().compile([Job("ex.py", source.encode(), options)], cache=None)
    assert result.error is None, result.error
    return result.content


RICH = """
import micropython
T = (1, 2.5, 3j, b'bytes constant', 'a string of more than ten', (None, True, False, ...), ())
BIG = 123456789012345678901234567890
def outer(a, b=1, *args, c, d=2, **kw):
    def inner(): return a
    return [inner for x in range(10) if x]
class C(Exception):
    def gen(self):
        try:
            yield self
        finally:
            pass
"""
NATIVE = """
import micropython
@micropython.viper
def add(x: int, y: int) -> int: return x + y
@micropython.native
def n(a, b=5):
    def q(): return a
    return q
@micropython.asm_thumb
def asm(r0): add(r0, r0, r0)
"""


def test_static_qstrs_have_the_numbers_of_the_format() -> None:
    known = {1: "", 2: "__dir__", 7: "<module>", 56: "ZeroDivisionError", 115: "micropython"}
    known |= {123: "print", 137: "self", 161: "utf-8", 165: "zip"}
    assert len(STATIC_QSTRS) == 166
    assert {number: STATIC_QSTRS[number] for number in known} == known


def test_a_rich_file_is_read_whole() -> None:
    data = compiled(RICH)
    mpy = parse_mpy(memoryview(data))
    assert (mpy.header.version, mpy.header.arch, mpy.header.small_int_bits) == (6, 0, 31)
    assert mpy.source_name == "ex.py"
    kinds = [item.kind for item in mpy.objects]
    assert ObjKind.TUPLE in kinds and ObjKind.INT in kinds
    (constants,) = [item for item in mpy.objects if len(item.items) == 7]
    text = constants.items[4].window
    assert text is not None and bytes(text) == b"a string of more than ten"
    assert not mpy.has_native_code()
    names = {
        mpy.qstrs[parse_prelude(raw.code, len(mpy.qstrs)).name].text for raw in mpy.root.walk()
    }
    assert names == {"<module>", "outer", "inner", "<listcomp>", "C", "gen"}
    outer = mpy.root.children[0]
    prelude = parse_prelude(outer.code, len(mpy.qstrs))
    # The compiler puts keyword-only parameters with a default before those without.
    assert [mpy.qstrs[name].text for name in prelude.arg_names] == ["a", "b", "d", "c"]
    assert (prelude.n_pos_args, prelude.n_kwonly_args, prelude.n_def_pos_args) == (2, 2, 1)
    assert prelude.scope_flags == (ScopeFlag.VARARGS | ScopeFlag.VARKEYWORDS | ScopeFlag.DEFKWARGS)
    assert list(prelude.cells) == [0, 6]  # a, captured by inner; inner, by the comprehension


def test_windows_lie_in_the_given_buffer() -> None:
    buffer = bytearray(compiled(RICH))
    mpy = parse_mpy(memoryview(buffer))
    for raw in mpy.root.walk():
        before = raw.code[0]
        buffer[raw.code_offset] ^= 0xFF
        assert raw.code[0] == before ^ 0xFF
        buffer[raw.code_offset] ^= 0xFF


def test_native_code_kinds() -> None:
    mpy = parse_mpy(memoryview(compiled(NATIVE, march="armv7m")))
    assert mpy.header.arch_name == "armv7m"
    assert mpy.header.sub_version == 3
    kinds = [raw.kind for raw in mpy.root.walk()]
    assert kinds == [
        CodeKind.BYTECODE, CodeKind.VIPER, CodeKind.NATIVE, CodeKind.NATIVE, CodeKind.ASM,
    ]  # fmt: skip
    assert mpy.has_native_code()
    native = mpy.root.children[1]
    assert native.prelude_offset
    prelude = parse_prelude(native.code[native.prelude_offset :], len(mpy.qstrs))
    assert mpy.qstrs[prelude.name].text == "n"


def linked(relocations: str) -> bytes:
    """A C module as the linker for native modules makes it."""
    code = bytes(range(64))
    flags = ScopeFlag.VIPERRELOC | ScopeFlag.VIPERRODATA | ScopeFlag.VIPERBSS
    head = bytes.fromhex("4d061f1f 01 01 02 61 00 00")  # header, 1 qstr "a", 1 object fun_table
    kind_len = 64 << 3 | CodeKind.VIPER
    body = bytes((0x80 | kind_len >> 7, kind_len & 0x7F)) + code
    return head + body + bytes((flags, 4, 8)) + b"RODA" + bytes.fromhex(relocations)


def test_linked_module_with_rodata_bss_and_relocations() -> None:
    # rodata x3 from text word 4; bss once at rodata word 0; fun_table entry 5; the end.
    mpy = parse_mpy(memoryview(linked("07 08 03 09 01 1c ff")))
    raw = mpy.root
    assert raw.rodata is not None and bytes(raw.rodata) == b"RODA"
    assert raw.bss_size == 8
    assert raw.relocations == (
        Relocation("text", 4, "rodata", 3),
        Relocation("rodata", 0, "bss", 1),
        Relocation("rodata", 1, 5, 1),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends in the header"),
        (b"X\x06\x00\x1f", "does not start with 'M'"),
        (b"M\x05\x00\x1f", "version 5"),
        (b"M\x06\x80\x1f", "feature byte"),
        (b"M\x06\x00\x1f\x00\x00", "no qstr"),
        (b"M\x06\x00\x1f\x7f\x00", "number of qstrs is 127"),
        (b"M\x06\x00\x1f\x01\x00\x01", "static qstr number 0"),
        (b"M\x06\x00\x1f\x01\x00\x82\x4d", "static qstr number 166"),
        (b"M\x06\x00\x1f\x01\x00\x02ax", "not followed by a NUL"),
        (b"M\x06\x00\x1f\x01\x00\x84\x00" + bytes(300), "firmware allows 255"),
        (b"M\x06\x00\x1f\x01\x01\x02a\0\x0b", "constant type 11"),
        (b"M\x06\x00\x1f\x01\x01\x02a\0\x07\x01x", "not a number"),
        (b"M\x06\x00\x1f\x01\x01\x02a\0\x08\x03abc", "not a number"),
        (b"M\x06\x00\x1f\x01\x00\x02a\0\x08\xff", "raw code|prelude"),
    ],
)
def test_malformed_files_are_refused_with_their_offset(data: bytes, message: str) -> None:
    with pytest.raises(MpyError, match=message) as caught:
        parse_mpy(memoryview(data))
    assert 0 <= caught.value.offset <= len(data)


def test_bytes_after_the_end_are_refused() -> None:
    with pytest.raises(MpyError, match="1 bytes after the end"):
        parse_mpy(memoryview(compiled("x = 1") + b"\0"))


def test_nesting_is_bounded() -> None:
    deep = b"M\x06\x00\x1f\x01\x01\x02a\0" + b"\x0a\x01" * 5000
    with pytest.raises(MpyError, match="nested deeper"):
        parse_mpy(memoryview(deep))


def test_headers_of_other_versions_are_readable() -> None:
    assert parse_header(memoryview(b"M\x05\x0b\x1f")).version == 5


@pytest.mark.parametrize("source", [RICH, NATIVE])
def test_every_truncation_is_refused(source: str) -> None:
    data = compiled(source, march="armv7m")
    for length in range(len(data)):
        with pytest.raises(MpyError):
            parse_mpy(memoryview(data[:length]))


SAMPLE = compiled(RICH)


@given(st.data())
def test_only_mpy_errors_escape_from_damage(data: st.DataObject) -> None:
    damaged = bytearray(SAMPLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse_mpy(memoryview(damaged))
    except MpyError as error:
        assert 0 <= error.offset <= len(damaged)  # noqa: PT017
