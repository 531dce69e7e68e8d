# Number crunching: primes by sieve, then greatest common divisors and collatz lengths.


def sieve(limit):
    flags = bytearray(limit + 1)
    count = 0
    for n in range(2, limit + 1):
        if flags[n] == 0:
            count += 1
            for multiple in range(n * n, limit + 1, n):
                flags[multiple] = 1
    return count


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def collatz(n):
    steps = 0
    while n != 1:
        if n & 1:
            n = 3 * n + 1
        else:
            n >>= 1
        steps += 1
    return steps


def work(size):
    total = sieve(size * 20)
    for a in range(1, size):
        total += gcd(a * 7919, 104729 - a)
    for n in range(1, size):
        total += collatz(n)
    return total
