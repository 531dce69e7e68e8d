"""When functions are translated: counts entries, and puts translated code in place.

A guest function is a host function whose code object either leads into the interpreter (a
stub) or is the function translated. Stubs of a run with this module attached enter through
`Tiers.enter`, which counts. What has become hot is translated once, with the functions
defined in it; then every function object of it gets the new code object, so callers, method
tables and closures that hold it need not know.

A function that the translator refuses stays in tier 1; `why_not` says why.
"""

from __future__ import annotations

import ast
import sys
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loader import exceptions, interp
from loader.code import NULL, Code, Context
from loader.exceptions import HostFault, absorb, is_host_fault, visible
from loader.ops import Flow, instructions
from loader.translate import support
from loader.translate.explain import explain
from loader.translate.facts import Facts, facts_of
from loader.translate.graph import Unstructured
from loader.translate.link import compile_region, compile_unit, link, region_tree, tree_of
from loader.translate.store import Key, Store, Value, directory
from loader.verify import verify
from romfs.errors import BytecodeError

if TYPE_CHECKING:
    from loader.vm import VM

CALLS = 16
"""Calls after which a function without loops is translated. Translating costs as much as
interpreting it some 45 times; functions called this often are mostly called far more."""

LOOPS = 50
"""Iterations after which a loop of a module body is translated while it runs."""


class Tiers:
    """The translator's part in a run.

    Attributes:
        vm: The run.
        eager: Translate everything before it first runs.
        store: Translations on disk, or None.
        stored: Those on disk for the files of this run.
        fresh: Those made in this run, by digest of the file.
        trees: What `explain` knows of units whose operations failed.
        dispatch_only: Write every function as a loop over its blocks, for tests.
        refused: Why functions stay in tier 1.
        refused_loops: Loops of module bodies that were not translated: code, ip, why.
        translated: The functions translated, with the number of their free variables.
    """

    def __init__(self, vm: VM, *, eager: bool, store: Store | None = None) -> None:
        self.vm = vm
        self.eager = eager
        self.store = store
        self.stored: dict[Context, dict[Key, Value]] = {}
        self.fresh: dict[str, dict[Key, Value]] = {}
        self.trees: dict[tuple[Code, int], dict[int, ast.AST]] = {}
        self.dispatch_only = False
        self.refused: dict[Code, str] = {}
        self.refused_loops: list[tuple[Code, int, str]] = []
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
        if not code.path and self.vm.ns is code.context.globals and has_loop(code):
            return ModuleRun(self, code).run(slots)
        return interp.run(code, slots)  # type: ignore[no-untyped-call]

    def start(self, code: Code, slots: list[Any]) -> Any:
        """Make the generator of a generator function, from a stub."""
        code.heat += 1
        if code.heat >= self.threshold(code) and code not in self.refused:
            host = self.translate(code)
            if host is not None:
                return self.call(code, host, slots)
        made = interp.generate(code, slots)  # type: ignore[no-untyped-call]
        made.__name__ = code.name
        return made

    def threshold(self, code: Code) -> int:
        """Number of the call with which a function becomes hot."""
        found = self._threshold.get(code)
        if found is None:
            if self.eager or self.kept(code, (code.path, max(code.stubs, default=0))):
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
        key = (code.path, n_free)
        portable = self.kept(code, key)
        if portable is None:
            try:
                portable = compile_unit(code, n_free, self.facts(code), dispatch=self.dispatch_only)
            except (Unstructured, BytecodeError) as reason:
                portable = str(reason)
            except Exception as bug:
                # No guest may take it for an exception of its own.
                raise TranslatorFault(f"{code!r} at {code.path}: {bug!r}") from bug
            self.keep(code, key, portable)
        if isinstance(portable, str):
            self.refused[code] = portable
            return None
        assert isinstance(portable, types.CodeType)
        host = link(portable, self.root(code))
        self.vm.translated = True
        self.translated[code] = host
        code.stubs[n_free] = host
        for reference in self._made.pop(code, ()):
            function = reference()
            if function is not None:
                function.__code__ = host
        return host

    def region(self, code: Code, ip: int) -> Callable[..., Any]:
        """A loop of a module body as a function from stack to (ip, stack).

        Raises:
            Unstructured: It cannot be translated.
        """
        key = (code.path, "loop", ip)
        kept = self.kept(code, key)
        if not isinstance(kept, tuple):
            kept = compile_region(code, ip, self.facts(code))
            self.keep(code, key, kept)
        portable, step = kept
        host = link(portable, self.root(code))
        self.vm.translated = True
        function = self.vm.new_function(host, code.context.globals, code.name, None, None)
        if not step:
            return function  # type: ignore[no-any-return]

        def advanced(*stack: Any) -> Any:
            return function(*stack[:-1], stack[-1] + step)

        return advanced

    def tree(self, code: Code, ip: int = -1) -> ast.Module:
        """The host source of a unit: a function, or the loop of a module body at `ip`.

        Raises:
            Unstructured: It cannot be translated.
        """
        if ip >= 0:
            return region_tree(code, ip, self.facts(code))
        n_free = max(code.stubs, default=0)
        return tree_of(code, n_free, self.facts(code), dispatch=self.dispatch_only)[1]

    def text(self, code: Code) -> str:
        """The host source of a function as text.

        Raises:
            Unstructured: It cannot be translated.
        """
        return ast.unparse(self.tree(code))

    def report(self) -> list[str]:
        """What was translated, and why the rest of what was hot was not, line by line."""
        lines = [f"translated: {len(self.translated)} functions"]
        lines += [f"tier 1: {_name(code)}: {why}" for code, why in self.refused.items()]
        lines += [
            f"tier 1: loop at line {code.line(ip)} of {_name(code)}: {why}"
            for code, ip, why in self.refused_loops
            if "no loop begins" not in why
        ]
        return lines

    # --------------------------------------------------------------------------- store

    def kept(self, code: Code, key: Key) -> Value | None:
        """A translation made before, in this run or an earlier one."""
        context = code.context
        if context not in self.stored:
            store = self.store
            self.stored[context] = store.load(context.digest) if store is not None else {}
        return self.stored[context].get(key)

    def keep(self, code: Code, key: Key, value: Value) -> None:
        """Note a translation, to be kept on disk."""
        self.fresh.setdefault(code.context.digest, {})[key] = value

    def save(self) -> None:
        """Write what was translated in this run to disk."""
        _save(self.store, self.fresh)

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


def _name(code: Code) -> str:
    return f"{code.context.file}:{code.name}"


class TranslatorFault(HostFault):
    """The translator has failed: ours to mend. `--engine interp` does without it."""


class Hot(HostFault):
    """A loop of a module body has become hot; not an error, and never seen by a guest."""

    def __init__(self, code: Code, ip: int, stack: list[Any]) -> None:
        super().__init__()
        self.code = code
        self.ip = ip
        self.stack = stack


class ModuleRun:
    """Runs a module body that has loops, and replaces those that become hot while it runs.

    The interpreter reports each instruction; at a loop's beginning iterations are counted.
    When a loop is hot the interpreter's frame is left, the loop runs translated to where
    control leaves it, and the interpreter goes on there with the stack the loop left.
    """

    def __init__(self, tiers: Tiers, code: Code) -> None:
        self.tiers = tiers
        self.code = code
        self.counts = dict.fromkeys(loop_headers(code), 0)
        self.regions: dict[int, Callable[..., Any]] = {}
        self.states = verify(code)[0]

    def run(self, slots: list[Any]) -> Any:
        """Run the body to its end."""
        vm = self.tiers.vm
        resume = None
        outer = getattr(vm, "observe", None)
        while True:
            vm.observe = self.observe
            try:
                return interp.run_observed(self.code, slots, resume)  # type: ignore[no-untyped-call]
            except Hot as hot:
                if hot.code is not self.code:
                    raise
                region, ip, stack = self.regions[hot.ip], hot.ip, hot.stack
            finally:
                vm.observe = outer
            try:
                ip, stack = region(*stack)
            except BaseException as exc:  # noqa: BLE001 - it may be handled in the frame
                resume = self.handle(exc, ip, stack)
                continue
            below, top = ([NULL, *stack[:-1]], stack[-1]) if stack else ([], NULL)
            resume = (below, top, ip, self.blocks(ip))

    def blocks(self, ip: int) -> list[list[Any]]:
        """The interpreter's exception blocks at an ip outside all handlers."""
        guards = self.states[ip].blocks
        return [[guard.handler, guard.depth, guard.kind != "except", None] for guard in guards]

    def handle(self, exc: BaseException, ip: int, stack: list[Any]) -> tuple[Any, ...]:
        """Where the interpreter goes on with an exception that a loop raised."""
        blocks = self.blocks(ip)
        if not blocks or is_host_fault(exc):
            raise exc
        seen = visible(exc)
        absorb(seen)
        handler, depth, _, _ = blocks[-1]
        blocks[-1][3] = seen
        return [NULL, *stack[:depth]], seen, handler, blocks

    def observe(self, code: Code, ip: int, below: list[Any], top: Any) -> None:
        """Called before each instruction."""
        if ip not in self.counts or code is not self.code:
            return
        self.counts[ip] += 1
        if self.counts[ip] < LOOPS:
            return
        if ip not in self.regions:
            self.translate(ip)
        if ip in self.regions:
            raise Hot(self.code, ip, [*below[1:], top] if below else [])

    def translate(self, ip: int) -> None:
        """Translate the loop that begins at `ip`; one that is refused is not counted again."""
        try:
            self.regions[ip] = self.tiers.region(self.code, ip)
        except (Unstructured, BytecodeError) as reason:
            del self.counts[ip]
            self.tiers.refused_loops.append((self.code, ip, str(reason)))


def loop_headers(code: Code) -> set[int]:
    """Where loops may begin, as the translator sees it; more than there are.

    A FOR_ITER loop jumps back to its beginning. Others test at their end and jump to their
    body: they begin where the jump that enters them leads, or, if they count, at the two
    instructions before that, which add the step.
    """
    found = set()
    listing = list(instructions(code.ops))
    number = {ins.ip: n for n, ins in enumerate(listing)}
    for jump in listing:
        if not -1 < jump.target <= jump.ip:
            continue
        found.add(jump.target)
        at = number[jump.target]
        entry = listing[at - 1] if at else None
        if entry is not None and entry.op.flow is Flow.JUMP and entry.target > jump.target:
            found.add(entry.target)
            found.add(listing[number[entry.target] - 2].ip)
    return found


def python_text(code: Code) -> str:
    """A function translated, as Python source text; a comment says why if it cannot be."""
    tiers = Tiers(code.context.vm, eager=True)
    n_free = 0
    while n_free < len(code.arg_names) and code.arg_names[n_free] == "*":
        n_free += 1
    code.stubs.setdefault(n_free, None)
    head = f"# {_name(code)}, line {code.line(0)}\n"
    try:
        return head + tiers.text(code) + "\n"
    except (Unstructured, BytecodeError) as reason:
        return f"{head}# stays in tier 1: {reason}\n"


def has_loop(code: Code) -> bool:
    """Whether control can come to an instruction of a function again."""
    return any(
        -1 < ins.target <= ins.ip for ins in instructions(code.ops) if ins.op.flow is not Flow.NEXT
    )


def _save(store: Store | None, fresh: dict[str, dict[Key, Value]]) -> None:
    if store is None or not fresh:
        return
    for digest, translations in fresh.items():
        store.save(digest, translations)
    fresh.clear()
    store.trim()


def attach(vm: VM, tier: str) -> Tiers:
    """Let the translator join a run.

    Args:
        vm: The run, before it starts.
        tier: "auto" or "translate".
    """
    tiers = Tiers(vm, eager=tier == "translate", store=Store(directory()))
    # At the latest when the process ends, what was translated is written.
    weakref.finalize(tiers, _save, tiers.store, tiers.fresh)
    support.install(vm)
    exceptions.explain = explain
    vm.tiers = tiers
    vm.run_frame = tiers.enter
    vm.start_generator = tiers.start  # type: ignore[method-assign]
    return tiers
