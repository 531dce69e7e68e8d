"""Sensors and what is done to their readings."""

from .bme280 import BME280, SimulatedBus
from .filters import Smooth
