"""Imports: which file a name means, and how a module is loaded from it.

Source: MicroPython py/builtinimport.c; SPEC.md, "How import resolves names".
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from loader.code import Code, link
from loader.modules import builtin_module, frozen_module
from loader.source import compile_source
from loader.text import check_name
from romfs.errors import IncompatibleMpy
from romfs.mpy import CodeKind, parse_mpy

if TYPE_CHECKING:
    from loader.vm import VM

FROZEN = ".frozen"


def import_module(vm: VM, name: str, globals_: dict[str, Any], fromlist: Any, level: int) -> Any:
    """What `__import__` does.

    Args:
        vm: The run.
        name: Dotted name, relative if `level` says so.
        globals_: Of the importing module.
        fromlist: None if the top package is wanted, else the leaf is.
        level: Dots before the name.

    Raises:
        ImportError: There is no such module.
    """
    if level:
        name = _absolute(name, globals_, level)
    if not name:
        raise ValueError
    check_name(name)
    found = vm.modules.get(name)
    if found is not None and vm.path and (fromlist is not None or "." not in name):
        return found
    parts = name.split(".")
    top = module = None
    for index, part in enumerate(parts):
        main = fromlist is False and index == len(parts) - 1
        module = _component(vm, ".".join(parts[: index + 1]), part, module, main)
        if top is None:
            top = module
    return top if fromlist is None else module


def run_as_main(vm: VM, name: str) -> None:
    """Run a module as the command's option -m does: its name is `__main__`."""
    module = import_module(vm, name, vm.main.__dict__, False, 0)
    if "__path__" in module.__dict__:
        import_module(vm, name + ".__main__", vm.main.__dict__, False, 0)


def _absolute(name: str, globals_: dict[str, Any], level: int) -> str:
    package = globals_["__name__"]
    if package == "__main__":
        package = globals_.get("__main__", package)  # its real name, see `_load`
    parts = package.split(".")
    drop = level - (1 if "__path__" in globals_ else 0)
    if drop > len(parts) or (drop == len(parts) and drop > 0):
        raise ImportError("can't perform relative import")
    if drop:
        parts = parts[:-drop]
    if name:
        parts.append(name)
    return ".".join(parts)


def _component(vm: VM, full: str, name: str, parent: Any, main: bool = False) -> Any:
    """One component of a dotted name; `main` if it is to become `__main__`."""
    if vm.path:
        found = vm.modules.get(full)
        if found is not None:
            return found
    if parent is None:
        module = vm.core_module(full) or builtin_module(vm, full, extensible=False)
        if module is not None:
            return module
        for entry in vm.path:
            if entry == FROZEN:
                module = frozen_module(vm, full)
                if module is not None:
                    vm.modules[full] = module
                    return module
                continue
            path = f"{entry}/{name}" if entry else name
            kind = _find(vm, path)
            if kind is not None:
                return _load(vm, full, path, kind, main)
        module = builtin_module(vm, full, extensible=True)
        if module is None:
            raise ImportError(f"no module named '{full}'")
        return module
    namespace = getattr(parent, "__dict__", {})
    path_of_parent = namespace.get("__path__")
    if path_of_parent is None:
        module = frozen_module(vm, full)
        if module is None and isinstance(namespace.get(name), ModuleType):
            module = namespace[name]
        if module is None:
            raise ImportError(f"no module named '{full}'")
        vm.modules[full] = module
        namespace[name] = module
        return module
    path = f"{path_of_parent}/{name}"
    kind = _find(vm, path)
    if kind is None:
        module = frozen_module(vm, full)
        if module is None:
            raise ImportError(f"no module named '{full}'")
        vm.modules[full] = module
    else:
        module = _load(vm, full, path, kind, main)
    setattr(parent, name, module)
    return module


def _find(vm: VM, path: str) -> str | None:
    """What importing `path` would load: "dir", ".py", ".mpy" or nothing."""
    stat = vm.vfs.import_stat
    if stat(path) == "dir":
        return "dir"
    for extension in (".py", ".mpy"):
        if stat(path + extension) == "file":
            return extension
    return None


def _load(vm: VM, full: str, path: str, kind: str, main: bool) -> ModuleType:
    """Make a module and run its body.

    Raises:
        BaseException: Whatever the body raises; the module is then forgotten.
    """
    module = vm.new_module(full)
    vm.modules[full] = module
    if main and kind != "dir":
        module.__dict__["__name__"] = "__main__"
        module.__dict__["__main__"] = full
        vm.modules["__main__"] = vm.main = module
    try:
        if kind == "dir":
            module.__dict__["__path__"] = path
            for extension in (".py", ".mpy"):
                inside = f"{path}/__init__{extension}"
                if vm.vfs.import_stat(inside) == "file":
                    execute_file(vm, module, inside)
                    break
        else:
            execute_file(vm, module, path + kind)
    except BaseException:
        vm.modules.pop(full, None)
        raise
    return module


def execute_file(vm: VM, module: ModuleType, path: str) -> None:
    """Run a file as the body of a module."""
    namespace = module.__dict__
    namespace["__file__"] = path
    data = vm.vfs.read_for_import(path)
    if path[-3:-2] == "m":
        code = load_mpy(vm, data, namespace, path)
        if code is None:
            return
    else:
        code = load_source(vm, bytes(data), path, namespace)
    vm.execute(code, namespace, namespace)


def load_mpy(vm: VM, data: memoryview, namespace: dict[str, Any], path: str) -> Code | None:
    """Build the tables of a .mpy file.

    Returns:
        Code of the module body; None for a module linked from C, which is machine code
        only. Loading one succeeds as on a device of that architecture; whoever uses the
        module is told why it is empty.

    Raises:
        ValueError: The guest's: the chosen board would refuse the file.
        MpyError: The file is not well-formed.
    """
    try:
        vm.target.check_file(data)
    except IncompatibleMpy as refusal:
        raise ValueError(str(refusal)) from None
    mpy = parse_mpy(data)
    if mpy.root.kind is not CodeKind.BYTECODE:
        arch = mpy.header.arch_name

        def refuse(name: str) -> None:
            if name[:2] == "__":
                raise AttributeError(f"module '{namespace['__name__']}' has no attribute '{name}'")
            raise NotImplementedError(f"machine code for {arch} does not run on the host")

        namespace["__getattr__"] = refuse
        return None
    code = link(mpy, data, namespace, vm, offset=vm.offset_of(data))
    vm.loaded(path, code)
    return code


def load_source(vm: VM, text: str | bytes, name: str, namespace: dict[str, Any]) -> Code:
    """Compile source text and build its tables.

    Raises:
        SyntaxError: The guest's.
    """
    data = memoryview(compile_source(text, name, vm.opt_level))
    return link(parse_mpy(data), data, namespace, vm)
