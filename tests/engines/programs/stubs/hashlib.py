"""`hashlib` with SHA-512, which the unix build of the firmware lacks."""

from uhashlib import sha1, sha256


def _primes(count):
    found = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return found


def _root(n, power, bits):
    """Fraction bits of the square or cube root of n."""
    low, high = 0, n << bits
    target = n << (power * bits)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**power <= target:
            low = middle
        else:
            high = middle - 1
    return low & ((1 << bits) - 1)


_P = _primes(80)
_K = [_root(p, 3, 64) for p in _P]
_H = [_root(p, 2, 64) for p in _P[:8]]
_M = 0xFFFFFFFFFFFFFFFF


def _rotate(x, n):
    return (x >> n | x << (64 - n)) & _M


def _compress(state, block):
    w = [int.from_bytes(block[i : i + 8], "big") for i in range(0, 128, 8)]
    for t in range(16, 80):
        x, y = w[t - 15], w[t - 2]
        s0 = _rotate(x, 1) ^ _rotate(x, 8) ^ x >> 7
        s1 = _rotate(y, 19) ^ _rotate(y, 61) ^ y >> 6
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & _M)
    a, b, c, d, e, f, g, h = state
    for t in range(80):
        s1 = _rotate(e, 14) ^ _rotate(e, 18) ^ _rotate(e, 41)
        t1 = h + s1 + (e & f ^ ~e & _M & g) + _K[t] + w[t]
        s0 = _rotate(a, 28) ^ _rotate(a, 34) ^ _rotate(a, 39)
        t2 = s0 + (a & b ^ a & c ^ b & c)
        h, g, f, e, d, c, b, a = g, f, e, (d + t1) & _M, c, b, a, (t1 + t2) & _M
    return [(x + y) & _M for x, y in zip(state, (a, b, c, d, e, f, g, h))]


class sha512:
    def __init__(self, data=b""):
        self.data = bytes(data)

    def update(self, data):
        self.data += data

    def digest(self):
        length = len(self.data)
        padded = (
            self.data
            + b"\x80"
            + bytes((111 - length) % 128)
            + (8 * length).to_bytes(16, "big")
        )
        state = _H
        for at in range(0, len(padded), 128):
            state = _compress(state, padded[at : at + 128])
        return b"".join(x.to_bytes(8, "big") for x in state)


def new(name, data=b""):
    if name == "ripemd160":
        from embit.util import py_ripemd160

        return _Ready(py_ripemd160.ripemd160(data))
    return {"sha512": sha512, "sha256": sha256, "sha1": sha1}[name](data)


class _Ready:
    def __init__(self, digest):
        self._digest = digest

    def digest(self):
        return self._digest
