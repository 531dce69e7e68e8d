"""Real libraries, compiled into an image, do real work in every engine alike."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from loader.source import compile_source
from romfs.layout import build_image
from tests.engines.suite import romfs_run, run_command

STUBS = Path(__file__).parent / "programs/stubs"

WALLET = """\
from embit import bip32, script
from embit.networks import NETWORKS
root = bip32.HDKey.from_string(
    "xprv9s21ZrQH143K3GJpoapnV8SFfukcVBSfeCficPSGfubmSFDxo1kuHnLisriDvSnRRuL2Qrg5ggqHKNVpxR86QEC8w35"
    "uxmGoggxtQTPvfUu"
)
key = root.derive("m/84h/0h/0h/0/0")
print(key.to_base58())
print(script.p2wpkh(key.to_public()).address(NETWORKS["main"]))
"""
ADDRESS = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"  # of the test vector of BIP 84


def _image(package: str, program: str, target: Path) -> Path:
    """An image with an installed package and a program that uses it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    folder = Path(spec.origin).parent
    files = {"program.mpy": compile_source(program, "program.py")}
    for path in sorted(folder.rglob("*.py")):
        name = f"{package}/{path.relative_to(folder).with_suffix('.mpy').as_posix()}"
        try:
            files[name] = compile_source(path.read_bytes(), path.name)
        except SyntaxError:
            continue  # parts written for CPython alone
    image = target / "library.romfs"
    image.write_bytes(build_image(files))
    return image


def test_embit_derives_keys(engine: str, reference: str, tmp_path: Path) -> None:
    image = _image("embit", WALLET, tmp_path)
    options = ["--path", str(STUBS)]
    found = run_command([*romfs_run(image, engine, "program"), *options])
    assert found.stderr == ""
    assert found.stdout.splitlines()[1] == ADDRESS
    expected = run_command([*romfs_run(image, reference, "program"), *options])
    assert found.stdout == expected.stdout
