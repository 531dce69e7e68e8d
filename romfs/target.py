"""What the build must know of the device an image is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from romfs.compile import DEFAULT_SMALL_INT_BITS
from romfs.layout import Geometry

if TYPE_CHECKING:
    from romfs.mpy import Header

FIXED_MODULES = frozenset(
    """
    _asyncio _bluetooth _boot _espnow _onewire _thread alif btree builtins cc3200 cmath deflate
    esp esp32 framebuf gc math micropython mimxrt nrf pyb renesas rp2 samd stm sys termios tls
    uctypes ubluepy vfs zephyr
    """.split()
)
"""Built-in modules that a file cannot replace: an import never looks for one.

Source: registered with MP_REGISTER_MODULE rather than MP_REGISTER_EXTENSIBLE_MODULE in
MicroPython's extmod/, py/ and ports/; those of the unix build were tried on it.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A device, as far as building for it goes.

    Attributes:
        board: Its name, or None for an image that is for no board in particular.
        march: Native architecture to compile for, or None.
        march_flags: Its extensions, comma-separated, or None.
        small_int_bits: Of its small ints, sign included.
        refuses: Gives the text of the ValueError with which its loader refuses a file
            with this header, or None if it takes it.
        capacity: Bytes of its partition, or None if unknown.
        erase: Bytes of its largest erase block, or None if unknown.
        lead: Bytes from image start that a power cut in the last write may lose.
        align: Bytes every file's data must be aligned to.
        frozen: Modules frozen into its firmware, which come before those in an image.
        runs_main: Whether it runs main.py from the image.
    """

    board: str | None = None
    march: str | None = None
    march_flags: str | None = None
    small_int_bits: int = DEFAULT_SMALL_INT_BITS
    refuses: Callable[[Header], str | None] = lambda header: None
    capacity: int | None = None
    erase: int | None = None
    lead: int = 0
    align: int = 1
    frozen: frozenset[str] = frozenset()
    runs_main: bool = False

    @property
    def geometry(self) -> Geometry | None:
        """For the layout, where both numbers are known."""
        if self.capacity is None or self.erase is None:
            return None
        return Geometry(self.erase, self.capacity, self.lead)
