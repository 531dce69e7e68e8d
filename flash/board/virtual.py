"""A board without hardware: real MicroPython, modelled flash, a serial port to talk to it.

    with VirtualBoard("RPI_PICO", baud=115200) as board:
        subprocess.run(["mpremote", "connect", board.port, "romfs", "query"])
        board.flash.read(0, 4)

One thread owns the processor and the link; everything public may be called from others.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import boards
from boards import Board
from flash.board.assembly import Assembly, assemble
from flash.board.console import Console
from flash.board.device import Device, Firmware
from flash.board.faults import Faults
from flash.board.hostport import HostPort
from flash.board.identity import identity, machine_name
from flash.board.machine import Machine, Manner, State
from flash.board.nor import NorFlash, PowerCut, Supply
from flash.board.scratch import Scratch
from flash.board.wire import USB_RATE, Wire
from romfs.errors import FlashError

__all__ = ["State", "VirtualBoard"]

_T = TypeVar("_T")

_LOOK = 0.02
_SLACK = 160 * 1024


class VirtualBoard:
    """One board, from `start` to `close`; also a context manager.

    Args:
        board: Name as `romfs boards` lists it, or a row.
        flash: File with the content of ROMFS partition 0; None: blank, and forgotten.
        baud: Speed of a UART link (10 bits a byte). None: USB, at `rate`.
        rate: Bytes per second of the USB link.
        size: Bytes of partition 0, where the firmware's builder chooses them.
        filesystem: Directory that is the board's read/write file system, with boot.py and
            main.py if it has any; None: an empty one, forgotten at the end.
        disk: Instead of a directory, a littlefs in the board's flash, kept in this file: its
            writes are flash operations too, and power cuts hit it as they hit ROMFS.
        faults: What goes wrong, parsed or as one-line forms.
        heap_free: Bytes of heap left to programs, in one piece; None: about 1 MiB. Objects
            here take twice the room they take on a 32-bit board.
        hide: Modules this firmware was built without.
        timing: Whether erase and program take the time they take in the chip.
        overrun: Bytes the UART holds for a busy program; more are lost. None: none are.
        power_on_after: Seconds after which power returns from a cut; None: `power_on` does it.
        romfs: False for a firmware without ROMFS partition.
        seed: Decides everything that faults leave to chance.

    Attributes:
        board: The row, sizes and addresses settled.
        assembly: Its flash.
    """

    def __init__(
        self,
        board: str | Board,
        flash: str | Path | None = None,
        *,
        baud: int | None = None,
        rate: float = USB_RATE,
        size: int | None = None,
        filesystem: str | Path | None = None,
        disk: str | Path | None = None,
        faults: Faults | Iterable[str] = (),
        heap_free: int | None = None,
        hide: Iterable[str] = (),
        timing: bool = False,
        overrun: int | None = None,
        power_on_after: float | None = None,
        romfs: bool = True,
        seed: int = 0,
    ) -> None:
        row = boards.load(board) if isinstance(board, str) else board
        faults = faults if isinstance(faults, Faults) else Faults.parse(faults)
        self._scratch = Scratch()
        self._directory = self._scratch.path
        try:
            path = self._directory / "flash.bin" if flash is None else Path(flash)
            self.assembly: Assembly = assemble(
                row,
                path,
                size=size,
                faults=faults,
                seed=seed,
                romfs=romfs,
                disk=None if disk is None else Path(disk),
            )
            self.board = self.assembly.board
            self.filesystem = Path(filesystem) if filesystem else self._directory / "filesystem"
            self.filesystem.mkdir(parents=True, exist_ok=True)
            guest = identity(self.assembly, self.filesystem.resolve())
            guest["hide"] = tuple(hide)
            guest["heap_free"] = heap_free
            heap = 1 << 20 if heap_free is None else heap_free + _SLACK
            self._device = Device(Firmware(self.assembly.mapped, guest, heap), self._directory)
        except BaseException:
            self._scratch.remove()
            raise
        speed = rate if baud is None else baud / 10
        self._in = Wire(speed, faults.inbound, seed)
        self._out = Wire(speed, faults.outbound, seed + 1)
        self._console = Console(machine_name(self.board))
        self._port = HostPort(self._directory / "tty")
        self._machine = Machine(
            self.assembly,
            self._device,
            self._port,
            self._in,
            self._out,
            self._console,
            Manner(baud is None, timing, overrun, power_on_after),
            self._announce,
        )
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake_read, self._wake = os.pipe()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    # What there is to see.

    @property
    def port(self) -> str:
        """Path of the serial port; the same for the whole life of the board."""
        return str(self._port.path)

    @property
    def flash(self) -> NorFlash:
        """The memory of ROMFS partition 0."""
        return self.segment(0)

    def segment(self, index: int) -> NorFlash:
        """The memory of one ROMFS partition."""
        return self.assembly.segments[index]

    @property
    def supply(self) -> Supply:
        """Power and the count of flash operations."""
        return self.assembly.supply

    @property
    def state(self) -> State:
        """What the processor is doing."""
        return self._machine.state

    @property
    def resets(self) -> int:
        """How often the board has started again."""
        return self._machine.resets

    @property
    def cuts(self) -> list[PowerCut]:
        """Every power cut that a flash operation ran into."""
        return self._machine.cuts

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that the line has carried to the board and from it."""
        return self._in.passed, self._out.passed

    @property
    def log(self) -> str:
        """The last things the board printed, whether or not anyone was listening."""
        return self._console.text

    @property
    def failure(self) -> BaseException | None:
        """What ended the board's thread, if it was not `close`."""
        return self._failure

    # Life.

    def start(self) -> Self:
        """Power on; returns when the port exists and the processor was started."""
        self._thread = threading.Thread(target=self._main, name=f"board {self.port}", daemon=True)
        self._thread.start()
        # On that thread, because the processor dies with the thread that started it.
        self._do(self._machine.power_on)
        return self

    def close(self) -> None:
        """Power off for good; no process, thread or file of it remains."""
        self._closing = True
        if self._thread is not None:
            os.write(self._wake, b"x")
            self._thread.join()
            self._thread = None
        self._device.close()
        self._port.close()
        self.assembly.close()
        for handle in (self._wake_read, self._wake):
            with contextlib.suppress(OSError):
                os.close(handle)
        self._scratch.remove()

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What can be done to it.

    def power_off(self) -> None:
        """Cut power now, between flash operations."""
        self._do(self._machine.power_off)

    def power_on(self, *, cut: int | None = None, tear: int | None = None) -> None:
        """Give power again; a further cut is counted on from all operations so far."""

        def action() -> None:
            self.supply.restore(cut_after=cut, tear=tear)
            self._machine.return_power()

        self._do(action)

    def reset(self) -> None:
        """Press the reset button."""
        self._do(self._machine.restart)

    def unplug(self, seconds: float) -> None:
        """Make the port vanish for a while; the processor keeps running."""
        self._do(lambda: self._machine.unplug(seconds))

    # Waiting.

    def wait_for(self, condition: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Wait until something is so; False if it is not within `timeout` seconds."""
        limit = time.monotonic() + timeout
        while not condition():
            left = limit - time.monotonic()
            if left <= 0 or self._dead:
                return condition()
            with self._changed:  # states are announced; anything else is looked at often
                self._changed.wait(min(left, _LOOK))
        return True

    def wait_off(self, timeout: float = 10.0) -> bool:
        """Wait for a power cut."""
        return self.wait_for(lambda: self.state is State.OFF, timeout)

    def wait_booted(self, timeout: float = 10.0) -> bool:
        """Wait until the board takes input: at a prompt, or running boot.py or main.py."""
        return self.wait_for(lambda: self.state is State.RUNNING, timeout)

    def wait_prompt(self, timeout: float = 10.0) -> bool:
        """Wait until boot.py and main.py have ended, at a prompt nobody has used yet."""
        return self.wait_for(lambda: self.state is State.RUNNING and self._console.greeted, timeout)

    def wait_failed(self) -> None:
        """Wait, perhaps for ever, until the board breaks down by itself."""
        while not self._dead:
            self.wait_for(lambda: self._dead, 1.0)

    @property
    def _dead(self) -> bool:
        return self._failure is not None

    def _announce(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # The board's thread.

    def _do(self, action: Callable[[], _T]) -> _T:
        """Run on the board's thread."""
        future: Future[_T] = Future()

        def command() -> None:
            try:
                future.set_result(action())
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                future.set_exception(error)

        if self._dead:
            raise FlashError("the virtual board has stopped") from self._failure
        self._commands.put(command)
        os.write(self._wake, b"x")
        return future.result(timeout=30)

    def _main(self) -> None:
        try:
            while not self._closing:
                self._machine.turn(self._wake_read)
                while not self._commands.empty():
                    os.read(self._wake_read, 1)
                    self._commands.get()()
        except BaseException as error:  # noqa: BLE001 - kept for whoever uses the board
            # Whoever talks to the board must notice too.
            self._device.kill()
            self._port.close()
            self._failure = error
            self._announce()
