"""The map: every byte accounted for, and pictures that a browser understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from romfs.cli import main
from romfs.compile import CompileOptions, Compiler, Job
from romfs.image import Image
from romfs.layout import Content, build_image, lay_out
from romfs.map.html import html
from romfs.map.regions import PartitionMap, Use, image_regions, partition_map
from romfs.map.svg import svg
from romfs.map.text import text
from tests.strategies import trees

SVG = "{http://www.w3.org/2000/svg}"


def module(source: str, march: str | None = None) -> bytes:
    """A .mpy file."""
    options = CompileOptions(march=march)
    (done,) = Compiler().compile([Job("m.py", source.encode(), options)], cache=None)
    assert done.error is None
    return done.content


TREE: dict[str, bytes | None] = {
    "app.mpy": module("TEXT = 'a constant long enough to be no name'\ndef f(): return TEXT\n"),
    "fast.mpy": module("import micropython\n@micropython.native\ndef g(): return 1\n", "armv7m"),
    "data/<&>.bin": bytes(range(256)) * 8,
    "data/copy.bin": bytes(range(256)) * 8,
    "left.py": b"print(1)\n",
    "empty": b"",
}


def covered(image: Image) -> None:
    """Regions follow each other from the first byte to the last."""
    at = 0
    for region in image_regions(image):
        assert region.start == at
        assert region.size > 0
        at = region.end
    assert at == image.size


@given(trees())
def test_every_byte_has_one_use(tree: dict[str, bytes | None]) -> None:
    image = Image(build_image(tree))
    covered(image)
    owners = {region.owner for region in image_regions(image) if region.use is Use.DATA}
    contents = {content for content in tree.values() if content}
    assert len(owners) == len(contents)


def test_modules_are_taken_apart() -> None:
    image = Image(build_image(TREE))
    covered(image)
    by_use: dict[Use, set[str]] = {}
    for region in image_regions(image):
        by_use.setdefault(region.use, set()).add(region.owner)
    assert by_use[Use.BYTECODE] == {"app.mpy", "fast.mpy"}
    assert by_use[Use.CONSTANTS] == {"app.mpy", "fast.mpy"}  # the native function table is one
    assert by_use[Use.NATIVE] == {"fast.mpy"}
    assert by_use[Use.SOURCE] == {"left.py"}
    for path, file in image.files():
        sizes = [r.size for r in image_regions(image) if r.owner == path and r.use != Use.METADATA]
        if path not in ("empty", "data/copy.bin"):
            assert sum(sizes) == len(file.data), path


def test_shared_contents_count_once_and_say_so() -> None:
    image = Image(build_image(TREE))
    (region,) = [one for one in image_regions(image) if one.use is Use.DATA]
    assert region.owner == "data/<&>.bin"
    assert "data/copy.bin" in region.detail


def test_build_information_is_metadata() -> None:
    content = Content("a", b"abc", b"d" * 32)
    image = Image(lay_out([content], info={"tool": "x"}).image)
    covered(image)
    assert any(one.detail == "build information" for one in image_regions(image))


def whole(changed: tuple[int, ...] | None = (0,)) -> PartitionMap:
    """A map with everything in it."""
    blocks = [(at, 1024) for at in range(0, 16384, 1024)]
    image = Image(build_image(TREE))
    return partition_map(image, title="app <1>", capacity=16384, blocks=blocks, changed=changed)


def test_totals_add_up_to_the_partition() -> None:
    assert sum(whole().totals().values()) == 16384


def test_an_image_that_does_not_fit_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = Image(build_image(TREE))
    small = partition_map(image, title="t", capacity=1024)
    assert small.excess == image.size - 1024
    assert "the partition ends here" in svg(small)
    path = tmp_path / "large.romfs"
    path.write_bytes(build_image({"a": bytes(200_000)}))
    assert main(["map", str(path), "--board", "RPI_PICO2", "--size", "128K"]) == 0
    assert "does not fit, 67.3 KiB more" in capsys.readouterr().out


def test_svg_is_well_formed_and_draws_every_region() -> None:
    root = ElementTree.fromstring(svg(whole()))
    tips = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert any("data/<&>.bin" in tip for tip in tips)
    shown = {owner for owner in whole().files() if any(tip.startswith(owner) for tip in tips)}
    assert shown == set(whole().files())
    classes = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
    assert classes.count("changed") >= 1


def test_page_loads_nothing_from_elsewhere() -> None:
    page = html(whole())
    links = re.findall(r"(?:https?:)?//[^\s\"'<>]+", page)
    assert set(links) == {"http://www.w3.org/2000/svg"}
    assert "app &lt;1&gt;" in page
    assert "<1>" not in page


def test_terminal_map_fits_and_marks_changes() -> None:
    lines = list(text(whole(), width=100, colour=False))
    assert max(map(len, lines)) <= 100
    assert lines[1].split()[0].endswith("*")
    assert any("X" in line for line in lines)
    assert not any("\x1b" in line for line in lines)
    assert any("\x1b[48;5;" in line for line in text(whole(), width=100, colour=True))
    assert max(len(line) for line in text(whole(), width=60, colour=False)) <= 76


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image, old = tmp_path / "a.romfs", tmp_path / "old.romfs"
    image.write_bytes(build_image(TREE))
    old.write_bytes(build_image({**TREE, "empty": b"no"}))
    for name in ("map.html", "map.svg"):
        out = tmp_path / name
        command = ["map", str(image), "-o", str(out), "--previous", str(old), "--size", "16K"]
        assert main(command) == 0
        assert out.stat().st_size > 1000
    assert main(["map", str(image), "--board", "RPI_PICO2", "--size", "64K"]) == 0
    assert "of 64.0 KiB" in capsys.readouterr().out
    assert main(["map", str(image), "-o", str(tmp_path / "map.png")]) == 1


browser = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(browser is None, reason="no Chromium to look at the page with")
def test_page_works_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "map.html"
    page.write_text(html(whole()), "utf-8")
    done = subprocess.run(
        [
            str(browser), "--headless", "--no-sandbox", "--disable-gpu",
            "--virtual-time-budget=2000",
            f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )  # fmt: skip
    # The script takes the titles out and keeps their text for its own tool tip.
    assert done.stdout.count("data-t=") >= len(whole().files())
    assert "</rect>" in done.stdout
    assert "<title>0" not in done.stdout
