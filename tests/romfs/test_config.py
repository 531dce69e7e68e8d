from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from romfs.config import Config, Rule, find_config, load_config
from romfs.errors import ConfigError
from romfs.select import selector
from romfs.sizes import parse_size, show_size

FULL = """
source = "src"
include = ["*.py"]
exclude = ["tests/"]
board = "RPI_PICO2"
version = "1.2"
size = "128K"
budget = 0x1000
allow = ["case-clash"]
[[rules]]
match = "hot/*"
optimize = 3
keep = false
align = "4K"
march = "armv6m"
order = -1
"""


def test_every_key(tmp_path: Path) -> None:
    path = tmp_path / "romfs.toml"
    path.write_text(FULL)
    config = load_config(path)
    assert config == Config(
        path=path,
        source="src",
        include=("*.py",),
        exclude=("tests/",),
        rules=(Rule("hot/*", 3, False, 4096, "armv6m", -1),),
        board="RPI_PICO2",
        version="1.2",
        size=131072,
        budget=4096,
        allow=("case-clash",),
    )


def test_pyproject_is_read_if_it_has_the_table(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n")
    assert load_config(path) is None
    path.write_text("[tool.romfs]\nboard = 'B'\n")
    found = load_config(path)
    assert found is not None and found.board == "B"


def test_the_nearest_configuration_wins_and_a_repository_is_a_border(tmp_path: Path) -> None:
    (tmp_path / "romfs.toml").write_text("board = 'OUTER'")
    inner = tmp_path / "repo" / "app" / "src"
    inner.mkdir(parents=True)
    assert find_config(inner).board == "OUTER"
    (tmp_path / "repo" / ".git").mkdir()
    assert find_config(inner) == Config()
    (tmp_path / "repo" / "pyproject.toml").write_text("[tool.romfs]\nboard = 'REPO'")
    assert find_config(inner).board == "REPO"
    (inner / "romfs.toml").write_text("board = 'NEAR'")
    assert find_config(inner).board == "NEAR"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exlude = []", "did you mean exclude"),
        ("zzz = 1", "unknown key zzz; known: source"),
        ("board = 1", "board must be a string, not 1"),
        ("include = 'x'", "include must be a list of strings"),
        ("include = [1]", "include must be a list of strings"),
        ("size = '12Q'", "size: '12Q' is not a size"),
        ("size = true", "is not a size"),
        ("size = -1", "is not a size"),
        ("rules = [1]", r"rules\[0\] must be a table"),
        ("[[rules]]\nalign = 4", "needs match"),
        ("[[rules]]\nmatch = 'x'\nalign = 3", "not a power of two"),
        ("[[rules]]\nmatch = 'x'\noptimize = 4", "0 to 3"),
        ("[[rules]]\nmatch = 'x'\norder = true", "whole number"),
        ("[[rules]]\nmatch = 'x'\nkeep = 1", "true or false"),
        ("[[rules]]\nmatch = 'x'\nlevel = 1", r"rules\[0\]: unknown key level"),
        ("[manifest]\nalow = []", "manifest: unknown key alow; did you mean allow"),
        ("[[images]]\nname = 'x'\nbord = 'y'", r"images\[0\]: unknown key bord"),
        ("a = ", "Invalid value"),
    ],
)
def test_mistakes_are_errors_that_say_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "romfs.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("a.py", True), ("lib/a.py", True), (".hidden", False), ("lib/.x.py", False),
        ("a.pyc", False), ("a.py~", False), ("#a.py#", False), (".a.py.swp", False),
        ("a.swp", False), ("a.orig", False), ("README.md", True),
    ],
)  # fmt: skip
def test_default_excludes(path: str, taken: bool) -> None:
    assert selector([], [])(path, False) is taken


@given(
    st.lists(st.text("ab.#~*[]o", min_size=1, max_size=5), min_size=1, max_size=3), st.booleans()
)
def test_the_quick_default_decides_as_the_patterns_do(parts: list[str], folder: bool) -> None:
    # Only the last part counts: the source does not enter a directory that is not taken.
    parts[:-1] = ["x" for _ in parts[:-1]]
    assume(parts[-1] not in (".", ".."))
    path = "/".join(parts)
    by_patterns = selector([], ["/no-such-name"])
    assert selector([], [])(path, folder) == by_patterns(path, folder)


@pytest.mark.parametrize(
    "name", ["__pycache__", "CVS", ".git", "x.bak", "x.pyc", "#a#", "Thumbs.db"]
)
@pytest.mark.parametrize("folder", [False, True])
def test_the_quick_default_on_the_names_that_matter(name: str, folder: bool) -> None:
    assert selector([], [])(name, folder) == selector([], ["/none"])(name, folder)


def test_patterns_have_gitignore_meaning() -> None:
    select = selector([], ["/top.txt", "docs/", "*.md", "!keep.md", "!.config"])
    assert not select("top.txt", False) and select("sub/top.txt", False)
    assert not select("docs", True) and not select("a/docs", True) and select("docs", False)
    assert not select("a.md", False) and select("keep.md", False)
    assert select(".config", False) and not select(".other", False)
    assert not select("__pycache__", True) and not select(".git", True)


def test_include_takes_only_what_matches_and_exclude_still_counts() -> None:
    select = selector(["*.py", "/data/"], ["secret.py"], never=["own.py"])
    assert select("a/b.py", False) and select("data/x.bin", False)
    assert not select("x.bin", False) and not select("secret.py", False)
    assert not select("own.py", False)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4096", 4096), ("0x1000", 4096), ("4K", 4096), ("4KiB", 4096), ("4kb", 4096), ("1M", 1 << 20),
     ("2g", 2 << 30), ("1_000", 1000), ("010", 10), ("0x1b", 27), (7, 7)],
)  # fmt: skip
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "K", "1.5K", "-4", "4 Q", "0xG", "0x", "_", "1__0", "_1"])
def test_not_sizes(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_size(text)


def test_sizes_for_people() -> None:
    assert [show_size(n) for n in (0, 1023, 1024, 71680, 1310720)] == [
        "0 B", "1023 B", "1.0 KiB", "70.0 KiB", "1.25 MiB",
    ]  # fmt: skip


def test_what_is_left_out_unless_asked_for() -> None:
    select = selector((), ())
    for name in (".git", "__pycache__", "CVS", ".venv"):
        assert not select(name, True) and not select(f"a/{name}", True)
    for name in (
        "a.pyc", "a.pyo", "a.pyd", ".hidden", "a.py~", "#a.py#", ".a.swp", "a.swo", "a.orig",
        "a.rej", "a.bak", "Thumbs.db",
    ):  # fmt: skip
        assert not select(name, False) and not select(f"a/{name}", False)
    for name in ("a.py", "README.md", "a#b", "swp", "thumbs.txt"):
        assert select(name, False)
