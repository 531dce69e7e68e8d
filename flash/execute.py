"""The whole of a flash run: connect, look, check, plan, write, verify, mount.

Everything a user sees of it are events, so the same run serves a terminal, a CI log and a
program that reads JSON lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from boards import Board
from flash import checks, compare, mount
from flash.agent.session import NEEDS, AgentTransport
from flash.link import Link
from flash.plan import Commit, Kind, Patch, Plan, Step, Verify, Write, plan
from flash.probe import DeviceInfo, probe
from flash.serial_repl import DeviceError, Repl
from flash.target import Erasing, Target, resolve
from flash.typed import TypedTransport
from romfs.errors import NoPartition, TransportError, VerifyError, WriteRefused
from romfs.image import Image

Tell = Callable[[str, dict[str, Any]], None]
"""Takes an event: its name and its facts, all of them fit for JSON."""

Source = Callable[[DeviceInfo, Target, Board | None], bytes]
"""Gives the image for a device: from a file, or built for it."""

Serial = AgentTransport | TypedTransport
"""The transports through a device's REPL."""

_ATTEMPTS = 4
_UPLOADS = 8
_INTERRUPTED = "the partition holds no half image; run the same command again to complete it"


@dataclass(frozen=True, slots=True)
class Options:
    """How to go about it.

    Attributes:
        partition: Segment id.
        full: Write every block, whatever the partition holds.
        dry_run: Stop before the first write.
        reset: Reset at the end, so that the application runs.
        force: Go on where the board speaks against it.
        board: What the user says is connected; None: what it says itself.
        window: Bits of the deflate window to use at most; 0: send uncompressed.
        typed: Do without the transfer agent.
        away: Seconds a device may be gone: resetting, or its cable pulled.
    """

    partition: int = 0
    full: bool = False
    dry_run: bool = False
    reset: bool = True
    force: bool = False
    board: Board | None = None
    window: int = 15
    typed: bool = False
    away: float = 20.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        plan: The last plan, before it was carried out.
        info: The device.
        verified: Whether the partition was read back and found right.
        seconds: From the first byte to the last.
        sent: Bytes to the device.
        received: Bytes from it.
        attempts: Connections it took.
    """

    plan: Plan
    info: DeviceInfo
    verified: bool
    seconds: float
    sent: int
    received: int
    attempts: int


def quiet(name: str, facts: dict[str, Any]) -> None:
    """A listener for those who want none."""


class Connected:
    """A device at its raw REPL, reset and looked at, with one partition chosen.

    Args:
        link: The wire.
        options: Which partition and board.
        tell: Takes events.
        fresh: Reset the interpreter first, so that nothing runs and memory is free.

    Attributes:
        repl: Its raw REPL.
        info: What it said.
        board: Its row, or None.
        target: The partition.
    """

    def __init__(
        self, link: Link, options: Options, tell: Tell = quiet, *, fresh: bool = True
    ) -> None:
        self.options = options
        self.repl = Repl(link)
        tell("connecting", {"port": link.name})
        self.repl.enter()
        if fresh:
            self.repl.soft_reset()
        self.info = probe(self.repl)
        self.board, self.remarks = checks.choose_board(self.info, options.board)
        tell("device", describe(self.info, self.board))
        segment = checks.segment(self.info, options.partition, self.board)
        self.target = resolve(self.info, segment, self.board)
        if self.target.erasing is Erasing.START and not self.target.known_units:
            self._check_writable()

    def _check_writable(self) -> None:
        """Tell a partition that is read-only from one that is erased from its start.

        Erasing no bytes is what both can be asked for without harm.
        Source: MicroPython ports/*/vfs_rom_ioctl.c; qemu and unix refuse every write.
        """
        index = self.target.index
        answer = self.repl.run(f"import vfs\nprint(vfs.rom_ioctl(3,{index},0))")
        if int(answer) < 0:
            raise NoPartition(
                f"partition {index} is read-only: this firmware refuses to erase (error "
                f"{-int(answer)}); its content is given from outside"
            )

    def open(self, *, reading: bool = False) -> Serial:
        """The best transport this device allows; `reading` if its `read` will be used."""
        if info_allows_agent(self.info) and not self.options.typed:
            for attempt in range(1, _UPLOADS + 1):
                try:
                    return AgentTransport(
                        self.repl,
                        self.info,
                        self.target,
                        window=self.options.window,
                        reading=reading,
                    )
                except (DeviceError, TransportError) as error:
                    self.repl.recover()
                    if "heap" in str(error) or "MemoryError" in str(error):
                        break  # typing needs less
                    if attempt == _UPLOADS:
                        raise
            self.repl.soft_reset()
        return TypedTransport(self.repl, self.info, self.target)


def info_allows_agent(info: DeviceInfo) -> bool:
    """Whether the device can take binary data at all."""
    return info.features >= NEEDS


def describe(info: DeviceInfo, board: Board | None) -> dict[str, Any]:
    """Facts about a device, fit for JSON."""
    return {
        "machine": info.machine,
        "board": None if board is None else board.id,
        "micropython": info.firmware,
        "platform": info.platform,
        "mpy": {
            "version": info.mpy_version,
            "sub_version": info.mpy_sub_version,
            "arch": info.arch,
        },
        "free_heap": info.free,
        "partitions": [
            {
                "index": one.index,
                "size": one.size,
                "kind": one.block_device or "memoryview",
                "unit": one.unit,
            }
            for one in info.segments
        ],
        "mounted_payload": info.mounted,
    }


def flash(link: Link, source: Source, options: Options, tell: Tell = quiet) -> Result:
    """Bring an image into a partition and prove that it is there.

    A link that is lost is waited for, and the work taken up where it stopped.

    Raises:
        FlashError: In one of its kinds: nothing fits, the device refused, or the link or
            the content was wrong in the end.
        ImageError, IncompatibleMpy, BoardError: The image is not for this device.
    """
    begun = time.monotonic()
    content: bytes | None = None
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            device = Connected(link, options, tell)
            if content is None:
                content = source(device.info, device.target, device.board)
            done, verified = _once(device, Image(content), tell)
            seconds = time.monotonic() - begun
            tell("done", {"seconds": round(seconds, 3), "sent": link.sent, "verified": verified})
            return Result(done, device.info, verified, seconds, link.sent, link.received, attempt)
        except WriteRefused as error:
            if "MemoryError" not in str(error) or options.typed or attempt == _ATTEMPTS:
                raise
            # Fragmented heap: what fitted when it was asked for does not any more.
            options = replace(options, window=min(options.window, 12) - 2, typed=attempt > 1)
        except TransportError as error:
            if attempt == _ATTEMPTS or content is None:
                raise
            tell("link-lost", {"error": str(error), "attempt": attempt})
            link.reopen(options.away)
        except KeyboardInterrupt:
            tell("interrupted", {"message": _INTERRUPTED})
            raise
    raise AssertionError


def _once(device: Connected, image: Image, tell: Tell) -> tuple[Plan, bool]:
    """One try; returns its first plan."""
    options, target = device.options, device.target
    warnings = device.remarks + checks.preflight(
        image, device.info, target, device.board, force=options.force
    )
    for warning in warnings:
        tell("warning", {"message": warning})
    content = bytes(image.data)
    transport = device.open()
    try:
        steps = _plan(transport, content, target, full=options.full)
        tell("plan", facts_of(steps, target, content))
        if options.dry_run:
            transport.close()
            return steps, False
        _carry_out(transport, content, target, steps, tell)
    except BaseException:
        # The failure that brought us here says more than one in leaving would.
        with suppress(TransportError):
            transport.close()
        raise
    transport.close()
    _finish(device, image, steps, tell)
    return steps, True


def _plan(transport: Serial, content: bytes, target: Target, *, full: bool) -> Plan:
    if full:
        return plan(content, target)
    blocks = [(at, min(size, len(content) - at)) for at, size in target.blocks(len(content))]
    found = compare.sums(transport, content, blocks, target.erased)
    keeps = transport.keeps
    fine = compare.fine(transport, content, blocks, found, keeps=keeps) if keeps else {}
    return plan(content, target, found, keeps=keeps, fine=fine)


def _carry_out(transport: Serial, content: bytes, target: Target, steps: Plan, tell: Tell) -> None:
    """Write, and write again what does not read back right, twice at most."""
    for round_ in range(3):
        progress = _Progress(steps, tell)
        begun = time.monotonic()
        try:
            transport.apply(steps.steps, progress.done)
            seconds = round(time.monotonic() - begun, 3)
            tell("transferred", {"seconds": seconds, "compressed": transport.carried})
            return
        except VerifyError:
            if round_ == 2:
                raise
            tell("rewriting", {"round": round_ + 1})
            # The checksums may agree where the strong hash does not: then all is written.
            again = _plan(transport, content, target, full=False)
            steps = plan(content, target) if again.kind is Kind.NOTHING else again


def _finish(device: Connected, image: Image, steps: Plan, tell: Tell) -> None:
    """Mount check, and the state to leave the device in."""
    options, repl = device.options, device.repl
    index = device.target.index
    changed = steps.kind is not Kind.NOTHING
    can_mount = "vfs.VfsRom" in device.info.features
    if can_mount:
        if changed and index == 0:
            mount.remount(repl)
        payload = len(image.data) - image.payload
        mount.check(repl, index, payload, len(image.root.entries))
        tell("mounted", {"partition": index})
    if options.reset:
        # Not waited for: the application may run for ever, and print what it likes.
        mount.run_application(repl)
    else:
        repl.leave()


def facts_of(steps: Plan, target: Target, content: bytes) -> dict[str, Any]:
    """A plan as facts for JSON."""
    return {
        "kind": steps.kind.value,
        "partition": target.index,
        "image_bytes": len(content),
        "partition_bytes": target.size,
        "blocks": steps.blocks,
        "changed": steps.changed,
        "erased": steps.erased,
        "payload": steps.payload,
        "erasing": target.erasing.value,
        "note": steps.note,
        "steps": [
            {"do": type(step).__name__.lower(), "address": step.address, "length": step.length}
            for step in steps.steps
        ],
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
        self.within = count if isinstance(step, Write | Commit | Patch) else 0
        # Blank bytes written where erasing is unsafe are no part of the payload.
        done = min(self.before + self.within, self.total)
        self.tell("progress", {"done": done, "total": self.total})
