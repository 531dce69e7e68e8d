# Calls: methods, keyword and default arguments, closures, properties, bound methods, stars.


class Vector:
    def __init__(self, x, y):
        self._x = x
        self._y = y

    @property
    def x(self):
        return self._x

    def get_y(self):
        return self._y

    def plus(self, other):
        return Vector(self._x + other._x, self._y + other._y)

    def scaled(self, factor=2, *, offset=0):
        return Vector(self._x * factor + offset, self._y * factor + offset)

    def __add__(self, other):
        return Vector(self._x + other._x, self._y + other._y)

    def __eq__(self, other):
        return self._x == other._x and self._y == other._y

    @staticmethod
    def zero():
        return Vector(0, 0)


def counter(step):
    count = 0

    def advance():
        nonlocal count
        count += step
        return count

    return advance


def many(a, b=1, *rest, c=2, **named):
    return a + b + c + len(rest) + len(named)


def apply(function, times, value):
    for _ in range(times):
        value = function(value)
    return value


def work(size):
    total = 0
    v = Vector(1, 2)
    step = counter(3)
    values = (1, 2, 3)
    for i in range(size):
        w = v.plus(Vector(i, -i)).scaled(3, offset=1)
        total += w.x + w.get_y() + (v + w).x
        total += step()
        if w == v:
            total += 1
        total += many(1) + many(1, 2, c=4) + many(*values, d=5)
        get = w.get_y
        total += get() + get() + Vector.zero().x
        total += apply(lambda n: n * 3 % 1009, 5, i)
    return total
