"""Guest module `bluetooth`: a radio nobody answers, with a working attribute table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._hardware import Device, bind
from loader.modules.native import buffer_of, get_str

if TYPE_CHECKING:
    from loader.vm import VM


class UUID:
    """A 16-bit number, or 128 bits from text."""

    def __init__(self, value: Any) -> None:
        if isinstance(value, int):
            if not 0 <= value <= 0xFFFF:
                raise ValueError("invalid UUID")
            self._bytes = value.to_bytes(2, "little")
        elif isinstance(value, str):
            digits = get_str(value).replace("-", "")
            if len(digits) != 32:
                raise ValueError("invalid UUID")
            self._bytes = bytes.fromhex(digits)[::-1]
        else:
            self._bytes = bytes(buffer_of(value))
            if len(self._bytes) not in (2, 16):
                raise ValueError("UUID data incorrect length")

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UUID) and self._bytes == other._bytes

    def __lt__(self, other: UUID) -> bool:
        return self._bytes[::-1] < other._bytes[::-1]

    def __hash__(self) -> int:
        return hash(self._bytes)

    def _guest_repr_(self) -> str:
        text = self._bytes[::-1].hex()
        if len(self._bytes) == 2:
            return f"UUID(0x{text})"
        parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        return f"UUID('{'-'.join(parts)}')"


class BLE(Device):
    """The radio."""

    def __init__(self) -> None:
        self._active = False
        self._handler: Any = None
        self._settings = {"mac": (0, b"\x02\x00\x00\x00\x00\x02"), "gap_name": "mpy", "mtu": 256,
                          "rxbuf": 256, "addr_mode": 0}  # fmt: skip
        self._values: dict[int, bytes] = {}
        self._next = 1

    def active(self, *args: Any) -> bool:
        if args:
            self._record("active", *args)
            self._active = bool(args[0])
        return self._active

    def config(self, *args: Any, **named: Any) -> Any:
        if named:
            self._record("config", **named)
            self._settings.update(named)
            return None
        if args[0] not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[args[0]]

    def irq(self, handler: Any) -> None:
        self._record("irq", handler)
        self._handler = handler

    def _needs_active(self) -> None:
        if not self._active:
            raise OSError(19)

    def gatts_register_services(self, services: Any) -> tuple[tuple[int, ...], ...]:
        """Number the characteristics and descriptors as they come."""
        self._needs_active()
        self._record("gatts_register_services", services)
        result = []
        for _, characteristics in services:
            handles = []
            self._next += 1
            for characteristic in characteristics:
                self._next += 1
                handles.append(self._next)
                self._values[self._next] = b""
                self._next += 1
                for _descriptor in characteristic[2] if len(characteristic) > 2 else ():
                    handles.append(self._next)
                    self._values[self._next] = b""
                    self._next += 1
            result.append(tuple(handles))
        return tuple(result)

    def gatts_read(self, handle: int) -> bytes:
        return self._values[handle]

    def gatts_write(self, handle: int, data: Any, send_update: Any = False) -> int:
        content = bytes(buffer_of(data))
        self._record("gatts_write", handle, content, send_update)
        self._values[handle] = content
        return len(content)


_RADIO_CALLS = (
    "gap_advertise gap_scan gap_connect gap_disconnect gap_pair gap_passkey gatts_notify"
    " gatts_indicate gatts_set_buffer gattc_discover_services gattc_discover_characteristics"
    " gattc_discover_descriptors gattc_read gattc_write gattc_exchange_mtu l2cap_listen"
    " l2cap_connect l2cap_disconnect l2cap_send l2cap_recvinto"
).split()


def _radio_call(name: str) -> Any:
    def call(self: BLE, *args: Any, **named: Any) -> None:
        self._needs_active()
        self._record(name, *args, **named)

    return call


for _name in _RADIO_CALLS:
    setattr(BLE, _name, _radio_call(_name))


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {
        **bind(vm, "bluetooth", BLE),
        "UUID": UUID,
        "FLAG_BROADCAST": 1,
        "FLAG_READ": 2,
        "FLAG_WRITE_NO_RESPONSE": 4,
        "FLAG_WRITE": 8,
        "FLAG_NOTIFY": 16,
        "FLAG_INDICATE": 32,
        "FLAG_AUTHENTICATED_SIGNED_WRITE": 64,
        "FLAG_AUX_WRITE": 256,
    }
