"""Which serial ports may have a MicroPython board, and which do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flash.link import SerialLink
from flash.serial_repl import Repl
from romfs.errors import NoPort, TransportError

_LIKELY = {
    0x2E8A: "Raspberry Pi",
    0xF055: "MicroPython",
    0x1209: "pid.codes",
    0x303A: "Espressif",
    0x239A: "Adafruit",
    0x2341: "Arduino",
    0x37C5: "OpenMV",
    0x1FC9: "NXP",
    0x16C0: "PJRC",
    0x1915: "Nordic",
    0x045B: "Renesas",
    0x10C4: "CP210x",
    0x1A86: "CH34x",
    0x0403: "FTDI",
    0x067B: "PL2303",
    0x0483: "ST",
    0x0D28: "DAPLink",
}
"""USB vendors of boards and of the serial bridges on them. Others are not asked: the
question, Ctrl-C, may disturb what is no MicroPython board."""


@dataclass(frozen=True, slots=True)
class Port:
    """A serial port.

    Attributes:
        device: Its path.
        description: What the operating system calls it.
        serial_number: Of the USB device, or "".
        likely: Whether a MicroPython board may well be behind it.
    """

    device: str
    description: str
    serial_number: str
    likely: bool


def list_ports() -> list[Port]:
    """Every USB serial port, by path."""
    from serial.tools import list_ports as tools

    return [
        Port(
            info.device,
            info.description or "",
            info.serial_number or "",
            info.vid in _LIKELY,
        )
        for info in sorted(tools.comports())
        if info.vid is not None
    ]


def answers(device: str, baud: int = 115200) -> bool:
    """Whether MicroPython answers at a port. Interrupts what runs there."""
    try:
        link = SerialLink(device, baud)
    except NoPort:
        return False
    try:
        repl = Repl(link)
        repl.enter(patience=1.5)
        repl.leave()
    except TransportError:
        return False
    finally:
        link.close()
    return True


def find(
    *,
    several: bool = False,
    baud: int = 115200,
    ports: Callable[[], list[Port]] = list_ports,
    ask: Callable[[str, int], bool] = answers,
) -> list[str]:
    """Ports with MicroPython behind them.

    Args:
        several: Whether more than one will do.
        ports: Lists candidates.
        ask: Asks one of them.
    Raises:
        NoPort: There is none; or several, and one was wanted.
    """
    from concurrent.futures import ThreadPoolExecutor

    candidates = [port for port in ports() if port.likely]
    if not candidates:
        raise NoPort(
            "no USB serial port of a MicroPython board found; plug one in, or name its port with "
            "--port (`romfs emulate` gives one without hardware)"
        )
    with ThreadPoolExecutor(len(candidates)) as pool:
        alive = list(pool.map(lambda port: ask(port.device, baud), candidates))
    found = [port for port, yes in zip(candidates, alive, strict=True) if yes]
    if not found:
        tried = ", ".join(port.device for port in candidates)
        raise NoPort(f"no MicroPython board answers at {tried}")
    if len(found) > 1 and not several:
        listing = ", ".join(f"{port.device} ({port.description})" for port in found)
        raise NoPort(f"several boards: {listing}; choose one with --port, or take --all")
    return [port.device for port in found]
