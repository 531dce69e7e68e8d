"""Images of every kind, judged by the real MicroPython."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from romfs.build import BuildFailed, build
from romfs.config import Config
from romfs.image import Directory, File, Image
from romfs.layout import Content, build_image, lay_out
from romfs.sources.directory import DirectorySource
from romfs.target import FIXED_MODULES, Target
from tests.real import needs_micropython, run, run_on_image
from tests.strategies import Tree, trees

pytestmark = needs_micropython

# Walks /rom and prints each entry with the SHA-256 and address of its data, as JSON.
LIST = """
import json, hashlib, uctypes, binascii
def walk(path):
    for name, kind, _, size in os.ilistdir(path):
        full = path + '/' + name
        if kind == 0x4000:
            print(json.dumps([full, None]))
            walk(full)
        else:
            with open(full, 'rb') as f:
                data = f.read()
                address = uctypes.addressof(f) - base if size else 0
            assert len(data) == size == os.stat(full)[6]
            digest = binascii.hexlify(hashlib.sha256(data).digest()).decode()
            print(json.dumps([full, digest, address]))
"""
MOUNT_AT_KNOWN_ADDRESS = """
import sys, vfs, os, uctypes
buffer = open(sys.argv[1], 'rb').read()
base = uctypes.addressof(buffer)
vfs.mount(vfs.VfsRom(buffer), '/rom')
"""


def seen_by_device(image: bytes, folder: Path) -> dict[str, tuple[str | None, int]]:
    """Path -> (SHA-256, offset from image start), as the real engine sees it."""
    path = folder / "image.romfs"
    path.write_bytes(image)
    done = run(MOUNT_AT_KNOWN_ADDRESS + LIST + "walk('/rom')\n", path)
    # Not splitlines(): a name may contain what that takes for the end of a line.
    rows = [json.loads(line) for line in done.stdout.split("\n") if line]
    return {row[0].removeprefix("/rom/"): (row[1], row[2] if row[1] else 0) for row in rows}


def seen_by_us(image: bytes) -> dict[str, tuple[str | None, int]]:
    return {
        path: (None, 0)
        if isinstance(entry, Directory)
        else (hashlib.sha256(entry.data).hexdigest(), entry.data_offset if entry.data else 0)
        for path, entry in Image(image).walk()
    }


def compare(image: bytes, folder: Path) -> None:
    device = seen_by_device(image, folder)
    assert device == seen_by_us(image)
    assert list(device) == list(seen_by_us(image))  # the order of entries, too


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees())
def test_any_tree_is_seen_as_it_was_built(tree: Tree, tmp_path: Path) -> None:
    compare(build_image(tree), tmp_path)


def test_names_in_every_script_and_empty_things(tmp_path: Path) -> None:
    tree: Tree = {
        "ünïcode.txt": b"1",
        "文件/データ.bin": b"2",
        "emoji 🐍 with spaces": b"3",
        "n" * 300: b"4",
        "empty dir": None,
        "empty file": b"",
        "deep/" + "/".join("abcdefghij") + "/bottom": b"5",
    }
    compare(build_image(tree), tmp_path)


@pytest.mark.parametrize("align", [1, 4, 64, 4096])
def test_data_lies_aligned_in_memory(tmp_path: Path, align: int) -> None:
    tree: Tree = {f"f{n}": bytes(range(1, n + 2)) for n in range(40)}
    places = seen_by_device(build_image(tree, align=align), tmp_path)
    assert all(offset % align == 0 for _, offset in places.values())


def test_build_information_and_padding_are_invisible(tmp_path: Path) -> None:
    contents = [
        Content(f"m{n}", b"x" * n, hashlib.sha256(b"x" * n).digest(), align=128) for n in range(9)
    ]
    compare(lay_out(contents, info={"board": "B"}).image, tmp_path)


def test_ten_thousand_entries_in_one_directory(tmp_path: Path) -> None:
    tree: Tree = {f"file{n:05}": b"%d" % n for n in range(10_000)}
    path = tmp_path / "big.romfs"
    path.write_bytes(build_image(tree))
    script = """
print(sum(1 for _ in os.ilistdir('/rom')))
for n in range(0, 10_000, 97):
    with open('/rom/file%05d' % n, 'rb') as f:
        assert f.read() == b'%d' % n
"""
    assert run_on_image(path, script) == "10000\n"


def test_directories_as_deep_as_we_accept(tmp_path: Path) -> None:
    depth = 150
    tree: Tree = {"/".join(["d"] * depth) + "/bottom": b"down here"}
    path = tmp_path / "deep.romfs"
    path.write_bytes(build_image(tree))
    assert run_on_image(path, f"print(open('/rom/{'d/' * depth}bottom').read())") == "down here\n"


PACKAGE = {
    "app.py": "from pkg import deep\nfrom pkg.sub import g\nimport helper\n"
    "print(g(), deep.f(), helper.x)",
    "pkg/__init__.py": "name = __name__",
    "pkg/deep.py": "from . import name\ndef f(): return name, __file__",
    "pkg/sub/__init__.py": "from ..deep import f as g",
    "lib/helper.py": "x = [i * i for i in range(4)]",
}


def test_packages_are_imported(tmp_path: Path) -> None:
    for name, text in PACKAGE.items():
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).write_text(text)
    path = tmp_path / "app.romfs"
    path.write_bytes(build(DirectorySource(tmp_path / "src"), Target(small_int_bits=31)).image)
    assert run_on_image(path, "import app") == (
        "('pkg', '/rom/pkg/deep.mpy') ('pkg', '/rom/pkg/deep.mpy') [0, 1, 4, 9]\n"
    )


IMPORT = """
    try:
        __import__(name)
        print(name, 'ok')
    except Exception as e:
        print(name, repr(e))
"""


@pytest.mark.parametrize("library", ["microdot", "embit"])
def test_real_libraries_import_as_they_do_from_source(tmp_path: Path, library: str) -> None:
    root = Path(str(resources.files(library)))
    source = tmp_path / "src"
    modules = []
    for path in sorted(root.rglob("*.py")):
        if "tests" in path.parts:
            continue
        inside = Path(library, path.relative_to(root))
        (source / inside).parent.mkdir(parents=True, exist_ok=True)
        (source / inside).write_bytes(path.read_bytes())
        dotted = inside.with_suffix("").as_posix().replace("/", ".")
        modules.append(dotted.removesuffix(".__init__"))
    config = Config()
    try:
        built = build(DirectorySource(source), Target())
    except BuildFailed as failed:
        # What the compiler cannot do (newer syntax), it cannot do on a device either.
        config = Config(exclude=tuple("/" + str(problem.path) for problem in failed.problems))
        built = build(DirectorySource(source), Target(), config=config)
    for name in config.exclude:
        (source / name.lstrip("/")).unlink()
    path = tmp_path / "lib.romfs"
    path.write_bytes(built.image)
    there = {file.path.removesuffix(".mpy").removesuffix("/__init__") for file in built.files}
    wanted = [name for name in modules if name.replace(".", "/") in there]
    script = f"for name in {wanted!r}:{IMPORT}"
    from_image = run_on_image(path, script)
    head = "import sys\nsys.path[:] = ['.frozen', sys.argv[1]]\n"
    from_source = run(head + script, source).stdout
    assert from_image == from_source
    assert from_image.count(" ok\n") >= 3


def test_modules_that_no_file_can_replace_are_the_ones_we_list(tmp_path: Path) -> None:
    listed = run("help('modules')").stdout.split("Plus any")[0].split()
    builtin = sorted(name for name in listed if "/" not in name and name != "__main__")
    for name in builtin:
        (tmp_path / f"{name}.py").write_text("from_file = True")
    path = tmp_path / "i.romfs"
    path.write_bytes(build(DirectorySource(tmp_path), Target()).image)
    script = f"""
sys.path[:] = ['/rom']
for name in {builtin!r}:
    print(name, hasattr(__import__(name), 'from_file'))
"""
    rows = dict(line.split() for line in run_on_image(path, script).splitlines())
    fixed = {name for name, replaced in rows.items() if replaced == "False"}
    assert fixed == FIXED_MODULES & set(builtin)


def test_what_a_malformed_image_does_to_a_device_is_what_we_refuse(tmp_path: Path) -> None:
    """The reader is no stricter than it must be: what it accepts, the device reads alike."""
    padded = bytes.fromhex("d2cd31 8080 1a") + bytes.fromhex(
        "0506016102026869 0408016405040165 0200 05060170 03020206"
    )
    compare(padded + b"\xff\xff", tmp_path)
    assert isinstance(Image(padded).lookup("p"), File)
