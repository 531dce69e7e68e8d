"""Guest module `framebuf`: drawing into a buffer.

The device's font is not part of this package: `text` draws each character as the frame
of the 8 by 8 cell it would fill, so that layouts can be seen.

Source: MicroPython extmod/modframebuf.c (formats and which pixels are drawn).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import buffer_of, check_count, get_int, get_str, type_name

if TYPE_CHECKING:
    from loader.vm import VM

MONO_VLSB, RGB565, GS4_HMSB, MONO_HLSB, MONO_HMSB, GS2_HMSB, GS8 = range(7)
_BITS = {
    MONO_VLSB: 1, RGB565: 16, GS4_HMSB: 4, MONO_HLSB: 1, MONO_HMSB: 1, GS2_HMSB: 2, GS8: 8,
}  # fmt: skip
_STRIDE_UNIT = {MONO_HLSB: 8, MONO_HMSB: 8, GS2_HMSB: 4, GS4_HMSB: 2}
"""Pixels a row is rounded up to, so that it ends with a byte."""


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


class FrameBuffer:
    """A picture in a buffer of the guest's.

    Args:
        args: Buffer, width, height, format, and pixels from row to row if not the width.
    """

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 4, 5)
        self._buffer = buffer_of(args[0], writable=True)
        self._width, self._height, self._format = (get_int(value) for value in args[1:4])
        stride = get_int(args[4]) if len(args) == 5 else self._width
        if self._width < 1 or self._height < 1 or stride < self._width:
            raise ValueError
        if self._format not in _BITS:
            raise ValueError("invalid format")
        unit = _STRIDE_UNIT.get(self._format, 1)
        self._stride = _up(stride, unit)
        if self._format == MONO_VLSB:
            size = (_up(self._height, 8) // 8 - 1) * self._stride + self._width
        else:
            pixels = (self._height - 1) * self._stride + _up(self._width, unit)
            size = pixels * _BITS[self._format] // 8
        if size > len(self._buffer):
            raise ValueError

    def __buffer__(self, flags: int) -> memoryview:
        return self._buffer

    # One pixel, known to lie inside

    def _put(self, x: int, y: int, colour: int) -> None:
        buffer, form = self._buffer, self._format
        if form == MONO_VLSB:
            at, bit = (y >> 3) * self._stride + x, 1 << (y & 7)
            buffer[at] = buffer[at] & ~bit | (bit if colour else 0)
        elif form in (MONO_HLSB, MONO_HMSB):
            at = (x + y * self._stride) >> 3
            bit = 1 << (x & 7 if form == MONO_HMSB else 7 - (x & 7))
            buffer[at] = buffer[at] & ~bit | (bit if colour else 0)
        elif form == RGB565:
            at = 2 * (x + y * self._stride)
            buffer[at : at + 2] = (colour & 0xFFFF).to_bytes(2, "little")
        elif form == GS2_HMSB:
            at, shift = (x + y * self._stride) >> 2, (x & 3) << 1
            buffer[at] = buffer[at] & ~(3 << shift) | (colour & 3) << shift
        elif form == GS4_HMSB:
            at, shift = (x + y * self._stride) >> 1, 0 if x & 1 else 4
            buffer[at] = buffer[at] & ~(15 << shift) & 0xFF | (colour & 15) << shift
        else:
            buffer[x + y * self._stride] = colour & 0xFF

    def _get(self, x: int, y: int) -> int:
        buffer, form = self._buffer, self._format
        if form == MONO_VLSB:
            return buffer[(y >> 3) * self._stride + x] >> (y & 7) & 1
        at = x + y * self._stride
        if form in (MONO_HLSB, MONO_HMSB):
            return buffer[at >> 3] >> (x & 7 if form == MONO_HMSB else 7 - (x & 7)) & 1
        if form == RGB565:
            return int.from_bytes(buffer[2 * at : 2 * at + 2], "little")
        if form == GS2_HMSB:
            return buffer[at >> 2] >> ((x & 3) << 1) & 3
        if form == GS4_HMSB:
            return buffer[at >> 1] >> (0 if x & 1 else 4) & 15
        return buffer[at]

    # Shapes, clipped

    def _dot(self, x: int, y: int, colour: int) -> None:
        if 0 <= x < self._width and 0 <= y < self._height:
            self._put(x, y, colour)

    def _box(self, x: int, y: int, width: int, height: int, colour: int) -> None:
        for row in range(max(y, 0), min(y + height, self._height)):
            for column in range(max(x, 0), min(x + width, self._width)):
                self._put(column, row, colour)

    def _line(self, x1: int, y1: int, x2: int, y2: int, colour: int) -> None:
        dx, dy = abs(x2 - x1), abs(y2 - y1)
        step_x, step_y = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
        x, y = x1, y1
        steep = dy > dx
        if steep:
            x, y, dx, dy, step_x, step_y = y, x, dy, dx, step_y, step_x
        error = 2 * dy - dx
        for _ in range(dx):
            self._dot(*((y, x) if steep else (x, y)), colour)
            while error >= 0:
                y += step_y
                error -= 2 * dx
            x += step_x
            error += 2 * dy
        self._dot(x2, y2, colour)

    def fill(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        self._box(0, 0, self._width, self._height, get_int(args[0]))

    def fill_rect(self, *args: Any) -> None:
        check_count(len(args) + 1, 6, 6)
        x, y, width, height, colour = map(get_int, args)
        self._box(x, y, width, height, colour)

    def pixel(self, *args: Any) -> int | None:
        check_count(len(args) + 1, 3, 4)
        x, y = get_int(args[0]), get_int(args[1])
        if 0 <= x < self._width and 0 <= y < self._height:
            if len(args) == 2:
                return self._get(x, y)
            self._put(x, y, get_int(args[2]))
        return None

    def hline(self, *args: Any) -> None:
        check_count(len(args) + 1, 5, 5)
        x, y, width, colour = map(get_int, args)
        self._box(x, y, width, 1, colour)

    def vline(self, *args: Any) -> None:
        check_count(len(args) + 1, 5, 5)
        x, y, height, colour = map(get_int, args)
        self._box(x, y, 1, height, colour)

    def rect(self, *args: Any) -> None:
        check_count(len(args) + 1, 6, 7)
        x, y, width, height, colour = map(get_int, args[:5])
        if len(args) == 6 and args[5]:
            self._box(x, y, width, height, colour)
            return
        self._box(x, y, width, 1, colour)
        self._box(x, y + height - 1, width, 1, colour)
        self._box(x, y, 1, height, colour)
        self._box(x + width - 1, y, 1, height, colour)

    def line(self, *args: Any) -> None:
        check_count(len(args) + 1, 6, 6)
        x1, y1, x2, y2, colour = map(get_int, args)
        self._line(x1, y1, x2, y2, colour)

    def ellipse(self, *args: Any) -> None:
        check_count(len(args) + 1, 6, 8)
        cx, cy, rx, ry, colour = map(get_int, args[:5])
        filled = len(args) > 5 and bool(args[5])
        quadrants = get_int(args[6]) & 15 if len(args) > 6 else 15
        if rx == 0 and ry == 0:
            if quadrants:
                self._dot(cx, cy, colour)
            return

        def points(x: int, y: int) -> None:
            for bit, right, up in ((1, 1, 1), (2, 0, 1), (4, 0, 0), (8, 1, 0)):
                if quadrants & bit:
                    row = cy - y if up else cy + y
                    if filled:
                        self._box(cx if right else cx - x, row, x + 1, 1, colour)
                    else:
                        self._dot(cx + x if right else cx - x, row, colour)

        a2, b2 = 2 * rx * rx, 2 * ry * ry
        x, y, error = rx, 0, 0
        x_change, y_change = ry * ry * (1 - 2 * rx), rx * rx
        x_stop, y_stop = b2 * rx, 0
        while x_stop >= y_stop:
            points(x, y)
            y += 1
            y_stop += a2
            error += y_change
            y_change += a2
            if 2 * error + x_change > 0:
                x -= 1
                x_stop -= b2
                error += x_change
                x_change += b2
        x, y, error = 0, ry, 0
        x_change, y_change = ry * ry, rx * rx * (1 - 2 * ry)
        x_stop, y_stop = 0, a2 * ry
        while x_stop <= y_stop:
            points(x, y)
            x += 1
            x_stop += b2
            error += x_change
            x_change += b2
            if 2 * error + y_change > 0:
                y -= 1
                y_stop -= a2
                error += y_change
                y_change += a2

    def poly(self, *args: Any) -> None:
        check_count(len(args) + 1, 5, 6)
        x, y, colour = get_int(args[0]), get_int(args[1]), get_int(args[3])
        numbers = memoryview(args[2]) if not isinstance(args[2], (list, tuple)) else None
        if numbers is None:
            raise TypeError("object with buffer protocol required")
        corners = list(zip(numbers[::2], numbers[1::2], strict=False))
        if not corners:
            return
        edges = list(zip([corners[0], *corners[:0:-1]], corners[::-1], strict=True))
        if len(args) == 5 and args[4]:
            self._fill_poly(x, y, edges, colour)
            return
        for (x1, y1), (x2, y2) in edges:
            self._line(x + x1, y + y1, x + x2, y + y2, colour)

    def _fill_poly(self, x: int, y: int, edges: list[Any], colour: int) -> None:
        """Row by row between the edges crossed; lowest points one by one."""
        heights = [corner[1] for edge in edges for corner in edge]
        for row in range(min(heights), max(heights) + 1):
            nodes = []
            for (x1, y1), (x2, y2) in edges:
                if y1 != y2 and (y1 > row >= y2 or y1 <= row < y2):
                    slope = int(32 * (x2 - x1) * (row - y1) / (y2 - y1))
                    nodes.append(int((32 * x1 + slope + 16) / 32))
                elif row == max(y1, y2):
                    if y1 < y2:
                        self._dot(x + x2, y + y2, colour)
                    elif y2 < y1:
                        self._dot(x + x1, y + y1, colour)
                    else:
                        self._line(x + x1, y + y1, x + x2, y + y2, colour)
            nodes.sort()
            for left, right in zip(nodes[::2], nodes[1::2], strict=False):
                self._box(x + left, y + row, right - left + 1, 1, colour)

    def blit(self, *args: Any) -> None:
        check_count(len(args) + 1, 4, 6)
        source = _frame(args[0])
        x, y = get_int(args[1]), get_int(args[2])
        key = get_int(args[3]) & 0xFFFFFFFF if len(args) > 3 else 0xFFFFFFFF
        palette = _frame(args[4]) if len(args) > 4 and args[4] is not None else None
        for row in range(max(y, 0), min(y + source._height, self._height)):
            for column in range(max(x, 0), min(x + source._width, self._width)):
                colour = source._get(column - x, row - y)
                if palette is not None:
                    colour = palette._get(colour, 0)
                if colour != key:
                    self._put(column, row, colour)

    def scroll(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        dx, dy = get_int(args[0]), get_int(args[1])
        if abs(dx) >= self._width or abs(dy) >= self._height:
            return
        columns = range(max(dx, 0), self._width + min(dx, 0))
        rows = range(max(dy, 0), self._height + min(dy, 0))
        for row in rows if dy < 0 else reversed(rows):
            for column in columns if dx < 0 else reversed(columns):
                self._put(column, row, self._get(column - dx, row - dy))

    def text(self, *args: Any) -> None:
        check_count(len(args) + 1, 4, 5)
        x, y = get_int(args[1]), get_int(args[2])
        colour = get_int(args[3]) if len(args) > 3 else 1
        for index, char in enumerate(get_str(args[0])):
            if char != " ":
                self.rect(x + 8 * index + 1, y + 1, 6, 6, colour)

    def _guest_repr_(self) -> str:
        return "<FrameBuffer>"


def _frame(obj: Any) -> FrameBuffer:
    """A frame buffer, or the arguments for one."""
    if isinstance(obj, (tuple, list)):
        return FrameBuffer(*obj)
    if not isinstance(obj, FrameBuffer):
        raise TypeError(f"object '{type_name(obj)}' isn't a tuple or list")
    return obj


def frame_buffer_1(*args: Any) -> FrameBuffer:
    """The old constructor: one bit a pixel."""
    check_count(len(args), 3, 4)
    return FrameBuffer(*args[:3], MONO_VLSB, *args[3:])


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {
        "FrameBuffer": FrameBuffer,
        "FrameBuffer1": frame_buffer_1,
        "MVLSB": MONO_VLSB,
        "MONO_VLSB": MONO_VLSB,
        "RGB565": RGB565,
        "GS2_HMSB": GS2_HMSB,
        "GS4_HMSB": GS4_HMSB,
        "GS8": GS8,
        "MONO_HLSB": MONO_HLSB,
        "MONO_HMSB": MONO_HMSB,
    }
