"""Modules that firmware brings along, as far as they are the same wherever they exist.

What a build leaves out differs from board to board; so a name here says that an import of
it may well succeed without a file, and no more.

Source: MicroPython's MP_REGISTER_MODULE and MP_REGISTER_EXTENSIBLE_MODULE lines in py/,
extmod/ and ports/, and the manifests of the ports; the unix ones were tried.
"""

from __future__ import annotations

from romfs.target import FIXED_MODULES

EXTENSIBLE_MODULES = frozenset(
    """
    array asyncio binascii bluetooth collections cryptolib errno hashlib heapq io json lwip machine
    network openamp os platform random re select socket ssl struct sys time weakref websocket
    """.split()
)
"""Built-in modules that a file of the same name replaces."""

USUALLY_FROZEN = frozenset(
    """
    argparse asyncio dht ds18x20 mip neopixel ntptime onewire requests ssl uasyncio upysh urequests
    webrepl webrepl_setup
    """.split()
)
"""What upstream's manifests freeze into most network-capable or common builds."""

_SPECIFIC = {
    "alif": "alif",
    "esp32": "esp esp32 espnow aioespnow flashbdev inisetup apa102 apa106",
    "esp8266": "esp espnow aioespnow flashbdev inisetup apa102",
    "mimxrt": "mimxrt",
    "nrf": "nrf ubluepy ble board examples",
    "qemu": "",
    "renesas-ra": "renesas",
    "rp2": "rp2",
    "samd": "samd",
    "stm32": "pyb stm lcd160cr lcd160cr_test",
    "unix": "ffi termios",
    "zephyr": "zephyr zsensor",
}
PORT_MODULES = {port: frozenset(names.split()) for port, names in _SPECIFIC.items()}
"""Modules that exist on one port only."""

_ANY_PORT = frozenset().union(*PORT_MODULES.values())


def is_known(name: str, port: str | None) -> bool:
    """Whether firmware of this port, or of any if None, may have a top-level module."""
    if name in (_ANY_PORT if port is None else PORT_MODULES.get(port, frozenset())):
        return True
    if name in _ANY_PORT:
        return False
    plain = name[1:] if name.startswith("u") and name[1:] in EXTENSIBLE_MODULES else name
    return plain in EXTENSIBLE_MODULES or name in FIXED_MODULES or name in USUALLY_FROZEN
