"""Guest module `select`: poll over host descriptors and guest streams alike."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count, get_int, os_error
from loader.modules.streams import GET_FILENO, POLL, IOBase, Stream, stream_ioctl

if TYPE_CHECKING:
    from loader.vm import VM

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
ENOENT = 2
_STEP = 0.001
"""Seconds between looks at streams that the host cannot wait for."""


class _Entry:
    """A registered object: what to wait for, and its descriptor if it has one."""

    __slots__ = ("fd", "mask", "obj")

    def __init__(self, obj: Any, mask: int) -> None:
        self.obj = obj
        self.mask = mask
        self.fd = _descriptor(obj)

    def ready(self) -> int:
        """Events of an object without descriptor."""
        events = stream_ioctl(self.obj, POLL, self.mask)
        return int(events)


def _descriptor(obj: Any) -> int | None:
    if isinstance(obj, int):
        return int(obj)
    if isinstance(obj, (Stream, IOBase)):
        try:
            return int(stream_ioctl(obj, GET_FILENO))
        except (OSError, ValueError):
            return None
    raise os_error("stream operation not supported")


class Poll:
    """A set of objects to wait for."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._poll = select.poll()
        self._pending: Iterator[tuple[Any, int]] = iter(())

    def _key(self, obj: Any) -> int:
        return obj if isinstance(obj, int) else id(obj)

    def register(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 3)
        obj = args[0]
        mask = get_int(args[1]) if len(args) == 2 else POLLIN | POLLOUT
        entry = self._entries.get(self._key(obj))
        if entry is None:
            entry = self._entries[self._key(obj)] = _Entry(obj, mask)
        else:
            entry.mask = mask
        if entry.fd is not None:
            self._poll.register(entry.fd, entry.mask)

    def unregister(self, *args: Any) -> None:
        check_count(len(args) + 1, 2, 2)
        entry = self._entries.pop(self._key(args[0]), None)
        if entry is not None and entry.fd is not None:
            try:
                self._poll.unregister(entry.fd)
            except KeyError:
                return  # another object of the same descriptor was taken out before

    def modify(self, *args: Any) -> None:
        check_count(len(args) + 1, 3, 3)
        entry = self._entries.get(self._key(args[0]))
        if entry is None:
            raise os_error(ENOENT)
        entry.mask = get_int(args[1])
        if entry.fd is not None:
            self._poll.register(entry.fd, entry.mask)

    def wait(self, timeout: float | None) -> list[tuple[Any, int]]:
        """Ready objects and their events.

        Args:
            timeout: Milliseconds; None waits for ever.
        """
        if not self._entries and timeout is not None:
            if timeout > 0:
                time.sleep(timeout / 1000)
            return []
        end = None if timeout is None else time.monotonic() + timeout / 1000
        others = [entry for entry in self._entries.values() if entry.fd is None]
        by_fd = {entry.fd: entry for entry in self._entries.values() if entry.fd is not None}
        while True:
            ready = [(entry.obj, events) for entry in others if (events := entry.ready())]
            left = None if end is None else max(0.0, end - time.monotonic()) * 1000
            if others and not ready:
                left = _STEP * 1000 if left is None else min(left, _STEP * 1000)
            found = self._poll.poll(0 if ready else left)
            ready += [(by_fd[fd].obj, events) for fd, events in found if fd in by_fd]
            if ready or (end is not None and time.monotonic() >= end):
                return ready

    def _timeout(self, args: tuple[Any, ...]) -> float | None:
        if not args or args[0] is None:
            return None
        duration = get_int(args[0])
        return None if duration < 0 else duration

    def poll(self, *args: Any) -> list[tuple[Any, int]]:
        check_count(len(args) + 1, 1, 3)
        once = len(args) == 2 and get_int(args[1]) & 1
        ready = self.wait(self._timeout(args))
        if once:
            for obj, _ in ready:
                self.modify(obj, 0)
        return ready

    def ipoll(self, *args: Any) -> Poll:
        check_count(len(args) + 1, 1, 3)
        self._pending = iter(self.poll(*args))
        return self

    def __iter__(self) -> Poll:
        return self

    def __next__(self) -> tuple[Any, int]:
        return next(self._pending)

    def _guest_repr_(self) -> str:
        return "<poll>"


Poll.__name__ = Poll.__qualname__ = "poll"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""

    def poll(*args: Any) -> Poll:
        check_count(len(args), 0, 0)
        return Poll()

    return {
        "poll": poll,
        "POLLIN": POLLIN,
        "POLLOUT": POLLOUT,
        "POLLERR": POLLERR,
        "POLLHUP": POLLHUP,
    }
