"""`romfs watch`: after every edit, the device runs the new code within about a second."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments
from romfs.cli._sources import add_source_arguments

if TYPE_CHECKING:
    from romfs.cli._watching import Changes, Device, Host

_EPILOG = """\
An edit is built incrementally, the erase blocks that differ are written, the
device is reset, and its output is shown until the next edit. A build that
fails is reported and leaves the device as it is. Ctrl-C ends it.

  romfs watch app/                        boot.py and main.py start the code
  romfs watch app/ --run selftest:main    run a function after each update
  romfs watch app/ --host --run selftest  without a device
"""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "source",
        nargs="?",
        default=".",
        metavar="SRC",
        help="directory or manifest.py to build from (default: .)",
    )
    parser.add_argument(
        "--run",
        metavar="MODULE[:FUNCTION]",
        help="after each update import this, and call the function; else the device restarts",
    )
    parser.add_argument(
        "--host", action="store_true", help="run in place on this computer, not on a device"
    )
    parser.add_argument(
        "--once", action="store_true", help="update once, and end when the program ends"
    )
    add_port_arguments(parser)
    add_source_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Update and show output until interrupted."""
    from romfs.cli._watching import Changes, Device, Host
    from romfs.errors import BuildError, ConfigError

    place = Path(args.source)
    if not place.exists():
        raise BuildError("no such directory or manifest", path=args.source)
    if args.host and args.run is None:
        raise ConfigError("--host needs --run MODULE: there is no main.py outside the image")
    if args.once and args.run is None:
        raise ConfigError("--once needs --run MODULE: an application has no end")
    changes = Changes(place)
    target: Device | Host = Host(args, place) if args.host else Device(args, place)
    try:
        return _loop(changes, target, once=args.once)
    except KeyboardInterrupt:
        return exit_codes.OK
    finally:
        changes.stop()
        with suppress(OSError):
            target.leave()


def _loop(changes: Changes, target: Device | Host, *, once: bool) -> int:
    from romfs.errors import FetchError, NoPort, RomfsError, TransportError

    due: list[str] | None = []
    while True:
        if due is not None:
            begun = time.monotonic()
            try:
                did = target.update()
            except NoPort:
                raise
            except RomfsError as error:
                _say_failure(error)
                if once:
                    return exit_codes.of(error)
                if isinstance(error, TransportError) and not isinstance(error, FetchError):
                    target.recover()
            else:
                _say(due, did, time.monotonic() - begun)
        try:
            text, ended = target.output(0.05)
        except TransportError as error:
            if once:
                raise
            print(f"romfs: {error}; waiting for the device", file=sys.stderr)
            target.recover()
            continue
        if text:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        if ended:
            if once:
                return target.status
            print("romfs: the program has ended; waiting for a change", file=sys.stderr)
        due = changes.take()


def _say(changed: list[str], did: str, seconds: float) -> None:
    """One line for an update."""
    names = ", ".join(changed[:2]) + (f" and {len(changed) - 2} more" if len(changed) > 2 else "")
    clock = time.strftime("%H:%M:%S")
    print(f"romfs: {clock} {f'{names}: ' if names else ''}{did}, {seconds:.1f} s", file=sys.stderr)


def _say_failure(error: Exception) -> None:
    from romfs.build import BuildFailed

    for problem in error.problems if isinstance(error, BuildFailed) else ():
        print(f"romfs: {problem}", file=sys.stderr)
    print(f"romfs: error: {error}", file=sys.stderr)
