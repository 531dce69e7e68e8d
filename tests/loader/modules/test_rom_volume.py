"""A guest may mount any bytes: nothing but the device's errors may come of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loader.modules._rom_fs import VfsRom
from romfs.image import Image

# a = "hi", directory d with empty file e, p pointing at the bytes of a
IMAGE = bytes.fromhex(
    "d2cd311a 050601610202 6869 040801640504016502 00 05060170 03020206".replace(" ", "")
)
PATHS = ("a", "d", "p", "d/e", "d/", "", "/a", "x", "d//", "a/")


def _tolerated(codes: tuple[int, ...], call: Callable[..., Any], *args: Any) -> Any:
    """What a call returns, or None if it fails with one of the errors allowed."""
    try:
        return call(*args)
    except OSError as error:
        if error.args[0] not in codes:
            raise
        return None


def _visit(volume: VfsRom, path: str, depth: int) -> None:
    """List and read everything, a few levels deep."""
    entries = _tolerated((2,), volume.ilistdir, path.encode("utf-8", "surrogateescape"))
    for entry in entries or ():
        name, kind = entry[0].decode("utf-8", "surrogateescape"), entry[1]
        inner = f"{path}/{name}"
        _tolerated((2,), volume.stat, inner)
        file = _tolerated((2, 21), volume.open, inner, "rb")
        if file is not None:
            file.read()
        if kind == 0x4000 and depth < 4 and name:
            _visit(volume, inner, depth + 1)


def _survives(data: bytes) -> None:
    volume = _tolerated((19,), VfsRom, data)
    if volume is None:
        return
    _visit(volume, "", 0)
    for path in PATHS:
        _tolerated((2,), volume.stat, path)


def test_the_image_itself_is_sound() -> None:
    assert Image(IMAGE).size == len(IMAGE)
    assert VfsRom(IMAGE).open("p", "rb").read() == b"hi"


@given(st.integers(0, len(IMAGE) - 1), st.integers(0, 255))
def test_any_changed_byte(at: int, value: int) -> None:
    _survives(IMAGE[:at] + bytes([value]) + IMAGE[at + 1 :])


@given(st.integers(0, len(IMAGE)))
def test_any_cut(length: int) -> None:
    _survives(IMAGE[:length])


@given(st.binary(max_size=120))
def test_any_bytes_behind_the_magic(payload: bytes) -> None:
    _survives(b"\xd2\xcd\x31" + bytes([len(payload)]) + payload)


def test_file_data_is_a_window_on_the_image() -> None:
    image = bytearray(IMAGE)
    window = memoryview(VfsRom(image)._window("p"))
    image[10:12] = b"ho"
    assert bytes(window) == b"ho"
