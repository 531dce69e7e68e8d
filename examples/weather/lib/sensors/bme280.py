"""Driver of the Bosch BME280: temperature, pressure and humidity over I2C."""

import struct

from micropython import const

ADDRESS = const(0x76)
_REG_ID = const(0xD0)
_REG_DATA = const(0xF7)
_CHIP_ID = const(0x60)


class SimulatedBus:
    """Stands in for the I2C bus where there is none; its sensor sits in slow weather."""

    def __init__(self, simulation):
        self.raw = simulation["raw"]
        self.step = simulation["step"]
        self.reads = 0

    def readfrom_mem(self, address, register, size):
        if address != ADDRESS:
            raise OSError(19)  # ENODEV, as a bus without that device
        if register == _REG_ID:
            return bytes((_CHIP_ID,))
        self.reads += 1
        t, p, h = (raw + step * self.reads for raw, step in zip(self.raw, self.step))
        packed = struct.pack(">IIH", p << 12, t << 12, h)
        return packed[:3] + packed[4:7] + packed[8:]


class BME280:
    def __init__(self, bus, trim):
        self.bus = bus
        self.trim = trim
        found = bus.readfrom_mem(ADDRESS, _REG_ID, 1)[0]
        if found != _CHIP_ID:
            raise OSError("no BME280 here: chip id 0x%02x" % found)

    def read(self):
        """Temperature in degrees Celsius, pressure in hPa, relative humidity in percent."""
        data = self.bus.readfrom_mem(ADDRESS, _REG_DATA, 8)
        p = (data[0] << 16 | data[1] << 8 | data[2]) >> 4
        t = (data[3] << 16 | data[4] << 8 | data[5]) >> 4
        h = data[6] << 8 | data[7]
        trim = self.trim
        return (
            t * trim["t"][0] + trim["t"][1],
            p * trim["p"][0] + trim["p"][1],
            min(100.0, max(0.0, h * trim["h"][0] + trim["h"][1])),
        )
