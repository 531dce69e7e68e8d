"""What a partition holds, compared with an image, in few questions.

Most of a partition is usually as it should be, or all of it is blank. So stretches of
many erase units are asked for first, and single units only where a stretch is neither.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from flash.plan import PIECE
from flash.transport import Transport

_GROUP = 16
"""Erase units in a stretch: about the root of their number in a partition of a megabyte."""

_FEW = 24
"""Blocks that differ, up to which it pays to look closer: the rest of a large change moved."""


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


def fine(
    transport: Transport,
    image: bytes,
    blocks: Sequence[tuple[int, int]],
    found: Sequence[int],
    *,
    keeps: int,
    erased: int = 0xFF,
) -> dict[int, list[int]]:
    """CRC-32 of each `PIECE` of those blocks that differ, by the block's offset.

    Only where the answer can save something: the device can keep a block, and few differ.

    Args:
        found: What `sums` gave.
        keeps: Bytes of a block the device can keep.
    Raises:
        TransportError: The link is lost.
    """
    blank = bytes((erased,))
    other = [
        (at, size)
        for (at, size), crc in zip(blocks, found, strict=True)
        if crc not in (zlib.crc32(image[at : at + size]), zlib.crc32(blank * size))
    ]
    if len(other) > _FEW or any(size > keeps for _, size in other):
        return {}
    return {
        at: transport.sums(
            [(start, min(PIECE, at + size - start)) for start in range(at, at + size, PIECE)]
        )
        for at, size in other
    }
