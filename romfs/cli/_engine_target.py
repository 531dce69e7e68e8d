"""From a board's row to the device that the loader pretends to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boards import Board
    from loader.target import Target


def engine_target(name: str | None) -> tuple[Target, Board | None]:
    """The target and row of a board; the unix build's for None.

    Raises:
        BoardError: No such board.
    """
    from loader.target import UNIX, Target

    if name is None:
        return UNIX, None
    import boards

    board = boards.load(name)
    target = Target(
        name=board.id,
        arch=board.mpy.loader_arch or "none",
        arch_flags=board.mpy.arch_flags,
        small_int_bits=board.mpy.small_int_bits,
        platform=board.port,
        machine=" with ".join(filter(None, (board.name, board.mcu_name))),
        word=board.mpy.word,
    )
    return target, board
