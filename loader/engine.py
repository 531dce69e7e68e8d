"""Engines: what can run a module of an image, and what comes of it.

A `Request` says what to run and in what surroundings; every engine answers with a
`Result`. `interp` and `auto` run in this process, `micropython` is the real thing.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import io
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from loader.target import UNIX, Target

RECURSION_LIMIT = 1200
"""Host frames a guest may use; about half as many guest calls, twice those of a device."""

STACK_BYTES = 256 << 20
FAILED, TIMED_OUT = 1, 124


@dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
        image: The image, mounted at `/rom`; None for none.
        module: Module to run as `python -m` would.
        file: Path of a compiled module inside the mounted image to run instead.
        code: Source text to run instead.
        argv: `sys.argv`.
        paths: Host directories searched for modules before the image.
        target: The device to be.
        board: Row of the board, for hardware stand-ins.
        stdin: Input; None for this process's own.
        timeout: Seconds until the run is stopped; None for no limit.
        memory: Bytes of heap, or None.
    """

    image: Path | None = None
    module: str | None = None
    file: str | None = None
    code: str | None = None
    argv: tuple[str, ...] = ("",)
    paths: tuple[str, ...] = ()
    target: Target = UNIX
    board: Any = None
    stdin: bytes | None = None
    timeout: float | None = None
    memory: int | None = None

    def sys_path(self) -> list[str]:
        """`sys.path` of the run: the host's directories, then as firmware has it.

        The current directory is the host's, which no device has, and is not searched.
        """
        rom = ["/rom", "/rom/lib"] if self.image is not None else []
        return [*self.paths, ".frozen", *rom]


@dataclass(frozen=True)
class Result:
    """What a run left.

    Attributes:
        stdout: What it printed.
        stderr: What it printed there, the final traceback included.
        status: Exit status, as of the `micropython` command; 124 for a timeout.
    """

    stdout: bytes
    stderr: bytes
    status: int


class Engine(Protocol):
    """Something that runs requests."""

    def __call__(self, request: Request) -> Result:
        """Run to the end and collect the output."""


@dataclass
class Streams:
    """Where a run's output goes."""

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO


@dataclass
class Hooks:
    """What observes a run: `Observer` objects, made for the VM before it starts."""

    attach: list[Callable[[Any], None]] = field(default_factory=list)
    observer: Callable[..., None] | None = None


def run_interp(request: Request) -> Result:
    """Run in tier 1 and collect the output."""
    out, err = io.BytesIO(), io.BytesIO()
    source = io.BytesIO(request.stdin or b"")
    status, _ = execute(request, Streams(source, out, err))
    return Result(out.getvalue(), err.getvalue(), status)


def execute(
    request: Request, streams: Streams, hooks: Hooks | None = None, *, tier: str = "interp"
) -> tuple[int, Any]:
    """Run in this process, on a thread with room for deep recursion.

    Args:
        request: What to run.
        streams: Where its output goes.
        hooks: What observes it; that forces tier 1.
        tier: "interp", "translate" or "auto".

    Returns:
        The exit status, and the VM for inspection.

    Raises:
        RomfsError: The image or a module in it is malformed.
    """
    outcome: list[Any] = []

    def body() -> None:
        try:
            outcome.append(_execute(request, streams, hooks or Hooks(), tier))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            outcome.append(error)

    saved = sys.getrecursionlimit()
    threading.stack_size(STACK_BYTES)
    try:
        worker = threading.Thread(target=body, daemon=True)
        sys.setrecursionlimit(max(RECURSION_LIMIT, 1000))
        worker.start()
        worker.join(request.timeout)
    finally:
        threading.stack_size(0)
        sys.setrecursionlimit(saved)
    if worker.is_alive():
        _stop(worker)
        streams.stdout.flush()
        return TIMED_OUT, None
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    status: int
    status, vm = result
    return status, vm


def _stop(worker: threading.Thread) -> None:
    """Raise `Limit` in a guest's thread, where no guest handler sees it."""
    from loader.vm import Limit

    assert worker.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(worker.ident), ctypes.py_object(Limit)
    )
    worker.join(_GRACE)


_GRACE = 2.0
"""Seconds a guest's thread gets to end; one blocked in a system call will not."""


def _execute(request: Request, streams: Streams, hooks: Hooks, tier: str) -> tuple[int, Any]:
    from loader.mapping import Mapping
    from loader.modules._rom_fs import VfsRom
    from loader.vm import VM

    vm = VM(
        target=request.target,
        board=request.board,
        argv=list(request.argv),
        stdin=streams.stdin,
        stdout=streams.stdout,
        stderr=streams.stderr,
        observer=hooks.observer,
    )
    vm.path[:] = request.sys_path()
    if request.image is not None:
        mapping = Mapping(request.image)
        vm.mappings.append(mapping)
        vm.vfs.mount(VfsRom(mapping.image.data), "/rom")
    for attach in hooks.attach:
        attach(vm)
    if tier != "interp" and hooks.observer is None:
        attach_tier(vm, tier)
    return vm.run_program(lambda: _start(vm, request)), vm


def attach_tier(vm: Any, tier: str) -> None:
    """Let the translator join a run, where it is installed."""
    if importlib.util.find_spec("loader.tiering") is not None:
        importlib.import_module("loader.tiering").attach(vm, tier)


def _start(vm: Any, request: Request) -> None:
    """Start what the request names."""
    from loader import importer

    if request.module is not None:
        importer.run_as_main(vm, request.module)
    elif request.file is not None:
        vm.path.insert(0, request.file.rpartition("/")[0])
        vm.main.__dict__["__file__"] = request.file
        importer.execute_file(vm, vm.main, request.file)
    else:
        namespace = vm.main.__dict__
        code = importer.load_source(vm, request.code or "", "<string>", namespace)
        vm.execute(code, namespace, namespace)
