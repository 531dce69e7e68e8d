"""Whether the C interpreter can run a module without coming to harm.

A device checks nothing of the bytecode it runs. What passes here cannot make it read or
write outside its own memory, whatever the program does: every function is followed along
every path (`flow`), and what functions must agree on across the file is compared here:
who passes cells to whom, who builds classes, whose cell super() trusts.

Source: MicroPython py/vm.c, py/bc.c, py/modbuiltins.c, py/objtype.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from loader.effects import Facts, defaults_problem
from loader.flow import follow
from loader.functions import Function
from loader.operands import Unsafe, decode_all

Cell = tuple[tuple[int, ...], int]
"""A variable that functions share: path of the function that owns it, its local there."""


class Fault(NamedTuple):
    """Why a function must not run.

    Attributes:
        rule: Identifier of the rule it breaks.
        function: The function.
        ip: Bytes from its first opcode.
        message: What is wrong there.
        certain: False where it takes a program of ill will to do harm.
    """

    rule: str
    function: Function
    ip: int
    message: str
    certain: bool = True

    @property
    def offset(self) -> int:
        """Of the instruction, from the start of the file."""
        return self.function.offset + self.ip

    @property
    def line(self) -> int | None:
        """Source line of the instruction, where the file has line numbers."""
        return self.function.line(self.ip)


class _Visit(NamedTuple):
    """A function to look at, and the variables its maker closes it over."""

    function: Function
    closed: tuple[frozenset[Cell], ...]


def faults(root: Function) -> Iterator[Fault]:
    """Everything that keeps a module from being safe, at most one fault of each function."""
    return _Examiner(root).run()


class _Examiner:
    def __init__(self, root: Function) -> None:
        self.root = root
        self.pending = [_Visit(root, ())]
        self.class_bodies: set[tuple[int, ...]] = set()
        self.class_cells: set[Cell] = set()
        self.stored: set[Cell] = set()
        self.stored_by_owner: set[Cell] = set()
        self.supers: list[tuple[Function, int, frozenset[Cell]]] = []
        self.trusts_base = False
        self.rebinds_base: tuple[Function, int] | None = None

    def run(self) -> Iterator[Fault]:
        if self.root.is_bytecode:
            yield from self.body(self.root)
        else:  # a module written in C; its functions may still be bytecode
            self.pending = [_Visit(one, _unknown(one)) for one in _bytecode_below(self.root)]
        while self.pending:
            visit = self.pending.pop()
            try:
                yield from self.examine(visit)
            except Unsafe as error:
                yield Fault(error.rule, visit.function, error.ip, str(error.args[0]))
        if self.trusts_base and self.rebinds_base is not None:
            function, ip = self.rebinds_base
            message = "BaseException is bound anew in a module with `async with`"
            yield Fault("exception-rebound", function, ip, message, certain=False)
        for function, ip, cells in self.supers:
            if not cells <= self.class_cells or cells & self.stored:
                message = "super() takes its class from a cell that may hold anything"
                yield Fault("bytecode-class", function, ip, message)
            elif cells & self.stored_by_owner:
                message = (
                    "super() in a class that assigns `__class__`: a device crashes if it runs "
                    "before the class is made"
                )
                yield Fault("super-unchecked", function, ip, message, certain=False)

    def body(self, root: Function) -> Iterator[Fault]:
        """The module body is made without defaults, and called."""
        problem = defaults_problem(root, 0, False)
        if problem is None and root.is_generator:
            problem = "a module body that is a generator never runs"
        if problem is not None:
            yield Fault("bytecode-call", root, 0, problem)

    def examine(self, visit: _Visit) -> Iterator[Fault]:
        function, closed = visit
        by_ip = decode_all(function)
        line_table_problem = _line_table(function)
        if line_table_problem:
            raise Unsafe("bytecode-lines", line_table_problem, ip=0)
        if len(closed) > function.signature.n_pos_args:
            raise Unsafe(
                "bytecode-cell",
                f"closes over {len(closed)} variables but has {function.signature.n_pos_args} "
                "parameters",
                ip=0,
            )
        if any(number < len(closed) for number in function.signature.cells):
            raise Unsafe("bytecode-cell", "puts a variable it closes over into a cell", ip=0)
        is_body = function.path in self.class_bodies
        facts = follow(function, len(closed), by_ip, class_body=is_body)

        def shared(local: int) -> frozenset[Cell]:
            return closed[local] if local < len(closed) else frozenset({(function.path, local)})

        self.trusts_base |= facts.trusts_base is not None
        if facts.rebinds_base is not None:
            self.rebinds_base = (function, facts.rebinds_base)
        for local in facts.stored:
            inherited = local < len(closed)
            (self.stored if inherited else self.stored_by_owner).update(shared(local))
        for ip, local in facts.supers:
            if len(closed) in facts.assigned:
                message = "super() where its first parameter is assigned: a device does not check"
                yield Fault("super-unchecked", function, ip, message, certain=False)
            if local >= 0:
                self.supers.append((function, ip, shared(local)))
            else:
                yield Fault(
                    "super-unchecked",
                    function,
                    ip,
                    "super() outside a class: a device crashes if a global `__class__` is no class",
                    certain=False,
                )
        yield from self.returned(function, facts)
        yield from self.children(function, facts, shared)

    def returned(self, function: Function, facts: Facts) -> Iterator[Fault]:
        """A class body returns None or the class cell, and nothing else returns a cell."""
        is_body = function.path in self.class_bodies
        for kind in facts.returns:
            if kind.name == "cell":
                self.class_cells.add((function.path, kind.value))
            if is_body and kind.name not in ("none", "cell"):
                yield Fault("bytecode-class", function, 0, "a class body that returns a value")
            elif not is_body and kind.name == "cell":
                yield Fault("bytecode-class", function, 0, "returns a cell and is no class body")
        if is_body and function.is_generator:
            yield Fault("bytecode-class", function, 0, "a class body that is a generator")

    def children(
        self, function: Function, facts: Facts, shared: Callable[[int], frozenset[Cell]]
    ) -> Iterator[Fault]:
        """Who makes which function, with which variables: to be examined with those."""
        made: dict[int, list[tuple[frozenset[Cell], ...]]] = {}
        for one in facts.made:
            made.setdefault(one.child, []).append(tuple(shared(local) for local in one.cells))
        for number, child in enumerate(function.children):
            if number in facts.class_bodies:
                self.class_bodies.add(child.path)
            sites = made.get(number, [])
            if not child.is_bytecode:
                if number in facts.class_bodies:
                    yield Fault("bytecode-class", function, 0, "a class body of machine code")
                self.pending += [_Visit(c, _unknown(c)) for c in _bytecode_below(child)]
            elif not sites:
                # Nothing makes it, so nothing can run it; its bytes must still decode.
                try:
                    decode_all(child)
                except Unsafe as error:
                    yield Fault(error.rule, child, error.ip, str(error.args[0]))
            elif len({len(cells) for cells in sites}) > 1:
                yield Fault(
                    "bytecode-cell", child, 0, "made with different numbers of closed variables"
                )
            else:
                merged = tuple(frozenset().union(*cells) for cells in zip(*sites, strict=True))
                self.pending.append(_Visit(child, merged))


def _bytecode_below(native: Function) -> Iterator[Function]:
    """Functions of bytecode that machine code makes."""
    for child in native.children:
        if child.is_bytecode:
            yield child
        else:
            yield from _bytecode_below(child)


def _unknown(function: Function) -> tuple[frozenset[Cell], ...]:
    """What machine code would close a function over: its parameters without a name."""
    count = 0
    while count < len(function.arg_names) and function.arg_names[count] == "*":
        count += 1
    return tuple(frozenset({((*function.path, -1), local)}) for local in range(count))


def _line_table(function: Function) -> str | None:
    table = function.signature.line_info
    at = 0
    while at < len(table):
        at += 2 if table[at] & 0x80 else 1
    return "the line table ends within an entry" if at > len(table) else None
