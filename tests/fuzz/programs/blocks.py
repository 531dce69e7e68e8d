# ruff: noqa  (odd on purpose: what the compiler makes of it is the point)
# try, finally, with and loops in each other, left in every way.
log = []


class Manager:
    def __init__(self, name, silent=False):
        self.name = name
        self.silent = silent

    def __enter__(self):
        log.append("+" + self.name)
        return self.name

    def __exit__(self, kind, value, trace):
        log.append("-" + self.name)
        return self.silent


def crossing(n):
    for i in range(n):
        try:
            if i == 1:
                continue
            if i == 3:
                return i
            log.append(i)
        finally:
            log.append(-i)
    return None


def nested(n):
    with Manager("a") as a, Manager(a + "b"):
        for x in (1, 2, 3):
            try:
                if x == n:
                    break
                if n > 5:
                    raise ValueError(n)
            except ValueError as error:
                log.append(error.args)
                return "caught"
            else:
                log.append("else")
            finally:
                for y in [x, x + 1]:
                    if y == 3:
                        return y
    return a


def silenced():
    with Manager("s", True):
        raise OSError(5)
    return "after"


def again():
    try:
        try:
            raise KeyError("k")
        finally:
            try:
                log.append("f")
            finally:
                log.append("ff")
    except (IndexError, KeyError):
        try:
            raise
        except KeyError as k:
            return k.args[0]


def loop():
    n = 0
    while True:
        n += 1
        try:
            if n < 4:
                continue
            break
        except OSError:
            pass
        finally:
            n += 10
    return n


for n in range(8):
    log.append(crossing(n))
    log.append(nested(n))
log.append(silenced())
log.append(again())
log.append(loop())
