"""What a board's row says of its partitions, where there is no device to ask."""

from __future__ import annotations

from boards import Board
from flash import probe
from flash.ota.container import Segment
from flash.target import Target, resolve
from romfs.errors import DoesNotFit


def target(board: Board, index: int = 0) -> Target:
    """A partition as a connected board of this sort would describe it.

    Raises:
        DoesNotFit: Its size is a build option that nobody has chosen yet.
        NoPartition: The firmware cannot write it.
    """
    part = board.partition(index)
    if part.size is None:
        raise DoesNotFit(f"{board.id}: the size of its partition is a build option; give it")
    kind = part.segment.rpartition(".")[2] if part.is_block_device else ""
    unit = part.block_size if part.is_block_device else part.min_prepare
    segment = probe.Segment(index, part.size, kind, unit or -22)
    return resolve(probe.DeviceInfo(platform=board.port), segment, board)


def segments(board: Board, *, both: bool = True) -> list[Segment]:
    """The partitions a container would use."""
    count = 2 if both and len(board.partitions) > 1 else 1
    return [Segment.of(target(board, index)) for index in range(count)]
