# Exceptions: raised deep, caught by class, with finally, else, with and custom classes.


class Refused(Exception):
    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


class Lost(Refused):
    pass


class Guard:
    def __init__(self):
        self.open = 0
        self.failed = 0

    def __enter__(self):
        self.open += 1
        return self

    def __exit__(self, kind, value, trace):
        self.open -= 1
        if kind is not None:
            self.failed += 1
        return kind is Lost


def check(n):
    if n % 5 == 0:
        raise Refused(n, "five")
    if n % 7 == 0:
        raise Lost(n, "seven")
    if n % 11 == 0:
        return [][n]
    return n


def deep(n, levels):
    if levels:
        return deep(n, levels - 1)
    return check(n)


def attempt(n, guard):
    total = 0
    try:
        total += deep(n, 4)
    except Lost as e:
        total += e.code * 2
    except Refused as e:
        total += e.code
    except IndexError:
        total += 1
    else:
        total += 2
    finally:
        total += 3
    with guard:
        if n % 2:
            raise Lost(n, "odd")
        total += 1
    return total


def parse(text):
    try:
        return int(text)
    except ValueError:
        return -1


def work(size):
    guard = Guard()
    total = 0
    table = {}
    for i in range(size):
        total += attempt(i, guard)
        total += parse("12x" if i % 3 else "12")
        try:
            total += table[i % 10]
        except KeyError:
            table[i % 10] = i
    return total + guard.failed
