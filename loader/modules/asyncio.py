"""Guest package `asyncio`, all of it; its sub-modules show parts of the same things.

Source: documentation of MicroPython's asyncio and comparison with MicroPython 1.29; the
order in which tasks run is the device's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules import _asyncio_core, _asyncio_stream, _asyncio_sync

if TYPE_CHECKING:
    from loader.vm import VM

VERSION = (3, 0, 0)

PARTS = {
    "core": "asyncio.core",
    "funcs": "asyncio.funcs",
    "event": "asyncio.event",
    "lock": "asyncio.lock",
    "stream": "asyncio.stream",
}

_INNER = frozenset({"Server", "Stream"})
"""What only the sub-module shows."""


def namespace(vm: VM) -> dict[str, object]:
    """The guest package's dict."""
    from loader.modules import frozen_module

    core = _asyncio_core.names(vm)
    parts = {part: frozen_module(vm, name) for part, name in PARTS.items()}
    if parts["core"] is not None:
        vm.modules.setdefault(PARTS["core"], parts["core"])
    inner: Any = core["__getattr__"]

    def dynamic(name: str) -> Any:
        try:
            return inner(name)
        except AttributeError:
            raise AttributeError(name) from None

    return {
        "__path__": "asyncio",
        "__file__": "asyncio/__init__.py",
        "__version__": VERSION,
        **core,
        "__getattr__": dynamic,
        **_asyncio_sync.functions(vm),
        **_asyncio_sync.primitives(vm),
        **{name: each for name, each in _asyncio_stream.names(vm).items() if name not in _INNER},
        **parts,
    }
