"""Guest module `_thread` over the host's threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count, function, type_name

if TYPE_CHECKING:
    from loader.vm import VM


class LockType:
    """A lock, not reentrant; any thread may release it."""

    __name__ = "lock"

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def acquire(self, *args: Any) -> bool:
        check_count(len(args) + 1, 1, 3)
        wait = bool(args[0]) if args else True
        return self._lock.acquire(wait)

    def release(self, *args: Any) -> None:
        check_count(len(args) + 1, 1, 1)
        if not self._lock.locked():
            raise RuntimeError
        self._lock.release()

    def locked(self, *args: Any) -> bool:
        check_count(len(args) + 1, 1, 1)
        return self._lock.locked()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _guest_repr_(self) -> str:
        return "<lock>"


LockType.__name__ = LockType.__qualname__ = "lock"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    size = 0

    def start_new_thread(*args: Any) -> int:
        check_count(len(args), 2, 3)
        entry, positional = args[0], args[1]
        named = args[2] if len(args) == 3 else {}
        if not isinstance(positional, (tuple, list)):
            raise TypeError(f"object '{type_name(positional)}' isn't a tuple or list")
        if not isinstance(named, dict):
            raise TypeError("expecting a dict for keyword args")

        def body() -> None:
            try:
                vm.call(entry, *positional, **named)
            except SystemExit:
                pass
            except BaseException as error:  # noqa: BLE001 - what ends a thread is printed
                vm.stderr.write(b"Unhandled exception in thread started by ")
                vm.stderr.write(vm.repr(entry).encode() + b"\n")
                vm.print_exception(error)

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        return thread.ident or 0

    @function(0, 1)
    def stack_size(new: int = 0) -> int:
        nonlocal size
        old, size = size, new
        return old

    def exit_() -> None:
        raise SystemExit

    return {
        "LockType": LockType,
        "allocate_lock": function(0)(LockType),
        "exit": function(0)(exit_),
        "get_ident": function(0)(threading.get_ident),
        "stack_size": stack_size,
        "start_new_thread": start_new_thread,
    }
