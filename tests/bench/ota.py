"""`python -m tests.bench ota`: deltas against their peers, and what an update costs a device.

Deltas are for edits of real modules, built with our own builder: bsdiff4 as it is, bsdiff's
result under the best compressor for each, and detools with each of its compressions. Device
figures come from the real MicroPython of a virtual board; its objects are twice as large as
on a 32-bit board.
"""

from __future__ import annotations

import argparse
import bz2
import io
import lzma
import statistics
import sysconfig
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from flash.board.virtual import VirtualBoard
from flash.ota import delta, push
from flash.serial_repl import Repl
from romfs.compile import CompileOptions, Compiler, Job
from romfs.image import Image
from romfs.layout import Content, Geometry, lay_out
from tests.flash.ota import boards as fleet

MODULES = (
    "argparse base64 bisect calendar cmd colorsys configparser csv fractions heapq queue sched "
    "shlex stat statistics string textwrap"
).split()
Edit = Callable[[str, str], str]

EDITS: dict[str, Edit] = {
    "a constant": lambda n, s: s.replace("width=70", "width=72") if n == "textwrap" else s,
    "a new function": lambda n, s: s + _FUNCTION if n == "heapq" else s,
    "names changed": lambda n, s: s.replace("fillchar", "filler_char").replace(
        "subsequent_indent", "next_indent"
    ),
    "a class removed": lambda n, s: s.split("class HTMLCalendar")[0] if n == "calendar" else s,
    "a module more": lambda n, s: s + _source("hmac") if n == "sched" else s,
    "texts changed": lambda n, s: s.replace("error", "failure"),
    "several at once": lambda n, s: EDITS["texts changed"](n, EDITS["a new function"](n, s)),
}
_FUNCTION = """
def weighted(values, weights):
    total = 0
    for value, weight in zip(values, weights):
        total += value * weight
    return total / sum(weights)
"""


def main(argv: list[str]) -> int:
    """Print the figures; returns 0 if every delta is at most as large as its best peer."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench ota")
    parser.add_argument("--no-device", action="store_true", help="deltas only")
    args = parser.parse_args(argv)
    worst = deltas()
    if not args.no_device:
        with tempfile.TemporaryDirectory(prefix="romfs-bench-") as folder:
            device(Path(folder))
    return 0 if worst <= 1.0 else 1


def _source(name: str) -> str:
    return (Path(sysconfig.get_path("stdlib")) / f"{name}.py").read_text("utf-8")


@cache
def tree(edit: str | None) -> tuple[Content, ...]:
    """The modules, one edit applied, compiled."""
    import hashlib

    change: Edit = (lambda n, s: s) if edit is None else EDITS[edit]
    jobs = [
        Job(f"{name}.py", change(name, _source(name)).encode(), CompileOptions(optimize=3))
        for name in MODULES
    ]
    return tuple(
        Content(f"lib/{job.path[:-3]}.mpy", done.content, hashlib.sha256(done.content).digest())
        for job, done in zip(jobs, Compiler().compile(jobs, cache=None), strict=True)
        if done.error is None
    )


def image(edit: str | None = None, previous: bytes | None = None) -> bytes:
    """An image of the modules; with a previous one, unchanged data stays in its place."""
    old = None if previous is None else Image(previous)
    return lay_out(tree(edit), geometry=Geometry(4096, 256 * 1024), previous=old).image


def peers(old: bytes, new: bytes) -> dict[str, int]:
    """Bytes of everybody else's deltas."""
    import bsdiff4
    import detools

    control, changes, fresh = bsdiff4.core.diff(old, new)
    small = b"".join(
        bsdiff4.core.decode_int64(control[at : at + 8]).to_bytes(4, "little", signed=True)
        for at in range(0, len(control), 8)
    )
    found = {
        "bsdiff4": len(bsdiff4.diff(old, new)),
        "bsdiff + best": min(
            _best(small + changes + fresh), sum(map(_best, (small, changes, fresh)))
        ),
    }
    for compression in ("lzma", "heatshrink", "crle", "bz2"):
        out = io.BytesIO()
        detools.create_patch(io.BytesIO(old), io.BytesIO(new), out, compression=compression)
        found[f"detools {compression}"] = len(out.getvalue())
    return found


def _best(data: bytes) -> int:
    filters: list[dict[str, Any]] = [
        {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "pb": 0}
    ]
    sizes = [
        len(zlib.compress(data, 9)),
        len(bz2.compress(data)),
        len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=filters)),
    ]
    try:
        import brotli
    except ImportError:
        pass  # no device can use it; it is asked for only where it happens to be installed
    else:
        sizes.append(len(brotli.compress(data, quality=11)))
    return min(sizes)


def deltas() -> float:
    """Our bytes against the best peer's, edit by edit; returns the worst ratio."""
    ratios = []
    for packed in (False, True):
        old = image() if not packed else lay_out(tree(None)).image
        print(
            f"deltas between images of {len(old)} bytes, "
            f"{'packed tightly' if packed else 'laid out for updates'}"
        )
        for edit in EDITS:
            new = lay_out(tree(edit)).image if packed else image(edit, old)
            begun = time.perf_counter()
            ours = delta.encode(old, new)
            taken = time.perf_counter() - begun
            assert delta.decode(old, ours, len(new)) == new
            others = peers(old, new)
            name = min(others, key=lambda one: others[one])
            ratios.append(len(ours) / others[name])
            print(
                f"  {edit:<16} {len(ours):5d} bytes, {ratios[-1]:5.3f} x the best peer "
                f"({name}, {others[name]}); bsdiff4 {others['bsdiff4']}, "
                f"made in {taken * 1000:.0f} ms"
            )
    print(f"deltas: worst {max(ratios):.3f}, median {statistics.median(ratios):.3f} (bar 1.0)")
    return max(ratios)


_MEASURE = """
import gc,time,romfs_ota
import romfs_ota.installer as I,romfs_ota.serial as S,romfs_ota.slh,romfs_ota.delta,deflate
gc.collect()
base=gc.mem_alloc()
top=0
def note():
    global top
    gc.collect()
    top=max(top,gc.mem_alloc()-base)
end=I._Blocks._end
def _end(s):
    note()
    end(s)
I._Blocks._end=_end
right=I.Envelope._right
def _right(*a):
    global spent
    t=time.ticks_us()
    r=right(*a)
    spent=time.ticks_diff(time.ticks_us(),t)
    return r
I.Envelope._right=_right
S.serve({})
print('@',top,spent)
"""


def device(folder: Path) -> None:
    """Memory, verification and whole updates, full and delta, over 115200 baud."""
    name = "RPI_PICO"
    size = 128 * 1024
    for what, number, bases in (("full", 2, ()), ("delta", 3, (2,))):
        data = fleet.packed(name, number, *bases, size=size)
        with fleet.board(name, folder, size=size, baud=115200, timing=True) as board:
            if bases:
                _update(board, fleet.packed(name, 2, size=size))
            with fleet.repl(board) as repl:
                outcome = push.push(repl, data)
            print(
                f"{what}: {len(data)} bytes, {outcome.sent} over the link, "
                f"{outcome.seconds:.2f} s at 115200 baud with the flash's own times "
                f"({outcome.sent / 11520:.2f} s of it the line)"
            )
        with fleet.board(name, folder, size=size) as board:
            if bases:
                _update(board, fleet.packed(name, 2, size=size))
            before, push._START = push._START, _MEASURE
            try:
                with fleet.repl(board) as repl:
                    push.push(repl, data)
            finally:
                push._START = before
            words = [line for line in board.log.splitlines() if line.startswith("@ ")][-1].split()
            print(
                f"{what}: {int(words[1])} bytes of heap in use at the most while blocks are "
                f"written, on a 64-bit engine; signature checked in {int(words[2]) / 1000:.1f} ms"
            )


def _update(board: VirtualBoard, data: bytes) -> None:
    with fleet.repl(board) as repl:
        push.push(repl, data)
        _confirm(repl)


def _confirm(repl: Repl) -> None:
    repl.soft_reset()
    repl.run("import romfs_ota\nromfs_ota.confirm()")
