"""Power fails everywhere: a thinned run of `exhaustive`, a single slot, and the check itself."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flash.board.nor import NorFlash, PowerCut, Supply
from flash.geometry import Geometry
from flash.ota import container
from flash.ota.keys import Algorithm
from tests.flash.ota import device, exhaustive, fleet
from tests.flash.ota.fleet import KINDS, Kind


@pytest.fixture(autouse=True, scope="module")
def hasty() -> Iterator[None]:
    undo = exhaustive.hasten()
    yield
    undo()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_cut_anywhere_leaves_the_old_or_the_new(kind: Kind) -> None:
    """Every operation once, clean and torn; the second cut at a few. All: `exhaustive`."""
    states = 0
    for scenario in exhaustive.scenarios(kind).values():
        slow = kind.kind in (device.WHOLE, device.OVER)
        found, operations = exhaustive.explore(kind, scenario, 17 if slow else 6, 37)
        states += found
        assert operations > 10
    assert states > 15


def sabotage(name: str, old: str, new: str) -> contextlib.AbstractContextManager[None]:
    """An updater with one line wrong."""

    @contextlib.contextmanager
    def changed() -> Iterator[None]:
        module = device.part(name)
        before = dict(vars(module))
        text = (device.SOURCE / f"{name}.py").read_text()
        assert old in text
        exec(compile(text.replace(old, new), name, "exec"), vars(module))
        vars(module).update({one: before[one] for one in ("NoImage", "Refused") if one in before})
        links = [one for one in ("romfs_ota", "installer") if one != name]
        saved: list[tuple[Any, str, Any]] = []
        for link in links:
            other = device.part(link) if link != "romfs_ota" else device._load()
            for key in list(vars(other)):
                if key in vars(module) and vars(other)[key] is before.get(key):
                    saved.append((other, key, vars(other)[key]))
                    setattr(other, key, vars(module)[key])
        if "memoryview" in before:
            vars(module)["memoryview"] = before["memoryview"]
        try:
            yield
        finally:
            for other, key, value in saved:
                setattr(other, key, value)
            vars(module).update(before)

    return changed()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        # The newest record's own bank is erased and written.
        ("store", "n = 1 - self._newest\n", "n = self._newest\n"),
        # A slot is tried without a look at its blocks, before they are all there.
        (
            "installer",
            "    job.fill(progress)\n    job.finish()",
            "    job.finish()\n    job.fill(progress)",
        ),
        # The image in use is written over.
        ("installer", "return 1 - record.active", "return record.active"),
    ],
    ids=["bank", "order", "slot"],
)
def test_the_check_sees_a_broken_updater(name: str, old: str, new: str) -> None:
    lost = device.part("store").NoImage
    with sabotage(name, old, new), pytest.raises((AssertionError, OSError, ValueError, lost)):
        every_state(KINDS[0])


def every_state(kind: Kind) -> None:
    for scenario in exhaustive.scenarios(kind).values():
        exhaustive.explore(kind, scenario, 1, 5)


@pytest.mark.parametrize("how", [device.RANGE, 4], ids=["ranges", "from the start only"])
def test_a_single_slot_is_blank_until_complete(
    how: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The updater on the file system; nothing mounts but a whole image, and a rerun completes."""
    size, block = 16384, 2048
    segment = container.Segment(0, how, 0, 4, block, size)
    files = container.single(segment, fleet.settings(), {})
    data = fleet.packed(2, block, algorithm=Algorithm.ED25519)
    monkeypatch.chdir(tmp_path)
    geometry = Geometry.uniform(size, block, write=4)

    def start(memory: bytes, supply: Supply, reset: bool) -> tuple[bytearray, device.Device]:
        if reset:
            for name, content in files.items():
                Path(name).write_bytes(content)
            Path("ota.1").unlink(missing_ok=True)
        held = bytearray(memory)
        flash = NorFlash(geometry, held, supply=supply)
        return held, device.Device({0: (flash, how, 0)})

    def run(board: device.Device) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            board.boot().install(device.Bytes(data))
            main = board.boot()
            main.mount(path=False)

    def mountable(memory: bytes | bytearray) -> bytes | None:
        try:
            rom = device.Rom(memoryview(memory))
        except OSError:
            return None
        return bytes(rom.data[: rom.size])

    for before in (b"\xff" * size, fleet.app(1).ljust(size, b"\xff")):
        old = mountable(before)
        supply = Supply()
        held, board = start(before, supply, True)
        run(board)
        assert mountable(held) == fleet.app(2)
        total = supply.count
        for n, torn in exhaustive.cuts(total, 1):
            power = Supply(tear=n, seed=n) if torn else Supply(cut_after=n)
            held, board = start(before, power, True)
            with pytest.raises(PowerCut):
                run(board)
            whole = mountable(held)
            if whole not in (None, old, fleet.app(2)):
                # An erase, or the very last write, that stopped half way: firmware may mount
                # that, and the updater says that it is no image.
                last = power.log[-1]
                assert last.kind == "erase" or (torn and last.offset == 0 and last.length == 4)
                _, board = start(bytes(held), Supply(), False)
                with pytest.raises(device.part("store").NoImage):
                    board.boot().mount(path=False)
            held, board = start(bytes(held), Supply(), False)
            run(board)
            assert mountable(held) == fleet.app(2)
