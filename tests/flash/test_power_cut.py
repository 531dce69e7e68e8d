"""Power fails at every flash operation, clean and torn: what a device then shows.

It may show the old image, the new one, or nothing. It must never mount something else,
and running again must always complete. Everything here runs the code that is sent to
devices, over the flash model; a sample on the real engine is in test_cut_on_board.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from flash.board.nor import PowerCut
from flash.plan import Kind, plan
from flash.target import Erasing
from tests.flash.model import Device, Files, make_image, seen

# One board of every kind of segment and quirk: name, partition size where it is chosen.
BOARDS = {
    "stm32 QSPI": ("PYBD_SF2", None),
    "stm32 XSPI": ("OPENMV_N6", None),
    "stm32, op 6 missing": ("WEACTSTUDIO_MINI_STM32H723", None),
    "alif MRAM": ("ALIF_ENSEMBLE:M55_HE", None),
    "alif OSPI": ("ALIF_ENSEMBLE:M55_HP", None),
    "esp8266": ("ESP8266_GENERIC-FLASH_2M_ROMFS", None),
    "renesas, 2 KiB units": ("EK_RA4M1", None),
    "samd21": ("ADAFRUIT_FEATHER_M0_EXPRESS", None),
    "samd51": ("ADAFRUIT_FEATHER_M4_EXPRESS", None),
    "samd51, block device": ("SAMD_GENERIC_D51X19", None),
    "rp2": ("RPI_PICO", 65536),
    "nrf": ("PCA10056", None),
    "mimxrt": ("TEENSY41", None),
    "esp32": ("ESP32_GENERIC", 65536),
}


@pytest.fixture(params=list(BOARDS.values()), ids=list(BOARDS))
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Device]:
    name, size = request.param
    device = Device(name, tmp_path / "flash", size=size)
    yield device
    device.close()


def _files(device: Device, seed: int) -> Files:
    """Content that differs in every block, one file unchanged, sizes that move the rest."""
    chance = random.Random(seed)
    room = 9000 if device.target.at_risk < 4096 else 3000
    room = min(room, device.target.size - device.target.at_risk - 1500)
    return {
        "same.py": b"x = 1\n" * 40,
        "a.bin": chance.randbytes(room // 2 + seed * 100),
        "z.bin": chance.randbytes(room // 3),
    }


def _image(device: Device, files: Files) -> bytes:
    # Where the last write is not all or nothing, a padding record must fill what it covers.
    return make_image(files, head=device.target.at_risk)


def _write(device: Device, image: bytes) -> None:
    transport = device.transport()
    blocks = [(at, min(size, len(image) - at)) for at, size in device.target.blocks(len(image))]
    transport.apply(plan(image, device.target, transport.sums(blocks)).steps)


def _shown(device: Device) -> Files | None:
    return seen(device.flash.read(0, device.window))


def _operations(device: Device, old: bytes, new: bytes) -> int:
    device.reset(old)
    _write(device, new)
    assert device.flash.read(0, len(new)) == new
    return device.assembly.supply.count


def test_every_cut_leaves_old_new_or_nothing(device: Device) -> None:
    before, after = _files(device, 1), _files(device, 2)
    old, new = _image(device, before), _image(device, after)
    for start in (old, b""):
        total = _operations(device, start, new)
        assert total > 10
        for number in range(1, total + 1):
            for torn in (False, True):
                device.reset(start)
                device.cut(number, torn=torn)
                with pytest.raises(PowerCut):
                    _write(device, new)
                state = _shown(device)
                assert state in (None, {}, after) or (start == old and state == before), (
                    f"cut {'in' if torn else 'after'} operation {number} of {total}"
                )
                device.assembly.supply.restore()
                _write(device, new)
                assert _shown(device) == after
                assert device.flash.read(0, len(new)) == new


def test_a_second_cut_while_completing_harms_no_more(device: Device) -> None:
    before, after = _files(device, 1), _files(device, 2)
    old, new = _image(device, before), _image(device, after)
    total = _operations(device, old, new)
    chance = random.Random(total)
    for first in range(1, total + 1, max(1, total // 12)):
        device.reset(old)
        device.cut(first, torn=True, seed=first)
        with pytest.raises(PowerCut):
            _write(device, new)
        device.cut(chance.randint(1, total), torn=chance.random() < 0.5, seed=first + 1)
        try:
            _write(device, new)
        except PowerCut:
            assert _shown(device) in (None, {}, before, after)
        device.assembly.supply.restore()
        _write(device, new)
        assert _shown(device) == after


def test_a_small_change_and_its_cuts(device: Device) -> None:
    before = _files(device, 1)
    changed = bytearray(before["z.bin"])
    changed[-5] ^= 0x55
    after = {**before, "z.bin": bytes(changed)}
    old, new = _image(device, before), _image(device, after)
    total = _operations(device, old, new)
    for number in range(1, total + 1):
        device.reset(old)
        device.cut(number, torn=True, seed=7)
        with pytest.raises(PowerCut):
            _write(device, new)
        assert _shown(device) in (None, {}, before, after)
        device.assembly.supply.restore()
        _write(device, new)
        assert device.flash.read(0, len(new)) == new


def test_nothing_outside_the_partition_changes(device: Device) -> None:
    places = device.assembly.bus.places
    outside = [p.memory for p in places if p.memory not in device.assembly.segments]
    before = [memory.read() for memory in outside]
    device.reset(_image(device, _files(device, 1)))
    _write(device, _image(device, _files(device, 2)))
    assert [memory.read() for memory in outside] == before


def test_writing_the_same_again_touches_nothing(device: Device) -> None:
    image = _image(device, _files(device, 1))
    device.reset(image)
    _write(device, image)
    assert device.assembly.supply.count == 0


def test_what_a_cut_left_is_not_sent_again(device: Device) -> None:
    new = _image(device, _files(device, 2))
    total = _operations(device, b"", new)
    device.reset(b"")
    device.cut(total * 3 // 4, torn=False)
    with pytest.raises(PowerCut):
        _write(device, new)
    device.assembly.supply.restore()
    transport = device.transport()
    blocks = [(at, min(size, len(new) - at)) for at, size in device.target.blocks(len(new))]
    rest = plan(new, device.target, transport.sums(blocks))
    # Where erasing starts from the front, one half written block costs all before it; and
    # where blocks are erased in groups, the others of its group.
    if len(blocks) > 4 and device.target.erasing in (Erasing.RANGE, Erasing.BLOCK):
        assert rest.kind is Kind.FINISH
        assert rest.payload < len(new) * 0.6
