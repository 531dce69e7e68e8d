"""Host code objects of units: compiled from their trees, portable, linked to a run.

A compiled unit refers to nothing outside itself: where it needs a `Code` of the guest it
holds a tuple that names it. So it can be kept on disk. Linking puts the objects in place.
"""

from __future__ import annotations

import ast
import types
import warnings
from typing import Any

from loader import builtins
from loader.code import Code, NativeCode
from loader.natives import GUARDED
from loader.text import GUEST_FILE_PREFIX
from loader.translate import support
from loader.translate.facts import Facts
from loader.translate.graph import Unstructured
from loader.translate.nodes import TRANSLATED
from loader.translate.region import RegionWriter, range_step
from loader.translate.unit import REFERENCE, Unit

# The last constants of every translated code object are: the ip of the loop it is, or -1; the
# `Code` of its unit's root; its own `Code`, or None for what has none; TRANSLATED.

_CONSTRUCTORS = support.constructors()


def make_unit(code: Code, facts: Facts) -> Unit:
    """An empty unit for a function."""
    return Unit(
        code,
        facts,
        guarded=_guarded(code, facts),
        constructors=_CONSTRUCTORS,
        functions=builtins.FUNCTIONS,
        host_functions=support.ARITIES,
        exceptions=support.plain_exceptions(),
    )


def _guarded(code: Code, facts: Facts) -> frozenset[str]:
    """Attribute names the host must not be asked for directly.

    Descriptors bind on instances only: where a file defines any, what it stores in classes is
    looked at more closely.
    """
    if "__get__" in code.context.names:
        return _GUARDED | facts.rebound
    return _GUARDED


_GUARDED = frozenset(GUARDED)


def tree_of(
    code: Code, n_free: int, facts: Facts, *, dispatch: bool = False
) -> tuple[Unit, ast.Module]:
    """The host source of a function as a tree.

    Raises:
        Unstructured: It cannot be translated.
    """
    unit = make_unit(code, facts)
    unit.dispatch_only = dispatch
    return unit, unit.module(n_free)


def compile_unit(
    code: Code, n_free: int, facts: Facts, *, dispatch: bool = False
) -> types.CodeType:
    """The portable host code of a function.

    Raises:
        Unstructured: It cannot be translated.
    """
    unit, tree = tree_of(code, n_free, facts, dispatch=dispatch)
    return finish(unit, tree, code, -1)


def compile_region(code: Code, ip: int, facts: Facts) -> tuple[types.CodeType, int]:
    """The portable host code of a loop of a module body, and what its counter lacks.

    Raises:
        Unstructured: It cannot be translated.
    """
    unit = make_unit(code, facts)
    writer = RegionWriter(unit, code, ip)
    step = range_step(writer)
    definition = unit.functions_of.define(writer, writer.body(), "root", [], [], 1)
    return finish(unit, ast.Module([definition], []), code, ip), step


def region_tree(code: Code, ip: int, facts: Facts) -> ast.Module:
    """The host source of a loop of a module body as a tree."""
    unit = make_unit(code, facts)
    writer = RegionWriter(unit, code, ip)
    definition = unit.functions_of.define(writer, writer.body(), "root", [], [], 1)
    return ast.Module([definition], [])


def finish(unit: Unit, tree: ast.Module, code: Code, ip: int) -> types.CodeType:
    """Compile a unit's tree and give the functions in it their guest names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        try:
            module = compile(
                tree, GUEST_FILE_PREFIX + code.context.file, "exec", dont_inherit=True, optimize=0
            )
        except (SyntaxError, RecursionError, MemoryError) as error:
            # Limits of the host: nested blocks, depth of expressions.
            raise Unstructured(f"the host refuses it: {error}") from None
    names = dict(unit.defined)
    root = _find(module, "root")
    return _rename(root, names, (ip, (REFERENCE, *code.path)))


def _find(module: types.CodeType, text: str) -> types.CodeType:
    for const in module.co_consts:
        if isinstance(const, types.CodeType):
            if const.co_name == text:
                return const
            return _find(const, text)
    raise AssertionError(f"no code named {text}")


def _rename(
    host: types.CodeType, names: dict[str, Code], unit: tuple[int, tuple[Any, ...]]
) -> types.CodeType:
    """Guest names in a code object and those in it, and references to their `Code`."""
    consts: list[Any] = [
        _rename(const, names, unit) if isinstance(const, types.CodeType) else const
        for const in host.co_consts
    ]
    code = names.get(host.co_name)
    name = host.co_name if code is None else code.name
    own = None if code is None else (REFERENCE, *code.path)
    consts += [*unit, own, TRANSLATED]
    return host.replace(co_name=name, co_qualname=name, co_consts=tuple(consts))


def link(host: types.CodeType, root: Code) -> types.CodeType:
    """Put the `Code` objects of a run where a portable code object names them.

    Args:
        host: Portable code.
        root: The module body of the file it was made from.
    """
    consts: list[Any] = []
    for const in host.co_consts:
        if isinstance(const, types.CodeType):
            consts.append(link(const, root))
        elif type(const) is tuple and const and const[0] == REFERENCE:
            consts.append(_at(root, const[1:]))
        else:
            consts.append(const)
    return host.replace(co_consts=tuple(consts), co_filename=GUEST_FILE_PREFIX + root.context.file)


def _at(root: Code, path: tuple[int, ...]) -> Code | NativeCode:
    code: Any = root
    for number in path:
        code = code.children[number]
    found: Code | NativeCode = code
    return found


def code_of(host: types.CodeType) -> Code | None:
    """The guest code a translated host code object was made from."""
    consts = host.co_consts
    if len(consts) > 1 and consts[-1] == TRANSLATED and isinstance(consts[-2], Code):
        return consts[-2]
    return None
