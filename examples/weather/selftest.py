"""Checks the whole station; prints a line for each check and raises if one fails.

Runs on the board (`import selftest; selftest.main()`) and on the host.
"""

import sys

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@check
def packages_come_from_the_image():
    import app
    import sensors

    for module in (app, sensors):
        assert module.__file__.endswith(".mpy"), module.__file__


@check
def sensor_formulas():
    from sensors import BME280, SimulatedBus

    simulation = {"raw": [520000, 405000, 35000], "step": [0, 0, 0]}
    trim = {"t": [0.0002, -83.0], "p": [0.002, 200.0], "h": [0.002, -20.0]}
    t, p, h = BME280(SimulatedBus(simulation), trim).read()
    assert abs(t - 21.0) < 0.01 and abs(p - 1010.0) < 0.01 and abs(h - 50.0) < 0.01


@check
def missing_sensor_is_noticed():
    from sensors import BME280

    class Empty:
        def readfrom_mem(self, address, register, size):
            return b"\x00" * size

    try:
        BME280(Empty(), {})
    except OSError as error:
        assert "chip id 0x00" in str(error)
    else:
        assert False, "no error"


@check
def filters():
    from sensors.filters import Smooth, median

    smooth = Smooth(2)
    assert [smooth.add(x) for x in (1, 3, 5)] == [1, 2, 4]
    assert median([3, 1, 2]) == 2


@check
def reports():
    import app

    lines = []
    assert app.run(reports=2, write=lines.append) == 2
    assert lines[0].startswith("Roof: ") and "hPa" in lines[0] and lines[0] != lines[1]


@check
def font_is_readable_in_place():
    from app.station import ASSETS

    with open(ASSETS + "digits.bin", "rb") as file:
        font = memoryview(file)
        assert len(font) == 96 and font[5:8] == b"\x00\x00\x00"


def main():
    for function in CHECKS:
        function()
        print("ok", function.__name__)
    print(len(CHECKS), "checks passed on", sys.implementation.name)


if __name__ == "__main__":
    main()
