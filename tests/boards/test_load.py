"""Finding boards: by name, by file, by what a device reports."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import boards
from boards import Quirk, rows
from romfs.errors import BoardError

DIRECTORY = Path(boards.__file__).parent


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_coverage_is_that_of_upstream() -> None:
    """Boards per port and how they get ROMFS, counted by hand in upstream's tree."""
    count = Counter((board.port, board.status) for board in boards.all_boards())
    assert count == {
        ("alif", "default"): 4,
        ("esp32", "opt-in"): 45,
        ("esp8266", "opt-in"): 1,
        ("mimxrt", "default"): 13,
        ("mimxrt", "disabled"): 1,
        ("nrf", "default"): 23,
        ("qemu", "default"): 6,
        ("renesas-ra", "default"): 7,
        ("rp2", "opt-in"): 57,
        ("samd", "default"): 12,
        ("samd", "opt-in"): 6,
        ("stm32", "default"): 10,
        ("unix", "default"): 1,
    }


def test_cutting_files_apart_loses_no_board() -> None:
    for port in boards.ports():
        tables = tomllib.loads((DIRECTORY / f"{port}.toml").read_text(encoding="utf-8"))
        rows = [key for key in tables if key not in ("defaults", "family")]
        assert [f"{port}/{key}" for key in rows] == list(boards.names(port))


@pytest.mark.parametrize("name", boards.names())
def test_every_board_loads_by_its_id_in_any_case(name: str) -> None:
    board = boards.load(name)
    assert board.id == name
    assert boards.load(name.lower()) is board
    assert board.source and re.fullmatch("[0-9a-f]{40}", board.commit or "")
    assert not any("{" in text for text in (*board.source, *board.notes))


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("rpi_pico2", "rp2/RPI_PICO2"),
        ("RPI_PICO2-riscv", "rp2/RPI_PICO2-RISCV"),
        ("alif_ensemble:m55_hp", "alif/ALIF_ENSEMBLE:M55_HP"),
        ("ESP8266_GENERIC", "esp8266/ESP8266_GENERIC-FLASH_2M_ROMFS"),
        ("unix", "unix/unix-coverage"),
        ("stm32/pybd_sf6", "stm32/PYBD_SF6"),
    ],
)
def test_less_than_an_id_is_enough_when_only_one_fits(name: str, full: str) -> None:
    assert boards.load(name).id == full


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("RPI_PICO_3", "did you mean rp2/RPI_PICO"),
        ("PYBD", "did you mean stm32/PYBD_SF2, stm32/PYBD_SF3 or stm32/PYBD_SF6"),
        ("esp32/RPI_PICO", "no board"),
        ("esp23/ESP32_GENERIC", "no port 'esp23'; there are alif, esp32"),
        ("ALIF_ENSEMBLE", "may mean alif/ALIF_ENSEMBLE:M55_HE or alif/ALIF_ENSEMBLE:M55_HP"),
        ("zzzzzzzz", "`romfs boards` lists them all"),
        ("", "no board ''"),
    ],
)
def test_unknown_and_ambiguous_names(name: str, says: str) -> None:
    with pytest.raises(BoardError) as caught:
        boards.load(name)
    assert says in str(caught.value)


def test_loading_one_board_opens_only_what_it_must() -> None:
    """With the port named, no other port's file is opened."""
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "import boards; boards.load('rp2/RPI_PICO')\n"
        "print([path.split('/')[-1] for path in opened if path.endswith('.toml')])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert out.stdout.strip() == "['rp2.toml']"


# A connected device.


@pytest.mark.parametrize(
    ("machine", "mpy", "ids"),
    [
        ("Raspberry Pi Pico2 with RP2350", 7942, ["rp2/RPI_PICO2"]),
        ("Raspberry Pi Pico2 with RP2350-RISCV", 0x0003_2F06, ["rp2/RPI_PICO2-RISCV"]),
        ("Raspberry Pi Pico with RP2040", 4870, ["rp2/RPI_PICO"]),
        # An older firmware: another sub-version, the same machine code.
        ("Raspberry Pi Pico with RP2040", 0x1106, ["rp2/RPI_PICO"]),
        ("Alif Ensemble DevKit with AE722F80F55D5XX", None, 2),
        ("WeAct Studio RP2040 with RP2040", 4870, 4),
        ("Somebody's own board with RP2040", 4870, []),
        ("Raspberry Pi Pico", 4870, []),
        ("", None, []),
    ],
)
def test_match(machine: str, mpy: int | None, ids: list[str] | int) -> None:
    found = boards.match(machine, mpy)
    if isinstance(ids, int):
        assert len(found) == ids
        assert found[0].variant is None
    else:
        assert [board.id for board in found] == ids


def test_every_board_that_reports_a_name_is_matched_by_it() -> None:
    for board in boards.all_boards():
        if board.name is not None:
            machine = f"{board.name} with {board.mcu_name or 'MCU'}"
            assert board in boards.match(machine, board.mpy.mpy_value())


# A user's own file.


def test_the_examples_of_the_readme_load(tmp_path: Path) -> None:
    text = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 3
    derived, minimal, full = (
        boards.load(write(tmp_path / f"{number}.toml", example))
        for number, example in enumerate(examples)
    )
    pico = boards.load("RPI_PICO2")
    assert derived.id == "rp2/MY_PICO2"
    assert derived.status == "default" and derived.name is None
    assert derived.source == pico.source, "its facts are still the Pico's"
    assert derived.mpy == pico.mpy and derived.flashing == pico.flashing
    assert derived.partition().address == 0x1010_0000 - 0x4_0000
    assert derived.partition().erase_size_at(0) == 4096

    assert minimal.id == "custom/ACME_M4"
    assert minimal.native_arch == "armv7emsp"
    assert minimal.partition().capacity == 0x1_0000
    assert minimal.quirks == ()

    assert full.id == "stm32/ACME_M4_PLUS"
    assert full.partition().flash_offset == 0x8_0000
    assert full.partition().alignment == 0x2_0000
    assert full.source == ("our linker script, FLASH_ROMFS",) and full.commit is None
    assert full.frozen == ("onewire", "ds18x20")
    assert Quirk.TAIL_BYTES_DROPPED in full.quirks
    assert Quirk.UNALIGNED_ERASE_WIDENS in full.quirks, "the port's defaults apply"
    assert full.boot.filesystem_mount == "/flash"


def test_the_keys_of_the_readme_are_the_keys_that_are_read() -> None:
    """Every key used in our files is explained."""
    text = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([a-z_0-9]+)", text))
    used: set[str] = set()

    def collect(table: object, free: bool) -> None:
        if isinstance(table, dict):
            for key, value in table.items():
                if not free:
                    used.add(key)
                collect(value, not free and key in ("regions", "device", "flashing"))
        elif isinstance(table, list):
            for item in table:
                collect(item, False)

    for path in DIRECTORY.glob("*.toml"):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for row in table.values() if name == "family" else (table,):
                collect(row, False)
    assert used - explained == set()


def test_a_file_with_several_boards(tmp_path: Path) -> None:
    path = write(
        tmp_path / "two.toml",
        "[defaults]\nmpy.arch = 'rv32imc'\nromfs = [{ size = 4096 }]\n"
        "[family.big]\nromfs = [{ size = 65536 }]\n[ONE]\n[TWO]\nfamily = 'big'\n",
    )
    assert boards.load(f"{path}:one").partition().size == 4096
    assert boards.load(f"{path}:TWO").partition().size == 65536
    with pytest.raises(BoardError, match=r"holds 2 boards \(ONE, TWO\); name one"):
        boards.load(path)
    with pytest.raises(BoardError, match="no board 'THREE'; it has ONE, TWO"):
        boards.load(f"{path}:THREE")


def test_families_of_a_port_serve_a_users_row(tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.toml",
        '[MINE]\nport = "rp2"\nfamily = "rp2350-riscv"\n'
        "romfs = [{ end = 0x1010_0000, size = 0x1_0000 }]\n",
    )
    mine = boards.load(path)
    assert mine.native_arch == "rv32imc"
    assert mine.partition().segment == "rp2.Flash"
    assert mine.flashing[0].uf2_name == "RP2350_RISCV"
    assert mine.source == ()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("romfs = [{ sise = 4096 }]", "romfs[0].sise: unknown key; did you mean 'size'?"),
        ("romfs = [{ size = true }]", "romfs[0].size: True is not a whole number"),
        ("romfs = [{ size = -1 }]", "romfs[0].size: -1 is negative"),
        (
            "romfs = [{ size = 5000, erase = 4096 }]",
            "romfs[0].size: 5000 bytes is not a whole number of 4096-byte erase units (904 over)",
        ),
        (
            "romfs = [{ size = 8192, erase = [{ size = 4096, count = 4 }] }]",
            "romfs[0].erase: covers 16384 bytes, but the partition has 8192",
        ),
        ("romfs = [{}]\ndevice.ram.bsae = 0", "device.ram.bsae: unknown key; did you mean 'base'?"),
        ("romfs = [{}]\nmpy = false", "mpy: False is not a table"),
        ("romfs = [{}]\nfamily = [[]]", "there is no [family.[]]"),
        ("romfs = 4096", "romfs: 4096 is not a list"),
        ("name = 'no partition'", "romfs: no partition"),
        ("mpy = { arch = 'armv8' }\nromfs = [{}]", "mpy.arch: 'armv8' is not one of x86"),
        ("mpy = { repr = 'B' }\nromfs = [{}]", "representation B with 4-byte words has 30"),
        ("mpy = { flags = ['zba'] }\nromfs = [{}]", "only rv32imc and rv64imc have flags"),
        ("quirks = ['no_erase']\nromfs = [{}]", "did you mean 'no_erase_needed'"),
        ("family = 'rp2341'\nport = 'rp2'\nromfs = [{}]", "no [family.rp2341]"),
        ("like = 'RPI_PICO_3'", "did you mean rp2/RPI_PICO"),
        ("like = 3", "like: 3 is not a string"),
        ("status = 'on'\nromfs = [{}]", "status: 'on' is not one of default, opt-in, disabled"),
        ("romfs = [{ segment = 'rp2.Flash' }]", "romfs[0].block_size: missing"),
        ("romfs = [{ size = 4096, usable = 8192 }]", "usable: 8192 bytes, but the partition has"),
        ("regions.x.kind = 'code'\nromfs = [{}]", "regions.x.kind: 'code' is not one of"),
        ("flash.main = 'x'\nromfs = [{}]", "flash.main: there is no region 'x'"),
        (
            "romfs = [{ address = 0x1000, size = 0x1000 }]\n"
            "regions.filesystem = { start = 0x1800, size = 0x1000 }",
            "romfs0 runs to 0x2000, 0x800 bytes into filesystem",
        ),
    ],
)
def test_mistakes_name_file_board_and_field(tmp_path: Path, row: str, says: str) -> None:
    path = write(tmp_path / "mine.toml", f"[MINE]\n{row}\n")
    with pytest.raises(BoardError) as caught:
        boards.load(path)
    assert str(caught.value).startswith(f"{path}: MINE: ")
    assert says in str(caught.value)


def test_mistakes_of_form(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"bad\.toml: .*line 1"):
        boards.load(write(tmp_path / "bad.toml", "[MINE\n"))
    with pytest.raises(BoardError, match="is not a table"):
        boards.load(write(tmp_path / "flat.toml", "MINE = 3\n"))
    with pytest.raises(BoardError, match="holds 0 boards"):
        boards.load(write(tmp_path / "none.toml", ""))
    with pytest.raises(FileNotFoundError):
        boards.load(tmp_path / "missing.toml")


# Whatever a file holds, a mistake in it is the user's to mend, never a crash.

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-2, 1 << 24),
    st.sampled_from(["", "rp2", "armv6m", "A", "memoryview", "rp2.Flash", "firmware"]),
    st.sampled_from([quirk.value for quirk in Quirk]),
    st.floats(allow_nan=False),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["size", "count", "start", "base"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def places(value: object) -> list[tuple[rows.Table | list[object], str | int]]:
    """Every container and key under `value`."""
    found: list[tuple[rows.Table | list[object], str | int]] = []
    if isinstance(value, dict):
        found += [(value, key) for key in value]
        found += [place for inner in value.values() for place in places(inner)]
    elif isinstance(value, list):
        found += [(value, index) for index in range(len(value))]
        found += [place for inner in value for place in places(inner)]
    return found


@settings(max_examples=500)
@given(st.data())
def test_a_damaged_row_is_a_board_or_a_board_error(data: st.DataObject) -> None:
    port, key = data.draw(st.sampled_from(boards.names())).split("/", 1)
    tables = tomllib.loads((DIRECTORY / f"{port}.toml").read_text(encoding="utf-8"))
    row = copy.deepcopy(rows.flatten(tables[key], tables))
    container, at = data.draw(st.sampled_from(places(row)))
    if data.draw(st.booleans()):
        del container[at]  # type: ignore[arg-type]
    else:
        container[at] = data.draw(VALUES)  # type: ignore[index]
    try:
        board = rows.to_board(port, key, row)
    except BoardError as error:
        message = str(error)
    else:
        message = board.id
        for part in board.partitions:
            length = min(part.size or 0, 1 << 16)
            assert not part.erase or sum(n for _, n in part.erase_blocks(length)) >= length
    assert message
