"""What a virtual board says about itself to programs that ask."""

from __future__ import annotations

import hashlib

from boards import Board, Quirk
from flash.board.drivers import Driver

# sys.platform and os.uname().sysname, where they are not the port's name.
# Source: MicroPython ports/*/mpconfigport.h, MICROPY_PY_SYS_PLATFORM.
_PLATFORM = {"stm32": "pyboard", "nrf": "nrf52", "unix": "linux"}

VERSION = (1, 29, 0, "preview")


def machine_name(board: Board) -> str:
    """`sys.implementation._machine`: "NAME with MCU"."""
    name = board.name or board.board
    mcu = board.mcu_name or board.mcu
    return f"{name} with {mcu}" if mcu else name


def identity(board: Board, driver: Driver, *, mount: str | None) -> dict[str, object]:
    """Settings for the stand-in modules; see firmware/_board.py.

    Args:
        board: The row.
        driver: Answers rom_ioctl.
        mount: Where the directory that is the user's filesystem goes; None: there is none.
    """
    platform = _PLATFORM.get(board.port, board.port)
    machine = machine_name(board)
    segments = []
    for part in board.partitions:
        kind = part.segment.rpartition(".")[2]
        details = None
        if kind == "Partition":
            details = (1, 2, part.address, part.size, "romfs", False)
        segments.append((kind, part.block_size or 0, details))
    boot = board.boot
    path = [
        entry for entry in boot.sys_path or () if entry not in ("", ".frozen", "/rom", "/rom/lib")
    ]
    starts_in_rom = Quirk.BOOTS_FROM_ROMFS in board.quirks
    return {
        "segments": segments,
        "rom_ioctl": driver.has_rom_ioctl,
        "automount": driver.has_rom_ioctl and boot.mounted_segment is not None,
        "mount": mount,
        "cwd": "/rom" if starts_in_rom else mount or "/",
        "path": path,
        "platform": platform,
        "implementation": [
            ("name", "micropython"),
            ("version", VERSION),
            ("_machine", machine),
            ("_mpy", board.mpy.mpy_value()),
            ("_build", board.board if board.variant is None else f"{board.board}-{board.variant}"),
            ("_thread", "unsafe"),
        ],
        "uname": (platform, platform, "1.29.0-preview", "v1.29.0-preview on 2026-07-05", machine),
        "unique_id": hashlib.sha256(board.id.encode()).digest()[:8],
    }
