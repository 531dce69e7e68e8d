"""Device source on its way to the device: smaller, and still the same program."""

from __future__ import annotations

import ast
import re
import zlib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flash import source
from flash.deflate import Deflater

FILES = sorted(
    path.name[:-3]
    for path in resources.files("flash.device").iterdir()
    if path.name.endswith(".py") and path.name != "__init__.py"
)


@pytest.mark.parametrize("name", FILES)
def test_minified_source_is_the_same_program(name: str) -> None:
    text = source.read(name)
    small = source.minify(text)
    assert ast.dump(ast.parse(small)) == ast.dump(ast.parse(text))
    assert len(small) < len(text) and "#" not in small


@pytest.mark.parametrize("name", ["drive_dev", "drive_rom", "soft_crc", "typed"])
def test_definitions_together_are_the_file(name: str) -> None:
    pieces = [ast.parse(piece).body for piece in source.definitions(name)]
    whole = ast.parse(source.read(name)).body
    assert [ast.dump(one) for body in pieces for one in body] == [ast.dump(one) for one in whole]


@given(st.binary(max_size=400))
def test_a_literal_has_nothing_a_repl_would_act_on(data: bytes) -> None:
    text = source.literal(data)
    assert not set(text) & {0, 1, 2, 3, 4, 5, 10, 13}
    # CPython wants what is beyond ASCII escaped, MicroPython takes it as it is.
    plain = re.sub(rb"[\x80-\xff]", lambda match: b"\\x%02x" % match[0][0], text)
    assert ast.literal_eval(plain.decode()) == data


@given(
    st.lists(st.binary(min_size=1, max_size=300).map(lambda b: b * 9), min_size=1, max_size=12),
    st.sampled_from([0, 9, 12, 15]),
)
def test_each_piece_is_enough_for_its_block(blocks: list[bytes], window: int) -> None:
    pieces = list(Deflater(window).pieces(blocks))
    assert len(pieces) == len(blocks)
    if not window:
        assert pieces == blocks
        return
    inflate = zlib.decompressobj(-window)
    held = b""
    for piece, block in zip(pieces, blocks, strict=True):
        held += inflate.decompress(piece)
        assert held[: len(block)] == block
        held = held[len(block) :]
    whole = zlib.compressobj(9, zlib.DEFLATED, -window, 9)
    one = whole.compress(b"".join(blocks)) + whole.flush()
    assert sum(map(len, pieces)) <= len(one)
