"""A package over the REPL's own serial line: this side asks, the host answers.

Each question is a line, "?offset:length"; the answer is that many bytes and four of their
SHA-256. So nothing is sent that is not needed, nothing arrives that nobody waits for, and
what arrives damaged is asked for again.
"""

import hashlib
import sys

import micropython
import select

from . import install
from .store import Refused


class _Line:
    def __init__(self):
        self.input = sys.stdin.buffer
        self.poll = select.poll()
        self.poll.register(sys.stdin, select.POLLIN)
        self.sum = bytearray(4)

    def _read(self, buffer):
        view = memoryview(buffer)
        at = 0
        while at < len(buffer):
            got = self.input.readinto(view[at:])
            if not got:
                raise OSError("the line is closed")
            at += got

    def readinto(self, offset, buffer):
        for _ in range(6):
            print("?%d:%d" % (offset, len(buffer)))
            self._read(buffer)
            self._read(self.sum)
            if hashlib.sha256(buffer).digest()[:4] == self.sum:
                return
            if self.sum == b"\x03\x03\x03\x03":
                break  # somebody wants the REPL back
            one = bytearray(1)
            while self.poll.poll(60):
                self.input.readinto(one)
        raise OSError("the line is too bad")


def serve(again=False):
    """Install the package that the host holds; the last line says how it went."""
    micropython.kbd_intr(-1)
    try:
        done = install(_Line(), progress=_progress, again=again)
        print("=%d" % done)
    except Refused as e:
        print("!refused: %s" % e)
    except Exception as e:
        print("!%s: %s" % (type(e).__name__, e))
    finally:
        micropython.kbd_intr(3)


def _progress(done, total):
    print("#%d:%d" % (done, total))
