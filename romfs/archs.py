"""Native architectures of .mpy files. All layers may import this module."""

from __future__ import annotations

ARCHS = (
    "none",
    "x86",
    "x64",
    "armv6",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv7emsp",
    "armv7emdp",
    "xtensa",
    "xtensawin",
    "rv32imc",
    "rv64imc",
    "debug",
)
"""Names as `mpy-cross -march` takes them; the index is the number in a file's header.

Source: MicroPython py/persistentcode.h, MP_NATIVE_ARCH_*.
"""
