import struct

from probe import each, show

FORMATS = (
    "b B h H i I l L q Q f d s 5s x 3x P n S p e 2h bh <bh >bh !bh =bh @bh bq <bq z < 0i bi0q 3"
    " 10sb bbh <bbi <l <q @l =l =L <P 0s b0i hhl N <O a5 <e b0q 3xi bxi h0b"
).split(" ")
each(struct.calcsize, *[(text,) for text in FORMATS])
each(struct.calcsize, (5,), (b"<h",), ("",), ("b q",))
each(
    struct.pack,
    ("b", 1), ("b", 300), ("b", -129), ("B", -1), ("H", 70000), ("i", 1 << 40), ("q", 1 << 70),
    ("Q", -1), ("I", -5), ("f", 1.5), ("d", 2), ("f", "a"), ("i", 1.5), ("i", "a"), ("5s", b"abc"),
    ("5s", "abcdefgh"), ("s", b""), ("5s", 5), ("2i", 1), ("2i", 1, 2, 3), ("i",), ("x",),
    ("3xb", 1), ("P", 5), ("<bh", 1, 2), (">bhiq", 1, 2, 3, 4), ("bhiq", 1, 2, 3, 4), ("!I", 258),
    ("e", 1.5), ("f", 1e300), ("f", float("inf")), ("bb", 1), ("<Q", 1 << 64), ("<i", True),
    ("<i", None), ("z", 1), ("0s", b"a"), ("<q", -5), (">q", -5), (">5s", "ab"),
    ("3s2s", b"abc", b"de"), ("<e", 65504.0), (">i", -(1 << 40)), ("<h", 1 << 100), ("L", 1 << 64),
)  # fmt: skip
each(
    struct.unpack,
    ("b", b"\xff"), ("bh", b"\1\0\2\0"), ("<bh", b"\1\2\0"), (">i", b"\0\0\1\0"), ("i", b"abc"),
    ("i", b"abcde"), ("<i", b""), ("5s", b"ab\0cd"), ("x", b"a"), ("xb", b"ab"),
    ("f", b"\0\0\x80?"), ("d", b"\0\0\0\0\0\0\xf0?"), ("e", b"\0>"), ("Q", b"\xff" * 8),
    ("q", b"\xff" * 8), ("2h", b"\1\0\2\0"), ("b", 5), ("b", "a"), ("z", b"a"), ("", b""),
    ("", b"abc"), ("0s", b""), ("L", b"\xff" * 8), ("<L", b"\xff" * 4), ("<2s3b", b"ab\1\2\3"),
    (), ("b",),
)  # fmt: skip
buffer = bytearray(10)
for args in (("<h", buffer, 2, 5), ("<h", buffer, -2, 5), ("<h", buffer, 9, 5), ("<h", buffer, -20, 5),
             ("<h", buffer), ("<h", buffer, 0), ("<h", buffer, 0, 1, 2), ("h", buffer, 1, -1),
             ("<h", b"abc", 0, 1), ("b", buffer, 1.5, 1), ("<bbb", buffer, 8, 1, 2, 3),
             ("i", buffer, 0, "a"), ("q", buffer, 3, 1)):  # fmt: skip
    show(struct.pack_into, *args)
    print(buffer)
each(
    struct.unpack_from,
    ("<h", buffer, 2), ("<h", buffer), ("<h", buffer, -1), ("<h", buffer, -2), ("<h", buffer, 9),
    ("<h", buffer, -20), ("<h", buffer, 100), ("<h", buffer, 0, 1), ("h", buffer, 1),
    ("<h", buffer, "a"),
)  # fmt: skip


class Seven:
    def __int__(self):
        return 7


show(struct.pack, "b", Seven())
