"""One deflate stream over many blocks, cut where a block ends.

A device inflates as it goes: it needs the bytes of a block's piece, no more, to have that
whole block. So the stream is compressed as one, with the window running over block
borders and without the flushes that a stream per block, or a flush per block, would pay
for, and then cut at the first byte after which a decoder has the block.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

LEAST_WINDOW = 9
"""Bits of the smallest window deflate has. Source: zlib manual, deflateInit2."""


class Deflater:
    """Cuts of one raw deflate stream.

    Args:
        window: Bits of the window, 9 to 15; 0: nothing is compressed.
    """

    def __init__(self, window: int) -> None:
        self.window = window

    def pieces(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what a decoder needs to produce each block, after all pieces before it."""
        if not self.window:
            yield from blocks
            return
        content = list(blocks)
        level = zlib.Z_BEST_COMPRESSION
        squeeze = zlib.compressobj(level, zlib.DEFLATED, -self.window, 9)
        stream = b"".join([squeeze.compress(b"".join(content)), squeeze.flush()])
        yield from _cut(stream, [len(block) for block in content], self.window)


def _cut(stream: bytes, lengths: Iterable[int], window: int) -> Iterator[bytes]:
    """Cut a raw deflate stream after the bytes that give `lengths` bytes of output each."""
    inflate = zlib.decompressobj(-window)
    start = 0
    at = 0
    for length in lengths:
        missing = length
        # `max_length` stops the decoder at the block's end, but it reads ahead then: what
        # it did not use is handed back as unconsumed_tail.
        tail: bytes | memoryview = memoryview(stream)[at:]
        while missing:
            out = inflate.decompress(tail, missing)
            missing -= len(out)
            tail = inflate.unconsumed_tail
        at = len(stream) - len(tail)
        yield stream[start:at]
        start = at
