from __future__ import annotations

import os
from pathlib import Path

import pytest

import boards
from romfs import build_info
from romfs.build import BuildFailed, Built, TooBig, build
from romfs.cli._target import make_target
from romfs.compile import CompileError
from romfs.config import Config, Rule
from romfs.image import Image
from romfs.mpy import CodeKind, parse_mpy
from romfs.sources.directory import DirectorySource
from romfs.target import Target

Files = dict[str, str | bytes]


def write(root: Path, files: Files) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def make(root: Path, files: Files, config: Config | None = None, **target: object) -> Built:
    return build(
        DirectorySource(write(root, files)),
        Target(**target),  # type: ignore[arg-type]
        config=config,
    )


def rules_of(built: Built) -> list[str]:
    return [finding.rule for finding in built.findings]


def failure(root: Path, files: Files, config: Config | None = None, **target: object) -> list[str]:
    with pytest.raises(BuildFailed) as caught:
        make(root, files, config, **target)
    return [str(problem) for problem in caught.value.problems]


def mpy(source: str, march: str | None = None, small_int_bits: int = 31) -> bytes:
    from romfs.compile import CompileOptions, Compiler, Job

    options = CompileOptions(march=march, small_int_bits=small_int_bits)
    (result,) = Compiler().compile([Job("x.py", source.encode(), options)], cache=None)
    return result.content


NATIVE = "import micropython\n@micropython.native\ndef f(): pass\n"


def test_sources_become_bytecode_and_data_stays(tmp_path: Path) -> None:
    built = make(
        tmp_path, {"app.py": "x = 1", "lib/p/__init__.py": "", "d/a.bin": b"\0\1", "e": b""}
    )
    kinds = {file.path: file.kind for file in built.files}
    assert kinds == {
        "app.mpy": "bytecode", "lib/p/__init__.mpy": "bytecode", "d/a.bin": "data", "e": "data",
    }  # fmt: skip
    image = Image(built.image)
    assert bytes(image.file("d/a.bin").data) == b"\0\1"
    assert parse_mpy(image.file("lib/p/__init__.mpy").data).source_name == "lib/p/__init__.py"
    assert not built.findings


def test_the_source_tree_is_not_touched_and_no_host_path_is_in_the_image(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = 1", "b/c.py": "y = 2"})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    built = build(DirectorySource(tmp_path), Target())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert os.fsencode(tmp_path.name) not in built.image


def test_same_input_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: Files = {f"pkg/m{n}.py": f"x = {n}\n" for n in range(30)}
    images = set()
    for number, (mask, workers) in enumerate([(0o022, 1), (0o077, 4)]):
        root = write(tmp_path / f"at{number}", files)
        for path in root.rglob("*"):
            os.utime(path, (number * 1e9, number * 1e9))
        monkeypatch.setenv("LC_ALL", ["C", "tr_TR.UTF-8"][number])
        old = os.umask(mask)
        try:
            images.add(build(DirectorySource(root), Target(), workers=workers).image)
        finally:
            os.umask(old)
    assert len(images) == 1


def test_rules_apply_per_pattern(tmp_path: Path) -> None:
    config = Config(
        rules=(
            Rule("*.bin", align=512, order=-5),
            Rule("keep_me.py", keep=True),
            Rule("fast/", optimize=3),
        )
    )
    source = "def f():\n    assert 0, 'a message that is dropped'\n"
    files: Files = {
        "a.py": source, "fast/a.py": source, "keep_me.py": "x = 1", "z.bin": b"z",
    }  # fmt: skip
    built = make(tmp_path, files, config)
    image = Image(built.image)
    assert image.file("z.bin").data_offset % 512 == 0
    assert next(e.name for e in image.root.entries) == "z.bin"
    assert len(image.file("fast/a.mpy").data) < len(image.file("a.mpy").data)
    assert bytes(image.file("keep_me.py").data) == b"x = 1"


def test_build_information_names_what_made_the_image(tmp_path: Path) -> None:
    built = make(tmp_path, {"a.py": "x=1"}, Config(version="1.2.3"), board="SOME_BOARD")
    info = build_info.read(Image(built.image))
    assert info is not None
    assert info.fields["version"] == "1.2.3"
    assert info.fields["board"] == "SOME_BOARD"
    assert "mpy-cross" in info.fields["compiler"]
    assert list(info.fields) == sorted(info.fields)


def test_every_failing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        make(tmp_path, {"a.py": "x = (", "lib/b.py": "def", "ok.py": "x = 1"})
    assert [problem.path for problem in caught.value.problems] == ["a.py", "lib/b.py"]
    assert all(isinstance(problem, CompileError) for problem in caught.value.problems)


def test_py_beside_mpy_is_refused(tmp_path: Path) -> None:
    (problem,) = failure(tmp_path, {"x.py": "x = 1", "x.mpy": mpy("x = 2")})
    assert "py-beside-mpy" in problem


def test_kept_py_beside_mpy_is_refused(tmp_path: Path) -> None:
    config = Config(rules=(Rule("x.py", keep=True),))
    (problem,) = failure(tmp_path, {"x.py": "x = 1", "x.mpy": mpy("x = 2")}, config)
    assert "py-hides-mpy" in problem


def test_a_module_beside_a_directory_of_its_name_is_refused(tmp_path: Path) -> None:
    (problem,) = failure(tmp_path, {"x.py": "x = 1", "x/y.py": ""})
    assert "shadowed-module" in problem and "directory x/" in problem


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"main.py": ""}, "not-auto-run"),
        ({"boot.py": ""}, "not-auto-run"),
        ({"gc.py": ""}, "shadowed-by-firmware"),
        ({"lib/sys.py": ""}, "shadowed-by-firmware"),
        ({"a.txt": b"", "A.txt": b""}, "case-clash"),
        ({"d/x": b"", "D/y": b""}, "case-clash"),
        ({"m.py": "", "lib/m.py": "x"}, "shadowed-module"),
        ({"n.mpy": mpy(NATIVE, march="armv7m")}, "native-code"),
        ({"json.py": ""}, None),
        ({"lib/main.py": ""}, None),
        ({"pkg/gc.py": "", "pkg/main.py": ""}, None),
    ],
)
def test_surprises_are_pointed_out(tmp_path: Path, files: Files, rule: str | None) -> None:
    if {path.casefold() for path in files} != set(files) and (tmp_path / "x").exists():
        pytest.skip("this file system folds case")
    assert rules_of(make(tmp_path, files)) == ([] if rule is None else [rule])


def test_accepted_rules_are_silent(tmp_path: Path) -> None:
    assert rules_of(make(tmp_path, {"main.py": ""}, Config(allow=("not-auto-run",)))) == []


def test_a_board_that_runs_main_from_rom_is_not_warned(tmp_path: Path) -> None:
    assert rules_of(make(tmp_path, {"main.py": ""}, runs_main=True)) == []


def test_frozen_modules_shadow(tmp_path: Path) -> None:
    built = make(tmp_path, {"dht.py": ""}, frozen=frozenset({"dht"}), board="B")
    assert rules_of(built) == ["shadowed-by-firmware"]


def board_build(root: Path, files: Files, name: str = "PYBD_SF2") -> Built:
    return build(DirectorySource(write(root, files)), make_target(name))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (mpy(NATIVE, march="xtensawin"), "incompatible .mpy arch"),
        (mpy(NATIVE, march="armv7emdp"), "incompatible .mpy arch"),
        (mpy("x = 1", small_int_bits=63), "incompatible .mpy file"),
        (
            mpy(NATIVE, march="armv6m").replace(b"M\x06\x13", b"M\x06\x12", 1),
            "incompatible .mpy file",
        ),
    ],
)
def test_mpy_files_the_board_refuses_are_refused(tmp_path: Path, data: bytes, text: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        board_build(tmp_path, {"x.mpy": data})
    assert text in str(caught.value.problems[0])


def test_native_code_is_compiled_for_the_board(tmp_path: Path) -> None:
    built = board_build(tmp_path, {"n.py": NATIVE})
    header = parse_mpy(Image(built.image).file("n.mpy").data).header
    assert header.arch_name == boards.load("PYBD_SF2").native_arch
    assert rules_of(built) == ["native-code"]
    module = parse_mpy(memoryview(Image(built.image).file("n.mpy").data))
    code = [len(raw.code) for raw in module.root.walk() if raw.kind != CodeKind.BYTECODE]
    assert f"{sum(code)} bytes of" in built.findings[0].message
    assert "in 1 function are copied" in built.findings[0].message


@pytest.mark.parametrize(
    "data", [b"", b"M", b"not mpy", mpy("x = 1")[:-1], mpy("x = 1") + b"\0", b"M\x05\x00\x1f"]
)
def test_a_mpy_file_that_would_hang_a_device_is_refused(tmp_path: Path, data: bytes) -> None:
    (problem,) = failure(tmp_path, {"x.mpy": data})
    assert "bad-mpy" in problem


def test_too_big_for_the_partition_says_by_how_much_and_names_the_largest(tmp_path: Path) -> None:
    files: Files = {"small": b"s", "huge": os.urandom(70_000), "big": os.urandom(30_000)}
    with pytest.raises(TooBig, match=r"bytes over; nothing written.*huge 68\.4 KiB, big") as caught:
        make(tmp_path, files, capacity=65536)
    assert f"{caught.value.size - 65536} bytes over" in str(caught.value)


def test_budget(tmp_path: Path) -> None:
    with pytest.raises(TooBig, match="budget"):
        make(tmp_path, {"f": bytes(5000)}, Config(budget=4096))


def test_empty_directories_are_kept(tmp_path: Path) -> None:
    (tmp_path / "void").mkdir()
    image = Image(make(tmp_path, {"a": b""}).image)
    assert {path for path, _ in image.walk()} == {"void", "a"}


def test_an_empty_tree_is_an_image(tmp_path: Path) -> None:
    assert Image(make(tmp_path, {}).image).root.entries == ()


def test_include_leaves_no_empty_directories_behind(tmp_path: Path) -> None:
    files: Files = {"a/x.py": "x = 1\n", "b/y.txt": "y"}
    image = Image(make(tmp_path, files, Config(include=("*.py",))).image)
    assert [path for path, _ in image.walk()] == ["a", "a/x.mpy"]


def test_a_rule_may_give_the_architecture(tmp_path: Path) -> None:
    config = Config(rules=(Rule("fast/*.py", march="armv7m"),))
    image = Image(make(tmp_path, {"fast/n.py": NATIVE, "b.py": "x = 1\n"}, config).image)
    assert parse_mpy(image.file("fast/n.mpy").data).header.arch_name == "armv7m"
    assert parse_mpy(image.file("b.mpy").data).header.arch_name == "none"
