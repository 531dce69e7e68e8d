"""The DfuSe route through pyusb against simulated boot loaders, with every fault they have."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

pytest.importorskip("usb", reason="pyusb is not installed (extra 'dfu')")

import boards
from boards import EraseRegion
from flash.bootloader import ATOMIC, deploy, make_target
from flash.dfu import DfuTransport
from flash.dfu_devices import Memory, choose_memory, find_memories, parse_layout
from flash.plan import Kind
from flash.target import Target
from romfs.errors import (
    DoesNotFit,
    FlashError,
    NoPartition,
    NoPort,
    TransportError,
    VerifyError,
    WriteRefused,
)
from tests.formats.firmware import EMPTY_IMAGE, romfs_image
from tests.sim.dfu_device import EXTERNAL, INTERNAL, PYBD, Backend, DfuDevice

BOARD = boards.load("PYBD_SF2")
PART = BOARD.partition(0)
ADDRESS, SIZE = 0x9010_0000, 0x10_0000
IMAGE = romfs_image(100_000)
KINDS: list[Literal["rom", "mboot"]] = ["rom", "mboot"]


def open_(device: DfuDevice, *, run: int | None = None) -> tuple[DfuTransport, Target]:
    memory = choose_memory(find_memories(Backend(device)), ADDRESS, SIZE)
    route = DfuTransport(memory, ADDRESS, SIZE, run=run, sleep=lambda _: None)
    regions = memory.erase_regions(ADDRESS, SIZE)
    target = make_target(BOARD, PART, erase=regions, write=ATOMIC)
    return route, target


@pytest.fixture(params=KINDS)
def device(request: pytest.FixtureRequest) -> DfuDevice:
    layouts = (PYBD,) if request.param == "mboot" else (INTERNAL, EXTERNAL)
    made = DfuDevice(layouts, request.param)
    made.load(0x9000_0000, b"\x5a" * 0x20_0000)
    return made


def test_the_image_arrives_is_read_back_and_runs(device: DfuDevice) -> None:
    route, target = open_(device, run=0x0800_8000)
    done = deploy(route, IMAGE, target)
    route.close()
    assert (done.plan.kind, done.verified) == (Kind.FULL, True)
    assert device.read(ADDRESS, len(IMAGE)) == IMAGE
    assert device.read(ADDRESS - 4096, 4096) == b"\x5a" * 4096
    assert device.running == 0x0800_8000
    # The alternate setting of that memory, and the header's sector erased first.
    assert device.alternate == len(device.layouts) - 1
    changes = [line for line in device.log if not line.startswith("address")]
    assert changes[0] == f"erase {ADDRESS:#x}"
    assert changes[-1] == f"write {ADDRESS:#x} 32"


def test_the_same_image_is_not_written_again_and_a_change_alone(device: DfuDevice) -> None:
    device.load(ADDRESS, IMAGE)
    route, target = open_(device)
    assert deploy(route, IMAGE, target).plan.kind is Kind.NOTHING
    assert not [line for line in device.log if line.startswith(("erase", "write"))]
    device.load(ADDRESS + 70_000, b"damage")
    done = deploy(route, IMAGE, target)
    assert (done.plan.kind, done.verified) == (Kind.CHANGES, True)
    assert device.read(ADDRESS, len(IMAGE)) == IMAGE
    assert [line for line in device.log if line.startswith("erase")] == [
        f"erase {ADDRESS:#x}", f"erase {ADDRESS + 0x1_0000:#x}",
    ]  # fmt: skip


def test_a_dry_run_writes_nothing(device: DfuDevice) -> None:
    route, target = open_(device)
    deploy(route, IMAGE, target, dry_run=True)
    assert not [line for line in device.log if line.startswith(("erase", "write"))]


def test_an_image_too_large_is_refused(device: DfuDevice) -> None:
    route, target = open_(device)
    with pytest.raises(DoesNotFit):
        deploy(route, romfs_image(SIZE), target)
    assert not [line for line in device.log if line.startswith("erase")]


def test_errors_of_the_device_are_told(device: DfuDevice) -> None:
    route, target = open_(device)
    bank = device.bank(ADDRESS)
    bank.flash.supply.fail = frozenset({3})
    with pytest.raises(WriteRefused, match=r"at 0x9010"):
        deploy(route, IMAGE, target)
    # A second run finds the device usable again.
    bank.flash.supply.fail = frozenset()
    assert deploy(route, IMAGE, target).verified


def test_a_device_that_lies_is_found_out(device: DfuDevice) -> None:
    route, target = open_(device)
    device.lie = True
    with pytest.raises(VerifyError):
        deploy(route, IMAGE, target)


def test_a_device_left_in_an_error_is_recovered() -> None:
    for state in (2, 5, 9, 10):
        device = DfuDevice((EXTERNAL,), state=state, status=8 if state == 10 else 0)
        route, target = open_(device)
        assert deploy(route, EMPTY_IMAGE, target).verified


def test_a_device_that_cannot_be_read_is_not_called_verified() -> None:
    device = DfuDevice((EXTERNAL,), can_upload=False)
    route, target = open_(device)
    done = deploy(route, IMAGE, target)
    assert (done.written, done.verified) == (True, False)
    assert device.read(ADDRESS, len(IMAGE)) == IMAGE


@pytest.mark.parametrize("kind", KINDS)
def test_unplugged_after_every_transfer_nothing_half_done_looks_whole(
    kind: Literal["rom", "mboot"],
) -> None:
    """Small sectors, so that all transfers can be tried; then it is plugged in again."""
    layout = "@Flash /0x90100000/16*002Kg"
    image, old = romfs_image(5000), romfs_image(4500)

    def attempt(device: DfuDevice) -> None:
        memory = choose_memory(find_memories(Backend(device)), ADDRESS, 0x8000)
        route = DfuTransport(memory, ADDRESS, 0x8000, sleep=lambda _: None)
        target = make_target(BOARD, PART, erase=(EraseRegion(0, 2048, 16),), write=ATOMIC)
        deploy(route, image, target)

    whole = DfuDevice((layout,), kind)
    whole.load(ADDRESS, old)
    attempt(whole)
    assert whole.transfers > 30
    for cut in range(1, whole.transfers):
        device = DfuDevice((layout,), kind, unplug_after=cut)
        device.load(ADDRESS, old)
        with contextlib.suppress(TransportError):
            attempt(device)
            assert cut >= whole.transfers - 1
        held = device.read(ADDRESS, len(image))
        assert held[: len(old)] == old or held == image or held[:3] != image[:3], cut
        device.unplug_after = None
        attempt(device)
        assert device.read(ADDRESS, len(image)) == image


def test_layouts_are_read() -> None:
    runs = parse_layout(PYBD)
    assert [(r.address, r.size, r.count) for r in runs] == [
        (0x0800_0000, 16 << 10, 4), (0x0801_0000, 64 << 10, 1), (0x0802_0000, 128 << 10, 3),
        (0x9000_0000, 32 << 10, 64),
    ]  # fmt: skip
    (run,) = parse_layout("@Option Bytes   /0x1FFFC000/01*016 e")
    assert (run.size, run.readable, run.erasable, run.writable) == (16, True, False, True)
    (run,) = parse_layout("@ROM /0x00000000/02*512Ba")
    assert (run.size, run.end, run.writable) == (512, 1024, False)
    assert parse_layout("DFU mode") == () == parse_layout("@x /zz/1*1Kg")


def test_erase_units_of_a_partition() -> None:
    device = DfuDevice((INTERNAL,))
    (memory,) = find_memories(Backend(device))
    assert memory.erase_regions(0x0800_8000, 0x3_8000) == (
        EraseRegion(0, 0x4000, 2), EraseRegion(0x8000, 0x1_0000, 1),
        EraseRegion(0x1_8000, 0x2_0000, 1),
    )  # fmt: skip
    with pytest.raises(NoPartition, match="begin"):
        memory.erase_regions(0x0800_1000, 0x4000)
    with pytest.raises(NoPartition, match="ends inside"):
        memory.erase_regions(0x0801_0000, 0x8000)


def test_a_partition_the_bootloader_does_not_reach_is_told() -> None:
    with pytest.raises(NoPartition, match=r"does not reach 0x90100000.*Internal Flash"):
        open_(DfuDevice((INTERNAL,)))
    with pytest.raises(NoPort, match="no USB device in DFU mode"):
        choose_memory(find_memories(Backend()), ADDRESS, SIZE)
    two = Backend(DfuDevice((EXTERNAL,)), DfuDevice((EXTERNAL,)))
    memories = list(find_memories(two))
    assert {memory.ids for memory in memories} == {"0483:df11"}
    assert choose_memory(memories[:1], ADDRESS, SIZE, "0483:DF11") is memories[0]
    with pytest.raises(NoPort, match="no USB device 1234"):
        choose_memory(memories, ADDRESS, SIZE, "1234")


def test_steps_outside_the_partition_are_refused(device: DfuDevice) -> None:
    route, _ = open_(device)
    with pytest.raises(FlashError):
        route.read(SIZE - 4, 8)


def test_memories_are_described(device: DfuDevice) -> None:
    memories = list(find_memories(Backend(device)))
    assert all(isinstance(memory, Memory) and memory.transfer_size for memory in memories)
    assert memories[0].title == "Internal Flash"
    assert memories[0].serial == "3276365D3336"


# That tool runs once in a process.
OTHER_TOOL = """
import sys
from pathlib import Path
import pydfuutil.__main__ as tool
from tests.sim.dfu_device import EXTERNAL, Backend, DfuDevice

kind, source, target = sys.argv[1:]
data = Path(source).read_bytes()
device = DfuDevice((EXTERNAL,), kind)
bus = Backend(device)
for name, module in list(sys.modules.items()):
    if name.startswith("pydfuutil") and hasattr(module, "DEFAULT_BACKEND"):
        module.DEFAULT_BACKEND = bus
place = "0x90100000"
if target:
    device.load(0x90100000, data)
    place += f":{len(data)}"
sys.argv = ["dfu-util", "-a", "0", "-s", place, *(["-U", target] if target else ["-D", source])]
try:
    tool.main()
except SystemExit as end:
    assert not end.code, end.code
assert device.read(0x90100000, len(data)) == data
"""


@pytest.mark.parametrize("direction", ["download", "upload"])
@pytest.mark.parametrize("kind", KINDS)
def test_another_tool_finds_the_simulated_device_right(
    kind: Literal["rom", "mboot"], direction: str, tmp_path: Path
) -> None:
    """A port of dfu-util writes to it and reads from it: the simulator is honest."""
    pytest.importorskip("pydfuutil", reason="pydfuutil is not installed (PyPI)")
    source, target = tmp_path / "in.bin", tmp_path / "out.bin"
    source.write_bytes(IMAGE)
    upload = direction == "upload"
    done = subprocess.run(
        [sys.executable, "-c", OTHER_TOOL, kind, source, target if upload else ""],
        capture_output=True, text=True, timeout=60, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if upload:
        assert target.read_bytes() == IMAGE
