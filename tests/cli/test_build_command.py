from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from romfs.image import Image
from tests.cli.run import romfs

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "weather"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "lib").mkdir(parents=True)
    (root / "app.py").write_text("import helper\n")
    (root / "lib" / "helper.py").write_text("x = 1\n")
    (root / "data.bin").write_bytes(bytes(3000))
    return root


def test_builds_the_example_and_says_what_is_in_it(tmp_path: Path) -> None:
    out = tmp_path / "weather.romfs"
    done = romfs("build", EXAMPLE, "-o", out, "--board", "RPI_PICO2", "--size", "128K")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert "9 files for RPI_PICO2" in lines[0]
    assert any(line.startswith("  in place") and "7 modules" in line for line in lines)
    assert any("partition" in line and "% used" in line for line in lines)
    assert max(len(line) for line in lines[1:]) <= 100
    with Image.open(out) as image:
        assert {path for path, _ in image.files()} >= {"selftest.mpy", "assets/digits.bin"}
        assert image.file("assets/digits.bin").data_offset % 4 == 0


def test_json_report(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.romfs"
    report = romfs("build", app, "-o", out, "--json").json
    assert report["size"] == out.stat().st_size
    assert report["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert {file["path"] for file in report["files"]} == {"app.mpy", "lib/helper.mpy", "data.bin"}
    assert report["bytes"]["data"] == 3000


def test_the_source_as_an_option(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.romfs"
    assert romfs("build", "--from", app, "-o", out).code == 0
    assert romfs("build", app, "--check", out).code == 0


def test_default_output_lies_in_the_working_directory(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert romfs("build", "app").code == 0
    assert (tmp_path / "app.romfs").exists()


def test_the_output_and_the_configuration_are_never_in_the_image(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "romfs.toml").write_text('version = "1"\n')
    monkeypatch.chdir(app)
    for _ in range(2):
        assert romfs("build").code == 0
    with Image.open(app / "app.romfs") as image:
        assert "romfs.toml" not in dict(image.walk()) and "app.romfs" not in dict(image.walk())


def test_the_previous_image_is_never_in_the_image(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(app)
    assert romfs("build", "-o", "one.romfs").code == 0
    assert romfs("build", "-o", "two.romfs", "--previous", "one.romfs").code == 0
    assert "one.romfs" not in romfs("ls", "two.romfs").out


def test_a_suffix_says_the_format(app: Path, tmp_path: Path) -> None:
    from romfs.sources.fat import looks_like_fat

    for name, fat in (("a.fat", True), ("b.FAT", True), ("c.img", False), ("d.other", False)):
        assert romfs("build", app, "-o", tmp_path / name).code == 0
        data = (tmp_path / name).read_bytes()
        assert looks_like_fat(data[:512]) == fat
        assert data.startswith(b"\xd2\xcd\x31") != fat


@pytest.fixture
def latin_1(tmp_path: Path) -> dict[str, str]:
    """An environment whose locale is not UTF-8, nor changed to UTF-8 by Python."""
    compiled = shutil.which("localedef")
    if compiled is None:
        pytest.skip("localedef is not installed")
    place = tmp_path / "locales"
    place.mkdir()
    command = [compiled, "-i", "en_US", "-f", "ISO-8859-1", str(place / "en_US.ISO-8859-1")]
    if subprocess.run(command, capture_output=True, check=False).returncode > 1:
        pytest.skip("the sources of locales are not installed")
    return {**os.environ, "LOCPATH": str(place), "LC_ALL": "en_US.ISO-8859-1"}


def test_the_locale_changes_no_byte_and_stops_no_listing(
    tmp_path: Path, latin_1: dict[str, str]
) -> None:
    source = tmp_path / "app"
    source.mkdir()
    (source / "mod_ünï_日本.py").write_text("def f():\n    return 'ü'\n", "utf-8")
    here, there = tmp_path / "here.romfs", tmp_path / "there.romfs"
    assert romfs("build", source, "-o", here, "--no-cache").code == 0
    romfs_there = [sys.executable, "-m", "romfs"]
    build = [*romfs_there, "build", str(source), "-o", str(there), "--no-cache"]
    assert subprocess.run(build, env=latin_1, check=False, timeout=60).returncode == 0
    assert here.read_bytes() == there.read_bytes()
    for verb in ("ls", "tree", "info"):
        done = subprocess.run(
            [*romfs_there, verb, str(there)], env=latin_1, capture_output=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"mod_\xfcn\xef_" in done.stdout


def test_check_tells_whether_an_image_is_up_to_date(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.romfs"
    romfs("build", app, "-o", out)
    before = out.stat().st_mtime_ns
    same = romfs("build", app, "--check", out)
    assert (same.code, same.out.splitlines()[-1].split()) == (0, ["check", "identical"])
    (app / "app.py").write_text("import helper, json\n")
    different = romfs("build", app, "--check", out)
    assert different.code == 1
    assert "not what this source builds" in different.err
    assert out.stat().st_mtime_ns == before


def test_every_compile_error_with_file_and_line_and_no_image(app: Path, tmp_path: Path) -> None:
    (app / "bad.py").write_text("x = 1\ny = (\n")
    (app / "lib" / "worse.py").write_text("def\n")
    out = tmp_path / "o.romfs"
    out.write_bytes(b"old")
    done = romfs("build", app, "-o", out)
    assert done.code == 1
    assert "bad.py:3: SyntaxError" in done.err and "lib/worse.py:1: SyntaxError" in done.err
    assert out.read_bytes() == b"old"
    problems = romfs("build", app, "-o", out, "--json").json["problems"]
    assert [problem["path"] for problem in problems] == ["bad.py", "lib/worse.py"]


def test_too_big_names_the_excess_and_writes_nothing(app: Path, tmp_path: Path) -> None:
    done = romfs("build", app, "-o", tmp_path / "o.romfs", "--size", "2K")
    assert done.code == 1
    assert "bytes over; nothing written" in done.err and "data.bin 2.9 KiB" in done.err
    assert not (tmp_path / "o.romfs").exists()


def test_changed_blocks_against_a_previous_image(app: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old.romfs", tmp_path / "new.romfs"
    romfs("build", app, "-o", old)
    (app / "app.py").write_text("import helper\nx = 2\n")
    report = romfs("build", app, "-o", new, "--previous", old, "--json").json
    assert report["changed"]["erase"] == 4096
    assert report["changed"]["changed"] == [0]


def test_warnings_are_shown_and_strict_makes_them_fatal(app: Path, tmp_path: Path) -> None:
    (app / "main.py").write_text("")
    out = tmp_path / "o.romfs"
    assert "[not-auto-run]" in romfs("build", app, "-o", out).err
    out.unlink()
    assert romfs("build", app, "-o", out, "--strict").code == 1
    assert not out.exists()
    assert romfs("build", app, "-o", out, "--strict", "--allow", "not-auto-run").code == 0


def test_command_line_and_configuration_are_combined(app: Path, tmp_path: Path) -> None:
    (app / "romfs.toml").write_text('exclude = ["*.bin"]\nversion = "1"\nboard = "PYBD_SF2"\n')
    out = tmp_path / "o.romfs"
    romfs("build", app, "-o", out, "--exclude", "lib/", "--app-version", "2")
    info = romfs("info", out, "--json").json
    assert [module["path"] for module in info["modules"]] == ["app.mpy"]
    assert (info["build"]["version"], info["build"]["board"]) == ("2", "PYBD_SF2")
    assert info["files"] == 1


def test_a_user_board_file(app: Path, tmp_path: Path) -> None:
    board = tmp_path / "mine.toml"
    board.write_text(
        '[MINE]\nport = "rp2"\nmpy = { arch = "armv6m" }\n'
        "romfs = [{ size = 0x8000, erase = 4096, write = 256 }]\nsource = ['ours']\n"
    )
    done = romfs("build", app, "-o", tmp_path / "o.romfs", "--board", board)
    assert done.code == 0, done.err
    assert "32.0 KiB" in done.out and "MINE" in done.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: No such file"),
        ([".", "--board", "NOPE"], "no board 'NOPE'"),
        ([".", "-o", "."], "is a directory"),
        ([".", "-o", "missing/dir/o.romfs"], "No such file or directory"),
        ([".", "--config", "none.toml"], "none.toml: No such file"),
        ([".", "--previous", "app.py"], "not a MicroPython ROMFS image"),
        ([".", "--mpy-cross", "/nowhere"], "cannot be run"),
    ],
)
def test_mistakes_are_one_line(
    app: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(app)
    done = romfs("build", *words, "--no-cache")
    assert done.code == 1
    assert done.err.startswith("romfs: error: ") and done.err.count("\n") == 1
    assert message in done.err
    assert not list(app.glob("*.romfs"))


@pytest.mark.parametrize("words", [["--size", "lots"], ["-O", "9"], ["--nonsense"]])
def test_wrong_usage_is_exit_code_2(app: Path, words: list[str]) -> None:
    assert romfs("build", app, *words).code == 2


def test_interruption_writes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    for number in range(400):
        shutil.copy(Path(os.__file__).parent / "heapq.py", root / f"m{number}.py")
    out = tmp_path / "o.romfs"
    command = [sys.executable, "-m", "romfs", "build", str(root), "-o", str(out), "--no-cache"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("the build was done before it could be interrupted")
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app"]


def test_interruption_while_a_command_is_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("romfs.cli.verb_module", interrupt)
    done = romfs("build")
    assert (done.code, done.err) == (130, "romfs: interrupted\n")


def test_help_of_every_command_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from romfs.cli import VERBS

    monkeypatch.setenv("COLUMNS", "60")
    for verb in VERBS:
        done = romfs(verb, "--help")
        assert done.code == 0, verb
        # An epilog that draws a table keeps its lines; 79 columns is what those may take.
        long = [line for line in done.out.splitlines() if len(line) > 79]
        assert not long, (verb, long)


def test_start_up_imports_nothing_heavy() -> None:
    code = (
        "import sys; from romfs.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'serial', 'pathspec', 'platformdirs', 'intelhex', 'pyfatfs', 'tomllib',\n"
        "         'boards', 'loader', 'flash', 'subprocess', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
