"""What a virtual board does from moment to moment: boots, runs, moves bytes, loses power.

One thread calls `turn` over and over; nothing here is safe for others.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum

from flash.board.assembly import Assembly
from flash.board.console import PROMPT, RAW_BANNER, SOFT_REBOOT, Console
from flash.board.device import Device
from flash.board.drivers import Hang
from flash.board.hostport import HostPort
from flash.board.nor import PowerCut
from flash.board.protocol import Call, How, Request, answer, receive
from flash.board.service import answer_flash
from flash.board.wire import Wire
from romfs.errors import FlashError

_BUFFER = 4096
_POLL = 0.001
_DETACHED_POLL = 0.01
_INTERRUPT_GAP = 0.003
_ENUMERATION = 0.2


class State(Enum):
    """What the processor is doing, as far as the outside must know."""

    OFF = "off"
    BOOTING = "booting"
    RUNNING = "running"
    HUNG = "hung"


class ResetCause(IntEnum):
    """`machine.reset_cause()`."""

    POWER_ON = 1
    HARD = 2
    SOFT = 5


@dataclass(frozen=True, slots=True)
class Manner:
    """How a board behaves beyond its flash.

    Attributes:
        usb: The port is the board's own: it vanishes with power and at hard resets.
        timing: Erase and program take the time they take in the chip.
        overrun: Bytes the UART holds for a busy program; more are lost. None: none are.
        power_on_after: Seconds after which power returns from a cut; None: it does not.
    """

    usb: bool = True
    timing: bool = False
    overrun: int | None = None
    power_on_after: float | None = None


@dataclass(slots=True)
class _Reply:
    """An answer that waits for the flash to be done, or for room on the line."""

    due: float
    request: Request
    how: How
    value: int


class Machine:
    """One board at work.

    Args:
        assembly: Its flash.
        device: Its processor.
        port: The host's end of the link.
        inbound: The line towards the board.
        outbound: The line from it.
        console: Makes what it prints look like the firmware's.
        manner: How it behaves.
        announce: Called after each change of state.

    Attributes:
        state: What it is doing.
        resets: How often it has started again.
        cuts: Every power cut that a flash operation ran into.
    """

    def __init__(
        self,
        assembly: Assembly,
        device: Device,
        port: HostPort,
        inbound: Wire,
        outbound: Wire,
        console: Console,
        manner: Manner,
        announce: Callable[[], None],
    ) -> None:
        self._assembly = assembly
        self._device = device
        self._port = port
        self._in = inbound
        self._out = outbound
        self._console = console
        self._manner = manner
        self._announce = announce
        self.state = State.OFF
        self.resets = 0
        self.cuts: list[PowerCut] = []
        self._ready = False
        self._raw_boot = False
        self._greeting = b""
        self._held = b""  # arrived, not yet given to the processor
        self._pending = bytearray()  # printed, not yet on the line
        self._reply: _Reply | None = None
        self._interrupt_at = 0.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    # Power, resets, the port.

    def power_on(self) -> None:
        """Give power, if there is none."""
        if self.state is State.OFF:
            self._assembly.supply.on = True
            if not self._port.present:
                self._port.open()
            self._boot(raw=False, cause=ResetCause.POWER_ON)

    def power_off(self) -> None:
        """Take power away, between two flash operations."""
        self._device.kill()
        self._device.drain()
        self._held = b""
        self._pending.clear()
        self._out.clear()
        self._reply = None
        self._assembly.supply.on = False
        if self._manner.usb:
            self._remove_port()
        self._set(State.OFF)

    def restart(self, *, raw: bool = False, cause: ResetCause = ResetCause.HARD) -> None:
        """Reset; only a soft one keeps what was received and printed."""
        self._device.kill()
        if cause is not ResetCause.SOFT:
            self._device.drain()
            self._held = b""
            self._pending.clear()
        self.resets += 1
        self._boot(raw=raw, cause=cause)

    def unplug(self, seconds: float) -> None:
        """Take the port away for a while; the processor goes on."""
        if self._port.present:
            self._remove_port()
            self._later(seconds, self._replug)

    def _replug(self) -> None:
        if not self._port.present and not (self._manner.usb and self.state is State.OFF):
            self._port.open()

    def _remove_port(self) -> None:
        self._port.close()
        self._in.clear()
        self._out.clear()

    def _boot(self, *, raw: bool, cause: ResetCause) -> None:
        self._ready = False
        self._greeting = b""
        self._raw_boot = raw
        self._reply = None
        self._device.start(raw=raw, reset_cause=cause)
        self._set(State.BOOTING)

    def _exited(self) -> None:
        """The engine ended: a soft reset, or a program that broke the processor."""
        code = self._device.reap()
        if code is not None and code < 0:
            self.restart()
            return
        self._pending += SOFT_REBOOT
        self.restart(raw=self._console.raw, cause=ResetCause.SOFT)

    def _cut(self, cut: PowerCut) -> None:
        self.cuts.append(cut)
        self.power_off()
        if self._manner.power_on_after is not None:
            self._later(self._manner.power_on_after, self._end_of_cut)

    def _end_of_cut(self) -> None:
        self._assembly.supply.restore()
        self.return_power()

    def return_power(self) -> None:
        """Give power again after a cut."""
        if self.state is State.OFF:
            self.resets += 1
            self.power_on()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append((time.monotonic() + seconds, action))

    def _set(self, state: State) -> None:
        self.state = state
        self._announce()

    # What the guest asks for.

    def _serve(self) -> None:
        link = self._device.link
        request = None if link is None else receive(link, self._device.stage)
        if request is None:
            self._read_stdout()
            self._exited()
            return
        try:
            how, value = self._answer(request)
        except PowerCut as cut:
            self._cut(cut)
        except Hang:
            self._set(State.HUNG)
        else:
            if self._device.link is link:  # not reset by the call itself
                self._reply = _Reply(time.monotonic() + self._duration(), request, how, value)
                self._send_reply()

    def _duration(self) -> float:
        supply = self._assembly.supply
        busy, supply.busy = supply.busy, 0.0
        return busy if self._manner.timing else 0.0

    def _answer(self, request: Request) -> tuple[How, int]:
        if request.call in (Call.ROM_IOCTL, Call.IOCTL, Call.WRITEBLOCKS):
            return answer_flash(self._assembly, request)
        self._read_stdout()  # what was printed before comes before
        if request.call is Call.STDOUT:
            self._pending += request.payload or b""
        elif request.call is Call.RESET:
            if self._manner.usb:
                self.unplug(_ENUMERATION)
            self.restart()
        elif request.call is Call.USER:
            self._set(State.RUNNING if request.args[0] else State.BOOTING)
        elif request.call is Call.READY:
            self._ready = True
        return How.NONE, 0

    def _send_reply(self) -> None:
        reply, link = self._reply, self._device.link
        if reply is None or reply.due > time.monotonic() or len(self._pending) > _BUFFER:
            return
        self._reply = None
        if link is not None:
            answer(link, reply.request, reply.how, reply.value)

    # Bytes from the board.

    def _read_stdout(self) -> None:
        """Take all that the processor has printed, while it waits for an answer or is gone."""
        while self._read_some():
            pass

    def _read_some(self) -> int:
        if self._device.stdout < 0:
            return 0
        try:
            data = os.read(self._device.stdout, _BUFFER)
        except BlockingIOError:
            return 0
        if data:
            self._printed(self._console.cooked(data))
        return len(data)

    def _printed(self, text: bytes) -> None:
        self._pending += text
        if self.state is not State.BOOTING:
            return
        if not self._ready:
            if self._console.at_prompt:
                raise FlashError(f"the board's stand-in modules failed:\n{self._console.text}")
        elif not self._raw_boot:
            self._greeting += text
            if PROMPT in self._greeting:  # with what was waiting to be read echoed behind it
                self._set(State.RUNNING)
        elif (end := self._pending.rfind(RAW_BANNER)) >= 0:
            # The engine first greets as the friendly REPL; firmware does not.
            start = self._pending.rfind(SOFT_REBOOT, 0, end)
            friendly = self._pending.find(b"MicroPython ", max(start, 0), end)
            if friendly >= 0:
                del self._pending[friendly:end]
            self._set(State.RUNNING)

    def _send_out(self, now: float) -> None:
        if self._pending and not (self._raw_boot and self.state is State.BOOTING):
            room = self._out.room
            self._out.push(bytes(self._pending[:room]), now)
            del self._pending[:room]
        data = self._out.arrived(now)
        if self._port.present:
            self._port.write(data)

    # Bytes to the board.

    def _receive(self, now: float) -> None:
        """Bytes that have come over the line go to the processor."""
        room = None
        if self._manner.overrun is None and self.state is not State.OFF:
            room = _BUFFER - len(self._held) - self._device.unread()
        if room is not None and room <= 0:
            self._in.hold(now)
        else:
            data = self._in.arrived(now, room)
            if self.state is State.OFF:
                return  # lost, as on a serial adapter whose board has no power
            self._held += data
        self._deliver(now)

    def _deliver(self, now: float) -> None:
        while self._held and self.state in (State.RUNNING, State.HUNG):
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
        if self._manner.overrun is not None:
            data = data[: max(0, self._manner.overrun - self._device.unread())]
        if data:
            self._device.feed(data)

    # The loop.

    def turn(self, wake: int) -> None:
        """Wait until something happens, on the board or on the handle `wake`; deal with it."""
        device, port = self._device, self._port
        readers = [wake]
        writers = []
        if device.stdout >= 0 and len(self._pending) < _BUFFER:
            readers.append(device.stdout)
        link = -1 if device.link is None else device.link.fileno()
        if link >= 0 and self._reply is None and self.state is not State.HUNG:
            readers.append(link)
        if port.present and port.attached:
            if self._in.room and not self._held:
                readers.append(port.handle)
            if port.unsent:
                writers.append(port.handle)
        ready = set(select.select(readers, writers, [], self._patience())[0])
        now = time.monotonic()
        self._run_timers(now)
        if port.handle in ready and port.present:
            self._in.push(port.read(self._in.room), now)
        port.look()
        ended = device.stdout in ready and not self._read_some()
        if link in ready and device.link is not None:
            self._serve()
        elif ended and device.running:
            self._exited()
        self._send_reply()
        self._receive(now)
        self._send_out(now)
        for wire in (self._in, self._out):
            if wire.disconnected is not None:
                seconds, wire.disconnected = wire.disconnected, None
                self.unplug(seconds)

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
        if self._pending and not self._out.room:
            waits.append(_POLL)
        if self._reply is not None:
            waits.append(max(self._reply.due - now, _POLL))
        if self._held and self.state in (State.RUNNING, State.HUNG):
            waits.append(_POLL)
        if self._port.present and not self._port.attached:
            waits.append(_DETACHED_POLL)
        return max(0.0, min([1.0, *waits]))
