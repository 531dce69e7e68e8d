"""Writes the statements of a function: blocks become if, while, for, try and with again.

The writer walks the blocks along control flow. It carries where control goes when the
statements being written end (`Context.after`) and where `break` and `continue` lead; a jump
there needs no text or one word. Any other jump goes on with its target in place, which is
correct for every graph; it writes a block twice if two jumps need it, so what it may write
is limited, and a function that needs more is left to `dispatch`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from loader.code import Code
from loader.ops import Flow
from loader.translate import nodes
from loader.translate.fold import Folder
from loader.translate.graph import Block, End, Item, Unstructured, build
from loader.translate.nodes import (
    assign,
    call,
    choose,
    constant,
    expression,
    help_call,
    helper,
    is_type,
    name,
    not_,
    target,
    tuple_,
)
from loader.translate.shape import Loop, Shape
from loader.translate.values import NULL, SLOT, Entry, Kind, Values
from loader.verify import Block as Guard

if TYPE_CHECKING:
    from loader.translate.unit import Unit


class Label(NamedTuple):
    """A place a jump can lead to, and what the stack holds there."""

    block: Block
    stack: list[Entry]


class Context(NamedTuple):
    """Where control goes from the statements being written.

    Attributes:
        after: By reaching their end; None if that cannot happen.
        again: By `continue`.
        leave: By `break`.
        ending: Handler whose END_FINALLY is their end.
    """

    after: Label | None
    again: Label | None
    leave: Label | None
    ending: int = -1


class Forced(Exception):
    """A stack position needs a temporary of its own at a merge: write the function again."""


_STORES = frozenset({"STORE_FAST", "STORE_FAST_N", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL"})
_JUMPS_AWAY = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_MAX_TRIES = 20


class Writer(Values):
    """Writes one function.

    Args:
        unit: What is shared with the other functions of the unit.
        code: The function.
        parent: The function it is defined in, if that belongs to the unit too.
        free: Names of its closed-over variables.
    """

    def __init__(
        self, unit: Unit, code: Code, parent: Writer | None, free: tuple[str, ...]
    ) -> None:
        super().__init__(unit, code)
        self.parent = parent
        self.free = free
        self.yielded = False
        prelude = code.prelude
        n_free, n_pos = len(free), prelude.n_pos_args
        params: list[str] = []
        for slot in range(n_free, code.n_params):
            text = code.arg_names[slot] if slot < len(code.arg_names) else "*"
            if text == "*" or text in params or text in ("None", "True", "False", "__debug__"):
                text = unit.fresh("local", slot)
            params.append(text)
            self.locals[slot] = text
        self.params = params
        self.n_positional = n_pos - n_free
        if params and self.n_positional:
            self.first_param = n_free
        for slot, text in enumerate(free):
            self.cells[slot] = text
        for slot in prelude.cells:
            self.cells[slot] = self.locals.get(slot) or unit.fresh("cell", slot)
        self.graph = build(code)
        self.children_cells: dict[int, tuple[int, ...]] = {}
        for block in self.graph.blocks.values():
            self.scan(block)
        ops = {item.name for block in self.graph.blocks.values() for item in block.items}
        if ops & {"LOAD_NAME", "STORE_NAME", "DELETE_NAME"}:
            if code.path:
                self.namespace = unit.fresh("namespace", 0)
            else:
                self.is_module = True
        Folder(self.graph, self.can_inline, self.can_walrus).run()
        self.shape = Shape(self.graph)
        self.forced: set[tuple[int, int]] = set()
        self.budget = 0
        self.merge_temps: dict[tuple[int, int], str] = {}

    def scan(self, block: Block) -> None:
        """Note which cells closures take, and which locals are deleted."""
        items = block.items
        for at, item in enumerate(items):
            if item.name.startswith("MAKE_CLOSURE"):
                before = items[at - item.byte : at] if at >= item.byte else []
                if len(before) != item.byte or any(
                    load.name not in ("LOAD_FAST", "LOAD_FAST_N") for load in before
                ):
                    raise Unstructured("cells of a closure from elsewhere")
                self.children_cells[item.ip] = tuple(load.arg for load in before)
            elif item.name == "DELETE_FAST":
                self.deleted.add(item.arg)

    def can_inline(self, item: Item) -> bool:
        """Whether a function made by an item can be written within an expression."""
        return self.unit.inline_of(self, item) is not None

    def can_walrus(self, item: Item) -> bool:
        """Whether the target of a STORE is a name."""
        if item.name == "STORE_NAME":
            return self.namespace is None
        return not (item.name.startswith("STORE_FAST") and item.arg in self.cells)

    # --------------------------------------------------------------------------- whole

    def body(self) -> list[ast.stmt]:
        """The statements of the function.

        Raises:
            Unstructured: It has a shape that cannot be written.
        """
        for _ in range(_MAX_TRIES):
            try:
                return self.attempt()
            except Forced:
                continue
        raise Unstructured("stack positions that differ between paths")

    def attempt(self) -> list[ast.stmt]:
        """Write everything once."""
        total = sum(len(block.items) + 2 for block in self.graph.blocks.values())
        self.budget = 2 * total + 60
        self.sure = self.certain_parameters()
        out: list[ast.stmt] = []
        self.region(self.graph.entry, self.first_stack(), Context(None, None, None), out)
        return out

    def certain_parameters(self) -> set[int]:
        """Locals that are assigned on entry."""
        return {slot for slot in self.locals if slot < self.code.n_params} - self.deleted

    def first_stack(self) -> list[Entry]:
        """The stack on entry."""
        return []

    # -------------------------------------------------------------------------- labels

    def label(self, block: Block, stack: list[Entry]) -> Label:
        """A label for `block` where the stack is known to begin with `stack`."""
        found = []
        for at in range(block.depth):
            if at < len(stack) and (block.start, at) not in self.forced:
                entry = stack[at]
                if entry.kind in (Kind.SLOT, Kind.NULL, Kind.STABLE, Kind.CELL):
                    found.append(entry)
                    continue
            key = (block.start, at)
            if key not in self.merge_temps:
                self.merge_temps[key] = self.unit.temp()
            found.append(Entry(name(self.merge_temps[key], block.line or 1), Kind.STABLE))
        return Label(block, found)

    def arrive(self, label: Label, stack: list[Entry], out: list[ast.stmt]) -> None:
        """Bring the stack into the form a label expects."""
        self.stack, self.out = stack, out
        block, wanted = label
        while len(stack) > block.depth:
            entry = stack.pop()
            if entry.kind is Kind.VALUE:
                self.write(expression(entry.node, entry.node.lineno))
        if len(stack) < block.depth:
            raise Unstructured("paths with stacks of different depth")
        targets: list[ast.expr] = []
        values: list[ast.expr] = []
        for at, want in enumerate(wanted):
            have = stack[at]
            if have is want or (want.kind is Kind.SLOT):
                continue
            if have.kind is not Kind.VALUE and _same_name(want.node, have.node):
                continue
            if _same_constant(want.node, have.node):
                continue
            merged = self.merge_temps.get((block.start, at))
            if merged is None or merged != getattr(want.node, "id", None):
                if have.kind in (Kind.SLOT, Kind.NULL) or want.kind in (Kind.CELL, Kind.NULL):
                    raise Unstructured("paths with different stacks")
                self.forced.add((block.start, at))
                raise Forced
            line = getattr(have.node, "lineno", block.line or 1)
            targets.append(target(want.node.id, line))
            values.append(self.value(have))
            stack[at] = want
        if len(targets) == 1:
            self.write(assign(targets[0], values[0], values[0].lineno))
        elif targets:
            line = values[0].lineno
            self.write(assign(tuple_(targets, line, nodes.STORE), tuple_(values, line), line))

    def jump(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """Go to a block: by a statement, by the end of the region, or in place (returned)."""
        after, again, leave, _ = context
        if after is not None and block is after.block:
            self.arrive(after, stack, out)
            return None
        line = self.unit.line
        if again is not None and block is again.block:
            self.arrive(again, stack, out)
            out.append(ast.Continue(lineno=line, col_offset=0))
            return None
        if leave is not None and block is leave.block:
            self.arrive(leave, stack, out)
            out.append(ast.Break(lineno=line, col_offset=0))
            return None
        self.stack, self.out = stack, out
        while len(stack) > block.depth:
            entry = stack.pop()
            if entry.kind is Kind.VALUE:
                self.write(expression(entry.node, entry.node.lineno))
        return block

    # ------------------------------------------------------------------------- regions

    def region(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> None:
        """Write everything from `block` until control leaves or comes to `context.after`."""
        now: Block | None = block
        while now is not None:
            self.budget -= len(now.items) + 2
            if self.budget < 0:
                raise Unstructured(f"jump to {now.start} that no statement expresses")
            loop = self.shape.loops.get(now.start)
            if loop is not None:
                now = self.loop(loop, stack, context, out)
            else:
                now = self.block(now, 0, stack, context, out)
            if now is not None:
                stack = self.stack

    def block(
        self, block: Block, first: int, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """Write a block from its item number `first`; the block that follows in place."""
        self.items(block.items, first, stack, out)
        return self.finish(block, stack, context, out)

    def items(self, items: list[Item], first: int, stack: list[Entry], out: list[ast.stmt]) -> None:
        self.stack, self.out = stack, out
        at = first
        while at < len(items):
            item = items[at]
            self.unit.line = item.line
            if item.name.startswith("UNPACK_"):
                found = self.targets(items, at)
                if found is not None:
                    where, at = found
                    source = self.pop()
                    self.assigned(where)
                    self.write(assign(where, self.iterate_for_unpack(source, item.line), item.line))
                    continue
            self.do(item)
            at += 1

    def finish(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """Write how a block ends; the block that follows in place, with `self.stack`."""
        end = block.end
        line = self.unit.line = block.line or self.unit.line
        if end is End.GOTO:
            return self.jump(block.succ[0], stack, context, out)
        if end is End.BRANCH:
            condition = self.value(stack.pop())
            return self.branch(block, condition, stack, stack, context, out)
        if end is End.KEEP_TRUE or end is End.KEEP_FALSE:
            self.flush()
            kept = self.stable_top()
            condition = self.value(kept)
            if end is End.KEEP_FALSE:
                condition = not_(condition, line)
            return self.branch(block, condition, stack, stack[:-1], context, out)
        if end is End.RETURN:
            self.write_return(line)
            return None
        if end is End.RAISE:
            self.write_raise(block, line)
            return None
        if end is End.TRY:
            return self.try_except(block, stack, context, out)
        if end is End.FINALLY:
            return self.try_finally(block, stack, context, out)
        if end is End.WITH:
            return self.with_(block, stack, context, out)
        if end is End.END_FINALLY and block.guards[-1].handler == context.ending:
            return None
        raise Unstructured(f"{end.name} out of place")

    def write_return(self, line: int) -> None:
        """RETURN_VALUE."""
        value = self.take()
        self.stack = [entry for entry in self.stack if entry.kind is Kind.VALUE]
        self.write(ast.Return(value, lineno=line, col_offset=0))

    def write_raise(self, block: Block, line: int) -> None:
        """RAISE_OBJ, RAISE_FROM, RAISE_LAST."""
        assert block.last is not None
        kind = block.last.op.name
        exc: ast.expr | None = None
        if kind == "RAISE_FROM":
            self.take()
        if kind == "RAISE_LAST":
            active = [guard.kind for guard in block.guards if guard.active]
            if not active:
                exc = help_call("nothing_to_raise", [], line)
            elif active[-1] != "except":
                raise Unstructured("bare raise in a finally clause")
        else:
            exc = self.take()
            made = exc.func if isinstance(exc, ast.Call) else None
            if not (isinstance(made, ast.Name) and made.id in self.facts.defined):
                exc = help_call("exception", [exc], line)
        self.stack = [entry for entry in self.stack if entry.kind is Kind.VALUE]
        self.write(ast.Raise(exc, None, lineno=line, col_offset=0))

    def branch(
        self,
        block: Block,
        condition: ast.expr,
        stack_true: list[Entry],
        stack_false: list[Entry],
        context: Context,
        out: list[ast.stmt],
    ) -> Block | None:
        """Write `if condition:` with what follows."""
        line = block.line
        true, false = block.succ
        self.stack, self.out = (
            stack_true if len(stack_true) < len(stack_false) else stack_false,
            out,
        )
        same = stack_true is stack_false
        if true is false and same:
            self.write(expression(condition, line))
            return self.jump(true, stack_true, context, out)
        if any(entry.kind is Kind.VALUE for entry in self.stack):
            self.flush()  # the condition comes after what is pending
        if same:
            self.stack = stack_true
            self.settle()
        else:
            self.stack = stack_false
            self.settle()
            stack_true[: len(stack_false)] = stack_false
        follow = self.follow(block, context)
        inner = context
        if follow is not None:
            inner = context._replace(after=self.label(follow, stack_false))
        sure = self.sure
        yes: list[ast.stmt] = []
        no: list[ast.stmt] = []
        self.sure = set(sure)
        self.arm(true, list(stack_true), inner, yes)
        if follow is None and yes and _leaves(yes):
            out.append(ast.If(condition, yes, [], lineno=line, col_offset=0))
            self.sure = sure
            stack = list(stack_false)
            self.stack, self.out = stack, out
            return self.jump(false, stack, context, out)
        self.sure = set(sure)
        self.arm(false, list(stack_false), inner, no)
        self.sure = sure
        if no and not yes:
            yes, no = no, yes
            condition = not_(condition, line)
        elif no and _leaves(no) and not _leaves(yes):
            out.append(ast.If(not_(condition, line), no, [], lineno=line, col_offset=0))
            out.extend(yes)
            yes = no = []
        if yes or no:
            out.append(ast.If(condition, yes or [_pass(line)], no, lineno=line, col_offset=0))
        elif not out or not isinstance(out[-1], ast.stmt) or not _leaves(out):
            out.append(expression(condition, line))
        if follow is None:
            return None
        assert inner.after is not None
        return self.proceed(inner.after, context, out)

    def arm(self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]) -> None:
        """Write one side of an `if`."""
        now = self.jump(block, stack, context, out)
        if now is not None:
            self.region(now, stack, context, out)

    def follow(self, block: Block, context: Context) -> Block | None:
        """Where both sides of an `if` come together again."""
        known = {
            label.block.start
            for label in (context.after, context.again, context.leave)
            if label is not None
        }
        loop = self.shape.loops.get(block.start)
        for merge in self.shape.merges.get(block.start, ()):
            if merge.start in known or merge.start <= block.start:
                continue
            if loop is not None and merge.start not in loop.extent:
                continue
            if merge.end is End.RETURN and len(merge.items) < 2:
                continue  # short enough to be written twice
            return merge
        return None

    def proceed(self, label: Label, context: Context, out: list[ast.stmt]) -> Block | None:
        """Go on after a statement at the label its parts lead to."""
        stack = list(label.stack)
        self.stack, self.out = stack, out
        return self.jump(label.block, stack, context, out)

    # --------------------------------------------------------------------------- loops

    def loop(
        self, loop: Loop, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """Write a loop; the block that follows in place."""
        header = loop.header
        self.stack, self.out = stack, out
        if header.end is End.FOR or header.end is End.RANGE:
            if header.items:
                raise Unstructured("loop header that does more than iterate")
            return self.for_(loop, stack, context, out)
        self.settle()
        again = self.label(header, stack)
        self.arrive(again, stack, out)
        stack = list(again.stack)
        sure = self.sure
        found = self.while_(loop, again, context, out)
        self.sure = sure
        return found

    def while_(
        self, loop: Loop, again: Label, context: Context, out: list[ast.stmt]
    ) -> Block | None:
        header = loop.header
        line = (header.items[0].line if header.items else header.line) or 1
        if header.end is End.BRANCH:
            inside = [succ.start in loop.extent for succ in header.succ]
            if inside[0] != inside[1]:
                test: list[ast.stmt] = []
                stack = list(again.stack)
                self.sure = set(self.sure)
                self.items(header.items, 0, stack, test)
                if not test and all(e.kind is not Kind.VALUE for e in stack[:-1]):
                    condition = self.value(stack.pop())
                    body, end = header.succ
                    if not inside[0]:
                        condition = not_(condition, header.line)
                        body, end = end, body
                    return self.write_loop(
                        loop, again, body, list(stack), end, stack, context, out,
                        lambda text, orelse: ast.While(
                            condition, text, orelse, lineno=header.line, col_offset=0
                        ),
                    )  # fmt: skip
        leave = self.break_target(loop, None)
        leave_label = self.label(leave, list(again.stack)) if leave is not None else None
        text: list[ast.stmt] = []
        inner = Context(again, again, leave_label)
        self.sure = set(self.sure)
        stack = list(again.stack)
        now = self.block(header, 0, stack, inner, text)
        if now is not None:
            self.region(now, self.stack, inner, text)
        forever = constant(True, line)
        out.append(ast.While(forever, text or [_pass(line)], [], lineno=line, col_offset=0))
        if leave_label is None:
            return None
        return self.proceed(leave_label, context, out)

    def for_(
        self, loop: Loop, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        header = loop.header
        line = header.line
        self.unit.line = line
        if header.end is End.RANGE:
            iterable = self.range_of(header, stack)
        else:
            if len(stack) < 4:
                raise Unstructured("loop without an iterator")
            words = stack[-4:]
            if words[0].kind is Kind.ITERABLE:
                iterable = self.iterable(words[0])
            elif words[0].kind is Kind.NULL and words[1].node is not None:
                iterable = words[1].node
            else:
                raise Unstructured("loop over something GET_ITER_STACK did not make")
            del stack[-4:]
            stack.extend((SLOT, SLOT, SLOT, SLOT))
        self.stack, self.out = stack, out
        self.settle()
        after = stack if header.end is End.RANGE else stack[:-4]
        again = self.label(header, stack)
        self.arrive(again, stack, out)
        body, end = header.succ
        inside = list(again.stack)
        where, first = self.loop_target(body, line)
        sure = self.sure
        self.sure = set(sure)
        if where is None:
            text = self.unit.temp()
            where = target(text, line)
            inside.append(Entry(name(text, line), Kind.STABLE))
        else:
            self.assigned(where)
        made_target = where
        # The body may begin with a header of its own only if it stores nothing first.
        found = self.write_loop(
            loop, again, body, inside, end, list(after), context, out,
            lambda text, orelse: ast.For(
                made_target, iterable, text, orelse, None, lineno=line, col_offset=0
            ),
            first,
        )  # fmt: skip
        self.sure = sure
        return found

    def write_loop(
        self,
        loop: Loop,
        again: Label,
        body: Block,
        inside: list[Entry],
        end: Block,
        after: list[Entry],
        context: Context,
        out: list[ast.stmt],
        make: object,
        first: int = 0,
    ) -> Block | None:
        """Write a loop that ends by itself at `end`, with its else clause."""
        leave = self.break_target(loop, end)
        leave_label = self.label(leave or end, list(after))
        text: list[ast.stmt] = []
        inner = Context(again, again, leave_label if leave is not None else None)
        if leave is None:
            inner = Context(again, again, leave_label)
        sure = self.sure
        self.sure = set(sure)
        if first:
            now = self.block(body, first, inside, inner, text)
            if now is not None:
                self.region(now, self.stack, inner, text)
        else:
            self.arm(body, inside, inner, text)
        self.sure = sure
        _drop_final_continue(text)
        orelse: list[ast.stmt] = []
        if leave is not None and leave is not end:
            self.sure = set(sure)
            self.arm(end, list(after), context._replace(after=leave_label), orelse)
            self.sure = sure
        else:
            self.arrive(leave_label, list(after), orelse)
        line = again.block.line or 1
        out.append(make(text or [_pass(line)], orelse))  # type: ignore[operator]
        return self.proceed(leave_label, context, out)

    def break_target(self, loop: Loop, end: Block | None) -> Block | None:
        """Where `break` leads, besides the loop's own end."""
        exits = [block for block in loop.exits.values() if end is None or block is not end]
        if not exits:
            return None
        return max(exits, key=lambda block: block.start)

    def loop_target(self, body: Block, line: int) -> tuple[ast.expr | None, int]:
        """What a for loop assigns to, and the number of items of its body that say so."""
        if len(body.pred) == 1 and body.items and body.start not in self.shape.loops:
            found = self.targets(body.items, 0)
            if found is not None:
                return found
        return None, 0

    def targets(self, items: list[Item], at: int) -> tuple[ast.expr, int] | None:
        """The assignment target that items from `at` on spell, and the number of the next."""
        if at >= len(items):
            return None
        item = items[at]
        line = item.line
        if item.name in _STORES:
            text = self.target_name(item)
            if text is None:
                if item.name == "STORE_NAME" and self.namespace is not None:
                    key = constant(self.names[item.arg], line)
                    space = name(self.namespace, line)
                    return nodes.subscript(space, key, line, nodes.STORE), at + 1
                return None
            return target(text, line), at + 1
        if item.name == "UNPACK_SEQUENCE":
            count, star = item.arg, -1
        elif item.name == "UNPACK_EX":
            star = item.arg & 0xFF
            count = star + 1 + (item.arg >> 8 & 0xFF)
        else:
            return None
        at += 1
        parts: list[ast.expr] = []
        for number in range(count):
            found = self.targets(items, at)
            if found is None:
                return None
            part, at = found
            if number == star:
                part = ast.Starred(part, nodes.STORE, lineno=line, col_offset=0)
            parts.append(part)
        return tuple_(parts, line, nodes.STORE), at

    def target_name(self, item: Item) -> str | None:
        """The name a STORE assigns, noting that it does."""
        slot = item.arg
        if item.name in ("STORE_FAST", "STORE_FAST_N"):
            return None if slot in self.cells else self.local(slot)
        if item.name == "STORE_DEREF":
            text = self.cell(slot)
            self.stored_cells.add(text)
            return text
        if item.name == "STORE_NAME" and self.namespace is not None:
            return None
        text = self.names[slot]
        self.globals_stored.add(text)
        return str(text)

    def assigned(self, where: ast.expr) -> None:
        """Note the locals a target assigns; entries that mention them are saved before."""
        by_name = {text: slot for slot, text in self.locals.items() if slot not in self.cells}
        for node in ast.walk(where):
            if isinstance(node, ast.Name) and node.id in by_name:
                slot = by_name[node.id]
                self.before_store(slot)
                if slot not in self.deleted:
                    self.sure.add(slot)

    def range_of(self, header: Block, stack: list[Entry]) -> ast.expr:
        """The range a RANGE header iterates; its stack slots become placeholders."""
        slots, step, fixed = self.graph.ranges[header.start]
        line = header.line
        if len(stack) < slots:
            raise Unstructured("range loop without its stack")
        self.stack, self.out = stack, self.out
        if slots == 2 and any(entry.kind is Kind.VALUE for entry in stack[-2:]):
            self.flush()  # the end is evaluated first
        start = stack.pop()
        end = stack.pop() if slots == 2 else None
        checks: list[ast.expr] = []
        parts: list[ast.expr] = []
        for entry in (start, end):
            if entry is None:
                parts.append(constant(fixed, line))
                continue
            node = self.value(entry)
            if type(node) is ast.Constant and type(node.value) is int:
                parts.append(node)
                continue
            first, again = self.twice(entry, line)
            checks.append(is_type(first, "int", line))
            parts.append(again)
        stack.extend([SLOT] * slots)
        arguments = parts if step == 1 else [*parts, constant(step, line)]
        if step == 1 and type(parts[0]) is ast.Constant and parts[0].value == 0:
            arguments = parts[1:]
        plain = call(helper("range", line), arguments, line)
        if not checks:
            return plain
        test = (
            checks[0]
            if len(checks) == 1
            else ast.BoolOp(nodes.AND, checks, lineno=line, col_offset=0)
        )
        slow = help_call("count", [*parts, constant(step, line)], line)
        return choose(test, plain, slow, line)

    # --------------------------------------------------------------------- try and with

    def guarded(self, handler: int, *, active: bool) -> list[Block]:
        """Blocks whose innermost exception block is the one with this handler."""
        return [
            block
            for block in self.graph.blocks.values()
            if block.guards
            and block.guards[-1].handler == handler
            and block.guards[-1].active == active
        ]

    def leaving(self, handler: int, *, active: bool) -> list[Block]:
        """Where POP_EXCEPT_JUMPs that end this exception block lead."""
        found: dict[int, Block] = {}
        for block in self.graph.blocks.values():
            if block.last is None or block.last.op.flow is not Flow.POP_EXCEPT:
                continue
            guard = self.guard_at_end(block)
            if guard is not None and guard.handler == handler and guard.active == active:
                found[block.succ[0].start] = block.succ[0]
        return list(found.values())

    @staticmethod
    def guard_at_end(block: Block) -> Guard | None:
        return block.guards[-1] if block.guards else None

    def try_except(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """SETUP_EXCEPT."""
        line = block.line
        self.stack, self.out = stack, out
        self.settle()
        body, handler = block.succ
        ends = self.leaving(handler.start, active=False)
        if len(ends) > 1:
            raise Unstructured("try body with several ends")
        end = ends[0] if ends else None
        joins = self.leaving(handler.start, active=True)
        join = self.join_of(joins, end, context)
        if join is None:
            join = end
        end_label = self.label(end, stack) if end is not None else None
        join_label = self.label(join, stack) if join is not None else None
        sure = self.sure
        text: list[ast.stmt] = []
        self.sure = set(sure)
        self.arm(body, list(stack), context._replace(after=end_label, ending=-1), text)
        handlers: list[ast.ExceptHandler] = []
        inner = context._replace(after=join_label, ending=-1)
        self.clauses(handler, stack, inner, handlers, sure)
        orelse: list[ast.stmt] = []
        if end is not None and end is not join:
            assert end_label is not None
            self.sure = set(sure)
            now = self.proceed(end_label, inner, orelse)
            if now is not None:
                self.region(now, self.stack, inner, orelse)
        self.sure = sure
        out.append(ast.Try(text or [_pass(line)], handlers, orelse, [], lineno=line, col_offset=0))
        if join_label is None:
            return None
        return self.proceed(join_label, context, out)

    def join_of(self, joins: list[Block], end: Block | None, context: Context) -> Block | None:
        """Where the clauses of a try statement go on together."""
        if end is not None and end in joins:
            return end
        words = [
            label.block
            for label in (context.again, context.leave)
            if label is not None and label is not context.after
        ]
        if context.after is not None and context.after.block in joins:
            return context.after.block
        open_ = [block for block in joins if block not in words]
        return max(open_, key=lambda block: block.start) if open_ else None

    def clauses(
        self,
        handler: Block,
        stack: list[Entry],
        context: Context,
        handlers: list[ast.ExceptHandler],
        sure: set[int],
    ) -> None:
        """The except clauses from a handler on."""
        block = handler
        while True:
            if block.end is End.RERAISE and not block.items:
                if not handlers:
                    raise Unstructured("handler without clauses")
                return
            self.sure = set(sure)
            items = block.items
            line = items[0].line if items else block.line
            if items and items[0].name == "DUP_TOP" and block.end is End.BRANCH:
                match = items[-1]
                if match.name != "BINARY_OP" or match.arg != 8:
                    raise Unstructured("except clause that tests something else")
                kind = self.value_of(items[1:-1], [SLOT, SLOT])
                self.unit.line = line
                node = help_call("kinds", [self.value(kind)], line)
                if type(kind.node) in (ast.Name, ast.Attribute):
                    node = kind.node
                body, following = block.succ
                if isinstance(node, ast.Name) and node.id in ("BaseException", "Exception"):
                    self.pass_faults(handlers, line)
                handlers.append(self.clause(node, body, stack, context, line))
                block = following
                continue
            self.pass_faults(handlers, line)
            handlers.append(self.clause(None, block, stack, context, line))
            return

    @staticmethod
    def pass_faults(handlers: list[ast.ExceptHandler], line: int) -> None:
        """Before a clause that catches everything: what is no business of the guest's."""
        again: ast.stmt = ast.Raise(None, None, lineno=line, col_offset=0)
        handlers.append(
            ast.ExceptHandler(helper("faults", line), None, [again], lineno=line, col_offset=0)
        )

    def clause(
        self, kind: ast.expr | None, body: Block, stack: list[Entry], context: Context, line: int
    ) -> ast.ExceptHandler:
        """One except clause."""
        text: list[ast.stmt] = []
        inside = list(stack)
        items = body.items
        bound: str | None = None
        first = 0
        start = body
        known = (
            isinstance(kind, ast.Name)
            and kind.id in self.facts.defined
            and kind.id not in self.globals_stored
        )
        if kind is None:
            kind = helper("BaseException", line)
        if items and items[0].name == "POP_TOP":
            first = 1
            self.stack, self.out = inside, text
        elif items and items[0].name in _STORES and (native := self.named_clause(body)) is not None:
            bound, inner_body, cleanup = native
            label = Label(cleanup, [*stack, SLOT])
            if not known:  # the guest's own classes are never the host's
                seen = help_call("visible", [name(bound, line)], line)
                text.append(assign(target(bound, line), seen, line))
            self.mark_bound(items[0])
            self.arm(inner_body, inside, Context(label, context.again, context.leave), text)
            after = cleanup.succ[0] if cleanup.succ else None
            if after is not None:
                now = self.jump(after, list(stack), context, text)
                if now is not None:
                    self.region(now, self.stack, context, text)
            return ast.ExceptHandler(kind, bound, text or [_pass(line)], lineno=line, col_offset=0)
        else:
            # The exception stays on the stack, or is stored where the host cannot bind it.
            bound = self.unit.temp()
            kept = self.unit.temp()
            text.append(
                assign(target(kept, line), help_call("visible", [name(bound, line)], line), line)
            )
            inside.append(Entry(name(kept, line), Kind.STABLE))
        if start.start in self.shape.loops and not first:
            self.region(start, inside, context, text)
        else:
            now = self.block(start, first, inside, context, text)
            if now is not None:
                self.region(now, self.stack, context, text)
        return ast.ExceptHandler(kind, bound, text or [_pass(line)], lineno=line, col_offset=0)

    def named_clause(self, body: Block) -> tuple[str, Block, Block] | None:
        """`except T as v`: the name, the clause proper, and the block that forgets the name."""
        store = body.items[0]
        if len(body.items) != 1 or body.end is not End.FINALLY:
            return None
        cleanup = body.succ[1]
        names = [item.name for item in cleanup.items]
        if len(names) != 3 or names[0] != "LOAD_CONST_NONE" or names[1] != store.name:
            return None
        if not names[2].startswith("DELETE_") or cleanup.end is not End.END_FINALLY:
            return None
        if cleanup.items[1].arg != store.arg or cleanup.items[2].arg != store.arg:
            return None
        text = self.target_name(store)
        if text is None:
            return None
        return text, body.succ[0], cleanup

    def mark_bound(self, store: Item) -> None:
        """The name of an except clause is assigned within it."""
        if store.name.startswith("STORE_FAST"):
            self.sure.add(store.arg)

    def try_finally(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """SETUP_FINALLY."""
        line = block.line
        self.stack, self.out = stack, out
        self.settle()
        body, handler = block.succ
        if handler.guards and handler.guards[-1].kind == "async with":
            return self.async_with(block, stack, context, out)
        ends = [b for b in self.guarded(handler.start, active=True) if b.end is End.END_FINALLY]
        text: list[ast.stmt] = []
        final: list[ast.stmt] = []
        sure = self.sure
        label = Label(handler, [*stack, SLOT])
        self.sure = set(sure)
        self.arm(body, list(stack), Context(label, context.again, context.leave), text)
        self.sure = set(sure)
        inner = Context(None, context.again, context.leave, handler.start)
        inside = [*stack, SLOT]
        if handler.start in self.shape.loops:
            self.region(handler, inside, inner, final)
        else:
            now = self.block(handler, 0, inside, inner, final)
            if now is not None:
                self.region(now, self.stack, inner, final)
        self.sure = sure
        out.append(
            ast.Try(
                text or [_pass(line)], [], [], final or [_pass(line)], lineno=line, col_offset=0
            )
        )
        if not ends:
            return None
        after = list(stack)
        self.stack, self.out = after, out
        return self.jump(ends[0].succ[0], after, context, out)

    def with_(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """SETUP_WITH."""
        line = block.line
        self.stack, self.out = stack, out
        manager = self.take()
        self.settle()
        names = [self.unit.temp(), self.unit.temp()]
        out.append(assign(target(names[0], line), manager, line))
        leave_ = self.special(names[0], "__exit__", line)
        out.append(assign(target(names[1], line), leave_, line))
        body, handler = block.succ
        if [item.name for item in handler.items] != ["WITH_CLEANUP"]:
            raise Unstructured("with statement that ends in its own way")
        if handler.end is not End.END_FINALLY:
            raise Unstructured("with statement without its end")
        inside = [*stack, SLOT, SLOT]
        sure = self.sure
        self.sure = set(sure)
        where, first = self.loop_target(body, line)
        if where is None and body.items and body.items[0].name == "POP_TOP":
            first = 1
        elif where is None:
            text = self.unit.temp()
            where = target(text, line)
            inside.append(Entry(name(text, line), Kind.STABLE))
        else:
            self.assigned(where)
        label = Label(handler, [*stack, SLOT, SLOT, SLOT])
        inner = Context(label, context.again, context.leave)
        text_: list[ast.stmt] = []
        if first:
            now = self.block(body, first, inside, inner, text_)
            if now is not None:
                self.region(now, self.stack, inner, text_)
        else:
            self.arm(body, inside, inner, text_)
        self.sure = sure
        entered = call(self.special(names[0], "__enter__", line), [], line)
        if where is None:
            out.append(expression(entered, line))
        else:
            out.append(assign(where, entered, line))
        leave = name(names[1], line)
        nothing = [constant(None, line)] * 3
        self.leave_with(
            text_, call(leave, nothing, line), lambda seen: call(leave, seen, line), out, line
        )
        after = list(stack)
        self.stack, self.out = after, out
        return self.jump(handler.succ[0], after, context, out)

    def special(self, manager: str, method: str, line: int) -> ast.expr:
        """A method that a statement asks an object for."""
        obj = name(manager, line)
        kind = call(helper("type", line), [call(helper("type", line), [obj], line)], line)
        return choose(
            nodes.compare(kind, nodes.IS, helper("guest_type", line), line),
            nodes.attribute(obj, method, line),
            help_call("load_attr", [constant(method, line), obj], line),
            line,
        )

    def leave_with(
        self,
        body: list[ast.stmt],
        normal: ast.expr,
        failed: Callable[[list[ast.expr]], ast.expr],
        out: list[ast.stmt],
        line: int,
    ) -> None:
        """Write the body of a with statement, and how it is left.

        Args:
            body: Its statements.
            normal: The call of `__exit__` however control leaves without an exception.
            failed: Makes the call for an exception from its three arguments.
            out: Where it is written.
            line: Of the statement.
        """
        place = {"lineno": line, "col_offset": 0}
        flag, caught, seen = self.unit.temp(), self.unit.temp(), self.unit.temp()
        exc = name(seen, line)
        arguments = [call(helper("type", line), [exc], line), exc, constant(None, line)]
        handler = ast.ExceptHandler(
            helper("BaseException", line),
            caught,
            [
                assign(target(flag, line), constant(False, line), line),
                assign(target(seen, line), help_call("caught", [name(caught, line)], line), line),
                ast.If(
                    not_(failed(arguments), line), [ast.Raise(None, None, **place)], [], **place
                ),
            ],
            **place,
        )
        final = ast.If(name(flag, line), [expression(normal, line)], [], **place)
        out.append(assign(target(flag, line), constant(True, line), line))
        out.append(ast.Try(body or [_pass(line)], [handler], [], [final], **place))

    def async_with(
        self, block: Block, stack: list[Entry], context: Context, out: list[ast.stmt]
    ) -> Block | None:
        """SETUP_FINALLY of an `async with`: the manager is on top of the stack.

        The handler is matched as a whole: the compiler emits it in one form only.

        Source: MicroPython py/compile.c, compile_async_with_stmt_helper.
        """
        line = block.line
        body, handler = block.succ
        following = self.async_exit(handler)
        manager = self.value(stack.pop())
        stack.append(SLOT)
        if type(manager) is not ast.Name:
            raise Unstructured("async with over something unnamed")
        sure = self.sure
        self.sure = set(sure)
        text: list[ast.stmt] = []
        label = Label(handler, [*stack, SLOT])
        # Falling out of the body goes on at the handler's last part, with None below.
        normal = self.async_normal_end(handler, following)
        ends = Label(normal, [*stack[:-1], SLOT, SLOT]) if normal is not None else label
        self.arm(body, list(stack), Context(ends, context.again, context.leave), text)
        self.sure = sure
        self.unit.yields(self)
        method = nodes.attribute(manager, "__aexit__", line)

        def left(arguments: list[ast.expr]) -> ast.expr:
            called = call(method, arguments, line)
            return ast.YieldFrom(help_call("awaited", [called], line), lineno=line, col_offset=0)

        nothing: list[ast.expr] = [constant(None, line)] * 3
        self.leave_with(text, left(nothing), left, out, line)
        after = list(stack[:-1])
        self.stack, self.out = after, out
        return self.jump(following, after, context, out)

    def async_exit(self, handler: Block) -> Block:
        """The block after an async with statement, if its handler has the known form."""
        names = [item.name for item in handler.items]
        wanted = ["DUP_TOP", "LOAD_GLOBAL", "BINARY_OP"]
        if names != wanted or handler.end is not End.BRANCH:
            raise Unstructured("async with of unknown form")
        if self.names[handler.items[1].arg] != "BaseException" or handler.items[2].arg != 8:
            raise Unstructured("async with of unknown form")
        failed, _ = handler.succ
        if [item.name for item in failed.items] != _ASYNC_FAILED or failed.end is not End.BRANCH:
            raise Unstructured("async with of unknown form")
        end = failed.succ[1]
        if end.end is not End.END_FINALLY or end.items:
            raise Unstructured("async with of unknown form")
        return end.succ[0]

    def async_normal_end(self, handler: Block, following: Block) -> Block | None:
        """Where the body of an async with comes to when it ends by itself."""
        unwinding = handler.succ[1]
        if [item.name for item in unwinding.items] == ["ROT_THREE", "ROT_THREE"]:
            if unwinding.end is not End.GOTO:
                raise Unstructured("async with of unknown form")
            return unwinding.succ[0]
        if [item.name for item in unwinding.items] != ["ROT_THREE", "ROT_THREE", *_ASYNC_NORMAL]:
            raise Unstructured("async with of unknown form")
        return None


_ASYNC_NORMAL = (
    "LOAD_METHOD LOAD_CONST_NONE DUP_TOP DUP_TOP CALL_METHOD GET_ITER LOAD_CONST_NONE YIELD_FROM "
    "POP_TOP"
).split()
_ASYNC_FAILED = (
    "DUP_TOP ROT_THREE ROT_TWO LOAD_METHOD ROT_THREE ROT_THREE DUP_TOP LOAD_ATTR ROT_TWO "
    "LOAD_CONST_NONE CALL_METHOD GET_ITER LOAD_CONST_NONE YIELD_FROM"
).split()


def _same_name(one: ast.expr | None, other: ast.expr | None) -> bool:
    return isinstance(one, ast.Name) and isinstance(other, ast.Name) and one.id == other.id


def _same_constant(one: ast.expr | None, other: ast.expr | None) -> bool:
    return (
        isinstance(one, ast.Constant)
        and isinstance(other, ast.Constant)
        and type(one.value) is type(other.value)
        and repr(one.value) == repr(other.value)
    )


def _pass(line: int) -> ast.stmt:
    return ast.Pass(lineno=line, col_offset=0)


def _leaves(text: list[ast.stmt]) -> bool:
    """Whether control cannot come to the end of these statements."""
    if not text:
        return False
    last = text[-1]
    if isinstance(last, _JUMPS_AWAY):
        return True
    if isinstance(last, ast.If):
        return bool(last.orelse) and _leaves(last.body) and _leaves(last.orelse)
    return False


def _drop_final_continue(text: list[ast.stmt]) -> None:
    """A `continue` at the very end of a loop body says nothing."""
    if len(text) > 1 and isinstance(text[-1], ast.Continue):
        text.pop()


_ = NULL
