"""What a partition holds, compared with an image, in few questions.

Most of a partition is usually as it should be, or all of it is blank. So stretches of
many erase units are asked for first, and single units only where a stretch is neither.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from flash.transport import Transport

_GROUP = 16
"""Erase units in a stretch: about the root of their number in a partition of a megabyte."""


def sums(
    transport: Transport, image: bytes, blocks: Sequence[tuple[int, int]], erased: int = 0xFF
) -> list[int]:
    """CRC-32 of what the partition holds, per (offset, length) of adjoining blocks.

    Raises:
        TransportError: The link is lost.
    """
    if len(blocks) <= 2 * _GROUP:
        return transport.sums(blocks)
    groups = [blocks[at : at + _GROUP] for at in range(0, len(blocks), _GROUP)]
    spans = [(group[0][0], group[-1][0] + group[-1][1] - group[0][0]) for group in groups]
    found: list[int] = []
    blank = bytes((erased,))
    for group, (start, length), crc in zip(groups, spans, transport.sums(spans), strict=True):
        if crc == zlib.crc32(image[start : start + length]):
            found += [zlib.crc32(image[at : at + size]) for at, size in group]
        elif crc == zlib.crc32(blank * length):
            found += [zlib.crc32(blank * size) for _, size in group]
        else:
            found += transport.sums(group)
    return found
