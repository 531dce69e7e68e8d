"""The event loop of the guest's asyncio."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader.classes import GuestType
from loader.exceptions import Entry, add_entry
from loader.modules import _asyncio, unbound
from loader.modules._asyncio import Context, Task, TaskQueue, context_of
from loader.modules._posix_fs import standard_stream
from loader.modules.native import get_int
from loader.modules.select import POLLIN, POLLOUT, Poll
from loader.modules.streams import stream_write_all
from loader.modules.time import ticks_add, ticks_diff, ticks_ms

if TYPE_CHECKING:
    from loader.vm import VM


class CancelledError(BaseException, metaclass=GuestType):
    """Thrown into a task that is cancelled."""


class TimeoutError(Exception, metaclass=GuestType):
    """`wait_for` waited too long."""


class SingletonGenerator:
    """The one object all sleeps share, so that sleeping allocates nothing on a device."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.state: int | None = None

    def __iter__(self) -> SingletonGenerator:
        return self

    def __next__(self) -> None:
        if self.state is None:
            raise StopIteration
        self._context.queue.push(self._context.current, self.state)
        self.state = None


class IOQueue:
    """Streams that tasks wait on: who reads and who writes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.poller = Poll()
        self.map: dict[int, list[Any]] = {}

    def _enqueue(self, stream: Any, side: int) -> None:
        entry = self.map.get(id(stream))
        if entry is None:
            entry = self.map[id(stream)] = [None, None, stream]
            self.poller.register(stream, POLLOUT if side else POLLIN)
        else:
            self.poller.modify(stream, POLLIN | POLLOUT)
        entry[side] = self._context.current
        self._context.current.data = self

    def _dequeue(self, stream: Any) -> None:
        del self.map[id(stream)]
        self.poller.unregister(stream)

    def queue_read(self, stream: Any) -> Any:
        """Have the current task run again, after its next yield, when it can read."""
        self._enqueue(stream, 0)

    def queue_write(self, stream: Any) -> Any:
        """As `queue_read`, when something can be written."""
        self._enqueue(stream, 1)

    def remove(self, task: Any) -> None:
        """Forget what `task` waits on."""
        for entry in list(self.map.values()):
            if task in (entry[0], entry[1]):
                self._dequeue(entry[2])
                return

    def wait_io_event(self, timeout: int) -> None:
        """Wait until a stream is ready, at most `timeout` ms (-1: for ever)."""
        for stream, events in self.poller.wait(None if timeout < 0 else timeout):
            entry = self.map[id(stream)]
            if events & ~POLLOUT and entry[0] is not None:
                self._context.queue.push(entry[0])
                entry[0] = None
            if events & ~POLLIN and entry[1] is not None:
                self._context.queue.push(entry[1])
                entry[1] = None
            if entry[0] is None and entry[1] is None:
                self._dequeue(stream)
            else:
                self.poller.modify(stream, POLLOUT if entry[0] is None else POLLIN)


class EventLoop:
    """The loop of one run, behind the guest's `Loop` class and module functions."""

    def __init__(self, vm: VM) -> None:
        self.vm = vm
        self.context = context_of(vm)
        self.context.cancelled = CancelledError
        self.task_type: Callable[[Any], Task] = _asyncio.namespace(vm)["Task"]  # type: ignore[assignment]
        self.sleeper = SingletonGenerator(self.context)
        self.handler: Any = None
        self.stop_task: Any = None
        self.module_dicts: list[dict[str, object]] = []
        self.reset()

    def reset(self) -> None:
        """Forget all tasks."""
        self.context.queue = TaskQueue()
        self.context.current = None
        self.io_queue = IOQueue(self.context)

    def create_task(self, coro: Any) -> Task:
        if not hasattr(coro, "send"):
            raise TypeError("coroutine expected")
        task = self.task_type(coro)
        self.context.queue.push(task)
        return task

    def promote(self, awaitable: Any) -> Task:
        """The task that runs `awaitable`."""
        return awaitable if isinstance(awaitable, Task) else self.create_task(awaitable)

    def current_task(self) -> Any:
        if self.context.current is None:
            raise RuntimeError("no running event loop")
        return self.context.current

    def sleep_ms(self, duration: Any) -> SingletonGenerator:
        self.sleeper.state = ticks_add(ticks_ms(), max(0, get_int(duration)))
        return self.sleeper

    def sleep(self, duration: Any) -> SingletonGenerator:
        return self.sleep_ms(int(duration * 1000))

    def _next_task(self) -> Task | None:
        """Wait for the next task that is due; None when none can ever be."""
        while True:
            task = self.context.queue.peek()
            if task is not None:
                delay = max(0, ticks_diff(task.ph_key, ticks_ms()))
            elif self.io_queue.map:
                delay = -1
            else:
                self.context.current = None
                return None
            self.wait(delay)
            if delay <= 0 and self.context.queue.peek() is not None:
                return self.context.queue.pop()  # type: ignore[no-any-return]

    def wait(self, delay: int) -> None:
        """Wait for streams, at most `delay` ms (-1: for ever), while timers fire."""
        bench = self.vm.__dict__.get("bench")
        due = None if bench is None else bench.next_due()
        if bench is None or due is None:
            self.io_queue.wait_io_event(delay)
            return
        limit = int(due * 1000) + 1
        self.io_queue.wait_io_event(limit if delay < 0 else min(delay, limit))
        bench.fire_due()

    def run_until_complete(self, main: Task | None = None) -> Any:
        """Run tasks until `main` is done, or until none is left."""
        while True:
            task = self._next_task()
            if task is None:
                return None
            self.context.current = task
            thrown = task.data
            try:
                if thrown is None:
                    task.coro.send(None)
                else:
                    task.data = None
                    task.coro.throw(thrown)
            except (CancelledError, Exception) as error:
                if error is not thrown:
                    passed(error, "core", "run_until_complete")
                if task is main:
                    self.context.current = None
                    if isinstance(error, StopIteration):
                        return error.value
                    passed(error, "core", "run_until_complete")
                    raise
                self._ended(task, error, thrown)

    def _ended(self, task: Task, error: BaseException, thrown: Any) -> None:
        """A task is over: wake who waits, or report what nobody asked for."""
        if task.state:
            waited = True
            if task.state is True:
                task.state = None
                waited = False
            elif callable(task.state):
                task.state(task, error)
                task.state = False
            else:
                waited = task.state.peek() is not None
                while task.state.peek() is not None:
                    self.context.queue.push(task.state.pop())
                task.state = False
            if not waited and not isinstance(error, (CancelledError, StopIteration)):
                # Once more through the queue: another task may still ask for the result.
                self.context.queue.push(task)
            task.data = error
        elif task.state is None:
            task.data = thrown
            self.report(
                {
                    "message": "Task exception wasn't retrieved",
                    "exception": thrown,
                    "future": task,
                }
            )

    def report(self, context: Any) -> None:
        """Call the exception handler."""
        if self.handler is not None:
            self.handler(self.loop_type, context)
        else:
            self.default_handler(self.loop_type, context)

    def default_handler(self, loop: Any, context: Any) -> None:
        error = standard_stream(self.vm.stderr, 2)
        future = context["future"]
        text = f"{self.vm.str(context['message'])}\nfuture: {self.vm.str(future)} coro= "
        stream_write_all(error, (text + self.vm.str(future.coro) + "\n").encode())
        self.vm.print_exception(context["exception"], error)

    def run_forever(self) -> None:
        self.stop_task = self.task_type(_stopper())
        self.run_until_complete(self.stop_task)

    def stop(self) -> None:
        if self.stop_task is not None:
            self.context.queue.push(self.stop_task)
            self.stop_task = None

    @functools.cached_property
    def loop_type(self) -> type:
        """The guest's `Loop`, whose methods need no instance."""
        loop = self

        def new_handler(handler: Any) -> None:
            loop.handler = handler

        functions: dict[str, Any] = {
            "create_task": loop.create_task,
            "run_forever": loop.run_forever,
            "run_until_complete": lambda aw: loop.run_until_complete(loop.promote(aw)),
            "stop": loop.stop,
            "close": lambda: None,
            "set_exception_handler": new_handler,
            "get_exception_handler": lambda: loop.handler,
            "default_exception_handler": loop.default_handler,
            "call_exception_handler": loop.report,
        }
        return type("Loop", (), {name: staticmethod(each) for name, each in functions.items()})


def passed(error: BaseException, part: str, function: str) -> None:
    """Note in the guest's traceback what an exception comes through, as on the device."""
    add_entry(error, Entry(f"asyncio/{part}.py", 1, function))


def _stopper() -> Any:
    yield
    return


def loop_of(vm: VM) -> EventLoop:
    """The event loop of a run, made on first use."""
    found = vm.__dict__.get("asyncio_loop")
    if found is None:
        found = vm.__dict__["asyncio_loop"] = EventLoop(vm)
    return found


def names(vm: VM) -> dict[str, object]:
    """What `asyncio.core` offers, the same objects at every import."""
    found = vm.__dict__.get("asyncio_core")
    if found is None:
        found = vm.__dict__["asyncio_core"] = _names(vm)
    return dict(found)


def _names(vm: VM) -> dict[str, object]:
    loop = loop_of(vm)

    def new_event_loop() -> type:
        loop.reset()
        return loop.loop_type

    def run(coro: Any) -> Any:
        try:
            return loop.run_until_complete(loop.create_task(coro))
        except BaseException as error:
            passed(error, "core", "run")
            raise

    def dynamic(name: str) -> Any:
        """Module attributes that change while the loop runs."""
        if name == "cur_task":
            return loop.context.current
        if name == "_task_queue":
            return loop.context.queue
        if name == "_io_queue":
            return loop.io_queue
        raise AttributeError(f"module 'asyncio.core' has no attribute '{name}'")

    made: dict[str, object] = {
        "__getattr__": dynamic,
        "CancelledError": CancelledError,
        "TimeoutError": TimeoutError,
        "SingletonGenerator": SingletonGenerator,
        "IOQueue": IOQueue,
        "Task": loop.task_type,
        "TaskQueue": TaskQueue,
        "Loop": loop.loop_type,
        "create_task": loop.create_task,
        "current_task": loop.current_task,
        "get_event_loop": lambda runq_len=0, waitq_len=0: loop.loop_type,
        "new_event_loop": new_event_loop,
        "run": run,
        "run_until_complete": loop.run_until_complete,
        "sleep": loop.sleep,
        "sleep_ms": loop.sleep_ms,
        "ticks": ticks_ms,
        "ticks_add": ticks_add,
        "ticks_diff": ticks_diff,
    }
    return {name: unbound(value) for name, value in made.items()}
