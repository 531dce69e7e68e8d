"""The plugin in pytest runs of its own, on images with good, bad and odd tests in them."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.cli.run import romfs

TESTS = """
import sys
import helper

class SkipTest(Exception):
    pass

def test_passes():
    print("printed inside", sys.platform)
    assert helper.double(2) == 4

def test_fails():
    assert helper.double(2) == 5, "two and two"

def test_takes_fixtures(number, text="own default"):
    assert number == 42 and text == "own default"

async def test_async():
    import asyncio
    await asyncio.sleep(0)

def test_skipped():
    raise SkipTest("no such pin")

class TestGroup:
    def setUp(self):
        self.value = 1

    def test_is_set_up(self):
        assert self.value == 1

    def test_is_fresh(self):
        self.value += 1
        assert self.value == 2

    def tearDown(self):
        print("torn down")

    def no_test(self):
        raise ValueError
"""

UNITTEST = """
class TestCase:
    def assertEqual(self, a, b):
        assert a == b, "%r != %r" % (a, b)
"""

CASES = """
import unittest

class Sums(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1 + 1, 2)

    def test_two(self):
        self.assertEqual(1 + 1, 3)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = tmp_path / "source"
    for name, text in {
        "lib/helper.py": "def double(x):\n    return 2 * x\n",
        "lib/unittest.py": UNITTEST,
        "tests/test_many.py": TESTS,
        "test_cases.py": CASES,
        "selftest.py": "if __name__ == '__main__':\n    print('run as a program')\n",
        "bad_program.py": "import sys\nif __name__ == '__main__':\n    sys.exit(3)\n",
        "broken.py": "import nowhere\n",
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert romfs("build", "source", "-o", "app.romfs").code == 0
    # What lies around must not be taken for what is in the image.
    (tmp_path / "helper.py").write_text("raise SystemExit('the wrong one')\n")
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef number():\n    return 42\n"
    )
    return tmp_path


def run(*words: str) -> dict[str, str]:
    """Outcome of each test, by the part of its id behind the image; `""` is all output."""
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--color=no",
            "-p", "romfs.cli.pytest_plugin", "--junitxml=out.xml", *words,
        ],
        # Other plugins of this environment only cost time.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    found = {"": done.stdout + done.stderr, "code": str(done.returncode)}
    for line in done.stdout.splitlines():
        words_ = line.split()
        if len(words_) > 1 and "::" in words_[0] and words_[1].isupper():
            found[words_[0].partition("::")[2]] = words_[1]
    return found


@pytest.mark.parametrize("engine", ["interp", "translate"])
def test_functions_classes_fixtures_and_coroutines(project: Path, engine: str) -> None:
    found = run("--romfs", "app.romfs", "-k", "many", "--romfs-engine", engine)
    assert {name: word for name, word in found.items() if "/" in name} == {
        "tests/test_many::test_passes": "PASSED",
        "tests/test_many::test_fails": "FAILED",
        "tests/test_many::test_takes_fixtures": "PASSED",
        "tests/test_many::test_async": "PASSED",
        "tests/test_many::test_skipped": "SKIPPED",
        "tests/test_many::TestGroup::test_is_set_up": "PASSED",
        "tests/test_many::TestGroup::test_is_fresh": "PASSED",
    }
    assert found["code"] == "1"


def test_a_failure_shows_the_guests_traceback_and_output(project: Path) -> None:
    out = run("--romfs", "app.romfs")[""]
    assert 'File "tests/test_many.py", line 13, in test_fails' in out
    assert "AssertionError: two and two" in out
    assert "loader/" not in out and "pytest_plugin.py:" not in out.replace("SKIPPED", "")
    assert "AssertionError: 2 != 3" in out


def test_unittest_cases(project: Path) -> None:
    found = run("--romfs", "app.romfs", "-k", "test_cases")
    assert found["test_cases::Sums::test_one"] == "PASSED"
    assert found["test_cases::Sums::test_two"] == "FAILED"
    assert not [name for name in found if "TestCase" in name]


def test_modules_by_name_are_run_if_they_have_no_tests(project: Path) -> None:
    found = run(
        "--romfs", "app.romfs", "--romfs-module", "selftest", "--romfs-module", "bad_program",
        "-s", "-k", "selftest or bad_program",
    )  # fmt: skip
    assert "run as a program" in found[""]
    assert found["bad_program::__main__"] == "FAILED" and "exit status 3" in found[""]


def test_a_module_that_cannot_be_imported(project: Path) -> None:
    found = run("--romfs", "app.romfs", "--romfs-module", "broken")
    assert "ImportError: no module named 'nowhere'" in found[""]
    assert found["code"] == "2" and "loader" not in found[""]


def test_one_test_by_its_id(project: Path) -> None:
    found = run("--romfs", "app.romfs", "app.romfs::tests/test_many::TestGroup::test_is_fresh")
    assert [word for name, word in found.items() if "::" in name] == ["PASSED"]
    assert found["code"] == "0"


def test_host_tests_run_as_well_when_they_are_named(project: Path) -> None:
    (project / "test_host.py").write_text("def test_host():\n    pass\n")
    out = run("test_host.py", "--romfs", "app.romfs", "-k", "host or test_passes")[""]
    assert "test_host.py::test_host PASSED" in out and "test_passes PASSED" in out
    out = run("test_host.py")[""]
    assert "1 passed" in out and "romfs::" not in out


def test_a_board_and_the_report(project: Path) -> None:
    out = run("--romfs", "app.romfs", "--romfs-board", "RPI_PICO2", "-s", "-k", "passes")[""]
    assert "printed inside rp2" in out
    cases = {case.get("name") for case in ET.parse("out.xml").iter("testcase")}
    assert cases == {"test_passes"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--romfs", "nowhere.romfs"], "nowhere.romfs: no such image"),
        (["--romfs", "conftest.py"], "(at offset 0x0)"),
    ],
)
def test_mistakes(project: Path, words: list[str], told: str) -> None:
    found = run(*words)
    assert told in found[""] and found["code"] != "0"


def test_it_costs_other_runs_nothing(project: Path) -> None:
    code = (
        "import sys, romfs.cli.pytest_plugin\n"
        "tops = {name.partition('.')[0] for name in sys.modules}\n"
        "print(tops & {'loader', 'flash', 'boards'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "set()\n", done.stderr


def test_it_is_installed_as_a_plugin() -> None:
    (point,) = entry_points(group="pytest11", name="romfs")
    assert point.value == "romfs.cli.pytest_plugin"
