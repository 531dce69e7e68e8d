"""The updater in the real MicroPython, on virtual boards of every sort of flash."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from flash.ota import push
from flash.serial_repl import DeviceError
from romfs.errors import PackageError, RollbackRefused, TransportError
from tests.flash.ota import boards, fleet
from tests.real import needs_micropython

pytestmark = needs_micropython

PICO, PYBD = "RPI_PICO", "PYBD_SF6"
EVERY = {
    PICO: 128 * 1024,  # block device, pages of 256 bytes
    PYBD: None,  # memoryview, any length
    "ESP32_GENERIC_S3": 128 * 1024,  # block device, found at run time
    "OPENMV_N6": None,  # writes in fours, or it hangs
    "OPENMV_AE3:M55_HP": None,  # two partitions, each a slot; one of them MRAM
    "ADAFRUIT_FEATHER_M4_EXPRESS": None,  # every write rewrites 8 KiB
    "SAMD_GENERIC_D51X19": None,  # only whole blocks may be written
    "ARDUINO_NANO_33_BLE_SENSE": None,
}
USUAL = (PICO, PYBD, "OPENMV_AE3:M55_HP", "SAMD_GENERIC_D51X19")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        pytest.param(name, size, id=name, marks=() if name in USUAL else pytest.mark.slow)
        for name, size in EVERY.items()
    ],
)
def test_update_rollback_and_delta(name: str, size: int | None, tmp_path: Path) -> None:
    with boards.board(name, tmp_path, size=size) as one:
        assert boards.booted(one) == "a 1"
        seen: list[tuple[int, int]] = []
        with boards.repl(one) as repl:
            outcome = push.push(
                repl, boards.packed(name, 2, size=size), lambda *done: seen.append(done)
            )
        assert outcome.installed and seen[-1][0] == seen[-1][1] > 0
        assert [boards.reboot(one) for _ in range(4)] == ["b 2"] * 3 + ["a 1"]
        with boards.repl(one) as repl:
            assert push.push(repl, boards.packed(name, 2, size=size), again=True).installed
            repl.soft_reset()
            assert repl.run("import romfs_ota\nprint(romfs_ota.confirm())") == b"True\r\n"
        assert boards.reboot(one) == "b 2"
        with boards.repl(one) as repl:
            assert push.push(repl, boards.packed(name, 3, 2, size=size)).installed
        assert boards.reboot(one) == "a 3"


@pytest.mark.parametrize("name", [PICO])
def test_refusals_come_back_with_their_reason(name: str, tmp_path: Path) -> None:
    size = EVERY[name]
    with boards.board(name, tmp_path, size=size) as one, boards.repl(one) as repl:
        before = one.supply.count
        with pytest.raises(RollbackRefused, match="sequence 0 is older than 1"):
            push.push(repl, boards.packed(name, 1, size=size, sequence=0))
        data = bytearray(boards.packed(name, 2, size=size))
        data[40] ^= 1
        with pytest.raises(PackageError, match="no trusted key"):
            push.push(repl, bytes(data))
        assert one.supply.count == before


@pytest.mark.parametrize(
    "name",
    [PYBD, pytest.param(PICO, marks=pytest.mark.slow), "ADAFRUIT_FEATHER_M4_EXPRESS"],
)
def test_power_cuts_on_the_real_engine(name: str, tmp_path: Path) -> None:
    """A sample of each class of cut that `exhaustive` tries on the model."""
    size = EVERY[name]
    data = boards.packed(name, 2, size=size)
    with boards.board(name, tmp_path, size=size) as one:
        with boards.repl(one) as repl:
            push.push(repl, data)
        total = one.supply.count
    for n in sorted({1, 2, 4, total // 2, total - 1, total}):
        for torn in (False, True):
            with boards.board(
                name, tmp_path, size=size, faults=[f"{'tear' if torn else 'cut'}={n}"], seed=n
            ) as one:
                with pytest.raises(TransportError), boards.repl(one) as repl:  # noqa: PT012
                    push.push(repl, data)
                    raise TransportError("the cut came after the last word")
                assert one.wait_off()
                state = boards.after(one, one.power_on)
                # The record that makes it bootable is the last thing written, and on some flash
                # what shares its erase unit is written again after it.
                assert state == "a 1" or (state == "b 2" and n > total - 32)
                if state == "a 1":
                    # And once more, during the recovery.
                    one.power_off()
                    later = one.supply.count + 3
                    boards.after(one, partial(one.power_on, tear=later))
                    with pytest.raises(TransportError), boards.repl(one) as repl:  # noqa: PT012
                        push.push(repl, data)
                        raise TransportError("too few operations left to cut")
                    if not one.wait_off(1.0):
                        one.power_off()  # too few were left; no cut shall be pending
                    boards.after(one, one.power_on)
                    with boards.repl(one) as repl:
                        push.push(repl, data)
                    assert boards.reboot(one) == "b 2"


def test_a_bad_line_costs_time_and_nothing_else(tmp_path: Path) -> None:
    faults = ["in.flip=0.0004", "in.drop=#9000"]
    with boards.board(PICO, tmp_path, size=EVERY[PICO], faults=faults, seed=3) as one:
        data = boards.packed(PICO, 2, size=EVERY[PICO])
        for attempt in range(4):
            try:
                with boards.repl(one) as repl:
                    outcome = push.push(repl, data)
                break
            except (TransportError, DeviceError):
                assert attempt < 3
        assert outcome.installed
        assert boards.reboot(one) == "b 2"


def test_both_slots_bad_ends_at_the_prompt_and_can_be_repaired(tmp_path: Path) -> None:
    with boards.board(PICO, tmp_path, size=EVERY[PICO]) as one:
        with boards.repl(one) as repl:
            at = int(repl.run("import romfs_ota as r\nprint(r.config().slots[0][1])"))
        one.power_off()
        one.flash.load(bytes(64), at)
        said = boards.after(one, one.power_on)
        assert said == "no image: no slot holds a good image: push or fetch one"
        with boards.repl(one) as repl:
            assert push.push(repl, boards.packed(PICO, 2, size=EVERY[PICO])).installed
        assert boards.reboot(one) == "b 2"


@pytest.mark.parametrize(
    "bases", [(1,), pytest.param((), marks=pytest.mark.slow)], ids=["delta", "full"]
)
def test_an_encrypted_package_needs_the_device_key(bases: tuple[int, ...], tmp_path: Path) -> None:
    size, key = EVERY[PICO], secrets.token_bytes(32)
    data = boards.packed(PICO, 2, *bases, size=size, device_key=key)
    assert fleet.app(2, boards.SIZE)[200:300] not in data
    with boards.board(PICO, tmp_path, size=size, device_key=key) as one:
        with boards.repl(one) as repl:
            assert push.push(repl, data).installed
        assert boards.reboot(one) == "b 2"
    with (
        boards.board(PICO, tmp_path, size=size) as one,
        boards.repl(one) as repl,
        pytest.raises(push.Refused, match="this device has no key"),
    ):
        push.push(repl, data)
    other = secrets.token_bytes(32)
    with boards.board(PICO, tmp_path, size=size, device_key=other) as one:
        with boards.repl(one) as repl, pytest.raises((push.Refused, DeviceError)):
            push.push(repl, data)
        assert boards.reboot(one) == "a 1"


def test_it_runs_in_little_memory(tmp_path: Path) -> None:
    """72 KiB here are about 40 KiB on a 32-bit board, the modules themselves included."""
    size = EVERY[PICO]
    with boards.board(PICO, tmp_path, size=size, heap_free=72 * 1024) as one:
        with boards.repl(one) as repl:
            assert push.push(repl, boards.packed(PICO, 2, size=size)).installed
            repl.soft_reset()
            repl.run("import romfs_ota\nromfs_ota.confirm()")
            repl.soft_reset()
            assert push.push(repl, boards.packed(PICO, 3, 2, size=size)).installed
        assert boards.reboot(one) == "a 3"
