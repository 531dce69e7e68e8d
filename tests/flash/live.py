"""Flashing virtual boards, and asking the real engine on them what it sees."""

from __future__ import annotations

from typing import Any

from flash.board.virtual import VirtualBoard
from flash.execute import Options, Result, flash
from flash.link import SerialLink
from flash.serial_repl import Repl
from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image

Events = list[tuple[str, dict[str, Any]]]


def modules(seed: int, count: int = 6, lines: int = 60) -> dict[str, bytes]:
    """Compiled modules; `answer()` of each tells which build it is from."""
    sources = {
        f"m{number}.py": "".join(
            f"def f{line}(a, b={line}):\n    return ('text {seed} {number} {line}', a + b)\n"
            for line in range(lines)
        )
        + f"def answer():\n    return {seed * 100 + number}\n"
        for number in range(count)
    }
    jobs = [Job(name, text.encode(), CompileOptions()) for name, text in sources.items()]
    compiled = Compiler().compile(jobs, cache=None)
    return {
        job.path.replace(".py", ".mpy"): bytes(result.content)
        for job, result in zip(jobs, compiled, strict=True)
    }


def image_of(files: dict[str, bytes]) -> bytes:
    """An image of these files."""
    return build_image(files)


def write(
    board: VirtualBoard, image: bytes, options: Options | None = None, *, baud: int = 115200
) -> tuple[Result, Events]:
    """Flash an image; returns the result and all events."""
    events: Events = []
    link = SerialLink(board.port, baud, wait=5.0)
    try:
        result = flash(
            link,
            lambda info, target, row: image,
            options or Options(),
            lambda name, facts: events.append((name, facts)),
        )
    finally:
        link.close()
    return result, events


def ask(board: VirtualBoard, code: str, timeout: float = 5.0) -> str:
    """What code prints on the board, within a time limit."""
    link = SerialLink(board.port, wait=5.0)
    try:
        repl = Repl(link)
        repl.enter()
        return repl.run(code, timeout).decode().strip()
    finally:
        link.close()


_STATE = """
import sys
if "/rom" not in sys.path:
    print("empty")
else:
    print([__import__(name).answer() for name in {names!r}])
"""


def answers(board: VirtualBoard, count: int = 6) -> str:
    """ "empty" if /rom is not mounted, else what the modules in it answer when imported."""
    return ask(board, _STATE.format(names=[f"m{number}" for number in range(count)]))


def expected(seed: int, count: int = 6) -> str:
    """What `answers` gives when the image of that seed is there and whole."""
    return str([seed * 100 + number for number in range(count)])
