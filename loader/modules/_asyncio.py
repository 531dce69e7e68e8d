"""Guest module `_asyncio`: the queue of tasks, and tasks.

The queue is the device's pairing heap, because the order in which it hands out tasks
that are due at the same tick is visible.

Source: MicroPython extmod/modasyncio.c, py/pairheap.c (behaviour).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import check_count
from loader.modules.time import ticks_diff, ticks_ms

if TYPE_CHECKING:
    from loader.vm import VM


class Context:
    """What tasks and the event loop of one program share."""

    def __init__(self) -> None:
        self.current: Any = None
        self.queue: Any = None
        self.cancelled: type[BaseException] = BaseException


def context_of(vm: VM) -> Context:
    """The context of a run, made on first use."""
    found = vm.__dict__.get("asyncio_context")
    if found is None:
        found = vm.__dict__["asyncio_context"] = Context()
    return found


class _Node:
    """A node of a pairing heap: its children, first to last, and the node it hangs under."""

    __slots__ = ("children", "parent", "ph_key")

    def __init__(self) -> None:
        self.children: list[Any] = []
        self.parent: Any = None
        self.ph_key = 0


def _meld(one: Any, two: Any) -> Any:
    """Join two heaps; of equal roots the second stays on top."""
    if one is None or two is None:
        return one or two
    if ticks_diff(one.ph_key, two.ph_key) < 0:
        one.children.append(two)
        two.parent = one
        return one
    two.children.insert(0, one)
    one.parent = two
    return two


def _pair(children: list[Any]) -> Any:
    """Join a deleted root's children, two by two and then into one."""
    heap = None
    for at in range(0, len(children), 2):
        pair = children[at]
        pair.parent = None
        if at + 1 < len(children):
            children[at + 1].parent = None
            pair = _meld(pair, children[at + 1])
        heap = _meld(heap, pair)
    if heap is not None:
        heap.parent = None
    return heap


class Task(_Node):
    """A coroutine and how far it is.

    Attributes:
        coro: The coroutine.
        data: What the task waits on, what is to be thrown into it, or how it ended.
        state: True while it runs and nobody waits; a queue of those who wait; None or
            False when it is done, without or with somebody having waited.
    """

    __slots__ = ("_context", "coro", "data", "state")

    def __init__(self, context: Context, coro: Any) -> None:
        super().__init__()
        self._context = context
        self.coro = coro
        self.data: Any = None
        self.state: Any = True

    def done(self) -> bool:
        return not self.state

    def cancel(self) -> bool:
        """Have `CancelledError` thrown into the task. False if it is done already."""
        if self.done():
            return False
        if self is self._context.current:
            raise RuntimeError("can't cancel self")
        task: Any = self
        while isinstance(task.data, Task):
            task = task.data
        queue = self._context.queue
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            queue.push(task)
        elif ticks_diff(task.ph_key, ticks_ms()) > 0:
            queue.remove(task)
            queue.push(task)
        task.data = self._context.cancelled
        return True

    def __iter__(self) -> Task:
        if self.done():
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        return self

    def __next__(self) -> None:
        if self.done():
            if self.data is None:
                raise StopIteration
            raise self.data
        self.state.push(self._context.current)
        self._context.current.data = self

    def _guest_repr_(self) -> str:
        return "<Task>"


class TaskQueue:
    """Tasks ordered by the tick at which they are due."""

    __slots__ = ("_heap",)

    def __init__(self, *args: Any) -> None:
        check_count(len(args), 0, 0)
        self._heap: Any = None

    def peek(self) -> Any:
        return self._heap

    def push(self, task: Any, key: int | None = None) -> None:
        task.data = None
        task.ph_key = ticks_ms() if key is None else key
        task.children, task.parent = [], None
        self._heap = _meld(task, self._heap)

    def pop(self) -> Any:
        head = self._heap
        if head is None:
            raise IndexError("empty heap")
        self._heap = _pair(head.children)
        head.children = []
        return head

    def remove(self, task: Any) -> None:
        children, task.children = task.children, []
        if task is self._heap:
            self._heap = _pair(children)
            return
        siblings = task.parent.children
        at = siblings.index(task)
        replacement = _pair(children)
        siblings[at : at + 1] = [] if replacement is None else [replacement]
        if replacement is not None:
            replacement.parent = task.parent
        task.parent = None

    def _guest_repr_(self) -> str:
        return "<TaskQueue>"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    context = context_of(vm)

    class BoundTask(Task):
        """`Task(coro)` of this run."""

        __slots__ = ()

        def __init__(self, *args: Any) -> None:
            check_count(len(args), 1, 2)
            super().__init__(context, args[0])

    BoundTask.__name__ = BoundTask.__qualname__ = "Task"
    return {"Task": BoundTask, "TaskQueue": TaskQueue}
