"""Containers: valid images whose slots lie on erase blocks, for every board that can hold one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import boards
from flash.board.assembly import settled
from flash.ota import container, offline, package
from romfs.errors import BoardError, BuildError, DoesNotFit, NoPartition
from romfs.image import Image
from tests.flash.ota import device, fleet
from tests.flash.ota.fleet import KINDS, Kind

SETTINGS = container.Settings("product", "BOARD", ((1, bytes(32)),))
MODULES = {"lib/romfs_ota/__init__.mpy": b"M\x06\x00\x1f" + bytes(22_000)}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_container_is_an_image_and_its_files_are_its_slots(kind: Kind) -> None:
    content = fleet.blank_content(kind, 1)[0]
    image = Image(content)
    assert image.size == len(content) == kind.size
    config: Any = container.read_config(content)
    for name, (segment, offset, size) in zip("ab", config[7], strict=True):
        assert offset % kind.block == size % kind.block == 0
        if segment == 0:
            file = image.file(f"{name}.romfs")
            assert (file.data_offset, len(file.data)) == (offset, size)
    assert bytes(Image(image.file("a.romfs").data).file("version").data) == b"1"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_nothing_overlaps(kind: Kind) -> None:
    segments = [kind.segment(index) for index in range(kind.segments)]
    plan = container.plan(segments, 900)
    spans = [(0, 0, plan.header)]
    spans += [(int(p.segment), p.offset, p.offset + p.size) for p in (*plan.banks, *plan.slots)]
    spans.sort()
    for (one, _, end), (other, start, _) in pairwise(spans):
        assert one != other or end <= start
    for segment, _, end in spans:
        assert end <= segments[segment].size


def test_every_board_gets_two_slots_or_a_reason() -> None:
    two, refused = 0, 0
    reasons = set()
    for board in boards.all_boards():
        try:
            segments = offline.segments(settled(board))
        except (BoardError, NoPartition):
            continue  # no partition, or one that firmware cannot write
        try:
            built = container.build(segments, SETTINGS, MODULES)
        except DoesNotFit as error:
            refused += 1
            reasons.add("updater alone" if "updater alone" in str(error) else str(error)[-20:])
            continue
        two += 1
        for place in (*built.plan.banks, *built.plan.slots):
            for region in board.partition(int(place.segment)).erase:
                assert place.offset % region.block_size == 0, board.id
    assert two > 100 and refused >= 7
    assert reasons == {"updater alone", "use single-slot mode"}


def test_the_device_reads_the_configuration() -> None:
    settings = container.Settings(
        "product",
        "BOARD",
        ((1, b"k" * 32), (2, b"l" * 32)),
        ("BOARD", "OTHER"),
        5,
        "https://example.org/ota",
        "beta",
        b"s" * 32,
    )
    kind = KINDS[3]
    content = container.build([kind.segment()], settings, {}).content
    main = fleet.make(kind, {0: content})[0].boot()
    config = main.config()
    assert (config.product, config.board, config.block) == ("product", "BOARD", kind.block)
    assert config.keys == list(settings.keys) and config.accepts == ["BOARD", "OTHER"]
    assert (config.trials, config.url, config.channel) == (5, settings.url, "beta")
    assert config.key == settings.device_key
    with pytest.raises(device.part("store").NoImage):
        main.mount()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keys": ()}, "0 public keys"),
        ({"keys": ((1, bytes(32)),) * 5}, "5 public keys"),
        ({"trials": 0}, "0 trial boots"),
        ({"device_key": bytes(16)}, "AES-256"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, object], words: str) -> None:
    from dataclasses import replace

    settings = replace(SETTINGS, **change)  # type: ignore[arg-type]
    with pytest.raises(BuildError, match=words):
        container.build([KINDS[3].segment()], settings, {})


def test_what_does_not_fit_is_refused_with_its_size() -> None:
    kind = KINDS[4]
    image = fleet.app(1, 16_000)
    manifest, table, _ = package.compose(image, fleet.release(1, kind.block, size=16_000))
    with pytest.raises(DoesNotFit, match="a slot has 12"):
        container.build([kind.segment()], SETTINGS, {}, app=(manifest, table, image))
    with pytest.raises(DoesNotFit, match="there is room for"):
        container.build([kind.segment()], SETTINGS, {}, slot=1 << 20)
    with pytest.raises(DoesNotFit, match="updater alone"):
        container.build([kind.segment()], SETTINGS, {"lib/romfs_ota/x.mpy": bytes(99_999)})


def test_the_updater_is_compiled_and_complete() -> None:
    modules = container.updater()
    names = {path.rpartition("/")[2] for path in modules}
    sources = {path.name for path in device.SOURCE.glob("*.py")} - {"__init__.py", "romfs_ota.py"}
    assert names == {name.replace(".py", ".mpy") for name in sources} | {"__init__.mpy"}
    assert all(content[0] == ord("M") for content in modules.values())
