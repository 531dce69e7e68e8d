"""`romfs --version --json`: what this installation is made of, for bug reports and CI caches."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from typing import Any

from romfs.cli import exit_codes
from romfs.version import VERSION

SCHEMAS = {
    "build": 1,
    "build-failed": 1,
    "check": 1,
    "ci": 1,
    "convert": 1,
    "diff": 1,
    "disasm": 1,
    "dump": 1,
    "emulate": 1,
    "extract": 1,
    "flash": 1,
    "info": 1,
    "ls": 1,
    "query": 1,
    "ram": 1,
    "version": 1,
}
"""Version of each form of JSON output; docs/json.md describes them."""

_DISTRIBUTION = "micropython-romfs"


def show() -> int:
    """Print it."""
    print(json.dumps(describe(), indent=2))
    return exit_codes.OK


def describe() -> dict[str, Any]:
    """Version, file formats, compiler and extras."""
    from romfs import build_info
    from romfs.mpy import MPY_VERSION
    from romfs.sources.lock import VERSION as LOCK_VERSION

    return {
        "schema": SCHEMAS["version"],
        "romfs": VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "formats": {
            "mpy": MPY_VERSION,
            "build_info": build_info.FORMAT,
            "lock": LOCK_VERSION,
        },
        "schemas": dict(SCHEMAS),
        "compiler": _compiler(),
        "extras": _extras(),
    }


def _compiler() -> str | None:
    """What the mpy-cross that `build` would use says of itself; None where there is none."""
    from romfs.compile import Compiler
    from romfs.errors import RomfsError

    try:
        return Compiler().version
    except RomfsError:
        return None


def _extras() -> dict[str, dict[str, str | None]]:
    """Each extra with the packages it brings and the versions installed."""
    try:
        about = metadata.metadata(_DISTRIBUTION)
        requires = metadata.requires(_DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {}  # run from a source tree
    found: dict[str, dict[str, str | None]] = {
        name: {} for name in about.get_all("Provides-Extra") or []
    }
    for text in requires:
        package, _, marker = text.partition(";")
        for extra, packages in found.items():
            if f'extra == "{extra}"' in marker.replace("'", '"'):
                name = _name(package)
                if name != _DISTRIBUTION:
                    packages[name] = _installed(name)
    return found


def _name(requirement: str) -> str:
    """The distribution's name in `name[extra]>=1.0`."""
    end = next((at for at, char in enumerate(requirement) if char in "[<>=!~ ("), None)
    return requirement[:end].strip()


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
