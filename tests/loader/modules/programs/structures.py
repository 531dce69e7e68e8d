import uctypes as u
from probe import each, show

buffer = bytearray(range(64))
FIELDS = {
    "a": 0 | u.UINT8, "b": 2 | u.UINT16, "c": 4 | u.INT32, "arr": (8 | u.ARRAY, 4 | u.UINT8),
    "arr2": (8 | u.ARRAY, 2 | u.UINT16), "sub": (16, {"x": 0 | u.UINT8, "y": 1 | u.UINT16}),
    "sarr": (20 | u.ARRAY, 2, {"p": 0 | u.UINT8, "q": 1 | u.UINT8}),
    "bf": u.BFUINT16 | 4 | 3 << u.BF_POS | 5 << u.BF_LEN,
    "bfs": u.BFINT8 | 1 | 0 << u.BF_POS | 4 << u.BF_LEN, "f": u.FLOAT32 | 32, "d": u.FLOAT64 | 40,
    "i8": 1 | u.INT8, "u64": u.UINT64 | 56, "i64": u.INT64 | 56, "i16": u.INT16 | 2,
}  # fmt: skip
PLAIN = ("a", "b", "c", "arr", "bf", "bfs", "f", "d", "i8", "u64", "i64", "i16")
print([getattr(u, name) for name in "UINT8 INT64 BFUINT16 FLOAT32 PTR ARRAY BF_POS NATIVE LONG".split()])
start = u.addressof(buffer)
for layout in (u.LITTLE_ENDIAN, u.BIG_ENDIAN, u.NATIVE):
    s = u.struct(start, FIELDS, layout)
    print(u.sizeof(s), [(name, getattr(s, name)) for name in PLAIN])
    print(s.sub.x, s.sub.y, s.sarr[1].q, s.arr2[1], len(s.arr))
    print(u.sizeof(s.sub), u.sizeof(s.sarr), u.sizeof(s.arr2))
    s.a, s.b, s.c, s.bf, s.bfs, s.f, s.d, s.u64 = 200, 0x1234, -5, 21, -3, 1.5, 2.25, 1 << 63
    s.arr2[0] = 0xABCD
    s.sub.y = 0x5678
    s.sarr[0].p = 9
    s.i8 = -1
    print(buffer)
    buffer[:] = bytearray(range(64))
s = u.struct(start, FIELDS)
for attempt in (lambda: s.nope, lambda: s.arr2[5], lambda: s.arr[9], lambda: s.arr2[-1], lambda: s[0],
                lambda: s == s, lambda: hash(s), lambda: bytes(s.sub), lambda: memoryview(s)[3],
                lambda: bytes(s)[:4]):  # fmt: skip
    show(attempt)


def wrong(change):
    try:
        change()
    except Exception as error:
        print(type(error).__name__, error.args)


def unknown():
    s.nope = 1


def structure():
    s.sub = 1


def outside():
    s.arr2[5] = 1


def text():
    s.a = "x"


for change in (unknown, structure, outside, text):
    wrong(change)
each(u.struct, (), (start,), ("a", FIELDS))
each(
    u.sizeof,
    (FIELDS,), ({},), ({"a": 0 | u.UINT8, "b": 1 | u.UINT16}, u.LITTLE_ENDIAN),
    ({"a": 0 | u.UINT8, "b": 1 | u.UINT32}, u.NATIVE), (5,), ((0 | u.ARRAY, 4 | u.UINT16),),
    (s, 1), ({"a": (0 | u.PTR, u.UINT8)},), ({"a": (0 | u.ARRAY, 3, {"b": u.UINT32})},),
    ({"a": u.BFUINT32 | 0 | 0 << u.BF_POS | 4 << u.BF_LEN},), ({"a": (4, {"b": u.UINT16})},),
)  # fmt: skip
show(u.bytes_at, start, 4)
alias = u.bytearray_at(start, 4)
alias[0] = 99
print(buffer[0], type(alias), len(alias), alias)
show(u.addressof, 5)
print(u.addressof(memoryview(buffer)[3:]) - start, u.addressof(s.sub) - start)
pointer = bytearray(start.to_bytes(8, "little"))
p = u.struct(u.addressof(pointer), {"p": (0 | u.PTR, u.UINT8), "ps": (0 | u.PTR, {"z": 1 | u.UINT8})})
print(p.p[0], p.p[3], p.ps[0].z, int(p.ps) == start)
show(lambda: p.ps.z)
