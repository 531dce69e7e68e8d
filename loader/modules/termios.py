"""Guest module `termios`: the little of it the unix build has."""

from __future__ import annotations

import termios
import tty
from typing import TYPE_CHECKING, Any

from loader.modules.native import function, get_int, os_error

if TYPE_CHECKING:
    from loader.vm import VM

_SPEEDS = "9600 57600 115200 230400 460800 500000 576000 921600 1000000 1152000".split()


@function(1)
def tcgetattr(fd: Any) -> list[Any]:
    try:
        return termios.tcgetattr(get_int(fd))
    except termios.error as error:
        raise os_error(error.args[0]) from None


@function(3)
def tcsetattr(fd: Any, when: Any, attributes: Any) -> None:
    try:
        termios.tcsetattr(get_int(fd), get_int(when), attributes)
    except termios.error as error:
        raise os_error(error.args[0]) from None


@function(1)
def setraw(fd: Any) -> None:
    try:
        tty.setraw(get_int(fd))
    except termios.error as error:
        raise os_error(error.args[0]) from None


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    speeds = {f"B{speed}": getattr(termios, f"B{speed}", 0) for speed in _SPEEDS}
    return {
        **speeds,
        "TCSANOW": termios.TCSANOW,
        "tcgetattr": tcgetattr,
        "tcsetattr": tcsetattr,
        "setraw": setraw,
    }
