"""The modules that belong to the virtual machine: `sys`, `micropython`, `gc`, `builtins`.

Source: MicroPython py/modsys.c, py/modmicropython.c, py/modgc.c.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.exceptions import format_exception
from loader.modules._posix_fs import standard_stream
from loader.text import repr_

if TYPE_CHECKING:
    from loader.vm import VM

VERSION = (1, 29, 0, "preview")
_BUILD = "9458e3a23f on 2026-07-05"
_HEAP = 2072832


class AttrTuple(tuple[Any, ...]):
    """A tuple whose items have names, as `sys.implementation`."""

    __guest_name__ = "tuple"
    names: tuple[str, ...]

    def __new__(cls, **items: Any) -> AttrTuple:
        made = super().__new__(cls, tuple(items.values()))
        made.names = tuple(items)
        made.__dict__.update(items)
        return made

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"'tuple' object has no attribute '{name}'")

    def _guest_repr_(self) -> str:
        pairs = zip(self.names, self, strict=True)
        return "(" + ", ".join(f"{name}={repr_(value)}" for name, value in pairs) + ")"


def fill(vm: VM, module: types.ModuleType, name: str) -> None:
    """Fill the dict of a core module."""
    makers: dict[str, Callable[[VM], dict[str, Any]]] = {
        "sys": _sys,
        "usys": _sys,
        "micropython": _micropython,
        "gc": _gc,
    }
    if name in makers:
        module.__dict__.update(
            {
                key: types.MethodType(value, vm) if type(value) is types.FunctionType else value
                for key, value in makers[name](vm).items()
            }
        )
        if name == "usys":
            module.__dict__["__name__"] = "sys"


def builtins_module(vm: VM) -> types.ModuleType:
    """The module whose attributes are the built-in names: its dict is `vm.builtins`."""
    return _BuiltinsModule(vm)


class _BuiltinsModule(types.ModuleType):
    """Reads and writes the dict every guest function has as `__builtins__`."""

    __guest_name__ = "module"

    def __init__(self, vm: VM) -> None:
        super().__init__("builtins")
        super().__setattr__("_vm", vm)

    def __getattribute__(self, name: str) -> Any:
        values = super().__getattribute__("_vm").builtins
        if name == "__dict__":
            return values
        try:
            return values[name]
        except KeyError:
            raise AttributeError(f"'module' object has no attribute '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__getattribute__("_vm").builtins[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del super().__getattribute__("_vm").builtins[name]
        except KeyError:
            raise AttributeError(f"'module' object has no attribute '{name}'") from None


# ------------------------------------------------------------------------------------- sys


def _exit(vm: VM, *args: Any) -> None:
    if len(args) > 1:
        raise TypeError(f"function expected at most 1 arguments, got {len(args)}")
    error = SystemExit()
    if args:
        error.args = args
    error.__dict__[".guest"] = True
    raise error


def _print_exception(vm: VM, *args: Any) -> None:
    if not args:
        raise TypeError("function missing 1 required positional arguments")
    text = format_exception(args[0])
    if len(args) > 1:
        vm.write_to(args[1], text)
    else:
        vm.write(text)


def _exc_info(vm: VM) -> tuple[Any, Any, Any]:
    """The exception being handled in the function that asks."""
    exc = vm.handled_exception()
    return (None, None, None) if exc is None else (type(exc), exc, None)


def _atexit(vm: VM, function: Any) -> Any:
    old, vm.atexit = vm.atexit, function
    return old


def _sys(vm: VM) -> dict[str, Any]:
    release = ".".join(str(part) for part in VERSION[:3])
    _ = release
    target = vm.target
    return {
        "argv": vm.argv,
        "atexit": _atexit,
        "byteorder": "little",
        "exc_info": _exc_info,
        "executable": "/usr/bin/micropython",
        "exit": _exit,
        "implementation": AttrTuple(
            name="micropython",
            version=VERSION,
            _machine=target.machine,
            _mpy=target.mpy,
            _build="standard",
            _thread="unsafe",
        ),
        "maxsize": (1 << 8 * target.word - 1) - 1,
        "modules": vm.modules,
        "path": vm.path,
        "platform": target.platform,
        "print_exception": _print_exception,
        "ps1": ">>> ",
        "ps2": "... ",
        "stderr": standard_stream(vm.stderr, 2),
        "stdin": standard_stream(vm.stdin, 0),
        "stdout": standard_stream(vm.stdout, 1),
        "version": f"3.4.0; MicroPython {_BUILD}",
        "version_info": (3, 4, 0),
    }


# ----------------------------------------------------------------------------- micropython


def _const(vm: VM, value: Any) -> Any:
    return value


def _opt_level(vm: VM, *args: Any) -> Any:
    if not args:
        return vm.opt_level
    vm.opt_level = args[0]
    return None


def _mem_info(vm: VM, *args: Any) -> None:
    used = _used()
    vm.write(
        f"mem: total={used}, current={used}, peak={used}\nstack: 1024 out of 80000\n"
        f"GC: total: {_HEAP}, used: {used}, free: {_HEAP - used}\n"
        " No. of 1-blocks: 0, 2-blocks: 0, max blk sz: 0, max free sz: 0\n"
    )


def _qstr_info(vm: VM, *args: Any) -> None:
    total = len(vm.pool.in_image) + len(vm.pool.runtime)
    size = sum(len(window) for window in vm.pool.in_image.values())
    vm.write(
        f"qstr pool: n_pool=1, n_qstr={total}, n_str_data_bytes={size}, n_total_bytes={size}\n"
    )
    if args:
        for text in vm.pool.in_image:
            vm.write(f"Q({text})\n")


def _schedule(vm: VM, *args: Any) -> None:
    if len(args) != 2:
        raise TypeError(f"function takes 2 positional arguments but {len(args)} were given")
    if len(vm.scheduled) >= _SCHEDULE_DEPTH:
        raise RuntimeError("schedule queue full")
    vm.scheduled.append(args)
    if len(vm.scheduled) == 1:
        while vm.scheduled:
            callback, arg = vm.scheduled[0]
            try:
                vm.call(callback, arg)
            finally:
                vm.scheduled.pop(0)


_SCHEDULE_DEPTH = 8


def _heap_lock(vm: VM) -> None:
    vm.heap_locks += 1


def _heap_unlock(vm: VM) -> int:
    vm.heap_locks -= 1
    return vm.heap_locks


def _kbd_intr(vm: VM, char: int) -> None:
    return None


def _stack_use(vm: VM) -> int:
    frame: types.FrameType | None = sys._getframe()
    depth = 0
    while frame is not None:
        depth += 1
        frame = frame.f_back
    return depth * 200


def _memory(vm: VM) -> int:
    return _used()


def _micropython(vm: VM) -> dict[str, Any]:
    from loader.ringio import RingIO

    return {
        "RingIO": RingIO,
        "const": _const,
        "heap_lock": _heap_lock,
        "heap_unlock": _heap_unlock,
        "kbd_intr": _kbd_intr,
        "mem_current": _memory,
        "mem_info": _mem_info,
        "mem_peak": _memory,
        "mem_total": _memory,
        "opt_level": _opt_level,
        "qstr_info": _qstr_info,
        "schedule": _schedule,
        "stack_use": _stack_use,
    }


# -------------------------------------------------------------------------------------- gc


def _used() -> int:
    return min(64 * sum(gc.get_count()) + 20000, _HEAP)


def _collect(vm: VM) -> int:
    return gc.collect(0)


def _mem_alloc(vm: VM) -> int:
    return _used()


def _mem_free(vm: VM) -> int:
    return _HEAP - _used()


def _enable(vm: VM) -> None:
    vm.__dict__["gc_enabled"] = True


def _disable(vm: VM) -> None:
    vm.__dict__["gc_enabled"] = False


def _isenabled(vm: VM) -> bool:
    return bool(vm.__dict__.get("gc_enabled", True))


def _threshold(vm: VM, *args: Any) -> Any:
    if not args:
        return vm.__dict__.get("gc_threshold", -1)
    vm.__dict__["gc_threshold"] = args[0] - args[0] % 32 if args[0] >= 0 else -1
    return None


def _gc(vm: VM) -> dict[str, Any]:
    return {
        "collect": _collect,
        "disable": _disable,
        "enable": _enable,
        "isenabled": _isenabled,
        "mem_alloc": _mem_alloc,
        "mem_free": _mem_free,
        "threshold": _threshold,
    }
