"""One way to reach a partition; what ways have in common, and how they differ.

A serial REPL, a DFU or UF2 bootloader and a debug probe all bring steps of a plan to a
device. What one of them cannot do is a missing `Capability`, asked for before the first
write, not an exception in the middle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Flag, auto
from typing import Protocol

from flash.plan import Step

Done = Callable[[Step, int], None]
"""Called as bytes of a step are carried out: the step, and how many of its bytes by now."""


class Capability(Flag):
    """What a transport can do beside carrying out steps."""

    READBACK = auto()
    """`read` gives what the partition holds."""
    SUMS = auto()
    """`sums` works, so that only what differs need be sent."""
    ERASE = auto()
    """Erases on request; without it, writing does so by itself."""
    MOUNT = auto()
    """The device can be asked whether it mounts the image."""


class Transport(Protocol):
    """A partition within reach.

    Attributes:
        name: Of the port or file, for messages.
        capabilities: What works here.
    """

    name: str
    capabilities: Capability

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """CRC-32 of each (offset, length) of adjoining stretches.

        Raises:
            TransportError: The link is lost.
        """

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """What the partition holds there; `done` is told how many bytes are here by now."""

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """Carry out steps in order.

        Raises:
            WriteRefused: The device reports, or was found, not to have done one.
            VerifyError: What reads back differs.
            TransportError: The link is lost.
        """

    def close(self) -> None:
        """Leave the device usable; harmless if the link is gone."""
