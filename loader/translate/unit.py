"""A unit of translation: a function with those defined in it, as one host code object.

Module bodies and class bodies make their functions as the interpreter does, so each is a
unit of its own; what a function defines belongs to its unit.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from loader.code import Code, NativeCode
from loader.translate import nodes
from loader.translate.dispatch import Dispatcher
from loader.translate.emit import Writer
from loader.translate.facts import Facts
from loader.translate.functions import Functions, Inline
from loader.translate.graph import Item, Unstructured

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Written = tuple[Writer, list[ast.stmt]]

REFERENCE = ".code"
"""First item of the tuples that stand for `Code` objects among the constants."""


class Unit:
    """What the functions of a unit share while they are written.

    Args:
        root: The outermost function.
        facts: About its file.
        guarded: Attribute names the host must not be asked for directly.
        constructors: Names of built-in types whose calls differ from the host's.
        functions: Names of built-in functions.
        host_functions: Those for which the host has one that does the same, and for how many
            arguments.
        exceptions: Names of exception classes that the host makes as the guest does.
    """

    def __init__(
        self,
        root: Code,
        facts: Facts,
        *,
        guarded: Collection[str],
        constructors: Collection[str],
        functions: Collection[str],
        host_functions: Mapping[str, Collection[int]],
        exceptions: Collection[str],
    ) -> None:
        nodes.numbers.restart()
        self.root = root
        self.facts = facts
        self.guarded = guarded
        self.constructors = constructors
        self.functions = functions
        self.host_functions = host_functions
        self.exceptions = exceptions
        self.functions_of = Functions(self)
        self.line = 1
        self.dispatch_only = False
        self.defined: list[tuple[str, Code]] = []
        self.dispatched: list[tuple[Code, str]] = []
        self._temps = 0
        self._used: set[str] = set()
        self._writers: dict[tuple[int, ...], Writer] = {}

    # Names

    def temp(self) -> str:
        """A new temporary."""
        self._temps += 1
        return f"temp{self._temps}{self.facts.suffix}"

    def fresh(self, kind: str, number: int) -> str:
        """A new name of a kind."""
        text = f"{kind}{number}{self.facts.suffix}"
        again = 1
        while text in self._used:
            again += 1
            text = f"{kind}{number}_{again}{self.facts.suffix}"
        self._used.add(text)
        return text

    def reference(self, code: Code | NativeCode, line: int) -> ast.expr:
        """A constant that becomes a `Code` when the unit is linked."""
        return nodes.constant((REFERENCE, *code.path), line)

    # Functions

    def makes_stubs(self, writer: Writer) -> bool:
        """Whether the functions a function makes are units of their own."""
        return writer.parent is None and (writer.is_module or writer.namespace is not None)

    def inline_of(self, writer: Writer, item: Item) -> Inline | None:
        """See `Functions.inline_of`."""
        return self.functions_of.inline_of(writer, item)

    def writer(self, code: Code, parent: Writer | None, free: tuple[str, ...]) -> Writer:
        """The writer of a function of the unit."""
        return Writer(self, code, parent, free)

    def yields(self, writer: object) -> None:
        """Note that a function contains a yield."""
        assert isinstance(writer, Writer)
        writer.yielded = True

    def write(self, code: Code, parent: Writer | None, free: tuple[str, ...]) -> Written:
        """The writer of a function, and its statements: structured, or else dispatched.

        Raises:
            Unstructured: Neither way can express it.
        """
        if not self.dispatch_only:
            try:
                writer = Writer(self, code, parent, free)
                return writer, writer.body()
            except Unstructured as reason:
                why = str(reason)
        else:
            why = "asked for"
        dispatcher = Dispatcher(self, code, parent, free)
        body = dispatcher.body()
        self.dispatched.append((code, why))
        return dispatcher, body

    def module(self, n_free: int) -> ast.Module:
        """Host source of the unit: a module that defines the root, wrapped for its cells.

        Raises:
            Unstructured: A function of the unit cannot be translated.
        """
        root = self.root
        free = tuple(f"cell0_{n:03}{self.facts.suffix}" for n in range(n_free))
        self._used.update(free)
        definition = self.functions_of.definition(None, root, free, "root", [], self.no_kw(), 1)
        if not free:
            return ast.Module([definition], [])
        # The host sorts free variables by name; each must be mentioned to be one.
        mention: list[ast.stmt] = [
            ast.If(
                nodes.constant(False, 1),
                [nodes.expression(nodes.name(text, 1), 1) for text in free],
                [],
                lineno=1,
                col_offset=0,
            )
        ]
        at = next(
            (
                n
                for n, s in enumerate(definition.body)
                if not isinstance(s, ast.Global | ast.Nonlocal)
            ),
            len(definition.body),
        )
        definition.body[at:at] = mention
        bindings: list[ast.stmt] = [
            nodes.assign(nodes.target(text, 1), nodes.constant(None, 1), 1) for text in free
        ]
        outer = ast.FunctionDef(
            "outer",
            ast.arguments([], [], None, [], [], None, []),
            [*bindings, definition],
            [],
            None,
            None,
            lineno=1,
            col_offset=0,
        )
        return ast.Module([outer], [])

    def no_kw(self) -> list[ast.expr | None]:
        """Keyword-only parameters of the root have no written defaults: the function has them."""
        return [None] * self.root.prelude.n_kwonly_args
