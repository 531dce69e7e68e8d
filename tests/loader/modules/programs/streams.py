import io
import json

from probe import show

for make, text in ((io.BytesIO, b"hello\nworld\nx"), (io.StringIO, "h\u00e9llo\nworld\nx")):
    stream = make(text)
    for name, args in (
        ("read", (2,)), ("readline", ()), ("tell", ()), ("seek", (0,)), ("read", ()), ("read", (5,)),
        ("seek", (3,)), ("write", (b"QQ",)), ("write", ("ZZ",)), ("getvalue", ()), ("seek", (30,)),
        ("write", (b"e",)), ("getvalue", ()), ("seek", (-1,)), ("seek", (-1, 2)), ("seek", (-99, 1)),
        ("seek", (0, 5)), ("seek", (0,)), ("readline", (2,)), ("readline", (-1,)), ("read", (-1,)),
        ("read", (None,)), ("read", ("a",)), ("read", (1, 2)), ("read", (0,)), ("flush", ()),
        ("readinto", (b"abc",)), ("write", (5,)), ("write", (b"abcdef", 2)),
        ("write", (b"abcdef", 2, 3)), ("getvalue", ()), ("close", ()), ("read", ()),
        ("getvalue", ()), ("write", ("a",)), ("seek", (0,)), ("tell", ()),
    ):  # fmt: skip
        print(name, args, end=" ")
        show(getattr(stream, name), *args)
    show(lambda stream=stream: stream.readlines)
for make in (io.BytesIO, io.StringIO):
    for initial in (-1, 1.0, [1]):
        show(make, initial)
buffer = bytearray(b"..........")
show(io.BytesIO(b"abcde").readinto, buffer, 3)
print(buffer)
print(list(io.StringIO("a\nb\n\nc")))
with io.BytesIO(b"abc") as stream:
    stream.seek(0, 2)
    stream.write(b"d")
    print(stream.getvalue())


class Own(io.IOBase):
    """A stream made in guest code."""

    def __init__(self, data=b""):
        self.data = data

    def readinto(self, buffer):
        print("readinto", type(buffer), len(buffer))
        part = self.data[: len(buffer)]
        buffer[: len(part)] = part
        self.data = self.data[len(part) :]
        return len(part)

    def write(self, data):
        print("write", type(data), data)
        return len(data)


own = Own(b'[1, "ab"]')
show(json.load, own)
show(json.dump, [1, {"a": "b"}], own)
collected = io.StringIO()
print(1, 2.5, [3, "x"], file=collected)
print(repr(collected.getvalue()))
show(lambda: own.read)


class Failing(io.IOBase):
    def __init__(self, result):
        self.result = result

    def readinto(self, buffer):
        return self.result


for result in (-5, None, 0):
    show(json.load, Failing(result))
for value in (5, object()):
    show(json.load, value)
    show(json.dump, 1, value)
