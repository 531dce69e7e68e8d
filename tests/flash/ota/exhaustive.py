"""Power cut at every flash operation of an update, clean and torn, and again during recovery.

    python -m tests.flash.ota.exhaustive [--every N] [--second N] [--kind TEXT]

For each sort of flash, an update from release 1 to release 2 is run as often as it has
flash operations, and power fails once after and once within each. Whatever that leaves is
started again, and power fails once more at every operation of the recovery. After every cut
a boot must give release 1 or 2, bit for bit, and never release 1 once 2 was confirmed; and
the update, begun anew, must end with 2 confirmed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flash.board.nor import PowerCut, Supply
from flash.ota.keys import Algorithm
from tests.flash.ota import device as host
from tests.flash.ota import fleet
from tests.flash.ota.fleet import Kind

Content = dict[int, bytes]
IMAGE = 4200


@dataclass
class Scenario:
    """One way from an old release to a new one.

    Attributes:
        start: What the flash holds.
        packed: The package.
        old, new: Images.
        confirms: Whether the new release confirms itself; if not, the old one must come back.
    """

    start: Content
    packed: bytes
    old: bytes
    new: bytes
    confirms: bool = True
    reached: list[str] = field(default_factory=list)

    def run(self, device: host.Device) -> None:
        """The whole update, from whatever an earlier attempt left."""
        main, image = device.mount()
        self._expect(image)
        if image == self.old:
            self.reached.append("install")
            assert main.install(host.Bytes(self.packed))
            main, image = device.mount()
            assert image == self.new, "the new release was not tried"
        if self.confirms:
            main.confirm()
            self.reached.append("confirmed")
            main, image = device.mount()
            assert image == self.new, "the confirmed release did not boot"
            assert main.status()["trial"] is None
            return
        for _ in range(4):
            main, image = device.mount()
            self._expect(image)
        assert image == self.old, "an unconfirmed release kept booting"

    def _expect(self, image: bytes) -> None:
        assert image in (self.old, self.new), "neither the old nor the new release"
        if "confirmed" in self.reached:
            assert image == self.new, "a confirmed release was lost"


def scenarios(kind: Kind) -> dict[str, Scenario]:
    """A full update, and a delta onto a device that has been updated before."""
    factory = fleet.blank_content(kind, 1, IMAGE)
    full = fleet.packed(2, kind.block, size=IMAGE, algorithm=Algorithm.ED25519)
    first = Scenario(factory, full, fleet.app(1, IMAGE), fleet.app(2, IMAGE))
    device, memories = fleet.make(kind, factory)
    first.run(device)
    first.reached.clear()
    updated = {index: bytes(memory) for index, memory in memories.items()}
    delta = fleet.packed(3, kind.block, (2,), False, IMAGE, Algorithm.ED25519)
    news = (fleet.app(2, IMAGE), fleet.app(3, IMAGE))
    return {
        "full": first,
        "delta": Scenario(updated, delta, *news),
        "unconfirmed": Scenario(updated, delta, *news, confirms=False),
    }


def attempt(
    kind: Kind, scenario: Scenario, content: Content, supply: Supply
) -> tuple[Content, bool]:
    """Run the update; what the flash holds after it, and whether power failed."""
    device, memories = fleet.make(kind, content, supply)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what the device says of it
            scenario.run(device)
        failed = False
    except PowerCut:
        failed = True
    return {index: bytes(memory) for index, memory in memories.items()}, failed


def cuts(count: int, step: int) -> Iterator[tuple[int, bool]]:
    """Every operation, clean and torn; or every `step`-th of them."""
    for n in range(1, count + 1, step):
        yield n, False
        yield n, True


def explore(
    kind: Kind, scenario: Scenario, every: int = 1, second: int = 1, seed: int = 0
) -> tuple[int, int]:
    """All cuts of one scenario; the count of states, and of operations without a cut."""
    supply = Supply()
    scenario.reached.clear()
    attempt(kind, scenario, scenario.start, supply)
    total = supply.count
    states = 0
    for n, torn in cuts(total, every):
        power = _supply(n, torn, seed + n)
        scenario.reached.clear()
        left, failed = attempt(kind, scenario, scenario.start, power)
        assert failed
        reached = list(scenario.reached)
        states += 1
        recovery = Supply()
        _, failed = attempt(kind, scenario, left, recovery)
        assert not failed
        for m, torn_too in cuts(recovery.count, second):
            scenario.reached[:] = reached
            again, failed = attempt(kind, scenario, left, _supply(m, torn_too, seed + n + m))
            assert failed
            states += 1
            _, failed = attempt(kind, scenario, again, Supply())
            assert not failed
    return states, total


def _supply(n: int, torn: bool, seed: int) -> Supply:
    return Supply(tear=n, seed=seed) if torn else Supply(cut_after=n, seed=seed)


def hasten() -> Callable[[], None]:
    """Check each signature once and remember: it is the same package thousands of times.

    Returns what undoes it. Both algorithms are tried elsewhere; the packages here are signed
    with the faster one.
    """
    host.part("package").ed25519 = host.ed25519
    envelope = host.part("package").Envelope
    right = envelope._right
    known: dict[bytes, bool] = {}

    def remembered(self: object, key: tuple[int, bytes], head: bytes, *rest: object) -> bool:
        name = bytes(head) + bytes(self.body)  # type: ignore[attr-defined]
        if name not in known:
            known[name] = right(self, key, head, *rest)
        return known[name]

    envelope._right = remembered

    def undo() -> None:
        envelope._right = right
        host.part("package").ed25519 = None

    return undo


def main(argv: list[str]) -> int:
    """Run it all; 0 if every state was good."""
    parser = argparse.ArgumentParser(prog="python -m tests.flash.ota.exhaustive")
    parser.add_argument("--every", type=int, default=1, help="thin the first cut")
    parser.add_argument("--second", type=int, default=1, help="thin the second cut")
    parser.add_argument("--kind", default="", help="only sorts of flash with this in their name")
    args = parser.parse_args(argv)
    hasten()
    states = 0
    kinds = [kind for kind in fleet.KINDS if args.kind in kind.name]
    for kind in kinds:
        for name, scenario in scenarios(kind).items():
            begun = time.monotonic()
            found, operations = explore(kind, scenario, args.every, args.second)
            states += found
            took = time.monotonic() - begun
            print(
                f"{kind.name}: {name}: {operations} operations, {found} states, {took:.0f} s",
                flush=True,
            )
    print(f"{states} states on {len(kinds)} sorts of flash: every boot old or new, none lost")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
