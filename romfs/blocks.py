"""Which erase blocks of a partition differ between two images."""

from __future__ import annotations

Buffer = bytes | bytearray | memoryview


def changed_blocks(old: Buffer, new: Buffer, erase: int, *, fill: int = 0xFF) -> list[int]:
    """Numbers of the erase blocks that must be rewritten to turn `old` into `new`.

    Args:
        old: What the partition holds from its start on; erased after that.
        new: What it shall hold; what comes after does not matter.
        erase: Bytes of an erase block.
        fill: Value of erased bytes.
    """
    changed = []
    for number in range(-(-len(new) // erase)):
        want = new[number * erase : (number + 1) * erase]
        have = bytes(old[number * erase : number * erase + len(want)])
        if want != have + bytes((fill,)) * (len(want) - len(have)):
            changed.append(number)
    return changed
