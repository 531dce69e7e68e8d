# ruff: noqa  (odd on purpose: what the compiler makes of it is the point)
# What the other programs leave out: many locals, deletions, chained raises, keyword defaults.
flag = 1
gone = 2
del gone


def many(a, b, c, d, e, f, g, h):
    i, j, k, l, m, n, o, p = a, b, c, d, e, f, g, h
    q = r = s = t = 0
    for u in range(3):
        q, r = r + u, q
        s += q * r
        t = [q, r, s, u]
        v = t[-1]
    del v
    return a + i + q + s, t


def forget():
    global flag
    kept = [1]

    def show(x, y=2, *, z=3):
        return kept, x, y, z, q

    q = 5
    before = show(1, z=4)
    del flag
    try:
        del q
        show(0)
    except NameError as error:
        before += (error.args,)
    return before


def chain(n):
    try:
        try:
            raise ValueError(n)
        except ValueError as first:
            if n:
                raise KeyError("k") from first
            raise
    except (KeyError, ValueError) as second:
        return repr(second)


def scan(rows):
    for number, row in enumerate(rows):
        for cell in row:
            if not cell:
                break
        else:
            return number
    return -1


def counter(start):
    total = start

    def step(by=1):
        nonlocal total
        total += by
        yield total
        if total < 9:
            yield from step(by + 1)

    return list(step())


log = [many(1, 2, 3, 4, 5, 6, 7, 8), forget(), chain(0), chain(1)]
log.append(scan([[1, 0], [2, 3], []]))
log.append(counter(1))
log.append([x for x in range(8) if x % 2 for y in range(x) if y])
log.append(sorted({"b": 1, "a": 2}.items(), key=lambda item: item[1], reverse=True))
log.append(bytes([1, 2]) + bytearray(b"3") and {1, 2} & {2} or (1 << 3, 5 >> 1, -7 // 2, 2**3))
