"""The socket between the virtual board and the stand-in modules in its MicroPython.

Requests and answers are little-endian 32-bit words; firmware/_board.py is the other end. A
request is one write, so that Ctrl-C cannot tear it: its payload is in memory both sides map.
"""

from __future__ import annotations

import mmap
import socket
import struct
from enum import IntEnum
from typing import NamedTuple

_HEAD = struct.Struct("<8i")
_REPLY = struct.Struct("<3i")


class Call(IntEnum):
    """What the guest asks for."""

    READY = 0
    USER = 1
    ROM_IOCTL = 2
    IOCTL = 3
    WRITEBLOCKS = 4
    STDOUT = 5
    RESET = 6


class How(IntEnum):
    """What an answer's value is."""

    VALUE = 0
    NONE = 1
    OS_ERROR = 2
    SEGMENT = 3
    TYPE_ERROR = 4


class Request(NamedTuple):
    """One call.

    Attributes:
        sequence: Echoed in the answer.
        call: What is asked for.
        given: How many arguments, the payload among them.
        args: Four integers, 0 where not given.
        payload: The buffer given last, or None.
    """

    sequence: int
    call: Call
    given: int
    args: tuple[int, int, int, int]
    payload: bytes | None


STAGE = 4 << 20
"""Bytes of the memory for payloads."""


def receive(link: socket.socket, stage: mmap.mmap) -> Request | None:
    """Read one request; None when the guest is gone."""
    head = _exactly(link, _HEAD.size)
    if head is None:
        return None
    sequence, call, given, a, b, c, d, length = _HEAD.unpack(head)
    payload = None if length < 0 else stage[:length]
    return Request(sequence, Call(call), given, (a, b, c, d), payload)


def answer(link: socket.socket, request: Request, how: How, value: int = 0) -> None:
    """Answer one request; a guest that died meanwhile is nobody's error."""
    try:
        link.sendall(_REPLY.pack(request.sequence, how, value))
    except OSError:
        return


def _exactly(link: socket.socket, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        try:
            part = link.recv(length - len(parts))
        except OSError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
