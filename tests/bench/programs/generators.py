# Generators: pipelines, permutations, a round-robin scheduler.


def numbers(limit):
    n = 0
    while n < limit:
        yield n
        n += 1


def pairs(source):
    last = None
    for item in source:
        if last is not None:
            yield last, item
            last = None
        else:
            last = item


def permutations(items):
    if len(items) <= 1:
        yield items
        return
    for i in range(len(items)):
        for rest in permutations(items[:i] + items[i + 1 :]):
            yield [items[i]] + rest


class Walker:
    def __init__(self, depth):
        self.depth = depth

    def walk(self, path=0):
        if self.depth <= 0:
            yield path
            return
        self.depth -= 1
        yield from self.walk(path * 2)
        yield from self.walk(path * 2 + 1)
        self.depth += 1


def accumulator():
    total = 0
    while True:
        got = yield total
        if got is None:
            return total
        total += got


def work(size):
    total = 0
    for a, b in pairs(numbers(size * 20)):
        total += a ^ b
    for order in permutations([1, 2, 3, 4, 5, 6]):
        total += order[0] * order[-1]
    for leaf in Walker(8).walk():
        total += leaf
    gen = accumulator()
    next(gen)
    for i in range(size * 10):
        gen.send(i)
    total += sum(x * x for x in range(size * 10) if x % 3)
    tasks = [numbers(size) for _ in range(10)]
    while tasks:
        task = tasks.pop(0)
        try:
            total += next(task)
            tasks.append(task)
        except StopIteration:
            pass
    return total
