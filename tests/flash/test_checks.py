"""What is refused before the first erase, and why."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

import boards
from flash import checks
from flash.probe import FEATURES, DeviceInfo, Segment
from flash.target import Erasing, resolve
from romfs import build_info
from romfs.errors import BoardError, IncompatibleMpy, NoPartition
from romfs.image import Image
from romfs.layout import Content, build_image, lay_out
from tests.flash.model import make_image

PICO = boards.load("RPI_PICO")
INFO = DeviceInfo(
    version=(1, 29, 0, ""),
    machine="Raspberry Pi Pico with RP2040",
    platform="rp2",
    mpy=PICO.mpy.mpy_value(),
    free=150_000,
    features=frozenset(FEATURES),
    segments=(Segment(0, 65536, "Flash", 4096),),
)
TARGET = resolve(INFO, INFO.segments[0], PICO)


def _mpy(arch: int = 0, sub: int = 0, bits: int = 31, version: int = 6) -> bytes:
    return bytes((0x4D, version, arch << 2 | sub, bits, 0, 0))


def _image(module: bytes) -> Image:
    return Image(build_image({"m.mpy": module}))


@pytest.mark.parametrize(
    "module",
    [_mpy(), _mpy(arch=4, sub=3), _mpy(bits=30)],
    ids=["bytecode", "armv6m", "smaller ints"],
)
def test_what_the_device_loads_passes(module: bytes) -> None:
    assert checks.preflight(_image(module), INFO, TARGET, PICO) == []


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (_mpy(arch=7, sub=3), "native code for armv7emsp"),
        (_mpy(arch=4, sub=2), "native code for armv6m"),
        (_mpy(bits=32), "32-bit small ints, the device has 31"),
        (_mpy(version=5), "version 5, the device has 6"),
        (b"not a module", "not a .mpy file"),
    ],
)
def test_what_it_would_refuse_is_refused_here(module: bytes, why: str) -> None:
    with pytest.raises(IncompatibleMpy, match=why) as caught:
        checks.preflight(_image(module), INFO, TARGET, PICO)
    assert "m.mpy" in str(caught.value) and "nothing erased" in str(caught.value)


def test_a_board_without_a_row_is_judged_by_what_it_says() -> None:
    unknown = replace(INFO, machine="My Board with STM32F4", mpy=6 | (3 | 7 << 2) << 8)
    assert checks.choose_board(unknown, None) == (None, [])
    checks.check_modules(_image(_mpy(arch=7, sub=3)), unknown, None)
    with pytest.raises(IncompatibleMpy):
        checks.check_modules(_image(_mpy(arch=8, sub=3)), unknown, None)
    with pytest.raises(IncompatibleMpy, match=r"loads no \.mpy"):
        checks.check_modules(_image(_mpy()), replace(unknown, mpy=0), None)


def test_an_image_for_another_board_needs_force() -> None:
    data = b"x = 1\n"
    content = Content("m.py", data, hashlib.sha256(data).digest())
    image = Image(lay_out([content], info={"board": "PYBD_SF2"}).image)
    assert build_info.read(image) is not None
    with pytest.raises(BoardError, match="built for PYBD_SF2"):
        checks.preflight(image, INFO, TARGET, PICO)
    assert checks.preflight(image, INFO, TARGET, PICO, force=True)
    own = Image(lay_out([content], info={"board": PICO.key}).image)
    assert checks.preflight(own, INFO, TARGET, PICO) == []


def test_the_user_may_name_the_board_and_hears_of_a_contradiction() -> None:
    other = boards.load("PYBD_SF2")
    board, remarks = checks.choose_board(INFO, other)
    assert board is other and "Raspberry Pi Pico" in remarks[0]
    assert checks.choose_board(INFO, PICO) == (PICO, [])


def test_no_partition_says_what_would_make_one() -> None:
    none = replace(INFO, segments=(), features=frozenset(FEATURES) - {"vfs.rom_ioctl"})
    with pytest.raises(NoPartition, match="MICROPY_HW_ROMFS_BYTES"):
        checks.segment(none, 0, PICO)
    with pytest.raises(NoPartition, match="came with MicroPython 1"):
        checks.segment(replace(none, version=(1, 24, 1)), 0, None)
    with pytest.raises(NoPartition, match="no ROMFS partition 3, only 0"):
        checks.segment(INFO, 3, PICO)


def test_an_image_safe_in_its_first_unit_gives_no_warning() -> None:
    samd = boards.load("ADAFRUIT_FEATHER_M4_EXPRESS")
    part = samd.partitions[0]
    info = replace(
        INFO,
        machine=f"{samd.name} with {samd.mcu_name}",
        platform="samd",
        mpy=samd.mpy.mpy_value(),
        segments=(Segment(0, part.size or 0, "", part.min_prepare or 0),),
    )
    target = resolve(info, info.segments[0], samd)
    assert target.erasing is Erasing.NONE and target.at_risk == 8192
    exposed = Image(make_image({"a.py": b"x = 1\n" * 2000}))
    padded = Image(make_image({"a.py": b"x = 1\n"}, head=8192))
    assert any("all or nothing" in w for w in checks.preflight(exposed, info, target, samd))
    assert checks.preflight(padded, info, target, samd) == []
