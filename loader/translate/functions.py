"""Functions made by functions: nested `def`, lambda and comprehensions.

Inside a function unit the host's own closures do the work: a child is written as a `def` in
its parent and names its parent's variables. A comprehension is written as one if its code
has the compiler's usual form, a function that is a single expression as a lambda.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from loader.code import Code, NativeCode
from loader.translate import nodes
from loader.translate.graph import Block, End, Item, Unstructured
from loader.translate.nodes import (
    assign,
    attribute,
    call,
    constant,
    expression,
    help_call,
    name,
    not_,
    target,
    tuple_,
    walrus,
)
from loader.translate.values import SLOT, Entry, Kind

if TYPE_CHECKING:
    from loader.translate.emit import Writer
    from loader.translate.unit import Unit

_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_CONTAINERS = {"BUILD_LIST": 0, "BUILD_MAP": 1, "BUILD_SET": 2}


class Inline(NamedTuple):
    """A function that can be written within an expression.

    Attributes:
        is_comprehension: Otherwise it is a lambda.
        make: Comprehension: the node for a given first iterable. Lambda: for given
            positional and keyword-only defaults.
    """

    is_comprehension: bool
    make: Callable[..., ast.expr]


class Functions:
    """Makes the functions of one unit.

    Args:
        unit: The unit.
    """

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.inlines: dict[tuple[int, int], Inline | None] = {}

    def child(self, writer: Writer, item: Item) -> Code | NativeCode:
        """The function an item makes."""
        found: Code | NativeCode = writer.code.children[item.arg]
        return found

    def free(self, writer: Writer, item: Item) -> tuple[str, ...]:
        """Names of the variables the function an item makes closes over."""
        slots = writer.children_cells.get(item.ip, ())
        return tuple(writer.cell(slot) for slot in slots)

    # ---------------------------------------------------------------------------- inline

    def inline_of(self, writer: Writer, item: Item) -> Inline | None:
        """How the function an item makes is written within an expression, if it can be."""
        key = (id(writer), item.ip)
        if key not in self.inlines:
            self.inlines[key] = None  # while it is being worked out
            self.inlines[key] = self.find_inline(writer, item)
        return self.inlines[key]

    def find_inline(self, writer: Writer, item: Item) -> Inline | None:
        child = self.child(writer, item)
        if not isinstance(child, Code):
            return None
        free = self.free(writer, item)
        comprehension = child.name in _COMPREHENSIONS and not item.name.endswith("DEFARGS")
        if not comprehension and child.name != "<lambda>":
            return None
        if self.unit.makes_stubs(writer) and not comprehension:
            return None
        try:
            inner = self.unit.writer(child, writer, free)
            if comprehension:
                found = self.comprehension(inner)
            else:
                found = self.lambda_(inner)
        except Unstructured:
            return None
        if found is None:
            return None
        # What it says about names must be said by the function around it.
        mine = set(writer.params) | set(writer.free)
        if (inner.globals_read | inner.globals_stored) & mine:
            return None
        if not found.is_comprehension and (inner.stored_cells or inner.globals_stored):
            return None
        writer.globals_read |= inner.globals_read
        writer.globals_stored |= inner.globals_stored
        writer.stored_cells |= inner.stored_cells
        return found

    def lambda_(self, inner: Writer) -> Inline | None:
        graph = inner.graph
        entry = graph.entry
        if len(graph.blocks) != 1 or entry.end is not End.RETURN or inner.namespace:
            return None
        inner.sure = inner.certain_parameters()
        body = inner.value(inner.value_of(entry.items))
        if inner.yielded != inner.code.is_generator or inner.globals_read & set(inner.params):
            return None
        line = self.first_line(inner)

        def make(defaults: list[ast.expr], kwdefaults: list[ast.expr | None]) -> ast.expr:
            arguments = self.arguments(inner, defaults, kwdefaults)
            return ast.Lambda(arguments, body, lineno=line, col_offset=0)

        return Inline(False, make)

    def comprehension(self, inner: Writer) -> Inline | None:
        """Source: MicroPython py/compile.c, compile_scope_comp_iter."""
        graph = inner.graph
        entry = graph.entry
        generator = inner.code.name == "<genexpr>"
        items = entry.items
        if entry.end is not End.GOTO or inner.code.n_params != len(inner.free) + 1:
            return None
        if generator:
            shape = ["LOAD_NULL", "LOAD_FAST", "LOAD_NULL", "LOAD_NULL"]
            kind = -1
        else:
            shape = ["", "LOAD_FAST", "GET_ITER_STACK"]
            if not items or items[0].name not in _CONTAINERS or items[0].arg:
                return None
            kind = _CONTAINERS[items[0].name]
        names = [item.name.removesuffix("_N") for item in items]
        if len(names) != len(shape) or names[1:] != shape[1:]:
            return None
        if items[1].arg != len(inner.free):
            return None
        loops: list[ast.comprehension] = []
        header = entry.succ[0]
        element = self.comprehension_loop(inner, header, None, kind, loops)
        if element is None or inner.yielded:
            return None
        end = header.succ[1]
        expected = ["LOAD_CONST_NONE"] if generator else []
        if end.end is not End.RETURN or [item.name for item in end.items] != expected:
            return None
        line = header.line

        def make(iterable: ast.expr) -> ast.expr:
            if isinstance(iterable, ast.Call) and _helper_name(iterable) == "iter":
                iterable = iterable.args[0]
            argument: ast.expr | None = None
            if any(type(node) is ast.NamedExpr for node in ast.walk(iterable)):
                # The host allows no assignment there.
                argument = iterable
                iterable = name(self.unit.temp(), line)
            first = loops[0]
            source = help_call("iterate", [iterable], line)
            plain = inner.iterate_plainly(iterable, line)
            if plain is not None:
                source = plain  # type: ignore[assignment]
            parts = [
                ast.comprehension(first.target, source, first.ifs, 0),
                *loops[1:],
            ]
            made: ast.expr
            place = {"lineno": line, "col_offset": 0}
            if kind == -1:
                made = ast.GeneratorExp(element[0], parts, **place)
            elif kind == 0:
                made = ast.ListComp(element[0], parts, **place)
            elif kind == 2:
                made = ast.SetComp(element[0], parts, **place)
            else:
                made = ast.DictComp(element[1], element[0], parts, **place)
            if argument is None:
                return made
            assert isinstance(iterable, ast.Name)
            parameter = ast.arg(iterable.id, None, None, lineno=line, col_offset=0)
            function = ast.Lambda(
                ast.arguments([], [parameter], None, [], [], None, []), made, **place
            )
            return call(function, [argument], line)

        return Inline(True, make)

    def comprehension_loop(
        self,
        inner: Writer,
        header: Block,
        outer: Block | None,
        kind: int,
        loops: list[ast.comprehension],
        iterable: ast.expr | None = None,
    ) -> list[ast.expr] | None:
        """One `for` of a comprehension with its conditions; the element at last."""
        if header.end is not End.FOR or header.items:
            return None
        if outer is not None and header.succ[1] is not outer:
            return None
        block = header.succ[0]
        found = inner.targets(block.items, 0)
        if found is None:
            return None
        where, first = found
        inner.sure = set(inner.sure)
        inner.assigned(where)
        ifs: list[ast.expr] = []
        source = iterable if iterable is not None else constant(None, header.line)
        loops.append(ast.comprehension(where, source, ifs, 0))
        items = block.items[first:]
        while block.end is End.BRANCH:
            condition = inner.value(inner.value_of(items))
            true, false = block.succ
            if false is header:
                block = true
            elif true is header:
                condition = not_(condition, block.line)
                block = false
            else:
                return None
            ifs.append(condition)
            if len(block.pred) != 1:
                return None
            items = block.items
        if block.end is not End.GOTO:
            return None
        following = block.succ[0]
        if items and items[-1].name == "GET_ITER_STACK":
            entry = inner.value_of(items[:-1])
            again = inner.value(entry)
            if any(type(node) is ast.NamedExpr for node in ast.walk(again)):
                return None
            source = inner.iterate_plainly(again, header.line) or help_call(
                "iterate", [again], header.line
            )
            return self.comprehension_loop(inner, following, header, kind, loops, source)
        if following is not header or not items:
            return None
        if kind == -1:
            if [item.name for item in items[-2:]] != ["YIELD_VALUE", "POP_TOP"]:
                return None
            return [inner.value(inner.value_of(items[:-2]))]
        last = items[-1]
        wanted = 4 * len(loops) + (2 if kind == 1 else 1)
        if last.name != "STORE_COMP" or last.arg & 3 != kind or last.arg >> 2 != wanted:
            return None
        if kind != 1:
            return [inner.value(inner.value_of(items[:-1]))]
        stack: list[Entry] = []
        with inner.within_expression(stack):
            for item in items[:-1]:
                inner.do(item)
            if len(inner.stack) != 2:
                return None
            value, key = inner.stack
        value_node, key_node = inner.value(value), inner.value(key)
        if value.kind is Kind.VALUE and key.kind is Kind.VALUE:
            # The device evaluates the value first.
            text = self.unit.temp()
            line = last.line
            both = tuple_([walrus(text, value_node, line), key_node], line)
            key_node = nodes.subscript(both, constant(1, line), line)
            value_node = name(text, line)
        return [value_node, key_node]

    # ---------------------------------------------------------------------------- making

    def make(self, writer: Any, item: Item) -> None:
        """MAKE_FUNCTION, MAKE_CLOSURE and their DEFARGS forms."""
        line = item.line
        child = self.child(writer, item)
        free = self.free(writer, item)
        for slot in reversed(writer.children_cells.get(item.ip, ())):
            entry = writer.pop()
            if entry.kind is not Kind.CELL or entry.extra != slot:
                raise Unstructured("closure over something else than a cell")
        defaults = kwdefaults = None
        if item.name.endswith("DEFARGS"):
            kwdefaults, defaults = writer.pop(), writer.pop()
        if self.unit.makes_stubs(writer) or not isinstance(child, Code):
            if isinstance(child, Code):
                inline = self.inline_of(writer, item)
                if inline is not None and inline.is_comprehension:
                    writer.stack.append(Entry(None, Kind.SLOT, 1, ("comprehension", inline.make)))
                    return
            self.make_stub(writer, item, child, defaults, kwdefaults)
            return
        inline = self.inline_of(writer, item)
        if inline is not None and inline.is_comprehension:
            writer.stack.append(Entry(None, Kind.SLOT, 1, ("comprehension", inline.make)))
            return
        written, written_kw, late = self.defaults(writer, child, free, defaults, kwdefaults)
        if inline is not None and not late:
            writer.push(inline.make(written, written_kw), 20, "function")
            return
        if writer.out is None:
            raise Unstructured("def within an expression")
        writer.flush()
        text = self.unit.fresh("function", len(self.inlines))
        definition = self.definition(writer, child, free, text, written, written_kw, line)
        writer.out.append(definition)
        for field_, node in late:
            where = attribute(name(text, line), field_, line, nodes.STORE)
            writer.out.append(assign(where, node, line))
        writer.stack.append(Entry(name(text, line), Kind.STABLE, 1, "function"))

    def make_stub(
        self,
        writer: Writer,
        item: Item,
        child: Code | NativeCode,
        defaults: Entry | None,
        kwdefaults: Entry | None,
    ) -> None:
        """A function of its own unit: made as the interpreter makes it."""
        line = item.line
        parts: list[ast.expr] = [self.unit.reference(child, line)]
        values = [
            None if entry is None or entry.kind is Kind.NULL else writer.value(entry)
            for entry in (defaults, kwdefaults)
        ]
        cells = [writer.cell_object(slot) for slot in writer.children_cells.get(item.ip, ())]
        for value in values:
            parts.append(constant(None, line) if value is None else value)
        parts.append(tuple_(cells, line))
        writer.push(help_call("make", parts, line), 5, "function")

    def defaults(
        self,
        writer: Writer,
        child: Code,
        free: tuple[str, ...],
        defaults: Entry | None,
        kwdefaults: Entry | None,
    ) -> tuple[list[ast.expr], list[ast.expr | None], list[tuple[str, ast.expr]]]:
        """Defaults as parts of a signature, and those that must be set afterwards."""
        late: list[tuple[str, ast.expr]] = []
        written: list[ast.expr] = []
        n_kw = child.prelude.n_kwonly_args
        written_kw: list[ast.expr | None] = [None] * n_kw
        if defaults is not None and defaults.kind is not Kind.NULL:
            node = writer.value(defaults)
            if type(node) is ast.Tuple:
                written = node.elts
            elif type(node) is ast.Constant and isinstance(node.value, tuple):
                written = [constant(value, node.lineno) for value in node.value]
            else:
                late.append(("__defaults__", node))
        if kwdefaults is not None and kwdefaults.kind is not Kind.NULL:
            node = writer.value(kwdefaults)
            start = child.prelude.n_pos_args
            names = list(child.arg_names[start : start + n_kw])
            keys = (
                [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
                if type(node) is ast.Dict
                else [None]
            )
            if all(key in names for key in keys) and len(set(keys)) == len(keys):
                for key, value in zip(keys, node.values, strict=True):
                    written_kw[names.index(str(key))] = value
            else:
                late.append(("__kwdefaults__", node))
        return written, written_kw, late

    def arguments(
        self, inner: Writer, defaults: list[ast.expr], kwdefaults: list[ast.expr | None]
    ) -> ast.arguments:
        """The signature of a function."""
        line = self.first_line(inner)
        params = [ast.arg(text, None, None, lineno=line, col_offset=0) for text in inner.params]
        n_pos = inner.n_positional
        n_kw = inner.code.prelude.n_kwonly_args
        rest = params[n_pos + n_kw :]
        star = rest.pop(0) if inner.code.has_varargs else None
        keywords = rest.pop(0) if inner.code.has_varkeywords else None
        if len(defaults) > n_pos:
            raise Unstructured("more defaults than parameters")
        return ast.arguments(
            [], params[:n_pos], star, params[n_pos : n_pos + n_kw], kwdefaults, keywords, defaults
        )

    @staticmethod
    def first_line(inner: Writer) -> int:
        """Line of a function's first instruction."""
        for block in inner.graph.blocks.values():
            if block.items:
                return block.items[0].line
            return block.line or 1
        return 1

    def definition(
        self,
        parent: Writer | None,
        code: Code,
        free: tuple[str, ...],
        text: str,
        defaults: list[ast.expr],
        kwdefaults: list[ast.expr | None],
        line: int,
    ) -> ast.FunctionDef:
        """The `def` of a function."""
        inner, body = self.unit.write(code, parent, free)
        return self.define(inner, body, text, defaults, kwdefaults, line)

    def define(
        self,
        inner: Writer,
        body: list[ast.stmt],
        text: str,
        defaults: list[ast.expr],
        kwdefaults: list[ast.expr | None],
        line: int,
    ) -> ast.FunctionDef:
        """The `def` of the function of a writer."""
        code, free = inner.code, inner.free
        # Every name is declared, lest a parameter of an outer function be meant.
        space = inner.globals_read | inner.globals_stored
        clash = space & set(inner.params)
        if clash:
            raise Unstructured(f"{min(clash)} is both a parameter and a global")
        outer = self.outer_names(inner)
        declared = sorted(inner.globals_stored | (inner.globals_read & outer))
        nonlocals = sorted(inner.stored_cells & set(free))
        head: list[ast.stmt] = []
        if declared:
            head.append(ast.Global(declared, lineno=line, col_offset=0))
        if nonlocals:
            head.append(ast.Nonlocal(nonlocals, lineno=line, col_offset=0))
        # Variables that are never assigned here need a binding to be this function's.
        own = [cell for slot, cell in inner.cells.items() if slot >= len(free)]
        unbound = [cell for cell in own if cell not in inner.params]
        if unbound or (inner.code.is_generator and not inner.yielded):
            dead: list[ast.stmt] = [
                assign(target(cell, line), constant(None, line), line) for cell in unbound
            ]
            if inner.code.is_generator and not inner.yielded:
                dead.append(expression(ast.Yield(None, lineno=line, col_offset=0), line))
            never = constant(False, line)
            head.append(ast.If(never, dead, [], lineno=line, col_offset=0))
        if inner.yielded and not inner.code.is_generator:
            raise Unstructured("yield in a function that is no generator")
        if code.has_varkeywords and inner.params:
            # The dict of keywords was made with room for all of them.
            keywords = name(inner.params[-1], line)
            count = help_call("host_len", [keywords], line)
            head.append(expression(help_call("display", [keywords, count], line), line))
        if inner.namespace is not None:
            head.append(
                assign(target(inner.namespace, line), help_call("namespace", [], line), line)
            )
        self.unit.defined.append((text, code))
        return ast.FunctionDef(
            text,
            self.arguments(inner, defaults, kwdefaults),
            head + body or [ast.Pass(lineno=line, col_offset=0)],
            [],
            None,
            None,
            lineno=line,
            col_offset=0,
        )

    @staticmethod
    def outer_names(inner: Writer) -> set[str]:
        """Guest names that are variables of the functions around one."""
        found: set[str] = set()
        writer = inner.parent
        while writer is not None:
            found.update(writer.params)
            found.update(writer.free)
            writer = writer.parent
        return found


def _helper_name(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name) and function.id.startswith(nodes.HELPER):
        return function.id[len(nodes.HELPER) :]
    return ""


_ = SLOT
