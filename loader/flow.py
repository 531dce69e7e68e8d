"""What the C interpreter would have on its stack: one function, followed along every path.

The stack is followed slot by slot with the kind of each (`kinds`), the blocks as the
interpreter keeps them: a handler is active once its address lies behind, as on the device.
Finally code is followed once for each way into it, so END_FINALLY needs no guess. A path
that comes to an instruction with a state it had before ends there.

Source: MicroPython py/vm.c: opcode by opcode, with the slots each one uses in passing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from loader import kinds
from loader.functions import Function
from loader.kinds import OBJECT, OBJECTS, Kind
from loader.operands import Unsafe
from loader.operators import MATCH
from loader.ops import EFFECTS, Flow, Instruction, slots
from romfs.mpy import MpyObject, ObjKind, ScopeFlag

Stack = tuple[Kind, ...]

MAX_STATES = 20_000
"""States followed in one function; real code needs some hundreds at most."""

_FRAME_SLACK = 4  # slots a frame may have beyond those used; the compiler wastes a few


class Block(NamedTuple):
    """An entry of the block stack: what SETUP_* pushed."""

    catches_leaving: bool  # finally and with, as opposed to except
    handler: int
    depth: int


Blocks = tuple[Block, ...]


class Made(NamedTuple):
    """A function object made: child number, and the locals whose cells it closes over."""

    ip: int
    child: int
    cells: tuple[int, ...]


@dataclass(slots=True)
class Facts:
    """What one function does that other functions of the file must agree with.

    Attributes:
        made: Function objects it makes.
        class_bodies: Child numbers it hands to the class builder.
        returns: Kinds of the values it returns.
        stored: Locals whose cells it stores into or empties.
        supers: ip and cell local of each super() call; local -1 for a global `__class__`.
    """

    made: list[Made] = field(default_factory=list)
    class_bodies: set[int] = field(default_factory=set)
    returns: set[Kind] = field(default_factory=set)
    stored: set[int] = field(default_factory=set)
    supers: list[tuple[int, int]] = field(default_factory=list)


def follow(function: Function, n_cells: int, by_ip: dict[int, Instruction]) -> Facts:
    """Follow a function along every path.

    Args:
        function: The function.
        n_cells: How many of its first parameters are cells, as its maker passes them.
        by_ip: Its instructions.
    Raises:
        Unsafe: The C interpreter could come to harm.
    """
    return _Follower(function, n_cells, by_ip).run()


class _Follower:
    def __init__(self, function: Function, n_cells: int, by_ip: dict[int, Instruction]) -> None:
        self.function = function
        self.by_ip = by_ip
        prelude = function.signature
        own = frozenset(prelude.cells)
        self.cells = own | frozenset(range(n_cells))
        self.n_locals = max(
            function.n_params,
            max(self.cells, default=-1) + 1,
            max((i.arg + 1 for i in by_ip.values() if i.op.name in _READS), default=0),
        )
        self.room = prelude.n_state - self.n_locals
        self.deepest = 0
        self.most_blocks = 0
        self.leaders = {i.target for i in by_ip.values() if i.target >= 0}
        self.leaders |= {i.next for i in by_ip.values() if i.op.flow is Flow.SETUP}
        self.seen: dict[int, dict[object, Stack]] = {}
        self.height: dict[int, tuple[int, int]] = {}
        self.pending: list[tuple[int, Stack, Blocks]] = []
        self.states = 0
        self.facts = Facts()
        self.at = next(iter(by_ip.values()))
        if self.room < 0:
            raise self.fault(
                "bytecode-frame", f"{self.n_locals} locals in a frame of {prelude.n_state} slots"
            )

    def fault(self, rule: str, message: str) -> Unsafe:
        return Unsafe(rule, f"{self.at.op.name}: {message}", ip=self.at.ip, op=self.at.code)

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
        """Control comes to `ip`: go on from there unless it has been there like this."""
        if ip not in self.by_ip:
            raise self.fault("bytecode-jump", "control leaves the function")
        self.use(len(stack))
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
                return
        here[key] = stack
        self.states += 1
        if self.states > MAX_STATES:
            raise self.fault("bytecode-complex", f"more than {MAX_STATES} states to follow")
        self.pending.append((ip, stack, blocks))
        self.raising(ip, stack, blocks)

    def raising(self, ip: int, stack: Stack, blocks: Blocks) -> None:
        """An instruction from `ip` on may raise: the innermost handler ahead is entered."""
        count = len(blocks)
        while count and blocks[count - 1].handler <= ip:
            count -= 1
        if not count:
            return
        block = blocks[count - 1]
        if len(stack) < block.depth:
            raise self.fault(
                "bytecode-stack",
                f"{len(stack)} values where the block's handler at {block.handler} expects "
                f"{block.depth}",
            )
        self.reach(block.handler, (*stack[: block.depth], kinds.EXCEPTION), blocks[:count])

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

    def use(self, depth: int) -> None:
        """Note that the stack is this deep, if only in passing."""
        if depth > self.deepest:
            self.deepest = depth
            if depth > self.room:
                raise self.fault(
                    "bytecode-stack", f"a stack of {depth} values in a frame with {self.room}"
                )

    def straight(self, ip: int, start: Stack, blocks: Blocks) -> None:
        """Follow a path until it branches, ends, or comes to where others do."""
        stack = list(start)
        while True:
            ins = self.at = self.by_ip[ip]
            floor = max((b.depth for b in blocks if b.handler > ip), default=0)
            flow = ins.op.flow
            if flow is Flow.NEXT or flow is Flow.YIELD:
                changed = False
                special = _SPECIAL.get(ins.op.name)
                if special is not None:
                    changed = special(self, ins, stack, floor) is True
                elif ins.op.name == "WITH_CLEANUP":
                    self.with_cleanup(ins, stack, blocks)
                    return
                else:
                    self.plain(ins, stack, floor)
                if len(stack) > self.deepest:
                    self.use(len(stack))
                ip = ins.next
                if ip in self.leaders or changed or ip not in self.by_ip:
                    self.reach(ip, tuple(stack), blocks)
                    return
            else:
                _FLOWS[flow](self, ins, stack, blocks, floor)
                return

    # ----------------------------------------------------------------------------- values

    def take(self, stack: list[Kind], floor: int, wanted: frozenset[str], what: str) -> Kind:
        if len(stack) <= floor:
            raise self.fault(
                "bytecode-stack",
                "takes a value from below its block" if stack else "takes a value, there is none",
            )
        kind = stack.pop()
        if kind.name not in wanted:
            raise self.fault("bytecode-value", f"takes {what}, and finds {_article(kind)}")
        return kind

    def objects(self, stack: list[Kind], floor: int, count: int) -> None:
        for _ in range(count):
            self.take(stack, floor, OBJECTS, "an object")

    def plain(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        """What a row's effect says, without more."""
        takes, gives = EFFECTS[ins.op]
        for item in reversed(takes):
            name, star, _ = item.partition("*")
            wanted, what = kinds.REQUIRED.get(name, _ANY)
            if name == "value" and ins.op.name in kinds.NULLABLE:
                wanted = _OR_NULL
            count = slots(item, ins.arg, ins.byte) if star else 1
            if count > len(stack):
                raise self.fault("bytecode-stack", f"takes {count} values of {len(stack)}")
            for _ in range(count):
                self.take(stack, floor, wanted, what)
        for item in gives:
            name, star, _ = item.partition("*")
            kind = kinds.GIVEN.get(name, OBJECT)
            count = slots(item, ins.arg, ins.byte) if star else 1
            if len(stack) + count > self.room:
                self.use(len(stack) + count)
            stack.extend([kind] * count)

    def move(self, ins: Instruction, stack: list[Kind], floor: int) -> bool:
        """DUP, ROT, POP: the effect names what goes where.

        Returns:
            Whether slots changed that a handler will find.
        """
        takes, gives = EFFECTS[ins.op]
        copies = len(gives) > len(takes)
        if len(stack) - len(takes) < (floor if not gives else 0):
            raise self.fault("bytecode-stack", "reaches below its block or the stack")
        named = dict(zip(takes, stack[len(stack) - len(takes) :], strict=True))
        del stack[len(stack) - len(takes) :]
        moved = [named[name] for name in gives]
        if copies:
            # A copy of a marker is a plain small int; an address cannot be copied.
            for at in range(len(takes), len(moved)):
                if moved[at].name == "leaving":
                    moved[at] = Kind("copy")
                elif moved[at].name == "address":
                    raise self.fault("bytecode-value", "copies a jump address")
        if len(gives) > 1 and any(kind.name == "iterator" for kind in moved):
            raise self.fault("bytecode-value", "tears an iterator apart")
        stack.extend(moved)
        return not copies and len(stack) - len(takes) < floor

    def constant(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        name = ins.op.name
        if name == "LOAD_CONST_NONE":
            stack.append(kinds.NONE)
        elif name == "LOAD_CONST_STRING":
            stack.append(kinds.QSTR)
        elif name == "LOAD_CONST_SMALL_INT":
            stack.append(Kind("int", ins.arg))
        else:
            obj = self.function.mpy.objects[ins.arg]
            if _has_fun_table(obj):
                raise self.fault("bytecode-value", "loads the table of native functions")
            stack.append(Kind("tuple", len(obj.items)) if obj.kind is ObjKind.TUPLE else OBJECT)

    def name(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        text = self.function.mpy.qstrs[ins.arg].text
        found = {"BaseException": kinds.BASE_EXCEPTION, "__class__": kinds.CLASS_GLOBAL}
        stack.append(found.get(text, OBJECT))

    def local(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        action, _, place = ins.op.name.removesuffix("_N").partition("_")
        in_cell = ins.arg in self.cells
        if place == "DEREF":
            if not in_cell:
                raise self.fault("bytecode-cell", f"local {ins.arg} is no cell")
            if action == "LOAD":
                stack.append(Kind("content", ins.arg))
                return
            self.facts.stored.add(ins.arg)
        elif action == "LOAD":
            stack.append(Kind("cell", ins.arg) if in_cell else OBJECT)
            return
        elif in_cell:
            raise self.fault("bytecode-cell", f"overwrites the cell in local {ins.arg}")
        if action == "STORE":
            self.take(stack, floor, OBJECTS, "an object")
            if place == "FAST" and len(stack) > self.function.signature.n_state - 1 - ins.arg:
                raise self.fault("bytecode-frame", f"local {ins.arg} lies in the stack")

    def make(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        closed = []
        for _ in range(ins.byte if "CLOSURE" in ins.op.name else 0):
            cell = self.take(stack, floor, *kinds.REQUIRED["cells"])
            closed.append(cell.value)
        n_defaults, has_kwdefaults = 0, False
        if ins.op.name.endswith("DEFARGS"):
            has_kwdefaults = self.take(stack, floor, *kinds.REQUIRED["kwdefaults"]) == kinds.DICT
            defaults = self.take(stack, floor, *kinds.REQUIRED["defaults"])
            n_defaults = defaults.value if defaults.name == "tuple" else 0
        child = self.function.children[ins.arg]
        problem = defaults_problem(child, n_defaults, has_kwdefaults)
        if problem:
            raise self.fault("bytecode-call", problem)
        self.facts.made.append(Made(ins.ip, ins.arg, tuple(reversed(closed))))
        stack.append(Kind("function", ins.arg))

    def call(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        name = ins.op.name
        positional, keyword = ins.arg & 0xFF, ins.arg >> 8 & 0xFF
        spread = name.endswith("VAR_KW")
        bitmap = self.take(stack, floor, *kinds.REQUIRED["bitmap"]).value if spread else 0
        keys = _KEYS_OR_NULL if spread else _KEYS
        for _ in range(keyword):
            self.objects(stack, floor, 1)
            self.take(stack, floor, keys, "the name of a keyword argument")
        first = OBJECT
        for _ in range(positional):
            first = self.take(stack, floor, OBJECTS, "an object")
        if name.startswith("CALL_METHOD"):
            self.take(stack, floor, kinds.CALLABLE_SELF, "an object or nothing")
        elif stack and stack[-1] == kinds.BUILDER and len(stack) > floor:
            if first.name != "function" or bitmap & 1 or not positional:
                raise self.fault("bytecode-class", "the class body is not a function made here")
            self.facts.class_bodies.add(first.value)
            stack[-1] = OBJECT
            return
        self.objects(stack, floor, 1)
        stack.append(OBJECT)

    def super_method(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        self.objects(stack, floor, 1)
        owner = self.take(stack, floor, _CLASS_CELL, "the class cell")
        self.objects(stack, floor, 1)
        self.facts.supers.append((ins.ip, owner.value if owner.name == "content" else -1))
        stack += (OBJECT, kinds.MAYBE_NULL)

    def compare(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        right = self.take(stack, floor, OBJECTS, "an object")
        left = self.take(stack, floor, OBJECTS, "an object")
        result = OBJECT
        if ins.arg == MATCH:
            if left == kinds.EXCEPTION and right == kinds.BASE_EXCEPTION:
                result = kinds.TRUE
            elif left.name == "copy":
                result = kinds.FALSE
        stack.append(result)

    def iterate(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        self.objects(stack, floor, 1)
        stack += kinds.ITERATOR

    def comprehension(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        below, sort = ins.arg >> 2, ("list", "dict", "set")[ins.arg & 3]
        if below >= len(stack):
            raise self.fault("bytecode-stack", "its container lies below the stack")
        container = stack[len(stack) - 1 - below]
        if container.name != sort:
            raise self.fault("bytecode-value", f"adds to a {sort}, and finds {_article(container)}")
        self.objects(stack, floor, 2 if sort == "dict" else 1)

    def import_from(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        self.take(stack, floor, *kinds.REQUIRED["module"])
        stack += (kinds.MODULE, OBJECT)

    def tuple_(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        if ins.arg > len(stack):
            raise self.fault("bytecode-stack", f"takes {ins.arg} values of {len(stack)}")
        self.objects(stack, floor, ins.arg)
        stack.append(Kind("tuple", ins.arg))

    def suspend(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        if not self.function.is_generator:
            raise self.fault("bytecode-call", "in a function that is no generator")
        self.plain(ins, stack, floor)

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
            stack += (OBJECT, kinds.MAYBE_NULL)
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
        if exit_.name not in OBJECTS or self_.name not in kinds.CALLABLE_SELF:
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
            raise self.fault("bytecode-blocks", f"finds {_article(state)} and not what led here")

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


def defaults_problem(child: Function, n_defaults: int, has_kwdefaults: bool) -> str | None:
    """Why a function cannot be made with these defaults, or None."""
    prelude = child.prelude
    if prelude is None:
        return None  # viper and assembler functions take no defaults from here
    if prelude.n_def_pos_args != n_defaults:
        return f"{n_defaults} defaults for {child.name}, which reads {prelude.n_def_pos_args}"
    if prelude.n_def_pos_args > prelude.n_pos_args:
        return f"{child.name} has {n_defaults} defaults for {prelude.n_pos_args} parameters"
    if bool(prelude.scope_flags & ScopeFlag.DEFKWARGS) != has_kwdefaults:
        return f"{child.name} and its maker disagree about keyword-only defaults"
    return None


def _has_fun_table(obj: MpyObject) -> bool:
    return obj.kind is ObjKind.FUN_TABLE or any(map(_has_fun_table, obj.items))


def _article(kind: Kind) -> str:
    return f"{'an' if kind.name[0] in 'aeio' else 'a'} {kind.name}"


# The compiler leaves a local that is only ever stored (`__class__ = x` in a class body) out
# of the frame's size; it then lies among the free slots of the stack, where it does no harm.
_READS = frozenset("LOAD_FAST LOAD_FAST_N DELETE_FAST LOAD_DEREF STORE_DEREF DELETE_DEREF".split())
_ANY = (OBJECTS, "an object")
_OR_NULL = OBJECTS | {"null"}
_KEYS = frozenset({"name"})
_KEYS_OR_NULL = _KEYS | {"null"}
_CLASS_CELL = frozenset({"content", "global __class__"})

_SPECIAL: dict[str, Callable[[_Follower, Instruction, list[Kind], int], bool | None]] = {
    "LOAD_CONST_NONE": _Follower.constant,
    "LOAD_CONST_STRING": _Follower.constant,
    "LOAD_CONST_SMALL_INT": _Follower.constant,
    "LOAD_CONST_OBJ": _Follower.constant,
    "LOAD_NAME": _Follower.name,
    "LOAD_GLOBAL": _Follower.name,
    **{
        f"{action}_{place}": _Follower.local
        for action in ("LOAD", "STORE", "DELETE")
        for place in ("FAST", "FAST_N", "DEREF")
    },
    **{
        f"MAKE_{kind}{defaults}": _Follower.make
        for kind in ("FUNCTION", "CLOSURE")
        for defaults in ("", "_DEFARGS")
    },
    **{
        f"CALL_{kind}{spread}": _Follower.call
        for kind in ("FUNCTION", "METHOD")
        for spread in ("", "_VAR_KW")
    },
    **dict.fromkeys(("DUP_TOP", "DUP_TOP_TWO", "POP_TOP", "ROT_TWO", "ROT_THREE"), _Follower.move),
    "LOAD_SUPER_METHOD": _Follower.super_method,
    "BINARY_OP": _Follower.compare,
    "GET_ITER_STACK": _Follower.iterate,
    "STORE_COMP": _Follower.comprehension,
    "IMPORT_FROM": _Follower.import_from,
    "BUILD_TUPLE": _Follower.tuple_,
    "YIELD_VALUE": _Follower.suspend,
    "YIELD_FROM": _Follower.suspend,
}
"""Rows whose kinds their effect does not tell."""

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
