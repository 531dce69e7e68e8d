"""Basic blocks of a function: where control may go, and what happens on the way.

Two rewrites make later stages simple. An optimised `for v in range(..)` loop, which the
compiler lowers to arithmetic on one or two stack slots, gets a header block that ends in
RANGE, like a FOR_ITER loop; and a block that does nothing is left out of every path.

Source: MicroPython py/compile.c (what the compiler emits for each construct).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from loader.code import Code
from loader.operators import BINARY, FIRST_INPLACE
from loader.ops import Flow, Instruction, instructions
from loader.verify import Block as Guard
from loader.verify import State, verify


class Unstructured(Exception):
    """The function has a shape that a stage cannot express; the text says which."""


class End(Enum):
    """How a block ends. The order of `Block.succ` is in brackets."""

    GOTO = auto()  # [target]
    BRANCH = auto()  # pops a condition: [if true, if false]
    KEEP_TRUE = auto()  # [target, keeping the condition if true; popped]
    KEEP_FALSE = auto()  # [target, keeping the condition if false; popped]
    FOR = auto()  # [body, exhausted]
    RANGE = auto()  # [body, exhausted]
    TRY = auto()  # [body, handler]
    FINALLY = auto()  # [body, handler]
    WITH = auto()  # [body, handler]
    END_FINALLY = auto()  # [after the statement]
    RERAISE = auto()  # []: END_FINALLY of an except block
    RETURN = auto()  # []
    RAISE = auto()  # []


class Item:
    """One step of a block: an instruction, or what `fold` made of several.

    Attributes:
        name: Of the opcode's row, or of the fold (lower case).
        arg: Its operand, or for a fold its parts.
        byte: The extra operand byte.
        line: Source line.
        ip: Of the instruction.
    """

    __slots__ = ("arg", "byte", "ip", "line", "name")

    def __init__(self, name: str, arg: Any, byte: int, line: int, ip: int) -> None:
        self.name = name
        self.arg = arg
        self.byte = byte
        self.line = line
        self.ip = ip

    def __repr__(self) -> str:
        return f"{self.ip}:{self.name}({self.arg!r})"


@dataclass(slots=True, eq=False)
class Block:
    """A basic block.

    Attributes:
        start: ip of its first instruction, by which blocks are ordered.
        stop: ip after its last instruction.
        items: What it does, without the instruction that ends it.
        end: How it ends.
        succ: Where control goes.
        pred: Blocks that lead here, once per edge.
        last: The instruction that ends it, or None where control falls through.
        line: Source line of that instruction.
        depth: Stack depth on entry.
        guards: Exception blocks on entry.
    """

    start: int
    stop: int
    items: list[Item]
    end: End = End.GOTO
    succ: list[Block] = field(default_factory=list)
    pred: list[Block] = field(default_factory=list)
    last: Instruction | None = None
    line: int = 0
    depth: int = 0
    guards: tuple[Guard, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.start}..{self.stop} {self.end.name} {[b.start for b in self.succ]}>"


@dataclass(slots=True)
class Graph:
    """The blocks of a function.

    Attributes:
        code: The function.
        entry: Where it begins.
        blocks: All reachable blocks by ip.
        after: Handler ip -> ip after the END_FINALLY of its block, where one is reached.
        ranges: Start of a RANGE header -> (slots on the stack, step, constant end or None).
    """

    code: Code
    entry: Block
    blocks: dict[int, Block]
    after: dict[int, int]
    ranges: dict[int, tuple[int, int, int | None]]


_FLOW_ENDS = frozenset({Flow.NEXT, Flow.YIELD})
_STOPS = frozenset({Flow.RETURN, Flow.RAISE})


def build(code: Code, *, ranges: bool = True) -> Graph:
    """The blocks of a function.

    Args:
        code: The function.
        ranges: Recognise range loops.
    Raises:
        BytecodeError: It holds something no compiler emits.
    """
    return _Builder(code).build(ranges)


class _Builder:
    def __init__(self, code: Code) -> None:
        self.code = code
        self.states: dict[int, State] = verify(code)[0]
        self.list = [ins for ins in instructions(code.ops) if ins.ip in self.states]
        self.at = {ins.ip: n for n, ins in enumerate(self.list)}
        starts, self.line_values = [], []
        for ip, line in code.lines():
            starts.append(ip)
            self.line_values.append(line)
        self.line_starts = starts
        self.ranges: dict[int, tuple[int, int, int | None]] = {}

    def line(self, ip: int) -> int:
        return self.line_values[bisect_right(self.line_starts, ip) - 1]

    def build(self, with_ranges: bool) -> Graph:
        # Addresses whose instructions a range loop stands for: ip -> where it goes instead.
        redirect: dict[int, int] = {}
        headers: dict[int, tuple[int, int, int]] = {}
        if with_ranges:
            for header, top, test_end, targets in self.find_ranges():
                headers[header] = (top, test_end, targets[-1])
                for target in targets:
                    redirect[target] = header
        after = {}
        leaders = {0}
        for ins in self.list:
            flow = ins.op.flow
            if flow in _FLOW_ENDS:
                continue
            leaders.add(ins.next)
            if ins.target >= 0:
                leaders.add(ins.target)
            if flow is Flow.FOR:
                leaders.add(ins.ip)
            if flow is Flow.END_FINALLY:
                guard = self.states[ins.ip].blocks[-1]
                if guard.kind != "except":
                    after[guard.handler] = ins.next
        for header, (top, test_end, _) in headers.items():
            leaders.update((header, top, test_end))
        blocks = self.cut(sorted(leaders), headers)
        entry = blocks[redirect.get(0, 0)]
        for block in blocks.values():
            self.connect(block, blocks, redirect, headers)
        for block in blocks.values():
            for succ in block.succ:
                succ.pred.append(block)
        for header, (top, stop, _) in headers.items():
            _drop_slots(blocks, blocks[header], top, stop, self.ranges[header][0])
        _thread(blocks)
        reachable = _reach(entry)
        return Graph(self.code, entry, reachable, after, self.ranges)

    def cut(self, leaders: list[int], headers: dict[int, tuple[int, int, int]]) -> dict[int, Block]:
        blocks: dict[int, Block] = {}
        current: Block | None = None
        marks = set(leaders)
        skip_until = -1
        tops = {top for top, _, _ in headers.values()}
        for ins in self.list:
            ip = ins.ip
            if ip < skip_until:
                continue
            if current is None or ip in marks:
                state = self.states[ip]
                current = Block(ip, ip, [], depth=state.depth, guards=state.blocks)
                blocks[ip] = current
            if ip in headers:
                _, stop, _ = headers[ip]
                current.end = End.RANGE
                current.stop = stop
                current.line = self.line(ip)
                skip_until = stop
                current = None
                continue
            if ip in tops:
                # DUP_TOP: here the header pushes the counter, as FOR_ITER does.
                current.depth += 1
                continue
            current.stop = ins.next
            if ins.op.flow in _FLOW_ENDS:
                current.items.append(Item(ins.op.name, ins.arg, ins.byte, self.line(ip), ip))
            else:
                current.last = ins
                current.line = self.line(ip)
                current = None
        return blocks

    def connect(
        self,
        block: Block,
        blocks: dict[int, Block],
        redirect: dict[int, int],
        headers: dict[int, tuple[int, int, int]],
    ) -> None:
        def at(ip: int) -> Block:
            return blocks[redirect.get(ip, ip)]

        ins = block.last
        if block.end is End.RANGE:
            top, stop, _ = headers[block.start]
            block.succ = [at(top), at(stop)]
            return
        if ins is None:
            if block.stop in self.at:
                block.succ = [at(block.stop)]
            return
        flow = ins.op.flow
        if flow is Flow.JUMP or flow is Flow.POP_EXCEPT or flow is Flow.UNWIND:
            block.succ = [at(ins.target)]
        elif flow is Flow.BRANCH:
            block.end = End.BRANCH
            block.succ = [at(ins.target), at(ins.next)]
            if ins.op.name == "POP_JUMP_IF_FALSE":
                block.succ.reverse()
        elif flow is Flow.BRANCH_OR_POP:
            true = ins.op.name == "JUMP_IF_TRUE_OR_POP"
            block.end = End.KEEP_TRUE if true else End.KEEP_FALSE
            block.succ = [at(ins.target), at(ins.next)]
        elif flow is Flow.FOR:
            block.end = End.FOR
            block.succ = [at(ins.next), at(ins.target)]
        elif flow is Flow.SETUP:
            block.end = {
                "SETUP_EXCEPT": End.TRY,
                "SETUP_FINALLY": End.FINALLY,
                "SETUP_WITH": End.WITH,
            }[ins.op.name]
            block.succ = [at(ins.next), at(ins.target)]
        elif flow is Flow.END_FINALLY:
            if block_guard(self.states[ins.ip]).kind == "except":
                block.end = End.RERAISE
            else:
                block.end = End.END_FINALLY
                block.succ = [at(ins.next)]
        elif flow is Flow.RETURN:
            block.end = End.RETURN
        else:
            assert flow is Flow.RAISE
            block.end = End.RAISE

    def find_ranges(self) -> Iterable[tuple[int, int, int, list[int]]]:
        """Optimised range loops: (header ip, top ip, ip after the test, ips redirected)."""
        for n, ins in enumerate(self.list):
            if ins.op.name != "JUMP" or ins.target <= ins.next:
                continue
            found = self.range_at(n)
            if found is not None:
                yield found

    def range_at(self, n: int) -> tuple[int, int, int, list[int]] | None:
        """The range loop whose first JUMP is instruction `n`, if it is one.

        The layout is `JUMP test; top: DUP_TOP STORE body; cont: step INPLACE_ADD; test:
        DUP_TOP_TWO ROT_TWO | DUP_TOP end; < | >; POP_JUMP_IF_TRUE top`.
        """
        entry = self.list[n]
        test = self.at.get(entry.target)
        if test is None or test < n + 4 or n + 2 >= len(self.list):
            return None
        top = self.list[n + 1]
        store = self.list[n + 2]
        if top.op.name != "DUP_TOP" or store.op.name not in _SIMPLE_STORES:
            return None
        step, add = self.list[test - 2], self.list[test - 1]
        if step.op.name != "LOAD_CONST_SMALL_INT" or not _is_binary(add, _ADD):
            return None
        if test + 3 >= len(self.list):
            return None
        first, second, compare, jump = self.list[test : test + 4]
        end: int | None = None
        if first.op.name == "DUP_TOP_TWO" and second.op.name == "ROT_TWO":
            slots = 2
        elif first.op.name == "DUP_TOP" and second.op.name == "LOAD_CONST_SMALL_INT":
            slots, end = 1, second.arg
        else:
            return None
        if not _is_binary(compare, _LESS if step.arg > 0 else _MORE):
            return None
        if jump.op.name != "POP_JUMP_IF_TRUE" or jump.target != top.ip or step.arg == 0:
            return None
        if self.states[top.ip].depth != self.states[entry.ip].depth:
            return None
        self.ranges[step.ip] = (slots, step.arg, end)
        return step.ip, top.ip, jump.next, [first.ip]


def block_guard(state: State) -> Guard:
    """The innermost exception block."""
    return state.blocks[-1]


_SIMPLE_STORES = frozenset(
    {"STORE_FAST", "STORE_FAST_N", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"}
)
_NUMBER = {operator.name: n for n, operator in enumerate(BINARY)}
_ADD, _LESS, _MORE = _NUMBER["INPLACE_ADD"], _NUMBER["LESS"], _NUMBER["MORE"]
assert _ADD >= FIRST_INPLACE


def _is_binary(ins: Instruction, number: int) -> bool:
    return ins.op.name == "BINARY_OP" and ins.arg == number


def _drop_slots(blocks: dict[int, Block], header: Block, top: int, stop: int, slots: int) -> None:
    """Empty the block that breaks out of a range loop lead to: it only pops its slots."""
    for block in blocks.values():
        if (
            block.start >= stop
            and block.depth == header.depth
            and block.end is End.GOTO
            and len(block.items) == slots
            and all(item.name == "POP_TOP" for item in block.items)
            and block.pred
            and all(pred is header or top <= pred.start < stop for pred in block.pred)
        ):
            block.items = []


def _thread(blocks: dict[int, Block]) -> None:
    """Leave blocks that do nothing out of every path."""

    def final(block: Block) -> Block:
        seen = set()
        while block.end is End.GOTO and not block.items and id(block) not in seen:
            if block.guards != block.succ[0].guards:
                break
            seen.add(id(block))
            block = block.succ[0]
        return block

    for block in blocks.values():
        following = [final(succ) for succ in block.succ]
        if block.end in (End.TRY, End.FINALLY, End.WITH):
            following[1] = block.succ[1]  # a handler is known by its address
        block.succ = following


def _reach(entry: Block) -> dict[int, Block]:
    found: dict[int, Block] = {}
    pending = [entry]
    while pending:
        block = pending.pop()
        if block.start in found:
            continue
        found[block.start] = block
        pending.extend(block.succ)
    ordered = dict(sorted(found.items()))
    for block in ordered.values():
        block.pred = []
    for block in ordered.values():
        for succ in block.succ:
            succ.pred.append(block)
    return ordered
