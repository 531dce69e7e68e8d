"""The layers point one way; any other import between packages is a mistake."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("romfs", "loader", "flash", "boards")

# Who may import whom. Everybody may import what is in SHARED.
ALLOWED = {
    "romfs": frozenset[str](),
    "boards": frozenset[str](),
    "loader": frozenset({"romfs"}),
    "flash": frozenset({"romfs", "boards"}),
    "romfs.cli": frozenset(PACKAGES),
}
SHARED = frozenset({"romfs.errors", "romfs.archs", "romfs.version"})

# Light modules that a command may import before it runs.
STDLIB = sys.stdlib_module_names


def layer(module: str) -> str:
    if module == "romfs.__main__" or module.startswith("romfs.cli"):
        return "romfs.cli"
    return module.partition(".")[0]


def sources() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            inside = path.relative_to(ROOT)
            if inside.parts[:2] == ("flash", "device") or "firmware" in inside.parts:
                continue  # runs on the device, where there are no packages of ours
            yield ".".join(inside.with_suffix("").parts).removesuffix(".__init__"), path


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            module = node.module or ""
            # `from romfs import x` may name a module or an attribute.
            for alias in node.names:
                inner = ROOT / module.replace(".", "/") / f"{alias.name}.py"
                yield (f"{module}.{alias.name}" if inner.exists() else module), node.lineno


@pytest.mark.parametrize(("module", "path"), list(sources()), ids=lambda value: str(value)[-40:])
def test_imports_follow_the_layers(module: str, path: Path) -> None:
    here = layer(module)
    for imported, line in imports(path):
        if imported.partition(".")[0] not in PACKAGES or imported in SHARED:
            continue
        there = layer(imported)
        assert there == here or there in ALLOWED[here], f"{path}:{line}: {here} imports {imported}"


def test_the_check_sees_a_forbidden_import(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from loader.ops import OPS\nimport flash\nfrom romfs.errors import X")
    assert [name for name, _ in imports(wrong)] == ["loader.ops", "flash", "romfs.errors"]


def test_the_core_needs_no_package_to_parse_and_lay_out() -> None:
    core = ("varuint", "records", "image", "mpy", "layout", "build_info", "placement", "blocks")
    for name in core:
        for imported, line in imports(ROOT / "romfs" / f"{name}.py"):
            top = imported.partition(".")[0]
            assert top in STDLIB or top == "romfs", f"{name}.py:{line} imports {imported}"
