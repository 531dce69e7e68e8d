import io
from array import array
from collections import OrderedDict, deque, namedtuple

from probe import show


class Ring(deque):
    def __init__(self, size):
        super().__init__((), size)
        self.pushed = 0

    def push(self, item):
        self.append(item)
        self.pushed += 1
        return len(self)


ring = Ring(2)
print(ring.push(1), ring.push(2), ring.push(3), list(ring), ring[0], ring.pushed, len(ring))
print(isinstance(ring, deque), bool(ring))


class Series(array):
    def total(self):
        return sum(self)


series = Series("i", [1, 2, 3])
series.append(4)
series[0] = 9
print(series.total(), series[1], len(series), list(series))


class Buffer(io.BytesIO):
    def shout(self):
        return self.getvalue().upper()


buffer = Buffer(b"abc")
buffer.name = "b"
print(buffer.shout(), buffer.read(2), buffer.name, list(buffer))


class Point(namedtuple("Base", "x y")):
    @property
    def total(self):
        return self.x + self.y


point = Point(1, 2)
print(point.total, point, point == (1, 2), len(point), point[1])


class Collected(io.IOBase):
    def __init__(self):
        self.parts = []

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        print("left")


with Collected() as collected:
    print("abc", 1, file=collected)
print(b"".join(collected.parts))
show(OrderedDict([("z", 1), ("a", 2)]).popitem)


class Borrowed:
    size = len
    first = staticmethod(min)


print(Borrowed().size([1]), Borrowed.first(3, 2))
