# Recursion: fibonacci, ackermann, hanoi, queens.


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hanoi(n, a, b, c):
    if n == 0:
        return 0
    return hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)


def queens(n, row, columns, left, right):
    if row == n:
        return 1
    found = 0
    for column in range(n):
        bit = 1 << column
        up = 1 << (row + column)
        down = 1 << (row - column + n)
        if not (columns & bit or left & up or right & down):
            found += queens(n, row + 1, columns | bit, left | up, right | down)
    return found


def work(size):
    return fib(size // 12 + 8) + ackermann(2, 9) + hanoi(11, 1, 2, 3) + queens(6, 0, 0, 0, 0)
