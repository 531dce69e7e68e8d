"""Starts the real MicroPython as the processor of a virtual board. Runs in a child process.

The engine comes as a CPython extension module. That lets this process map the flash files
into memory first, so that the guest's segment objects lie over real, shared, read-only
memory: what the board's flash model writes is what the guest sees, and a guest that writes
there by itself dies of it, as on a microcontroller.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PROT_NONE, _PROT_READ, _PROT_WRITE, _MAP_SHARED = 0, 1, 2, 1


def _map(libc: ctypes.CDLL, path: str, size: int, readable: int, writable: bool) -> int:
    """Map a file; returns the address. Beyond `readable` bytes an access faults."""
    handle = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
    access = _PROT_READ | _PROT_WRITE if writable else _PROT_READ
    address = libc.mmap(None, size, access, _MAP_SHARED, handle, 0)
    os.close(handle)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), f"cannot map {path}")
    if readable < size:
        libc.mprotect(ctypes.c_void_p(address + readable), size - readable, _PROT_NONE)
    return int(address)


def main() -> int:
    """Map, then run the engine with the firmware stand-in; returns its exit code."""
    config = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t) + (ctypes.c_int,) * 3 + (ctypes.c_long,)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != config["parent"]:
            return 1
    sys.path.insert(0, config["engine"])
    from micropython_run import run_main  # type: ignore[import-not-found]

    memories = [
        (_map(libc, path, size, readable, False), size)
        for path, size, readable in config["memories"]
    ]
    stage, size = config["stage"]
    memories.append((_map(libc, stage, size, size, True), size))
    os.environ["MICROPYPATH"] = config["firmware"]
    os.chdir(config["directory"])
    # Through a pipe rather than in the command, which stays in the guest's heap.
    reader, writer = os.pipe()
    os.write(writer, f"({config['guest']},{memories!r})".encode())
    os.close(writer)
    boot = f"import _board;_board.boot({reader});del _board"
    code = run_main(["micropython", "-i", "-X", f"heapsize={config['heap']}", "-c", boot])
    libc.fflush(None)
    return int(code or 0)


if __name__ == "__main__":
    # No interpreter shutdown: the engine's state is of no more use.
    os._exit(main() & 0xFF)
