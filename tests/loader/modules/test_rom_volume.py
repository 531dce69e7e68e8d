"""A guest may mount any bytes: nothing but the device's errors may come of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loader.modules._rom_fs import VfsRom
from romfs.image import Image

# a = "hi", directory d with empty file e, p pointing at the bytes of a
IMAGE = bytes.fromhex(
    "d2cd311a 050601610202 6869 040801640504016502 00 05060170 03020206".replace(" ", "")
)
PATHS = ("a", "d", "p", "d/e", "d/", "", "/a", "x", "d//", "a/")


def _visit(volume: VfsRom, path: str, depth: int) -> None:
    """List and read everything, a few levels deep."""
    for entry in volume.ilistdir(path.encode("utf-8", "surrogateescape")):
        name, kind = entry[0].decode("utf-8", "surrogateescape"), entry[1]
        inner = f"{path}/{name}"
        try:
            volume.stat(inner)
            if kind == 0x8000:
                volume.open(inner, "rb").read()
            elif depth < 4 and name:
                _visit(volume, inner, depth + 1)
        except OSError as error:
            assert error.args[0] in (2, 21)


def _survives(data: bytes) -> None:
    try:
        volume = VfsRom(data)
    except OSError as error:
        assert error.args == (19,)
        return
    _visit(volume, "", 0)
    for path in PATHS:
        try:
            volume.stat(path)
        except OSError as error:
            assert error.args == (2,)


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
