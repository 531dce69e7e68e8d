"""Runs MicroPython modules from a ROMFS image, in place.

    import loader

    with loader.mount("app.romfs") as image:
        app = image.import_("app")
        app.main()

Modules and functions of the image become objects of this Python: a guest function is
called like any other, and what it raises arrives as `GuestError` where it leaves the guest
through this interface.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from loader.target import Target
    from loader.vm import VM

__all__ = ["MountedImage", "mount"]


def mount(
    path: str | Path,
    *,
    target: Target | None = None,
    argv: tuple[str, ...] = ("",),
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    stderr: BinaryIO | None = None,
) -> MountedImage:
    """Map an image and mount it at `/rom` of a new run.

    Args:
        path: The image file.
        target: The device to be; the unix build if None.
        argv: `sys.argv` of the guest.
        stdin: Binary stream the guest reads; this process's own if None.
        stdout: Where the guest prints.
        stderr: Where uncaught exceptions go.

    Raises:
        OSError: The file cannot be read.
        ImageError: It holds no valid image.
    """
    from loader.mapping import Mapping
    from loader.modules._rom_fs import VfsRom
    from loader.target import UNIX
    from loader.vm import VM

    mapping = Mapping(path)
    vm = VM(target=target or UNIX, argv=list(argv), stdin=stdin, stdout=stdout, stderr=stderr)
    vm.mappings.append(mapping)
    vm.vfs.mount(VfsRom(mapping.image.data), "/rom")
    vm.path[:] = [".frozen", "/rom", "/rom/lib"]
    return MountedImage(vm, mapping)


class MountedImage:
    """An image whose modules can be imported.

    Attributes:
        vm: The run the modules belong to.
        mapping: The map they run from.
    """

    def __init__(self, vm: VM, mapping: Any) -> None:
        self.vm = vm
        self.mapping = mapping

    def import_(self, name: str) -> GuestModule:
        """Import a module by its dotted name.

        Raises:
            GuestError: The module does not exist or its body raised.
        """
        return GuestModule(self.vm, self._guarded(self.vm.import_, name))

    def run(self, name: str) -> int:
        """Run a module as `__main__`; returns the exit status."""
        from loader import importer

        return self.vm.run_program(lambda: importer.run_as_main(self.vm, name))

    def _guarded(self, function: Any, *args: Any) -> Any:
        return _guarded(self.vm, function, args, {})

    def __enter__(self) -> MountedImage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.vm.stdout.flush()


class GuestModule:
    """A module of the guest; its attributes are the guest's objects.

    Functions are wrapped so that an exception leaves them as `GuestError`.
    """

    def __init__(self, vm: VM, module: Any) -> None:
        self._vm = vm
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name not in self._module.__dict__:
            raise AttributeError(
                f"module {self._module.__dict__.get('__name__')!r} has no {name!r}"
            )
        value = self._module.__dict__[name]
        return GuestFunction(self._vm, value) if callable(value) else value

    def __dir__(self) -> list[str]:
        return list(self._module.__dict__)


class GuestFunction:
    """A guest callable, called from this Python."""

    def __init__(self, vm: VM, function: Any) -> None:
        self._vm = vm
        self.guest = function

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call it.

        Raises:
            GuestError: It raised; `value` is the guest's exception.
        """
        return _guarded(self._vm, self._vm.call, (self.guest, *args), named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.guest, name)


def _guarded(vm: VM, function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    from loader.exceptions import format_exception, is_host_fault, visible
    from romfs.errors import GuestError

    try:
        return function(*args, **named)
    except BaseException as error:
        if is_host_fault(error) or isinstance(error, KeyboardInterrupt):
            raise
        seen = visible(error)
        raise GuestError(seen, format_exception(seen)) from None
