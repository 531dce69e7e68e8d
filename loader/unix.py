"""Engine 3: the real MicroPython, running modules of the same image file.

The image is mounted at `/rom` as firmware does it, by a start-up script; what the program
prints, reads and exits with is that of the real thing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from loader.engine import Request, Result
from romfs.errors import MissingExtra

VARIABLE = "ROMFS_MICROPYTHON"
"""Environment variable that names a MicroPython binary."""

# The program's traceback starts with this script's own line, which is left out.
_SCRIPT = """\
import sys as _s, vfs as _v, io as _i
def _boot(s, v, i):
 {mount}
 s.path[:] = {path!r}
 s.argv[:] = {argv!r}
 try:
  {start}
 except SystemExit as e:
  raise
 except BaseException as e:
  b = i.StringIO()
  s.print_exception(e, b)
  t = b.getvalue().split("\\n")
  t = [l for l in t if '"<stdin>"' not in l]
  s.stderr.write("\\n".join(t[t[1][:6] != "  File":] if len(t) > 1 and t[0][:5] == "Trace" else t))
  s.exit(1)
_f, _b, _x = globals(), _boot, (_s, _v, _i)
for _n in ("_s", "_v", "_i", "_boot"): del _f[_n]
_b(*_x)
"""


def find_binary(given: str | Path | None = None) -> str:
    """The MicroPython to run: as given, by the environment, or the one on the path.

    Raises:
        MissingExtra: There is none.
    """
    found = given or os.environ.get(VARIABLE) or shutil.which("micropython") or _beside_python()
    if not found:
        raise MissingExtra("engine 'micropython'", extra="engine")
    return str(found)


def _beside_python() -> str | None:
    import sys

    path = Path(sys.executable).with_name("micropython")
    return str(path) if path.exists() else None


def script(request: Request) -> str:
    """The start-up script for a request."""
    mount = "pass"
    if request.image is not None:
        image = str(request.image)
        mount = f"v.mount(v.VfsRom(open({image!r}, 'rb').read()), '/rom')"
    if request.module is not None:
        start = (
            f"m = __import__({request.module!r}, None, None, False)\n"
            "  if hasattr(m, '__path__'):\n"
            f"   __import__({request.module + '.__main__'!r}, None, None, False)"
        )
    elif request.file is not None:
        name = request.file.rpartition("/")[2].rpartition(".")[0]
        folder = request.file.rpartition("/")[0] or "/"
        start = f"s.path.insert(0, {folder!r}); __import__({name!r}, None, None, False)"
    else:
        start = f"exec({request.code or ''!r}, _f)"
    return _SCRIPT.format(
        mount=mount, path=request.sys_path(), argv=list(request.argv), start=start
    )


def run(request: Request, *, binary: str | Path | None = None, capture: bool = True) -> Result:
    """Run a request in the real MicroPython.

    Args:
        request: What to run.
        binary: The MicroPython to use.
        capture: Whether to collect output; otherwise it goes to this process's.

    Raises:
        MissingExtra: There is no MicroPython.
    """
    heap = [] if request.memory is None else ["-X", f"heapsize={request.memory}"]
    command = [find_binary(binary), *heap, "-c", script(request)]
    try:
        done = subprocess.run(
            command,
            input=request.stdin if capture else None,
            stdin=None if not capture or request.stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.PIPE if capture else None,
            timeout=request.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as stopped:
        return Result(stopped.stdout or b"", stopped.stderr or b"", TIMED_OUT)
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Result(done.stdout or b"", done.stderr or b"", status)


TIMED_OUT = 124
