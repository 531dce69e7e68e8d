"""The examples of SPEC.md are true."""

from __future__ import annotations

import re
from pathlib import Path

import romfs
from romfs.image import Image
from romfs.records import Kind
from romfs.varuint import encode_varuint, read_varuint
from tests.romfs.test_image import read_tree

SPEC = (Path(romfs.__file__).parent / "SPEC.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", SPEC, re.DOTALL)


def test_varuint_examples() -> None:
    (block,) = blocks("varuint")
    rows = [line.rsplit(None, 1) for line in block.splitlines()]
    assert len(rows) == 6
    for text, value in rows:
        data = bytes.fromhex(text)
        assert read_varuint(data, 0) == (int(value), len(data))
        assert data.endswith(encode_varuint(int(value)))


def test_image_example() -> None:
    (block,) = blocks("image")
    data = bytes.fromhex("".join(line[:16] for line in block.splitlines()))
    assert read_tree(Image(data)) == {"a": b"hi", "d": None, "d/e": b"", "p": b"hi"}


def test_kinds_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| (\w+) \| ([A-Z_]+) \|", SPEC, re.MULTILINE)
    assert {name: int(number, 0) for number, name in rows} == {kind.name: kind for kind in Kind}
