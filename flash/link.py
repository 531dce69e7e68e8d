"""A byte stream to a device: what a serial port gives, and what is left when it goes.

Everything above reads and writes through `Link`, so tests can put any stream there, and
every failure of the wire is a `TransportError` whatever the operating system calls it.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import Protocol

from romfs.errors import NoPort, TransportError

WRITE_LIMIT = 10.0
"""Seconds a write may block before the link counts as lost."""


class Link(Protocol):
    """A two-way byte stream.

    Attributes:
        name: For messages.
        baud: Bits per second on the wire; 10 make a byte. USB is usually faster.
        sent: Bytes written so far.
        received: Bytes read so far.
    """

    name: str
    baud: int
    sent: int
    received: int

    def write(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            TransportError: The link is gone.
        """

    def read(self, timeout: float) -> bytes:
        """What has arrived; waits up to `timeout` seconds for the first byte, b"" after that.

        Raises:
            TransportError: The link is gone.
        """

    def reopen(self, timeout: float) -> None:
        """Wait for the device to come back and connect again.

        Raises:
            TransportError: It did not within `timeout` seconds.
        """

    def close(self) -> None:
        """Let go of the port; harmless if it is gone already."""


class SerialLink:
    """A serial port, or a pseudo terminal that stands for one.

    Args:
        port: Device path, or a URL as pyserial knows them.
        baud: Bits per second.
        wait: Seconds to wait for the port to appear.

    Raises:
        NoPort: There is no such port, or it cannot be opened.
    """

    def __init__(self, port: str, baud: int = 115200, *, wait: float = 0.0) -> None:
        self.name = port
        self.baud = baud
        self.sent = 0
        self.received = 0
        self._serial_number = _serial_number(port)
        deadline = time.monotonic() + wait
        while True:
            try:
                self._open()
                return
            except NoPort:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(0.1)

    def _open(self) -> None:
        import serial

        try:
            self._port = serial.serial_for_url(
                self.name, baudrate=self.baud, timeout=0, write_timeout=WRITE_LIMIT, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise NoPort(f"{self.name}: {_why(error)}") from error

    def write(self, data: bytes) -> None:
        """Send all of it. Raises TransportError when the link is gone."""
        try:
            self._port.write(data)
        except OSError as error:
            raise TransportError(f"{self.name}: {_why(error)}") from error
        self.sent += len(data)

    def read(self, timeout: float) -> bytes:
        """What has arrived within `timeout` seconds. Raises TransportError."""
        try:
            if not select.select([self._port], [], [], timeout)[0]:
                return b""
            data = bytes(self._port.read(65536))
        except (OSError, TypeError, ValueError) as error:
            # TypeError, ValueError: pyserial's descriptor is None or -1 after a hang-up.
            raise TransportError(f"{self.name}: {_why(error)}") from error
        self.received += len(data)
        return data

    def reopen(self, timeout: float) -> None:
        """Wait for the device to come back, maybe under another name. Raises TransportError."""
        self.close()
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            name = self._present()
            if name is not None:
                self.name = name
                try:
                    self._open()
                    return
                except NoPort:
                    pass  # its node exists before it may be opened: udev still sets the mode
            time.sleep(0.05)
        raise TransportError(f"{self.name} went away and did not come back in {timeout:g} s")

    def _present(self) -> str | None:
        """Where the device is now: by serial number if it has one, for paths get renumbered."""
        if self._serial_number is None:
            return self.name if "://" in self.name or Path(self.name).exists() else None
        from serial.tools import list_ports

        for port in list_ports.comports():
            if port.serial_number == self._serial_number:
                return str(port.device)
        return None

    def close(self) -> None:
        """Let go of the port."""
        try:
            self._port.close()
        except OSError:
            return  # closing a port whose device is gone: there is nothing left to let go of


def _serial_number(port: str) -> str | None:
    """The USB serial number behind a port, None for what is not USB or has none."""
    if "://" in port or port.startswith("/dev/pts/"):
        return None
    from serial.tools import list_ports

    path = os.path.realpath(port)
    for info in list_ports.comports():
        if os.path.realpath(info.device) == path:
            number = info.serial_number
            return str(number) if number else None
    return None


def _why(error: BaseException) -> str:
    """The cause in words, without the exception's own machinery."""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    else:
        text = str(error)
    if "exclusively lock" in text or "temporarily unavailable" in text:
        return "in use by another program"
    return text[:1].lower() + text[1:]
