"""Every row of the format's table of malformations, and agreement with the strict reader."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from romfs.check.structure import scan
from romfs.errors import ImageError
from romfs.findings import Severity
from romfs.image import Image
from romfs.layout import build_image
from romfs.records import encode_padding, encode_record
from romfs.varuint import encode_varuint
from tests.fuzz.mutate import mutate_image
from tests.strategies import trees


def entry(kind: int, name: bytes, body: bytes) -> bytes:
    """A directory (4) or file (5) record."""
    return encode_record(kind, encode_varuint(len(name)) + name + body)


def image(payload: bytes, length: int | None = None) -> bytes:
    """A root record; of even size unless a length is forced."""
    size = encode_varuint(len(payload) if length is None else length)
    if length is None and (3 + len(size) + len(payload)) % 2:
        size = b"\x80" + size
    return b"\xd2\xcd\x31" + size + payload


DATA = encode_record(2, b"hi")
GOOD = entry(5, b"a", DATA)


def pointer(size: int, offset: int, extra: bytes = b"") -> bytes:
    """A DATA_POINTER record."""
    return encode_record(3, encode_varuint(size) + encode_varuint(offset) + extra)


MALFORMED = {
    "root longer than the buffer": (image(GOOD, 100), "image-truncated"),
    "root length wraps on a device": (
        b"\xd2\xcd\x31\x8f\xff\xff\xff\x7f" + GOOD,
        "image-truncated",
    ),
    "root length of more than 32 bits": (
        b"\xd2\xcd\x31\xff\xff\xff\xff\xff\x7f" + GOOD,
        "bad-varuint",
    ),
    "root length without an end": (b"\xd2\xcd\x31\x80\x80\x80", "bad-varuint"),
    "other magic": (b"\xff" * 16, "no-image"),
    "empty": (b"", "no-image"),
    "header cut by its parent": (image(GOOD + b"\x05"), "bad-varuint"),
    "length without an end": (image(GOOD + b"\x05\x80"), "bad-varuint"),
    "kind 0": (image(b"\0\0" + GOOD), "record-unused"),
    "child longer than its parent": (image(b"\x04\x06\x01d" + GOOD), "record-overrun"),
    "child whose length wraps": (image(b"\x01\x8f\xff\xff\xff\x70" + GOOD), "record-overrun"),
    "name longer than its record": (image(b"\x05\x04\x09ab\x02" + GOOD), "name-overrun"),
    "data longer than its file": (image(entry(5, b"a", b"\x02\x7fhi")), "record-overrun"),
    "pointer cut": (image(entry(5, b"a", b"\x03\x01\x81")), "bad-varuint"),
    "pointer beyond the image": (image(entry(5, b"a", pointer(9, 4))), "pointer-range"),
    "pointer with a surplus": (image(entry(5, b"a", pointer(1, 0, b"xx"))), "pointer-extra"),
    "odd size": (image(entry(5, b"ab", DATA), 9), "odd-size"),
    "file without data": (image(entry(5, b"a", b"")), "no-data"),
    "two files of a name": (image(GOOD + GOOD), "duplicate-name"),
    "file and directory of a name": (image(GOOD + entry(4, b"a", b"")), "duplicate-name"),
    "nested file system": (image(encode_record(0x14A6B1, GOOD)), "nested-filesystem"),
    "directory in a file": (image(entry(5, b"a", DATA + entry(4, b"d", b""))), "entry-in-file"),
    "two data records": (image(entry(5, b"a", DATA + DATA)), "data-ignored"),
    "trailing bytes": (image(GOOD) + b"rest", "trailing-bytes"),
    "empty name": (image(entry(5, b"", DATA)), "name-empty"),
    "dot": (image(entry(4, b"..", b"")), "name-dot"),
    "slash": (image(entry(5, b"a/b", DATA)), "name-slash"),
    "NUL": (image(entry(5, b"a\0", DATA)), "name-nul"),
    "not UTF-8": (image(entry(5, b"\xff", DATA)), "name-utf8"),
}


@pytest.mark.parametrize(("data", "rule"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformation_is_found(data: bytes, rule: str) -> None:
    assert rule in {finding.rule for finding in scan(data).findings}


def test_deep_nesting_is_found_without_recursing_into_it() -> None:
    data = b""
    for _ in range(300):
        data = entry(4, b"d", data)
    assert "too-deep" in {finding.rule for finding in scan(image(data)).findings}


def test_the_walk_goes_on_after_a_fault() -> None:
    data = image(entry(5, b"\xff", DATA) + entry(5, b"b", pointer(900, 0)) + entry(5, b"c", DATA))
    result = scan(data)
    assert {finding.rule for finding in result.findings} == {"name-utf8", "pointer-range"}
    assert bytes(result.files["c"].data) == b"hi"


def test_only_the_first_of_equal_names_is_visible() -> None:
    first, second = entry(4, b"d", GOOD), entry(4, b"d", entry(5, b"b", DATA))
    assert set(scan(image(first + second)).files) == {"d/a"}


@given(trees())
def test_a_built_image_is_clean(tree: dict[str, bytes | None]) -> None:
    data = build_image(tree)
    result = scan(data)
    assert result.findings == []
    assert {path: bytes(file.data) for path, file in result.files.items()} == {
        path: content for path, content in tree.items() if content is not None
    }


def test_it_refuses_whatever_the_strict_reader_refuses() -> None:
    data = build_image(
        {"lib/a/b.mpy": b"0123456789", "c": b"0123456789", "d": b"", "e/f": b"xyz", "g": None}
    )
    rng = random.Random(8)
    outcomes = set()
    for _ in range(4000):
        damaged = mutate_image(data, len(data), rng)
        result = scan(damaged)
        try:
            strict = Image(damaged)
        except ImageError:
            strict = None
        outcomes.add((result.sound, strict is not None))
        assert strict is not None or not result.sound
        if strict is not None and result.sound:
            assert {path: bytes(file.data) for path, file in strict.files()} == {
                path: bytes(file.data) for path, file in result.files.items()
            }
    assert {(True, True), (False, False)} <= outcomes


def test_severities_follow_what_a_device_makes_of_it() -> None:
    odd = scan(image(entry(5, b"ab", DATA), 9))
    assert [finding.severity for finding in odd.findings] == [Severity.WARNING]
    assert scan(image(encode_padding(10) + GOOD)).findings == []
