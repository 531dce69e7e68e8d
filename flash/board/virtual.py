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
import select
import shutil
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import boards
from boards import Board
from flash.board.assembly import Assembly, assemble
from flash.board.console import PROMPT, RAW_BANNER, SOFT_REBOOT, Console
from flash.board.device import Device, Firmware
from flash.board.drivers import Argument, Hang, Refused, Segment
from flash.board.faults import Faults
from flash.board.identity import identity, machine_name
from flash.board.nor import NorFlash, PowerCut, Supply
from flash.board.protocol import Call, How, Request, answer, receive
from flash.board.wire import USB_RATE, Wire
from romfs.errors import FlashError

_T = TypeVar("_T")

_BUFFER = 4096
_POLL = 0.001
_DETACHED_POLL = 0.01
_LOOK = 0.02
_ENUMERATION = 0.2
_INTERRUPT_GAP = 0.003
_SLACK = 160 * 1024


class State(Enum):
    """What the processor is doing, as far as the outside must know."""

    OFF = "off"
    BOOTING = "booting"
    RUNNING = "running"
    HUNG = "hung"


class ResetCause(int, Enum):
    """`machine.reset_cause()`."""

    POWER_ON = 1
    HARD = 2
    SOFT = 5


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
        self._directory = Path(tempfile.mkdtemp(prefix="romfs-board-"))
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
            mount = self.board.boot.filesystem_mount
            guest = identity(self.board, self.assembly.driver, mount=mount)
            guest["filesystem"] = None if mount is None else str(self.filesystem.resolve())
            device = self.assembly.disk
            guest["disk"] = 0 if device is None else device.block
            guest["hide"] = tuple(hide)
            guest["heap_free"] = heap_free
            heap = 1 << 20 if heap_free is None else heap_free + _SLACK
            self._device = Device(Firmware(self.assembly.mapped, guest, heap), self._directory)
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        self._usb = baud is None
        speed = rate if baud is None else baud / 10
        self._in = Wire(speed, faults.inbound, seed)
        self._out = Wire(speed, faults.outbound, seed + 1)
        self._timing = timing
        self._overrun = overrun
        self._power_on_after = power_on_after
        self._console = Console(machine_name(self.board))
        self._link_path = self._directory / "tty"
        self._master = -1
        self._attached = False
        self._state = State.OFF
        self._ready = False
        self._greeting = b""
        self._raw_boot = False
        self._held = b""
        self._pending = bytearray()
        self._to_host = bytearray()
        self._reply: tuple[float, Request, How, int] | None = None
        self._interrupt_at = 0.0
        self._timers: list[tuple[float, Callable[[], None]]] = []
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake_read, self._wake = os.pipe()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self.resets = 0
        self.cuts: list[PowerCut] = []

    # Public face.

    @property
    def port(self) -> str:
        """Path of the serial port; the same for the whole life of the board."""
        return str(self._link_path)

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
        return self._state

    def start(self) -> Self:
        """Power on; returns when the port exists and the processor was started."""
        self._open_port()
        self._thread = threading.Thread(target=self._main, name=f"board {self.port}", daemon=True)
        self._thread.start()
        # On that thread, because the processor dies with the thread that started it.
        self._do(lambda: self._boot(raw=False, cause=ResetCause.POWER_ON))
        return self

    def close(self) -> None:
        """Power off for good; no process, thread or file of it remains."""
        self._closing = True
        if self._thread is not None:
            os.write(self._wake, b"x")
            self._thread.join()
            self._thread = None
        self._device.close()
        self._close_port()
        self.assembly.close()
        for handle in (self._wake_read, self._wake):
            with contextlib.suppress(OSError):
                os.close(handle)
        shutil.rmtree(self._directory, ignore_errors=True)

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

    def power_off(self) -> None:
        """Cut power now, between flash operations."""
        self._do(self._off)

    def power_on(self, *, cut: int | None = None, tear: int | None = None) -> None:
        """Give power again; a further cut is counted on from all operations so far."""

        def action() -> None:
            self.supply.restore(cut_after=cut, tear=tear)
            self._on()

        self._do(action)

    def reset(self) -> None:
        """Press the reset button."""
        self._do(lambda: self._restart(raw=False, cause=ResetCause.HARD))

    def unplug(self, seconds: float) -> None:
        """Make the port vanish for a while; the processor keeps running."""
        self._do(lambda: self._unplug(seconds))

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
        return self.wait_for(lambda: self._state is State.OFF, timeout)

    def wait_booted(self, timeout: float = 10.0) -> bool:
        """Wait until the board takes input: at a prompt, or running boot.py or main.py."""
        return self.wait_for(lambda: self._state is State.RUNNING, timeout)

    def wait_prompt(self, timeout: float = 10.0) -> bool:
        """Wait until boot.py and main.py have ended, at a prompt nobody has used yet."""
        return self.wait_for(
            lambda: self._state is State.RUNNING and self._console.greeted, timeout
        )

    def wait_failed(self) -> None:
        """Wait, perhaps for ever, until the board breaks down by itself."""
        while not self._dead:
            self.wait_for(lambda: self._dead, 1.0)

    @property
    def log(self) -> str:
        """The last things the board printed, whether or not anyone was listening."""
        return self._console.log.decode(errors="replace")

    @property
    def failure(self) -> BaseException | None:
        """What ended the board's thread, if it was not `close`."""
        return self._failure

    @property
    def _dead(self) -> bool:
        return self._failure is not None

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

    def _set(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()

    # The port.

    def _open_port(self) -> None:
        master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(master, False)
        self._master = master
        fresh = self._link_path.with_suffix(".new")
        fresh.symlink_to(name)
        fresh.replace(self._link_path)

    def _close_port(self) -> None:
        self._link_path.unlink(missing_ok=True)
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self._attached = False
        for buffer in (self._to_host, self._in, self._out):
            buffer.clear()

    def _unplug(self, seconds: float) -> None:
        if self._master < 0:
            return
        self._close_port()
        self._later(seconds, self._replug)

    def _replug(self) -> None:
        if self._master < 0 and not (self._usb and self._state is State.OFF):
            self._open_port()

    # The processor.

    def _boot(self, *, raw: bool, cause: ResetCause) -> None:
        self._ready = False
        self._greeting = b""
        self._raw_boot = raw
        self._reply = None
        self._device.start(raw=raw, reset_cause=cause)
        self._set(State.BOOTING)

    def _restart(self, *, raw: bool, cause: ResetCause) -> None:
        self._device.kill()
        if cause is not ResetCause.SOFT:
            self._device.drain()
            self._held = b""
            self._pending.clear()
        self.resets += 1
        self._boot(raw=raw, cause=cause)

    def _off(self) -> None:
        self._device.kill()
        self._device.drain()
        self._held = b""
        self._pending.clear()
        self._out.clear()
        self._reply = None
        self.supply.on = False
        if self._usb:
            self._close_port()
        self._set(State.OFF)

    def _on(self) -> None:
        if self._state is not State.OFF:
            return
        self.supply.on = True
        if self._master < 0:
            self._open_port()
        self.resets += 1
        self._boot(raw=False, cause=ResetCause.POWER_ON)

    def _exited(self) -> None:
        """The engine ended: a soft reset, or a program that broke the processor."""
        code = self._device.reap()
        if code is not None and code < 0:
            self._restart(raw=False, cause=ResetCause.HARD)
            return
        self._pending += SOFT_REBOOT
        self._restart(raw=self._console.raw, cause=ResetCause.SOFT)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append((time.monotonic() + seconds, action))

    # What the guest asks for.

    def _serve(self) -> None:
        link = self._device.link
        request = None if link is None else receive(link)
        if request is None:
            self._read_stdout()
            self._exited()
            return
        try:
            how, value = self._answer(request)
        except PowerCut as cut:
            self.cuts.append(cut)
            self._off()
            if self._power_on_after is not None:
                self._later(self._power_on_after, self._return_power)
            return
        except Hang:
            self._set(State.HUNG)
            return
        except Refused as refusal:
            how, value = How.OS_ERROR, refusal.errno
        except TypeError:
            how, value = How.TYPE_ERROR, 0
        if self._device.running and self._device.link is link:
            self._reply = (time.monotonic() + self._delay(), request, how, value)
            self._send_reply()

    def _return_power(self) -> None:
        self.supply.restore()
        self._on()

    def _delay(self) -> float:
        busy, self.supply.busy = self.supply.busy, 0.0
        return busy if self._timing else 0.0

    def _answer(self, request: Request) -> tuple[How, int]:
        args, driver = request.args, self.assembly.driver
        if request.call is Call.ROM_IOCTL:
            words: list[Argument] = list(args[: request.given])
            if request.payload is not None:
                words[request.given - 1] = request.payload
            result = driver.rom_ioctl(words)
            if isinstance(result, Segment):
                return How.SEGMENT, result.index
            return (How.NONE, 0) if result is None else (How.VALUE, result)
        if request.call is Call.IOCTL:
            if args[0] < 0 and self.assembly.disk is not None:
                value = self.assembly.disk.ioctl(args[1], args[2])
            else:
                value = driver.ioctl(args[0], args[1], args[2])
            return (How.NONE, 0) if value is None else (How.VALUE, value)
        if request.call is Call.WRITEBLOCKS:
            offset = args[2] if request.given == 3 else None
            if args[0] < 0 and self.assembly.disk is not None:
                self.assembly.disk.writeblocks(args[1], request.payload or b"", offset)
            else:
                driver.writeblocks(args[0], args[1], request.payload or b"", offset)
        elif request.call is Call.STDOUT:
            self._read_stdout()
            self._pending += request.payload or b""
        elif request.call is Call.RESET:
            self._hard_reset()
        elif request.call is Call.USER:
            self._read_stdout()
            self._set(State.RUNNING if args[0] else State.BOOTING)
        elif request.call is Call.READY:
            self._read_stdout()
            self._ready = True
        return How.NONE, 0

    def _hard_reset(self) -> None:
        self._read_stdout()
        if self._usb:
            self._unplug(_ENUMERATION)
        self._restart(raw=False, cause=ResetCause.HARD)

    def _send_reply(self) -> None:
        if self._reply is None:
            return
        due, request, how, value = self._reply
        if due > time.monotonic() or len(self._pending) > _BUFFER:
            return
        self._reply = None
        if self._device.link is not None:
            answer(self._device.link, request, how, value)

    # Bytes out.

    def _read_stdout(self) -> None:
        """Take all the processor has printed."""
        while self._device.stdout >= 0:
            try:
                data = os.read(self._device.stdout, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self._printed(self._console.cooked(data))

    def _printed(self, text: bytes) -> None:
        self._pending += text
        if self._state is not State.BOOTING:
            return
        if not self._ready:
            if self._console.at_prompt:
                raise FlashError(f"the board's stand-in modules failed:\n{self.log}")
            return
        if not self._raw_boot:
            self._greeting += text
            if PROMPT in self._greeting:  # with what was waiting to be read echoed behind it
                self._set(State.RUNNING)
            return
        # The engine greets as friendly REPL before it turns to the raw one; firmware does not.
        end = self._pending.rfind(RAW_BANNER)
        if end >= 0:
            start = self._pending.rfind(SOFT_REBOOT, 0, end)
            friendly = self._pending.find(b"MicroPython ", max(start, 0), end)
            if friendly >= 0:
                del self._pending[friendly:end]
            self._set(State.RUNNING)

    def _send_out(self, now: float) -> None:
        if self._pending and not (self._raw_boot and self._state is State.BOOTING):
            room = self._out.room
            self._out.push(bytes(self._pending[:room]), now)
            del self._pending[:room]
        self._to_host += self._out.arrived(now)
        if self._to_host and self._master >= 0:
            if not self._attached:
                self._to_host.clear()  # nobody listens
                return
            with contextlib.suppress(BlockingIOError):
                del self._to_host[: os.write(self._master, self._to_host)]

    # Bytes in.

    def _read_host(self, now: float) -> None:
        try:
            data = os.read(self._master, self._in.room)
        except BlockingIOError:
            return
        except OSError:
            self._attached = False
            return
        self._attached = True
        self._in.push(data, now)

    def _receive(self, now: float) -> None:
        """Bytes that have come over the line go to the processor."""
        if self._overrun is None:
            room = _BUFFER - len(self._held)
            if self._state is not State.OFF:
                room -= self._device.unread()
            if room <= 0:
                self._in.hold(now)
                self._deliver(now)
                return
            data = self._in.arrived(now, room)
        else:
            data = self._in.arrived(now)
        if self._state is State.OFF:
            return  # lost, as on a serial adapter whose board has no power
        self._held += data
        self._deliver(now)

    def _deliver(self, now: float) -> None:
        while self._held and self._state in (State.RUNNING, State.HUNG):
            plain, found, rest = self._held.partition(b"\x03")
            if plain:
                self._feed(plain)
                self._held = found + rest
            if not found:
                return
            if now - self._interrupt_at < _INTERRUPT_GAP:
                return  # the engine dies of a second one before it has raised the first
            if self._device.interrupt():
                self._interrupt_at = now
            else:
                self._feed(found)
            self._held = rest

    def _feed(self, data: bytes) -> None:
        if self._overrun is not None:
            data = data[: max(0, self._overrun - self._device.unread())]
        if data:
            self._device.feed(data)

    # The loop.

    def _main(self) -> None:
        try:
            while not self._closing:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - kept for whoever uses the board
            # Whoever talks to the board must notice too.
            self._device.kill()
            self._close_port()
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _turn(self) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        device = self._device
        if device.stdout >= 0 and len(self._pending) < _BUFFER:
            poll.register(device.stdout, select.POLLIN)
        if device.link is not None and self._reply is None and self._state is not State.HUNG:
            poll.register(device.link.fileno(), select.POLLIN)
        if self._master >= 0 and self._attached:
            mask = select.POLLIN if self._in.room and not self._held else 0
            poll.register(self._master, mask | (select.POLLOUT if self._to_host else 0))
        events = dict(poll.poll(self._patience() * 1000))
        now = time.monotonic()
        if self._wake_read in events:
            os.read(self._wake_read, 4096)
        while not self._commands.empty():
            self._commands.get()()
        self._run_timers(now)
        self._look_at_host(events, now)
        ended = False
        if device.stdout >= 0 and events.get(device.stdout, 0):
            self._read_stdout()
            ended = bool(events[device.stdout] & select.POLLHUP)
        if device.link is not None and events.get(device.link.fileno(), 0):
            self._serve()
        elif ended and device.running:
            self._exited()
        self._send_reply()
        self._receive(now)
        self._send_out(now)
        for wire in (self._in, self._out):
            if wire.disconnected is not None:
                seconds, wire.disconnected = wire.disconnected, None
                self._unplug(seconds)

    def _look_at_host(self, events: dict[int, int], now: float) -> None:
        if self._master < 0:
            return
        if not self._attached:
            probe = select.poll()
            probe.register(self._master, select.POLLIN)
            state = dict(probe.poll(0)).get(self._master, 0)
            self._attached = not state & select.POLLHUP
            if state & select.POLLIN and self._in.room:
                self._read_host(now)
        elif events.get(self._master, 0):
            if events[self._master] & select.POLLIN:
                self._read_host(now)
            elif events[self._master] & select.POLLHUP:
                self._attached = False

    def _run_timers(self, now: float) -> None:
        due = [action for when, action in self._timers if when <= now]
        self._timers = [timer for timer in self._timers if timer[0] > now]
        for action in due:
            action()

    def _patience(self) -> float:
        """Seconds until something happens by itself."""
        now = time.monotonic()
        waits = [when - now for when, _ in self._timers]
        for wire in (self._in, self._out):
            wake = wire.wake()
            if wake is not None:
                waits.append(wake - now)
        if self._reply is not None:
            waits.append(max(self._reply[0] - now, _POLL))
        if self._held and self._state in (State.RUNNING, State.HUNG):
            waits.append(_POLL)
        if not self._attached and self._master >= 0:
            waits.append(_DETACHED_POLL)
        return max(0.0, min([1.0, *waits]))
