"""What the generated interpreter loops call: operand decoding, blocks, frames, functions.

Everything imported or defined here is a global of `_loops`.
"""

from __future__ import annotations

import sys
import types
import warnings
from types import CellType as Cell
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakKeyDictionary

from loader.classes import GuestType
from loader.code import NULL, Code, NativeCode
from loader.construct import CONSTRUCT
from loader.exceptions import (
    absorb,
    add_entry,
    is_host_fault,
    visible,
)
from loader.natives import GUARDED
from loader.ops import BY_NAME, Fmt
from loader.order import made_set, note_display
from loader.recovery import FAILED, Replaced, recover
from loader.semantics import (
    call,
    complex_divide,
    complex_power,
    exception_from,
    format_percent,
    get_iter,
    import_from,
    keywords,
    load_attr,
    load_build_class,
    load_subscr,
    load_super_method,
    matches,
    setup_with,
    star_args,
    store_attr,
    store_subscr,
    unpack_ex,
    unpack_sequence,
)
from loader.text import GENERATOR_STUB_MARK, GUEST_FILE_PREFIX, STUB_MARK
from loader.verify import verify
from romfs.errors import BytecodeError

if TYPE_CHECKING:
    from loader.code import Null

__all__ = [
    "CLOSING",
    "CONSTRUCT",
    "FAILED",
    "GUARDED",
    "ITERATOR_PAD",
    "NULL",
    "PENDING",
    "TEXTS",
    "BytecodeError",
    "Cell",
    "GeneratorType",
    "GuestType",
    "Replaced",
    "call",
    "complex_divide",
    "complex_power",
    "delegate",
    "exception_from",
    "format_percent",
    "get_iter",
    "heap_locked",
    "import_from",
    "is_host_fault",
    "keywords",
    "last_exception",
    "leave_frame",
    "load_attr",
    "load_build_class",
    "load_subscr",
    "load_super_method",
    "made_set",
    "make_function",
    "matches",
    "note_display",
    "prepare",
    "raise_pending",
    "recover",
    "setup_with",
    "star_args",
    "store_attr",
    "store_subscr",
    "sys",
    "unpack_ex",
    "unpack_sequence",
    "visible",
    "with_cleanup",
]

TEXTS = frozenset({str, bytes})
"""Types whose `%` formats."""

ITERATOR_PAD = (NULL, NULL, NULL)
"""The other slots of an iterator: it takes four, and only one is needed here."""


# --------------------------------------------------------------------------------- frames


def prepare(code: Code) -> None:
    """Verify a function before its first run and lay out its frame.

    Raises:
        BytecodeError: It holds what no compiler emits.
    """
    checked = verify(code)
    operands: list[Any] = [None] * (len(code.ops) + 1)
    following = [0] * (len(code.ops) + 1)
    names, objects = code.context.names, code.context.objects
    for ins in checked.instructions.values():
        fmt = ins.op.fmt
        if fmt is Fmt.NONE or fmt is Fmt.PACKED:
            continue
        value: Any = ins.arg
        if ins.target >= 0:
            value = ins.target
        elif fmt is Fmt.QSTR:
            value = names[ins.arg]
        elif ins.op is _LOAD_CONST_OBJ:
            value = objects[ins.arg]
        operands[ins.ip + 1] = value
        following[ins.ip + 1] = ins.next
    context = code.context
    code.frame = (
        code.ops, operands, following, context.globals, context.vm.builtins, context.vm
    )  # fmt: skip
    code.pad = (NULL,) * (checked.n_locals - code.n_params)


_LOAD_CONST_OBJ = BY_NAME["LOAD_CONST_OBJ"]


def leave_frame(exc: BaseException, code: Code, ip: int, op: int) -> None:
    """Note in the traceback that an exception was raised in, or passed, this frame."""
    trace = exc.__traceback__
    assert trace is not None
    if trace.tb_next is not None and code.context.vm.translated:
        exc.__traceback__ = trace.tb_next
        absorb(exc)
    exc.__traceback__ = None
    if op != _END_FINALLY and op != _RAISE_LAST:
        add_entry(exc, (code, ip - 1))


_END_FINALLY, _RAISE_LAST = 0x5D, 0x64


def heap_locked() -> NoReturn:
    """Refuse an allocation.

    Raises:
        MemoryError: Always.
    """
    raise MemoryError("memory allocation failed, heap is locked")


def last_exception(blocks: list[list[Any]]) -> BaseException:
    """What a bare `raise` raises: the exception of the innermost handler of the frame."""
    for block in reversed(blocks):
        if block[3] is not None:
            return block[3]  # type: ignore[no-any-return]
    return RuntimeError("no active exception to reraise")


def with_cleanup(s: list[Any], t: Any) -> Any:
    """WITH_CLEANUP: call `__exit__` below the state on top; returns the new top."""
    if t is None:
        self, leave = s.pop(), s.pop()
        call_exit(leave, self, None, None)
        return None
    if type(t) is int:
        value, self, leave = s.pop(), s.pop(), s.pop()
        s.append(value)
        call_exit(leave, self, None, None)
        return t
    self, leave = s.pop(), s.pop()
    return None if call_exit(leave, self, type(t), t) else t


def call_exit(leave: Any, self: Any, kind: Any, value: Any) -> Any:
    """Call what SETUP_WITH found as `__exit__`."""
    if self is NULL:
        return leave(kind, value, None)
    return leave(self, kind, value, None)


# ------------------------------------------------------------------------------ functions

_templates: dict[tuple[int, int, bool, bool, bool, int], types.CodeType] = {}

_RUN, _CODE, _CELLS, _NOTE = "\0run", "\0code", "\0cells", "\0note"


def _template(shape: tuple[int, int, bool, bool, bool, int]) -> types.CodeType:
    """Host code of the stubs of one shape: it collects its arguments and runs the code.

    Args:
        shape: Positional and keyword-only parameters, `*args`, `**kw`, generator, cells.
    """
    n_pos, n_kwonly, varargs, varkeywords, _, n_free = shape
    positional = [f"p{i}" for i in range(n_pos)]
    keyword = [f"k{i}" for i in range(n_kwonly)]
    params = list(positional)
    if varargs:
        params.append("*va")
    elif keyword:
        params.append("*")
    params += keyword
    if varkeywords:
        params.append("**vk")
    slots = [*positional, *keyword, *["va"] * varargs]
    if varkeywords:
        slots.append(f"{_NOTE!r}(vk, len(vk))")
    if n_free:
        slots.insert(0, f"*{_CELLS!r}")
    free = ", ".join(f"c{i:03}" for i in range(n_free))
    text = f"def outer({free}):\n def stub({', '.join(params)}):\n"
    if n_free:
        text += f"  if 0: {free}\n"
    text += f"  return {_RUN!r}({_CODE!r}, [{', '.join(slots)}])\n return stub\n"
    namespace: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        exec(compile(text, "<stub>", "exec", dont_inherit=True, optimize=0), namespace)
    code: types.CodeType = namespace["outer"](*[None] * n_free).__code__
    return code


def stub_code(code: Code, n_free: int) -> types.CodeType:
    """Host code object that binds a guest function's arguments and interprets it."""
    found = code.stubs.get(n_free)
    if found is not None:
        return found  # type: ignore[no-any-return]
    prelude = code.prelude
    n_pos = max(prelude.n_pos_args - n_free, 0)
    shape = (
        n_pos,
        prelude.n_kwonly_args,
        code.has_varargs,
        code.has_varkeywords,
        code.is_generator,
        n_free,
    )
    template = _templates.get(shape)
    if template is None:
        template = _templates[shape] = _template(shape)
    names = [
        name if name != "*" else f".{slot}"
        for slot, name in enumerate(code.arg_names[prelude.n_pos_args - n_pos :])
    ]
    if code.has_varargs:
        names.append(".args")
    if code.has_varkeywords:
        names.append(".keywords")
    vm = code.context.vm
    runner = vm.start_generator if code.is_generator else vm.run_frame
    consts = tuple(
        [
            runner if c == _RUN else code if c == _CODE else note_display if c == _NOTE else c
            for c in template.co_consts
        ]
    )
    found = template.replace(
        co_varnames=tuple(names),
        co_consts=(*consts, GENERATOR_STUB_MARK if code.is_generator else STUB_MARK),
        co_name=code.name,
        co_qualname=code.name,
        co_filename=GUEST_FILE_PREFIX + code.context.file,
    )
    code.stubs[n_free] = found
    return found


def code_of(function: types.FunctionType) -> Code | None:
    """The guest code a stub runs; None for other functions."""
    consts = function.__code__.co_consts
    if not consts or consts[-1] not in (STUB_MARK, GENERATOR_STUB_MARK):
        return None
    return next((const for const in consts if isinstance(const, Code)), None)


def make_function(
    code: Code | NativeCode,
    defaults: tuple[Any, ...] | Null,
    kwdefaults: dict[str, Any] | Null,
    cells: tuple[types.CellType, ...],
) -> Any:
    """Make a guest function.

    Args:
        code: What it runs.
        defaults: Of the last positional parameters, or NULL.
        kwdefaults: Of keyword-only parameters, or NULL.
        cells: Its closed-over variables.
    """
    vm = code.context.vm
    if isinstance(code, NativeCode):
        return vm.native_function(code)
    host = stub_code(code, len(cells))
    tiers = vm.tiers
    if cells and (tiers is None or code not in tiers.translated):
        host = host.replace(co_consts=tuple([cells if c == _CELLS else c for c in host.co_consts]))
    function = vm.new_function(
        host,
        code.context.globals,
        code.name,
        None if defaults is NULL else defaults,
        cells or None,
    )
    if kwdefaults is not NULL:
        function.__kwdefaults__ = kwdefaults
    if tiers is not None:
        tiers.made(code, function)
    return function


# ----------------------------------------------------------------------------- generators

CLOSING: list[Any] = []
"""Generators the guest is closing; the host closes others by itself, which no guest may see."""
PENDING: WeakKeyDictionary[GeneratorType[Any, Any, Any], BaseException] = WeakKeyDictionary()
"""Exceptions that `pend_throw` left for a generator's next resumption."""


def raise_pending(frame: types.FrameType) -> None:
    """Raise what is pending for the generator running in this frame, if anything."""
    for generator, exc in list(PENDING.items()):
        if generator.gi_frame is frame:
            del PENDING[generator]
            raise exc


class delegate:
    """An object without `__iter__` as the target of YIELD_FROM.

    The host calls `iter()` on it, MicroPython does not; send, throw and close are passed on
    as far as the object has them.
    """

    def __new__(cls, target: Any) -> Any:
        if hasattr(type(target), "__iter__"):
            return target
        made: Any = super().__new__(cls)
        made.target = target
        return made

    target: Any

    def __iter__(self) -> delegate:
        return self

    def __next__(self) -> Any:
        return next(self.target)

    def __getattr__(self, name: str) -> Any:
        if name in ("send", "throw", "close"):
            return getattr(self.target, name)
        raise AttributeError(name)
