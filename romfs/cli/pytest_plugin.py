"""pytest plugin: `pytest --romfs IMAGE` runs the tests inside an image, in place.

Modules of the image whose names match `python_files` (test_*.py, *_test.py) are imported by
the loader; their `test*` functions, and methods of `Test*` classes and of `unittest`'s test
cases, become tests. What a test function takes as arguments are fixtures of the host.
`--romfs-module selftest` adds a module by name; one without tests in it is run as a program.

Loaded in every pytest run of its environment, so it imports nothing until it is asked to.
"""

from __future__ import annotations

import fnmatch
import functools
import inspect
import io
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("romfs", "tests inside ROMFS images")
    group.addoption(
        "--romfs",
        action="append",
        default=[],
        metavar="IMAGE",
        help="run the test modules inside this image, in place",
    )
    group.addoption(
        "--romfs-module",
        action="append",
        default=[],
        metavar="MODULE",
        help="take this module of the image, whatever its name; run it if it has no tests",
    )
    group.addoption(
        "--romfs-engine",
        choices=("interp", "translate", "auto"),
        default="interp",
        help="interpret in place (default), translate, or translate what is hot",
    )
    group.addoption(
        "--romfs-board", metavar="BOARD", help="be this board: architecture, sys, machine"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Images take the place of the default paths; with paths given, they come in addition."""
    images: list[str] = config.getoption("--romfs")
    missing = [image for image in images if not Path(image).is_file()]
    if missing:
        raise pytest.UsageError(f"--romfs {missing[0]}: no such image")
    if not images:
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = list(images)
        return
    named = {Path(word.partition("::")[0]).resolve() for word in config.args}
    config.args += [image for image in images if Path(image).resolve() not in named]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The images that were named."""
    images = {Path(image).resolve() for image in parent.config.getoption("--romfs")}
    if file_path.resolve() not in images:
        return None
    return ImageFile.from_parent(parent, path=file_path)


class ImageFile(pytest.File):
    """An image."""

    def collect(self) -> Iterator[GuestModule]:
        """Its test modules, in the order of paths."""
        from romfs.check.imports import module_name
        from romfs.image import Image

        patterns: list[str] = self.config.getini("python_files")
        wanted: list[str] = self.config.getoption("--romfs-module")
        with Image.open(self.path) as image:
            paths = [path for path, _ in image.files() if path.endswith((".mpy", ".py"))]
        names: dict[str, bool] = dict.fromkeys(wanted, True)
        for path in paths:
            source = path.rpartition("/")[2].removesuffix(".mpy").removesuffix(".py") + ".py"
            if any(fnmatch.fnmatch(source, pattern) for pattern in patterns):
                names.setdefault(module_name(path)[0], False)
        for name, chosen in names.items():
            # Slashes, since pytest shows a dot in a name as the border of two.
            yield GuestModule.from_parent(
                self, name=name.replace(".", "/"), module=name, chosen=chosen
            )

    def repr_failure(self, excinfo: Any) -> Any:  # type: ignore[override]
        """It is no image."""
        return _in_words(excinfo) or super().repr_failure(excinfo)


class GuestModule(pytest.Collector):
    """A test module of an image, in a run of its own.

    Attributes:
        module: Its dotted name.
        chosen: Whether it was asked for by name.
        mounted: The image in that run, once collected.
    """

    def __init__(self, *, module: str, chosen: bool, **named: Any) -> None:
        super().__init__(**named)
        self.module = module
        self.chosen = chosen
        self.mounted: Any = None

    def mount(self) -> Any:
        """The image in a fresh run, where only the image's own modules are found."""
        import loader
        from loader.engine import attach_tier
        from romfs.cli._engine_target import engine_target

        target, board = engine_target(self.config.getoption("--romfs-board"))
        stream: Any = _Stdout()
        mounted = loader.mount(
            self.path, target=target, stdin=io.BytesIO(), stdout=stream, stderr=stream
        )
        mounted.vm.board = board
        tier: str = self.config.getoption("--romfs-engine")
        if tier != "interp":
            attach_tier(mounted.vm, tier)
        return mounted

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Import it, and find the tests in it."""
        self.mounted = mounted = self.mount()
        vm = mounted.vm
        namespace = mounted.import_(self.module)._module.__dict__
        found = False
        for name, value in list(namespace.items()):
            if not isinstance(name, str):
                continue
            if isinstance(value, types.FunctionType) and _matches(self, "functions", name):
                found = True
                yield GuestTest.make(self, name, functools.partial(self.call, value), value)
            elif isinstance(value, type) and self._is_case(vm, name, value):
                found = True
                yield GuestClass.from_parent(self, name=name, guest=value)
        if self.chosen and not found:
            yield GuestTest.make(self, "__main__", self._run)

    def _is_case(self, vm: Any, name: str, value: type) -> bool:
        unittest = vm.modules.get("unittest")
        case = getattr(unittest, "__dict__", {}).get("TestCase")
        if case is not None and issubclass(value, case):
            return value is not case
        return vm.is_guest_class(value) and _matches(self, "classes", name)

    def call(self, function: Any, **given: Any) -> None:
        """Call a guest function; what `async def` gives is run to its end."""
        import loader

        result = loader.GuestFunction(self.mounted.vm, function)(**given)
        if isinstance(result, types.GeneratorType):
            self.mounted.import_("asyncio").run(result)

    def _run(self) -> None:
        """Run it as a program, in one more run."""
        status = self.mount().run(self.module)
        if status:
            pytest.fail(f"exit status {status}", pytrace=False)

    def repr_failure(self, excinfo: Any) -> Any:  # type: ignore[override]
        """Importing it failed: the guest's traceback."""
        return _in_words(excinfo) or super().repr_failure(excinfo)


class GuestClass(pytest.Collector):
    """A class of tests.

    Attributes:
        guest: The guest's class.
    """

    parent: GuestModule

    def __init__(self, *, guest: type, **named: Any) -> None:
        super().__init__(**named)
        self.guest = guest

    def collect(self) -> Iterator[GuestTest]:
        """Its test methods, those of its bases included."""
        names = {name: None for one in reversed(self.guest.__mro__) for name in vars(one)}
        for name in names:
            if _matches(self, "functions", name):
                yield GuestTest.make(self, name, functools.partial(self._run, name))

    def _run(self, method: str) -> None:
        """As `unittest` does: a new instance, set up, torn down whatever happens."""
        import loader

        vm = self.parent.mounted.vm
        instance = loader.GuestFunction(vm, self.guest)()
        names = set(dir(instance))

        def send(*choices: str) -> None:
            for name in choices:
                if name in names:
                    self.parent.call(vm.getattr(instance, name))
                    return

        send("setUp", "setup_method")
        try:
            send(method)
        finally:
            send("tearDown", "teardown_method")


def _matches(node: pytest.Collector, kind: str, name: str) -> bool:
    """Whether `python_functions` or `python_classes` take a name."""
    patterns: list[str] = node.config.getini(f"python_{kind}")
    return any(name.startswith(one) or fnmatch.fnmatch(name, one) for one in patterns)


class GuestTest(pytest.Function):
    """One test inside an image."""

    @classmethod
    def make(
        cls, parent: pytest.Collector, name: str, run: Callable[..., None], function: Any = None
    ) -> GuestTest:
        """The test of that name; the parameters of `function` are its fixtures."""

        def test(**given: Any) -> None:
            from romfs.errors import GuestError

            try:
                run(**given)
            except GuestError as error:
                if type(error.value).__name__ == "SkipTest":
                    pytest.skip(" ".join(map(str, getattr(error.value, "args", ()))))
                raise

        kind = inspect.Parameter.KEYWORD_ONLY
        test.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(one, kind) for one in _parameters(function)]
        )
        return cls.from_parent(parent, name=name, callobj=test)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is: in an image, which has no lines."""
        assert self.parent is not None
        return self.path, None, self.nodeid.partition("::")[2]

    def repr_failure(self, excinfo: Any) -> Any:  # type: ignore[override]
        """The guest's traceback, with the guest's files and lines."""
        return _in_words(excinfo) or super().repr_failure(excinfo)


def _parameters(function: Any) -> list[str]:
    """Names of the parameters a guest function must be given."""
    if function is None:
        return []
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    return list(names[: len(names) - len(function.__defaults__ or ())])


def _in_words(excinfo: pytest.ExceptionInfo[BaseException]) -> str | None:
    """A failure of the guest or of the image, without the host's traceback."""
    from romfs.errors import GuestError, RomfsError

    error = excinfo.value
    if isinstance(error, GuestError):
        return error.traceback.rstrip("\n")
    return str(error) if isinstance(error, RomfsError) else None


class _Stdout(io.RawIOBase):
    """Whatever is standard output at the moment: pytest changes it from test to test."""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes as text."""
        raw = bytes(data)
        sys.stdout.write(raw.decode("utf-8", "backslashreplace"))
        return len(raw)

    def flush(self) -> None:
        """Pass it on."""
        if not self.closed:
            sys.stdout.flush()
