"""When functions are translated: counts entries, and puts translated code in place.

A guest function is a host function whose code object either leads into the interpreter (a
stub) or is the function translated. Stubs of a run with this module attached enter through
`Tiers.enter`, which counts. What has become hot is translated once, with the functions
defined in it; then every function object of it gets the new code object, so callers, method
tables and closures that hold it need not know.

A function that the translator refuses stays in tier 1; `why_not` says why.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader import interp
from loader.code import NULL, Code
from loader.loops_support import stub_code
from loader.ops import Flow, instructions
from loader.translate import support
from loader.translate.facts import Facts, facts_of
from loader.translate.graph import Unstructured
from loader.translate.link import code_of, compile_unit, link
from romfs.errors import BytecodeError

if TYPE_CHECKING:
    from loader.vm import VM

CALLS = 16
"""Calls after which a function without loops is translated. Translating costs as much as
interpreting it some 45 times; functions called this often are mostly called far more."""


class Tiers:
    """The translator's part in a run.

    Attributes:
        vm: The run.
        eager: Translate everything before it first runs.
        refused: Why functions stay in tier 1.
        translated: The functions translated, with the number of their free variables.
    """

    def __init__(self, vm: VM, *, eager: bool) -> None:
        self.vm = vm
        self.eager = eager
        self.refused: dict[Code, str] = {}
        self.translated: dict[Code, types.CodeType] = {}
        self._facts: dict[int, Facts] = {}
        self._made: dict[Code, list[weakref.ref[types.FunctionType]]] = {}
        self._threshold: dict[Code, int] = {}

    # -------------------------------------------------------------------------- hooks

    def made(self, code: Code, function: types.FunctionType) -> None:
        """Note a function object, so that its code can be replaced."""
        if code not in self.translated and code not in self.refused:
            self._made.setdefault(code, []).append(weakref.ref(function))

    def enter(self, code: Code, slots: list[Any]) -> Any:
        """Run a function whose arguments are bound, from a stub."""
        code.heat += 1
        if code.heat >= self.threshold(code) and code not in self.refused:
            host = self.translate(code)
            if host is not None:
                return self.call(code, host, slots)
        return interp.run(code, slots)

    def start(self, code: Code, slots: list[Any]) -> Any:
        """Make the generator of a generator function, from a stub."""
        code.heat += 1
        if code.heat >= self.threshold(code) and code not in self.refused:
            host = self.translate(code)
            if host is not None:
                return self.call(code, host, slots)
        made = interp.generate(code, slots)
        made.__name__ = code.name
        return made

    def threshold(self, code: Code) -> int:
        """Number of the call with which a function becomes hot."""
        found = self._threshold.get(code)
        if found is None:
            if self.eager:
                found = 1
            elif self.is_module_like(code):
                found = sys.maxsize
            else:
                found = 1 if has_loop(code) else CALLS
            self._threshold[code] = found
        return found

    @staticmethod
    def is_module_like(code: Code) -> bool:
        """Whether a function is a module or class body, which runs once."""
        return not code.path or any(
            ins.op.name in ("LOAD_NAME", "STORE_NAME") for ins in instructions(code.ops)
        )

    # --------------------------------------------------------------------- translation

    def why_not(self, code: Code) -> str | None:
        """Why a function cannot be translated; None if it can."""
        if code in self.translated:
            return None
        self.translate(code)
        return self.refused.get(code)

    def translate(self, code: Code) -> types.CodeType | None:
        """Translate a function and put the result in place; None if it is refused."""
        if not code.path and self.vm.ns is not code.context.globals:
            self.refused[code] = "a module body run with locals of its own"
            return None
        n_free = max(code.stubs, default=0)
        try:
            portable = compile_unit(code, n_free, self.facts(code))
        except (Unstructured, BytecodeError) as reason:
            self.refused[code] = str(reason)
            return None
        host = link(portable, self.root(code))
        self.vm.translated = True
        self.translated[code] = host
        code.stubs[n_free] = host
        for reference in self._made.pop(code, ()):
            function = reference()
            if function is not None:
                function.__code__ = host
        return host

    def facts(self, code: Code) -> Facts:
        """Facts about a function's file."""
        key = id(code.context)
        if key not in self._facts:
            self._facts[key] = facts_of(self.root(code))
        return self._facts[key]

    @staticmethod
    def root(code: Code) -> Code:
        """The module body of a function's file."""
        return code.context.root

    # ------------------------------------------------------------------------- running

    def call(self, code: Code, host: types.CodeType, slots: list[Any]) -> Any:
        """Run translated code with arguments that are bound already."""
        n_free = len(host.co_freevars)
        function = self.vm.new_function(
            host, code.context.globals, code.name, None, tuple(slots[:n_free]) or None
        )
        prelude = code.prelude
        n_pos = prelude.n_pos_args
        at = n_pos + prelude.n_kwonly_args
        names = code.arg_names[n_pos:at]
        positional = slots[n_free:n_pos]
        named = dict(zip(names, slots[n_pos:at], strict=True))
        if code.has_varargs:
            positional += slots[at]
            at += 1
        if code.has_varkeywords:
            named.update(slots[at])
        return function(*positional, **named)


def has_loop(code: Code) -> bool:
    """Whether control can come to an instruction of a function again."""
    return any(
        -1 < ins.target <= ins.ip for ins in instructions(code.ops) if ins.op.flow is not Flow.NEXT
    )


def attach(vm: VM, tier: str) -> Tiers:
    """Let the translator join a run.

    Args:
        vm: The run, before it starts.
        tier: "auto" or "translate".
    """
    tiers = Tiers(vm, eager=tier == "translate")
    support.install(vm)
    vm.tiers = tiers
    vm.run_frame = tiers.enter
    vm.start_generator = tiers.start  # type: ignore[method-assign]
    return tiers


_: tuple[Any, ...] = (NULL, Callable, code_of, stub_code)
