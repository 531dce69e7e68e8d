"""What a device installs, refuses and boots. The updater's own code, on a modelled flash."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from flash.ota import package
from flash.ota.keys import Algorithm, PrivateKey
from flash.ota.manifest import KeySet
from tests.flash.ota import device, fleet
from tests.flash.ota.device import Bytes, Device

KIND = fleet.KINDS[4]
BLOCK = KIND.block
ED = Algorithm.ED25519


@pytest.fixture(autouse=True)
def quick_signatures() -> Iterator[None]:
    """A device with Ed25519, which signs 10,000 times faster than SLH-DSA."""
    module = device.part("package")
    module.ed25519 = device.ed25519
    yield
    module.ed25519 = None


def fresh(installed: int = 2, *keys: PrivateKey) -> Device:
    """A device with that release in slot a, trusting the keys (test key 0 without any)."""
    from flash.ota import container

    image = fleet.app(installed)
    manifest, table, _ = package.compose(image, fleet.release(installed, BLOCK))
    pairs = tuple(key.public.pair for key in keys or (fleet.key(0, ED),))
    settings = container.Settings(fleet.PRODUCT, fleet.BOARD, pairs)
    built = container.build([KIND.segment()], settings, {}, app=(manifest, table, image))
    return fleet.make(KIND, {0: built.content})[0]


def pack(number: int, *signers: PrivateKey, image: bytes | None = None, **change: Any) -> bytes:
    release = replace(fleet.release(number, BLOCK), **change)
    return package.pack(
        fleet.app(number) if image is None else image, release, signers or [fleet.key(0, ED)]
    )


def supply(board: Device) -> Any:
    return board.segments[0][0].supply


def refused(board: Device, data: bytes, words: str = "") -> None:
    """The package is refused before anything is erased, and the old image boots."""
    main, before = board.mount()
    count = supply(board).count
    with pytest.raises(device.part("store").Refused, match=words):
        main.install(Bytes(data))
    assert supply(board).count == count
    assert board.mount()[1] == before


def update(board: Device, data: bytes, expected: bytes) -> None:
    main, _ = board.mount()
    assert main.install(Bytes(data))
    main, image = board.mount()
    assert image == expected
    assert main.confirm()
    assert not main.confirm()


def test_an_update_is_tried_confirmed_and_kept() -> None:
    board = fresh()
    update(board, pack(3), fleet.app(3))
    update(board, pack(4), fleet.app(4))
    for _ in range(5):
        assert board.mount()[1] == fleet.app(4)
    assert board.boot().status()["active"] == "a"


def test_an_unconfirmed_image_boots_three_times_and_never_again() -> None:
    board = fresh()
    main, _ = board.mount()
    assert main.install(Bytes(pack(3)))
    seen = [board.mount()[1] for _ in range(6)]
    assert seen == [fleet.app(3)] * 3 + [fleet.app(2)] * 3
    assert board.boot().status()["slots"][1]["status"] == "failed"
    update(board, pack(3), fleet.app(3))  # by a person's will, once more


def test_an_image_may_give_up_itself() -> None:
    board = fresh()
    main, _ = board.mount()
    main.install(Bytes(pack(3)))
    main, image = board.mount()
    assert image == fleet.app(3)
    main.rollback()
    main, image = board.mount()
    assert image == fleet.app(2)
    with pytest.raises(device.part("store").Refused):
        main.rollback()


def test_a_confirmed_image_can_go_back_to_the_one_before() -> None:
    board = fresh()
    update(board, pack(3), fleet.app(3))
    main, _ = board.mount()
    main.rollback()
    assert board.mount()[1] == fleet.app(2)


def test_a_floor_forbids_what_is_below_it() -> None:
    board = fresh()
    update(board, pack(3, floor=3), fleet.app(3))
    main, _ = board.mount()
    assert main.status()["floor"] == 3
    with pytest.raises(device.part("store").Refused):
        main.rollback()
    # The slot with the older image is no way back either, when the newer one breaks.
    flash = board.segments[0][0]
    flash.load(b"\0" * 64, main.config().slots[1][1])
    with pytest.raises(device.part("store").NoImage):
        board.mount()


def test_an_unconfirmed_floor_does_not_count() -> None:
    board = fresh()
    main, _ = board.mount()
    main.install(Bytes(pack(3, floor=3)))
    for _ in range(4):
        main, image = board.mount()
    assert image == fleet.app(2) and main.status()["floor"] == 0


def test_while_on_trial_nothing_is_installed_over_the_way_back() -> None:
    board = fresh()
    board.mount()[0].install(Bytes(pack(3)))
    main, image = board.mount()
    assert image == fleet.app(3)
    with pytest.raises(device.part("store").Refused, match="on trial"):
        main.install(Bytes(pack(4)))


def test_a_waiting_image_is_replaced_by_a_newer_one() -> None:
    board = fresh()
    main, _ = board.mount()
    main.install(Bytes(pack(3)))
    main.install(Bytes(pack(4)))
    assert board.mount()[1] == fleet.app(4)


def test_what_runs_is_not_installed_again() -> None:
    board = fresh()
    data = pack(3)
    update(board, data, fleet.app(3))
    main, _ = board.mount()
    count = supply(board).count
    assert main.install(Bytes(data)) is False
    assert supply(board).count == count


def test_both_slots_bad_is_said_clearly() -> None:
    board = fresh()
    main = board.boot()
    flash = board.segments[0][0]
    flash.load(bytes(16), main.config().slots[0][1])
    with pytest.raises(device.part("store").NoImage, match="push or fetch one"):
        board.mount()
    # And from there a package still goes in.
    main = board.boot()
    assert main.install(Bytes(pack(3)))
    assert board.mount()[1] == fleet.app(3)


def test_damage_in_the_image_in_use_is_found_when_asked_for_and_the_other_is_used() -> None:
    board = fresh()
    update(board, pack(3), fleet.app(3))
    main, _ = board.mount()
    at = main.config().slots[1][1] + 700
    flash = board.segments[0][0]
    flash.load(bytes((flash.read(at, 1)[0] ^ 1,)), at)
    main = board.boot()
    main.mount(path=False, check=True)
    rom = board.mounted["/app"]
    assert bytes(rom.data[: rom.size]) == fleet.app(2)


# Refusals.


def test_older_wrong_and_foreign_packages_are_refused() -> None:
    board = fresh(5)
    refused(board, pack(4), "older")
    refused(board, pack(6, product="toaster"), "for product toaster")
    refused(board, pack(6, boards=("A", "B")), "for board A, B")
    refused(board, pack(6, fleet.key(7, ED)), "no trusted key")
    refused(board, pack(6, block=1024), "blocks of 1024")
    refused(board, pack(6, image=fleet.app(6, 20_000)), "too large")
    refused(board, pack(6, firmware=(99, 0, 0)), "needs MicroPython 99.0.0")
    refused(board, pack(6, key_set=KeySet(1, ())), "a key set of 0")


def test_native_code_is_installed_where_it_runs() -> None:
    installer = device.part("installer")
    # MicroPython's number: version 6, sub-version 3, architecture 6 (armv7em) above them.
    installer.sys = types.SimpleNamespace(
        implementation=types.SimpleNamespace(_mpy=6 | 3 << 8 | 6 << 10, version=(1, 26, 0))
    )
    try:
        board = fresh()
        refused(board, pack(3, mpy=(5, 0, 0)), "mpy version 5")
        refused(board, pack(3, mpy=(6, 2, 6)), "mpy version 6.2")
        refused(board, pack(3, mpy=(6, 3, 7)), "another processor")
        refused(board, pack(3, mpy=(6, 3, 10)), "another processor")
        refused(board, pack(3, firmware=(1, 27, 0)), "needs")
        update(board, pack(3, mpy=(6, 0, 0), firmware=(1, 25, 0)), fleet.app(3))
        update(board, pack(4, mpy=(6, 3, 4)), fleet.app(4))
    finally:
        import sys

        installer.sys = sys


def test_every_bit_of_header_and_manifest_is_signed() -> None:
    board = fresh()
    data = pack(3)
    end = package.HEAD.size + len(package.Envelope.parse(data).body)
    main, _ = board.mount()
    count = supply(board).count
    for bit in range(end * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((device.part("store").Refused, OSError)):
            main.install(Bytes(bytes(damaged)))
    assert supply(board).count == count


def test_every_bit_of_the_signature_block_counts() -> None:
    board = fresh()
    data = pack(3)
    start = package.HEAD.size + len(package.Envelope.parse(data).body)
    main, _ = board.mount()
    for bit in range(start * 8, (start + 12 + 64) * 8):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((device.part("store").Refused, OSError)):
            main.install(Bytes(bytes(damaged)))
    assert supply(board).count == 0


def test_a_sample_of_an_slh_dsa_signature_counts_too() -> None:
    board = fresh(2, fleet.key())
    data = pack(3, fleet.key())
    start = package.HEAD.size + len(package.Envelope.parse(data).body)
    main, _ = board.mount()
    for at in [*range(start, start + 12), *range(start + 12, start + 12 + 7856, 61)]:
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        with pytest.raises((device.part("store").Refused, OSError)):
            main.install(Bytes(bytes(damaged)))
    assert supply(board).count == 0
    assert main.install(Bytes(data))


def test_flips_in_table_and_payload_never_reach_a_boot() -> None:
    data = pack(3)
    envelope = package.Envelope.parse(data)
    start = len(data) - len(envelope.table) - len(envelope.payload)
    for at in range(start, len(data), 41):
        board = fresh()
        main, _ = board.mount()
        damaged = bytearray(data)
        damaged[at] ^= 1 << at % 8
        try:
            main.install(Bytes(bytes(damaged)))
            expected = fleet.app(3)  # the flip was in bits that mean nothing
        except (device.part("store").Refused, OSError):
            expected = fleet.app(2)
        assert board.mount()[1] == expected
        # The true package goes on from what was right.
        main = board.boot()
        if expected == fleet.app(2):
            main.mount(path=False)
            assert main.install(Bytes(data))
        assert board.mount()[1] == fleet.app(3)


def test_truncated_packages_change_nothing_that_is_used() -> None:
    data = pack(3)
    board = fresh()
    for size in [*range(0, 400, 13), *range(400, len(data), 151)]:
        main, _ = board.mount()
        with pytest.raises((device.part("store").Refused, OSError)):
            main.install(Bytes(data[:size]))
        assert board.mount()[1] == fleet.app(2)
    assert board.mount()[0].install(Bytes(data))


def test_a_spliced_package_gives_nothing() -> None:
    one, other = pack(3), pack(4)
    a, b = package.Envelope.parse(one), package.Envelope.parse(other)
    board = fresh()
    for table, payload in ((b.table, a.payload), (a.table, b.payload), (b.table, b.payload)):
        head = package.HEAD.pack(*package.HEAD.unpack(a.head)[:6], len(table), len(payload))
        body = one[package.HEAD.size : len(one) - len(a.table) - len(a.payload)]
        main, _ = board.mount()
        for first in (head, a.head):
            with pytest.raises((device.part("store").Refused, OSError)):
                main.install(Bytes(first + body + table + payload))
        assert board.mount()[1] == fleet.app(2)


def test_endless_data_is_not_read() -> None:
    class Endless(Bytes):
        def readinto(self, offset: int, buffer: Any) -> None:
            self.reads += len(buffer)
            for at in range(len(buffer)):
                where = offset + at
                buffer[at] = self.data[where] if where < len(self.data) else 0x55

    board = fresh()
    head = package.HEAD.pack(package.MAGIC, 1, 1, 0, 2048, 31_000, 1 << 20, 1 << 28)
    main, _ = board.mount()
    for data in (head, b"", pack(3)[:200], package.MAGIC + b"\xff" * 20):
        source = Endless(data)
        with pytest.raises(device.part("store").Refused):
            main.install(source)
        assert source.reads < 50_000
    assert supply(board).count == 0


# Keys.


def test_keys_are_rotated_and_the_old_one_is_refused_from_then_on() -> None:
    old, new, stranger = (fleet.key(n, ED) for n in range(3))
    board = fresh(2, old)
    keys = KeySet(1, (new.public.pair, fleet.key().public.pair))
    refused(board, pack(3, new), "no trusted key")
    # Signed by both, so devices before and after the change take it.
    update(board, pack(3, new, old, key_set=keys), fleet.app(3))
    assert board.boot().status()["key_set"] == 1
    refused(board, pack(4, old), "no trusted key")
    refused(board, pack(4, stranger), "no trusted key")
    update(board, pack(4, new), fleet.app(4))
    refused(board, pack(5, new, key_set=KeySet(0, (old.public.pair,))), "key set 0")
    refused(board, pack(5, new, key_set=KeySet(1, (old.public.pair,))), "key set 1")
    update(board, pack(5, new, key_set=KeySet(2, (stranger.public.pair,))), fleet.app(5))
    update(board, pack(6, stranger), fleet.app(6))


def test_the_container_key_set_returns_with_no_record() -> None:
    board = fresh(2, *(fleet.key(n, ED) for n in range(4)))
    update(board, pack(3, fleet.key(3, ED)), fleet.app(3))


# What is sent.


def test_blocks_the_device_has_are_not_fetched() -> None:
    changed = bytearray(fleet.app(2))
    changed[300] ^= 1  # in the first of two blocks
    data = pack(3, image=bytes(changed), segment=BLOCK)
    board = fresh()
    main, _ = board.mount()
    source = Bytes(data)
    assert main.install(source)
    envelope = package.Envelope.parse(data)
    first = int.from_bytes(envelope.table[-8:-4], "little")
    last = int.from_bytes(envelope.table[-4:], "little")
    assert source.reads == len(data) - last and first > 0 < last
    assert board.mount()[1] == bytes(changed)


def test_an_interrupted_transfer_goes_on_where_it_stopped() -> None:
    kind = fleet.KINDS[3]
    image = fleet.app(3, 9000)
    release = replace(fleet.release(3, kind.block, size=9000), segment=kind.block)
    data = package.pack(image, release, [fleet.key()])
    content = fleet.blank_content(kind, 2, 9000)
    whole = _operations(kind, content, [Bytes(data)])
    short = Bytes(data)
    short.data = data[:-900]
    cut = _operations(kind, content, [short, Bytes(data)])
    assert cut <= whole + 6  # not the whole transfer again


def _operations(kind: fleet.Kind, content: dict[int, bytes], sources: list[Bytes]) -> int:
    board, _ = fleet.make(kind, content)
    for source in sources:
        main, _ = board.mount()
        try:
            main.install(source)
        except OSError:
            assert source is not sources[-1]
    assert board.mount()[1] == fleet.app(3, 9000)
    return int(supply(board).count)


def test_a_delta_for_another_image_is_not_used() -> None:
    board = fresh(2)
    delta_only = pack(4, bases=(fleet.app(3),), full=False)
    main, _ = board.mount()
    with pytest.raises(device.part("store").Refused, match="neither"):
        main.install(Bytes(delta_only))
    assert board.mount()[1] == fleet.app(2)
    update(board, pack(4, bases=(fleet.app(3), fleet.app(2))), fleet.app(4))
    update(board, pack(5, bases=(fleet.app(4),), full=False), fleet.app(5))


def test_a_delta_onto_a_decayed_image_falls_back_to_the_whole() -> None:
    board = fresh(2)
    main, _ = board.mount()
    at = main.config().slots[0][1] + 900
    flash = board.segments[0][0]
    flash.load(bytes((flash.read(at, 1)[0] ^ 0x10,)), at)
    data = pack(3, bases=(fleet.app(2),))
    assert main.install(Bytes(data))
    assert board.mount()[1] == fleet.app(3)
