"""Guest module `esp`: a record of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._hardware import recorded
from loader.modules.native import buffer_of

if TYPE_CHECKING:
    from loader.vm import VM

_RECORDED = {
    "osdebug": None, "sleep_type": 0, "deepsleep": None, "flash_id": 0x1640EF,
    "flash_size": 4 * 1024 * 1024, "flash_user_start": 0x9_0000, "flash_erase": None,
    "flash_write": None, "check_fw": True, "freemem": 32768, "apa102_write": None,
    "neopixel_write": None, "dht_readinto": None, "set_native_code_location": None,
}  # fmt: skip


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    record = recorded(vm, "esp.flash_read")

    def flash_read(offset: int, target: Any) -> None:
        """Erased flash."""
        view = buffer_of(target, writable=True)
        record(offset, len(view))
        view[:] = b"\xff" * len(view)

    return {
        **{name: recorded(vm, f"esp.{name}", value) for name, value in _RECORDED.items()},
        "flash_read": flash_read,
        "LOG_NONE": 0,
        "LOG_ERROR": 1,
        "LOG_WARNING": 2,
        "LOG_INFO": 3,
        "LOG_DEBUG": 4,
        "LOG_VERBOSE": 5,
        "SLEEP_NONE": 0,
        "SLEEP_LIGHT": 1,
        "SLEEP_MODEM": 2,
    }
