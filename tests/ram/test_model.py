"""The model's parts, by the numbers measured on 32- and 64-bit engines."""

from __future__ import annotations

import pytest

from romfs.compile import CompileOptions, Compiler, Job
from romfs.mpy import parse_mpy
from romfs.ram.device import Device, list_capacity, table_capacity
from romfs.ram.load import LoadCost, load_cost

SMALL = Device()
LARGE = Device(word=8, small_int_bits=63, float_bytes=8)


def cost(text: str, device: Device, bits: int = 31) -> LoadCost:
    """What a module of this source costs to load."""
    job = Job("m.py", text.encode(), CompileOptions(small_int_bits=bits))
    (done,) = Compiler().compile([job], cache=None)
    if done.error is not None:
        raise done.error
    return load_cost(parse_mpy(memoryview(done.content)), "m.mpy", device)


def hundred(items: str) -> str:
    """A hundred constants, each once."""
    return "f = (" + ", ".join(items.replace("#", f"{n:03}") for n in range(100)) + ")"


@pytest.mark.parametrize(
    ("items", "small", "large"),
    [
        ("'a long enough text #'", 1600, 3200),
        ("b'#'", 1600, 3200),
        ("1#.5", 1600, 3200),
        ("100000000000000000#", 4800, 6400),
        ("1234567890#", 3200, 0),
        ("(1#, 2, 3)", 3200, 6400),
        ("(1#, 2, 3, 4, 5, 6, 7, 8)", 4800, 9600),
    ],
)
def test_constants(items: str, small: int, large: int) -> None:
    for device, expected in ((SMALL, small), (LARGE, large)):
        tuple_ = device.words(102)
        assert cost(hundred(items), device).constants == expected + tuple_


def test_capacities_follow_the_growth_of_a_full_table() -> None:
    assert [table_capacity(n) for n in (0, 1, 2, 3, 5, 12, 13, 18)] == [0, 2, 2, 4, 6, 12, 17, 23]
    assert [table_capacity(n, 1) for n in (1, 2, 3, 5)] == [1, 2, 4, 6]
    assert [list_capacity(n, False) for n in (0, 4, 5, 9)] == [4, 4, 8, 16]
    assert [list_capacity(n, True) for n in (0, 5, 9)] == [4, 5, 9]


@pytest.mark.parametrize(
    ("capacity", "small", "core", "large"),
    [(20, 176, 144, 288), (40, 304, 272, 512), (80, 592, 512, 928), (320, 2272, 1952, 3584)],
)
def test_pools(capacity: int, small: int, core: int, large: int) -> None:
    for device, expected in (
        (SMALL, small),
        (Device(hash_bytes=1), core),
        (LARGE, large),
    ):
        before = capacity // 2
        if capacity == 20:
            assert device.pools(20) == expected
        else:
            assert device.pools(1, used=before, capacity=before) == expected
            assert device.pools(1, used=before - 1, capacity=before) == 0


def test_names_the_firmware_has_are_free() -> None:
    names = cost("alpha = beta = print = 1", SMALL)
    assert {"alpha", "beta"} <= names.new_names
    assert "print" not in names.new_names
    assert names.names == len(names.new_names) * 7


def test_the_same_file_elsewhere_costs_more() -> None:
    found = cost("def f():\n    return 'a text that is a constant object'\n", SMALL)
    assert found.from_file > found.total > 0
