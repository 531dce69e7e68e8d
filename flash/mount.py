"""After writing: does the device itself mount the image, and how to leave it."""

from __future__ import annotations

from flash.serial_repl import CTRL_B, CTRL_D, DeviceError, Repl
from romfs.errors import TransportError, VerifyError

# The file system is built from a segment asked for anew, not from one a mount may hold.
_MOUNTED = """
import os,vfs
m=vfs.VfsRom(vfs.rom_ioctl(2,{index}))
try:a=os.statvfs('/rom')[2]
except OSError:a=-1
print(m.statvfs('/')[2],len(list(m.ilistdir('/'))),a)
"""
_REMOUNT = """
import vfs
try:vfs.umount('/rom')
except OSError:pass
vfs.mount(vfs.VfsRom(vfs.rom_ioctl(2,0)),'/rom')
"""


def check(repl: Repl, index: int, payload: int, entries: int, *, at_boot: bool) -> None:
    """Have the device mount the image.

    Args:
        index: Segment id.
        payload: Bytes of the image's root record, which statvfs reports.
        entries: Names in its root directory.
        at_boot: Whether /rom must be mounted now: segment 0, after a reset.
    Raises:
        VerifyError: It does not, or mounts something else.
    """
    try:
        answer = repl.run(_MOUNTED.format(index=index)).decode()
    except DeviceError as error:
        raise VerifyError(f"the device does not mount the image: {error}") from error
    try:
        found, count, mounted = (int(word) for word in answer.split())
    except ValueError as error:
        raise TransportError(f"{repl.link.name}: strange answer {answer[:60]!r}") from error
    if (found, count) != (payload, entries):
        raise VerifyError(
            f"the device sees {count} entries in {found} bytes, the image has {entries} in "
            f"{payload}"
        )
    if at_boot and mounted not in (-1, payload):
        raise VerifyError(f"/rom shows an image of {mounted} bytes, not the new one of {payload}")


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
