from __future__ import annotations

from pathlib import Path

import pytest

from romfs.image import Image
from tests.cli.run import romfs

MATRIX = """
source = "src"
boards = ["PYBD_SF2", "ESP32_GENERIC_S3"]
[[images]]
name = "app"
exclude = ["assets/"]
[[images]]
name = "assets"
include = ["assets/"]
boards = ["PYBD_SF2"]
budget = "1K"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src" / "assets").mkdir(parents=True)
    (tmp_path / "src" / "app.py").write_text("x = 1\n")
    (tmp_path / "src" / "assets" / "a.bin").write_bytes(b"a" * 100)
    (tmp_path / "romfs.toml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_image_for_every_board(project: Path) -> None:
    done = romfs("build", "--all")
    assert done.code == 0, done.err
    found = sorted(path.name for path in (project / "build").iterdir())
    assert found == ["app-ESP32_GENERIC_S3.romfs", "app-PYBD_SF2.romfs", "assets-PYBD_SF2.romfs"]
    names = {
        path.name: sorted(inside for inside, _ in Image(path.read_bytes()).files())
        for path in (project / "build").iterdir()
    }
    assert names["app-PYBD_SF2.romfs"] == names["app-ESP32_GENERIC_S3.romfs"] == ["app.mpy"]
    assert names["assets-PYBD_SF2.romfs"] == ["assets/a.bin"]


def test_bytecode_is_compiled_once_for_all_boards(project: Path) -> None:
    (project / "src" / "app.py").write_text(f"where = {str(project)!r}\n")  # in no cache yet
    reports = romfs("build", "--all", "--json").json
    cached = [file["cached"] for report in reports for file in report["files"]
              if file["path"] == "app.mpy"]  # fmt: skip
    assert cached == [False, True]


def test_one_image_too_large_does_not_keep_the_others_from_being_built(project: Path) -> None:
    (project / "src" / "assets" / "a.bin").write_bytes(bytes(5000))
    done = romfs("build", "--all", "-o", "out")
    assert done.code == 1
    assert "assets-PYBD_SF2.romfs: image is" in done.err
    assert sorted(path.name for path in (project / "out").iterdir()) == [
        "app-ESP32_GENERIC_S3.romfs", "app-PYBD_SF2.romfs",
    ]  # fmt: skip


def test_check_and_previous_take_the_directory(project: Path) -> None:
    romfs("build", "--all", "-o", "old")
    assert romfs("build", "--all", "--check", "old").code == 0
    reports = romfs("build", "--all", "-o", "new", "--previous", "old", "--json").json
    assert [report["changed"]["changed"] for report in reports] == [[], [], []]


@pytest.mark.parametrize(
    ("config", "words", "message"),
    [
        ("source = 'src'", ["--all"], "--all needs boards"),
        (MATRIX, [], "build them with --all"),
        ("boards = ['PYBD_SF2', 'PYBD_SF2']", ["--all"], "two images would be written to"),
        ("[[images]]\npartition = 1", ["--all"], "an image needs name"),
        (
            "[[images]]\nname = 'a'\nboard = 'x'",
            ["--all"],
            "unknown key board; did you mean boards",
        ),
    ],
)
def test_mistakes(project: Path, config: str, words: list[str], message: str) -> None:
    (project / "romfs.toml").write_text(config)
    done = romfs("build", *words)
    assert done.code == 1
    assert message in done.err


def test_a_board_file_is_named_relative_to_the_configuration(project: Path) -> None:
    (project / "hw").mkdir()
    (project / "hw" / "mine.toml").write_text(
        '[MINE]\nport = "rp2"\nmpy = { arch = "armv6m" }\n'
        "romfs = [{ size = 0x8000, erase = 4096, write = 256 }]\nsource = ['ours']\n"
    )
    (project / "romfs.toml").write_text("source = 'src'\nboards = ['hw/mine.toml']\n")
    done = romfs("build", "--all", "--config", project / "romfs.toml")
    assert done.code == 0, done.err
    assert [path.name for path in (project / "build").iterdir()] == ["src-mine.romfs"]
