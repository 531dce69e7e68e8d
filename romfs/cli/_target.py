"""From what the user says of a device to the build's `Target`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from romfs.errors import ConfigError
from romfs.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from boards import Board
    from romfs.mpy import Header
    from romfs.target import Target


def size_argument(text: str) -> int:
    """argparse type for a size: 4096, 0x1000, 4K."""
    try:
        return parse_size(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def make_target(
    board_name: str | None,
    *,
    size: int | None = None,
    march: str | None = None,
    march_flags: str | None = None,
    partition: int = 0,
    align: int | None = None,
) -> Target:
    """The target of a build.

    Args:
        board_name: Board name or board file; None for no board in particular.
        size: Partition size where the board leaves it to a build option, or there is no board.
        march: Native architecture, instead of the board's.
        march_flags: Its extensions.
        partition: Which of the board's partitions.
        align: Least alignment of every file's data.
    Raises:
        BoardError: No such board or partition, or it cannot have that size.
    """
    from romfs.target import Target

    if board_name is None:
        return Target(march=march, march_flags=march_flags, capacity=size, align=align or 1)
    import boards

    board = boards.load(board_name)
    capacity, erase, lead = size, None, 0
    if board.partitions:
        part = board.partition(partition)
        if size is not None:
            part = part.with_size(size)
        capacity = part.capacity
        erase = part.alignment if part.alignment > 1 else None
        lead = part.at_risk
    return Target(
        board=board.key,
        march=march or board.native_arch,
        march_flags=march_flags or (None if march else ",".join(board.mpy.flags) or None),
        small_int_bits=min(board.mpy.small_int_bits, 31),
        refuses=_refusal(board),
        capacity=capacity,
        erase=erase,
        lead=lead,
        align=align or 1,
        frozen=frozenset(board.frozen or ()),
        runs_main=board.boot.initial_cwd == board.boot.mount_point,
    )


def _refusal(board: Board) -> Callable[[Header], str | None]:
    def refuses(header: Header) -> str | None:
        return board.mpy.accepts(
            header.arch,
            header.sub_version,
            header.arch_flags,
            header.small_int_bits,
            header.version,
        )

    return refuses
