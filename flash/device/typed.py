# For devices without room for the agent: the host types calls of these functions.
# The host puts a driver in front (erase, prog, look) and sets CHUNK and LOOK.
B = memoryview(bytearray(CHUNK))


def total(a, n):
    c = 0
    while n:
        k = min(n, LOOK)
        c = crc32(look(a, k), c)
        a += k
        n -= k
    return c


def fill(i, b):
    B[i : i + len(b)] = b


def put(a, n, c):
    if crc32(B[:n]) != c:
        print("damaged")
        return
    r = prog(a, B[:n])
    if r:
        print("error", r)
    elif total(a, n) != c:
        print("wrong")
    else:
        print("ok")


def show(a, n):
    print("".join(["%02x" % x for x in look(a, n)]))
