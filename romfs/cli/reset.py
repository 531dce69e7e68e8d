"""`romfs reset`: restart the connected device."""

from __future__ import annotations

import argparse

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_port_arguments(parser)
    parser.add_argument(
        "--soft", action="store_true", help="restart only the interpreter, not the chip"
    )


def run(args: argparse.Namespace) -> int:
    """Reset, and wait for the port to be there again."""
    from flash import mount
    from flash.serial_repl import Repl
    from romfs.cli._device import open_link

    with open_link(args) as link:
        repl = Repl(link)
        repl.enter()
        if args.soft:
            mount.run_application(repl)
        else:
            mount.hard_reset(repl)
    return exit_codes.OK
