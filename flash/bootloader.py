"""Writing a partition without MicroPython running: through a bootloader or a debug probe.

The routes differ in the wire; what is checked before the first write, the order of the
writes and what may be reported as done are the same for all and stated here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from boards import Board, EraseRegion, Partition
from flash.plan import Kind, Plan, Step, Verify, check_size, plan
from flash.target import Erasing, Target
from flash.transport import Capability, Transport
from romfs import build_info
from romfs.errors import BoardError, IncompatibleMpy, VerifyError
from romfs.image import Image
from romfs.mpy import parse_header

Tell = Callable[[str, dict[str, Any]], None]
"""Takes an event: its name and its facts, all of them fit for JSON."""

ATOMIC = 32
"""Bytes that flash programs as one: the largest flash word here, of STM32H7. What is
written in pieces of this is fine for all the others."""
_ROUNDS = 3  # the first try, and two more of what did not read back right


def quiet(name: str, facts: dict[str, Any]) -> None:
    """A listener for those who want none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to.

    Attributes:
        plan: The steps, before they were carried out.
        written: Whether the device took them all.
        verified: Whether the partition was read back and found right.
        seconds: Of the whole run.
    """

    plan: Plan
    written: bool
    verified: bool
    seconds: float


def make_target(
    board: Board,
    part: Partition,
    *,
    erase: Sequence[EraseRegion] = (),
    write: int = 256,
    erasing: Erasing = Erasing.RANGE,
) -> Target:
    """The partition as a route without the firmware sees it.

    Args:
        board: The board.
        part: Its partition, with the size settled.
        erase: Erase units as the route has them; the board's unless given.
        write: Offset and length of a write must be multiples of this.
        erasing: Whether writing erases by itself (`Erasing.WHOLE`).
    Raises:
        BoardError: The size is a build option, and nobody said it.
    """
    size = part.capacity
    if size is None:
        raise BoardError(
            f"{board.id}: the size of {part.name} is a build option of the firmware; give --size"
        )
    units = tuple(erase) or part.erase or (EraseRegion(0, 4096, None),)
    # A unit is never programmed twice: internal flash with error correction forbids it, and
    # bootloaders do not say which memory they write.
    commit = units[0].block_size if erasing is Erasing.WHOLE else write
    return Target(
        index=part.index,
        size=size,
        erasing=erasing,
        erase=units,
        write=write,
        block_size=units[0].block_size if erasing is Erasing.WHOLE else 0,
        twice=False,
        commit=commit,
        # The last write begins with the magic; what follows it in that write is at risk.
        at_risk=commit if commit > ATOMIC else 0,
    )


def check_image(image: Image, board: Board, target: Target) -> None:
    """What must hold before the first write.

    Raises:
        DoesNotFit: The image is larger than the partition.
        BoardError: It was built for another board.
        IncompatibleMpy: The board would refuse a module of it.
    """
    check_size(bytes(image.data), target)
    record = build_info.read(image)
    made_for = None if record is None else record.fields.get("board")
    if isinstance(made_for, str) and made_for not in (board.key, board.id):
        raise BoardError(f"the image was built for {made_for}, not for {board.id}; nothing written")
    for path, file in image.files():
        if path.endswith(".mpy"):
            head = parse_header(file.data)
            refusal = board.mpy.accepts(
                head.arch, head.sub_version, head.arch_flags, head.small_int_bits, head.version
            )
            if refusal is not None:
                raise IncompatibleMpy(f"{path}: {refusal}; nothing written")


def deploy(
    transport: Transport,
    image: bytes,
    target: Target,
    *,
    full: bool = False,
    dry_run: bool = False,
    tell: Tell = quiet,
) -> Outcome:
    """Bring an image into a partition, and prove it where the route can read.

    Args:
        transport: The route, open.
        image: The image, checked before.
        target: The partition.
        full: Write everything, whatever the partition holds.
        dry_run: Stop before the first write.
        tell: Takes events.
    Raises:
        FlashError: In one of its kinds: the device refused, the link is lost, or what
            reads back is wrong.
    """
    begun = time.monotonic()
    readable = Capability.READBACK in transport.capabilities
    steps = first = _plan(transport, image, target, full=full)
    tell("plan", facts_of(first, target, image))
    if first.kind is not Kind.NOTHING and (risk := _risk(target, readable=readable)):
        tell("warning", {"message": risk})
    if dry_run:
        return Outcome(first, False, False, time.monotonic() - begun)
    if not readable and first.kind is Kind.NOTHING:
        # Its sums said so, and that is all that can be known.
        return Outcome(first, True, True, time.monotonic() - begun)
    for round_ in range(_ROUNDS):
        try:
            progress = _Progress(steps, tell)
            transport.apply(_possible(steps.steps, readable=readable), progress.done)
            break
        except VerifyError:
            if round_ == _ROUNDS - 1:
                raise
            tell("rewriting", {"round": round_ + 1})
            steps = plan(image, target)
    seconds = time.monotonic() - begun
    tell("done", {"seconds": round(seconds, 3), "verified": readable})
    return Outcome(first, True, readable, seconds)


def _risk(target: Target, *, readable: bool) -> str:
    """What an interruption may leave, or ""."""
    if not readable:
        return (
            "this route writes in an order of its own and cannot read back: if it is "
            "interrupted, write again before use"
        )
    if target.at_risk:
        return (
            f"on this route the last {target.at_risk} bytes written are not all or nothing: "
            "after a power cut in that instant, write again before use"
        )
    return ""


def _plan(transport: Transport, image: bytes, target: Target, *, full: bool) -> Plan:
    if full or Capability.SUMS not in transport.capabilities:
        return plan(image, target)
    blocks = [(at, min(size, len(image) - at)) for at, size in target.blocks(len(image))]
    return plan(image, target, transport.sums(blocks))


def _possible(steps: Iterable[Step], *, readable: bool) -> Iterable[Step]:
    return [step for step in steps if readable or not isinstance(step, Verify)]


def facts_of(steps: Plan, target: Target, image: bytes) -> dict[str, Any]:
    """A plan as facts for JSON."""
    return {
        "kind": steps.kind.value,
        "partition": target.index,
        "image_bytes": len(image),
        "partition_bytes": target.size,
        "blocks": steps.blocks,
        "changed": steps.changed,
        "erased": steps.erased,
        "payload": steps.payload,
        "note": steps.note,
    }


class _Progress:
    """Turns finished steps into events with bytes done of bytes in all."""

    def __init__(self, steps: Plan, tell: Tell) -> None:
        self.tell = tell
        self.total = steps.payload
        self.before = 0
        self.current: Step | None = None
        self.within = 0

    def done(self, step: Step, count: int) -> None:
        """`count` bytes of `step` are carried out."""
        if isinstance(step, Verify):
            self.tell("verified", {"address": step.address, "length": step.length})
            return
        if step is not self.current:
            self.before += self.within
            self.current, self.within = step, 0
        if hasattr(step, "data"):
            self.within = count
            self.tell("progress", {"done": self.before + self.within, "total": self.total})
