import binascii
import errno
import hashlib
import heapq
import random
import time

from probe import each, show

for function in (binascii.hexlify, binascii.unhexlify, binascii.a2b_base64, binascii.b2a_base64,
                 binascii.crc32):  # fmt: skip
    each(function, (), (5,), (b"",), ("ab",), (b"abc",), (b"abcd",), (bytearray(b"00ff"),),
         (b"ab", "c", "d"), (b"zz",), (b"0g",))  # fmt: skip
each(binascii.hexlify, (b"abc", ":"), (b"abc", "::"), (b"abc", b"-"), (b"abc", 5), (b"abc", ""))
for text in ("YQ== YWI= YWJj YQ YQ= Y=Q= = == a YQ==YQ== Y YQ=a f== ////"
             " Zm9v!! YWJj= Y=Q YQ===").split():  # fmt: skip
    show(binascii.a2b_base64, text)
show(binascii.b2a_base64, b"abc", newline=False)
show(binascii.b2a_base64, b"abc", foo=1)
each(binascii.crc32, (b"abc", 5), (b"abc", -1), (b"abc", 1 << 70))

for make in (hashlib.md5, hashlib.sha1, hashlib.sha256):
    each(make, (5,), ("abc",), (b"a", b"b"))
    state = make()
    state.update(b"abc")
    show(state.update, 5)
    show(state.digest)
    show(state.digest)
    show(state.update, b"a")
    show(lambda state=state: state.hexdigest)

heap = [5, 3, 8, 1, 9, 2]
heapq.heapify(heap)
heapq.heappush(heap, 4)
print(heap, [heapq.heappop(heap) for _ in range(7)])
each(heapq.heappop, ([],), ((),))
each(heapq.heappush, (5, 1), ([],))
print(sorted(errno.errorcode.items()))

for seed in (0, 1, 42, 1 << 31, -1, 12345678901):
    random.seed(seed)
    print(random.getrandbits(32), random.getrandbits(5), random.random(), random.randint(1, 100),
          random.randrange(10), random.randrange(5, 9), random.randrange(0, 100, 7),
          random.choice("abcdef"), random.uniform(1, 5), random.random())  # fmt: skip
each(random.getrandbits, (33,), (-1,), (), ("a",))
each(random.randrange, (0,), (-5,), (5, 5), (0, 10, 0), (10, 0), (), (1, 2, 3, 4))
each(random.randint, (5, 4), (1,), ("a", 1))
each(random.choice, ([],), ())
each(random.seed, (1.5,), ("a",))

for moment in (0, 1e9, 1000000000.7, -1, 1 << 40, True):
    show(time.gmtime, moment)
each(time.gmtime, ("a",), (0, 1))
for fields in ((2020, 1, 2, 3, 4, 5, 0, 0), (2020, 13, 40, 25, 61, 61, 0, 0), (1, 2, 3), 5,
               [2020, 1, 2, 3, 4, 5, 0, 0], (2020, 1, 2, 3, 4, 5.5, 0, 0)):  # fmt: skip
    show(time.mktime, fields)
each(time.ticks_diff, (5, 3), (3, 5), (0, 1 << 61), (1 << 61, 0), ((1 << 62) - 1, 0))
each(time.ticks_add, (5, 3), (5, -8), ((1 << 62) - 1, 1), (0, 1 << 61), (0, -(1 << 61) - 1))
each(time.sleep_ms, (0,), (-1,), ())
