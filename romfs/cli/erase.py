"""`romfs erase`: leave a partition blank."""

from __future__ import annotations

import argparse

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_port_arguments(parser)
    parser.add_argument(
        "--force", action="store_true", help="erase even where the board speaks against it"
    )


def run(args: argparse.Namespace) -> int:
    """Erase, and read back that it is blank."""
    from flash.checks import check_board
    from flash.plan import plan_erase
    from romfs.cli._device import connected
    from romfs.sizes import show_size

    with connected(args) as device:
        check_board(device.target, device.board, force=args.force)
        transport = device.open()
        try:
            transport.apply(plan_erase(device.target).steps)
        finally:
            transport.close()
        size = device.target.size
    print(f"partition {args.partition}: {show_size(size)} erased")
    return exit_codes.OK
