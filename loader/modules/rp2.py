"""Guest module `rp2`: state machines that accept programs and data without running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.classes import GuestType
from loader.modules._hardware import Device, bind, recorded
from loader.modules.native import buffer_of

if TYPE_CHECKING:
    from loader.vm import VM


class PIO(Device):
    """A block of state machines."""

    OUT_LOW, OUT_HIGH, IN_LOW, IN_HIGH = 2, 3, 0, 1
    SHIFT_LEFT, SHIFT_RIGHT = 0, 1
    JOIN_NONE, JOIN_TX, JOIN_RX = 0, 1, 2
    IRQ_SM0, IRQ_SM1, IRQ_SM2, IRQ_SM3 = 256, 512, 1024, 2048

    def __init__(self, id: int) -> None:
        self._label = id

    def add_program(self, program: Any) -> None:
        self._record("add_program", program)

    def remove_program(self, *args: Any) -> None:
        self._record("remove_program", *args)

    def state_machine(self, id: int, *args: Any, **named: Any) -> Any:
        machine = type("StateMachine", (StateMachine,), {"vm": self.vm, "module": "rp2"})
        return machine(self._label * 4 + id, *args, **named)

    def irq(self, *args: Any, **named: Any) -> None:
        self._record("irq", *args, **named)

    def gpio_base(self, *args: Any) -> int:
        return 0


class StateMachine(Device):
    """One state machine: what is put is recorded, what is got the host prepares.

    The host fills `Bench.values["pio_rx"]`, a dict of lists by state machine number.
    """

    def __init__(self, id: int, *args: Any, **named: Any) -> None:
        self._label = id
        self._active = False
        self._record("", *args, **named)

    @property
    def _received(self) -> list[int]:
        queues: dict[int, list[int]] = self._bench.values.setdefault("pio_rx", {})
        return queues.setdefault(self._label, [])

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)

    def active(self, *args: Any) -> bool:
        if args:
            self._record("active", *args)
            self._active = bool(args[0])
        return self._active

    def restart(self) -> None:
        self._record("restart")

    def exec(self, instruction: Any) -> None:
        self._record("exec", instruction)

    def put(self, value: Any, shift: int = 0) -> None:
        self._record("put", value, shift)

    def get(self, buf: Any = None, shift: int = 0) -> Any:
        self._record("get", shift)
        value = self._received.pop(0) if self._received else 0
        return value >> shift if buf is None else None

    def rx_fifo(self) -> int:
        return len(self._received)

    def tx_fifo(self) -> int:
        return 0

    def irq(self, *args: Any, **named: Any) -> None:
        self._record("irq", *args, **named)


class DMA(Device):
    """A DMA channel; a transfer between two buffers is made when it is triggered."""

    def __init__(self) -> None:
        self.channel = 0
        self.read: Any = 0
        self.write: Any = 0
        self.count = 0
        self.ctrl = 0
        self._record("")

    def config(self, **named: Any) -> None:
        self._record("config", **named)
        trigger = named.pop("trigger", False)
        for name, value in named.items():
            setattr(self, name, value)
        if trigger:
            self.active(1)

    def active(self, *args: Any) -> bool:
        if args and args[0]:
            try:
                source, target = buffer_of(self.read), buffer_of(self.write, writable=True)
            except TypeError:
                return False  # one end is a register
            size = min(len(source), len(target))
            target[:size] = source[:size]
        return False

    def pack_ctrl(self, **named: Any) -> int:
        return 0

    @staticmethod
    def unpack_ctrl(value: int) -> dict[str, int]:
        return {}

    def irq(self, *args: Any, **named: Any) -> None:
        self._record("irq", *args, **named)

    def close(self) -> None:
        self._record("close")


class Flash(Device):
    """The board's flash as a block device over memory."""

    _SIZE, _BLOCK = 0x10_0000, 4096

    def __init__(self, **named: Any) -> None:
        self._data: bytearray = self._bench.values.setdefault(
            "flash", bytearray(b"\xff" * self._SIZE)
        )

    def readblocks(self, block: int, buf: Any, offset: int = 0) -> None:
        target = buffer_of(buf, writable=True)
        at = block * self._BLOCK + offset
        target[:] = self._data[at : at + len(target)]

    def writeblocks(self, block: int, buf: Any, offset: int = 0) -> None:
        data = bytes(buffer_of(buf))
        at = block * self._BLOCK + offset
        self._data[at : at + len(data)] = data

    def ioctl(self, op: int, arg: Any) -> int:
        if op == 4:
            return self._SIZE // self._BLOCK
        if op == 5:
            return self._BLOCK
        if op == 6:
            at = arg * self._BLOCK
            self._data[at : at + self._BLOCK] = b"\xff" * self._BLOCK
        return 0


class PIOASMError(Exception, metaclass=GuestType):
    """A PIO program that cannot be assembled."""


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""

    def asm_pio(**options: Any) -> Any:
        """The decorator of PIO programs: keeps the function, which is never called."""

        def decorate(function: Any) -> list[Any]:
            recorded(vm, "rp2.asm_pio")(function, **options)
            return [function, options]

        return decorate

    return {
        **bind(vm, "rp2", PIO, StateMachine, DMA, Flash),
        "PIOASMError": PIOASMError,
        "asm_pio": asm_pio,
        "asm_pio_encode": recorded(vm, "rp2.asm_pio_encode", 0),
        "bootsel_button": recorded(vm, "rp2.bootsel_button", 0),
        "country": recorded(vm, "rp2.country", "XX"),
    }
