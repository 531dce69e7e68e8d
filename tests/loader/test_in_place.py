"""Bytecode runs where it lies: every function's code is a window on the map."""

from __future__ import annotations

import io
from pathlib import Path

import loader
from loader.code import Code
from loader.loops_support import code_of
from loader.mapping import Mapping, address_of
from loader.source import compile_source
from loader.stats import collect
from romfs.layout import build_image

SOURCE = """
def plain(a): return a + 1
def outer(x):
    def inner(y): return x + y
    return inner
def gen(n):
    for i in range(n): yield i
class C:
    def m(self): return "a long enough constant string"
lam = lambda: [i for i in range(3)]
"""


def _image(tmp_path: Path, source: str = SOURCE) -> Path:
    path = tmp_path / "app.romfs"
    path.write_bytes(build_image({"app.mpy": compile_source(source, "app.py")}))
    return path


def test_every_code_object_is_a_window_on_the_map(tmp_path: Path) -> None:
    with loader.mount(_image(tmp_path)) as image:
        image.import_("app")
        base = address_of(image.mapping.image.data)
        stored = image.mapping.image.file("app.mpy")
        root = image.vm.tables["/rom/app.mpy"]
        found = [code for code in root.walk() if isinstance(code, Code)]
        assert len(found) == 9
        for code in found:
            at = stored.data_offset + code.raw.code_offset
            assert address_of(code.raw.code) == base + at == base + code.offset
            start = at + code.prelude.opcode_start
            assert address_of(code.ops) == base + start
            assert image.mapping.offset_of(code.ops) == start


def test_functions_refer_to_their_windows(tmp_path: Path) -> None:
    with loader.mount(_image(tmp_path)) as image:
        app = image.import_("app")
        code = code_of(app.plain.guest)
        assert code is not None and code.name == "plain"
        assert app.plain(4) == 5
        assert code.frame[0] is code.ops
        assert app.outer(2)(3) == 5
        assert list(app.gen(3)) == [0, 1, 2]


def test_statistics_count_no_copied_bytecode(tmp_path: Path) -> None:
    with loader.mount(_image(tmp_path)) as image:
        image.import_("app")
        (row,) = collect(image.vm)
    assert row["mapped"] and row["bytecode_copied"] == 0
    total = sum(len(raw.code) for raw in root_of(tmp_path).walk())
    assert row["bytecode_in_place"] == total
    assert row["qstrs_static"] > 0 and row["qstrs_new"] > 0


def root_of(tmp_path: Path):  # type: ignore[no-untyped-def]
    from romfs.mpy import parse_mpy

    return parse_mpy(Mapping(tmp_path / "app.romfs").image.file("app.mpy").data).root


def test_offset_of_is_none_for_foreign_memory(tmp_path: Path) -> None:
    mapping = Mapping(_image(tmp_path))
    assert mapping.offset_of(memoryview(b"elsewhere")) is None


def test_guest_output_goes_to_the_given_stream(tmp_path: Path) -> None:
    out = io.BytesIO()
    path = _image(tmp_path, "def main(): print('hello', {1: 2})\n")
    with loader.mount(path, stdout=out) as image:
        image.import_("app").main()
    assert out.getvalue() == b"hello {1: 2}\n"
