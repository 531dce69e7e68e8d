"""The map for a terminal: one character for some bytes, coloured where that is possible."""

from __future__ import annotations

from collections.abc import Iterator

from romfs.map.regions import EXPLAINED, PartitionMap, Region, Use
from romfs.sizes import show_size

_SIGNS = {
    Use.METADATA: ("M", 245),
    Use.NAMES: ("n", 37),
    Use.CONSTANTS: ("c", 172),
    Use.BYTECODE: ("B", 33),
    Use.NATIVE: ("X", 160),
    Use.SOURCE: ("S", 134),
    Use.DATA: ("D", 35),
    Use.PADDING: (".", 240),
    Use.FREE: (" ", 236),
}
_MAX_ROWS = 24


def text(whole: PartitionMap, *, width: int, colour: bool) -> Iterator[str]:
    """Lines of the map.

    Args:
        whole: What to show.
        width: Columns of the terminal.
        colour: Use ANSI colours; letters alone if not.
    """
    yield f"{whole.title}: {whole.summary}"
    columns = 64 if width >= 76 else 32
    cell = 1
    while whole.image_size > cell * columns * _MAX_ROWS:
        cell *= 2
    shown = -(-whole.image_size // (cell * columns))
    dominant = _dominant(whole.regions, cell, shown * columns)
    changed = _changed(whole)
    for row in range(shown):
        start = row * cell * columns
        cells = dominant[row * columns : (row + 1) * columns]
        mark = (
            "*" if any(_overlap(start, start + cell * columns, span) for span in changed) else " "
        )
        yield f"{start:#9x}{mark} {''.join(_cell(use, colour) for use in cells)}".rstrip()
    yield f"one character is {cell} byte{'s' * (cell > 1)}"
    for use, size in whole.totals().items():
        yield f"  {_cell(use, colour)} {use:12} {show_size(size):>10}  {EXPLAINED[use]}"
    if whole.changed:
        yield "  * holds an erase block that differs from the previous image"


def _cell(use: Use, colour: bool) -> str:
    letter, shade = _SIGNS[use]
    return f"\x1b[48;5;{shade}m\x1b[38;5;231m{letter}\x1b[0m" if colour else letter


def _dominant(regions: tuple[Region, ...], cell: int, count: int) -> list[Use]:
    """The use that has most bytes of each cell."""
    shares: list[dict[Use, int]] = [{} for _ in range(count)]
    for region in regions:
        at = region.start
        while at < region.end and at // cell < count:
            stop = min(region.end, (at // cell + 1) * cell)
            share = shares[at // cell]
            share[region.use] = share.get(region.use, 0) + stop - at
            at = stop
    return [max(share, key=lambda use: share[use]) if share else Use.FREE for share in shares]


def _changed(whole: PartitionMap) -> list[tuple[int, int]]:
    return [(whole.blocks[number][0], sum(whole.blocks[number])) for number in whole.changed or ()]


def _overlap(start: int, end: int, span: tuple[int, int]) -> bool:
    return span[0] < end and start < span[1]
