"""HMAC, as far as embit asks for it."""

import hashlib


def _digest(name, data):
    return hashlib.new(name, data).digest()


class HMAC:
    def __init__(self, key, msg=b"", digestmod="sha512"):
        self.name = digestmod
        self.block = 128 if digestmod == "sha512" else 64
        key = bytes(key)
        if len(key) > self.block:
            key = _digest(digestmod, key)
        self.key = key + bytes(self.block - len(key))
        self.msg = bytes(msg)

    def update(self, data):
        self.msg += data

    def digest(self):
        inner = _digest(self.name, bytes(b ^ 0x36 for b in self.key) + self.msg)
        return _digest(self.name, bytes(b ^ 0x5C for b in self.key) + inner)


def new(key, msg=b"", digestmod="sha512"):
    return HMAC(key, msg, digestmod)
