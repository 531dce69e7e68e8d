"""manifest.py: what upstream's functions mean, and that a manifest reaches nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from romfs.build import build
from romfs.errors import BuildError
from romfs.image import Image
from romfs.sources import open_source
from romfs.sources.base import SourceEntry
from romfs.sources.manifest import ManifestOptions, ManifestSource
from romfs.target import Target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for path in (
        "main.py", "drivers/bus.py", "drivers/spi/fast.py", "drivers/notes.txt",
        "src/app/__init__.py", "src/app/net/http.py", "src/lone.py", "ready/done.mpy",
        "ready/plain.py",
    ):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"name = {path!r}\n")
    return root


def everything(_path: str, _is_directory: bool) -> bool:
    return True


def entries(root: Path, text: str, **options: object) -> dict[str, SourceEntry]:
    (root / "manifest.py").write_text(text)
    source = ManifestSource(root / "manifest.py", ManifestOptions(**options))  # type: ignore[arg-type]
    return {entry.path: entry for entry in source.entries(everything)}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("module('main.py')", ["main.py"]),
        ("module('lone.py', base_path='src')", ["lone.py"]),
        ("package('drivers')", ["drivers/bus.py", "drivers/spi/fast.py"]),
        ("package('app', base_path='src')", ["app/__init__.py", "app/net/http.py"]),
        ("package('app', files=['net/http.py'], base_path='src')", ["app/net/http.py"]),
        ("freeze('src')", ["app/__init__.py", "app/net/http.py", "lone.py"]),
        ("freeze('src', 'app/net')", ["app/net/http.py"]),
        ("freeze('src', 'lone.py')", ["lone.py"]),
        ("freeze('src', ('lone.py', 'app/__init__.py'))", ["app/__init__.py", "lone.py"]),
        ("freeze('ready')", ["done.mpy", "plain.py"]),
        ("freeze_mpy('ready')", ["done.mpy"]),
        ("freeze_as_mpy('ready')", ["plain.py"]),
        ("freeze_as_str('ready')", ["plain.py"]),
        ("freeze('$(HERE)/src', 'lone.py')", ["lone.py"]),
        ("[module(f'{n}.py') for n in ('main',)]", ["main.py"]),
        ("module('main.py')\nmodule('main.py')", ["main.py"]),
        ("metadata(version='1.0', description='d', license='MIT', author='a')", []),
        ("c_module('drivers')", []),
    ],
)
def test_functions_mean_what_they_do_upstream(project: Path, text: str, paths: list[str]) -> None:
    assert sorted(entries(project, text, variables={"HERE": project})) == sorted(paths)


def test_entries_are_in_order_and_selected(project: Path) -> None:
    (project / "manifest.py").write_text("freeze('src')\nmodule('main.py')\n")
    source = open_source(project / "manifest.py")
    assert [e.path for e in source.entries(everything)] == [
        "app/__init__.py", "app/net/http.py", "lone.py", "main.py",
    ]  # fmt: skip

    def no_net(path: str, _is_directory: bool) -> bool:
        return path != "app/net"

    assert "app/net/http.py" not in [e.path for e in source.entries(no_net)]


def test_optimisation_and_source_text_are_asked_for(project: Path) -> None:
    found = entries(project, "module('main.py', opt=3)\nfreeze_as_str('ready')\n")
    assert (found["main.py"].optimize, found["main.py"].keep) == (3, False)
    assert (found["plain.py"].optimize, found["plain.py"].keep) == (None, True)
    image = Image(build(open_source(project / "manifest.py"), Target()).image)
    assert sorted(path for path, _ in image.files()) == ["main.mpy", "plain.py"]


def test_include_is_relative_takes_options_and_happens_once(project: Path) -> None:
    (project / "src/manifest.py").write_text(
        "options.defaults(net=True, lone=False)\n"
        "module('app/__init__.py')\n"
        "if options.net: module('app/net/http.py')\n"
        "if options.lone: module('lone.py')\n"
        "assert options.other is None\n"
    )
    text = "include('src', net=False, lone=True)\ninclude(['src/manifest.py'], net=True)\n"
    assert sorted(entries(project, text)) == ["app/__init__.py", "lone.py"]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A micropython-lib tree of two packages, one needing the other."""
    lib = tmp_path / "micropython-lib"
    for path, text in {
        "micropython/net/aionet/manifest.py": (
            "metadata(version='1.2.3')\nrequire('base')\npackage('aionet')\n"
        ),
        "micropython/net/aionet/aionet/__init__.py": "x = 1\n",
        "python-stdlib/base/manifest.py": "metadata(version='0.1')\nmodule('base.py', opt=2)\n",
        "python-stdlib/base/base.py": "__version__ = 'mine'\n",
    }.items():
        (lib / path).parent.mkdir(parents=True, exist_ok=True)
        (lib / path).write_text(text)
    return lib


def test_require_finds_packages_and_gives_them_their_version(project: Path, library: Path) -> None:
    found = entries(project, "require('aionet')", variables={"MPY_LIB_DIR": library})
    assert sorted(found) == ["aionet/__init__.py", "base.py"]
    load = found["aionet/__init__.py"].load
    assert load is not None and load() == b"x = 1\n\n\n__version__ = '1.2.3'\n"
    load = found["base.py"].load
    assert load is not None and load() == b"__version__ = 'mine'\n"
    assert found["base.py"].optimize == 2


def test_a_library_inside_the_tree_is_found(project: Path) -> None:
    folder = project / "vendor/deep/thing"
    folder.mkdir(parents=True)
    (folder / "manifest.py").write_text("module('thing.py')")
    (folder / "thing.py").write_text("")
    text = "add_library('mine', 'vendor')\nrequire('thing', library='mine')\nrequire('thing')"
    assert list(entries(project, text)) == ["thing.py"]


def test_a_package_no_library_has_is_asked_for_elsewhere(project: Path) -> None:
    asked = []

    def elsewhere(name: str, version: str | None) -> list[SourceEntry] | None:
        asked.append((name, version))
        return [SourceEntry("far.mpy", "index", lambda: b"M")] if name == "far" else None

    found = entries(project, "require('far', version='1.0')", require=elsewhere)
    assert list(found) == ["far.mpy"] and asked == [("far", "1.0")]
    with pytest.raises(BuildError, match=r"require\('near'\).*MPY_LIB_DIR"):
        entries(project, "require('near')", require=elsewhere)


def test_a_skipped_variable_stays_in_the_firmware(project: Path) -> None:
    text = "include('$(PORT_DIR)/boards/manifest.py')\nfreeze('$(PORT_DIR)/m')\nmodule('main.py')"
    assert list(entries(project, text, variables={"PORT_DIR": None})) == ["main.py"]
    run = ManifestSource(project / "manifest.py", ManifestOptions({"PORT_DIR": None})).evaluate()
    assert len(run.notes) == 2


def test_paths_outside_the_tree_must_be_allowed(project: Path) -> None:
    outside = project.parent / "common"
    outside.mkdir()
    (outside / "shared.py").write_text("")
    (outside / "manifest.py").write_text("module('shared.py')")
    (project / "link.py").symlink_to(outside / "shared.py")
    (project / "links").symlink_to(outside)
    for text in (
        "freeze('../common')",
        f"freeze({str(outside)!r})",
        "include('../common')",
        "module('link.py')",
        "package('links')",
        "module('shared.py', base_path='../common')",
    ):
        with pytest.raises(BuildError, match=r"--manifest-allow.*common"):
            entries(project, text)
        assert entries(project, text, allow=(outside,))


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "from os import path",
        "open('/etc/passwd')",
        "__import__('os')",
        "eval('1')",
        "exec('1')",
        "getattr(include, 'x')",
        "().__class__.__base__.__subclasses__()",
        "include.__globals__",
        "include.__self__",
        "(x for x in ()).gi_frame.f_back",
        "'{0.__class__}'.format(include)",
        "'{0.__class__}'.format_map({})",
        "__builtins__",
        "type(include)",
        "globals()",
        "breakpoint()",
        "try:\n  1/0\nexcept Exception as e:\n  e.__traceback__",
        "try:\n  1/0\nexcept Exception as e:\n  e.tb_frame",
        "match include:\n  case dict(__self__=x): pass",
    ],
)
def test_nothing_else_is_in_reach(project: Path, text: str) -> None:
    with pytest.raises(BuildError) as caught:
        entries(project, text)
    assert caught.value.path is not None and "manifest.py:" in caught.value.path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module('main.py'", "manifest.py:1: .*never closed"),
        ("\n\nraise ValueError('no')", "manifest.py:3: ValueError: no"),
        ("module('none.py')", "no file 'none.py'"),
        ("module('notes.txt')", r"a module is a \.py file"),
        ("package('none')", "no directory 'none'"),
        ("freeze('main.py')", "not a directory"),
        ("freeze('src', '../main.py')", "leads out"),
        ("freeze('$(PORT_DIR)/modules')", "--manifest-var PORT_DIR="),
        ("include('none.py')", "cannot be read"),
        ("require('x', library='y')", "no library 'y'"),
        ("module('main.py', opt=9)", "opt is 9"),
        ("metadata(version='1')\nmetadata(version='2')", "manifest.py:2: .*twice"),
        ("metadata(colour='red')", "no 'colour'"),
        ("module(1)", "AttributeError|TypeError"),
        ("freeze('ready', 'plain.py')\nmodule('plain.py', base_path='ready2')", "given twice"),
    ],
)
def test_mistakes_are_told_with_their_line(project: Path, text: str, message: str) -> None:
    (project / "ready2").mkdir()
    (project / "ready2/plain.py").write_text("")
    with pytest.raises(BuildError) as caught:
        entries(project, text)

    assert re.search(message, str(caught.value)), str(caught.value)


def test_links_in_a_circle_end(project: Path) -> None:
    (project / "drivers/again").symlink_to(project / "drivers")
    assert "drivers/bus.py" in entries(project, "package('drivers')")


@pytest.mark.parametrize(
    "text", ["x = 1\0\n", "x = " + "-" * 200_000 + "1\n", "x = " + "+".join(["1"] * 100_000)]
)
def test_what_python_cannot_parse_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.py").write_text(text)
    with pytest.raises(BuildError, match=r"manifest\.py: "):
        list(ManifestSource(tmp_path / "manifest.py").entries(lambda *_: True))
