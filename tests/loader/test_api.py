"""The library interface: guest exceptions, values and modules as host objects."""

from __future__ import annotations

from pathlib import Path

import pytest

import loader
from loader.source import compile_source
from loader.target import Target
from romfs.errors import GuestError, MpyError
from romfs.layout import build_image


def _mount(tmp_path: Path, tree: dict[str, str | bytes], **options: object) -> loader.MountedImage:
    path = tmp_path / "app.romfs"
    files = {
        name: compile_source(data, name.replace(".mpy", ".py")) if isinstance(data, str) else data
        for name, data in tree.items()
    }
    path.write_bytes(build_image(files))
    return loader.mount(path, **options)  # type: ignore[arg-type]


def test_guest_exception_carries_value_and_traceback(tmp_path: Path) -> None:
    image = _mount(tmp_path, {"app.mpy": "def f(x):\n    return 1 // x\n"})
    with pytest.raises(GuestError) as caught:
        image.import_("app").f(0)
    assert isinstance(caught.value.value, ZeroDivisionError)
    assert caught.value.traceback == (
        "Traceback (most recent call last):\n"
        '  File "app.py", line 2, in f\nZeroDivisionError: divide by zero\n'
    )


def test_failed_import_leaves_no_module(tmp_path: Path) -> None:
    image = _mount(tmp_path, {"app.mpy": "x = 1\nraise ValueError(x)\n"})
    for _ in range(2):
        with pytest.raises(GuestError, match="ValueError: 1"):
            image.import_("app")
    assert "app" not in image.vm.modules


def test_malformed_module_is_our_error_with_its_offset(tmp_path: Path) -> None:
    data = compile_source("x = 1\n", "app.py")
    image = _mount(tmp_path, {"app.mpy": data[:-3]})
    with pytest.raises(MpyError) as caught:
        image.import_("app")
    assert caught.value.offset > 0


@pytest.mark.parametrize(
    ("arch", "text"),
    [("x64", "incompatible .mpy arch"), ("none", "native code in .mpy unsupported")],
)
def test_native_code_for_another_architecture(tmp_path: Path, arch: str, text: str) -> None:
    header = b"M\x06" + bytes([7 << 2 | 3, 31])
    image = _mount(tmp_path, {"app.mpy": header}, target=Target(arch=arch))
    with pytest.raises(GuestError, match=text):
        image.import_("app")


def test_thumb_board_accepts_smaller_thumb_code() -> None:
    board = Target(arch="armv7emsp")
    assert [board.accepts(arch) for arch in range(12)] == [i in (4, 5, 6, 7) for i in range(12)]
    assert board.mpy == 7942
    assert Target(arch="none").mpy == 774
