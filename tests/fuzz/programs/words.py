# ruff: noqa  (odd on purpose: what the compiler makes of it is the point)
# Imports, strings, operators, unpacking, slices, globals.
import binascii
import struct as s
from binascii import hexlify as h
from binascii import unhexlify
from collections import *

total = 0
text = "a constant that is longer than a name may be"
data = (1, 2.5, "x", b"y", None, (True, 3 + 4j))


def add(*numbers):
    global total
    for number in numbers:
        total += number
    return total


def calc(a, b):
    r = []
    r.append((a + b, a - b, a * b, a // (b or 1), a % (b or 1), a & b, a | b, a ^ b))
    r.append((a < b < 10, a == b, not a, -a, ~b, a is b, a in (1, 2), a if b else text))
    a += 1
    b -= 1
    r.append((a and b) or r)
    return r[::2], r[-1:], "%d-%s" % (a, b), f"{a}:{b:>4}", f"{a}{b!r}"


def fill():
    table = {}
    for key, (left, right) in (("p", (1, 2)), ("q", (3, 4))):
        table[key] = left, right
        table.setdefault("n", []).append(key)
    else:
        table["end"] = text[2:7]
    while table:
        key, value = table.popitem()
        if not isinstance(value, tuple):
            break
    return key


try:
    import missing_module
except ImportError:
    missing_module = None

point = namedtuple("point", ("x", "y"))(1, y=2)
done = [add(1, 2, 3), calc(3, 4), calc(0, -1), fill(), h(s.pack("<H", 513)), point.x, data[5]]
assert binascii.unhexlify("00") == unhexlify(b"00"), "message"
