"""The SWD route: a debug probe, through pyOCD as a library.

pyOCD knows flash from its memory map: regions with sectors and pages, each with an
algorithm that runs on the chip. Steps are carried out by those algorithms one by one, so
that the order of a plan is the order on the chip.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from boards import Board, EraseRegion
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write
from flash.transport import Capability, Done
from romfs.errors import (
    BoardError,
    DoesNotFit,
    MissingExtra,
    NoPartition,
    NoPort,
    TransportError,
    VerifyError,
    WriteRefused,
)

_CHUNK = 4096
"""Bytes of a read, so that progress can be told."""


def guess_target(board: Board, known: Iterable[str]) -> str:
    """pyOCD's name for a board's chip.

    Args:
        board: The board.
        known: Names pyOCD has.
    Raises:
        BoardError: None of them is it; the user must name one.
    """
    names = set(known)
    candidates = [text for text in (board.mcu, board.mcu_name, board.mcu_family) if text]
    for text in candidates:
        plain = text.lower().replace("-", "").replace("_", "").replace(" ", "")
        # Names of chips have letters for package and temperature that pyOCD's have not.
        fitting = [n for n in names if plain == n or (len(n) > 5 and plain.startswith(n))]
        if fitting:
            return max(fitting, key=len)
    chip = candidates[0] if candidates else "its chip"
    raise BoardError(
        f"{board.id}: pyOCD has no target named like {chip}; name one with --target, or install "
        "its pack with `pyocd pack install`"
    )


def open_session(
    board: Board,
    *,
    probe: str | None = None,
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Connect to the chip through a probe.

    Args:
        board: The board.
        probe: Serial number of the probe; None: the only one.
        target: pyOCD's name for the chip; None: by the board.
        options: More options of a pyOCD session.
    Returns:
        A `pyocd.core.session.Session` that is open.
    Raises:
        MissingExtra: pyOCD is not installed.
        NoPort: There is no probe, or several.
        TransportError: The chip does not answer.
    """
    try:
        helper = import_module("pyocd.core.helpers").ConnectHelper
        known = import_module("pyocd.target").TARGET
        failure: type[Exception] = import_module("pyocd.core.exceptions").Error
    except ImportError:
        raise MissingExtra("flashing over SWD", extra="swd") from None
    name = target or guess_target(board, known)
    probes = helper.get_all_connected_probes(
        blocking=False, unique_id=probe, print_wait_message=False
    )
    if len(probes) != 1:
        what = "no debug probe found" if not probes else f"{len(probes)} debug probes"
        raise NoPort(what if not probes else f"{what}; name one with --port by its serial number")
    settings = {"target_override": name, "resume_on_disconnect": True, **(options or {})}
    session = import_module("pyocd.core.session").Session(probes[0], options=settings)
    try:
        session.open()
    except failure as error:
        session.close()
        raise TransportError(f"probe {probes[0].unique_id}: {error}") from error
    return session


class SwdTransport:
    """A partition of a chip at a debug probe.

    Args:
        session: An open pyOCD session.
        address: Of the partition.
        size: Of the partition in bytes.
        restart: Whether to start the firmware at the end.

    Attributes:
        write: Bytes of a page, the unit of writing.
        carried: Bytes of data written.
    Raises:
        NoPartition: The chip, as pyOCD knows it, has no flash there that it can write.
    """

    def __init__(self, session: Any, address: int, size: int, *, restart: bool = True) -> None:
        self.restart = restart
        self.session = session
        self.address = address
        self.size = size
        self.name = f"probe {session.probe.unique_id}"
        self.carried = 0
        self.capabilities = Capability.READBACK | Capability.SUMS | Capability.ERASE
        self._failure: type[Exception] = import_module("pyocd.core.exceptions").Error
        self._map = session.target.memory_map
        self.write = max(self._flash_at(at).get_page_info(at).size for at, _ in self._sectors())
        if address % self.write:
            raise NoPartition(f"the partition at {address:#x} does not begin with a flash page")

    def _sectors(self) -> Iterator[tuple[int, int]]:
        """Address and size of every sector of the partition.

        Raises:
            NoPartition: It is not whole sectors of flash.
        """
        at = self.address
        while at < self.address + self.size:
            info = self._flash_at(at).get_sector_info(at)
            if info.base_addr != at or at + info.size > self.address + self.size:
                raise NoPartition(
                    f"the partition {self.address:#x}..{self.address + self.size:#x} is not whole "
                    f"sectors: one at {info.base_addr:#x} has {info.size:#x} bytes"
                )
            yield at, info.size
            at += info.size

    def _flash_at(self, address: int) -> Any:
        region = self._map.get_region_for_address(address)
        if region is None or not region.is_flash or region.flash is None:
            raise NoPartition(
                f"{self.name}: pyOCD has no flash algorithm for {address:#x} of this chip; memory "
                "outside it needs the bootloader or the running firmware"
            )
        return region.flash

    def erase_regions(self) -> tuple[EraseRegion, ...]:
        """The partition's erase units, counted from its start."""
        regions: list[EraseRegion] = []
        for at, size in self._sectors():
            if regions and regions[-1].block_size == size:
                last = regions.pop()
                regions.append(EraseRegion(last.offset, size, (last.count or 0) + 1))
            else:
                regions.append(EraseRegion(at - self.address, size, 1))
        return tuple(regions)

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """See `Transport.sums`: read, and summed here."""
        return [zlib.crc32(self.read(offset, length)) for offset, length in blocks]

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """See `Transport.read`."""
        self._check(offset, length)
        out = bytearray()
        with self._told("reading failed"):
            while len(out) < length:
                count = min(_CHUNK, length - len(out))
                at = self.address + offset + len(out)
                out += bytes(self.session.target.read_memory_block8(at, count))
                if done is not None:
                    done(len(out))
        return bytes(out)

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """See `Transport.apply`."""
        with self._told("the chip cannot be halted"):
            self.session.target.reset_and_halt()
        for step in steps:
            self._check(step.address, step.length)
            if isinstance(step, Erase):
                self._erase(step)
            elif isinstance(step, Write | Commit):
                self._write(step, done)
            elif isinstance(step, Verify):
                self._verify(step)
            else:
                assert isinstance(step, Spoil)
                continue  # best effort; a page is not programmed twice
            if done is not None:
                done(step, step.length)

    def _erase(self, step: Erase) -> None:
        first = self.address + step.address
        flash = self._flash_at(first)
        with self._told(f"erasing at {first:#x} failed", refused=True):
            flash.init(flash.Operation.ERASE, address=first)
            try:
                for at, _ in self._sectors():
                    if first <= at < first + step.length:
                        flash.erase_sector(at)
            finally:
                flash.cleanup()

    def _write(self, step: Write | Commit, done: Done | None) -> None:
        first = self.address + step.address
        flash = self._flash_at(first)
        with self._told(f"writing at {first:#x} failed", refused=True):
            flash.init(flash.Operation.PROGRAM, address=first)
            try:
                for at in range(0, step.length, self.write):
                    page = step.data[at : at + self.write].ljust(self.write, b"\xff")
                    flash.program_page(first + at, page)
                    self.carried += len(page)
                    if done is not None:
                        done(step, min(at + self.write, step.length))
            finally:
                flash.cleanup()

    def _verify(self, step: Verify) -> None:
        found = self.read(step.address, step.length)
        if found != step.data:
            at = next(
                index for index, (a, b) in enumerate(zip(found, step.data, strict=True)) if a != b
            )
            raise VerifyError(
                f"{self.name}: reads back differently",
                address=step.address + at,
                length=step.length - at,
            )

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise DoesNotFit("outside the partition", address=offset, length=length)

    @contextmanager
    def _told(self, what: str, *, refused: bool = False) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            # Faults of the wire have a class of their own; all others are the chip's answer.
            lost = isinstance(error, import_module("pyocd.core.exceptions").ProbeError)
            lost = lost or isinstance(error, import_module("pyocd.core.exceptions").TransferError)
            kind = WriteRefused if refused and not lost else TransportError
            raise kind(f"{self.name}: {what}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """Start the firmware and let go of the probe."""
        try:
            if self.restart:
                self.session.target.reset()
        except self._failure:
            return  # unplugged: there is nothing to start
        finally:
            self.session.close()
