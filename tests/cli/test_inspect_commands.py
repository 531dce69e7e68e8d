from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from romfs.layout import build_image
from tests.cli.run import romfs
from tests.strategies import Tree

TREE: Tree = {
    "lib/a.mpy": bytes.fromhex("4d06001f 01 00 02 61 00 28 00 02 00 51 63"),
    "data.json": b'{"a": 1}',
    "empty": b"",
    "void": None,
    "ünï": b"x",
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "i.romfs"
    path.write_bytes(build_image(TREE))
    return path


def test_ls(image: Path) -> None:
    assert set(romfs("ls", image).out.split()) == {
        "lib/", "lib/a.mpy", "void/", "data.json", "empty", "ünï",
    }  # fmt: skip
    assert romfs("ls", image, "lib").out.split() == ["lib/a.mpy"]
    assert romfs("ls", image, "data.json", "-l").out.split()[0] == "8"
    rows = {row["path"]: row for row in romfs("ls", image, "--json").json}
    assert rows["empty"]["size"] == 0
    assert rows["void/"]["type"] == "directory"


def test_tree(image: Path) -> None:
    lines = romfs("tree", image).out.splitlines()
    assert lines[1:3] == ["├── lib/", "│   └── a.mpy  15 B"]
    assert lines[-1].startswith("└── ")
    names = {entry["name"] for entry in romfs("tree", image, "--json").json["entries"]}
    assert names == {"lib", "void", "data.json", "empty", "ünï"}


def test_cat_writes_the_bytes(image: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "romfs", "cat", image, "lib/a.mpy", "data.json"],
        capture_output=True, check=True,
    )  # fmt: skip
    expected = TREE["lib/a.mpy"], TREE["data.json"]
    assert done.stdout == b"".join(data for data in expected if data)


def test_info(image: Path) -> None:
    report = romfs("info", image, "--json").json
    assert (report["files"], report["directories"]) == (4, 2)
    assert report["modules"][0]["functions"] == 1
    assert "no build information" in romfs("info", image).out


def test_info_notices_damage(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "text.txt").write_text("content")
    out = tmp_path / "o.romfs"
    romfs("build", tmp_path / "src", "-o", out)
    assert "yes, as it was built" in romfs("info", out).out
    out.write_bytes(out.read_bytes().replace(b"content", b"cOntent"))
    done = romfs("info", out)
    assert done.code == 1
    assert "text.txt: content differs" in done.out


def test_extract_round_trips(image: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert romfs("extract", image, "-o", target).code == 0
    found: Tree = {
        path.relative_to(target).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in target.rglob("*")
    }
    assert found == {**TREE, "lib": None}


def test_extract_of_a_part_and_again(image: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    romfs("extract", image, "lib", "-o", target)
    assert [path.name for path in target.iterdir()] == ["lib"]
    again = romfs("extract", image, "lib", "-o", target)
    assert again.code == 1
    assert "already exists" in again.err
    (target / "lib" / "a.mpy").write_bytes(b"old")
    assert romfs("extract", image, "lib", "-o", target, "--force").code == 0
    assert (target / "lib" / "a.mpy").read_bytes() == TREE["lib/a.mpy"]


def test_extract_never_follows_a_link_out_of_the_target(image: Path, tmp_path: Path) -> None:
    target, outside = tmp_path / "out", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (outside / "data.json").write_text("theirs")
    (target / "lib").symlink_to(outside)
    (target / "data.json").symlink_to(outside / "data.json")
    done = romfs("extract", image, "-o", target, "--force")
    assert done.code == 1
    assert "leads out of" in done.err
    (target / "lib").unlink()
    assert romfs("extract", image, "-o", target, "--force").code == 0
    assert [path.name for path in outside.iterdir()] == ["data.json"]
    assert (outside / "data.json").read_text() == "theirs"


@pytest.mark.parametrize("name", ["a\\..\\b", "C:evil"])
def test_extract_refuses_names_that_lead_elsewhere_on_other_hosts(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "i.romfs"
    path.write_bytes(build_image({name: b"x"}))
    done = romfs("extract", path, "-o", tmp_path / "out")
    assert done.code == 1
    assert "special meaning" in done.err
    assert not (tmp_path / "out").exists()


def test_control_characters_in_names_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "i.romfs"
    path.write_bytes(build_image({"\x1b[31mred\n": b""}))
    for verb in ("ls", "tree"):
        out = romfs(verb, path).out
        assert "\x1b" not in out
        assert "\\x1b[31mred\\n" in out


@pytest.mark.parametrize("verb", ["ls", "tree", "info", "extract", "cat"])
def test_wrong_files_are_one_line_each(tmp_path: Path, verb: str) -> None:
    rest = ["x"] if verb == "cat" else []
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_bytes(b"")
    for name, message in (("none", "No such file"), ("text", "not a MicroPython ROMFS image"),
                          ("empty", "the file is empty")):  # fmt: skip
        done = romfs(verb, tmp_path / name, *rest)
        assert done.code == 1
        assert message in done.err and done.err.count("\n") == 1
    assert romfs(verb, tmp_path, *rest).code == 1


def test_a_path_that_is_not_in_the_image(image: Path) -> None:
    assert "nope: no such file" in romfs("cat", image, "nope").err
    assert "lib: is a directory" in romfs("cat", image, "lib").err


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "i.romfs"
    path.write_bytes(build_image({f"file{n:05}": b"" for n in range(20_000)}))
    done = subprocess.run(
        f"{sys.executable} -m romfs ls {path} | head -1",
        shell=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"file00000\n"
    assert done.stderr == b""
