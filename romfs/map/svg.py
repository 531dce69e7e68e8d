"""The map as SVG: bytes flow in rows, erase blocks are a grid over them.

Colours are CSS variables with a light, a dark and a print set, so the same picture stands
alone, in a page, and on paper, where hatching tells the uses apart without colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from romfs.map.regions import PartitionMap, Region, Use
from romfs.sizes import show_size

WIDTH = 960
_LEFT = 70  # for the offsets
_INNER = WIDTH - _LEFT - 10
_ROW = 24
_GAP = 3
_MAX_ROWS = 32
_TEXT = 6.7  # width of a character of the labels
_BAR = 18
_THIN = 4  # what is narrower gets no outline, which would hide it

SLUGS = {use: use.value.replace(" ", "-") for use in Use}

_COLOURS = {
    Use.METADATA: ("#6b7280", "#9ca3af"),
    Use.NAMES: ("#0e7490", "#22b8cf"),
    Use.CONSTANTS: ("#b45309", "#f0a93b"),
    Use.BYTECODE: ("#1d4ed8", "#5b8def"),
    Use.NATIVE: ("#b91c1c", "#f06a6a"),
    Use.SOURCE: ("#7e22ce", "#b983f0"),
    Use.DATA: ("#15803d", "#4cc07a"),
    Use.PADDING: ("#d6d9de", "#3b424d"),
    Use.FREE: ("#f3f4f6", "#20252d"),
}


# Lines of a 6 by 6 tile that tell a use apart on paper, whatever the printer makes of colours.
_HATCHES = {
    Use.NAMES: "M0 6L6 0",
    Use.CONSTANTS: "M0 3H6",
    Use.NATIVE: "M0 0L6 6M0 6L6 0",
    Use.SOURCE: "M3 0V6",
    Use.DATA: "M0 0L6 6",
}


def patterns() -> str:
    """Definitions that the style sheet refers to for paper."""
    tiles = "".join(
        f'<pattern id="on-paper-{SLUGS[use]}" width="6" height="6" '
        f'patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="var(--{SLUGS[use]})"/>'
        f'<path d="{lines}" stroke="#fff" stroke-opacity=".55"/></pattern>'
        for use, lines in _HATCHES.items()
    )
    return f"<defs>{tiles}</defs>"


def style() -> str:
    """The style sheet of the picture, in light, dark and print."""
    light = "".join(f"--{SLUGS[use]}:{one};" for use, (one, _) in _COLOURS.items())
    dark = "".join(f"--{SLUGS[use]}:{two};" for use, (_, two) in _COLOURS.items())
    light += "--ink:#1f2937;--paper:#ffffff;--grid:#00000070;"
    light += "--line:#00000018;--soft:#6b7280;--on:#ffffff;--changed:#e11d48;"
    dark += "--ink:#e5e7eb;--paper:#14181f;--grid:#ffffff80;"
    dark += "--line:#ffffff1c;--soft:#9ca3af;--on:#0b0e13;--changed:#ff6b8b;"
    fills = "".join(f".{slug}{{fill:var(--{slug})}}" for slug in SLUGS.values())
    printed = "".join(f".{SLUGS[use]}{{fill:url(#on-paper-{SLUGS[use]})}}" for use in _HATCHES)
    return (
        f":root,:root[data-theme=light]{{{light}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}"
        f"@media print{{:root,:root[data-theme]{{{light}}}*{{print-color-adjust:exact;"
        "-webkit-print-color-adjust:exact}}"
        f"{fills}@media print{{{printed}}}"
        ".map{font:11px ui-monospace,Menlo,Consolas,monospace;background:var(--paper)}"
        ".map text{fill:var(--soft)}.map text.in{fill:var(--on)}"
        ".map text.title{fill:var(--ink);font-size:14px;font-weight:600}"
        ".map text.key{fill:var(--ink)}"
        ".map .wide{stroke:var(--paper);stroke-width:.5}"
        ".map .frame{fill:none;stroke:var(--soft);stroke-width:.6}"
        ".map .grid{stroke:var(--grid);stroke-width:1}"
        ".map .over{opacity:.45}"
        ".map line.limit{stroke:var(--changed);stroke-width:4}"
        ".map text.limit{fill:var(--changed);font-weight:600;paint-order:stroke;"
        "stroke:var(--paper);stroke-width:5px}"
        ".map .changed{fill:none;stroke:var(--changed);stroke-width:2}"
        ".map.picked .r{opacity:.25}.map.picked .r.hot{opacity:1}"
    )


def svg(whole: PartitionMap) -> str:
    """A picture that stands alone."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{figure(whole, alone=True)}\n'


def row_bytes(size: int) -> int:
    """Bytes in one row: a power of two that gives a picture of sensible height."""
    length = 128
    while size > length * _MAX_ROWS:
        length *= 2
    return length


def figure(whole: PartitionMap, *, alone: bool = False) -> str:
    """The picture as an <svg> element.

    Args:
        whole: What to show.
        alone: Bring style, title and key along.
    """
    per_row = row_bytes(whole.image_size)
    shown = -(-whole.image_size // per_row) * per_row
    rows = shown // per_row
    parts: list[str] = []
    y = 10
    if alone:
        parts.append(f'<text class="title" x="10" y="{y + 12}">{escape(whole.title)}</text>')
        y += 26
    if whole.capacity > shown:
        parts += _overview(whole, y)
        y += _BAR + 30
    top = y
    parts += _rows(whole, per_row, rows, top)
    y = top + rows * (_ROW + _GAP) + 14
    if alone:
        lines = list(_key(whole, y))
        parts += lines
        y += 18 * -(-len(lines) // 2 // 3) + 24
    head = (
        f'<svg class="map" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
        f'role="img" aria-label={quoteattr(whole.title)}>'
    )
    sheet = f"<style>{style()}</style>" if alone else ""
    ground = f'<rect width="{WIDTH}" height="{y}" fill="var(--paper)"/>' if alone else ""
    return f"{head}{sheet}{patterns()}{ground}{''.join(parts)}</svg>"


def _overview(whole: PartitionMap, y: int) -> Iterator[str]:
    """The partition as one bar: how much the image takes, which blocks changed."""
    scale = _INNER / whole.capacity
    for region in _merged(whole.regions, whole.capacity / _INNER):
        width = max(region.size * scale, 0.4)
        yield (
            f'<rect class="r {SLUGS[region.use]}" x="{_LEFT + region.start * scale:.2f}" y="{y}" '
            f'width="{width:.2f}" height="{_BAR}"/>'
        )
    for number in sorted(whole.changed or ()):
        start, size = whole.blocks[number]
        yield (
            f'<rect class="changed" x="{_LEFT + start * scale:.2f}" y="{y}" '
            f'width="{max(size * scale, 1):.2f}" height="{_BAR}"/>'
        )
    yield (
        f'<rect class="frame" x="{_LEFT}" y="{y}" width="{_INNER}" height="{_BAR}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 13}" text-anchor="end">partition</text>'
        f'<text x="{_LEFT}" y="{y + _BAR + 13}">{show_size(whole.image_size)} of '
        f"{show_size(whole.capacity)} used "
        f"({100 * whole.image_size / whole.capacity:.1f} %); the image, enlarged:</text>"
    )


def _merged(regions: tuple[Region, ...], least: float) -> Iterator[Region]:
    """Regions too small to be seen are joined to the one before."""
    waiting: Region | None = None
    for region in regions:
        if waiting is None:
            waiting = region
        elif region.size < least and region.use is not Use.FREE:
            waiting = Region(waiting.start, region.end, waiting.use, "", "")
        else:
            yield waiting
            waiting = region
    if waiting is not None:
        yield waiting


def _rows(whole: PartitionMap, per_row: int, rows: int, top: int) -> Iterator[str]:
    scale = _INNER / per_row

    def place(offset: int) -> tuple[float, int]:
        row, into = divmod(offset, per_row)
        return _LEFT + into * scale, top + row * (_ROW + _GAP)

    for number in range(rows):
        y = top + number * (_ROW + _GAP)
        yield f'<text x="{_LEFT - 6}" y="{y + 16}" text-anchor="end">{number * per_row:#x}</text>'
    inside = whole.image_size - whole.excess if whole.excess else whole.capacity
    for region in whole.regions:
        if region.start >= rows * per_row:
            break
        over = " over" if region.start >= inside else ""
        tip = escape(_tip(region))
        name = escape(region.owner, {'"': "&quot;"})
        for start, end in _split(region.start, min(region.end, rows * per_row), per_row):
            x, y = place(start)
            width = (end - start) * scale
            yield (
                f'<rect class="r {SLUGS[region.use]}{" wide" if width > _THIN else ""}{over}" '
                f'data-f="{name}" x="{x:.2f}" y="{y}" '
                f'width="{max(width, 0.3):.2f}" height="{_ROW}"><title>{tip}</title></rect>'
            )
            label = _label(region, width)
            if label:
                yield (
                    f'<text class="in" x="{x + 5:.2f}" y="{y + 16}" pointer-events="none">'
                    f"{escape(label)}</text>"
                )
    if whole.excess:
        x, y = place(whole.image_size - whole.excess)
        yield (
            f'<line class="limit" x1="{x:.2f}" x2="{x:.2f}" y1="{y - 2}" y2="{y + _ROW + 2}"/>'
            f'<text class="limit" x="{x + 4:.2f}" y="{y + 16}">'
            "the partition ends here</text>"
        )
    for number, (start, size) in enumerate(whole.blocks):
        if start >= rows * per_row:
            break
        x, y = place(start)
        if start % per_row and size >= 8 / scale:
            yield f'<line class="grid" x1="{x:.2f}" x2="{x:.2f}" y1="{y}" y2="{y + _ROW}"/>'
        elif not start % per_row:
            yield (
                f'<line class="grid" x1="{_LEFT}" x2="{_LEFT + _INNER}" y1="{y - _GAP / 2}" '
                f'y2="{y - _GAP / 2}"/>'
            )
        if whole.changed is not None and number in whole.changed:
            for one, two in _split(start, min(start + size, rows * per_row), per_row):
                x, y = place(one)
                yield (
                    f'<rect class="changed" x="{x + 1:.2f}" y="{y}" '
                    f'width="{max((two - one) * scale - 2, 1):.2f}" height="{_ROW}" '
                    'pointer-events="none"/>'
                )


def _split(start: int, end: int, per_row: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = min(end, (start // per_row + 1) * per_row)
        yield start, stop
        start = stop


def _tip(region: Region) -> str:
    name = f"{region.owner}\n" if region.owner else ""
    return (
        f"{name}{region.use}: {region.detail}\n{region.start:#x} to {region.end - 1:#x}, "
        f"{region.size} bytes"
    )


def _label(region: Region, width: float) -> str:
    """As much of the file's name as fits, its end first: that tells files apart."""
    if region.use in (Use.PADDING, Use.FREE, Use.METADATA) or not region.owner:
        return ""
    room = int((width - 10) / _TEXT)
    if len(region.owner) <= room:
        return region.owner
    short = region.owner.rpartition("/")[2]
    return short if len(short) <= room else ""


def _key(whole: PartitionMap, y: int) -> Iterator[str]:
    for number, (use, size) in enumerate(whole.totals().items()):
        row, column = divmod(number, 3)
        x, at = 10 + column * 300, y + row * 18
        yield f'<rect class="{SLUGS[use]}" x="{x}" y="{at}" width="12" height="12"/>'
        yield f'<text class="key" x="{x + 18}" y="{at + 10}">{use} {show_size(size)}</text>'
