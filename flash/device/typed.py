# For devices without room for the agent: the host types calls of these functions, each
# compiled by itself. It puts a driver in front (erase, prog, look) and sets B, a buffer,
# and LOOK.


def total(a, n):
    c = 0
    while n:
        k = min(n, LOOK)
        c = crc32(look(a, k), c)
        a += k
        n -= k
    return c


def fill(i, b, c):
    if crc32(b) != c:
        return 1
    B[i : i + len(b)] = b


def put(a, n, c):
    return prog(a, B[:n]) or total(a, n) - c
