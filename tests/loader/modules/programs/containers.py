from collections import OrderedDict, deque, namedtuple

from probe import each, show

each(deque, (), ((),), ((), 3), ([1, 2, 3, 4], 3), ((), -1), ((), 3, 1, 1), (5, 5), ((), "a"), (None, 3))
show(deque, (), maxlen=3)
d = deque((), 3)
for name, args in (
    ("append", (1,)), ("append", (2,)), ("append", (3,)), ("append", (4,)), ("popleft", ()),
    ("pop", ()), ("appendleft", (9,)), ("extend", ([1, 2, 3],)), ("extend", (5,)),
):  # fmt: skip
    show(getattr(d, name), *args)
    print(list(d), len(d), bool(d))
for attempt in (lambda: d[0], lambda: d[-1], lambda: d[5], lambda: d[0:1], lambda: d["a"],
                lambda: d == d, lambda: d.clear, lambda: 3 in d, lambda: d + d, lambda: hash(d)):  # fmt: skip
    show(attempt)
strict = deque((), 2, 1)
for name, args in (("append", (1,)), ("append", (2,)), ("append", (3,)), ("appendleft", (3,)),
                   ("extend", ([1],)), ("pop", ()), ("pop", ()), ("pop", ()), ("popleft", ())):  # fmt: skip
    show(getattr(strict, name), *args)

P = namedtuple("P", ["a", "b"])
each(P, (1, 2), (1,), (1, 2, 3))
show(P, a=1, b=2)
show(P, 1, b=2)
show(P, 1, a=2)
show(P, 1, c=2)
p = P(1, 2)
for attempt in (lambda: p.a, lambda: p.c, lambda: p[1], lambda: p == (1, 2), lambda: p + (3,),
                lambda: p * 2, lambda: p[0:1], lambda: hash(p) == hash((1, 2)), lambda: len(p),
                lambda: isinstance(p, tuple), lambda: p._asdict, lambda: "%s %s" % p,
                lambda: p < (1, 3), lambda: P._fields, lambda: P.__name__):  # fmt: skip
    show(attempt)
each(namedtuple, ("Q", 5), (5, "a"), ("Q", [1]), ("Q",), ("Q", iter(["a"])))
show(namedtuple("Q", "a b"), 1, 2)


class Point(namedtuple("Base", ("x", "y"))):
    def total(self):
        return self.x + self.y


print(Point(3, 4).total(), Point(3, 4), Point(3, 4) == (3, 4))


def assign():
    p.a = 1


show(assign)
each(OrderedDict, (), ({"a": 1},), ([("z", 1), ("a", 2)],), (5,), ([("a", 1, 2)],))
show(OrderedDict, b=1, a=2)
o = OrderedDict([("z", 1), ("a", 2), ("m", 3)])
for attempt in (lambda: o, lambda: list(o.items()), lambda: o.popitem(), lambda: o.copy(),
                lambda: o == OrderedDict([("z", 1), ("a", 2)]),
                lambda: o == OrderedDict([("a", 2), ("z", 1)]), lambda: o == {"z": 1, "a": 2},
                lambda: {"z": 1, "a": 2} == o, lambda: o.move_to_end, lambda: o | {"q": 3}):  # fmt: skip
    show(attempt)
