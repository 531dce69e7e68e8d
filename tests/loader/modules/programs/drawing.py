from array import array

import framebuf as fb
from probe import each, show

FORMATS = (fb.MONO_VLSB, fb.MONO_HLSB, fb.MONO_HMSB, fb.RGB565, fb.GS2_HMSB, fb.GS4_HMSB, fb.GS8)
each(
    fb.FrameBuffer,
    (), (bytearray(8), 8, 8), (bytearray(7), 8, 8, 0), (b"12345678", 8, 8, 0),
    (bytearray(8), 8, 8, 9), (bytearray(8), 0, 8, 0), (bytearray(8), 8, -1, 0), (5, 8, 8, 0),
    (bytearray(8), 8, 8, 0, 4), (bytearray(8), 8, 8, 0, 16),
)  # fmt: skip
DRAWINGS = (
    ("pixel", 0, 0, 1), ("pixel", 12, 10, 0x1234), ("pixel", 13, 0, 1), ("hline", 2, 3, 5, 1),
    ("vline", 4, -2, 20, 2), ("hline", -5, 9, 100, 1), ("rect", 1, 2, 8, 6, 1),
    ("rect", 2, 3, 3, 3, 2, True), ("rect", -3, -3, 5, 5, 1), ("fill_rect", 5, 5, 100, 100, 3),
    ("line", 0, 0, 12, 10, 1), ("line", 12, 0, 0, 7, 1), ("line", -5, 3, 20, 6, 1),
    ("line", 3, -5, 3, 30, 1), ("ellipse", 6, 5, 4, 3, 1), ("ellipse", 6, 5, 5, 2, 1, True),
    ("ellipse", 6, 5, 5, 4, 1, True, 3), ("ellipse", 6, 5, 5, 4, 1, False, 9),
    ("ellipse", 3, 3, 0, 0, 1), ("ellipse", 3, 8, 0, 2, 1), ("ellipse", 9, 8, 2, 0, 1),
    ("poly", 1, 1, array("h", [0, 0, 8, 1, 9, 8, 2, 6]), 1),
    ("poly", 1, 1, array("h", [0, 0, 8, 1, 9, 8, 4, 4, 2, 6]), 1, True),
)  # fmt: skip
PATTERN = bytearray([0xA5, 0x3C, 0xFF, 0x11, 0x22, 0x81, 0x42, 0x18] * 32)
for form in FORMATS:
    buffer = bytearray(330)
    frame = fb.FrameBuffer(buffer, 13, 11, form)
    for drawing in DRAWINGS:
        frame.fill(0)
        getattr(frame, drawing[0])(*drawing[1:])
        print(form, drawing[:3], buffer)
    print(frame.pixel(4, 5), frame.pixel(20, 20))
    for step in ((2, 1), (-1, -2), (50, 0)):
        frame.scroll(*step)
        print(form, "scroll", buffer)
    source = fb.FrameBuffer(PATTERN, 8, 8, form)
    mask = fb.FrameBuffer(bytearray(b"\xaa\x55\xf0\x0f\xcc\x33\x81\x7e"), 8, 8, fb.MONO_HLSB)
    palette = fb.FrameBuffer(bytearray(range(1, 65)), 2, 1, form)
    for args in ((source, 2, 3), (source, -3, -2, 0), (source, 8, 8), (mask, 1, 1, -1, palette)):
        frame.blit(*args)
        print(form, "blit", args[1:4], buffer)
frame = fb.FrameBuffer(bytearray(8), 8, 8, 0)
show(frame.pixel, 1)
show(frame.fill, "a")
show(frame.blit, 5, 0, 0)
