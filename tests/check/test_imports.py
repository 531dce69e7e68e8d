"""Import resolution on compiled trees, held against the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from romfs.cli._checking import Expectations, examine
from romfs.compile import CompileOptions, Compiler, Job
from romfs.findings import Finding, Severity
from romfs.layout import build_image
from tests.real import needs_micropython, run_on_image

TREE = {
    "app.py": "import json, util\nfrom pkg import one, VALUE\nfrom pkg.deep import mod\n",
    "util.py": "def helper(): pass\n",
    "pkg/__init__.py": "from . import one\nfrom .two import *\nVALUE = 1\n",
    "pkg/one.py": "from .two import TWO\nfrom ..util import helper\n",
    "pkg/two.py": "TWO = 2\n",
    "pkg/deep/mod.py": "from .. import two\nfrom ..two import TWO\nimport pkg.one\n",
    "lib/driver.py": "import machine\nimport util\n",
}


def compiled(sources: dict[str, str]) -> dict[str, bytes | None]:
    """A tree of .mpy files."""
    jobs = [Job(path, text.encode(), CompileOptions()) for path, text in sources.items()]
    done = Compiler().compile(jobs, cache=None)
    for one in done:
        if one.error is not None:
            raise one.error
    return {job.path[:-2] + "mpy": one.content for job, one in zip(jobs, done, strict=True)}


def check(sources: dict[str, str], **options: object) -> list[Finding]:
    """Findings about the imports of a tree."""
    expect = Expectations(**options)  # type: ignore[arg-type]
    found = examine(build_image(compiled(sources)), expect)
    return [one for one in found if one.rule.startswith("import")]


def test_only_what_fails_is_reported() -> None:
    found = check(TREE)
    assert [(one.path, one.line, one.rule) for one in found] == [
        ("pkg/one.mpy", 2, "import-relative")
    ]


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("import nowhere", "import-missing"),
        ("import pkg.nothing", "import-missing"),
        ("import util.inner", "import-missing"),
        ("from pkg.two import THREE", "import-name"),
        ("from . import util", "import-relative"),
        ("import pkg.two", None),
        ("from pkg import two", None),
        ("from util import helper", None),
        ("import lib.driver", None),
        ("import driver", None),
        ("import utime, ujson", None),
        ("from pkg import *", None),
        ("from pkg.deep import mod", None),
    ],
)
@needs_micropython
def test_verdict_is_that_of_the_engine(tmp_path: Path, statement: str, rule: str | None) -> None:
    tree = {**TREE, "pkg/one.py": "", "lib/driver.py": "", "probe.py": statement + "\n"}
    found = [one for one in check(tree) if one.path == "probe.mpy"]
    assert [one.rule for one in found] == ([] if rule is None else [rule])
    file = tmp_path / "image"
    file.write_bytes(build_image(compiled(tree)))
    script = "try:\n import probe\n print('works')\nexcept ImportError: print('fails')\n"
    assert run_on_image(file, script).strip() == ("works" if rule is None else "fails")


def test_a_guarded_import_is_a_note() -> None:
    text = "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None\nimport other\n"
    found = check({"a.py": text})
    assert [(one.severity, one.line) for one in found] == [
        (Severity.ERROR, 5),
        (Severity.NOTE, 2),
    ]


def test_what_may_never_run_is_a_warning() -> None:
    found = check({"a.py": "def f():\n\n    import nowhere\n"})
    assert [(one.line, one.severity) for one in found] == [(3, Severity.WARNING)]
    text = "import sys\nif sys.maxsize:\n    import one\nelse:\n    import two\nimport three\n"
    found = check({"a.py": text})
    assert [(one.line, one.severity) for one in found] == [
        (6, Severity.ERROR),
        (3, Severity.WARNING),
        (5, Severity.WARNING),
    ]


def test_modules_elsewhere_can_be_allowed() -> None:
    assert check({"a.py": "import drivers.x, other\n"}, allowed_imports=("drivers.*", "oth*")) == []


def test_a_module_of_another_port_is_missing() -> None:
    text = {"a.py": "import pyb\n"}
    assert check(text) == []
    assert check(text, port="stm32") == []
    assert [one.rule for one in check(text, port="rp2")] == ["import-missing"]


def test_names_made_otherwise_are_not_missed() -> None:
    tree = {"m.py": "globals()['x'] = 1\n", "a.py": "from m import x\n"}
    assert check(tree) == []
    tree = {"m.py": "def __getattr__(name): return 1\n", "a.py": "from m import x\n"}
    assert check(tree) == []
    tree = {"m.py": "def f():\n    global x\n    x = 1\nf()\n", "a.py": "from m import x\n"}
    assert check(tree) == []
