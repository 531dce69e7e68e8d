"""`romfs emulate`: a board without hardware, to try tools on."""

from __future__ import annotations

import argparse
from pathlib import Path

from romfs.sizes import parse_size

_EPILOG = """\
faults (--fault, any number of them):
{help}

Flash operations are erases of one unit and programs of one page, counted from
1. After a power cut FILE holds exactly what the chip would; --off says when
power returns.

  romfs emulate --board RPI_PICO --link /tmp/pico &
  mpremote connect /tmp/pico romfs deploy app/
"""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from flash.board.faults import HELP

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG.format(help=HELP.replace("%", "%%"))
    parser.add_argument("--board", required=True, metavar="NAME", help="see `romfs boards`")
    parser.add_argument(
        "--flash", type=Path, metavar="FILE", help="content of the partition; made if missing"
    )
    parser.add_argument(
        "--size", type=parse_size, metavar="N", help="partition size, where the builder chooses"
    )
    files = parser.add_mutually_exclusive_group()
    files.add_argument(
        "--fs", type=Path, metavar="DIR", help="the read/write file system: boot.py, main.py ..."
    )
    files.add_argument(
        "--disk", type=Path, metavar="FILE", help="instead, a littlefs in the board's flash"
    )
    parser.add_argument("--link", type=Path, metavar="PATH", help="also link the port to PATH")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--baud", type=int, metavar="N", help="a UART of that speed")
    speed.add_argument(
        "--rate", type=parse_size, metavar="N", help="USB moving N bytes/s (default 1000000)"
    )
    parser.add_argument(
        "--overrun", type=parse_size, metavar="N", help="a UART that holds N bytes and loses more"
    )
    parser.add_argument(
        "--timing", action="store_true", help="erase and program take their time as in the chip"
    )
    parser.add_argument(
        "--heap", type=parse_size, metavar="N", help="heap left to programs (default: plenty)"
    )
    parser.add_argument(
        "--hide", action="append", default=[], metavar="MODULE", help="firmware without MODULE"
    )
    parser.add_argument(
        "--no-romfs", action="store_true", help="firmware built without a ROMFS partition"
    )
    parser.add_argument("--fault", action="append", default=[], metavar="FAULT", help="see below")
    parser.add_argument(
        "--off", type=float, default=1.0, metavar="S", help="seconds without power after a cut"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="chance of all faults")
    parser.add_argument("--json", action="store_true", help="describe the board as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the board until it is interrupted."""
    import json
    import os
    import sys

    from flash.board.virtual import VirtualBoard
    from flash.board.wire import USB_RATE
    from romfs.cli import exit_codes

    board = VirtualBoard(
        args.board,
        args.flash,
        baud=args.baud,
        rate=args.rate or USB_RATE,
        size=args.size,
        filesystem=args.fs,
        disk=args.disk,
        faults=args.fault,
        heap_free=args.heap,
        hide=args.hide,
        timing=args.timing,
        overrun=args.overrun,
        power_on_after=args.off,
        romfs=not args.no_romfs,
        seed=args.seed,
    )
    link: Path | None = None
    try:
        board.start()
        if args.link is not None:
            args.link.symlink_to(board.port)
            link = args.link
        if args.json:
            text = json.dumps(
                {
                    "port": os.fspath(link or board.port),
                    "board": board.board.id,
                    "partitions": [
                        {"index": p.index, "size": p.size, "segment": p.segment}
                        for p in board.board.partitions
                    ],
                    "filesystem": str(board.filesystem),
                    "pid": os.getpid(),
                }
            )
        else:
            text = os.fspath(link or board.port)
        print(text, flush=True)
        print(f"romfs: {board.board.id} is running; Ctrl-C ends it", file=sys.stderr)
        board.wait_failed()
    except KeyboardInterrupt:
        return exit_codes.OK
    finally:
        if link is not None:
            link.unlink(missing_ok=True)
        board.close()
    assert board.failure is not None
    raise board.failure
