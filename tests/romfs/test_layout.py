from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs import build_info
from romfs.blocks import changed_blocks
from romfs.dump import dump
from romfs.errors import BuildError, ImageError
from romfs.image import MAX_DEPTH, File, Image
from romfs.layout import Content, Geometry, build_image, lay_out
from romfs.records import Kind, encode_record, iter_records
from tests.strategies import Tree, trees


def content(path: str, data: bytes, align: int = 1, order: int = 0) -> Content:
    return Content(path, data, hashlib.sha256(data).digest(), align, order)


def random_tree(count: int, seed: int = 1) -> dict[str, bytes]:
    source = random.Random(seed)
    return {
        f"pkg{n % 7}/module{n}.mpy": source.randbytes(source.randrange(200, 6000))
        for n in range(count)
    }


def laid_out(
    files: dict[str, bytes], geometry: Geometry | None = None, previous: Image | None = None
) -> bytes:
    contents = [content(path, data) for path, data in files.items()]
    return lay_out(contents, info={}, geometry=geometry, previous=previous).image


@given(trees(), st.randoms(use_true_random=False))
def test_result_does_not_depend_on_the_order_of_input(tree: Tree, shuffled: random.Random) -> None:
    items = list(tree.items())
    shuffled.shuffle(items)
    assert build_image(dict(items)) == build_image(tree)


@given(trees())
def test_total_size_is_even_and_metadata_comes_first(tree: Tree) -> None:
    data = build_image(tree)
    image = Image(data)
    assert len(data) % 2 == 0
    assert image.trailing == 0
    records = max((entry.offset for _, entry in image.walk()), default=0)
    assert all(file.data_offset > records for _, file in image.files() if file.data)


@given(trees(), st.sampled_from([1, 2, 4, 64, 4096]))
def test_data_is_aligned_from_image_start(tree: Tree, align: int) -> None:
    image = Image(build_image(tree, align=align))
    assert all(file.data_offset % align == 0 for _, file in image.files() if file.data)


def test_equal_contents_are_stored_once_with_the_strictest_alignment() -> None:
    contents = [
        content(name, b"x" * 900, align) for name, align in (("a", 1), ("b", 256), ("c", 2))
    ]
    layout = lay_out(contents)
    image = Image(layout.image)
    assert image.file("a").data_offset == image.file("b").data_offset
    assert image.file("a").data_offset % 256 == 0
    assert len(layout.image) < 1400


def test_strictly_aligned_contents_lie_together_so_that_gaps_are_few() -> None:
    files = [content(f"{n:02}", bytes([n]) * 100, align=256 if n % 2 else 1) for n in range(40)]
    assert len(lay_out(files).image) < 40 * 100 // 2 + 20 * 256 + 1200


def test_slightly_aligned_contents_stay_among_the_others() -> None:
    layout = lay_out([content("a", b"1" * 5, align=16), content("b", b"2"), content("c", b"3")])
    assert list(layout.places) == sorted(layout.places, key=lambda path: layout.places[path])


def test_places_of_empty_files_are_zero() -> None:
    layout = lay_out([content("a", b""), content("b", b"x")])
    assert layout.places["a"] == (0, 0)
    assert layout.image[layout.places["b"][0]] == ord("x")


def test_lookup_order_lib_directories_init_then_names() -> None:
    paths = ["zz.mpy", "__init__.mpy", "App.mpy", "lib/x.mpy", "a/b.mpy", "lib/__init__.mpy"]
    image = Image(build_image({path: path.encode() for path in paths}))
    assert [entry.name for entry in image.root.entries] == [
        "lib", "a", "__init__.mpy", "App.mpy", "zz.mpy",
    ]  # fmt: skip
    first = Image(lay_out([content("b", b"1"), content("z", b"2", order=-1)]).image)
    assert [entry.name for entry in first.root.entries] == ["z", "b"]


@pytest.mark.parametrize("path", ["", "a/", "/a", "a//b", "..", "a/./b", "x\0y", "\udcff"])
def test_names_no_device_can_resolve_are_refused(path: str) -> None:
    with pytest.raises(BuildError):
        build_image({path: b""})


def test_no_image_is_deeper_than_readers_go() -> None:
    deepest = "/".join("d" * MAX_DEPTH)
    assert len(Image(build_image({f"{deepest}/f": b"xyz"})).file(f"{deepest}/f").data) == 3
    for tree in ({f"{deepest}/d/f": b"x"}, {f"{deepest}/d": None}, {"d/" * 5000 + "f": b""}):
        with pytest.raises(BuildError, match="directories deep"):
            build_image(tree)


def test_a_path_cannot_be_file_and_directory() -> None:
    with pytest.raises(BuildError, match="both a file and a directory"):
        build_image({"a": b"1", "a/b": b"2"})


def test_widths_follow_the_size_of_the_image() -> None:
    for size in (0, 1, 60, 126, 127, 128, 8000, 16300, 16384, 20000, 2 << 20):
        image = Image(build_image({"f": bytes(size)}))
        assert len(image.file("f").data) == size


def test_build_information_round_trips_and_notices_every_changed_byte() -> None:
    files = {"a.mpy": b"A" * 30, "b.mpy": b"B" * 30, "c.mpy": b"A" * 30, "e": b""}
    data = lay_out([content(p, d) for p, d in files.items()], info={"board": "X", "version": "1"})
    image = Image(data.image)
    info = build_info.read(image)
    assert info is not None
    assert info.fields == {"board": "X", "version": "1"}
    assert len(info.digests) == 2
    assert list(build_info.verify(image, info)) == []
    recorded = {path: digest for path, _, digest in build_info.file_digests(image, info)}
    assert recorded == {path: hashlib.sha256(d).digest() for path, d in files.items()}

    for offset in range(len(data.image)):
        damaged = bytearray(data.image)
        damaged[offset] ^= 0x10
        try:
            other = Image(damaged)
            found = build_info.read(other)
        except ValueError:
            continue  # noticed even earlier
        if found is not None:
            assert list(build_info.verify(other, found))


def test_damage_names_the_file() -> None:
    layout = lay_out([content("a", b"A" * 30), content("b", b"B" * 30)], info={})
    damaged = bytearray(layout.image)
    damaged[layout.places["b"][0]] ^= 1
    image = Image(damaged)
    info = build_info.read(image)
    assert info is not None
    assert [line for line in build_info.verify(image, info) if line.startswith("b:")]
    assert not [line for line in build_info.verify(image, info) if line.startswith("a:")]


def test_an_unknown_build_information_format_is_left_alone() -> None:
    payload = build_info.encode({}, [])[0].replace(b"\x01" + bytes(32), b"\x02" + bytes(32))
    image = Image(b"\xd2\xcd\x31" + bytes((len(payload),)) + payload)
    assert build_info.read(image) is None


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (b"\0" + b"[" * 100_000, "recursion"),  # would exhaust the stack
        (b"\0[]", "not an object"),
        (b"\0{", "Expecting"),
        (b"\2" + bytes(40) + b"{}", "promises 2 digests"),
        (b"", "no last byte"),
    ],
)
def test_damaged_build_information_is_told(rest: bytes, message: str) -> None:
    record = encode_record(Kind.BUILD_INFO, b"\x01" + bytes(32) + rest)
    image = Image(encode_record(Kind.FILESYSTEM, record))
    with pytest.raises(ImageError, match=message):
        build_info.read(image)
    assert any(message in row.text for row in dump(image))


ROOMY = Geometry(erase=4096, capacity=4 << 20)


def edited(files: dict[str, bytes], path: str, grow: int) -> dict[str, bytes]:
    data = files[path]
    return {**files, path: data[:50] + b"?" + data[51:] + bytes(grow)}


def test_with_room_a_small_edit_changes_few_blocks() -> None:
    files = random_tree(200)
    before = laid_out(files, ROOMY)
    for path in list(files)[::23]:
        after = laid_out(edited(files, path, grow=3), ROOMY)
        # The module's own blocks, the block of its record, and the digests.
        assert len(changed_blocks(before, after, 4096)) <= 6


def test_around_a_previous_image_an_edit_changes_few_blocks_without_any_room() -> None:
    files = random_tree(200)
    before = laid_out(files)
    for path in list(files)[::23]:
        after = laid_out(edited(files, path, grow=700), previous=Image(before))
        assert len(changed_blocks(before, after, 4096)) <= 8
        assert len(after) <= len(before) + 7000


def test_without_either_everything_after_the_edit_moves() -> None:
    # Shows that the two tests above measure something.
    files = random_tree(200)
    after = laid_out(edited(files, "pkg0/module0.mpy", grow=700))
    assert len(changed_blocks(laid_out(files), after, 4096)) > 50


def test_new_files_find_room_in_the_metadata_without_moving_data() -> None:
    files = random_tree(200)
    geometry = Geometry(256, 4 << 20)
    before = Image(laid_out(files, geometry))
    more = {**files, **{f"pkg3/new{n}.mpy": bytes([n]) * 300 for n in range(12)}}
    after = Image(laid_out(more, geometry, before))
    assert {path: file.data_offset for path, file in before.files()} == {
        path: file.data_offset for path, file in after.files() if path in files
    }


@pytest.mark.parametrize("erase", [4096, 16384, 65536, 131072])
def test_a_long_history_of_edits_keeps_changing_few_blocks(erase: int) -> None:
    geometry = Geometry(erase, 4 << 20)
    source = random.Random(erase)
    files = random_tree(120)
    image = laid_out(files, geometry)
    changed = blocks = 0
    for step in range(60):
        path = source.choice(sorted(files))
        kind = source.randrange(10)
        if kind == 0:
            files[f"new{step}.mpy"] = source.randbytes(2000)
        elif kind == 1:
            del files[path]
        else:
            files[path] = files[path][:50] + source.randbytes(kind * 10) + files[path][60:]
        after = laid_out(files, geometry, Image(image))
        changed += len(changed_blocks(image, after, erase))
        blocks += -(-len(after) // erase)
        image = after
    # A module, its record, the digests, and what straddles a boundary.
    assert changed / 60 < 4
    assert changed < 0.7 * blocks
    assert len(image) < 1.3 * len(laid_out(files, geometry))


def test_an_image_around_a_previous_one_fits_where_a_fresh_one_does() -> None:
    files = random_tree(60)
    before = Image(laid_out(files))
    grown = {path: data + b"+" * 900 if path < "pkg2" else data for path, data in files.items()}
    fresh = laid_out(grown)
    for spare in (0, 2, 500, 5000):
        geometry = Geometry(4096, len(fresh) + spare)
        assert len(laid_out(grown, geometry, before)) <= geometry.capacity


def test_alignment_holds_around_a_previous_image_that_had_none() -> None:
    files = random_tree(40)
    before = Image(laid_out(files))
    changed = {path: data[1:] + b"+" if path < "pkg1" else data for path, data in files.items()}
    contents = [
        content(path, data, align=64 if path < "pkg1" or path > "pkg6" else 1)
        for path, data in changed.items()
    ]
    image = Image(lay_out(contents, previous=before).image)
    assert {path: bytes(file.data) for path, file in image.files()} == changed
    for asked in contents:
        assert image.file(asked.path).data_offset % asked.align == 0
    kept = [p for p, f in image.files() if f.data_offset == before.file(p).data_offset]
    assert len(kept) > 20


def test_what_changed_takes_its_old_place_rather_than_an_earlier_gap() -> None:
    files = {f"m{n}": bytes([n]) * 200 for n in range(10)}
    before = Image(laid_out(files))
    del files["m1"]
    files["m8"] = b"changed"
    after = Image(laid_out(files, previous=before))
    assert after.file("m8").data_offset == before.file("m8").data_offset


def test_a_previous_image_of_something_else_changes_nothing() -> None:
    files = random_tree(40)
    other = Image(laid_out(random_tree(40, seed=2), ROOMY))
    assert laid_out(files, ROOMY, other) == laid_out(files, ROOMY)


def test_a_large_file_may_grow_in_its_place_without_a_previous_image() -> None:
    files = {"a.mpy": b"a" * 64_000, "b.mpy": b"b" * 500}
    grown = {**files, "a.mpy": b"a" * 65_400}
    before, after = Image(laid_out(files, ROOMY)), Image(laid_out(grown, ROOMY))
    assert before.file("b.mpy").data_offset == after.file("b.mpy").data_offset


def test_slack_ends_exactly_where_the_partition_does() -> None:
    files = random_tree(50)
    roomy = len(laid_out(files, ROOMY))
    assert len(laid_out(files, Geometry(4096, roomy))) == roomy
    for capacity in (roomy - 1, roomy - 2):
        assert len(laid_out(files, Geometry(4096, capacity))) <= capacity


def test_the_lead_holds_only_header_and_padding() -> None:
    files = random_tree(20)
    lead = Geometry(erase=4096, capacity=4 << 20, lead=2048)
    data = laid_out(files, lead)
    first = next(iter(iter_records(memoryview(data), Image(data).payload, len(data))))
    assert (first.kind, first.end) == (Kind.PADDING, 2048)
    assert {path: bytes(file.data) for path, file in Image(data).files()} == files
    # Around a previous image, too; and without room, the image counts for more.
    again = laid_out(edited(files, "pkg0/module0.mpy", grow=3), lead, Image(data))
    assert again[7:2048] == data[7:2048]
    tight = laid_out(files)
    assert laid_out(files, Geometry(erase=4096, capacity=len(tight), lead=2048)) == tight


def test_slack_is_given_up_before_the_image_is() -> None:
    files = random_tree(50)
    tight = laid_out(files)
    exact = Geometry(erase=4096, capacity=len(tight))
    assert laid_out(files, exact) == tight


@given(st.data())
def test_any_sequence_of_edits_around_previous_images_round_trips(data: st.DataObject) -> None:
    files = random_tree(12, seed=data.draw(st.integers(0, 3)))
    previous: Image | None = None
    for _ in range(data.draw(st.integers(1, 6))):
        path = data.draw(st.sampled_from(sorted(files)))
        action = data.draw(st.sampled_from(["grow", "shrink", "remove", "add", "swap"]))
        if action == "grow":
            files[path] += b"+" * data.draw(st.integers(1, 3000))
        elif action == "shrink":
            files[path] = files[path][: data.draw(st.integers(0, 100))]
        elif action == "remove" and len(files) > 2:
            del files[path]
        elif action == "add":
            files[f"new{len(files)}.mpy"] = b"n" * data.draw(st.integers(0, 5000))
        else:
            other = data.draw(st.sampled_from(sorted(files)))
            files[path], files[other] = files[other], files[path]
        image = Image(laid_out(files, previous=previous))
        found = {p: bytes(e.data) for p, e in image.walk() if isinstance(e, File)}
        assert found == files
        previous = image


@given(st.integers(1, 3000), st.integers(1, 200), st.booleans())
def test_many_files_of_any_size_keep_their_number_width(count: int, size: int, roomy: bool) -> None:
    files = {f"{n}": f"{n} ".encode() * size for n in range(count // size + 1)}
    image = Image(laid_out(files, ROOMY if roomy else None))
    assert {path: bytes(file.data) for path, file in image.files()} == files


def test_too_large_for_the_format() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 5 << 30

    with pytest.raises(BuildError, match="4 GiB"):
        lay_out([Content("f", Huge(b"x"), b"d" * 32)])


def test_changed_blocks_counts_the_erased_rest() -> None:
    assert changed_blocks(b"", b"\xff" * 8, 4) == []
    assert changed_blocks(b"abcd", b"abcdX", 4) == [1]
    assert changed_blocks(b"abcdefgh", b"abcd", 4) == []
    assert changed_blocks(b"abcd", b"abxd", 4) == [0]
