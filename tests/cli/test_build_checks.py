"""`build` and `flash` let nothing pass that `check` refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image
from tests.cli.run import romfs


def module(source: bytes) -> bytes:
    (result,) = Compiler().compile([Job("m.py", source, CompileOptions())], cache=None)
    return result.content


def unsafe() -> bytes:
    """A well-formed module whose bytecode takes from an empty stack."""
    content = module(b"x = 1\n")
    load, store = content.index(b"\x81\x16"), b"\x59"  # LOAD_CONST_SMALL_INT 1; POP_TOP
    return content[:load] + store + content[load + 1 :]


def test_a_ready_module_that_is_not_safe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "bad.mpy").write_bytes(unsafe())
    out = tmp_path / "o.romfs"
    done = romfs("build", tmp_path / "app", "-o", out)
    assert done.code == 1
    assert "bad.mpy" in done.err and "error" in done.err
    assert not out.exists()


def test_a_ready_module_that_is_safe_is_taken(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "good.mpy").write_bytes(module(b"def f(a):\n    return a + 1\n"))
    done = romfs("build", tmp_path / "app", "-o", tmp_path / "o.romfs")
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("safe", [True, False])
def test_flash_checks_what_build_has_not_made(tmp_path: Path, safe: bool) -> None:
    image = tmp_path / "i.romfs"
    image.write_bytes(build_image({"m.mpy": module(b"x = 1\n") if safe else unsafe()}))
    done = romfs("flash", image, "--port", tmp_path / "no-port")
    assert done.code == (3 if safe else 1)
    assert ("fails its check" in done.err) is not safe


def test_flash_does_not_check_twice_what_build_has_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("x = 1\n")
    image = tmp_path / "i.romfs"
    romfs("build", tmp_path / "app", "-o", image)

    def must_not_run(*_: object, **__: object) -> None:
        raise AssertionError("checked again")

    monkeypatch.setattr("romfs.cli._checking.require", must_not_run)
    assert romfs("flash", image, "--port", tmp_path / "no-port").code == 3
    image.write_bytes(image.read_bytes().replace(b"app.py", b"apq.py"))
    with pytest.raises(AssertionError, match="checked again"):
        romfs("flash", image, "--port", tmp_path / "no-port")
