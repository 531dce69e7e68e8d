"""What instructions without jumps do to the kinds on the stack.

Most of it is read off the effects of the opcode table; the methods here are the rows whose
effect does not tell enough, such as who makes a cell and who builds a class.

Source: MicroPython py/vm.c, py/runtime.c.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from loader import kinds
from loader.functions import Function
from loader.kinds import OBJECT, OBJECTS, Kind
from loader.operands import Unsafe
from loader.operators import MATCH
from loader.ops import EFFECTS, Instruction, slots
from romfs.mpy import MpyObject, ObjKind, ScopeFlag


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
        assigned: Locals it assigns.
        supers: ip and cell local of each super() call; local -1 for a global `__class__`.
        trusts_base: ip where it relies on the name BaseException meaning just that; or None.
        rebinds_base: ip where it binds that name; or None.
    """

    made: list[Made] = field(default_factory=list)
    class_bodies: set[int] = field(default_factory=set)
    returns: set[Kind] = field(default_factory=set)
    stored: set[int] = field(default_factory=set)
    assigned: set[int] = field(default_factory=set)
    supers: list[tuple[int, int]] = field(default_factory=list)
    trusts_base: int | None = None
    rebinds_base: int | None = None


class Values:
    """The frame of one function: how many slots it has, what is known of its locals.

    Args:
        function: The function.
        n_cells: How many of its first parameters are cells, as its maker passes them.
        by_ip: Its instructions.
        class_body: Whether it is handed to the class builder.
    Attributes:
        room: Slots left for the stack.
        deepest: Slots of it used, if only in passing.
        at: The instruction being followed.
        facts: What was learnt for the rest of the file.
    """

    def __init__(
        self, function: Function, n_cells: int, by_ip: dict[int, Instruction], *, class_body: bool
    ) -> None:
        self.function = function
        self.by_ip = by_ip
        prelude = function.signature
        self.n_cells = n_cells
        self.cells = frozenset(prelude.cells) | frozenset(range(n_cells))
        plain = {
            ins.arg
            for ins in by_ip.values()
            if "_FAST" in ins.op.name and ins.arg not in self.cells
        }
        # The compiler leaves `__class__`, used as a name in a class body, out of the frame's
        # size: it then shares a slot with the stack, see `local`.
        self.shared = {prelude.n_state - 1 - number for number in plain} if class_body else set()
        numbered = self.cells if class_body else self.cells | plain
        self.n_locals = max(function.n_params, max(numbered, default=-1) + 1)
        self.room = prelude.n_state - self.n_locals
        self.deepest = 0
        self.facts = Facts()
        self.at = next(iter(by_ip.values()))
        if self.room < 0:
            raise self.fault(
                "bytecode-frame", f"{self.n_locals} locals in a frame of {prelude.n_state} slots"
            )

    def fault(self, rule: str, message: str) -> Unsafe:
        return Unsafe(rule, f"{self.at.op.name}: {message}", ip=self.at.ip, op=self.at.code)

    def use(self, depth: int) -> None:
        """Note that the stack is this deep, if only in passing."""
        if depth > self.deepest:
            self.deepest = depth
            if depth > self.room:
                raise self.fault(
                    "bytecode-stack", f"a stack of {depth} values in a frame with {self.room}"
                )

    def take(self, stack: list[Kind], floor: int, wanted: frozenset[str], what: str) -> Kind:
        if len(stack) <= floor:
            raise self.fault(
                "bytecode-stack",
                "takes a value from below its block" if stack else "takes a value, there is none",
            )
        kind = stack.pop()
        if kind.name not in wanted:
            raise self.fault("bytecode-value", f"takes {what}, and finds {article(kind)}")
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
                wanted = kinds.OR_NULL
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

    def bind(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        """STORE or DELETE of a name."""
        if self.function.mpy.qstrs[ins.arg].text == "BaseException":
            self.facts.rebinds_base = ins.ip
        self.plain(ins, stack, floor)

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
            if in_cell:
                stack.append(Kind("cell", ins.arg))
            else:
                is_parameter = ins.arg < self.function.signature.n_pos_args
                stack.append(Kind("parameter", ins.arg) if is_parameter else OBJECT)
            return
        elif in_cell:
            raise self.fault("bytecode-cell", f"overwrites the cell in local {ins.arg}")
        self.facts.assigned.add(ins.arg)
        if action == "STORE":
            self.take(stack, floor, OBJECTS, "an object")
        slot = self.function.signature.n_state - 1 - ins.arg
        if slot in self.shared and slot < len(stack):
            stack[slot] = OBJECT if stack[slot].name in OBJECTS else stack[slot]

    def check_shared(self, stack: Sequence[Kind]) -> None:
        """Whatever may be read as a local must be an object, or nothing."""
        for slot in self.shared:
            if slot < len(stack) and stack[slot].name not in kinds.OR_NULL:
                raise self.fault("bytecode-frame", "a local shares its slot with what is no object")

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
            self_ = self.take(stack, floor, _SELF, "the self of a method")
            function = self.take(stack, floor, _METHOD, "a method")
            if function.value != self_.value:
                raise self.fault("bytecode-value", "takes the self of another method")
            stack.append(OBJECT)
            return
        if stack and stack[-1] == kinds.BUILDER and len(stack) > floor:
            if first.name != "function" or bitmap & 1 or not positional:
                raise self.fault("bytecode-class", "the class body is not a function made here")
            self.facts.class_bodies.add(first.value)
            stack[-1] = OBJECT
            return
        self.objects(stack, floor, 1)
        stack.append(OBJECT)

    def super_method(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        """super().name: class and instance are taken for what they should be, unchecked."""
        instance = self.take(stack, floor, OBJECTS, "an object")
        owner = self.take(stack, floor, _CLASS_CELL, "the class cell")
        self.objects(stack, floor, 1)
        if instance.name not in ("parameter", "content") or instance.value != self.n_cells:
            raise self.fault("bytecode-class", "takes something else than the first parameter")
        self.facts.supers.append((ins.ip, owner.value if owner.name == "content" else -1))
        stack += kinds.method(ins.ip)

    def load_method(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        self.objects(stack, floor, 1)
        stack += kinds.method(ins.ip)

    def compare(self, ins: Instruction, stack: list[Kind], floor: int) -> None:
        right = self.take(stack, floor, OBJECTS, "an object")
        left = self.take(stack, floor, OBJECTS, "an object")
        result = OBJECT
        if ins.arg == MATCH:
            if left == kinds.EXCEPTION and right == kinds.BASE_EXCEPTION:
                self.facts.trusts_base = ins.ip
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
            raise self.fault("bytecode-value", f"adds to a {sort}, and finds {article(container)}")
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


def article(kind: Kind) -> str:
    """A kind with its article, for messages."""
    return f"{'an' if kind.name[0] in 'aeio' else 'a'} {kind.name}"


_ANY = (OBJECTS, "an object")
_SELF = frozenset({"self"})
_METHOD = frozenset({"method"})
_KEYS = frozenset({"name"})
_KEYS_OR_NULL = _KEYS | {"null"}
_CLASS_CELL = frozenset({"content", "global __class__"})

SPECIAL: dict[str, Callable[[Values, Instruction, list[Kind], int], bool | None]] = {
    "LOAD_CONST_NONE": Values.constant,
    "LOAD_CONST_STRING": Values.constant,
    "LOAD_CONST_SMALL_INT": Values.constant,
    "LOAD_CONST_OBJ": Values.constant,
    "LOAD_NAME": Values.name,
    "LOAD_GLOBAL": Values.name,
    **{
        f"{action}_{scope}": Values.bind
        for action in ("STORE", "DELETE")
        for scope in ("NAME", "GLOBAL")
    },
    **{
        f"{action}_{place}": Values.local
        for action in ("LOAD", "STORE", "DELETE")
        for place in ("FAST", "FAST_N", "DEREF")
    },
    **{
        f"MAKE_{kind}{defaults}": Values.make
        for kind in ("FUNCTION", "CLOSURE")
        for defaults in ("", "_DEFARGS")
    },
    **{
        f"CALL_{kind}{spread}": Values.call
        for kind in ("FUNCTION", "METHOD")
        for spread in ("", "_VAR_KW")
    },
    **dict.fromkeys(("DUP_TOP", "DUP_TOP_TWO", "POP_TOP", "ROT_TWO", "ROT_THREE"), Values.move),
    "LOAD_METHOD": Values.load_method,
    "LOAD_SUPER_METHOD": Values.super_method,
    "BINARY_OP": Values.compare,
    "GET_ITER_STACK": Values.iterate,
    "STORE_COMP": Values.comprehension,
    "IMPORT_FROM": Values.import_from,
    "BUILD_TUPLE": Values.tuple_,
    "YIELD_VALUE": Values.suspend,
    "YIELD_FROM": Values.suspend,
}
"""Rows whose kinds their effect does not tell."""
