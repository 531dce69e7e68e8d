"""The parts of `romfs watch`: what tells of changes, and the two places where code runs."""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._device_build import build_for, target_of
from romfs.errors import MissingExtra
from romfs.image import Image
from romfs.target import Target as BuildTarget

if TYPE_CHECKING:
    from boards import Board
    from flash.execute import Result
    from flash.probe import DeviceInfo
    from flash.target import Target

_STEP = 40  # ms of silence after which a burst of changes is over
_LONGEST = 400  # ms a burst may last


class Changes:
    """Paths that change below a source, gathered by a thread.

    Raises:
        MissingExtra: The package that watches is not installed.
    """

    def __init__(self, place: Path) -> None:
        try:
            import watchfiles
        except ImportError:
            raise MissingExtra("romfs watch", extra="watch") from None
        self._watch = watchfiles
        self._root = place if place.is_dir() else place.parent
        self._places = [self._root, *_configuration(place)]
        self._lock = threading.Lock()
        self._seen: list[str] = []
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        class Filter(self._watch.DefaultFilter):  # type: ignore[name-defined, misc]
            """Without what builds themselves write."""

            def __call__(self, change: Any, path: str) -> bool:
                return not path.endswith((".romfs", ".tmp")) and super().__call__(change, path)

        try:
            for found in self._watch.watch(
                *self._places,
                watch_filter=Filter(),
                debounce=_LONGEST,
                step=_STEP,
                stop_event=self._stop,
                rust_timeout=500,
                raise_interrupt=False,
            ):
                # An editor's temporary file comes and goes within one burst.
                gone = {p for c, p in found if c == self._watch.Change.added and not _exists(p)}
                names = sorted({self._shown(path) for _, path in found if path not in gone})
                with self._lock:
                    self._seen += [name for name in names if name not in self._seen]
        except Exception as error:  # noqa: BLE001 - raised again by `take`, in the main thread
            self._failure = error

    def _shown(self, path: str) -> str:
        root = os.fspath(self._root.resolve())
        return os.path.relpath(path, root) if path.startswith(root + os.sep) else path

    def take(self) -> list[str] | None:
        """What has changed since the last call; None for nothing.

        Raises:
            OSError: Watching failed: a directory is gone, or the system allows no more.
        """
        if self._failure is not None:
            raise OSError(f"watching failed: {self._failure}") from self._failure
        with self._lock:
            found, self._seen = self._seen, []
        return found or None

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(2)


def _exists(path: str) -> bool:
    return Path(path).exists()


def _configuration(place: Path) -> list[Path]:
    """Configuration and lock file of a source that lie outside it."""
    from romfs.config import find_config
    from romfs.sources.lock import NAME

    path = find_config(place).path
    if path is None or path.parent == place.resolve():
        return []
    return [one for one in (path, path.parent / NAME) if one.exists()]


class Device:
    """Runs on the board behind a serial port."""

    def __init__(self, args: argparse.Namespace, place: Path) -> None:
        from flash.link import SerialLink
        from flash.live import Live
        from romfs.cli._device import Reporter, options_of, the_port

        self.status = exit_codes.OK
        self._args, self._place = args, place
        port = the_port(args.port, args.baud)
        self._link = SerialLink(port, args.baud, wait=args.wait)
        self._listen = Reporter().listener(port)
        # With a program to run, the reset comes before it and not after the flashing.
        options = options_of(args, reset=args.run is None)
        self._live = Live(self._link, options, args.run, self._tell)
        self._target: BuildTarget | None = None
        self._key: tuple[Any, ...] = ()
        self._image: bytes | None = None
        self._kept = Path()

    def _tell(self, name: str, facts: dict[str, Any]) -> None:
        """All of the first time; later what is unusual."""
        if self._image is None or name not in ("device", "plan", "progress"):
            self._listen(name, facts)

    def update(self) -> str:
        """Build, write what differs, start. Returns what it did, in words."""
        from romfs.cli import _last_image

        image = None
        if self._target is not None:
            # Before the device is disturbed: a mistake in the source must not stop it.
            image = self._build(self._target)
            if image == self._image:
                return "the image stays the same"

        def source(info: DeviceInfo, target: Target, board: Board | None) -> bytes:
            nonlocal image
            key = (info.mpy, target.size, target.erase, None if board is None else board.id)
            if image is None or key != self._key:
                self._key, self._target = key, target_of(info, target, board)
                name = board.id if board is not None else info.machine
                root = str(self._place.resolve())
                self._kept = _last_image.place(root, name, target.index, target.size)
                image = self._build(self._target)
            return image

        result = self._live.update(source)
        self._image = image
        return _words(result)

    def _build(self, target: BuildTarget) -> bytes:
        """Build, with what is unchanged left where the last build for the device had it."""
        from romfs.cli import _last_image

        previous = _last_image.load(self._kept) if self._image is None else Image(self._image)
        image = build_for(self._args, self._place, target, previous).image
        _last_image.store(self._kept, image)
        return image

    def output(self, timeout: float) -> tuple[bytes, bool]:
        """What the device printed, and whether the program has ended."""
        return self._live.output(timeout)

    def recover(self) -> None:
        """Wait for a device that went away."""
        self._live.recover()

    def leave(self) -> None:
        """Let go of the port."""
        self._live.leave()
        self._link.close()


def _words(result: Result) -> str:
    plan = result.plan
    if plan.changed == 0:
        return "already there"
    return f"{plan.changed} of {plan.blocks} blocks written"


class Host:
    """Runs on this computer, in place, in a process of its own."""

    def __init__(self, args: argparse.Namespace, place: Path) -> None:
        self.status = exit_codes.OK
        self._args, self._place = args, place
        self._directory = tempfile.TemporaryDirectory(prefix="romfs-watch-")
        self._path = Path(self._directory.name) / "app.romfs"
        self._empty = Path(self._directory.name) / "empty"
        self._empty.mkdir()
        self._image: bytes | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def update(self) -> str:
        """Build and start. Returns what it did, in words."""
        from romfs.cli._target import make_target
        from romfs.output import atomic_write

        previous = None if self._image is None else Image(self._image)
        target = make_target(self._args.board)
        image = build_for(self._args, self._place, target, previous).image
        if image == self._image:
            return "the image stays the same"
        self._end()
        # A new file, not new content: the old one may still be mapped.
        atomic_write(self._path, image)
        self._image = image
        module, _, function = self._args.run.partition(":")
        what = ["-m", module]
        if function:
            what = ["-c", f"import {module}\n{module}.{function}()"]
        board = ["--board", self._args.board] if self._args.board else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "romfs", "run", os.fspath(self._path), *board, *what],
            # Imports look in the working directory first: the sources must not be there.
            cwd=self._empty,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        return "built"

    def output(self, timeout: float) -> tuple[bytes, bool]:
        """What the program printed, and whether it has ended."""
        process = self._process
        if process is None:
            threading.Event().wait(timeout)
            return b"", False
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], timeout)[0]:
            return b"", False
        data = os.read(process.stdout.fileno(), 65536)
        if data:
            return data, False
        self._end()
        return b"", True

    def recover(self) -> None:
        """Nothing can be lost here."""

    def leave(self) -> None:
        """Stop the program."""
        self._end()
        self._directory.cleanup()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdout is not None
        with process.stdout:
            if process.poll() is None and select.select([process.stdout], [], [], 0)[0] == []:
                process.send_signal(signal.SIGTERM)
            try:
                self.status = process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                self.status = process.wait()
