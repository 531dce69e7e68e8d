# Big integers: factorials, digits of pi, modular powers.


def factorial(n):
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result


def digits_of_pi(count):
    q, r, t, k, n, l = 1, 0, 1, 1, 3, 3
    digits = []
    while len(digits) < count:
        if 4 * q + r - t < n * t:
            digits.append(n)
            q, r, n = 10 * q, 10 * (r - n * t), (10 * (3 * q + r)) // t - 10 * n
        else:
            q, r, t, k, n, l = (
                q * k,
                (2 * q + r) * l,
                t * l,
                k + 1,
                (q * (7 * k + 2) + r * l) // (t * l),
                l + 2,
            )
    return digits


def power(base, exponent, modulus):
    result = 1
    base %= modulus
    while exponent:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


def work(size):
    total = len(str(factorial(size)))
    total += sum(digits_of_pi(size // 2))
    prime = (1 << 127) - 1
    for i in range(2, size // 4):
        total += power(i, prime - 2, prime) & 0xFF
    return total
