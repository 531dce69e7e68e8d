"""Dominators and loops of a graph.

Source: Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
"""

from __future__ import annotations

from dataclasses import dataclass

from loader.translate.graph import Block, End, Graph


@dataclass(slots=True, eq=False)
class Loop:
    """A loop.

    Attributes:
        header: Its only entry.
        extent: ips of the blocks written inside it: those that come round again, and those
            that lie among them, which leave the function or the loop.
        exits: Blocks outside that are jumped to from inside, by ip.
    """

    header: Block
    extent: frozenset[int]
    exits: dict[int, Block]


class Shape:
    """Dominator tree and loops.

    Attributes:
        order: Blocks in reverse postorder.
        merges: Start of a block -> blocks it immediately dominates to which several ways lead
            (those of their own loops not counted), by address.
        loops: Start of a header -> its loop.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.order = _postorder(graph.entry)[::-1]
        self.number = {block.start: n for n, block in enumerate(self.order)}
        self.idom = self._dominators()
        self.merges: dict[int, list[Block]] = {}
        for block in self.order[1:]:
            if sum(not self.dominates(block, pred) for pred in block.pred) > 1:
                self.merges.setdefault(self.idom[block.start].start, []).append(block)
        for found in self.merges.values():
            found.sort(key=lambda block: block.start)
        self.loops = self._loops()

    def _dominators(self) -> dict[int, Block]:
        entry = self.order[0]
        idom: dict[int, Block] = {entry.start: entry}
        number = self.number
        changed = True
        while changed:
            changed = False
            for block in self.order[1:]:
                new: Block | None = None
                for pred in block.pred:
                    if pred.start not in idom:
                        continue
                    if new is None:
                        new = pred
                        continue
                    a, b = pred, new
                    while a is not b:
                        while number[a.start] > number[b.start]:
                            a = idom[a.start]
                        while number[b.start] > number[a.start]:
                            b = idom[b.start]
                    new = a
                assert new is not None
                if idom.get(block.start) is not new:
                    idom[block.start] = new
                    changed = True
        return idom

    def dominates(self, block: Block, other: Block) -> bool:
        """Whether every way to `other` leads through `block`."""
        limit = self.number[block.start]
        while self.number[other.start] > limit:
            other = self.idom[other.start]
        return other is block

    def _loops(self) -> dict[int, Loop]:
        loops = {}
        for header in self.order:
            back = [pred for pred in header.pred if self.dominates(header, pred)]
            if back or header.end is End.FOR or header.end is End.RANGE:
                loops[header.start] = self._loop(header, back)
        return loops

    def _loop(self, header: Block, back: list[Block]) -> Loop:
        natural = {header.start: header}
        pending = list(back)
        while pending:
            block = pending.pop()
            if block.start not in natural:
                natural[block.start] = block
                pending.extend(block.pred)
        low = min(natural)
        high = max(block.stop for block in natural.values())
        if header.end is End.FOR:
            assert header.last is not None
            high = max(high, header.last.target)
        elif header.end is End.RANGE:
            low = min(low, header.succ[0].start)
        extent: dict[int, Block] = {}
        handlers: set[int] = set()
        for block in self.order:
            # Handlers lie behind what they guard, so one pass in this order sees all.
            inside = block.start in natural or any(g.handler in handlers for g in block.guards)
            if inside or (low <= block.start < high and self.dominates(header, block)):
                extent[block.start] = block
                if block.end in _GUARDS:
                    handlers.add(block.succ[1].start)
        exits = {
            succ.start: succ
            for block in extent.values()
            for succ in block.succ
            if succ.start not in extent
        }
        return Loop(header, frozenset(extent), exits)


_GUARDS = frozenset({End.TRY, End.FINALLY, End.WITH})


def _postorder(entry: Block) -> list[Block]:
    done: list[Block] = []
    seen = {entry.start}
    stack = [(entry, iter(entry.succ))]
    while stack:
        block, succ = stack[-1]
        for other in succ:
            if other.start not in seen:
                seen.add(other.start)
                stack.append((other, iter(other.succ)))
                break
        else:
            stack.pop()
            done.append(block)
    return done
