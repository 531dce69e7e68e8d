"""`romfs flash --method`: through a bootloader or a probe instead of the running firmware."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._device import Reporter
from romfs.cli._target import make_target, size_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from boards import Board
    from flash.bootloader import Outcome
    from flash.routes import Wanted

    Tell = Callable[[str, dict[str, Any]], None]

METHODS = ("serial", "auto", "uf2", "dfu", "esptool", "swd")


def add_route_arguments(parser: argparse.ArgumentParser) -> None:
    """--method and what the routes need."""
    group = parser.add_argument_group("routes without MicroPython running (need --board)")
    group.add_argument(
        "--method",
        choices=METHODS,
        default="serial",
        help="serial: the firmware's REPL (default); auto: what the board's data says; uf2: "
        "--port is the drive; dfu: --port is VID:PID or serial number; esptool: --port is the "
        "serial port; swd: --port is the probe's serial number",
    )
    group.add_argument(
        "--size",
        type=size_argument,
        metavar="BYTES",
        help="partition size, where the board leaves it to a build option",
    )
    group.add_argument("--target", metavar="NAME", help="pyOCD's name for the chip")


def run_route(args: argparse.Namespace) -> int:
    """Flash over a route; the exit codes are those of `romfs flash`."""
    from romfs.errors import ConfigError, RomfsError

    board = _board(args)
    if args.all or len(args.port) > 1:
        raise ConfigError(f"--method {args.method} writes one device at a time")
    named = [port for port in args.port if port != "auto"]
    where = named[0] if named else None
    image = _image(args, board)
    with Reporter(as_json=args.json) as reporter:
        tell = reporter.listener(where or args.method)
        try:
            method, name, outcome = _flash(args, board, where, image, tell)
        except RomfsError as error:
            if args.json:
                tell("error", {"message": str(error), "code": exit_codes.of(error)})
            raise
    if not args.json:
        print(_sentence(method, name, outcome, args))
    return exit_codes.OK


def _board(args: argparse.Namespace) -> Board:
    import boards
    from romfs.errors import ConfigError

    if args.board is None:
        raise ConfigError(f"--method {args.method} needs --board: nobody there says what it is")
    return boards.load(args.board)


def _flash(
    args: argparse.Namespace, board: Board, where: str | None, image: bytes, tell: Tell
) -> tuple[str, str, Outcome]:
    """Route, name of the device and what came of it."""
    from flash import routes
    from flash.bootloader import check_image, deploy
    from romfs.image import Image

    wanted = routes.Wanted(
        board,
        args.partition,
        args.size,
        where,
        args.baud if args.baud != 115200 else None,
        args.target,
        reset=not args.no_reset,
        image=image,
    )
    method, transport, target = _open(args.method, wanted)
    try:
        check_image(Image(image), board, target)
        outcome = deploy(transport, image, target, full=args.full, dry_run=args.dry_run, tell=tell)
        remark = getattr(transport, "remark", "")
        if remark:
            tell("warning", {"message": remark})
    finally:
        transport.close()
    return method, transport.name, outcome


def _open(method: str, wanted: Wanted) -> tuple[str, Any, Any]:
    """The route asked for, or the first of the board's that leads to a device."""
    from flash import routes
    from romfs.errors import BoardError, MissingExtra, NoPort

    if method != "auto":
        return method, *routes.open_route(method, wanted)
    tried: list[str] = []
    for name in routes.methods_of(wanted.board):
        try:
            return name, *routes.open_route(name, wanted)
        except (NoPort, MissingExtra, BoardError) as error:
            tried.append(f"{name}: {error}")
    if not tried:
        raise NoPort(f"{wanted.board.id}: no route without its firmware is known")
    raise NoPort(f"{wanted.board.id} is not reached; " + "; ".join(tried))


def _image(args: argparse.Namespace, board: Board) -> bytes:
    """The image named, or built for the board."""
    from romfs.errors import BuildError
    from romfs.image import Image
    from romfs.records import MAGIC

    place = Path(args.source)
    if not place.exists():
        raise BuildError("no such image or directory", path=args.source)
    if place.is_file():
        content = place.read_bytes()
        if content[: len(MAGIC)] == MAGIC or place.suffix == ".romfs":
            return content[: Image(content).size]
    return _build(place, args, board)


def _build(place: Path, args: argparse.Namespace, board: Board) -> bytes:
    from romfs.cli._device_build import build_for
    from romfs.config import find_config

    args.size = args.size or find_config(place).size
    target = make_target(args.board, size=args.size, partition=args.partition)
    built = build_for(args, place, target)
    for finding in built.findings:
        print(f"romfs: {finding}", file=sys.stderr)
    return built.image


def _sentence(method: str, name: str, outcome: Outcome, args: argparse.Namespace) -> str:
    from romfs.sizes import show_size

    if args.dry_run:
        steps = [
            f"  {type(step).__name__.lower():<7} {step.address:#010x}  {step.length:>8}"
            for step in outcome.plan.steps
        ]
        return "\n".join([f"{name}: {outcome.plan.kind.value}", *steps])
    what = (
        "already there"
        if outcome.plan.changed == 0
        else f"{show_size(outcome.plan.payload)} written"
    )
    if outcome.verified:
        return f"{name}: verified, {what} in {outcome.seconds:.1f} s"
    return (
        f"{name}: {what} in {outcome.seconds:.1f} s; {method} cannot read back, so it is not "
        "verified (`romfs verify` over the serial port does)"
    )
