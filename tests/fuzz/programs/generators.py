# ruff: noqa  (odd on purpose: what the compiler makes of it is the point)
# Generators, comprehensions, async functions run by hand.
def count(n):
    i = 0
    while i < n:
        got = yield i
        i += got or 1


def outer(n):
    r = yield from count(n)
    yield r
    try:
        yield "try"
    finally:
        yield "finally"


class Ticker:
    def __init__(self, n):
        self.n = n

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, value, trace):
        return kind is ValueError

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.n:
            raise StopAsyncIteration
        self.n -= 1
        return self.n


async def work(n):
    seen = []
    async with Ticker(n) as t:
        async for k in t:
            if k == 2:
                continue
            seen.append(k)
            if k == 7:
                return seen
        if n == 5:
            raise ValueError
    async with Ticker(1):
        for q in seen:
            if q:
                break
    return seen


def run(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


out = [list(outer(3)), sum(i * i for i in range(5)), {k: v for k, v in zip("ab", (1, 2))}]
out.append({t % 3 for t in range(9)})
out.append([[y for y in range(z)] for z in range(4) if z % 2])
for n in (0, 3, 5, 9):
    out.append(run(work(n)))
g = count(9)
next(g)
out.append(g.send(3))
g.close()
