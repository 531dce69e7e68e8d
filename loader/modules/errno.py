"""Guest module `errno`: the codes every port names.

Source: MicroPython py/moderrno.c, MICROPY_PY_ERRNO_LIST; the numbers are Linux's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loader.vm import VM

CODES = {
    "EPERM": 1,
    "ENOENT": 2,
    "EIO": 5,
    "EBADF": 9,
    "EAGAIN": 11,
    "ENOMEM": 12,
    "EACCES": 13,
    "EEXIST": 17,
    "ENODEV": 19,
    "EISDIR": 21,
    "EINVAL": 22,
    "EOPNOTSUPP": 95,
    "EADDRINUSE": 98,
    "ECONNABORTED": 103,
    "ECONNRESET": 104,
    "ENOBUFS": 105,
    "ENOTCONN": 107,
    "ETIMEDOUT": 110,
    "ECONNREFUSED": 111,
    "EHOSTUNREACH": 113,
    "EALREADY": 114,
    "EINPROGRESS": 115,
}
NAMES = {code: name for name, code in CODES.items()}


def name_of(code: int) -> str | None:
    """The name of an error number, or None."""
    return NAMES.get(code)


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"errorcode": dict(NAMES), **CODES}
