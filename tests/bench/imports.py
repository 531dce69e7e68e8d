"""Importing from the map, against CPython importing the same sources from .pyc files.

A large generated module and the package `embit` are compiled once for either side. Each
side imports them in processes of its own, which take the time around the import statement
alone; both have the files in the page cache. For the image it is also counted how many
bytes of bytecode were copied: every function's code must be a window on the map.

    python -m tests.bench import [--rounds N] [--functions N]
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image

_DRIVER = """\
import time
start = time.ticks_us()
import {module}
print(time.ticks_diff(time.ticks_us(), start))
"""

_HOST_DRIVER = """\
import sys, time
sys.path.insert(0, {folder!r})
start = time.perf_counter()
import {module}
print((time.perf_counter() - start) * 1e6)
"""

# Imports inside one process: what a module costs beyond the start of the machinery.
_COPIED = """\
import json, sys
from pathlib import Path
from loader.code import Code
from loader.engine import Request, Streams, execute
import io
sink = io.BytesIO()
request = Request(image=Path({image!r}), module="driver")
status, vm = execute(request, Streams(io.BytesIO(), sink, sink), tier="auto")
functions = copied = 0
for root in vm.tables.values():
    for code in root.walk():
        if isinstance(code, Code):
            functions += 1
            if vm.offset_of(code.ops) is None and len(code.ops):
                copied += len(code.ops)
print(json.dumps([functions, copied]))
"""


_EMBIT = "embit.bip39, embit.bech32, embit.base58, embit.compact, embit.hashes, embit.util.key"
"""What of the package a firmware without its C module can import."""


def generated(functions: int) -> str:
    """Source of a large module: constants, functions, classes with methods."""
    parts = ["import sys\n"]
    for n in range(functions):
        parts.append(
            f"def function_{n}(a, b={n}, *rest):\n"
            f"    total = a * {n} + b\n"
            f"    for item in rest:\n"
            f"        if item > total:\n"
            f"            total -= item\n"
            f"        else:\n"
            f"            total += item * {n % 7}\n"
            f"    return total, 'function number {n}'\n"
        )
        if n % 10 == 0:
            parts.append(
                f"class Class{n}:\n    limit = {n}\n"
                f"    def __init__(self, value):\n        self.value = value\n"
                f"    def scaled(self, by=2):\n        return self.value * by % self.limit\n"
            )
    table = ", ".join(f"'key{n}': function_{n}" for n in range(functions))
    parts.append(f"TABLE = {{{table}}}\n")
    return "".join(parts)


# MicroPython brings no `hmac`; both sides import this one.
_HMAC = b"""\
import hashlib


class HMAC:
    def __init__(self, key, message=None, digestmod=None):
        make = getattr(hashlib, digestmod) if isinstance(digestmod, str) else digestmod
        size = 128 if digestmod == "sha512" else 64
        if len(key) > size:
            key = make(key).digest()
        key = key + bytes(size - len(key))
        self.make = make
        self.outer = bytes([b ^ 0x5C for b in key])
        self.inner = make(bytes([b ^ 0x36 for b in key]))
        if message is not None:
            self.inner.update(message)

    def update(self, message):
        self.inner.update(message)

    def digest(self):
        return self.make(self.outer + self.inner.digest()).digest()


def new(key, msg=None, digestmod=None):
    return HMAC(key, msg, digestmod)
"""


def sources_of(package: str) -> dict[str, bytes]:
    """The Python files of an installed package, by path."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install {package}")
    folder = Path(next(iter(spec.submodule_search_locations)))
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }


def image_of(sources: dict[str, bytes], module: str) -> bytes:
    """An image with these sources compiled, and a driver that imports the module."""
    everything = {**sources, "driver.py": _DRIVER.format(module=module).encode()}
    jobs = [Job(path, text, CompileOptions()) for path, text in everything.items()]
    tree: dict[str, bytes | None] = {}
    for job, result in zip(jobs, Compiler().compile(jobs, cache=None), strict=True):
        if result.error is None:  # a file for CPython alone
            tree[job.path.removesuffix(".py") + ".mpy"] = result.content
    return build_image(tree)


def measure(name: str, sources: dict[str, bytes], module: str, rounds: int) -> float:
    """Print one comparison; returns time from the map relative to CPython's."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch, "import.romfs")
        image.write_bytes(image_of(sources, module))
        folder = Path(scratch, "host")
        for path, text in sources.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        compileall.compile_dir(folder, quiet=2)
        guest = [sys.executable, "-m", "romfs", "run", str(image), "-m", "driver"]
        host = [sys.executable, "-c", _HOST_DRIVER.format(folder=str(folder), module=module)]
        best = {"map": float("inf"), "pyc": float("inf")}
        for _ in range(rounds):
            best["map"] = min(best["map"], _seconds(guest))
            best["pyc"] = min(best["pyc"], _seconds(host))
        counted = _output([sys.executable, "-c", _COPIED.format(image=str(image))])
        functions, copied = json.loads(counted.splitlines()[-1])
    ratio = best["map"] / best["pyc"]
    print(
        f"{name:12} map {best['map'] * 1e3:8.2f} ms   .pyc {best['pyc'] * 1e3:8.2f} ms"
        f"   ratio {ratio:6.2f}   {functions} functions, {copied} bytes of bytecode copied",
        flush=True,
    )
    return ratio


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def _seconds(command: list[str]) -> float:
    return float(_output(command).split()[-1]) / 1e6


def main(argv: list[str]) -> int:
    """Run the benchmark; see the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench import")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--functions", type=int, default=1000)
    args = parser.parse_args(argv)
    large = {"large.py": generated(args.functions).encode()}
    measure("generated", large, "large", args.rounds)
    # On a device the last one is a module of the firmware.
    shim = b"from embit.util.py_secp256k1 import *\n"
    embit = {**sources_of("embit"), "hmac.py": _HMAC, "secp256k1.py": shim}
    measure("embit", embit, _EMBIT, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
