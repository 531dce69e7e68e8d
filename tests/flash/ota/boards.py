"""Virtual boards with a container in their flash: the updater in the real MicroPython."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boards
from flash.board.assembly import settled
from flash.board.virtual import VirtualBoard
from flash.link import SerialLink
from flash.ota import container, offline, package
from flash.ota.keys import Algorithm
from flash.serial_repl import Repl
from tests.flash.ota import fleet

SIZE = 5000
BOOT = """\
import romfs_ota
try:
    where = romfs_ota.mount()
    with open('/app/version') as f:
        print('booted', where, f.read())
except romfs_ota.NoImage as e:
    print('no image:', e)
"""


@cache
def updater() -> dict[str, bytes]:
    return container.updater()


@cache
def block(name: str, size: int | None) -> int:
    return container.common_block(offline.segments(settled(boards.load(name), size)))


@contextmanager
def board(
    name: str,
    folder: Path,
    *,
    size: int | None = None,
    image: int = SIZE,
    url: str | None = None,
    device_key: bytes | None = None,
    **options: Any,
) -> Iterator[VirtualBoard]:
    """A board that has booted release 1."""
    row = settled(boards.load(name), size)
    segments = offline.segments(row)
    app = fleet.app(1, image)
    manifest, table, _ = package.compose(
        app, fleet.release(1, container.common_block(segments), size=image)
    )
    settings = replace(fleet.settings(), url=url, device_key=device_key)
    built = container.build(segments, settings, updater(), app=(manifest, table, app))
    (folder / "flash").write_bytes(built.content)
    (folder / "fs").mkdir(exist_ok=True)
    (folder / "fs" / "boot.py").write_text(BOOT)
    with VirtualBoard(
        name, folder / "flash", size=size, filesystem=folder / "fs", **options
    ) as one:
        assert one.wait_prompt(), one.log
        yield one


@contextmanager
def repl(one: VirtualBoard, *, fresh: bool = True) -> Iterator[Repl]:
    """Its raw REPL, after a soft reset."""
    link = SerialLink(one.port, wait=5.0)
    try:
        found = Repl(link)
        found.enter()
        if fresh:
            found.soft_reset()
        yield found
        found.leave()
    finally:
        link.close()


def _boots(one: VirtualBoard) -> list[tuple[str, str]]:
    return re.findall(r"booted (\w \d+)\r?\n|(no image: [^\r\n]*)\r?\n", one.log)


def booted(one: VirtualBoard) -> str:
    """Which slot and release the last boot gave, such as "b 2"."""
    return "".join(_boots(one)[-1])


def after(one: VirtualBoard, action: Callable[[], object]) -> str:
    """Do something that makes the board boot; what boots then."""
    before = len(_boots(one))
    action()
    assert one.wait_for(lambda: len(_boots(one)) > before), one.log
    return booted(one)


def reboot(one: VirtualBoard) -> str:
    """Press reset; what boots then."""
    return after(one, one.reset)


def packed(name: str, number: int, *bases: int, size: int | None = None, **more: Any) -> bytes:
    """A package for a board; SLH-DSA, as devices without Ed25519 need it."""
    unit = block(name, size)
    if not more:
        return fleet.packed(number, unit, bases, not bases, SIZE)
    release = replace(fleet.release(number, unit, bases=bases, full=not bases, size=SIZE), **more)
    return package.pack(fleet.app(number, SIZE), release, [fleet.key(0, Algorithm.SLH_DSA)])
