"""Guest module `esp32`: non-volatile storage that works, and a record of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._hardware import Device, bind, recorded
from loader.modules.native import buffer_of, get_int, os_error

if TYPE_CHECKING:
    from loader.vm import VM

_NOT_FOUND = -0x1102
"""Source: ESP-IDF, ESP_ERR_NVS_NOT_FOUND."""


class NVS(Device):
    """Named values, kept while the program runs."""

    def __init__(self, namespace: str) -> None:
        self._label = namespace
        self._record("")

    @property
    def _values(self) -> dict[tuple[str, str], Any]:
        stores: dict[str, dict[tuple[str, str], Any]] = self._bench.values.setdefault("nvs", {})
        return stores.setdefault(self._label, {})

    def _get(self, kind: str, key: str) -> Any:
        if (kind, key) not in self._values:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return self._values[kind, key]

    def set_i32(self, key: str, value: int) -> None:
        self._record("set_i32", key, value)
        self._values["i32", key] = get_int(value, 33)

    def get_i32(self, key: str) -> int:
        result: int = self._get("i32", key)
        return result

    def set_blob(self, key: str, value: Any) -> None:
        data = bytes(buffer_of(value))
        self._record("set_blob", key, data)
        self._values["blob", key] = data

    def get_blob(self, key: str, buffer: Any) -> int:
        data: bytes = self._get("blob", key)
        target = buffer_of(buffer, writable=True)
        if len(target) < len(data):
            raise os_error(-0x110C)
        target[: len(data)] = data
        return len(data)

    def erase_key(self, key: str) -> None:
        self._record("erase_key", key)
        found = [each for each in self._values if each[1] == key]
        if not found:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        for each in found:
            del self._values[each]

    def commit(self) -> None:
        self._record("commit")


class Partition(Device):
    """A flash partition: a block device over memory."""

    BOOT, RUNNING, TYPE_APP, TYPE_DATA = 0, 1, 0, 1
    _SIZE, _BLOCK = 0x10_0000, 4096

    def __init__(self, id: Any, block_size: int = 4096) -> None:
        self._label = "factory" if id in (self.BOOT, self.RUNNING) else id
        self._record("")
        flash = self._bench.values.setdefault("partitions", {})
        self._data: bytearray = flash.setdefault(self._label, bytearray(b"\xff" * self._SIZE))

    @classmethod
    def find(cls, type: int = 0, subtype: int = 255, label: Any = None, block_size: int = 4096
             ) -> list[Any]:  # fmt: skip
        return [] if label is None else [cls(label)]

    def info(self) -> tuple[Any, ...]:
        return (self.TYPE_DATA, 0x81, 0x20_0000, self._SIZE, self._label, False)

    def readblocks(self, block: int, buf: Any, offset: int = 0) -> None:
        target = buffer_of(buf, writable=True)
        at = block * self._BLOCK + offset
        target[:] = self._data[at : at + len(target)]

    def writeblocks(self, block: int, buf: Any, offset: int = 0) -> None:
        data = bytes(buffer_of(buf))
        self._record("writeblocks", block, len(data), offset)
        at = block * self._BLOCK + offset
        self._data[at : at + len(data)] = data

    def ioctl(self, op: int, arg: Any) -> int:
        if op == 4:
            return self._SIZE // self._BLOCK
        if op == 5:
            return self._BLOCK
        if op == 6:
            at = arg * self._BLOCK
            self._data[at : at + self._BLOCK] = b"\xff" * self._BLOCK
        return 0

    def set_boot(self) -> None:
        self._record("set_boot")

    def get_next_update(self) -> Partition:
        return type(self)("ota_1")

    @classmethod
    def mark_app_valid_cancel_rollback(cls) -> None:
        """Nothing to confirm."""


class RMT(Device):
    """A pulse generator that only records."""

    PULSE_MAX = 32767

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else None
        self._record("", *args[1:], **named)

    def write_pulses(self, *args: Any) -> None:
        self._record("write_pulses", *args)

    def loop(self, *args: Any) -> None:
        self._record("loop", *args)

    def wait_done(self, **named: Any) -> bool:
        return True

    def source_freq(self) -> int:
        return 80_000_000

    def clock_div(self) -> int:
        return 8

    def deinit(self) -> None:
        self._record("deinit")


class PCNT(Device):
    """A pulse counter that stays where it was set."""

    RISING, FALLING, INCREMENT, DECREMENT, REVERSE, HOLD = 1, 2, 1, 2, 3, 0

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else None
        self._count = 0
        self._record("", *args[1:], **named)

    def init(self, *args: Any, **named: Any) -> None:
        self._record("init", *args, **named)

    def value(self, *args: Any) -> int:
        old = self._count
        if args:
            self._count = args[0]
        return old

    def deinit(self) -> None:
        self._record("deinit")


_RECORDED: dict[str, Any] = {
    "wake_on_ext0": None, "wake_on_ext1": None, "wake_on_touch": None, "wake_on_ulp": None,
    "wake_on_gpio": None, "gpio_deep_sleep_hold": None, "raw_temperature": 100,
    "mcu_temperature": 35, "hall_sensor": 0, "idf_heap_info": [],
}  # fmt: skip


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {
        **bind(vm, "esp32", NVS, Partition, RMT, PCNT),
        **{name: recorded(vm, f"esp32.{name}", value) for name, value in _RECORDED.items()},
        "WAKEUP_ALL_LOW": False,
        "WAKEUP_ANY_HIGH": True,
        "HEAP_DATA": 4,
        "HEAP_EXEC": 1,
    }
