"""Static checks of one function's bytecode, so that no tier needs any while it runs.

A device runs whatever it is given. Here, before a function first runs, every
instruction, jump and operand is checked, and the stack depth and block nesting are worked
out for every instruction that can be reached; they must agree wherever two paths meet and
stay within the frame the prelude asks for.

Source: MicroPython py/vm.c, py/emitbc.c (what the compiler guarantees).
"""

from __future__ import annotations

from typing import NamedTuple

from loader.code import Code
from loader.operators import MATCH
from loader.ops import BY_NAME, OPS, Flow, Fmt, Instruction, decode, instructions, stack_effect
from romfs.errors import BytecodeError

_SETUP_WITH = BY_NAME["SETUP_WITH"]
_SETUP_FINALLY = BY_NAME["SETUP_FINALLY"]
_DUP_TOP = BY_NAME["DUP_TOP"]
_BINARY_OP = BY_NAME["BINARY_OP"]


class Block(NamedTuple):
    """An exception block on the block stack.

    Attributes:
        kind: "except", "finally", "with" or "async with".
        handler: ip its handler starts at.
        depth: Stack depth its handler truncates to.
        active: Whether control is in its handler.
    """

    kind: str
    handler: int
    depth: int
    active: bool


class State(NamedTuple):
    """Stack depth and blocks before an instruction."""

    depth: int
    blocks: tuple[Block, ...]


class Verified(NamedTuple):
    """What is known of a function that passed.

    Attributes:
        states: The state before each reachable instruction, by ip.
        n_locals: Number of its locals.
        instructions: All its instructions, by ip.
    """

    states: dict[int, State]
    n_locals: int
    instructions: dict[int, Instruction]


def verify(code: Code) -> Verified:
    """Check a function.
    Raises:
        BytecodeError: It holds something no compiler emits.
    """
    verifier = _Verifier(code)
    return Verified(verifier.run(), verifier.n_locals, verifier.by_ip)


_LOCALS = frozenset(op for op in OPS if op.name.endswith(("_FAST", "_FAST_N", "_DEREF")))
_CHILDREN = frozenset(op for op in OPS if op.name.startswith("MAKE_"))
_CHECKED = (
    _LOCALS
    | _CHILDREN
    | frozenset(
        op
        for op in OPS
        if op.fmt is Fmt.QSTR or op.name in ("LOAD_CONST_OBJ", "BUILD_SLICE", "STORE_COMP")
    )
)
_PLAIN = frozenset(
    op for op in OPS if op.flow is Flow.NEXT and op.name not in ("WITH_CLEANUP", "STORE_COMP")
)
"""Opcodes after which control just goes on with other slots on the stack."""


class _Verifier:
    def __init__(self, code: Code) -> None:
        self.code = code
        self.by_ip: dict[int, Instruction] = {}
        self.states: dict[int, State] = {}
        self.pending: list[int] = []
        prelude = code.prelude
        self.n_locals = code.n_params
        self.n_state = prelude.n_state
        self.n_exc = prelude.n_exc_stack

    def run(self) -> dict[int, State]:
        by_ip = self.by_ip
        for instruction in instructions(self.code.ops):
            by_ip[instruction.ip] = instruction
            if instruction.op in _CHECKED:
                self.operand(instruction)
        highest = max(self.code.prelude.cells, default=-1)
        self.n_locals = max(self.n_locals, highest + 1)
        if self.n_locals > self.n_state:
            raise BytecodeError(f"{self.n_locals} locals in a frame of {self.n_state} slots", ip=0)
        for instruction in by_ip.values():
            if instruction.target >= 0 and instruction.target not in by_ip:
                raise self.error(
                    instruction, f"jump to {instruction.target}: no instruction starts there"
                )
        self.reach(0, State(0, ()), None)
        while self.pending:
            self.walk(self.pending.pop())
        return self.states

    def walk(self, ip: int) -> None:
        """Follow control from `ip` as long as it runs straight on through new ground."""
        by_ip, states = self.by_ip, self.states
        state = states[ip]
        while True:
            instruction = by_ip[ip]
            if state.blocks or instruction.op not in _PLAIN:
                self.step(instruction, state)
                return
            pops, pushes = stack_effect(instruction.op, instruction.arg, instruction.byte)
            depth = state.depth - pops
            if depth < 0:
                raise self.error(instruction, f"takes {pops} slots where {state.depth} are left")
            ip = instruction.next
            state = State(depth + pushes, ())
            if ip not in by_ip or ip in states or state.depth > self.n_state:
                self.reach(ip, state, instruction)
                return
            states[ip] = state

    def error(self, instruction: Instruction, message: str) -> BytecodeError:
        name = f"{self.code.context.file}:{self.code.name}: {instruction.op.name}"
        return BytecodeError(f"{name}: {message}", ip=instruction.ip, op=instruction.code)

    def operand(self, instruction: Instruction) -> None:
        """Check an operand against the table it indexes."""
        op, arg, code = instruction.op, instruction.arg, self.code
        limit: int | None = None
        if op.fmt is Fmt.QSTR:
            limit = len(code.context.names)
        elif op in _LOCALS:
            limit = self.n_state
            if arg >= self.n_locals:
                self.n_locals = arg + 1
        elif op in _CHILDREN:
            limit = len(code.raw.children)
        elif op.name == "LOAD_CONST_OBJ":
            limit = len(code.context.objects)
        elif op.name == "BUILD_SLICE" and arg not in (2, 3):
            raise self.error(instruction, f"{arg} bounds")
        elif op.name == "STORE_COMP" and arg & 3 == 3:
            raise self.error(instruction, f"no container of kind {arg & 3}")
        if limit is not None and arg >= limit:
            raise self.error(instruction, f"operand {arg} of a table of {limit}")

    def reach(self, ip: int, state: State, origin: Instruction | None) -> None:
        """Record that control can come to `ip` with this state."""
        at = origin or Instruction(0, _DUP_TOP, 0, 0, 0, -1, 0)
        if state.blocks:
            # As on a device, a block is active once control is at or behind its handler.
            blocks = [
                b if b.active or b.handler > ip else b._replace(active=True) for b in state.blocks
            ]
            state = State(state.depth, tuple(blocks))
        if ip not in self.by_ip:
            raise self.error(at, "control leaves the function")
        known = self.states.get(ip)
        if known is None:
            # The compiler sometimes declares a slot less than locals and stack need together.
            if state.depth > self.n_state:
                raise self.error(at, f"stack of {state.depth} slots, {self.n_state} declared")
            if len(state.blocks) > self.n_exc:
                raise self.error(at, f"{len(state.blocks)} blocks nested, {self.n_exc} declared")
            self.states[ip] = state
            self.pending.append(ip)
        elif known != state:
            raise self.error(
                at,
                f"two paths meet at {ip} with {known.depth} and {state.depth} slots, or in "
                "other blocks",
            )

    def step(self, ins: Instruction, state: State) -> None:
        depth, blocks = state
        pops, pushes = stack_effect(ins.op, ins.arg, ins.byte)
        floor = max((b.depth - (b.kind == "async with") for b in blocks), default=0)
        if ins.op.name in ("WITH_CLEANUP", "END_FINALLY"):
            floor = 0
        if blocks and blocks[-1].active and blocks[-1].kind.endswith("with"):
            # In an async with a sentinel may lie above what is known here.
            floor = 0 if blocks[-1].kind == "with" else -1
        if ins.op.name.startswith("DUP_"):  # looks below its block, but takes nothing
            floor = 0
        if depth - pops < floor:
            raise self.error(ins, f"takes {pops} slots where {depth - floor} are left")
        if ins.op.name == "STORE_COMP" and (ins.arg >> 2) > depth:
            raise self.error(ins, "container below the stack")
        after = depth - pops + pushes
        flow = ins.op.flow
        if flow is Flow.NEXT or flow is Flow.YIELD:
            if ins.op.name == "WITH_CLEANUP":
                blocks = self.leave_with(ins, blocks)
            self.reach(ins.next, State(after, blocks), ins)
        elif flow is Flow.JUMP:
            self.reach(ins.target, State(after, blocks), ins)
        elif flow is Flow.BRANCH:
            self.reach(ins.next, State(after, blocks), ins)
            self.reach(ins.target, State(after, blocks), ins)
        elif flow is Flow.BRANCH_OR_POP:
            self.reach(ins.next, State(after, blocks), ins)
            self.reach(ins.target, State(depth, blocks), ins)
        elif flow is Flow.FOR:
            self.reach(ins.next, State(after, blocks), ins)
            self.reach(ins.target, State(depth - 4, blocks), ins)
        elif flow is Flow.SETUP:
            self.setup(ins, state, after)
        elif flow is Flow.POP_EXCEPT:
            if not blocks:
                raise self.error(ins, "no block to leave")
            self.reach(ins.target, State(after, blocks[:-1]), ins)
        elif flow is Flow.END_FINALLY:
            self.end_finally(ins, state)
        elif flow is Flow.UNWIND:
            self.unwind(ins, state)
        # RETURN and RAISE lead nowhere but to handlers, which SETUP has reached.

    def setup(self, ins: Instruction, state: State, after: int) -> None:
        if ins.target <= ins.ip:
            raise self.error(ins, "a handler before its block")
        depth, blocks = state
        if ins.op is _SETUP_WITH:
            block = Block("with", ins.target, depth + 1, False)
        else:
            kind = "finally" if ins.op is _SETUP_FINALLY else "except"
            if kind == "finally" and self.is_async_with(ins.target):
                kind = "async with"
            block = Block(kind, ins.target, depth, False)
        self.reach(ins.next, State(after, (*blocks, block)), ins)
        active = block._replace(active=True)
        self.reach(ins.target, State(block.depth + 1, (*blocks, active)), ins)

    def is_async_with(self, handler: int) -> bool:
        """A handler that first compares what it got, see the compiler's async with."""
        first = self.by_ip[handler]
        if first.op is not _DUP_TOP:
            return False
        second = decode(self.code.ops, first.next)
        third = decode(self.code.ops, second.next)
        return third.op is _BINARY_OP and third.arg == MATCH

    def leave_with(self, ins: Instruction, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        if not blocks or blocks[-1].kind != "with" or blocks[-1].handler != ins.ip:
            raise self.error(ins, "not at the handler of its block")
        return blocks

    def end_finally(self, ins: Instruction, state: State) -> None:
        depth, blocks = state
        if not blocks:
            raise self.error(ins, "no block to end")
        block = blocks[-1]
        want = block.depth + {"except": 1, "finally": 1, "with": -1, "async with": 0}[block.kind]
        if depth != want:
            raise self.error(ins, f"{depth} slots where its block leaves {want}")
        if block.kind != "except":
            self.reach(ins.next, State(depth - 1, blocks[:-1]), ins)

    def unwind(self, ins: Instruction, state: State) -> None:
        depth, blocks = state
        for _ in range(ins.byte & 0x7F):
            if not blocks:
                raise self.error(ins, "leaves more blocks than there are")
            block = blocks[-1]
            blocks = blocks[:-1]
            if block.kind == "except":
                continue
            if block.active:
                depth -= 1
            elif depth != block.depth:
                raise self.error(ins, f"{depth} slots where the block began with {block.depth}")
            else:
                depth -= {"finally": 0, "with": 2, "async with": 1}[block.kind]
        if ins.byte & 0x80:
            depth -= 4
        if depth < 0:
            raise self.error(ins, "drops more than there is")
        self.reach(ins.target, State(depth, blocks), ins)
