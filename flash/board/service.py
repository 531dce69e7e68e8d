"""Answers what the guest's stand-in modules ask about the flash."""

from __future__ import annotations

from flash.board.assembly import Assembly
from flash.board.drivers import Argument, Refused, Segment
from flash.board.protocol import Call, How, Request


def answer_flash(assembly: Assembly, request: Request) -> tuple[How, int]:
    """Carry out one flash call; a negative segment id means the user filesystem's disk.

    Raises:
        PowerCut: Power failed in it.
        Hang: The device never returns from it.
    """
    try:
        return _answer(assembly, request)
    except Refused as refusal:
        return How.OS_ERROR, refusal.errno
    except TypeError:
        return How.TYPE_ERROR, 0


def _answer(assembly: Assembly, request: Request) -> tuple[How, int]:
    args, driver, disk = request.args, assembly.driver, assembly.disk
    if request.call is Call.ROM_IOCTL:
        words: list[Argument] = list(args[: request.given])
        if request.payload is not None:
            words[request.given - 1] = request.payload
        result = driver.rom_ioctl(words)
        if isinstance(result, Segment):
            return How.SEGMENT, result.index
        return _value(result)
    if request.call is Call.IOCTL:
        if args[0] < 0 and disk is not None:
            return _value(disk.ioctl(args[1], args[2]))
        return _value(driver.ioctl(args[0], args[1], args[2]))
    offset = args[2] if request.given == 3 else None
    data = request.payload or b""
    if args[0] < 0 and disk is not None:
        disk.writeblocks(args[1], data, offset)
        return How.NONE, 0
    return _value(driver.writeblocks(args[0], args[1], data, offset))


def _value(result: int | None) -> tuple[How, int]:
    return (How.NONE, 0) if result is None else (How.VALUE, result)
