"""Imports from an image of many files: packages, precedence, failures, `__main__`."""

from __future__ import annotations

from pathlib import Path

import pytest

from loader.source import compile_source
from romfs.layout import build_image
from tests.engines.suite import normal, romfs_run, run_command

TREE = {
    "main.mpy": """
import sys
import pkg
import pkg.sub.leaf
import pkg.sub.leaf as leaf
from pkg import a, b as bee
from pkg.sub import *
from pkg.rel import up
import plain, both, shadow, nspkg.inside
print(__name__, plain.__name__, plain.__file__, pkg.__name__, pkg.__path__, pkg.__file__)
print(leaf.__name__, pkg.sub.leaf is leaf, a, bee, star1, "_hidden" in globals(), up)
print(both.which, shadow.kind, nspkg.inside.x, nspkg.__path__, nspkg)
for name in ("bad", "missing", "pkg.missing", "pkg.bad", "plain.x", "raises"):
    try:
        __import__(name)
    except Exception as e:
        print(name, type(e).__name__, e, name in sys.modules)
try:
    from pkg import nothing
except ImportError as e:
    print(e)
try:
    from plain import nothing
except ImportError as e:
    print(e)
import cyc1
print(cyc1.value, cyc1.cyc2.seen)
import lib_only
print(lib_only.where)
import json
print(json.__name__, hasattr(json, "mine"))
print(sorted(k for k in sys.modules if k[:3] in ("pkg", "pla", "cyc", "bad")))
import getattr_mod
print(getattr_mod.dynamic, hasattr(getattr_mod, "no"))
exec("import pkg.late")
print(pkg.late.when)
""",
    "plain.mpy": "x = 1\nprint('plain runs')\n",
    "both.py": "which = 'py'\n",
    "both.mpy": "which = 'mpy'\n",
    "shadow/__init__.mpy": "kind = 'package'\n",
    "shadow.mpy": "kind = 'module'\n",
    "nspkg/inside.mpy": "x = 'ns'\n",
    "bad.mpy": "import pkg\n1 / 0\n",
    "raises.py": "def f():\n    raise KeyError('r')\nf()\n",
    "pkg/__init__.mpy": "print('pkg init', __name__)\na = 'A'\nb = 'B'\n",
    "pkg/bad.mpy": "from . import a\nraise ValueError(a)\n",
    "pkg/late.mpy": "when = 'late'\n",
    "pkg/sub/__init__.mpy": "star1 = 'star'\n_hidden = 1\nprint('sub init')\n",
    "pkg/sub/leaf.mpy": "from .. import a\nfrom . import star1\nprint('leaf', a, star1)\n",
    "pkg/rel.mpy": """
from .sub import leaf
from .sub.leaf import star1
up = (leaf.__name__, star1)
""",
    "cyc1.mpy": "import cyc2\nvalue = 1\n",
    "cyc2.mpy": "import cyc1\nseen = hasattr(cyc1, 'value')\n",
    "lib/lib_only.mpy": "where = __file__\n",
    "json.mpy": "mine = True\n",
    "getattr_mod.mpy": """
def __getattr__(name):
    if name == "dynamic":
        return "computed"
    raise AttributeError(name)
""",
    "app/__init__.mpy": "print('app init', __name__)\n",
    "app/__main__.mpy": "import sys\nprint('app main', __name__, sys.argv)\nfrom . import part\n",
    "app/part.mpy": "print('part', __name__)\n",
    "exits.mpy": "import sys\nprint('before')\nsys.exit(3)\n",
    "fails.mpy": "def f(x):\n    return x.y\nf(1)\n",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        name: text.encode() if name.endswith(".py") else compile_source(text, name[:-4] + ".py")
        for name, text in TREE.items()
    }
    path = tmp_path_factory.mktemp("imports") / "app.romfs"
    path.write_bytes(build_image(files))
    return path


@pytest.mark.parametrize("module", ["main", "app", "exits", "fails", "absent", "plain"])
def test_same_as_the_real_engine(module: str, image: Path, engine: str, reference: str) -> None:
    expected = run_command(romfs_run(image, reference, module))
    found = run_command(romfs_run(image, engine, module))
    assert normal(found.stdout) == normal(expected.stdout)
    assert normal(found.stderr) == normal(expected.stderr)
    assert found.returncode == expected.returncode


def test_the_current_directory_is_not_searched(
    image: Path, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain.py").write_text("print('the host file')\n")
    monkeypatch.chdir(tmp_path)
    done = run_command(romfs_run(image, engine, "plain"))
    assert done.stdout == "plain runs\n"


def test_path_option_comes_first(image: Path, engine: str, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("print('stub', __name__)\n")
    done = run_command([*romfs_run(image, engine, "plain"), "--path", str(tmp_path)])
    assert done.stdout == "stub __main__\n"
