"""A function as a loop over its blocks, for jumps that no host statement expresses.

    block = 0
    while True:
        try:
            if block < 2: ...
        except BaseException as caught:
            ...

Every block is written straight; value stack positions that live across blocks are locals. An
exception leads to the handler that is innermost for the block it was raised in. What finally
code must go on with is kept where the device keeps it, in the stack position of its state:
None, an exception, `(RETURN, value)` or `(JUMP, number of the jump)`.

This is about as fast as the C interpreter, and rarely needed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from loader.code import Code
from loader.translate import nodes
from loader.translate.emit import Writer
from loader.translate.fold import Folder
from loader.translate.graph import Block, End, Graph, Unstructured, build
from loader.translate.nodes import (
    assign,
    call,
    compare,
    constant,
    help_call,
    helper,
    name,
    not_,
    subscript,
    target,
    tuple_,
)
from loader.translate.shape import Shape
from loader.translate.values import NULL, Entry, Kind
from loader.verify import Block as Guard

if TYPE_CHECKING:
    from loader.translate.unit import Unit

RETURN, JUMP = 0, 1
_UNSEEN = 0
"""Line of what raises an exception again: a device adds nothing to the traceback there."""
_NO_VALUES = (Kind.SLOT, Kind.NULL, Kind.CELL)


class Dispatcher(Writer):
    """Writes one function as a loop over its blocks."""

    def __init__(
        self, unit: Unit, code: Code, parent: Writer | None, free: tuple[str, ...]
    ) -> None:
        super().__init__(unit, code, parent, free)
        # Range loops stay the arithmetic they are.
        self.graph: Graph = build(code, ranges=False)
        for block in self.graph.blocks.values():
            self.scan(block)
        Folder(self.graph, self.can_inline, self.can_walrus).run()
        self.shape = Shape(self.graph)
        self.state = unit.fresh("block", 0)
        self.caught = unit.fresh("caught", 0)
        self.slots: dict[int, str] = {}
        self.saved: dict[int, str] = {}
        self.kinds: dict[int, list[Entry]] = {}
        self.jumps: list[tuple[Block, tuple[Guard, ...], int]] = []
        ordered = sorted(self.graph.blocks)
        self.number = {start: n for n, start in enumerate(ordered)}
        if any(g.kind == "async with" for b in self.graph.blocks.values() for g in b.guards):
            raise Unstructured("async with of unknown form")

    def attempt(self) -> list[ast.stmt]:
        """Write everything."""
        texts: dict[int, list[ast.stmt]] = {}
        self.kinds = {self.graph.entry.start: self.first_stack()}
        self.jumps = []
        # What END_FINALLY may have to go on with is known once all jumps are.
        later: list[Block] = []
        for block in self.shape.order:
            texts[block.start] = []
            if block.end is End.END_FINALLY:
                later.append(block)
                self.arrive_early(block)
            else:
                self.one(block, texts[block.start])
        for block in later:
            self.one(block, texts[block.start])
        return self.assemble(texts)

    def arrive_early(self, block: Block) -> None:
        """Note the stack after an END_FINALLY before it is written."""
        below = self.kinds[block.start][: block.guards[-1].depth]
        if block.guards[-1].kind == "with":
            below = below[:-2]
        self.kinds.setdefault(block.succ[0].start, below)

    # ----------------------------------------------------------------------- one block

    def one(self, block: Block, out: list[ast.stmt]) -> None:
        """Write a block."""
        stack = list(self.kinds[block.start])
        self.sure = self.certain_parameters()
        items = block.items
        if items and items[-1].name == "WITH_CLEANUP":
            self.items(items[:-1], 0, stack, out)
            self.cleanup(items[-1].line)
        else:
            self.items(items, 0, stack, out)
        line = self.unit.line = block.line or self.unit.line
        end = block.end
        if end is End.GOTO:
            self.leave(block, out)
        elif end is End.BRANCH:
            self.flush_below_top()
            condition = self.take()
            self.fork(condition, self.stack, block.succ[0], self.stack, block.succ[1], out, line)
        elif end is End.KEEP_TRUE or end is End.KEEP_FALSE:
            self.flush()
            kept = self.stable_top()
            condition = self.value(kept)
            if end is End.KEEP_FALSE:
                condition = not_(condition, line)
            self.fork(
                condition, self.stack, block.succ[0], self.stack[:-1], block.succ[1], out, line
            )
        elif end is End.FOR:
            self.next_item(block, out, line)
        elif end is End.RETURN:
            value = self.take()
            self.drop_rest()
            self.return_(value, block.guards, out, line)
        elif end is End.RAISE:
            self.raise_(block, line)
        elif end is End.RERAISE:
            out.append(ast.Raise(self.take(), None, lineno=_UNSEEN, col_offset=0))
        elif end is End.END_FINALLY:
            self.end_finally(block, out, line)
        else:
            self.setup(block, out, line)

    def flush_below_top(self) -> None:
        """What is pending comes before the condition on top."""
        if any(entry.kind is Kind.VALUE for entry in self.stack[:-1]):
            self.flush()

    def drop_rest(self) -> None:
        self.stack = [entry for entry in self.stack if entry.kind is Kind.VALUE]
        self.flush()

    def leave(self, block: Block, out: list[ast.stmt]) -> None:
        """A block that goes on elsewhere, perhaps out of exception blocks."""
        following = block.succ[0]
        last = block.last
        if last is not None and last.op.name == "UNWIND_JUMP":
            guards = block.guards
            count = last.byte & 0x7F
            self.unwind(following, guards, len(guards) - count, out)
            return
        self.go(following, self.stack, out)

    def go(self, block: Block, stack: list[Entry], out: list[ast.stmt]) -> None:
        """Put the stack where `block` expects it, and go there."""
        self.stack, self.out = stack, out
        line = self.unit.line
        targets: list[ast.expr] = []
        values: list[ast.expr] = []
        kinds: list[Entry] = []
        for at, entry in enumerate(stack[: block.depth]):
            text = self.slot(at)
            if entry.kind in _NO_VALUES:
                if type(entry.extra) is tuple:
                    raise Unstructured("comprehension across a jump")
                kinds.append(entry)
                continue
            value = entry.node
            if entry.kind is Kind.ITERABLE and entry.extra != "ready":
                value = help_call("iter", [entry.node], line)
            kinds.append(self.kept_in(at, entry))
            if type(value) is ast.Name and value.id == text:
                continue
            targets.append(target(text, line))
            values.append(self.value(Entry(value, Kind.VALUE)))
        for entry in stack[block.depth :]:
            if entry.kind is Kind.VALUE:
                raise Unstructured("value dropped by a jump")
        if len(stack) < block.depth:
            raise Unstructured("paths with stacks of different depth")
        if len(targets) == 1:
            out.append(assign(targets[0], values[0], line))
        elif targets:
            out.append(assign(tuple_(targets, line, nodes.STORE), tuple_(values, line), line))
        self.expect(block, kinds)
        out.append(assign(target(self.state, line), constant(self.number[block.start], line), line))

    def expect(self, block: Block, kinds: list[Entry]) -> None:
        """Note what the stack holds at a block; all ways there must agree."""
        known = self.kinds.setdefault(block.start, kinds)
        for one, other in zip(known, kinds, strict=True):
            if (one.kind, one.extra) != (other.kind, other.extra):
                if one.kind is Kind.SLOT or other.kind is Kind.SLOT:
                    continue
                raise Unstructured("paths with different stacks")

    def kept_in(self, at: int, entry: Entry) -> Entry:
        """What a stack position holds once it lives in its local."""
        if entry.kind in _NO_VALUES:
            return entry
        node = name(self.slot(at), self.unit.line)
        if entry.kind is Kind.ITERABLE:
            return Entry(node, Kind.ITERABLE, 1, "ready")
        return Entry(node, Kind.STABLE)

    def slot(self, at: int) -> str:
        """Local for a stack position."""
        if at not in self.slots:
            self.slots[at] = self.unit.fresh("stack", at)
        return self.slots[at]

    def fork(
        self,
        condition: ast.expr,
        stack_true: list[Entry],
        true: Block,
        stack_false: list[Entry],
        false: Block,
        out: list[ast.stmt],
        line: int,
    ) -> None:
        """Two ways on."""
        self.stack = stack_true
        if any(entry.kind is Kind.VALUE for entry in stack_true):
            self.flush()
        yes: list[ast.stmt] = []
        no: list[ast.stmt] = []
        self.go(true, list(stack_true), yes)
        self.go(false, list(stack_true[: len(stack_false)]), no)
        out.append(ast.If(condition, yes, no, lineno=line, col_offset=0))

    def next_item(self, block: Block, out: list[ast.stmt], line: int) -> None:
        """FOR_ITER."""
        words = self.stack[-4:]
        if words[0].kind is Kind.ITERABLE:
            iterator = words[0].node
        elif words[0].kind is Kind.NULL and words[1].node is not None:
            iterator = words[1].node
        else:
            raise Unstructured("loop over something GET_ITER_STACK did not make")
        text = self.unit.temp()
        null = helper("null", line)
        value = help_call("host_next", [iterator, null], line)
        out.append(assign(target(text, line), value, line))
        done = compare(name(text, line), nodes.IS, null, line)
        rest: list[ast.stmt] = []
        end: list[ast.stmt] = []
        stack = list(self.stack)
        self.go(block.succ[0], [*stack, Entry(name(text, line), Kind.STABLE)], rest)
        self.go(block.succ[1], stack[:-4], end)
        out.append(ast.If(done, end, rest, lineno=line, col_offset=0))

    # --------------------------------------------------------------- exception blocks

    def setup(self, block: Block, out: list[ast.stmt], line: int) -> None:
        """SETUP_EXCEPT, SETUP_FINALLY, SETUP_WITH."""
        body, handler = block.succ
        out_stack = self.stack
        if block.end is End.WITH:
            manager = self.stable_top()
            node = self.value(manager)
            self.pop()
            self.flush()
            leave, entered = self.unit.temp(), self.unit.temp()
            method = help_call("load_attr", [constant("__exit__", line), node], line)
            out.append(assign(target(leave, line), method, line))
            enter = help_call("load_attr", [constant("__enter__", line), node], line)
            out.append(assign(target(entered, line), call(enter, [], line), line))
            self.stack += [Entry(name(leave, line), Kind.STABLE), NULL]
            out_stack = [*self.stack, Entry(name(entered, line), Kind.STABLE)]
        guard = handler.guards[-1]
        out.append(assign(target(self.saved_in(guard.handler), line), constant(None, line), line))
        self.go(body, out_stack, out)
        below = self.kinds[body.start][: guard.depth]
        state = Entry(name(self.slot(guard.depth), line), Kind.STABLE)
        self.expect(handler, [*below, state])

    def saved_in(self, handler: int) -> str:
        """Local for the exception a handler was entered with."""
        if handler not in self.saved:
            self.saved[handler] = self.unit.fresh("saved", handler)
        return self.saved[handler]

    def cleanup(self, line: int) -> None:
        """WITH_CLEANUP: `exit self state -- state`."""
        self.flush()
        state = self.take()
        self.pop()
        leave = self.take()
        self.push(help_call("with_cleanup", [leave, state], line))

    def raise_(self, block: Block, line: int) -> None:
        """RAISE_OBJ, RAISE_FROM, RAISE_LAST."""
        assert block.last is not None
        assert self.out is not None
        kind = block.last.op.name
        if kind == "RAISE_FROM":
            self.take()
        if kind == "RAISE_LAST":
            saved = [name(self.saved_in(g.handler), line) for g in reversed(block.guards)]
            exc: ast.expr = help_call("last", saved, line)
        else:
            exc = help_call("exception", [self.take()], line)
        self.drop_rest()
        if kind == "RAISE_LAST" and any(guard.active for guard in block.guards):
            line = _UNSEEN
        self.out.append(ast.Raise(exc, None, lineno=line, col_offset=0))

    def return_(
        self, value: ast.expr, guards: tuple[Guard, ...], out: list[ast.stmt], line: int
    ) -> None:
        """Return a value, through the finally code on the way."""
        for guard in reversed(guards):
            if guard.kind != "except" and not guard.active:
                self.enter(guard, tuple_([constant(RETURN, line), value], line), out, line)
                return
        out.append(ast.Return(value, lineno=line, col_offset=0))

    def enter(self, guard: Guard, state: ast.expr, out: list[ast.stmt], line: int) -> None:
        """Run finally code, and go on from there as `state` says."""
        out.append(assign(target(self.slot(guard.depth), line), state, line))
        number = constant(self.number[guard.handler], line)
        out.append(assign(target(self.state, line), number, line))

    def unwind(
        self, block: Block, guards: tuple[Guard, ...], kept: int, out: list[ast.stmt]
    ) -> None:
        """Jump out of exception blocks until `kept` are left, through their finally code."""
        line = self.unit.line
        below = list(enumerate(self.stack[: block.depth]))
        for at in range(len(guards) - 1, kept - 1, -1):
            guard = guards[at]
            if guard.kind != "except" and not guard.active:
                self.jumps.append((block, guards[:at], kept))
                self.expect(block, [self.kept_in(n, e) for n, e in below])
                number = constant(len(self.jumps) - 1, line)
                state = tuple_([constant(JUMP, line), number], line)
                self.enter(guard, state, out, line)
                return
        stack = list(self.stack)
        while len(stack) > block.depth:
            stack.pop()
        self.go(block, stack, out)

    def end_finally(self, block: Block, out: list[ast.stmt], line: int) -> None:
        """END_FINALLY: go on with what led into the finally code."""
        guards = block.guards[:-1]
        self.flush()
        state = self.value(self.stable_top())
        self.pop()
        stack = list(self.stack)
        normal: list[ast.stmt] = []
        self.go(block.succ[0], list(stack), normal)
        returning: list[ast.stmt] = []
        self.return_(subscript(state, constant(1, line), line), guards, returning, line)
        chain: list[ast.stmt] = [ast.Raise(state, None, lineno=_UNSEEN, col_offset=0)]
        is_tuple = compare(
            call(helper("type", line), [state], line), nodes.IS, helper("tuple", line), line
        )
        inside: list[ast.stmt] = []
        for number, (where, outer, kept) in enumerate(list(self.jumps)):
            if outer != guards:
                continue
            text: list[ast.stmt] = []
            self.stack = [*self.kinds.get(where.start, stack)]
            self.unwind(where, outer, kept, text)
            test = compare(
                subscript(state, constant(1, line), line),
                nodes.COMPARISONS["=="],
                constant(number, line),
                line,
            )
            inside.append(ast.If(test, text, [], lineno=line, col_offset=0))
        first = compare(
            subscript(state, constant(0, line), line),
            nodes.COMPARISONS["=="],
            constant(RETURN, line),
            line,
        )
        leave: list[ast.stmt] = [ast.If(first, returning, inside, lineno=line, col_offset=0)]
        chain = [ast.If(is_tuple, leave, chain, lineno=line, col_offset=0)]
        nothing = compare(state, nodes.IS, constant(None, line), line)
        out.append(ast.If(nothing, normal, chain, lineno=line, col_offset=0))

    # ------------------------------------------------------------------------ the loop

    def assemble(self, texts: dict[int, list[ast.stmt]]) -> list[ast.stmt]:
        """The loop around the blocks."""
        line = 1
        place = {"lineno": line, "col_offset": 0}
        order = sorted(self.graph.blocks)
        tree = self.tree([texts[start] for start in order], 0)
        first = constant(self.number[self.graph.entry.start], line)
        start: list[ast.stmt] = [assign(target(self.state, line), first, line)]
        handlers = [self.handler_of(self.graph.blocks[s]) for s in order]
        if any(handler is not None for handler in handlers):
            tree = [ast.Try(tree, [self.catch(handlers)], [], [], **place)]
        forever = ast.While(constant(True, line), tree, [], **place)
        return [*start, forever]

    def tree(self, texts: list[list[ast.stmt]], first: int) -> list[ast.stmt]:
        """A decision tree over blocks."""
        if len(texts) == 1:
            return texts[0] or [ast.Pass(lineno=1, col_offset=0)]
        middle = len(texts) // 2
        test = compare(name(self.state, 1), nodes.COMPARISONS["<"], constant(first + middle, 1), 1)
        low = self.tree(texts[:middle], first)
        high = self.tree(texts[middle:], first + middle)
        return [ast.If(test, low, high, lineno=1, col_offset=0)]

    @staticmethod
    def handler_of(block: Block) -> Guard | None:
        """The exception block that takes what is raised in a block."""
        return next((guard for guard in reversed(block.guards) if not guard.active), None)

    def catch(self, handlers: list[Guard | None]) -> ast.ExceptHandler:
        """The clause that leads exceptions to their handlers."""
        line = 1
        place = {"lineno": line, "col_offset": 0}
        table = constant(tuple(-1 if guard is None else guard.handler for guard in handlers), line)
        where = subscript(table, name(self.state, line), line)
        exc = name(self.caught, line)
        text: list[ast.stmt] = [
            assign(target(self.state, line), where, line),
            ast.If(
                compare(name(self.state, line), nodes.COMPARISONS["<"], constant(0, line), line),
                [ast.Raise(None, None, **place)],
                [],
                **place,
            ),
        ]
        chain: list[ast.stmt] = []
        for guard in {guard.handler: guard for guard in handlers if guard is not None}.values():
            seen = help_call("caught", [exc], line)
            saved = self.saved_in(guard.handler)
            number = constant(self.number[guard.handler], line)
            body: list[ast.stmt] = [
                ast.Assign(
                    [target(self.slot(guard.depth), line), target(saved, line)], seen, None, **place
                ),
                assign(target(self.state, line), number, line),
            ]
            test = compare(
                name(self.state, line),
                nodes.COMPARISONS["=="],
                constant(guard.handler, line),
                line,
            )
            chain = [ast.If(test, body, chain, **place)]
        return ast.ExceptHandler(helper("BaseException", line), self.caught, text + chain, **place)
