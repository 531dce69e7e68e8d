"""After writing: does the device itself mount the image, and how to leave it."""

from __future__ import annotations

from flash.serial_repl import CTRL_B, CTRL_D, DeviceError, Repl
from romfs.errors import TransportError, VerifyError

# Over a segment asked for anew, not over the one a mount may hold.
_MOUNTED = """
import os,vfs
m=vfs.VfsRom(vfs.rom_ioctl(2,{index}))
print(m.statvfs('/')[2],len(list(m.ilistdir('/'))))
"""
_TRIES = 3
_REMOUNT = """
import vfs
try:vfs.umount('/rom')
except OSError:0
vfs.mount(vfs.VfsRom(vfs.rom_ioctl(2,0)),'/rom')
"""


def check(repl: Repl, index: int, payload: int, entries: int) -> None:
    """Have the device mount the image.

    Args:
        index: Segment id.
        payload: Bytes of the image's root record, which statvfs reports.
        entries: Names in its root directory.
    Raises:
        VerifyError: It does not, or sees something else.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            answer = repl.run(_MOUNTED.format(index=index)).decode("utf-8", "replace")
            if answer.split() == [str(payload), str(entries)]:
                return
            problem = (
                f"the device sees {answer.strip()[:40]!r} (bytes, entries), the image has "
                f"{payload} and {entries}"
            )
        except DeviceError as error:
            problem = f"the device does not mount the image: {error}"
        if attempt < _TRIES:
            repl.recover()  # a bad link is the likelier cause: ask again
    raise VerifyError(problem)


def remount(repl: Repl) -> None:
    """Mount segment 0 at /rom without a reset."""
    repl.run(_REMOUNT)


def run_application(repl: Repl) -> None:
    """Reset as a user would: boot.py and main.py run. Does not wait for them."""
    repl.link.write(CTRL_B + CTRL_D)


def hard_reset(repl: Repl, away: float = 20.0) -> None:
    """Reset the chip; returns when its port is there again.

    Raises:
        TransportError: It did not come back within `away` seconds.
    """
    try:
        repl.start("import machine\nmachine.reset()")
        repl.quieten(0.3, 1.0)
        repl.link.read(0)
    except TransportError:
        repl.link.reopen(away)  # USB goes with the reset
