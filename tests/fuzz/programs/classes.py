# ruff: noqa  (odd on purpose: what the compiler makes of it is the point)
# Classes, super, properties, closures, defaults, every form of call.
class Base:
    count = 0

    def __init__(self, a, b=2, *rest, c=3, **others):
        self.all = (a, b, rest, c, sorted(others))

    @property
    def first(self):
        return self.all[0]

    @staticmethod
    def make(x):
        return Base(x)

    @classmethod
    def named(cls, n):
        cls.count += n
        return cls(n, c=n)

    def __add__(self, other):
        return self.first + other

    def __getitem__(self, i):
        return self.all[i]

    def __call__(self, *args, **kw):
        return len(args), len(kw)


class Child(Base):
    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.extra = [super().first, self[1:2], self + 1]

    def both(self, f=lambda x, y=1: x * y):
        def inner(z):
            nonlocal total
            total += z
            return f(z)

        total = 0
        for v in (1, 2, 3):
            inner(v)
        return total, [inner(t) for t in range(3) if t]


class Words(list):
    def __init__(self, text):
        super().__init__(text.split())

    def longest(self):
        return max(self, key=len) if self else None


c = Child(1, 2, 3, d=4)
d = Child.named(5)
result = [c.both(), d.first, Base.make(6).all, c(1, *[2, 3], k=1, z=2)]
w = Words("a bcd ef")
result.append(w.longest())
del c.extra
x = {"k": 1, "l": [1, 2, 3]}
x["l"][0], x["k"] = 9, x["l"][-1]
del x["k"]
a, *b, e = 1, 2, 3, 4
result.append((a, b, e, x))
