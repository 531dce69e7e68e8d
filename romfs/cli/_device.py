"""What the verbs that talk to a device share: ports, and events as text, rows or JSON."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from romfs.sizes import show_size

if TYPE_CHECKING:
    from boards import Board
    from flash.execute import Connected, Options, Tell
    from flash.link import SerialLink


def add_port_arguments(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """--port, --baud, --board, --wait, --partition."""
    where = parser.add_argument_group("device")
    if several:
        where.add_argument(
            "--port",
            action="append",
            default=[],
            metavar="PORT",
            help="serial port, any number of them; `auto` (the default) finds the one board",
        )
        where.add_argument("--all", action="store_true", help="every board that is found, at once")
    else:
        where.add_argument(
            "--port", default="auto", metavar="PORT", help="serial port (default: auto)"
        )
    where.add_argument(
        "--baud", type=int, default=115200, metavar="N", help="default: 115200; USB ignores it"
    )
    where.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="wait so long for the port to appear"
    )
    where.add_argument("--board", help="what is connected, if it does not say so itself")
    where.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")


def the_port(name: str, baud: int) -> str:
    """A port the user named, or the only one with a board behind it."""
    from flash import ports

    return ports.find(baud=baud)[0] if name == "auto" else name


def the_board(name: str | None) -> Board | None:
    """The row a user named."""
    import boards

    return None if name is None else boards.load(name)


def options_of(args: argparse.Namespace, **more: Any) -> Options:
    """`flash.execute.Options` from the common arguments and `more`."""
    from flash.execute import Options

    return Options(partition=args.partition, board=the_board(args.board), **more)


@contextmanager
def open_link(args: argparse.Namespace) -> Iterator[SerialLink]:
    """The link to the one device of a verb."""
    from flash.link import SerialLink

    link = SerialLink(the_port(args.port, args.baud), args.baud, wait=args.wait)
    try:
        yield link
    finally:
        link.close()


@contextmanager
def connected(args: argparse.Namespace, tell: Tell | None = None) -> Iterator[Connected]:
    """The device of a verb at its raw REPL; let go at the end, its application running."""
    from flash import mount
    from flash.execute import Connected, quiet
    from romfs.errors import TransportError

    with open_link(args) as link:
        device = Connected(link, options_of(args), tell or quiet)
        try:
            yield device
        finally:
            # If the link is gone, the failure that told so says more than this one would.
            with suppress(TransportError):
                mount.run_application(device.repl)


class Reporter:
    """Events of one run or several at once, shown as the user wants them.

    Args:
        as_json: One JSON object a line on stdout.
        several: Whether to say which port an event is about.
    """

    def __init__(self, *, as_json: bool = False, several: bool = False) -> None:
        self.as_json = as_json
        self.several = several
        self._lock = threading.Lock()
        self._bars: Any = None
        self._rows: dict[str, Any] = {}

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def listener(self, port: str) -> Callable[[str, dict[str, Any]], None]:
        """What takes the events of one port."""

        def tell(name: str, facts: dict[str, Any]) -> None:
            with self._lock:
                if self.as_json:
                    # The steps of a plan are for --dry-run alone; see `romfs flash`.
                    print(json.dumps({"event": name, "port": port, **facts}), flush=True)
                elif name == "progress":
                    self._bar(port, facts["done"], facts["total"])
                else:
                    self._say(port, name, facts)

        return tell

    def _say(self, port: str, name: str, facts: dict[str, Any]) -> None:
        text = _SENTENCES[name](facts) if name in _SENTENCES else None
        if not text:
            return
        line = f"romfs: {port}: {text}" if self.several else f"romfs: {text}"
        if self._bars is None:
            print(line, file=sys.stderr)
        else:
            self._bars.console.print(line, markup=False, highlight=False)

    def _bar(self, port: str, done: int, total: int) -> None:
        if not sys.stderr.isatty() or not total:
            return
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        if port not in self._rows:
            self._rows[port] = self._bars.add_task(port, total=total)
        self._bars.update(self._rows[port], completed=done, total=total)


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _device(facts: dict[str, Any]) -> str:
    name = facts["machine"] or "a board that does not say what it is"
    return f"{name}, MicroPython {facts['micropython']}"


def _plan(facts: dict[str, Any]) -> str:
    if facts["kind"] == "identical":
        return "the partition holds this image already"
    text = (
        f"{facts['changed']} of {facts['blocks']} blocks to write "
        f"({show_size(facts['payload'])} of {show_size(facts['image_bytes'])}), "
        f"{facts['erased']} to erase"
    )
    return f"{text}; {facts['note']}" if facts["note"] else text


_SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    "device": _device,
    "plan": _plan,
    "warning": lambda facts: f"warning: {facts['message']}",
    "link-lost": lambda facts: f"{facts['error']}; waiting for the device to come back",
    "rewriting": lambda facts: "some blocks do not read back right; writing them again",
    "interrupted": lambda facts: str(facts["message"]),
}
