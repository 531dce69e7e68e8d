from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.errors import ImageError, PathNotFound, TruncatedError
from romfs.image import MAX_DEPTH, Directory, Image
from romfs.layout import build_image
from romfs.records import Kind, encode_padding, encode_record, iter_records
from tests.strategies import Tree, trees

HEAD = bytes.fromhex("d2 cd 31")


def image_of(payload: bytes) -> bytes:
    assert len(payload) < 128
    return HEAD + bytes((len(payload),)) + payload


def read_tree(image: Image) -> Tree:
    return {
        path: None if isinstance(entry, Directory) else bytes(entry.data)
        for path, entry in image.walk()
    }


# The image of SPEC.md's worked example.
WORKED = bytes.fromhex("d2cd311a 0506 0161 0202 6869 0408 0164 0504 0165 0200 0506 0170 0302 0206")


def test_worked_example() -> None:
    image = Image(WORKED)
    assert read_tree(image) == {"a": b"hi", "d": None, "d/e": b"", "p": b"hi"}
    assert image.file("p").by_pointer
    assert image.file("p").data_offset == image.file("a").data_offset == 0x0A
    assert image.size == 30


def test_lookup_follows_the_path_rules_of_a_device() -> None:
    image = Image(WORKED)
    assert image.lookup("") is image.root
    assert image.lookup("/") is image.root
    assert image.lookup("/d/e") is image.lookup("d/e")
    for path in ("x", "a/b", "//a", "d//e", "./d"):
        with pytest.raises(PathNotFound):
            image.lookup(path)
    with pytest.raises(PathNotFound, match="is a directory"):
        image.file("d")


def test_data_is_a_window_on_the_buffer() -> None:
    buffer = bytearray(WORKED)
    data = Image(buffer).file("a").data
    buffer[0x0A] = ord("H")
    assert bytes(data) == b"Hi"
    assert data.readonly


def test_bytes_after_the_image_are_reported_not_refused() -> None:
    image = Image(WORKED + b"\xff" * 9)
    assert (image.trailing, image.size) == (9, 30)


def test_padded_varuints_unknown_records_and_padding_are_accepted() -> None:
    payload = b"\x01\x02zz" + bytes.fromhex("80 85 00 81 77") + bytes(0xF7)
    image = Image(HEAD + bytes.fromhex("80 80 82 00") + payload)
    assert image.root.entries == ()
    assert [record.kind for record in image.metadata] == [0x280]


def test_a_great_many_unknown_records_take_no_more_than_their_number() -> None:
    # In quadratic time this would end with the time limit of a test.
    payload = b"\x07\x00" * 300_000
    image = Image(encode_record(Kind.FILESYSTEM, payload))
    assert len(image.metadata) == 300_000


def test_metadata_is_what_the_root_holds() -> None:
    # A directory `d` with a record of kind 7, and another beside it.
    image = Image(image_of(bytes.fromhex("04 05 01 64 07 01 aa 08 01 bb")))
    assert [record.kind for record in image.metadata] == [8]


def test_metadata_inside_a_file_is_skipped() -> None:
    # Before the data a record of kind 0x80, after it one of kind 7.
    payload = bytes.fromhex("05 0c 01 61 81 00 01 ff 02 01 68 07 01 ff")
    assert read_tree(Image(image_of(payload))) == {"a": b"h"}


MALFORMED = {
    "empty buffer": (b"", "starts with nothing"),
    "other magic": (b"RM1\x00", "not a MicroPython ROMFS image"),
    "linux romfs": (b"-rom1fs-" + bytes(24), "Linux romfs"),
    "no root length": (HEAD, "no last byte"),
    "root longer than buffer": (HEAD + b"\x05\x00", "4 missing"),
    "root of absurd length": (HEAD + bytes.fromhex("8f ff ff ff 7f"), "missing"),
    "root over 32 bits": (HEAD + bytes.fromhex("9f ff ff ff 7f"), "32 bits"),
    "kind 0": (image_of(bytes.fromhex("00 00")), "kind 0"),
    "kind without end": (image_of(bytes.fromhex("85")), "no last byte"),
    "length without end": (image_of(bytes.fromhex("05 80")), "no last byte"),
    "child longer than parent": (image_of(bytes.fromhex("05 07 01 61 02 02 68 69")), "1 more"),
    "name longer than record": (image_of(bytes.fromhex("05 03 05 61 62")), "name of 5 bytes"),
    "directory's name longer than its record": (
        image_of(bytes.fromhex("04 02 05 64 01 03 00 00 00")),
        "name of 5 bytes",
    ),
    "name length missing": (image_of(bytes.fromhex("05 00")), "no last byte"),
    "data longer than file": (image_of(bytes.fromhex("05 04 01 61 02 02")), "2 more"),
    "pointer truncated": (image_of(bytes.fromhex("05 05 01 61 03 01 02")), "no last byte"),
    "pointer past the end": (image_of(bytes.fromhex("05 06 01 61 03 02 02 07")), "1 bytes past"),
    "no data record": (image_of(bytes.fromhex("05 02 01 61")), "no data record"),
    "empty name": (image_of(bytes.fromhex("05 03 00 02 00")), "is empty"),
    "slash in a name": (image_of(bytes.fromhex("05 04 01 2f 02 00")), "slash"),
    "NUL in a name": (image_of(bytes.fromhex("05 04 01 00 02 00")), "NUL"),
    "dot-dot": (image_of(bytes.fromhex("05 05 02 2e 2e 02 00")), "not an entry"),
    "duplicate name": (image_of(bytes.fromhex("05 04 01 61 02 00 04 02 01 61")), "second entry"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_images_are_refused_with_their_offset(case: str) -> None:
    buffer, message = MALFORMED[case]
    with pytest.raises(ImageError, match=message) as caught:
        Image(buffer)
    assert caught.value.offset is not None
    assert f"offset {caught.value.offset:#x}" in str(caught.value)


def test_endless_nesting_is_refused() -> None:
    payload = b""
    for _ in range(MAX_DEPTH + 2):
        inner = b"\x01d" + payload
        size = len(inner)
        length = bytes((0x80 | size >> 7, size & 0x7F)) if size > 127 else bytes((size,))
        payload = b"\x04" + length + inner
    size = len(payload)
    with pytest.raises(ImageError, match="nested"):
        Image(HEAD + bytes((0x80 | size >> 7, size & 0x7F)) + payload)


@given(trees())
def test_mount_returns_what_was_built(tree: Tree) -> None:
    found = read_tree(Image(build_image(tree)))
    assert found == tree


@given(trees(max_entries=5), st.data())
def test_only_image_errors_escape_from_damage(tree: Tree, data: st.DataObject) -> None:
    image = bytearray(build_image(tree))
    for _ in range(data.draw(st.integers(1, 3))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    del image[data.draw(st.integers(0, len(image))) :]
    try:
        read_tree(Image(image))
    except ImageError as error:
        assert error.offset is not None  # noqa: PT017


def test_every_truncation_is_refused() -> None:
    for length in range(len(WORKED)):
        with pytest.raises(ImageError):
            Image(WORKED[:length])


def test_open_maps_the_file_and_explains_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "a.romfs"
    path.write_bytes(WORKED)
    with Image.open(path) as image:
        assert bytes(image.file("a").data) == b"hi"
    path.write_bytes(b"")
    with pytest.raises(TruncatedError, match="empty"):
        Image.open(path)


@pytest.mark.parametrize("length", [0, *range(2, 300), 16383, 16384, 16385, 16386, 16387])
def test_padding_has_exactly_the_size_asked_for(length: int) -> None:
    padding = encode_padding(length)
    assert len(padding) == length
    assert sum(1 for _ in iter_records(memoryview(padding), 0, length)) == (length > 0)


def test_padding_of_one_byte_is_impossible() -> None:
    with pytest.raises(ValueError, match="2 bytes"):
        encode_padding(1)
