"""Guest module `dht`: sensors that read what the host set, or a fair day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._hardware import Device, bind

if TYPE_CHECKING:
    from loader.vm import VM

_TEMPERATURE, _HUMIDITY = 21.0, 45.0


class DHTBase(Device):
    """A sensor; the host sets `Bench.values["dht"]` to (temperature, humidity)."""

    def __init__(self, pin: Any) -> None:
        self.pin = pin
        self.buf = bytearray(5)
        self._measured = (_TEMPERATURE, _HUMIDITY)

    def measure(self) -> None:
        self._record("measure")
        self._measured = self._bench.values.get("dht", (_TEMPERATURE, _HUMIDITY))


class DHT11(DHTBase):
    """The coarse one."""

    def temperature(self) -> int:
        return int(self._measured[0])

    def humidity(self) -> int:
        return int(self._measured[1])


class DHT22(DHTBase):
    """The fine one."""

    def temperature(self) -> float:
        return float(self._measured[0])

    def humidity(self) -> float:
        return float(self._measured[1])


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return bind(vm, "dht", DHTBase, DHT11, DHT22)
