"""The flash of a board as its firmware addresses it: ROMFS partitions and what lies around.

Drivers without range checks reach past their partition. So the memories are put at their
addresses, and an operation that leaves one runs into the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from flash.board.nor import FlashFault, NorFlash


@dataclass(frozen=True, slots=True)
class Placed:
    """A memory and the address of its first byte."""

    address: int
    memory: NorFlash

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.memory.geometry.size

    @property
    def block_size(self) -> int:
        """Bytes of its first erase unit."""
        return self.memory.geometry.block_at(0)[1]

    @property
    def end(self) -> int:
        """Address after its last byte."""
        return self.address + self.size


class Bus:
    """Memories by address; they must not overlap."""

    def __init__(self, places: list[Placed]) -> None:
        self.places = sorted(places, key=lambda place: place.address)

    def memory(self, name: str) -> NorFlash:
        """The memory of that name.

        Raises:
            KeyError: There is none.
        """
        for place in self.places:
            if place.memory.name == name:
                return place.memory
        raise KeyError(name)

    def _at(self, address: int) -> Placed:
        for place in self.places:
            if place.address <= address < place.end:
                return place
        raise FlashFault("no flash there", address=address)

    def read(self, address: int, length: int) -> bytes:
        """The bytes there, over the seams of memories."""
        parts = []
        while length > 0:
            place = self._at(address)
            step = min(length, place.end - address)
            parts.append(place.memory.read(address - place.address, step))
            address += step
            length -= step
        return b"".join(parts)

    def unit(self, address: int) -> tuple[int, int]:
        """Address and size of the erase unit that holds `address`."""
        place = self._at(address)
        start, size = place.memory.geometry.block_at(address - place.address)
        return place.address + start, size

    def erase(self, address: int, length: int) -> None:
        """Erase every unit that a range touches.

        Raises:
            FlashFault: There is no flash at some address of it; units before are erased.
        """
        stop = address + length
        while address < stop:
            place = self._at(address)
            start, size = self.unit(address)
            place.memory.erase_block(address - place.address)
            address = start + size

    def program(self, address: int, data: bytes) -> None:
        """Program a range.

        Raises:
            FlashFault: There is no flash at some address of it; what is before is programmed.
        """
        while data:
            place = self._at(address)
            step = min(len(data), place.end - address)
            place.memory.program(address - place.address, data[:step])
            address, data = address + step, data[step:]
