import io
import json

from probe import each, show

VALUES = (
    None, True, 1, -5, 1.5, 1e100, float("inf"), "a", "\u00e9\n\t\"\\\x01\x7f\u1234/", b'a"b\n', [],
    [1, [2]], (1, 2), (), {}, {"a": 1}, {1: 2}, {None: 1}, {True: 1}, {1.5: 2}, {(1, 2): 3},
    {"a": [1, {"b": None}]}, {1}, bytearray(b"a"), range(3), object, [float("nan")], 1 << 70,
    Exception("a"), "\x00\x1f\b\f\r", {"\n": 1}, {b"a": 1}, 3j, frozenset([1]),
)  # fmt: skip
each(json.dumps, *[(value,) for value in VALUES])


class Shown:
    def __repr__(self):
        return "REPR"

    def __str__(self):
        return "STR"


each(json.dumps, (Shown(),), ({"a": Shown()},), (), (1, 2))
for separators in ((",", ":"), ("A", "B"), (",",), 5, (1, 2), None, [";", ":"]):
    show(json.dumps, [1, {"a": 2}], separators=separators)
show(json.dumps, 1, indent=2)
TEXTS = (
    "null|true|false|1|-1|1.5|1e5|1E5|-1.5e-3|[]|[1,2]|[1,]|[,1]|{}|{\"a\":1}|{\"a\":1,}| 1 |1 2||"
    "   |nul|nulll|tru|\"a|[1|{\"a\"|{\"a\":|{\"a\":1|]|}|[1}|{1:2}|{\"a\",1}|+1|.5|1.|01|0x10|1a|"
    "--1|-|[1 2]|[1][2]|{\"a\":1}{\"b\":2}|'a'|NaN|Infinity|[true,false,null]|{\"a\":1 \"b\":2}|1e|"
    "[1,[2,[3,[4]]]]|1e400|123456789012345678901234567890|[[|{\"a\":1]|[1,2,3}|{:1}|{\"a\"::1}|:|"
    ",|[:]|{\"a\":1,\"a\":2}|\"\"|{\"\":1}|-0|-0.0|1,2|truefalse|[truefalse]|[1.5.5]|1-2|1e5e5"
).split("|")  # fmt: skip
each(json.loads, *[(text,) for text in TEXTS])
each(json.loads, ('"\\n\\t\\u0041\\"\\\\\\/\\b\\f\\r"',), ('"\\x"',), ('"a\nb"',), ('"\u00e9"',))
each(json.loads, (b"[1]",), (bytearray(b"[1]"),), (5,), (), ("1", 2), (None,))
file = io.StringIO('[1, 2] {"a":3} x')
show(json.load, file)
show(json.load, file)
show(file.read)
each(json.load, (io.BytesIO(b'"abc"'),), (io.StringIO(""),))
out = io.StringIO()
json.dump([1, {"a": "x"}], out, separators=(",", ":"))
print(out.getvalue())
