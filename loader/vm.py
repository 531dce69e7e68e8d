"""One run of guest programs: the registers and tables that its modules share."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any, BinaryIO

from loader import builtins, importer, interp
from loader.classes import Super, is_guest_class
from loader.code import NULL, Code, NativeCode
from loader.exceptions import HostFault, format_exception, is_host_fault
from loader.mapping import Mapping
from loader.modules.streams import stream_write_all
from loader.qstr import QstrPool
from loader.semantics import call, iterate, load_attr, store_attr
from loader.target import UNIX, Target
from loader.text import class_name, encoded, repr_, str_, type_name
from loader.vfs import MountTable
from romfs.archs import ARCHS
from romfs.mpy import parse_mpy


class Limit(HostFault):
    """A limit of the run (time, memory) was reached."""


class NativeFunction:
    """A function of machine code, which the host does not run.

    Attributes:
        code: Its raw code.
    """

    __guest_name__ = "function"

    def __init__(self, code: NativeCode) -> None:
        self.code = code

    def __call__(self, *args: Any, **named: Any) -> Any:
        arch = ARCHS[self.code.context.mpy.header.arch]
        raise NotImplementedError(f"machine code for {arch} does not run on the host")

    def _guest_repr_(self) -> str:
        return "<function>"


class VM:
    """A run.

    Attributes:
        target: The device it pretends to be.
        heap_locks: How often `micropython.heap_lock` was called without its counterpart.
        scheduled: Callbacks of `micropython.schedule` that wait, the running one first.
        board: Row of the board, for modules that stand in for hardware; None for unix.
        argv: `sys.argv`.
        stdin, stdout, stderr: Binary streams of the host.
        vfs: Mount table.
        modules: `sys.modules`.
        path: `sys.path`.
        pool: Interned strings.
        builtins: Dict of the module `builtins`; every guest function's `__builtins__`.
        ns: The locals register: dict of the module or class body being run.
        main: The module `__main__`.
        calls: What stand-ins for hardware record.
        opt_level: `micropython.opt_level`, for compiled source.
        translated: Whether some guest functions are translated, so that host tracebacks
            hold guest frames.
        tiers: The translator's part in the run (`tiering.Tiers`), or None.
        tables: Code of every module loaded from a file, by path, for `--stats`.
    """

    def __init__(
        self,
        *,
        target: Target = UNIX,
        board: Any = None,
        argv: list[str] | None = None,
        stdin: BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        stderr: BinaryIO | None = None,
        vfs: MountTable | None = None,
        observer: Callable[[Code, int, list[Any], Any], None] | None = None,
    ) -> None:
        sys.set_int_max_str_digits(0)
        self.target = target
        self.board = board
        self.argv = list(argv or [""])
        self.stdin = stdin if stdin is not None else sys.stdin.buffer
        self.stdout = stdout if stdout is not None else sys.stdout.buffer
        self.stderr = stderr if stderr is not None else sys.stderr.buffer
        self.vfs = vfs if vfs is not None else MountTable.unix()
        self.modules: dict[str, types.ModuleType] = {}
        self.path: list[str] = [".frozen"]
        self.pool = QstrPool()
        self.calls: list[Any] = []
        self.opt_level = 0
        self.translated = False
        self.heap_locks = 0
        self.scheduled: list[tuple[Any, ...]] = []
        self.tiers: Any = None
        self.tables: dict[str, Code] = {}
        self.mappings: list[Mapping] = []
        self.atexit: Any = None
        self.module_type = types.ModuleType
        self.super_type = Super
        self.builtins = builtins.namespace(self)
        self._import_builtin = self.builtins["__import__"]
        self.observe = observer
        self.run_frame: Callable[..., Any] = interp.run if observer is None else interp.run_observed
        self._generate: Callable[..., Any] = (
            interp.generate if observer is None else interp.generate_observed
        )
        self.new_function = _function_factory(self.builtins)
        self.main = self.new_module("__main__")
        self.modules["__main__"] = self.main
        self.ns: dict[str, Any] = self.main.__dict__
        self._core: dict[str, types.ModuleType] = {}

    # Running code

    def run_program(self, start: Callable[[], None]) -> int:
        """Run a program to its end; returns the exit status of the `micropython` command.

        An uncaught exception is printed to `stderr` with its traceback.
        """
        status = 0
        try:
            try:
                start()
            finally:
                if self.atexit is not None:
                    call(self.atexit)
        except SystemExit as leave:
            value = leave.args[0] if leave.args else None
            status = 0 if value is None else int(value) & 0xFF if isinstance(value, int) else 1
        except BaseException as exc:
            if is_host_fault(exc):
                raise
            self.stdout.flush()
            self.stderr.write(encoded(format_exception(exc)))
            status = 1
        self.stdout.flush()
        self.stderr.flush()
        return status

    def start_generator(self, code: Code, slots: list[Any]) -> Any:
        """Make the generator of a guest generator function whose arguments are bound."""
        made = self._generate(code, slots)
        made.__name__ = code.name
        return made

    def native_function(self, code: NativeCode) -> NativeFunction:
        """The function made of machine code."""
        return NativeFunction(code)

    def execute(self, code: Code, globals_: dict[str, Any], locals_: dict[str, Any]) -> Any:
        """Run a module body with these dicts."""
        saved = self.ns
        self.ns = locals_
        try:
            return interp.make_function(code, NULL, NULL, ())()
        finally:
            self.ns = saved

    def run_compiled(
        self, data: memoryview, globals_: dict[str, Any], locals_: dict[str, Any]
    ) -> Any:
        """Run a compiled file in these dicts, as `exec` does."""
        from loader.code import link

        code = link(parse_mpy(data), data, globals_, self)
        return self.execute(code, globals_, locals_)

    def current_globals(self) -> dict[str, Any]:
        """Globals of the guest function that called the built-in function running now."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code in _LOOPS:
                found: dict[str, Any] = frame.f_locals["G"]
                return found
            if frame.f_builtins is self.builtins and frame.f_code.co_name != "<factory>":
                return frame.f_globals
            frame = frame.f_back
        return self.main.__dict__

    def handled_exception(self) -> BaseException | None:
        """The exception of the innermost handler that the calling guest function is in."""
        frame: types.FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code in _LOOPS:
                blocks = frame.f_locals["blocks"]
                return next((b[3] for b in reversed(blocks) if b[3] is not None), None)
            frame = frame.f_back
        return None

    # Modules

    def new_module(self, name: str) -> types.ModuleType:
        """An empty module."""
        module = types.ModuleType(name)
        module.__dict__.clear()
        module.__dict__["__name__"] = name
        return module

    def core_module(self, name: str) -> types.ModuleType | None:
        """`sys`, `micropython`, `gc`, `builtins`, or None."""
        module = self._core.get(name)
        if module is None and name in _CORE:
            from loader import core_modules

            if name == "builtins":
                module = core_modules.builtins_module(self)
            elif name == "__main__":
                module = self.main
            else:
                module = self.new_module(name)
                core_modules.fill(self, module, name)
            self._core[name] = module
        return module

    def is_fixed(self, module: types.ModuleType, name: str) -> bool:
        """Whether an attribute of a module cannot be changed: its dict is part of firmware."""
        if module is self._core.get("sys"):
            return name not in ("path", "ps1", "ps2", "tracebacklimit")
        return (module in self._core.values() and module is not self.main) or (
            module in self.__dict__.get("builtin_modules", {}).values()
            and "__file__" not in module.__dict__
            and module.__dict__["__name__"].partition(".")[0] != "asyncio"
        )

    def import_(self, name: str) -> Any:
        """Import a module by its full name; the leaf."""
        return importer.import_module(self, name, self.main.__dict__, (), 0)

    def import_plain(self, name: str, globals_: dict[str, Any], fromlist: Any, level: int) -> Any:
        """The import a program has not replaced."""
        return importer.import_module(self, name, globals_, fromlist, level)

    def import_name(self, name: str, globals_: dict[str, Any], fromlist: Any, level: Any) -> Any:
        """IMPORT_NAME."""
        hook = self.builtins["__import__"]
        if hook is not self._import_builtin:
            return hook(name, globals_, None, fromlist, level)
        return importer.import_module(self, name, globals_, fromlist, level)

    def import_from(self, module: Any, name: str) -> Any:
        """IMPORT_FROM: an attribute, or a sub-module still to be imported."""
        try:
            return load_attr(self, name, module)
        except AttributeError:
            namespace = getattr(module, "__dict__", {})
            if "__path__" in namespace or (
                isinstance(module, types.ModuleType) and namespace.get("__name__") == "asyncio"
            ):
                full = f"{namespace['__name__']}.{name}"
                return importer.import_module(self, full, namespace, (), 0)
            raise ImportError(f"can't import name {name}") from None

    def import_star(self, module: Any) -> None:
        """IMPORT_STAR: into the locals register."""
        namespace = module.__dict__
        if "__all__" in namespace:
            for name in iterate(namespace["__all__"]):
                self.ns[name] = load_attr(self, name, module)
            return
        for name, value in list(namespace.items()):
            if not name.startswith("_"):
                self.ns[name] = value

    def loaded(self, path: str, code: Code) -> None:
        """Note that a file was loaded."""
        self.tables[path] = code

    def offset_of(self, window: memoryview) -> int | None:
        """Where in one of the mapped images a window lies."""
        for mapping in self.mappings:
            offset = mapping.offset_of(window)
            if offset is not None:
                return offset
        return None

    # What modules need

    def write(self, text: str) -> None:
        """Print text."""
        self.stdout.write(encoded(text))

    def write_to(self, stream: Any, text: str) -> None:
        """Print text to a guest stream."""
        stream_write_all(stream, encoded(text))

    def repr(self, obj: Any) -> str:
        """`repr` as the guest sees it."""
        return repr_(obj)

    def str(self, obj: Any) -> str:
        """`str` as the guest sees it."""
        return str_(obj)

    def type_name(self, obj: Any) -> Any:
        """Name of an object's type in messages."""
        return type_name(obj)

    def class_name(self, kind: type) -> Any:
        """Name of a type in messages."""
        return class_name(kind)

    def call(self, function: Any, *args: Any, **named: Any) -> Any:
        """Call any guest callable."""
        return call(function, *args, **named)

    def getattr(self, obj: Any, name: Any) -> Any:
        """`obj.name`."""
        return load_attr(self, name, obj)

    def setattr(self, obj: Any, name: Any, value: Any) -> None:
        """`obj.name = value`."""
        store_attr(self, name, value, obj)

    def iterate(self, obj: Any) -> Any:
        """What to iterate for the guest's items of `obj`."""
        return iterate(obj)

    def is_guest_class(self, kind: type) -> bool:
        """Whether the guest made this class."""
        return is_guest_class(kind)

    def print_exception(self, exc: BaseException, stream: Any = None) -> None:
        """Print an exception with its traceback, as `sys.print_exception`."""
        text = format_exception(exc)
        if stream is None:
            self.write(text)
        else:
            self.write_to(stream, text)


_LOOPS = frozenset(
    loop.__code__
    for loop in (interp.run, interp.run_observed, interp.generate, interp.generate_observed)
)
_CORE = frozenset({"sys", "micropython", "gc", "builtins", "__main__", "usys"})

_FACTORY = compile(
    "def new_function(code, globals_, name, defaults, cells, make=make):\n"
    "    return make(code, globals_, name, defaults, cells)\n",
    "<factory>",
    "exec",
)


def _function_factory(guest_builtins: dict[str, Any]) -> Callable[..., Any]:
    """Makes host functions whose `__builtins__` are the guest's.

    A function gets the builtins of the frame that makes it, unless its globals name others;
    guest modules' dicts must not. So the frame is one with the guest's builtins.
    """
    namespace: dict[str, Any] = {"__builtins__": guest_builtins, "make": types.FunctionType}
    exec(_FACTORY, namespace)
    made: Callable[..., Any] = namespace["new_function"]
    return made
