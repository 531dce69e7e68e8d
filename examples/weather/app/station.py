"""The station: a sensor, its calibration, and smoothed readings."""

import json

from sensors import BME280, Smooth, SimulatedBus

ASSETS = __file__.rsplit("/", 2)[0] + "/assets/"


def calibration():
    """The calibration table that lies beside the code in the image."""
    with open(ASSETS + "calibration.json") as file:
        return json.load(file)


class Station:
    def __init__(self, bus=None):
        table = calibration()
        self.name = table["name"]
        self.offset = table["offset"]
        self.sensor = BME280(bus or SimulatedBus(table["simulation"]), table["trim"])
        self.smooth = {key: Smooth(table["window"]) for key in ("t", "p", "h")}

    def readings(self, count):
        """Yield `count` smoothed readings as (temperature, pressure, humidity)."""
        for _ in range(count):
            raw = self.sensor.read()
            yield tuple(
                self.smooth[key].add(value) + self.offset[key]
                for key, value in zip(("t", "p", "h"), raw)
            )
