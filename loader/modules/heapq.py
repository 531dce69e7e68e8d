"""Guest module `heapq`: a heap in a list, ordered by the guest's `<`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import function

if TYPE_CHECKING:
    from loader.vm import VM


def _heap(obj: Any) -> list[Any]:
    if not isinstance(obj, list):
        raise TypeError("heap must be a list")
    return obj


def _sift_down(heap: list[Any], start: int, at: int) -> None:
    item = heap[at]
    while at > start:
        parent = (at - 1) >> 1
        if not item < heap[parent]:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = item


def _sift_up(heap: list[Any], at: int) -> None:
    start, end = at, len(heap)
    item = heap[at]
    child = 2 * at + 1
    while child < end:
        if child + 1 < end and not heap[child] < heap[child + 1]:
            child += 1
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = item
    _sift_down(heap, start, at)


@function(2)
def heappush(heap: Any, item: Any) -> None:
    items = _heap(heap)
    items.append(item)
    _sift_down(items, 0, len(items) - 1)


@function(1)
def heappop(heap: Any) -> Any:
    items = _heap(heap)
    if not items:
        raise IndexError("empty heap")
    first = items[0]
    last = items.pop()
    if items:
        items[0] = last
        _sift_up(items, 0)
    return first


@function(1)
def heapify(heap: Any) -> None:
    items = _heap(heap)
    for at in range(len(items) // 2 - 1, -1, -1):
        _sift_up(items, at)


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"heappush": heappush, "heappop": heappop, "heapify": heapify}
