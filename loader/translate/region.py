"""One loop of a function as a function of its own, for a frame that runs already.

The region takes the frame's value stack at the loop's header and returns, when the loop is
left, the ip at which the interpreter goes on and the value stack there. It is used for module
bodies, whose variables all live in the module's dict.
"""

from __future__ import annotations

import ast
from typing import Any

from loader.code import Code
from loader.translate.emit import Writer
from loader.translate.graph import Block, End, Graph, Item, Unstructured
from loader.translate.nodes import constant, name, tuple_
from loader.translate.shape import Loop, Shape
from loader.translate.unit import Unit
from loader.translate.values import NULL, SLOT, Entry, Kind


class RegionWriter(Writer):
    """Writes the loop whose header lies at `ip`."""

    def __init__(self, unit: Unit, code: Code, ip: int) -> None:
        super().__init__(unit, code, None, ())
        loop = self.shape.loops.get(ip)
        if loop is None:
            raise Unstructured(f"no loop begins at {ip}")
        if any(guard.active for guard in loop.header.guards):
            raise Unstructured("loop in a handler")
        self.ip = ip
        self.params = [unit.fresh("stack", at) for at in range(loop.header.depth)]
        self.n_positional = len(self.params)
        self.first_param = -1
        self.graph = cut_out(self.graph, loop)
        self.shape = Shape(self.graph)

    def first_stack(self) -> list[Entry]:
        header = self.graph.entry
        stack = [Entry(name(text, header.line or 1), Kind.STABLE) for text in self.params]
        if header.end is End.FOR:
            # The interpreter keeps the iterator in the topmost of four slots.
            stack[-4:] = [NULL, stack[-1], SLOT, SLOT]
        return stack

    def certain_parameters(self) -> set[int]:
        return set()

    def do(self, item: Item) -> None:
        if item.name != "leave":
            super().do(item)
            return
        values: list[ast.expr] = [
            constant(None, item.line) if entry.node is None else self.value(entry)
            for entry in self.stack
        ]
        self.stack = []
        stack = ast.List(values, ast.Load(), lineno=item.line, col_offset=0)
        self.push(tuple_([constant(item.arg, item.line), stack], item.line), 10)


def cut_out(graph: Graph, loop: Loop) -> Graph:
    """A graph of a loop alone: where it is left, it returns."""
    blocks: dict[int, Block] = {}
    exits: dict[int, Block] = {}

    def inside(block: Block) -> Block:
        if block.start in loop.extent:
            return block
        if block.start not in exits:
            _check_exit(loop.header, block)
            line = block.items[0].line if block.items else block.line
            leave = Item("leave", block.start, 0, line or 1, block.start)
            exits[block.start] = Block(
                block.start, block.stop, [leave], End.RETURN, line=line or 1, depth=block.depth
            )
        return exits[block.start]

    for start in sorted(loop.extent):
        block = graph.blocks[start]
        block.succ = [inside(succ) for succ in block.succ]
        blocks[start] = block
    blocks.update(exits)
    ordered = dict(sorted(blocks.items()))
    for block in ordered.values():
        block.pred = []
    for block in ordered.values():
        for succ in block.succ:
            succ.pred.append(block)
    return Graph(graph.code, loop.header, ordered, graph.after, graph.ranges)


def _check_exit(header: Block, block: Block) -> None:
    """A loop may be left past except clauses, but not past what must run on the way."""
    kept = len(block.guards)
    if block.guards != header.guards[:kept]:
        raise Unstructured("loop that is left into a try or with statement")
    if any(guard.kind != "except" for guard in header.guards[kept:]):
        raise Unstructured("loop that is left through a finally clause")


def range_step(writer: RegionWriter) -> int:
    """What must be added to the counter on the stack before the region is entered."""
    header: Any = writer.graph.entry
    if header.end is End.RANGE:
        return writer.graph.ranges[header.start][1]
    return 0
