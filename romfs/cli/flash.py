"""`romfs flash`: an image, or what a source tree builds, into the device's partition."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._device import Reporter, add_port_arguments, options_of
from romfs.cli._routes import add_route_arguments, run_route
from romfs.cli._sources import add_source_arguments

if TYPE_CHECKING:
    from boards import Board
    from flash.execute import Options, Result, Source
    from flash.probe import DeviceInfo
    from flash.target import Target
    from romfs.errors import RomfsError

_EPILOG = """\
Exit codes: 0 written and verified, 3 no port, 4 no ROMFS on the device,
5 does not fit, 6 incompatible .mpy, 7 the device refused or lost a write,
8 link lost, 9 verification failed.

Interrupted, by Ctrl-C or a power cut, the partition holds the old image, the
new one, or nothing that mounts; running the same command again completes it.
Over UF2 an interrupted copy must be made again before use.
"""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "source",
        metavar="IMAGE|SRC",
        nargs="?",
        default=".",
        help="an image; or a directory, which is built for the connected device (default: .)",
    )
    add_port_arguments(parser, several=True)
    how = parser.add_argument_group("how")
    how.add_argument(
        "-n", "--dry-run", action="store_true", help="show what would be done; write nothing"
    )
    how.add_argument(
        "--full",
        action="store_true",
        help="write every block, changed or not, and lay out a directory anew",
    )
    how.add_argument(
        "--no-reset", action="store_true", help="mount the new image, but start nothing"
    )
    how.add_argument(
        "--force", action="store_true", help="write even where the board speaks against it"
    )
    how.add_argument(
        "--reconnect",
        type=float,
        default=20.0,
        metavar="S",
        help="wait so long for a device that goes away in the middle (default: 20)",
    )
    how.add_argument("--json", action="store_true", help="events, one JSON object a line")
    add_route_arguments(parser)
    add_source_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Flash one device, or several at once."""
    if args.method != "serial":
        return run_route(args)
    named = [port for port in args.port if port != "auto"]
    if args.all or not named:
        from flash import ports
    if args.all:
        named += [p for p in ports.find(several=True, baud=args.baud) if p not in named]
    elif not named:
        named = ports.find(baud=args.baud)
    options = options_of(
        args,
        full=args.full,
        dry_run=args.dry_run,
        reset=not args.no_reset,
        force=args.force,
        away=args.reconnect,
    )
    source = _source(args)
    with Reporter(as_json=args.json, several=len(named) > 1) as reporter:
        if len(named) == 1:
            result = _flash(named[0], args, source, options, reporter)
            _report(named[0], result, args)
            return exit_codes.OK
        return _flash_all(named, args, source, options, reporter)


def _flash(
    port: str, args: argparse.Namespace, source: Source, options: Options, reporter: Reporter
) -> Result:
    from flash.execute import flash
    from flash.link import SerialLink
    from romfs.errors import RomfsError

    tell = reporter.listener(port)
    try:
        link = SerialLink(port, args.baud, wait=args.wait)
        try:
            return flash(link, source, options, tell)
        finally:
            link.close()
    except RomfsError as error:
        if args.json:
            tell("error", {"message": str(error), "code": exit_codes.of(error)})
        raise


def _flash_all(
    names: list[str],
    args: argparse.Namespace,
    source: Source,
    options: Options,
    reporter: Reporter,
) -> int:
    """One thread for each device; a failure of one stops no other."""
    from romfs.errors import RomfsError

    results: dict[str, Result | RomfsError] = {}

    def work(port: str) -> None:
        try:
            results[port] = _flash(port, args, source, options, reporter)
        except RomfsError as error:
            results[port] = error

    threads = [threading.Thread(target=work, args=(port,), daemon=True) for port in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # with a limit, so that Ctrl-C gets through
    code = exit_codes.OK
    for port in names:
        outcome = results[port]
        if isinstance(outcome, RomfsError):
            print(f"romfs: error: {port}: {outcome}", file=sys.stderr)
            code = code or exit_codes.of(outcome)
        else:
            _report(port, outcome, args)
    return code


def _report(port: str, result: Result, args: argparse.Namespace) -> None:
    from romfs.sizes import show_size

    if args.json:
        return
    if args.dry_run:
        print(f"{port}: {result.plan.kind.value}")
        for step in result.plan.steps:
            name = type(step).__name__.lower()
            print(f"  {name:<7} {step.address:#010x}  {step.length:>8}")
        return
    written = show_size(result.plan.payload)
    what = "already there" if result.plan.changed == 0 else f"{written} written"
    print(
        f"{port}: verified, {what} in {result.seconds:.1f} s "
        f"({show_size(result.sent)} over the link)"
    )


def _source(args: argparse.Namespace) -> Source:
    """What gives the image for a device."""
    place = Path(args.source)
    if place.is_file() and not _is_fat(place):
        from romfs.cli._checking import require_for_device

        content = place.read_bytes()
        for finding in require_for_device(content):  # before anything is connected
            print(f"romfs: {finding}", file=sys.stderr)

        def from_file(info: DeviceInfo, target: Target, board: Board | None) -> bytes:
            return content

        return from_file
    if not place.exists():
        from romfs.errors import BuildError

        raise BuildError("no such image or directory", path=args.source)
    lock = threading.Lock()
    built: dict[tuple[Any, ...], bytes] = {}

    def from_tree(info: DeviceInfo, target: Target, board: Board | None) -> bytes:
        key = (info.mpy, target.size, target.erase, None if board is None else board.id)
        with lock:
            if key not in built:
                built[key] = _build(args, place, info, target, board)
            return built[key]

    return from_tree


def _is_fat(place: Path) -> bool:
    """A FAT boot sector, not an image: both may have any file name."""
    with place.open("rb") as file:
        head = file.read(512)
    return head[510:512] == b"\x55\xaa" and head[:3] != b"\xd2\xcd\x31"


def _build(
    args: argparse.Namespace, place: Path, info: DeviceInfo, target: Target, board: Board | None
) -> bytes:
    """Build a tree for the device that is connected.

    With --full everything is laid out anew; else unchanged data stays where it is.
    """
    from romfs.build import BuildFailed
    from romfs.cli import _last_image
    from romfs.cli._device_build import build_for, target_of
    from romfs.findings import Finding

    name = board.id if board is not None else info.machine
    kept = _last_image.place(str(place.resolve()), name, target.index, target.size)
    previous = None if args.full else _last_image.load(kept)
    try:
        built = build_for(args, place, target_of(info, target, board), previous)
    except BuildFailed as failure:
        for problem in failure.problems:
            prefix = "" if isinstance(problem, Finding) else "error: "
            print(f"romfs: {prefix}{problem}", file=sys.stderr)
        raise
    for finding in built.findings:
        print(f"romfs: {finding}", file=sys.stderr)
    _last_image.store(kept, built.image)
    return built.image
