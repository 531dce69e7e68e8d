"""What the C interpreter would have on its stack: one function, followed along every path.

The stack is followed slot by slot with the kind of each (`kinds`), the blocks as the
interpreter keeps them: a handler is active once its address lies behind, as on the device.
Finally code is followed once for each way into it, so END_FINALLY needs no guess. A path
that comes to an instruction with a state it had before ends there.

Source: MicroPython py/vm.c: opcode by opcode, with the slots each one uses in passing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from loader import kinds
from loader.effects import SPECIAL, Facts, Values, article
from loader.functions import Function
from loader.kinds import OBJECT, OBJECTS, Kind
from loader.ops import Flow, Instruction

Stack = tuple[Kind, ...]

MAX_STATES = 20_000
"""States followed in one function; real code needs some hundreds at most."""

_FRAME_SLACK = 64
"""Slots a frame may have beyond those used: nested handlers make the compiler count too
many, three for each level. What a device's C stack would feel begins far above."""


class Block(NamedTuple):
    """An entry of the block stack: what SETUP_* pushed."""

    catches_leaving: bool  # finally and with, as opposed to except
    handler: int
    depth: int


Blocks = tuple[Block, ...]


def follow(
    function: Function, n_cells: int, by_ip: dict[int, Instruction], *, class_body: bool
) -> Facts:
    """Follow a function along every path.

    Args:
        function: The function.
        n_cells: How many of its first parameters are cells, as its maker passes them.
        by_ip: Its instructions.
        class_body: Whether it is handed to the class builder.
    Raises:
        Unsafe: The C interpreter could come to harm.
    """
    return _Follower(function, n_cells, by_ip, class_body=class_body).run()


class _Follower(Values):
    def __init__(
        self, function: Function, n_cells: int, by_ip: dict[int, Instruction], *, class_body: bool
    ) -> None:
        super().__init__(function, n_cells, by_ip, class_body=class_body)
        self.most_blocks = 0
        self.leaders = {i.target for i in by_ip.values() if i.target >= 0}
        self.leaders |= {i.next for i in by_ip.values() if i.op.flow is Flow.SETUP}
        self.seen: dict[int, dict[object, Stack]] = {}
        self.height: dict[int, tuple[int, int]] = {}  # of each ip: values and blocks
        self.pending: list[tuple[int, Stack, Blocks]] = []
        self.states = 0

    def run(self) -> Facts:
        self.reach(0, (), ())
        while self.pending:
            self.straight(*self.pending.pop())
        self.at = self.by_ip[0]
        spare = self.room - self.deepest
        if spare > _FRAME_SLACK + self.deepest + self.n_locals:
            raise self.fault(
                "bytecode-frame",
                f"a frame of {self.function.signature.n_state} slots of which {spare} are never "
                "used; a device without that much free RAM takes them from the C stack",
            )
        wasted = self.function.signature.n_exc_stack - self.most_blocks
        if wasted > _FRAME_SLACK + self.most_blocks:
            raise self.fault("bytecode-frame", f"room for {wasted} exception blocks never used")
        return self.facts

    # ------------------------------------------------------------------------------ paths

    def reach(self, ip: int, stack: Stack, blocks: Blocks) -> None:
        """Control comes to `ip`, and from there, if something raises, to the handlers ahead."""
        coming: tuple[int, Stack, Blocks] | None = (ip, stack, blocks)
        while coming is not None and self.arrive(*coming):
            coming = self.handler_ahead(*coming)

    def raising(self, ip: int, stack: Stack, blocks: Blocks) -> None:
        """The instruction at `ip` raises with these blocks left."""
        coming = self.handler_ahead(ip, stack, blocks)
        if coming is not None:
            self.reach(*coming)

    def arrive(self, ip: int, stack: Stack, blocks: Blocks) -> bool:
        """Note a state; False if control has been there like this."""
        if ip not in self.by_ip:
            raise self.fault("bytecode-jump", "control leaves the function")
        self.use(len(stack))
        self.check_shared(stack)
        if len(blocks) > self.most_blocks:
            self.most_blocks = len(blocks)
            if self.most_blocks > self.function.signature.n_exc_stack:
                raise self.fault(
                    "bytecode-frame",
                    f"{len(blocks)} blocks nested where the frame has room for "
                    f"{self.function.signature.n_exc_stack}",
                )
        depth = len(stack) - sum(kind.name == "leaving" for kind in stack)
        if self.height.setdefault(ip, (depth, len(blocks))) != (depth, len(blocks)):
            before, nested = self.height[ip]
            raise self.fault(
                "bytecode-stack",
                f"paths meet at {ip} with {before} and {depth} values, {nested} and "
                f"{len(blocks)} blocks",
            )
        key = self.key(stack, blocks)
        here = self.seen.setdefault(ip, {})
        known = here.get(key)
        if known is not None:
            joined = []
            for one, other in zip(known, stack, strict=True):
                both = kinds.join(one, other)
                if both is None:
                    raise self.fault(
                        "bytecode-value",
                        f"paths meet at {ip} with {one.name} and {other.name} in one slot",
                    )
                joined.append(both)
            stack = tuple(joined)
            if stack == known:
                return False
        here[key] = stack
        self.states += 1
        if self.states > MAX_STATES:
            raise self.fault("bytecode-complex", f"more than {MAX_STATES} states to follow")
        self.pending.append((ip, stack, blocks))
        return True

    def handler_ahead(
        self, ip: int, stack: Stack, blocks: Blocks
    ) -> tuple[int, Stack, Blocks] | None:
        """The innermost handler that is not active at `ip`, as an exception enters it."""
        count = len(blocks)
        while count and blocks[count - 1].handler <= ip:
            count -= 1
        if not count:
            return None
        block = blocks[count - 1]
        if len(stack) < block.depth:
            raise self.fault(
                "bytecode-stack",
                f"{len(stack)} values where the block's handler at {block.handler} expects "
                f"{block.depth}",
            )
        return block.handler, (*stack[: block.depth], kinds.EXCEPTION), blocks[:count]

    def key(self, stack: Stack, blocks: Blocks) -> object:
        special = [(at, kind) for at, kind in enumerate(stack) if kind.name in kinds.DISTINCT]
        for block in blocks:
            # None here tells finally code that it was entered by falling into it.
            if block.catches_leaving:
                special += [
                    (at, kinds.NONE)
                    for at in (block.depth - 1, block.depth)
                    if 0 <= at < len(stack) and stack[at] == kinds.NONE
                ]
        return len(stack), blocks, tuple(special)

    def straight(self, ip: int, start: Stack, blocks: Blocks) -> None:
        """Follow a path until it branches, ends, or comes to where others do."""
        stack = list(start)
        while True:
            ins = self.at = self.by_ip[ip]
            floor = max((b.depth for b in blocks if b.handler > ip), default=0)
            flow = ins.op.flow
            if flow is Flow.NEXT or flow is Flow.YIELD:
                changed = False
                special = SPECIAL.get(ins.op.name)
                if special is not None:
                    changed = special(self, ins, stack, floor) is True
                elif ins.op.name == "WITH_CLEANUP":
                    self.with_cleanup(ins, stack, blocks)
                    return
                else:
                    self.plain(ins, stack, floor)
                if len(stack) > self.deepest:
                    self.use(len(stack))
                if self.shared:
                    self.check_shared(stack)
                ip = ins.next
                if ip in self.leaders or changed or ip not in self.by_ip:
                    self.reach(ip, tuple(stack), blocks)
                    return
            else:
                _FLOWS[flow](self, ins, stack, blocks, floor)
                return

    # ------------------------------------------------------------------------ flow, blocks

    def jump(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        self.reach(ins.target, tuple(stack), blocks)

    def branch(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        kept = tuple(stack)
        condition = self.take(stack, floor, OBJECTS, "an object")
        jumps = ins.op.name.endswith("TRUE")
        if condition.name != "bool" or bool(condition.value) is jumps:
            on = kept if ins.op.flow is Flow.BRANCH_OR_POP else tuple(stack)
            self.reach(ins.target, on, blocks)
        if condition.name != "bool" or bool(condition.value) is not jumps:
            self.reach(ins.next, tuple(stack), blocks)

    def for_iter(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        top = tuple(stack[-4:])
        if len(stack) - 4 < floor or not (
            top == kinds.ITERATOR or (top[0] == kinds.NULL and top[1].name in OBJECTS)
        ):
            raise self.fault("bytecode-value", "finds no iterator on the stack")
        self.reach(ins.target, tuple(stack[:-4]), blocks)
        self.reach(ins.next, (*stack, OBJECT), blocks)

    def setup(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        if ins.target <= ins.ip:
            raise self.fault("bytecode-jump", "its handler comes before it")
        if ins.op.name == "SETUP_WITH":
            self.objects(stack, floor, 1)
            self.use(len(stack) + 4)  # __exit__ and __enter__ are looked up side by side
            stack += kinds.method(ins.ip)
            blocks = (*blocks, Block(True, ins.target, len(stack)))
            stack.append(OBJECT)
        else:
            finally_ = ins.op.name == "SETUP_FINALLY"
            blocks = (*blocks, Block(finally_, ins.target, len(stack)))
        self.reach(ins.next, tuple(stack), blocks)

    def pop_except(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        if not blocks:
            raise self.fault("bytecode-blocks", "there is no block to leave")
        self.raising(ins.ip, tuple(stack), blocks[:-1])  # an interrupt, after it is left
        self.reach(ins.target, tuple(stack), blocks[:-1])

    def with_cleanup(self, ins: Instruction, stack: list[Kind], blocks: Blocks) -> None:
        held = 2 if stack and stack[-1].name == "leaving" else 1
        state = stack[len(stack) - held :]
        if len(stack) < held + 2 or not (
            state[-1] in (kinds.NONE, kinds.EXCEPTION) or state[-1].name == "leaving"
        ):
            raise self.fault("bytecode-blocks", "finds nothing it could clean up after")
        exit_, self_ = stack[-held - 2 : -held]
        if exit_.name != "method" or self_.name != "self" or exit_.value != self_.value:
            raise self.fault("bytecode-value", "finds no method to call")
        below = stack[: -held - 2]
        self.use(len(below) + 5)  # the method and its three arguments
        if state[-1] == kinds.EXCEPTION:
            self.reach(ins.next, (*below, kinds.NONE), blocks)
        self.reach(ins.next, (*below, *state), blocks)

    def end_finally(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        if not blocks:
            raise self.fault("bytecode-blocks", "there is no block to end")
        blocks = blocks[:-1]
        state = stack[-1] if stack else OBJECT
        if state == kinds.NONE:
            self.reach(ins.next, tuple(stack[:-1]), blocks)
        elif state == kinds.EXCEPTION:
            self.raising(ins.ip, tuple(stack), blocks)
        elif state == kinds.RETURNING:
            self.leave_function(stack[:-1], blocks, ins.next)
        elif state.name == "leaving" and len(stack) > 1 and stack[-2].name == "address":
            self.leave_blocks(stack[:-1], state.value, blocks, ins.next)
        else:
            raise self.fault("bytecode-blocks", f"finds {article(state)} and not what led here")

    def return_(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        if not stack or stack[-1].name not in OBJECTS | {"cell"}:
            raise self.fault("bytecode-value", "returns no object")
        self.leave_function(stack, blocks, ins.next)

    def leave_function(self, stack: list[Kind], blocks: Blocks, ip: int) -> None:
        """RETURN_VALUE: through the finally code ahead, then out."""
        value = stack[-1]
        while blocks:
            block = blocks[-1]
            if block.catches_leaving:
                if block.handler >= ip:
                    if len(stack) <= block.depth:
                        raise self.fault("bytecode-stack", "returns from below its block")
                    left = OBJECT if value.name in OBJECTS else value
                    kept = stack[: block.depth]
                    self.reach(block.handler, (*kept, left, kinds.RETURNING), blocks)
                    return
                stack = self.cancel(stack, value)
            blocks = blocks[:-1]
        self.facts.returns.add(value if value.name in ("none", "cell") else OBJECT)

    def cancel(self, stack: list[Kind], value: Kind) -> list[Kind]:
        """Leave active finally code: drop what led into it, below the top."""
        if len(stack) < 2:
            raise self.fault("bytecode-blocks", "leaves finally code that nothing led into")
        below = stack[-2]
        if below in (kinds.NONE, kinds.EXCEPTION):
            return [*stack[:-2], value]
        # A small int drops one more; the slot may also hold anything: a loop's iterator.
        if len(stack) < 3 or (value.name == "address" and below.name != "leaving"):
            raise self.fault("bytecode-blocks", "leaves finally code that nothing led into")
        return [*stack[:-3], value]

    def unwind(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        self.use(len(stack) + 2)  # target and count are pushed
        if self.shared:
            raise self.fault("bytecode-frame", "in a class body that uses `__class__` as a name")
        stack.append(kinds.target(ins.target))
        self.leave_blocks(stack, ins.byte, blocks, ins.next - 1)

    def leave_blocks(self, stack: list[Kind], count: int, blocks: Blocks, ip: int) -> None:
        """UNWIND_JUMP: through the finally code ahead, then to the address on top."""
        while count & 0x7F:
            count -= 1
            if not blocks:
                raise self.fault("bytecode-blocks", "leaves more blocks than there are")
            block = blocks[-1]
            if block.catches_leaving:
                if block.handler >= ip:
                    if len(stack) - 1 != block.depth:
                        raise self.fault(
                            "bytecode-stack",
                            f"leaves a block with {len(stack) - 1} values on the stack that "
                            f"began with {block.depth}",
                        )
                    self.reach(block.handler, (*stack, kinds.leaving(count)), blocks)
                    return
                stack = self.cancel(stack, stack[-1])
            blocks = blocks[:-1]
        address = stack.pop().value
        if count:
            if len(stack) < 4:
                raise self.fault("bytecode-stack", "drops an iterator that is not there")
            del stack[-4:]
        self.reach(address, tuple(stack), blocks)

    def raise_(self, ins: Instruction, stack: list[Kind], blocks: Blocks, floor: int) -> None:
        self.plain(ins, stack, floor)


_FLOWS: dict[Flow, Callable[[_Follower, Instruction, list[Kind], Blocks, int], None]] = {
    Flow.JUMP: _Follower.jump,
    Flow.BRANCH: _Follower.branch,
    Flow.BRANCH_OR_POP: _Follower.branch,
    Flow.FOR: _Follower.for_iter,
    Flow.SETUP: _Follower.setup,
    Flow.POP_EXCEPT: _Follower.pop_except,
    Flow.UNWIND: _Follower.unwind,
    Flow.END_FINALLY: _Follower.end_finally,
    Flow.RETURN: _Follower.return_,
    Flow.RAISE: _Follower.raise_,
}
