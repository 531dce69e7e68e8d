from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from romfs.cache import Cache, Entry
from romfs.compile import CompileError, CompileOptions, Compiler, Job
from romfs.errors import RomfsError
from romfs.mpy import parse_mpy

PLAIN = CompileOptions()


def job(source: str, path: str = "pkg/mod.py", options: CompileOptions = PLAIN) -> Job:
    return Job(path, source.encode(), options)


def test_results_come_in_order_and_name_only_the_path_in_the_image() -> None:
    jobs = [job(f"x = {n}", f"m{n}.py") for n in range(40)]
    results = Compiler().compile(jobs, cache=None, workers=3)
    names = [parse_mpy(memoryview(result.content)).source_name for result in results]
    assert names == [f"m{n}.py" for n in range(40)]


def test_every_failure_is_reported_with_line_and_message() -> None:
    jobs = [
        job("x = 1"),
        job("x = (\n", "a.py"),
        job("ok = 1\nreturn 5", "b.py"),
        job("\n\n  y", "c.py"),
    ]
    errors = [result.error for result in Compiler().compile(jobs, cache=None)]
    assert errors[0] is None
    assert [str(error) for error in errors[1:]] == [
        "a.py:2: SyntaxError: invalid syntax",
        "b.py:2: SyntaxError: 'return' outside function",
        "c.py:3: IndentationError: unexpected indent",
    ]
    assert isinstance(errors[2], CompileError)
    assert errors[2].line == 2


def test_native_code_without_an_architecture_says_what_to_do() -> None:
    source = "import micropython\n@micropython.native\ndef f(): pass\n"
    (result,) = Compiler().compile([job(source)], cache=None)
    assert "--march" in str(result.error)
    native = CompileOptions(march="rv32imc")
    (result,) = Compiler().compile([job(source, options=native)], cache=None)
    assert parse_mpy(memoryview(result.content)).header.arch_name == "rv32imc"


def test_a_compiler_that_cannot_run_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RomfsError, match="cannot be run"):
        Compiler(str(tmp_path / "none")).version  # noqa: B018
    with pytest.raises(RomfsError, match="cannot be run"):
        Compiler(str(tmp_path / "none")).compile([job("x=1")] * 5, cache=None)


def test_a_compiler_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").symlink_to(Compiler().executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    (result,) = Compiler("mine").compile([job("x=1")], cache=None)
    assert result.content == Compiler().compile([job("x=1")], cache=None)[0].content


def test_the_environment_of_the_user_does_not_reach_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPYPATH", "here")
    script = tmp_path / "mpy-cross"
    script.write_text('#!/bin/sh\necho "path=$MICROPYPATH"\n')
    script.chmod(0o755)
    (result,) = Compiler(str(script)).compile([job("x=1")], cache=None)
    assert result.content == b"path=\n"


def test_another_compiler_does_not_get_what_the_first_left_in_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for word in ("one", "two", "one"):
        script = tmp_path / f"mpy-cross-{word}"
        script.write_text(f"#!/bin/sh\necho {word}\n")
        script.chmod(0o755)
        (result,) = Compiler(str(script)).compile([job("x=1")], cache=cache)
        assert result.content == f"{word}\n".encode()
    assert result.cached


def test_a_failure_is_never_cached(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for _ in range(2):
        good, bad = Compiler().compile([job("x = 1"), job("x = (")], cache=cache)
        assert good.error is None
        assert bad.error is not None
        assert not bad.cached


def test_a_compiler_that_never_ends_is_a_failure_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("romfs.compile.LONGEST", 0.3)
    script = tmp_path / "mpy-cross"
    script.write_text("#!/bin/sh\nexec sleep 100\n")
    script.chmod(0o755)
    results = Compiler(str(script)).compile([job("x=1"), job("y=1")], cache=None)
    assert all("had not finished after" in str(result.error) for result in results)


def test_a_compiler_that_dies_is_a_failure_of_that_file(tmp_path: Path) -> None:
    script = tmp_path / "mpy-cross"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    (result,) = Compiler(str(script)).compile([job("x=1")], cache=None)
    assert "signal 9" in str(result.error)


def test_the_environment_does_not_reach_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPYPATH", "/nowhere")
    before = set(os.listdir(tmp_path))  # noqa: PTH208
    monkeypatch.chdir(tmp_path)
    Compiler().compile([job("x = 1")], cache=None)
    assert set(os.listdir(tmp_path)) == before  # noqa: PTH208


def test_the_cache_answers_the_second_time(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    jobs = [job(f"x = {n}") for n in range(5)]
    first = Compiler().compile(jobs, cache=cache)
    second = Compiler().compile(jobs, cache=cache)
    assert [result.cached for result in first] == [False] * 5
    assert [result.cached for result in second] == [True] * 5
    assert [result.content for result in first] == [result.content for result in second]
    assert [result.digest for result in first] == [result.digest for result in second]


def test_failures_are_not_cached(tmp_path: Path) -> None:
    for _ in range(2):
        (result,) = Compiler().compile([job("x = (")], cache=Cache(tmp_path))
        assert result.error is not None


@pytest.mark.parametrize(
    "other",
    [
        job("x = 2"),
        job("x = 1", "pkg/other.py"),
        job("x = 1", options=CompileOptions(optimize=1)),
        job("x = 1", options=CompileOptions(small_int_bits=63)),
        job("x = 1", options=CompileOptions(march="armv7m")),
    ],
)
def test_everything_a_result_depends_on_is_in_the_key(other: Job) -> None:
    compiler = Compiler()
    assert compiler.key(job("x = 1")) != compiler.key(other)


def test_path_and_source_cannot_be_confused_in_the_key() -> None:
    compiler = Compiler()
    assert compiler.key(Job("a", b"b", PLAIN)) != compiler.key(Job("ab", b"", PLAIN))


def test_a_damaged_content_is_compiled_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (first,) = Compiler().compile([job("x = 1")], cache=cache)
    with contextlib.closing(sqlite3.connect(cache.path)) as database:
        database.execute("UPDATE modules SET content = x'00'")
        database.commit()
    (again,) = Compiler().compile([job("x = 1")], cache=cache)
    assert not again.cached
    assert again.content == first.content
    (third,) = Compiler().compile([job("x = 1")], cache=cache)
    assert third.cached


@pytest.mark.parametrize("damage", [b"not a database", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    cache = Cache(tmp_path)
    cache.path.write_bytes(damage)
    for _ in range(3):  # noticed, made anew, used
        (result,) = Compiler().compile([job("x = 1")], cache=cache)
        assert result.error is None
    assert result.cached


def test_a_cache_that_cannot_be_written_does_not_stop_a_build(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    (result,) = Compiler().compile([job("x = 1")], cache=Cache(blocked / "cache"))
    assert result.error is None


def test_many_builds_at_once_share_a_cache(tmp_path: Path) -> None:
    jobs = [job(f"x = {n}") for n in range(30)]
    expected = [result.content for result in Compiler().compile(jobs, cache=None)]
    wrong: list[object] = []

    def build() -> None:
        for _ in range(3):
            got = [r.content for r in Compiler().compile(jobs, cache=Cache(tmp_path), workers=2)]
            if got != expected:
                wrong.append(got)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert all(result.cached for result in Compiler().compile(jobs, cache=Cache(tmp_path)))


def test_the_cache_stays_within_its_bound_and_drops_what_was_used_least(tmp_path: Path) -> None:
    cache = Cache(tmp_path, max_bytes=400_000)

    def entry(number: int) -> Entry:
        content = number.to_bytes(2, "big") * 5000
        return Entry(bytes((number,)), content, hashlib.sha256(content).digest())

    cache.store(map(entry, range(20)))
    with contextlib.closing(sqlite3.connect(cache.path)) as database:
        database.execute("UPDATE modules SET used = used - 3")
        database.commit()
    recent = [bytes((number,)) for number in (3, 17)]
    assert set(cache.lookup(recent)) == set(recent)
    cache.store(map(entry, range(20, 36)))
    assert cache.path.stat().st_size <= 400_000
    kept = cache.lookup([bytes((number,)) for number in range(36)])
    assert set(recent) <= set(kept)
    assert 15 < len(kept) < 30


def test_an_interruption_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job(f"x = {n}") for n in range(20)]

    def interrupt(done: int) -> None:
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Compiler().compile(jobs, cache=Cache(tmp_path), workers=1, progress=interrupt)
    again = Compiler().compile(jobs, cache=Cache(tmp_path))
    assert 5 <= sum(result.cached for result in again) < 20
