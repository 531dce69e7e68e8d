from array import array

from probe import each, show

for code in "bBhHiIlLqQfdO":
    show(array, code)
    show(array, code, [1, 2])
each(
    array,
    ("x",), (5,), ("",), ("b", "abc"), ("B", b"abc"), ("H", b"abc"), ("B", [300]), ("b", [-300]),
    ("H", [1.5]), ("f", ["a"]), ("I", [1 << 40]), ("q", [1 << 70]), ("H", 3), ("O", [1, "a", [2]]),
    ("H", array("B", [1, 2])), ("f", [1, 2.5]), ("i", range(3)), ("i", None), ("b", b"ab\xff"),
    ("i", memoryview(array("h", [1, 2]))), ("H", memoryview(b"abc")), ("i", array("f", [2.5])),
)  # fmt: skip
a = array("i", [1, 2, 3])
for attempt in (
    lambda: a + a, lambda: a + b"abcd", lambda: a + array("h", [1]),
    lambda: a == array("i", [1, 2, 3]), lambda: a == [1, 2, 3], lambda: a[5], lambda: a[-1],
    lambda: a[0:2], lambda: a[::2], lambda: len(a), 
    lambda: a.pop, lambda: a.append(4), lambda: a.append("a"), lambda: a.append(1 << 40),
    lambda: a.extend([5]), lambda: a.extend(array("i", [6])), lambda: a.extend(5),
    lambda: a, lambda: bytes(a[:1]), lambda: list(a), lambda: sum(a),
    lambda: bool(array("i")), lambda: array("B", b"a") == bytearray(b"a"),
    lambda: array("i", [1]) == array("I", [1]),
):  # fmt: skip
    show(attempt)


def store(index, value):
    a[index] = value


for index, value in ((0, 1 << 40), (0, "a"), (10, 0), (1, -1), ("a", 1), (1, True)):
    show(store, index, value)
    print(a)


def slices():
    a[0:1] = array("i", [9, 9, 9])
    print(a)
    a[1:1] = array("i", [])
    print(a)


show(slices)
data = bytearray(2)
data[0] = 300
print(data)
