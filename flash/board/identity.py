"""What a virtual board says about itself to programs that ask."""

from __future__ import annotations

import hashlib
from pathlib import Path

from boards import Board, Quirk
from flash.board.assembly import Assembly

# sys.platform and os.uname().sysname, where they are not the port's name.
# Source: MicroPython ports/*/mpconfigport.h, MICROPY_PY_SYS_PLATFORM.
_PLATFORM = {"stm32": "pyboard", "nrf": "nrf52", "unix": "linux"}

VERSION = (1, 29, 0, "preview")


def machine_name(board: Board) -> str:
    """`sys.implementation._machine`: "NAME with MCU"."""
    name = board.name or board.board
    mcu = board.mcu_name or board.mcu
    return f"{name} with {mcu}" if mcu else name


def identity(assembly: Assembly, filesystem: Path) -> dict[str, object]:
    """Settings for the stand-in modules; see firmware/_board.py.

    Args:
        assembly: The board and its flash.
        filesystem: Directory that is the user's filesystem, if it is not in the flash.
    """
    board, driver, disk = assembly.board, assembly.driver, assembly.disk
    mount = board.boot.filesystem_mount
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
        "filesystem": None if mount is None else str(filesystem),
        "disk": 0 if disk is None else disk.block,
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
