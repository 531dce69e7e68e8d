"""The guest's standard modules, one a file, made on first import.

Each file offers `namespace(vm)`, the dict of the guest module. This registry says
which names exist and how a name is found: some modules win over any file, a file wins
over the others, and those that are Python on the device are found at `.frozen` in
`sys.path`, as there.
"""

from __future__ import annotations

import functools
import importlib
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loader.vm import VM

FIXED = frozenset("_asyncio _thread cmath deflate framebuf math termios tls uctypes vfs".split())
"""Modules no file can replace; `sys`, `micropython`, `gc`, `builtins` are the core's."""

EXTENSIBLE = frozenset(
    "array binascii collections cryptolib errno hashlib heapq io json machine os platform"
    " random re select socket struct time websocket".split()
)
"""Modules a file of the same name replaces."""

FROZEN = frozenset(
    "argparse asyncio asyncio.core asyncio.event asyncio.funcs asyncio.lock asyncio.stream"
    " requests ssl uasyncio".split()
)
"""Modules that are Python on the device, found at `.frozen`."""

_SOURCES = {
    "asyncio.core": ("_asyncio_core", "names"),
    "asyncio.event": ("_asyncio_sync", "primitives"),
    "asyncio.funcs": ("_asyncio_sync", "functions"),
    "asyncio.lock": ("_asyncio_sync", "primitives"),
    "asyncio.stream": ("_asyncio_stream", "names"),
    "uasyncio": ("asyncio", "namespace"),
}
"""Where a module is made, if not by `namespace` of the file that has its name."""

ALIASES = {f"u{name}": name for name in EXTENSIBLE}
"""Old names of the extensible modules; they bypass files of either name."""

PORT_MODULES = frozenset("network bluetooth esp esp32 rp2 pyb neopixel onewire dht".split())
"""Stand-ins for what boards have and the unix build has not; a file replaces them too."""


def builtin_module(vm: VM, name: str, *, extensible: bool) -> ModuleType | None:
    """The built-in module `name`, or None.

    Args:
        vm: The running program.
        name: A top-level name.
        extensible: False asks before any file is looked for, True after none was found.
    """
    if extensible:
        return _load(vm, name) if name in EXTENSIBLE or name in PORT_MODULES else None
    if name in ALIASES:
        return _load(vm, ALIASES[name])
    return _load(vm, name) if name in FIXED else None


def frozen_module(vm: VM, name: str) -> ModuleType | None:
    """The module `name` (dotted, for a sub-module) that is frozen into the firmware, or None."""
    return _load(vm, name) if name in FROZEN else None


def _load(vm: VM, name: str) -> ModuleType:
    cache: dict[str, ModuleType] = vm.__dict__.setdefault("builtin_modules", {})
    module = cache.get(name)
    if module is None:
        module = cache[name] = ModuleType(name)
        file, make = _SOURCES.get(name, (name, "namespace"))
        source = importlib.import_module(f"loader.modules.{file}")
        values = module.__dict__
        values.clear()
        values["__name__"] = name
        made = getattr(source, make)(vm)
        values.update((key, unbound(value)) for key, value in made.items())
    return module


def unbound(value: object) -> object:
    """A function that does not become a method when a guest class holds it."""
    return functools.partial(value) if type(value) is FunctionType else value
