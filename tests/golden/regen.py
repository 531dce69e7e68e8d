"""Makes the golden images and their listings: `python -m tests.golden.regen`.

A golden image changes only when the format or the layout does; look at the difference
of its listing before committing it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from romfs.dump import dump, render
from romfs.image import Image
from romfs.layout import Content, Geometry, build_image, lay_out

HERE = Path(__file__).parent


def _content(path: str, data: bytes, align: int = 1) -> Content:
    return Content(path, data, hashlib.sha256(data).digest(), align)


def images() -> dict[str, bytes]:
    """Name -> image, made by today's code."""
    tree = {
        "lib/pkg/__init__.mpy": b"M\x06\x00\x1f one",
        "lib/pkg/mod.mpy": b"M\x06\x00\x1f two",
        "app.mpy": b"M\x06\x00\x1f one",
        "void": None,
        "empty": b"",
        "ünï.txt": "ünï".encode(),
    }
    files = [_content(path, data) for path, data in tree.items() if data is not None]
    aligned = [*files, _content("font.bin", bytes(range(40)), align=64)]
    info = {"tool": "golden", "board": "SOME_BOARD", "version": "1.0"}
    return {
        "empty": build_image({}),
        "small": build_image(tree),
        "aligned": build_image({f"f{n}": bytes([n]) * n for n in range(6)}, align=32),
        "described": lay_out(aligned, ["void"], info=info).image,
        "roomy": lay_out(aligned, ["void"], info=info, geometry=Geometry(256, 8192)).image,
    }


def listing(image: bytes) -> str:
    """The listing that lies beside an image."""
    return "\n".join(render(dump(Image(image)))) + "\n"


if __name__ == "__main__":
    for name, image in images().items():
        (HERE / f"{name}.romfs").write_bytes(image)
        (HERE / f"{name}.txt").write_text(listing(image), "utf-8")
        print(f"{name}.romfs: {len(image)} bytes")
