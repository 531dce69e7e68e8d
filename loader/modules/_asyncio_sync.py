"""What the guest's asyncio offers to wait for several things and to wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules import unbound
from loader.modules._asyncio import TaskQueue
from loader.modules._asyncio_core import (
    CancelledError,
    EventLoop,
    TimeoutError,
    loop_of,
    passed,
)
from loader.modules.native import get_int
from loader.modules.streams import POLL, IOBase

if TYPE_CHECKING:
    from loader.vm import VM


class _Detached:
    """What a gathering task waits on; cancelling it has nothing to take it out of."""

    @staticmethod
    def remove(task: Any) -> None:
        """Nothing to do: no queue holds the task."""


def _gather(loop: EventLoop, awaitables: tuple[Any, ...], keep_exceptions: bool) -> Any:
    """Run several awaitables and collect their results, in order."""
    tasks = [loop.promote(awaitable) for awaitable in awaitables]
    if not tasks:
        return []
    waiter = loop.context.current
    left = 0
    failure: Any = None

    def done(task: Any, error: Any) -> None:
        nonlocal left, failure
        if waiter.data is not _Detached:
            return
        if not keep_exceptions and not isinstance(error, StopIteration):
            failure = error
        else:
            left -= 1
            if left:
                return
        loop.context.queue.push(waiter)

    for task in tasks:
        if task.done():
            if not isinstance(task.data, StopIteration) and not keep_exceptions:
                failure = task.data
        else:
            task.state = done
            left += 1
    cancelled = False
    if left and failure is None:
        waiter.data = _Detached
        try:
            yield
        except CancelledError as error:
            cancelled = True
            failure = error
    results: list[Any] = []
    for task in tasks:
        if task.state is done:
            task.state = True
            if cancelled:
                task.cancel()
            results.append(task)
        elif isinstance(task.data, StopIteration):
            results.append(task.data.value)
        else:
            results.append(task.data)
    if failure is not None:
        passed(failure, "funcs", "gather")
        raise failure
    return results


def _wait_for(loop: EventLoop, awaitable: Any, timeout: Any, sleep: Any) -> Any:
    """Wait for `awaitable`, but not longer than `timeout`."""
    task = loop.promote(awaitable)
    if timeout is None:
        return (yield from task)
    waiter = loop.context.current

    def run() -> Any:
        status: Any = True
        result = None
        try:
            result = yield from task
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            passed(error, "funcs", "_run")
            status = error
        if waiter.data is None and waiter.cancel():
            waiter.data = CancelledError(status, result)

    runner = loop.create_task(run())
    try:
        yield from sleep(timeout)
    except CancelledError as error:
        status = error.args[0] if error.args else None
        if status is None:
            runner.cancel()
            raise
        if status is True:
            return error.args[1]
        passed(status, "funcs", "wait_for")
        raise status from None
    runner.cancel()
    yield from runner
    raise TimeoutError


def functions(vm: VM) -> dict[str, object]:
    """What `asyncio.funcs` offers, the same functions at every import."""
    found = vm.__dict__.get("asyncio_funcs")
    if found is not None:
        return dict(found)
    loop = loop_of(vm)

    def gather(*awaitables: Any, return_exceptions: bool = False) -> Any:
        return (yield from _gather(loop, awaitables, bool(return_exceptions)))

    def wait_for(aw: Any, timeout: Any, sleep: Any = loop.sleep) -> Any:
        return (yield from _wait_for(loop, aw, timeout, sleep))

    def wait_for_ms(aw: Any, timeout: Any) -> Any:
        return wait_for(aw, timeout, loop.sleep_ms)

    made: tuple[Any, ...] = (gather, wait_for, wait_for_ms)
    found = vm.__dict__["asyncio_funcs"] = {each.__name__: unbound(each) for each in made}
    return dict(found)


def events(vm: VM) -> dict[str, object]:
    """What `asyncio.event` offers."""
    loop = loop_of(vm)

    class Event:
        """A flag tasks wait for."""

        def __init__(self) -> None:
            self.state = False
            self.waiting = TaskQueue()

        def is_set(self) -> bool:
            return self.state

        def set(self) -> None:
            """Wake all who wait. Not to be called from an interrupt or another thread."""
            while self.waiting.peek() is not None:
                loop.context.queue.push(self.waiting.pop())
            self.state = True

        def clear(self) -> None:
            self.state = False

        def wait(self) -> Any:
            if not self.state:
                self.waiting.push(loop.context.current)
                loop.context.current.data = self.waiting
                yield
            return True

    class ThreadSafeFlag(IOBase):
        """A flag for one task, which an interrupt or another thread may set."""

        def __init__(self) -> None:
            self.state = 0

        def ioctl(self, request: Any, flags: Any) -> int:
            return get_int(flags) * self.state if request == POLL else -1

        def set(self) -> None:
            self.state = 1

        def clear(self) -> None:
            self.state = 0

        def wait(self) -> Any:
            if not self.state:
                yield loop.io_queue.queue_read(self)
            self.state = 0

    return {"Event": Event, "ThreadSafeFlag": ThreadSafeFlag}


def locks(vm: VM) -> dict[str, object]:
    """What `asyncio.lock` offers."""
    loop = loop_of(vm)

    class Lock:
        """A lock; who waited longest gets it next."""

        def __init__(self) -> None:
            # 0 free, 1 taken, or the task that is to take it next.
            self.state: Any = 0
            self.waiting = TaskQueue()

        def locked(self) -> bool:
            return bool(self.state == 1)

        def release(self) -> None:
            if self.state != 1:
                raise RuntimeError("Lock not acquired")
            if self.waiting.peek() is not None:
                self.state = self.waiting.pop()
                loop.context.queue.push(self.state)
            else:
                self.state = 0

        def acquire(self) -> Any:
            if self.state != 0:
                self.waiting.push(loop.context.current)
                loop.context.current.data = self.waiting
                try:
                    yield
                except CancelledError:
                    if self.state is loop.context.current:
                        # Chosen and cancelled before it ran: pass the lock on.
                        self.state = 1
                        self.release()
                    raise
            self.state = 1
            return True

        def __aenter__(self) -> Any:
            return self.acquire()

        def __aexit__(self, *_: object) -> Any:
            self.release()
            return
            yield

    return {"Lock": Lock}


def primitives(vm: VM) -> dict[str, object]:
    """Events and locks, the same classes at every import."""
    found = vm.__dict__.get("asyncio_primitives")
    if found is None:
        found = vm.__dict__["asyncio_primitives"] = {**events(vm), **locks(vm)}
    return found
