"""Guest module `os`: files through the mount table, the host's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from loader.modules import vfs
from loader.modules.collections import make_named_tuple
from loader.modules.native import check_count, function, get_int, get_str, os_error, utf8
from loader.modules.platform import VERSION

if TYPE_CHECKING:
    from loader.vm import VM


@function(1)
def urandom(count: Any) -> bytes:
    size = get_int(count)
    if size < 0:
        raise ValueError
    return os.urandom(size)


@function(1, 2)
def getenv(name: Any, default: Any = None) -> Any:
    value = os.environb.get(utf8(get_str(name)))
    return default if value is None else value.decode("utf-8", "surrogateescape")


@function(2)
def putenv(name: Any, value: Any) -> None:
    os.environb[utf8(get_str(name))] = utf8(get_str(value))


@function(1)
def unsetenv(name: Any) -> None:
    os.environb.pop(utf8(get_str(name)), None)


class _Errno:
    """`os.errno()`: the C library's error number, which the guest may set."""

    def __init__(self) -> None:
        self.value = 0

    def __call__(self, *args: Any) -> int | None:
        check_count(len(args), 0, 1)
        if args:
            self.value = get_int(args[0])
            return None
        return self.value


def _uname(vm: VM) -> Any:
    """What boards say of themselves; the unix build has no `uname`."""
    names = ["sysname", "nodename", "release", "version", "machine"]
    platform = vm.target.platform
    version = f"v{VERSION} on 2026-01-01"
    return make_named_tuple(vm, "", names)(platform, platform, VERSION, version, vm.target.machine)


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict, over the mount table of `vm`."""

    @function(0, 1)
    def ilistdir(path: Any = "") -> Iterator[tuple[Any, ...]]:
        return vm.vfs.listdir(path)

    @function(0, 1)
    def listdir(path: Any = "") -> list[Any]:
        return [entry[0] for entry in vm.vfs.listdir(path)]

    @function(1)
    def system(command: Any) -> int:
        vm.stdout.flush()
        status = os.system(utf8(get_str(command)))
        if status < 0:
            raise os_error(5)
        return status

    table = vm.vfs
    errno_cell = _Errno()

    def errno(*args: Any) -> int | None:
        return errno_cell(*args)

    functions: dict[str, object] = {
        "chdir": function(1)(lambda path: table.chdir(path)),
        "getcwd": function(0)(lambda: table.getcwd()),
        "mkdir": function(1)(lambda path: table.mkdir(path)),
        "remove": function(1)(lambda path: table.remove(path)),
        "rename": function(2)(lambda old, new: table.rename(old, new)),
        "rmdir": function(1)(lambda path: table.rmdir(path)),
        "stat": function(1)(lambda path: table.stat(path)),
        "statvfs": function(1)(lambda path: table.statvfs(path)),
    }
    if vm.board is not None:
        functions["uname"] = function(0)(lambda: _uname(vm))
        functions["sync"] = function(0)(lambda: None)
        functions["dupterm"] = function(1, 2)(lambda stream, index=0: None)
    mounting = vfs.namespace(vm)
    return {
        "sep": "/",
        "errno": errno,
        "getenv": getenv,
        "ilistdir": ilistdir,
        "listdir": listdir,
        "putenv": putenv,
        "system": system,
        "unlink": functions["remove"],
        "unsetenv": unsetenv,
        "urandom": urandom,
        **functions,
        **{name: mounting[name] for name in mounting if name != "VfsRom"},
    }
