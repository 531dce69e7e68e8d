"""Blocks that only compute a value become part of the instruction list around them.

The compiler lowers `and`, `or`, `not`, conditional expressions and chained comparisons to
jumps. Each fold recognises one of these and replaces the blocks by one item that holds the
folded lists; repeated until nothing changes, only statements are left as blocks.

Items made here, with what `arg` holds:
    logic     (operator, items of the right side, whether it is negated): value -- value
    choose    (items if true, items if false): condition -- value
    chain     (first operator items, items of the next operand, rest): lhs rhs -- value
    walrus    the STORE item: value -- value
    not_in, is_not: lhs rhs -- value
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loader.operators import IN, IS
from loader.ops import BY_NAME, stack_effect
from loader.translate.graph import Block, End, Graph, Item

_NOT = 3
_SAME_VALUE = frozenset({"walrus", "logic"})
_TWO_TO_ONE = frozenset({"chain", "not_in", "is_not"})

# What cannot stand in the middle of an expression.
_STATEMENTS = frozenset(
    """STORE_NAME STORE_GLOBAL STORE_ATTR STORE_FAST STORE_FAST_N STORE_DEREF STORE_SUBSCR
    STORE_COMP DELETE_NAME DELETE_GLOBAL DELETE_FAST DELETE_DEREF POP_TOP IMPORT_STAR IMPORT_FROM
    IMPORT_NAME UNPACK_SEQUENCE UNPACK_EX DUP_TOP DUP_TOP_TWO ROT_TWO ROT_THREE WITH_CLEANUP
    GET_ITER_STACK LOAD_BUILD_CLASS""".split()
)


def effect(item: Item) -> tuple[int, int]:
    """Slots an item pops and pushes."""
    if item.name == "choose" or item.name in _SAME_VALUE:
        return 1, 1
    if item.name in _TWO_TO_ONE:
        return 2, 1
    return stack_effect(BY_NAME[item.name], item.arg, item.byte)


class Folder:
    """Folds the blocks of one graph.

    Args:
        graph: The blocks; changed in place.
        can_inline: Whether the function a MAKE_ item makes can be written within an expression.
        can_walrus: Whether the target of a STORE item can be assigned within an expression.
    """

    def __init__(
        self,
        graph: Graph,
        can_inline: Callable[[Item], bool],
        can_walrus: Callable[[Item], bool],
    ) -> None:
        self.graph = graph
        self.can_inline = can_inline
        self.can_walrus = can_walrus

    def run(self) -> None:
        """Fold until nothing changes."""
        blocks = self.graph.blocks
        for block in blocks.values():
            block.items = self.peephole(block.items)
        pending = list(blocks.values())
        while pending:
            block = pending.pop()
            if block.start not in blocks or blocks[block.start] is not block:
                continue
            if self.fold(block):
                pending.append(block)
                pending.extend(block.pred)

    def peephole(self, items: list[Item]) -> list[Item]:
        """Pairs that are one operation: `not in`, `is not`, walrus."""
        done: list[Item] = []
        for item in items:
            last = done[-1] if done else None
            if last is not None:
                inverted = item.name == "UNARY_OP" and item.arg == _NOT
                if inverted and last.name == "BINARY_OP" and last.arg in (IN, IS):
                    name = "not_in" if last.arg == IN else "is_not"
                    done[-1] = Item(name, 0, 0, last.line, last.ip)
                    continue
                if last.name == "DUP_TOP" and item.name in _SIMPLE and self.can_walrus(item):
                    done[-1] = Item("walrus", item, 0, item.line, last.ip)
                    continue
            done.append(item)
        return done

    # ------------------------------------------------------------------------- the folds

    def fold(self, block: Block) -> bool:
        """One fold that starts at `block`, if any applies."""
        end = block.end
        if end is End.GOTO:
            return bool(block.succ) and self.merge(block, block.succ[0])
        if end is End.BRANCH:
            return self.condition(block) or self.conditional(block)
        if end is End.KEEP_TRUE or end is End.KEEP_FALSE:
            return self.chain(block) or self.value(block)
        return False

    def merge(self, block: Block, other: Block) -> bool:
        """Straight-line code."""
        if other is block or len(other.pred) != 1 or other.guards != block.guards:
            return False
        if other.start != block.stop or other is self.graph.entry or other.end is End.RANGE:
            return False
        if other.end is End.FOR and not other.items:
            return False  # stays a header of its own
        block.items = self.peephole([*block.items, *other.items])
        self.absorb(block, other)
        block.end, block.succ, block.last = other.end, other.succ, other.last
        block.line = other.line
        self.relink(block, other)
        return True

    def condition(self, block: Block) -> bool:
        """`a and b`, `a or b` as a condition."""
        for on_true in (True, False):
            other = block.succ[0 if on_true else 1]
            shared = block.succ[1 if on_true else 0]
            if other is block or len(other.pred) != 1 or other.end is not End.BRANCH:
                continue
            if other is shared or shared not in other.succ or other.succ[0] is other.succ[1]:
                continue
            if other.guards != block.guards or not self.is_value(other.items):
                continue
            # `other` runs if the first condition is `on_true`; otherwise control is at `shared`.
            shared_if = other.succ[0] is shared
            block.items.append(
                Item(
                    "logic",
                    ("and" if on_true else "or", other.items, shared_if == on_true),
                    0,
                    other.line,
                    other.start,
                )
            )
            # The value is true where control goes on beyond `shared` if `on_true`, else at it.
            beyond = other.succ[1] if shared_if else other.succ[0]
            self.absorb(block, other)
            shared.pred.remove(block)
            block.succ = [beyond, shared] if on_true else [shared, beyond]
            self.relink(block, other)
            return True
        return False

    def value(self, block: Block) -> bool:
        """`a and b`, `a or b` as a value."""
        target, other = block.succ
        if len(other.pred) != 1 or other.end is not End.GOTO or other is target:
            return False
        if other.succ[0] is not target or other.guards != block.guards:
            return False
        if not self.is_value(other.items):
            return False
        operator = "or" if block.end is End.KEEP_TRUE else "and"
        block.items.append(
            Item("logic", (operator, other.items, False), 0, block.line, other.start)
        )
        self.absorb(block, other)
        target.pred.remove(block)
        self.relink(block, other)
        block.end, block.succ, block.last = End.GOTO, [target], None
        return True

    def conditional(self, block: Block) -> bool:
        """`a if c else b`, also where both parts return."""
        true, false = block.succ
        if true is false or len(true.pred) != 1 or len(false.pred) != 1:
            return False
        if true.end is not false.end or true.end not in (End.GOTO, End.RETURN):
            return False
        if true.end is End.GOTO and true.succ[0] is not false.succ[0]:
            return False
        if true.guards != block.guards or false.guards != block.guards:
            return False
        if true is block or false is block:
            return False
        if not (self.is_value(true.items) and self.is_value(false.items)):
            return False
        block.items.append(Item("choose", (true.items, false.items), 0, block.line, block.stop))
        self.absorb(block, true)
        self.absorb(block, false)
        for target in true.succ:
            target.pred.remove(true)
            target.pred.remove(false)
            target.pred.append(block)
        block.end, block.succ = true.end, true.succ
        block.last, block.line = false.last, false.line
        return True

    def chain(self, block: Block) -> bool:
        """`a < b < c`.

        DUP_TOP ROT_THREE op JUMP_IF_FALSE_OR_POP fail; c op; fail: ROT_TWO POP_TOP.
        """
        fail, other = block.succ
        if block.end is not End.KEEP_FALSE or other.end is not End.GOTO or len(other.pred) != 1:
            return False
        if [item.name for item in fail.items] != ["ROT_TWO", "POP_TOP"]:
            return False
        if fail.end is not End.GOTO or fail.succ[0] is not other.succ[0]:
            return False
        if other.guards != block.guards or not other.items or len(block.items) < 3:
            return False
        dup, rotate, first = block.items[-3:]
        if dup.name != "DUP_TOP" or rotate.name != "ROT_THREE" or effect(first) != (2, 1):
            return False
        rest = other.items[-1]
        if effect(rest) != (2, 1) or not self.is_value(other.items[:-1]):
            return False
        target = other.succ[0]
        del block.items[-3:]
        block.items.append(Item("chain", (first, other.items[:-1], rest), 0, first.line, first.ip))
        self.absorb(block, other)
        fail.pred.remove(block)
        if not fail.pred:
            self.absorb(block, fail)
            target.pred.remove(fail)
        target.pred.remove(other)
        target.pred.append(block)
        block.end, block.succ, block.last = End.GOTO, [target], None
        return True

    # --------------------------------------------------------------------------- helpers

    def absorb(self, block: Block, other: Block) -> None:
        """`other` is now part of `block`."""
        del self.graph.blocks[other.start]
        if other.start >= block.stop:
            block.stop = max(block.stop, other.stop)

    @staticmethod
    def relink(block: Block, other: Block) -> None:
        """Edges that left `other` now leave `block`."""
        for succ in other.succ:
            succ.pred[succ.pred.index(other)] = block

    def is_value(self, items: Sequence[Item]) -> bool:
        """Whether these items can be one expression: they push one value and touch none below."""
        depth = 0
        for item in items:
            name = item.name
            if name in _STATEMENTS:
                return False
            if name.startswith("MAKE_") and not self.can_inline(item):
                return False
            pops, pushes = effect(item)
            if depth < pops:
                return False
            depth += pushes - pops
        return depth == 1


_SIMPLE = frozenset({"STORE_FAST", "STORE_FAST_N", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"})
