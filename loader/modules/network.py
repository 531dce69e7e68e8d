"""Guest module `network`: interfaces that connect at once, to the host's own network."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from loader.modules._hardware import Device, bind, recorded

if TYPE_CHECKING:
    from loader.vm import VM

_LOCAL = ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
_SETTINGS = {
    "mac": b"\x02\x00\x00\x00\x00\x01",
    "ssid": "",
    "essid": "",
    "channel": 1,
    "hidden": False,
    "security": 0,
    "hostname": "mpy-host",
    "txpower": 20,
    "pm": 0,
    "reconnects": -1,
}


class _Interface(Device):
    """What all interfaces have in common."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self._label = args[0] if args else None
        self._active = self._connected = False
        self._settings = dict(_SETTINGS)
        self._addresses: tuple[str, ...] = ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        self._record("", *args[1:], **named)

    def active(self, *args: Any) -> bool:
        if args:
            self._record("active", *args)
            self._active = bool(args[0])
            self._connected &= self._active
        return self._active

    def connect(self, *args: Any, **named: Any) -> None:
        self._record("connect", *args, **named)
        if args:
            self._settings["ssid"] = self._settings["essid"] = args[0]
        self._connected = True
        self._addresses = _LOCAL

    def disconnect(self) -> None:
        self._record("disconnect")
        self._connected = False

    def isconnected(self) -> bool:
        return self._connected

    def ifconfig(self, *args: Any) -> Any:
        if args:
            self._record("ifconfig", *args)
            if isinstance(args[0], tuple):
                self._addresses = args[0]
            return None
        return self._addresses

    def ipconfig(self, *args: Any, **named: Any) -> Any:
        if named:
            self._record("ipconfig", **named)
            return None
        address, mask, gateway, _ = self._addresses
        known = {"addr4": (address, mask), "gw4": gateway, "dhcp4": True, "has_dhcp4": True}
        if args[0] not in known:
            raise ValueError("unexpected key")
        return known[args[0]]

    def config(self, *args: Any, **named: Any) -> Any:
        if named:
            self._record("config", **named)
            self._settings.update(named)
            return None
        if args[0] not in self._settings:
            raise ValueError("unknown config param")
        return self._settings[args[0]]


class WLAN(_Interface):
    """A wireless interface."""

    IF_STA, IF_AP = 0, 1
    SEC_OPEN, SEC_WEP, SEC_WPA, SEC_WPA2, SEC_WPA_WPA2, SEC_WPA3 = 0, 1, 2, 3, 4, 5
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = 0, 1, 2

    def scan(self) -> list[tuple[Any, ...]]:
        self._record("scan")
        return []

    def status(self, *args: Any) -> Any:
        if args:
            return {"rssi": -50, "stations": []}.get(args[0])
        return 1010 if self._connected else 1000

    def deinit(self) -> None:
        self._record("deinit")
        self._active = self._connected = False


class LAN(_Interface):
    """A wired interface."""

    def active(self, *args: Any) -> bool:
        result = super().active(*args)
        if args and result:
            self._connected = True
            self._addresses = _LOCAL
        return result

    def status(self) -> int:
        return 5 if self._connected else 0


class PPP(_Interface):
    """A point to point link."""

    AUTH_NONE, AUTH_PAP, AUTH_CHAP = 0, 1, 2


_CONSTANTS = {
    "STA_IF": 0, "AP_IF": 1,
    "STAT_IDLE": 1000, "STAT_CONNECTING": 1001, "STAT_GOT_IP": 1010,
    "STAT_NO_AP_FOUND": 201, "STAT_WRONG_PASSWORD": 202, "STAT_BEACON_TIMEOUT": 200,
    "STAT_ASSOC_FAIL": 203, "STAT_HANDSHAKE_TIMEOUT": 204, "STAT_CONNECT_FAIL": 203,
    "AUTH_OPEN": 0, "AUTH_WEP": 1, "AUTH_WPA_PSK": 2, "AUTH_WPA2_PSK": 3,
    "AUTH_WPA_WPA2_PSK": 4, "AUTH_WPA3_PSK": 6,
    "MODE_11B": 1, "MODE_11G": 2, "MODE_11N": 4,
    "PHY_LAN8720": 1, "PHY_LAN8710": 0, "ETH_CONNECTED": 3, "ETH_GOT_IP": 5,
}  # fmt: skip


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    names = {"hostname": "mpy-host", "country": "XX"}

    def setting(name: str) -> Any:
        def call(*args: Any) -> str | None:
            if not args:
                return names[name]
            recorded(vm, f"network.{name}")(*args)
            names[name] = args[0]
            return None

        return call

    def ipconfig(*args: Any, **named: Any) -> Any:
        recorded(vm, "network.ipconfig")(*args, **named)
        return socket.gethostname() if args[:1] == ("hostname",) else None

    return {
        **bind(vm, "network", WLAN, LAN, PPP),
        **_CONSTANTS,
        "hostname": setting("hostname"),
        "country": setting("country"),
        "ipconfig": ipconfig,
        "phy_mode": recorded(vm, "network.phy_mode", 3),
        "route": recorded(vm, "network.route"),
    }
