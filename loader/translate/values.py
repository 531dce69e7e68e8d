"""What instructions become: a symbolic value stack of host expressions.

An entry of the stack is an expression not yet written out. It is *stable* while nothing can
change its value (a constant, a temporary, an assigned local); other entries must be
evaluated in the order the bytecode asks for, so any statement first moves them to
temporaries. Entries are consumed in an order that the host's own evaluation order keeps.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from loader.operators import BINARY, FIRST_INPLACE, IN, IS, MATCH
from loader.translate import methods, nodes
from loader.translate.graph import Item, Unstructured
from loader.translate.nodes import (
    attribute,
    call,
    choose,
    compare,
    constant,
    expression,
    help_call,
    helper,
    is_type,
    name,
    not_,
    subscript,
    target,
    tuple_,
    walrus,
)

if TYPE_CHECKING:
    from loader.code import Code
    from loader.translate.facts import Facts
    from loader.translate.unit import Unit


class Kind(Enum):
    """What is known of an entry."""

    VALUE = auto()  # unstable
    LOCAL = auto()  # a local that is assigned; stable until it is assigned again
    STABLE = auto()  # constant or temporary
    SLOT = auto()  # stands for no value: iterator words, `__exit__`, an exception
    NULL = auto()
    CELL = auto()  # the cell of local `extra`
    ITERABLE = auto()  # what GET_ITER_STACK will iterate


class Entry:
    """An entry of the symbolic stack.

    Attributes:
        node: The expression; None for SLOT, NULL, CELL.
        kind: What is known of it.
        size: Roughly how many nodes it has.
        extra: What the instruction that made it knows: local number, the parts of an
            in-place operation, whether it cannot be a str or a type.
    """

    __slots__ = ("extra", "kind", "node", "size")

    def __init__(self, node: Any, kind: Kind, size: int = 1, extra: Any = None) -> None:
        self.node = node
        self.kind = kind
        self.size = size
        self.extra = extra

    def __repr__(self) -> str:
        return f"{self.kind.name}:{ast.unparse(self.node) if self.node else ''}"


SLOT = Entry(None, Kind.SLOT)
NULL = Entry(None, Kind.NULL)

_NOT_STR = "not str"
_INPLACE_METHODS = frozenset({"__iadd__", "__isub__", "__ior__"})
_ARITHMETIC_ONLY = frozenset({"-", "//", "&", "|", "^", "<<", ">>", "**", "/"})
_SMALL = 8
"""Expressions of at most this size may be written twice."""


class Values:
    """Evaluates items of one function on a symbolic stack.

    Attributes:
        unit: What is shared with the other functions of the unit.
        code: The function.
        out: Statements written so far; None inside an expression.
        stack: The symbolic stack.
        sure: Locals that are certainly assigned here.
    """

    def __init__(self, unit: Unit, code: Code) -> None:
        self.unit = unit
        self.code = code
        self.facts: Facts = unit.facts
        self.names = code.context.names
        self.out: list[ast.stmt] | None = None
        self.stack: list[Entry] = []
        self.sure: set[int] = set()
        self.locals: dict[int, str] = {}
        self.cells: dict[int, str] = {}
        self.stored_cells: set[str] = set()
        self.globals_read: set[str] = set()
        self.globals_stored: set[str] = set()
        self.namespace: str | None = None  # of a class body
        self.is_module = False
        self.deleted: set[int] = set()
        self.first_param = -1
        self.slices_arrive = code.name in ("__getitem__", "__setitem__", "__delitem__")

    # ------------------------------------------------------------------------ the stack

    def push(self, node: ast.expr, size: int = 1, extra: Any = None) -> None:
        """Push an unstable value."""
        self.stack.append(Entry(node, Kind.VALUE, size, extra))

    def push_stable(self, node: ast.expr) -> None:
        """Push a constant or a temporary."""
        self.stack.append(Entry(node, Kind.STABLE))

    def pop(self) -> Entry:
        """Pop any entry."""
        return self.stack.pop()

    def take(self) -> Any:
        """Pop a value: its expression."""
        return self.value(self.stack.pop())

    def value(self, entry: Entry) -> Any:
        """Expression of an entry that has a value."""
        node = entry.node
        if node is None:
            if entry.kind is Kind.CELL:
                return self.cell_object(entry.extra)
            raise Unstructured(f"{entry.kind.name} used as a value")
        if type(node) is ast.Slice:
            # Only in brackets can a slice be written as such.
            none = constant(None, node.lineno)
            return help_call("slice", [node.lower or none, node.upper or none], node.lineno)
        return node

    def take_many(self, count: int) -> list[ast.expr]:
        """Pop values; the deepest first."""
        found = [self.take() for _ in range(count)]
        found.reverse()
        return found

    def total(self, count: int) -> int:
        """Size of the topmost entries together."""
        return sum(entry.size for entry in self.stack[len(self.stack) - count :])

    def write(self, statement: ast.stmt) -> None:
        """Write a statement; values still on the stack are evaluated before it."""
        if self.out is None:
            raise Unstructured("statement within an expression")
        self.flush()
        self.out.append(statement)

    def flush(self) -> None:
        """Move unstable values to temporaries, in order."""
        for at, entry in enumerate(self.stack):
            if entry.kind is Kind.VALUE or entry.kind is Kind.ITERABLE:
                self.stack[at] = self.to_temp(entry)

    def to_temp(self, entry: Entry) -> Entry:
        """Assign an entry to a temporary."""
        if self.out is None:
            raise Unstructured("temporary within an expression")
        text = self.unit.temp()
        line = entry.node.lineno
        if entry.kind is Kind.ITERABLE:
            if entry.extra == "ready":
                return entry
            iterator = help_call("iter", [entry.node], line)
            self.out.append(nodes.assign(target(text, line), iterator, line))
            return Entry(name(text, line), Kind.ITERABLE, 1, "ready")
        self.out.append(nodes.assign(target(text, line), self.value(entry), line))
        extra = entry.extra if type(entry.extra) is str else None
        return Entry(name(text, line), Kind.STABLE, 1, extra)

    def settle(self) -> None:
        """Make every entry stay as it is, whatever is executed."""
        for at, entry in enumerate(self.stack):
            if entry.kind in (Kind.VALUE, Kind.LOCAL, Kind.ITERABLE):
                self.stack[at] = self.to_temp(entry)

    def before_store(self, slot: int) -> None:
        """Save entries that mention a local about to be assigned."""
        for at, entry in enumerate(self.stack):
            if entry.kind is Kind.LOCAL and entry.extra == slot:
                self.stack[at] = self.to_temp(entry)

    def stable_top(self) -> Entry:
        """Make the topmost entry safe to use twice; those below it come first."""
        top = self.stack[-1]
        if top.kind is Kind.VALUE:
            self.flush()
            top = self.stack[-1]
        return top

    @contextmanager
    def within_expression(self, stack: list[Entry]) -> Iterator[None]:
        """Evaluate with another stack, where no statement can be written."""
        saved = self.stack, self.out
        self.stack, self.out = stack, None
        try:
            yield
        finally:
            self.stack, self.out = saved

    def value_of(self, items: Sequence[Item], below: list[Entry] | None = None) -> Entry:
        """The value a list of items computes."""
        with self.within_expression(below or []):
            for item in items:
                self.do(item)
            return self.stack[-1]

    # -------------------------------------------------------------------------- items

    def do(self, item: Item) -> None:
        """Evaluate one item."""
        method = _METHODS.get(item.name)
        if method is None:
            raise Unstructured(f"{item.name} here")
        method(self, item)

    # Constants and locals

    def do_string(self, item: Item) -> None:
        self.push_stable(constant(self.names[item.arg], item.line))

    def do_int(self, item: Item) -> None:
        self.stack.append(Entry(constant(item.arg, item.line), Kind.STABLE, 1, _NOT_STR))

    def do_object(self, item: Item) -> None:
        value = self.code.context.objects[item.arg]
        if not _is_plain(value):
            raise Unstructured("native function table as a value")
        self.push_stable(constant(value, item.line))

    def do_none(self, item: Item) -> None:
        self.push_stable(constant(None, item.line))

    def do_true(self, item: Item) -> None:
        self.push_stable(constant(True, item.line))

    def do_false(self, item: Item) -> None:
        self.push_stable(constant(False, item.line))

    def do_null(self, item: Item) -> None:
        self.stack.append(NULL)

    def do_load_fast(self, item: Item) -> None:
        slot = item.arg
        if slot in self.cells:
            self.stack.append(Entry(None, Kind.CELL, 1, slot))
            return
        node = name(self.local(slot), item.line)
        if slot in self.sure:
            self.stack.append(Entry(node, Kind.LOCAL, 1, slot))
        else:
            self.push(node)

    def do_store_fast(self, item: Item) -> None:
        slot = item.arg
        if slot in self.cells:
            raise Unstructured("a cell is overwritten")
        value = self.pop()
        self.before_store(slot)
        self.store(name(self.local(slot), item.line), value, item.line)
        if slot not in self.deleted:
            self.sure.add(slot)

    def do_delete_fast(self, item: Item) -> None:
        self.before_store(item.arg)
        self.write_delete(ast.Name(self.local(item.arg), nodes.DEL, lineno=item.line, col_offset=0))

    def do_load_deref(self, item: Item) -> None:
        self.push(name(self.cell(item.arg), item.line))

    def do_store_deref(self, item: Item) -> None:
        text = self.cell(item.arg)
        self.stored_cells.add(text)
        self.store(name(text, item.line), self.pop(), item.line)

    def do_delete_deref(self, item: Item) -> None:
        text = self.cell(item.arg)
        self.stored_cells.add(text)
        self.write_delete(ast.Name(text, nodes.DEL, lineno=item.line, col_offset=0))

    def write_delete(self, node: ast.expr) -> None:
        self.write(ast.Delete([node], lineno=node.lineno, col_offset=0))

    def local(self, slot: int) -> str:
        """Name of a local."""
        found = self.locals.get(slot)
        if found is None:
            found = self.locals[slot] = self.unit.fresh("local", slot)
        return found

    def cell(self, slot: int) -> str:
        """Name of a local that inner functions share."""
        found = self.cells.get(slot)
        if found is None:
            raise Unstructured(f"local {slot} is no cell")
        return found

    def cell_object(self, slot: int) -> ast.expr:
        """The cell itself: that of a function that refers to the variable."""
        line = self.unit.line
        reads = ast.Lambda(
            ast.arguments([], [], None, [], [], None, []),
            name(self.cell(slot), line),
            lineno=line,
            col_offset=0,
        )
        closure = attribute(reads, "__closure__", line)
        return subscript(closure, constant(0, line), line)

    # Names

    def do_load_name(self, item: Item) -> None:
        text = self.names[item.arg]
        line = item.line
        self.globals_read.add(text)
        found: ast.expr = name(text, line)
        if self.namespace is not None:
            key = constant(text, line)
            space = name(self.namespace, line)
            found = choose(
                compare(key, nodes.IN, space, line), subscript(space, key, line), found, line
            )
        self.push(found, 1, ("global", text))

    def do_load_global(self, item: Item) -> None:
        text = self.names[item.arg]
        self.globals_read.add(text)
        self.push(name(text, item.line), 1, ("global", text))

    def do_store_name(self, item: Item) -> None:
        if self.namespace is None:
            self.do_store_global(item)
            return
        key = constant(self.names[item.arg], item.line)
        where = subscript(name(self.namespace, item.line), key, item.line)
        self.store(where, self.pop(), item.line)

    def do_store_global(self, item: Item) -> None:
        text = self.names[item.arg]
        self.globals_stored.add(text)
        self.store(name(text, item.line), self.pop(), item.line)

    def do_delete_name(self, item: Item) -> None:
        if self.namespace is None:
            self.do_delete_global(item)
            return
        self.delete_key(name(self.namespace, item.line), item)

    def do_delete_global(self, item: Item) -> None:
        # Not `del name`: a missing one is a KeyError.
        self.delete_key(call(helper("globals", item.line), [], item.line), item)

    def delete_key(self, space: ast.expr, item: Item) -> None:
        key = constant(self.names[item.arg], item.line)
        self.write_delete(subscript(space, key, item.line, nodes.DEL))

    def store(self, where: Any, value: Entry, line: int) -> None:
        """Write `where = value`, or `where op= value`."""
        if value.kind is Kind.CELL:
            value = Entry(self.cell_object(value.extra), Kind.VALUE)
        if value.node is None:
            raise Unstructured(f"{value.kind.name} stored")
        extra = value.extra
        if type(extra) is tuple and extra[0] == "inplace" and _same(extra[1], where):
            _, _, operator, rhs = extra
            _set_context(where, nodes.STORE)
            number = nodes.numbers.next()
            at = value.node.lineno
            self.write(ast.AugAssign(where, operator, rhs, lineno=at, col_offset=number))
            return
        _set_context(where, nodes.STORE)
        self.write(nodes.assign(where, value.node, line))

    # Attributes and subscripts

    def do_load_attr(self, item: Item) -> None:
        text, line = self.names[item.arg], item.line
        obj = self.pop()
        size = obj.size + 1
        self.push(self.load_attribute(obj, text, line), size, ("attribute", text))

    def load_attribute(self, obj: Entry, text: str, line: int) -> ast.expr:
        """`obj.text`, with a look at the type where the host's attribute may be wrong."""
        node = self.value(obj)
        if text not in self.unit.guarded:
            return attribute(node, text, line)
        slow = [constant(text, line)]
        if text.startswith("__"):
            return help_call("load_attr", [*slow, node], line)
        if self.is_self(obj):
            return attribute(node, text, line)
        plain = "strict" if text in _OF_EXCEPTIONS else "plain"
        first, again = self.twice(obj, line)
        kind = call(helper("type", line), [first], line)
        return choose(
            compare(kind, nodes.IN, helper(plain, line), line),
            attribute(again, text, line),
            help_call("load_attr", [*slow, again], line),
            line,
        )

    def is_self(self, obj: Entry) -> bool:
        """Whether an entry is `self` in a method of a class without built-in base."""
        return obj.kind is Kind.LOCAL and obj.extra == self.first_param

    def twice(self, entry: Entry, line: int) -> tuple[ast.expr, ast.expr]:
        """An expression that evaluates an entry, and one for its value afterwards."""
        node = self.value(entry)
        if entry.kind in (Kind.LOCAL, Kind.STABLE) or type(node) is ast.Name:
            return node, node
        text = self.unit.temp()
        return walrus(text, node, line), name(text, line)

    def do_load_method(self, item: Item) -> None:
        text, line = self.names[item.arg], item.line
        obj = self.pop()
        size = obj.size + 1
        extra: tuple[Any, ...] = ("method", text)
        if text in methods.TRUSTED:
            node: ast.expr = attribute(self.value(obj), text, line)
            if self.facts.bytearrays:
                # A bytearray has fewer methods on a device, and its own `append`.
                first, again = self.twice(obj, line)
                node = choose(
                    is_type(first, "list", line),
                    attribute(again, text, line),
                    help_call("load_attr", [constant(text, line), again], line),
                    line,
                )
        else:
            if text in methods.METHODS and text not in self.facts.defined:
                extra = ("method", text, self.value(obj))
            node = self.load_attribute(obj, text, line)
        self.push(node, size, extra)
        self.stack.append(NULL)

    def do_load_super_method(self, item: Item) -> None:
        text, line = self.names[item.arg], item.line
        size = self.total(3)
        obj_entry, cls_entry = self.pop(), self.pop()
        self.pop()
        obj, cls = self.value(obj_entry), self.value(cls_entry)
        slow = help_call("super_method", [cls, obj, constant(text, line)], line)
        made: ast.expr = slow
        simple = _simple(obj) and _simple(cls)
        if simple and (text not in self.unit.guarded or text == "__init__"):
            # Where all classes have one base, the host's `super` finds the same.
            kind = call(helper("type", line), [obj], line)
            tests: list[ast.expr] = [compare(kind, nodes.IN, helper("single", line), line)]
            if text == "__init__":
                tests.append(compare(cls, nodes.IN, helper("initialised", line), line))
            test = ast.BoolOp(nodes.AND, tests, lineno=line, col_offset=0)
            host = call(helper("host_super", line), [cls, obj], line)
            made = choose(
                tests[0] if len(tests) == 1 else test, attribute(host, text, line), slow, line
            )
        self.push(made, size, ("super", text))
        self.stack.append(NULL)

    def do_store_attr(self, item: Item) -> None:
        text, line = self.names[item.arg], item.line
        obj = self.pop()
        value = self.pop()
        node = self.value(obj)
        if value.kind is NULL.kind:
            self.write(
                expression(
                    help_call("delete_attr", [constant(text, line), node], line),
                    line,
                )
            )
            return
        if text in self.unit.guarded and not (self.is_self(obj) and text[:2] != "__"):
            natural = False
        else:
            natural = self.is_self(obj) or text in self.facts.fields
        if natural:
            self.store(attribute(node, text, line), value, line)
            return
        arguments = [constant(text, line), self.value(value), node]
        self.write(expression(help_call("store_attr", arguments, line), line))

    def do_load_subscr(self, item: Item) -> None:
        size = self.total(2) + 1
        key = self.pop()
        obj = self.take()
        line = item.line
        if type(key.node) is ast.Slice:
            self.push(subscript(obj, key.node, line), size)
        elif key.extra == "slice" or (self.slices_arrive and key.extra != _NOT_STR):
            self.push(help_call("load_subscr", [obj, self.value(key)], line), size)
        else:
            self.push(subscript(obj, self.value(key), line), size)

    def do_store_subscr(self, item: Item) -> None:
        line = item.line
        key = self.pop()
        obj = self.pop()
        value = self.pop()
        node = self.value(obj)
        if value.kind is Kind.NULL:
            self.write(expression(help_call("delete_subscr", [node, self.value(key)], line), line))
            return
        if type(key.node) is ast.Slice or key.extra == "slice" or self.slices_arrive:
            if type(value.extra) is tuple and value.extra[0] == "inplace":
                value = Entry(value.node, Kind.VALUE, value.size)
            arguments = [self.value(value), node, self.value(key)]
            self.write(expression(help_call("store_subscr", arguments, line), line))
            return
        if _never_cut(key, value):
            self.store(subscript(node, self.value(key), line), value, line)
            return
        self.store_or_cut(obj, key, value, line)

    def store_or_cut(self, obj: Entry, key: Entry, value: Entry, line: int) -> None:
        """`obj[key] = value` for what may be a bytearray, which takes the low byte only."""
        self.stack += [value, obj, key]
        extra = value.extra
        inplace = type(extra) is tuple and extra[0] == "inplace" and _simple(extra[3])
        for at in range(-2 if inplace else -3, 0):
            if not _simple(self.stack[at].node):
                if inplace:
                    # The value mentions them; they are stable already, or it is not in place.
                    inplace = False
                self.flush()
                break
        value, obj, key = self.stack[-3:]
        del self.stack[-3:]
        out = self.out
        if out is None:
            raise Unstructured("statement within an expression")
        self.flush()
        text: list[ast.stmt] = []
        node, subject = self.value(obj), self.value(key)
        self.out = text
        saved, self.stack = self.stack, []
        self.store(subscript(node, subject, line), value, line)
        self.stack, self.out = saved, out
        stored = self.value(value)
        if inplace:
            stored = nodes.binary(extra[1], extra[2], extra[3], line)
        retry = help_call("store_cut", [stored, node, subject], line)
        again = ast.If(
            not_(retry, line), [ast.Raise(None, None, lineno=line, col_offset=0)], [],
            lineno=line, col_offset=0,
        )  # fmt: skip
        handler = ast.ExceptHandler(
            helper("cut_errors", line), None, [again], lineno=line, col_offset=0
        )
        out.append(ast.Try(text, [handler], [], [], lineno=line, col_offset=0))

    # Moving entries

    def do_dup_top(self, item: Item) -> None:
        top = self.stable_top()
        self.stack.append(top)

    def do_dup_top_two(self, item: Item) -> None:
        if any(entry.kind is Kind.VALUE for entry in self.stack[-2:]):
            self.flush()
        self.stack.extend(self.stack[-2:])

    def do_pop_top(self, item: Item) -> None:
        entry = self.pop()
        if entry.kind is Kind.VALUE:
            self.write(expression(entry.node, item.line))
        elif entry.kind is Kind.ITERABLE and entry.extra != "ready":
            self.write(expression(self.iterable(entry), item.line))

    def do_rot_two(self, item: Item) -> None:
        self.order(2)
        self.stack[-2:] = [self.stack[-1], self.stack[-2]]

    def do_rot_three(self, item: Item) -> None:
        self.order(3)
        a, b, c = self.stack[-3:]
        self.stack[-3:] = [c, a, b]

    def order(self, count: int) -> None:
        """Before entries change places: at most one of them may still be unstable."""
        unstable = [e for e in self.stack[-count:] if e.kind is Kind.VALUE]
        if len(unstable) > 1:
            self.flush()

    # Operators

    def do_unary(self, item: Item) -> None:
        entry = self.pop()
        node = self.value(entry)
        if item.arg == 3:
            self.push(not_(node, item.line), entry.size + 1, _NOT_STR)
            return
        self.push(
            ast.UnaryOp(
                nodes.UNARIES[item.arg],
                node,
                lineno=item.line,
                col_offset=nodes.numbers.next(),
            ),
            entry.size + 1,
            _NOT_STR,
        )

    def do_binary(self, item: Item) -> None:
        number, line = item.arg, item.line
        size = self.total(2) + 1
        rhs = self.pop()
        lhs = self.pop()
        left, right = self.value(lhs), self.value(rhs)
        operator = BINARY[number]
        symbol = operator.symbol
        if number == MATCH:
            self.push(help_call("matches", [left, right], line), size)
        elif number == IS:
            self.push(self.identity(lhs, rhs, line), size, _NOT_STR)
        elif number == IN:
            self.push(self.contains(left, rhs, nodes.IN, line), size, _NOT_STR)
        elif number < FIRST_INPLACE:
            self.push(compare(left, nodes.COMPARISONS[symbol], right, line), size, _NOT_STR)
        elif number < FIRST_INPLACE + _KINDS and operator.method in _INPLACE_METHODS:
            host = nodes.OPERATORS[symbol[:-1]]
            self.push(
                help_call("inplace_" + operator.method.strip("_"), [left, right], line),
                size,
                ("inplace", left, host, right),
            )
        else:
            plain = symbol.removesuffix("=")
            made: ast.expr
            if plain == "%" and lhs.extra != _NOT_STR:
                made = self.modulo(lhs, rhs, line)
            elif plain == "**" and not (_is_int(right) and not self.facts.complex):
                made = help_call("power", [left, right], line)
            elif plain == "|" and self.may_be_dict(lhs, rhs):
                made = self.union(lhs, rhs, line)
            elif plain == "/" and self.facts.complex:
                made = help_call("divide", [left, right], line)
            else:
                made = nodes.binary(left, nodes.OPERATORS[plain], right, line)
                if plain in ("&", "|", "^") and _is_bool(left) and _is_bool(right):
                    # Of two bools a device makes an int.
                    made = ast.UnaryOp(nodes.UNARIES[0], made, lineno=line, col_offset=0)
            if plain is not symbol:
                made.inplace = True  # type: ignore[attr-defined]  # for `explain`
            number_only = plain in _ARITHMETIC_ONLY
            self.push(made, size, _NOT_STR if number_only else None)

    def searched(self, entry: Entry) -> Any:
        """The right side of `in`."""
        extra = entry.extra
        if type(extra) is tuple and extra[0] == "set":
            return extra[1]
        return self.value(entry)

    def contains(self, left: ast.expr, rhs: Entry, op: ast.cmpop, line: int) -> ast.expr:
        """`in` and `not in`."""
        right = self.searched(rhs)
        if type(right) is ast.Constant and type(right.value) is bytes:
            # A str may be looked for in it too.
            found = help_call("contains", [left, right], line)
            return not_(found, line) if op is nodes.NOT_IN else found
        return compare(left, op, right, line)

    @staticmethod
    def may_be_dict(lhs: Entry, rhs: Entry) -> bool:
        """Whether `|` may join dicts."""
        plain = any(entry.extra == _NOT_STR for entry in (lhs, rhs))
        return not plain and not (_is_bool(lhs.node) and _is_bool(rhs.node))

    def union(self, lhs: Entry, rhs: Entry, line: int) -> ast.expr:
        """`|`: the host's, except that a dict may be joined with what `dict()` takes."""
        left, right = self.value(lhs), self.value(rhs)
        if rhs.size > _SMALL or type(left) is ast.Dict:
            return help_call("union", [left, right], line)
        first, again = self.twice(lhs, line)
        plain = nodes.binary(again, nodes.OPERATORS["|"], right, line)
        joined = help_call("union", [again, right], line)
        return choose(is_type(first, "dict", line, negate=True), plain, joined, line)

    def modulo(self, lhs: Entry, rhs: Entry, line: int) -> ast.expr:
        """`%`: the host's, except for formatting."""
        left, right = self.value(lhs), self.value(rhs)
        if type(left) is ast.Constant and type(left.value) in (str, bytes):
            return help_call("format", [left, right], line)
        if type(right) is ast.Constant and type(right.value) is int:
            # Formatting one int is the same for host and guest.
            return nodes.binary(left, nodes.OPERATORS["%"], right, line)
        if rhs.size > _SMALL:
            return help_call("modulo", [left, right], line)
        first, again = self.twice(lhs, line)
        remainder = nodes.binary(again, nodes.OPERATORS["%"], right, line)
        formatted = help_call("format", [again, right], line)
        kind = call(helper("type", line), [first], line)
        is_text = compare(kind, nodes.IN, helper("texts", line), line)
        return choose(is_text, formatted, remainder, line)

    def identity(self, lhs: Entry, rhs: Entry, line: int) -> ast.expr:
        """`is`: equal small ints are identical on a device."""
        left, right = self.value(lhs), self.value(rhs)
        if any(_is_singleton(node) for node in (left, right)):
            return compare(left, nodes.IS, right, line)
        for entry in (lhs, rhs):
            extra = entry.extra
            if type(extra) is tuple and extra[0] == "global" and extra[1] in self.facts.defined:
                return compare(left, nodes.IS, right, line)  # a function, class or module
        if not (_simple(left) and _simple(right)):
            return help_call("is", [left, right], line)
        equal: list[ast.expr] = [
            is_type(left, "int", line),
            is_type(right, "int", line),
            compare(left, nodes.COMPARISONS["=="], right, line),
        ]
        both = ast.BoolOp(nodes.AND, equal, lineno=line, col_offset=0)
        same = compare(left, nodes.IS, right, line)
        return ast.BoolOp(nodes.OR, [same, both], lineno=line, col_offset=0)

    def do_not_in(self, item: Item) -> None:
        size = self.total(2) + 1
        rhs = self.pop()
        found = self.contains(self.take(), rhs, nodes.NOT_IN, item.line)
        self.push(found, size, _NOT_STR)

    def do_is_not(self, item: Item) -> None:
        size = self.total(2) + 1
        rhs, lhs = self.pop(), self.pop()
        found = self.identity(lhs, rhs, item.line)
        if type(found) is ast.Compare:
            found = compare(found.left, nodes.IS_NOT, found.comparators[0], item.line)
        else:
            found = not_(found, item.line)
        self.push(found, size, _NOT_STR)

    # Folded items

    def do_logic(self, item: Item) -> None:
        operator, items, negate = item.arg
        left = self.pop()
        right = self.value_of(items)
        node = self.value(right)
        if negate:
            node = not_(node, item.line)
        op = nodes.AND if operator == "and" else nodes.OR
        values = [self.value(left), node]
        first = values[0]
        if type(first) is ast.BoolOp and first.op is op:
            values[:1] = first.values
        self.push(
            ast.BoolOp(op, values, lineno=item.line, col_offset=0), left.size + right.size + 1
        )

    def do_choose(self, item: Item) -> None:
        condition = self.pop()
        yes = self.value_of(item.arg[0])
        no = self.value_of(item.arg[1])
        self.push(
            choose(self.value(condition), self.value(yes), self.value(no), item.line),
            condition.size + yes.size + no.size + 1,
        )

    def do_chain(self, item: Item) -> None:
        first, items, rest = item.arg
        size = self.total(2)
        right, left = self.take(), self.take()
        ops, operands = self.chain_parts(first, items, rest)
        self.push(
            ast.Compare(left, ops, [right, *operands], lineno=item.line, col_offset=0),
            size + len(ops) * 3,
            _NOT_STR,
        )

    def chain_parts(
        self, first: Item, items: Sequence[Item], rest: Item
    ) -> tuple[list[ast.cmpop], list[ast.expr]]:
        """Operators of a chained comparison, and all operands after the second."""
        ops = [_comparison(first)]
        operands = [self.value(self.value_of(items))]
        if rest.name == "chain":
            more, after = self.chain_parts(*rest.arg)
            return ops + more, operands + after
        return [*ops, _comparison(rest)], operands

    def do_walrus(self, item: Item) -> None:
        value = self.pop()
        store: Item = item.arg
        node = self.value(value)
        kind = store.name
        if kind.startswith("STORE_FAST"):
            for entry in self.stack:
                if entry.kind is Kind.LOCAL and entry.extra == store.arg:
                    raise Unstructured("a local assigned while its old value is pending")
            text = self.local(store.arg)
            if store.arg not in self.deleted and self.out is not None:
                self.sure.add(store.arg)
        elif kind == "STORE_DEREF":
            text = self.cell(store.arg)
            self.stored_cells.add(text)
        else:
            text = self.names[store.arg]
            self.globals_stored.add(text)
        self.push(walrus(text, node, item.line), value.size + 1)

    # Building

    def do_build_tuple(self, item: Item) -> None:
        size = self.total(item.arg) + 1
        self.push(tuple_(self.take_many(item.arg), item.line), size)

    def do_build_list(self, item: Item) -> None:
        size = self.total(item.arg) + 1
        items = self.take_many(item.arg)
        self.push(ast.List(items, nodes.LOAD, lineno=item.line, col_offset=0), size)

    def do_build_set(self, item: Item) -> None:
        size = self.total(item.arg) + 1
        items = self.take_many(item.arg)
        shown = tuple_(items, item.line)
        made = help_call("made_set", [shown, constant(item.arg, item.line)], item.line)
        # Where only membership is asked the order it was filled in does not matter.
        plain = ast.Set(items, lineno=item.line, col_offset=0) if items else shown
        self.push(made, size, ("set", plain))

    def do_build_map(self, item: Item) -> None:
        made = ast.Dict([], [], lineno=item.line, col_offset=0)
        if item.arg <= 2:  # see order.note_display
            self.push(made, 1, ("dict", made))
        else:
            noted = help_call("display", [made, constant(item.arg, item.line)], item.line)
            self.push(noted, 1, ("dict", made))

    def do_store_map(self, item: Item) -> None:
        line = item.line
        key, value, made = self.pop(), self.pop(), self.pop()
        if type(made.extra) is not tuple or made.extra[0] != "dict":
            # The display was interrupted by a statement.
            where = subscript(self.value(made), self.value(key), line, nodes.STORE)
            self.stack.append(made)
            if value.kind is Kind.VALUE and key.kind is Kind.VALUE:
                self.flush()
                value = self.to_temp(value)
            self.write(nodes.assign(where, self.value(value), line))
            return
        key_node, value_node = self.value(key), self.value(value)
        if key.kind is Kind.VALUE and value.kind is Kind.VALUE:
            # The device evaluates the value first.
            text = self.unit.temp()
            both = tuple_([walrus(text, value_node, line), key_node], line)
            key_node = subscript(both, constant(1, line), line)
            value_node = name(text, line)
        display: ast.Dict = made.extra[1]
        display.keys.append(key_node)
        display.values.append(value_node)
        made.size += key.size + value.size
        self.stack.append(made)

    def do_build_slice(self, item: Item) -> None:
        size = self.total(item.arg) + 1
        bounds: list[Any] = self.take_many(item.arg)
        if item.arg == 2:
            parts = [None if type(b) is ast.Constant and b.value is None else b for b in bounds]
            node = ast.Slice(parts[0], parts[1], None, lineno=item.line, col_offset=0)
            # A slice that is not used up at once must become an object.
            self.push(node, size, "slice")
        else:
            self.push(help_call("slice", bounds, item.line), size, "slice")

    def do_store_comp(self, item: Item) -> None:
        kind, depth, line = item.arg & 3, item.arg >> 2, item.line
        at = len(self.stack) - 1 - depth
        if at < 0 or self.stack[at].node is None:
            raise Unstructured("no container for STORE_COMP")
        self.flush_below(at)
        container = self.stack[at].node
        if kind == 1:
            key, value = self.pop(), self.pop()
            if key.kind is Kind.VALUE and value.kind is Kind.VALUE:
                self.flush()
                value = self.to_temp(value)
            where = subscript(container, self.value(key), line, nodes.STORE)
            self.write(nodes.assign(where, self.value(value), line))
            return
        method = attribute(container, "append" if kind == 0 else "add", line)
        self.write(expression(call(method, [self.take()], line), line))

    def flush_below(self, at: int) -> None:
        """Make sure that an entry is stable."""
        if self.stack[at].kind is not Kind.STABLE:
            self.settle()

    # Calls

    def do_call_function(self, item: Item) -> None:
        size = self.total(_arguments(item.arg)) + 1
        entries = self.stack[len(self.stack) - (item.arg & 0xFF) :]
        args, keywords = self.arguments(item.arg, item.line)
        function = self.pop()
        node = self.inline_call(function, args, keywords)
        if node is None and not keywords:
            node = self.bare_call(function, args, item.line)
            if node is None:
                node = self.builtin_call(function, args, entries, item.line)
        if node is None:
            node = call(self.callee(function, item.line), args, item.line, keywords)
        self.push(node, size + function.size)

    def do_call_method(self, item: Item) -> None:
        size = self.total(_arguments(item.arg)) + 1
        args, keywords = self.arguments(item.arg, item.line)
        self_ = self.pop()
        if self_.kind is not Kind.NULL:
            raise Unstructured("CALL_METHOD without LOAD_METHOD")
        method = self.pop()
        extra = method.extra
        if type(extra) is tuple and extra[0] == "method" and len(extra) == 3:
            args.insert(0, extra[2])
            node = call(helper("method_" + extra[1], item.line), args, item.line, keywords)
        else:
            node = call(self.callee(method, item.line), args, item.line, keywords)
        self.push(node, size + method.size)

    def arguments(self, arg: int, line: int) -> tuple[list[ast.expr], list[ast.keyword]]:
        """Pop the arguments of a call."""
        n_pos, n_kw = arg & 0xFF, arg >> 8 & 0xFF
        keywords: list[ast.keyword] = []
        for _ in range(n_kw):
            value, key = self.take(), self.pop()
            keywords.append(self.keyword(key, value, line))
        keywords.reverse()
        found: set[str | None] = set()
        for keyword in keywords:
            if keyword.arg is not None and keyword.arg in found:
                raise Unstructured("a keyword twice")
            found.add(keyword.arg)
        return self.take_many(n_pos), keywords

    def keyword(self, key: Entry, value: ast.expr, line: int) -> ast.keyword:
        if type(key.node) is not ast.Constant or type(key.node.value) is not str:
            raise Unstructured("computed keyword")
        return ast.keyword(key.node.value, value, lineno=line, col_offset=0)

    def do_call_var_kw(self, item: Item) -> None:
        n_pos, n_kw = item.arg & 0xFF, item.arg >> 8 & 0xFF
        line = item.line
        bitmap = self.pop()
        if type(bitmap.node) is not ast.Constant:
            raise Unstructured("computed bitmap of starred arguments")
        stars: Any = bitmap.node.value
        keywords: list[ast.keyword] = []
        for _ in range(n_kw):
            value, key = self.take(), self.pop()
            if key.kind is Kind.NULL:
                mapping = help_call("mapping", [value], line)
                keywords.append(ast.keyword(None, mapping, lineno=line, col_offset=0))
            else:
                keywords.append(self.keyword(key, value, line))
        keywords.reverse()
        args = self.take_many(n_pos)
        for at in range(n_pos):
            if stars >> at & 1:
                star = self.iterate(args[at], line)
                args[at] = ast.Starred(star, nodes.LOAD, lineno=line, col_offset=0)
        if item.name == "CALL_METHOD_VAR_KW" and self.pop().kind is not Kind.NULL:
            raise Unstructured("CALL_METHOD without LOAD_METHOD")
        function = self.pop()
        extra = function.extra
        if type(extra) is tuple and extra[0] == "method" and len(extra) == 3:
            args.insert(0, extra[2])
            callee: ast.expr = helper("method_" + extra[1], line)
        else:
            callee = self.callee(function, line)
        self.push(call(callee, args, line, keywords), 20)

    def bare_call(self, function: Entry, args: list[ast.expr], line: int) -> ast.expr | None:
        """A class that takes no arguments, called with some: a device ignores them."""
        extra = function.extra
        if args and type(extra) is tuple and extra[0] == "global" and extra[1] in self.facts.bare:
            return help_call("bare", [self.value(function), *args], line)
        return None

    def callee(self, function: Entry, line: int) -> ast.expr:
        """A callable, looked up among the built-in types if it may be one."""
        node = self.value(function)
        extra = function.extra
        if type(extra) is tuple:
            origin, text = extra[0], extra[1]
            if origin == "super" or origin == "made":
                return node  # type: ignore[no-any-return]
            if origin == "global":
                if text in self.facts.defined:
                    return node  # type: ignore[no-any-return]
                if text not in self.facts.rebound:
                    if text in self.unit.constructors:
                        test = compare(node, nodes.IS, helper(text, line), line)
                        return choose(test, helper("make_" + text, line), node, line)
                    if text in self.unit.functions or text in self.unit.exceptions:
                        return node  # type: ignore[no-any-return]
            elif origin == "method" and (
                text not in self.facts.attributes and text not in self.facts.rebound
            ):
                return node  # type: ignore[no-any-return]
        elif function.extra == "function":
            return node  # type: ignore[no-any-return]
        first, again = self.twice(function, line)
        test = is_type(first, "type", line, negate=True)
        return choose(test, again, help_call("construct", [again], line), line)

    # Functions

    def inline_call(
        self, function: Entry, args: list[ast.expr], keywords: list[ast.keyword]
    ) -> ast.expr | None:
        """A comprehension written as such."""
        extra = function.extra
        if type(extra) is tuple and extra[0] == "comprehension" and len(args) == 1:
            made: ast.expr | None = extra[1](args[0])
            return made
        return None

    def builtin_call(
        self, function: Entry, args: list[ast.expr], entries: list[Entry], line: int
    ) -> ast.expr | None:
        """A call of a built-in function or type by its own name, in the host's words.

        The name is looked up and compared, since a program may have given it another value.
        """
        extra = function.extra
        if type(extra) is not tuple or extra[0] != "global":
            return None
        text: str = extra[1]
        if text in self.facts.defined or text in self.facts.rebound:
            return None
        node = self.value(function)
        count = len(args)
        if count in self.unit.host_functions.get(text, ()):
            test = compare(node, nodes.IS, helper("guest_" + text, line), line)
            return call(choose(test, helper("host_" + text, line), node, line), args, line)
        if (text == "range" and 0 < count <= 3) or (text == "bool" and count == 1):
            return call(node, args, line)
        if text == "isinstance" and count == 2:
            found = self.isinstance_call(node, args, entries, line)
            if found is not None:
                return found
        if (count == 2 and text in ("isinstance", "hasattr")) or (
            count in (2, 3) and text == "getattr"
        ):
            test = compare(node, nodes.IS, helper("guest_" + text, line), line)
            return call(choose(test, helper(text, line), node, line), args, line)
        kinds = _FAST_SETS.get(text)
        if kinds is not None and count == 1:
            # The host's constructor serves some types of arguments, the guest's the others.
            first, again = self.twice(entries[0], line)
            kind = call(helper("type", line), [first], line)
            both = ast.BoolOp(
                nodes.AND,
                [
                    compare(kind, nodes.IN, helper(kinds, line), line),
                    compare(node, nodes.IS, helper(text, line), line),
                ],
                lineno=line,
                col_offset=0,
            )
            slow = call(self.callee(function, line), [again], line)
            return choose(both, call(helper(text, line), [again], line), slow, line)
        return None

    def isinstance_call(
        self, node: ast.expr, args: list[ast.expr], entries: list[Entry], line: int
    ) -> ast.expr | None:
        """`isinstance(x, C)`: the host's answer is right for classes the guest made."""
        kind = args[1]
        if type(kind) is not ast.Name:
            return None
        known = entries[1].extra
        host = call(helper("host_isinstance", line), args, line)
        if type(known) is tuple and known[0] == "global" and known[1] in _PLAIN_KINDS:
            test = compare(kind, nodes.IS, helper(known[1], line), line)
        else:
            of = call(helper("type", line), [kind], line)
            test = compare(of, nodes.IS, helper("guest_type", line), line)
        original = compare(node, nodes.IS, helper("guest_isinstance", line), line)
        both = ast.BoolOp(nodes.AND, [test, original], lineno=line, col_offset=0)
        function = choose(both, helper("host_isinstance", line), node, line)
        del host
        return call(function, args, line)

    def do_make(self, item: Item) -> None:
        """MAKE_FUNCTION and the like: see `functions`."""
        self.unit.functions_of.make(self, item)

    def do_load_build_class(self, item: Item) -> None:
        self.push(name("__build_class__", item.line), 1, "function")
        self.globals_read.add("__build_class__")
        self.stack[-1].node = help_call("build_class", [], item.line)

    # Iteration, generators, imports

    def iterate(self, node: ast.expr, line: int) -> ast.expr:
        """What the host iterates for the guest's items of a value."""
        plain = self.iterate_plainly(node, line)
        if plain is not None:
            return plain
        text = self.unit.temp()
        first, again = walrus(text, node, line), name(text, line)
        slow = help_call("iterate", [again], line)
        return choose(is_type(first, "list", line), again, slow, line)

    def iterate_plainly(self, node: ast.expr, line: int) -> ast.expr | None:
        """`iterate` without a temporary, or None if it needs one."""
        if type(node) in (ast.List, ast.Tuple, ast.ListComp):
            return node
        if type(node) is ast.Constant and type(node.value) in (str, bytes, tuple):
            return node
        if type(node) is ast.Call and type(node.func) is ast.Name:
            called = node.func.id
            if called in _SEQUENCES and called not in self.facts.rebound | self.facts.defined:
                return node
        if type(node) is ast.Name:
            slow = help_call("iterate", [node], line)
            return choose(is_type(node, "list", line), node, slow, line)
        return None

    def iterable(self, entry: Entry) -> ast.expr:
        """What a loop iterates."""
        if entry.extra == "ready" or entry.kind is not Kind.ITERABLE:
            return self.value(entry)  # type: ignore[no-any-return]
        return self.iterate(entry.node, entry.node.lineno)

    def do_get_iter(self, item: Item) -> None:
        entry = self.pop()
        self.push(
            help_call("iter", [self.value(entry)], item.line), entry.size + 1, ("iter", entry)
        )

    def do_get_iter_stack(self, item: Item) -> None:
        entry = self.pop()
        self.stack.append(Entry(self.value(entry), Kind.ITERABLE, entry.size))
        self.stack.extend((SLOT, SLOT, SLOT))

    def do_yield(self, item: Item) -> None:
        value = self.take()
        self.unit.yields(self)
        self.push_resumed(ast.Yield(value, lineno=item.line, col_offset=0), item.line)

    def push_resumed(self, node: ast.expr, line: int) -> None:
        """Push what a resumption brings; what `pend_throw` left for it is raised first."""
        if self.out is None:
            self.push(node)
            return
        self.flush()
        text = self.unit.temp()
        self.out.append(nodes.assign(target(text, line), node, line))
        raise_ = expression(help_call("raise_pending", [], line), line)
        self.out.append(ast.If(helper("pending", line), [raise_], [], lineno=line, col_offset=0))
        self.push_stable(name(text, line))

    def do_yield_from(self, item: Item) -> None:
        line = item.line
        sent = self.pop()
        if type(sent.node) is not ast.Constant or sent.node.value is not None:
            raise Unstructured("yield from with a first value")
        source = self.pop()
        self.unit.yields(self)
        extra = source.extra
        if type(extra) is tuple and extra[0] == "iter":
            first, again = self.twice(extra[1], line)
            node = choose(
                is_type(first, "generator", line), again, help_call("delegate", [again], line), line
            )
        else:
            node = self.value(source)
        self.push_resumed(ast.YieldFrom(node, lineno=line, col_offset=0), line)

    def do_import_name(self, item: Item) -> None:
        line = item.line
        size = self.total(2)
        fromlist, level = self.take(), self.take()
        arguments = [
            constant(self.names[item.arg], line),
            call(helper("globals", line), [], line),
            fromlist,
            level,
        ]
        self.push(help_call("import_name", arguments, line), size)

    def do_import_from(self, item: Item) -> None:
        module = self.stable_top()
        node = help_call(
            "import_from",
            [self.value(module), constant(self.names[item.arg], item.line)],
            item.line,
        )
        self.push(node)

    def do_import_star(self, item: Item) -> None:
        self.write(expression(help_call("import_star", [self.take()], item.line), item.line))

    def do_unpack_sequence(self, item: Item) -> None:
        self.unpack([None] * item.arg, item, None)

    def do_unpack_ex(self, item: Item) -> None:
        left, right = item.arg & 0xFF, item.arg >> 8 & 0xFF
        self.unpack([None] * (left + 1 + right), item, left)

    def unpack(self, places: list[None], item: Item, star: int | None) -> None:
        """Assign the items of a sequence to temporaries."""
        line = item.line
        temps = [self.unit.temp() for _ in places]
        targets: list[ast.expr] = [target(text, line) for text in temps]
        if star is not None:
            targets[star] = ast.Starred(targets[star], nodes.STORE, lineno=line, col_offset=0)
        source = self.pop()
        self.write_unpack(targets, source, line)
        for text in reversed(temps):
            self.push_stable(name(text, line))

    def write_unpack(self, targets: list[ast.expr], source: Entry, line: int) -> None:
        where = tuple_(targets, line, nodes.STORE)
        self.write(nodes.assign(where, self.iterate_for_unpack(source, line), line))

    def iterate_for_unpack(self, source: Entry, line: int) -> ast.expr:
        node = self.value(source)
        if type(node) in (ast.List, ast.Tuple):
            return node  # type: ignore[no-any-return]
        first, again = self.twice(source, line)
        return choose(
            is_type(first, "tuple", line), again, help_call("iterate", [again], line), line
        )


_KINDS = 13

_OF_EXCEPTIONS = frozenset({"value", "errno", "args", "with_traceback", "add_note"})
"""Attributes in which exceptions of all classes differ from the host's."""

_FAST_SETS = {
    "int": "numbers", "float": "numbers", "str": "ints", "list": "ordered", "tuple": "ordered",
    "bytes": "bytes_like", "bytearray": "bytes_like", "type": "common",
}  # fmt: skip
"""Built-in types called with one argument -> helper with the types for which the host is right."""

_SEQUENCES = frozenset({"range", "enumerate", "zip", "reversed"})
"""Built-in callables whose results have the same order for host and guest."""

_PLAIN_KINDS = frozenset({"str", "list", "dict", "tuple", "bytes", "bytearray", "float", "set"})
"""Built-in types of which the host and the guest agree what is an instance."""

_METHODS: dict[str, Callable[[Values, Item], None]] = {
    "LOAD_CONST_STRING": Values.do_string,
    "LOAD_CONST_SMALL_INT": Values.do_int,
    "LOAD_CONST_OBJ": Values.do_object,
    "LOAD_CONST_NONE": Values.do_none,
    "LOAD_CONST_TRUE": Values.do_true,
    "LOAD_CONST_FALSE": Values.do_false,
    "LOAD_NULL": Values.do_null,
    "LOAD_FAST": Values.do_load_fast,
    "LOAD_FAST_N": Values.do_load_fast,
    "STORE_FAST": Values.do_store_fast,
    "STORE_FAST_N": Values.do_store_fast,
    "DELETE_FAST": Values.do_delete_fast,
    "LOAD_DEREF": Values.do_load_deref,
    "STORE_DEREF": Values.do_store_deref,
    "DELETE_DEREF": Values.do_delete_deref,
    "LOAD_NAME": Values.do_load_name,
    "LOAD_GLOBAL": Values.do_load_global,
    "STORE_NAME": Values.do_store_name,
    "STORE_GLOBAL": Values.do_store_global,
    "DELETE_NAME": Values.do_delete_name,
    "DELETE_GLOBAL": Values.do_delete_global,
    "LOAD_ATTR": Values.do_load_attr,
    "LOAD_METHOD": Values.do_load_method,
    "LOAD_SUPER_METHOD": Values.do_load_super_method,
    "STORE_ATTR": Values.do_store_attr,
    "LOAD_SUBSCR": Values.do_load_subscr,
    "STORE_SUBSCR": Values.do_store_subscr,
    "LOAD_BUILD_CLASS": Values.do_load_build_class,
    "DUP_TOP": Values.do_dup_top,
    "DUP_TOP_TWO": Values.do_dup_top_two,
    "POP_TOP": Values.do_pop_top,
    "ROT_TWO": Values.do_rot_two,
    "ROT_THREE": Values.do_rot_three,
    "UNARY_OP": Values.do_unary,
    "BINARY_OP": Values.do_binary,
    "BUILD_TUPLE": Values.do_build_tuple,
    "BUILD_LIST": Values.do_build_list,
    "BUILD_SET": Values.do_build_set,
    "BUILD_MAP": Values.do_build_map,
    "STORE_MAP": Values.do_store_map,
    "BUILD_SLICE": Values.do_build_slice,
    "STORE_COMP": Values.do_store_comp,
    "CALL_FUNCTION": Values.do_call_function,
    "CALL_METHOD": Values.do_call_method,
    "CALL_FUNCTION_VAR_KW": Values.do_call_var_kw,
    "CALL_METHOD_VAR_KW": Values.do_call_var_kw,
    "MAKE_FUNCTION": Values.do_make,
    "MAKE_FUNCTION_DEFARGS": Values.do_make,
    "MAKE_CLOSURE": Values.do_make,
    "MAKE_CLOSURE_DEFARGS": Values.do_make,
    "GET_ITER": Values.do_get_iter,
    "GET_ITER_STACK": Values.do_get_iter_stack,
    "YIELD_VALUE": Values.do_yield,
    "YIELD_FROM": Values.do_yield_from,
    "IMPORT_NAME": Values.do_import_name,
    "IMPORT_FROM": Values.do_import_from,
    "IMPORT_STAR": Values.do_import_star,
    "UNPACK_SEQUENCE": Values.do_unpack_sequence,
    "UNPACK_EX": Values.do_unpack_ex,
    "logic": Values.do_logic,
    "choose": Values.do_choose,
    "chain": Values.do_chain,
    "walrus": Values.do_walrus,
    "not_in": Values.do_not_in,
    "is_not": Values.do_is_not,
}


def _arguments(arg: int) -> int:
    return (arg & 0xFF) + 2 * (arg >> 8 & 0xFF)


def _comparison(item: Item) -> ast.cmpop:
    if item.name == "not_in":
        return nodes.NOT_IN
    if item.name == "is_not":
        return nodes.IS_NOT
    if item.name != "BINARY_OP" or item.arg >= FIRST_INPLACE or item.arg == MATCH:
        raise Unstructured("chained operator that is no comparison")
    return nodes.COMPARISONS[BINARY[item.arg].symbol]


def _is_plain(value: Any) -> bool:
    """Whether the host takes a value as a constant of code."""
    if type(value) is tuple:
        return all(_is_plain(item) for item in value)
    return value is None or value is ... or type(value) in _CONSTANTS


_CONSTANTS = frozenset({bool, int, float, complex, str, bytes})


def _simple(node: Any) -> bool:
    """Whether an expression can be evaluated again without cost or effect."""
    return type(node) is ast.Name or type(node) is ast.Constant


def _never_cut(key: Entry, value: Entry) -> bool:
    """Whether a value stored under a key certainly fits where numbers are cut to a byte."""
    if type(key.node) is ast.Constant and type(key.node.value) is not int:
        return True
    node = value.node
    if type(node) is ast.Constant:
        return type(node.value) is not int or 0 <= node.value <= 255
    if type(node) is ast.BinOp and type(node.op) is ast.BitAnd:
        return any(
            type(side) is ast.Constant and type(side.value) is int and 0 <= side.value <= 255
            for side in (node.left, node.right)
        )
    return type(node) in (ast.Tuple, ast.List, ast.Dict, ast.JoinedStr, ast.ListComp)


def _is_singleton(node: ast.expr) -> bool:
    return type(node) is ast.Constant and (
        node.value is None or node.value is ... or type(node.value) is bool
    )


def _is_int(node: ast.expr) -> bool:
    return type(node) is ast.Constant and type(node.value) is int


def _is_bool(node: ast.expr) -> bool:
    """Whether an expression is a bool, unless guest classes compare in their own way."""
    if type(node) is ast.Constant:
        return type(node.value) is bool
    return type(node) is ast.Compare or (type(node) is ast.UnaryOp and type(node.op) is ast.Not)


def _same(one: ast.expr, other: ast.expr) -> bool:
    """Whether two expressions are the same place; only names and what hangs on them."""
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.Name) and isinstance(other, ast.Name):
        return one.id == other.id
    if isinstance(one, ast.Constant) and isinstance(other, ast.Constant):
        return type(one.value) is type(other.value) and bool(one.value == other.value)
    if isinstance(one, ast.Attribute) and isinstance(other, ast.Attribute):
        return one.attr == other.attr and _same(one.value, other.value)
    if isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript):
        return _same(one.value, other.value) and _same(one.slice, other.slice)
    return False


def _set_context(node: Any, context: ast.expr_context) -> None:
    node.ctx = context
