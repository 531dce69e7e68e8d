"""Guest module `platform`."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from loader.modules.native import function

if TYPE_CHECKING:
    from loader.vm import VM

VERSION = "1.29.0-preview"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict: the host's facts in MicroPython's form."""
    library, version = platform.libc_ver()
    text = f"{platform.system()}-{VERSION}-{platform.machine()}--with-{library}{version}"
    return {
        "platform": function(0)(lambda: text),
        "python_compiler": function(0)(platform.python_compiler),
        "libc_ver": function(0)(lambda: (library, version)),
    }
