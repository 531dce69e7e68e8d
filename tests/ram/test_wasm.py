"""The RAM model against a 32-bit engine: MicroPython's WebAssembly build for Node.

That build has no ROMFS, so the modules lie in its read-write file system, where bytecode and
texts are copied: what that adds is part of the model as well.

Runs where `ROMFS_WASM` names the directory of the npm package
`@micropython/micropython-webassembly-pyscript`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loader.footprint import import_and_measure
from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image
from romfs.mpy import parse_mpy
from romfs.ram.device import Device
from romfs.ram.load import load_cost
from tests.ram.bodies import BODIES

PACKAGE = os.environ.get("ROMFS_WASM")
NODE = shutil.which("node")
SMALL = Device(word=4, small_int_bits=31, float_bytes=8)  # floats are doubles there
CHUNK = 128  # of texts of names; a few are in it from the start
BINDING = 16  # the name `m` in the globals that import it

pytestmark = pytest.mark.skipif(
    PACKAGE is None or NODE is None,
    reason="no 32-bit engine: needs node, and ROMFS_WASM set to the npm package's directory",
)

PROBE = """
import fs from 'fs';
const { loadMicroPython } = await import(process.argv[2] + '/micropython.mjs');
let out = '';
const mp = await loadMicroPython({ heapsize: 4 << 20, stdout: s => { out += s + '\\n'; } });
const run = code => mp.runPython(code);
mp.FS.mkdir('/m');
mp.FS.writeFile('/m/m.mpy', fs.readFileSync(process.argv[3]));
run(`
import sys, gc, micropython
sys.path[:] = ['/m']
def probe():
    micropython.qstr_info()
    print('mem', gc.mem_alloc())
def deep(n, a, b, c, d):
    return deep(n - 1, a, b, c, d) + 0 if n else 0
`);
// Only between calls from outside does that build collect.
const clean = () => {
  for (let i = 0; i < 4; i++) { run('deep(20, 1, 2, 3, 4)'); run('gc.collect()'); }
};
clean(); run('probe()'); run('import m'); clean(); run('probe()');
console.log(out);
"""


def compiled(text: str) -> bytes:
    """One module."""
    (done,) = Compiler().compile([Job("m.py", text.encode(), CompileOptions())], cache=None)
    assert done.error is None
    return done.content


def measured(data: bytes, folder: Path) -> tuple[int, int, int]:
    """Bytes kept; names, and bytes of their texts, in the pool before."""
    (folder / "probe.mjs").write_text(PROBE)
    (folder / "m.mpy").write_bytes(data)
    done = subprocess.run(
        [str(NODE), str(folder / "probe.mjs"), str(PACKAGE), str(folder / "m.mpy")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    before, after = (int(value) for value in re.findall(r"mem (\d+)", done.stdout))
    names = int(re.findall(r"n_qstr=(\d+)", done.stdout)[0])
    texts = int(re.findall(r"n_str_data_bytes=(\d+)", done.stdout)[0])
    return after - before - BINDING, names, texts


@pytest.mark.parametrize("name", BODIES)
def test_measured_sizes_are_those_of_the_engine(name: str, tmp_path: Path) -> None:
    data = compiled(BODIES[name])
    kept, names, texts = measured(data, tmp_path)
    image = tmp_path / "image"
    image.write_bytes(build_image({"m.mpy": data}))
    footprint = import_and_measure(image, "m", SMALL).modules["m"]
    cost = load_cost(parse_mpy(memoryview(data)), "m.mpy", SMALL, n_globals=footprint.globals)
    sizes = [len(text.encode()) + 1 for text in cost.new_names]
    new_texts = max(0, SMALL.heap(texts + sum(sizes) + len("/m/m.mpy") + 1) - CHUNK)
    guess = (
        cost.context
        + cost.tables
        + cost.constants
        + footprint.total
        + footprint.bytecode
        + cost.copied_texts
        - SMALL.heap(sum(sizes))
        + new_texts
        + SMALL.pools(len(cost.new_names) + 1, used=names, capacity=20)
    )
    assert abs(guess / kept - 1) <= 0.02, (kept, guess)
