from cryptolib import aes
from probe import each, show

KEY, LONG, VECTOR, DATA = bytes(range(16)), bytes(range(32)), bytes(range(16, 32)), bytes(range(48))
each(aes, (), (KEY,), (KEY, 2), (KEY, 5), (b"abc", 1), (bytes(24), 1), (KEY, 2, b"abc"), (5, 1),
     (KEY, "a"), (KEY, 2, None), (KEY, 1, VECTOR, 4))  # fmt: skip
for key in (KEY, LONG):
    for settings in ((1,), (2, VECTOR)):
        show(aes(key, *settings).encrypt, DATA)
        show(aes(key, *settings).decrypt, DATA)
each(aes(KEY, 1).encrypt, (b"abc",), (b"",), (5,), ("a" * 16,), ())
chained = aes(KEY, 2, VECTOR)
show(chained.encrypt, DATA[:16])
show(chained.encrypt, DATA[:16])
show(chained.decrypt, DATA[:16])
cipher = aes(KEY, 1)
out = bytearray(48)
show(cipher.encrypt, DATA, out)
show(cipher.encrypt, DATA, bytearray(3))
show(cipher.encrypt, out, out)
print(out)
