"""`romfs backup`: what a partition holds, into a file."""

from __future__ import annotations

import argparse

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the file to write")
    parser.add_argument(
        "--whole", action="store_true", help="the whole partition, not just the image in it"
    )
    add_port_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read, check, write."""
    from pathlib import Path

    from flash.contents import look
    from flash.plan import Verify
    from romfs.cli._device import connected
    from romfs.cli._progress import Progress
    from romfs.errors import FlashError
    from romfs.output import atomic_write
    from romfs.sizes import show_size

    with connected(args) as device, Progress("reading") as progress:
        transport = device.open(reading=True)
        try:
            size = device.target.size
            if not args.whole:
                found = look(transport.read, size)
                if found.state != "image":
                    raise FlashError(
                        f"partition {args.partition} holds no image ({found.state}); "
                        "--whole saves it as it is"
                    )
                size = found.size
            content = transport.read(0, size, lambda done: progress.update(done, size))
            # The same bytes again, hashed over there: what was saved is what is there.
            transport.apply([Verify(0, content)])
        finally:
            transport.close()
    atomic_write(Path(args.output), content)
    print(f"{args.output}: {show_size(len(content))}")
    return exit_codes.OK
