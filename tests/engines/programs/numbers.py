#: int_arith
for a in (0, 1, -1, 7, -7, 255, 12345678901234567890, -98765432109876543210):
    for b in (1, -1, 3, -3, 1000, 98765432109876543210):
        print(a + b, a - b, a * b, a // b, a % b, divmod(a, b), a & b, a | b, a ^ b, a == b, a < b, a >= b)
#: int_shift
for a in (0, 1, -1, 5, -5, 2 ** 70, -2 ** 70):
    for n in (0, 1, 5, 31, 32, 63, 64, 100):
        print(a << n, a >> n, end=" ")
    print(~a, -a, +a, abs(a), not a)
#: int_pow
for a in (0, 1, -1, 2, -3, 10):
    for n in (0, 1, 2, 5, 33, 70):
        print(a ** n, end=" ")
    print()
print(pow(2, 10, 1000), pow(3, 200, 13), pow(7, 0, 5), 2 ** -1, 4 ** 0.5, (-8) ** (1 / 3), 0 ** 0, 0.0 ** 0, pow(2, 100))
#: int_parse
for s in ("0", "12", "-12", "+5", " 7 ", "0x1f", "0b11", "0o17", "1_000", "a", "", "-", "0x", "12a", "1.5", "９", "99999999999999999999", "\n5\t"):
    for b in (None, 0, 10, 16, 2):
        try: print(repr(s), b, int(s) if b is None else int(s, b))
        except ValueError as e: print(repr(s), b, e)
print(int("z", 36), int("-zz", 36), int(b"12"), int(bytearray(b"7")), int(3.99), int(-3.99), int(True), int("0" * 50 + "1"))
#: int_bytes
for v in (0, 1, 255, 256, 65535, 123456789, 2 ** 64 - 1):
    for n in (1, 2, 4, 8, 10):
        for o in ("big", "little"):
            try: print(v.to_bytes(n, o), end=" ")
            except OverflowError as e: print("O", end=" ")
    print()
print(int.from_bytes(b"\x01\x02", "big"), int.from_bytes(b"\x01\x02", "little"), int.from_bytes(b"", "big"), int.from_bytes(b"\xff" * 10, "little"), int.from_bytes(bytearray(b"\x80"), "big"))
#: int_format
for v in (0, 5, -5, 255, 2 ** 65, -2 ** 65):
    print(bin(v), oct(v), hex(v), str(v), repr(v), "%d %x %o" % (v, v, v), "{:b} {:,}".format(v, v))
#: big_ints
a = 3 ** 200
print(a, a // 7 ** 50, a % 10 ** 30, a * a, -a // 3, a >> 100, a & (2 ** 64 - 1), a | 1, a ^ a, len(str(a ** 3)))
f = 1
for i in range(1, 60): f *= i
print(f, f == f + 0, f > 1e80, float(3 ** 50), int(1e20), 2 ** 64 - 1, -2 ** 63, 10 ** 40 == 10 ** 40)
print(hash(2 ** 100) == hash(2 ** 100), bool(2 ** 100), 2 ** 100 in [2 ** 100], {2 ** 70: 1}[2 ** 70])
#: int_limits
import sys
print(sys.maxsize, sys.maxsize + 1, -sys.maxsize - 2, 2 ** 62, 2 ** 62 - 1, -2 ** 62, -2 ** 62 - 1, (2 ** 62) * 2, 4611686018427387903 + 1, -4611686018427387904 - 1)
#: bools
print(True + True, True * 5, False - 1, True == 1, True is True, -True, ~True, True & False, True | False, True ^ True, True and 3, isinstance(True, int), int(True), str(True), bool([]), bool("a"), bool(0.0), bool(None), hash(True))
print([1, 2][True], "ab"[False], True < 2, sum([True, True]), {True: "a"}[1], {1: "b"}[True])
#: float_basic
for x in (0.0, -0.0, 1.0, -1.5, 3.14159, 1e10, 1e15, 1e16, 1e17, 1e-4, 1e-5, 1e100, 1e-100, 123456789.0, 0.1, 1 / 3, 2 / 3, 1e300 * 1e10, -1e300 * 1e10):
    print(x, repr(x), str(x), x == x, x + 1, x * 2, -x, abs(x), bool(x))
nan = float("nan")
print(nan, nan == nan, nan != nan, nan < 1, float("inf") > 1e308, float("-inf"), float("inf") - float("inf"))
#: float_arith
for a in (7.5, -7.5, 0.5):
    for b in (2, -2, 2.5, -0.3):
        print(a + b, a - b, a * b, a / b, a // b, a % b, divmod(a, b))
print(7 / 2, 6 / 2, -7 / 2, 7 // 2.0, 7 % 2.5, 2 ** 0.5, 2.0 ** 3, 1e3, 5 / 1e-5, 10 ** 20 / 10 ** 10, 1 / 10 ** 400 if 0 else 0, 2 ** 100 / 2 ** 99)
#: float_parse
for s in ("1", "1.5", "-1.5e3", "+.5", "5.", ".5", "1e5", "1E-5", "inf", "-inf", "nan", "infinity", "Inf", " 2.5 ", "1e", "", ".", "e5", "1.5.5", "0x10", "1_0", "--1", "1e400", "1e-400"):
    try: print(repr(s), float(s))
    except ValueError as e: print(repr(s), e)
print(float(), float(5), float(True), float(b"1.5"), float(2 ** 70), float("1" + "0" * 30))
#: float_int_compare
print(1 == 1.0, 1 < 1.5, 2 ** 53 == 2.0 ** 53, 2 > 1.99, 1.0 in [1], {1: "a"}[1.0], hash(1.0) == hash(1), 0.1 + 0.2 == 0.3, 3 == 3.0 == True + 2)
print(round(2.5), round(3.5), round(-2.5), round(2.675, 2), round(1234.5, -2), round(5), round(15, -1), round(0.5), round(1.5), round(-0.4), round(1e20), round(3.14159, 3))
for x in (float("inf"), float("nan")):
    try: round(x)
    except (OverflowError, ValueError) as e: print(type(e).__name__, e)
    try: int(x)
    except (OverflowError, ValueError) as e: print(type(e).__name__, e)
#: float_format
for x in (0.0, 1.0, 1.5, 123.456, 1e-7, 1e21, -2.25):
    print("%f %.0f %.3f %e %.1e %g %G" % ((x,) * 7), "{:f} {:.2f} {:e} {:g} {:8.2f} {:+.1f} {:08.2f}".format(*((x,) * 7)))
#: float_repr
for x in (9.995, 1e23, 1e22, 5e-324, 6.4897455e26, 12345678901234567.0, 1000000000000000.25, 0.1 + 0.2, 1 / 3, 7.6e-8, 9241.97619, 1e16, 4503599627370497.5):
    print(x, -x, [x], "%s" % x, "{}".format(x), "%.17g" % x, "{:.3}".format(x))
#: complex
a, b = 1 + 2j, 3 - 1j
print(a + b, a - b, a * b, a / b, -a, +a, a == b, a == 1 + 2j, abs(3 + 4j), a.real, a.imag, a + 1, 1 + a, 2 * a, a ** 2, complex(1, 2), complex(1), complex("1+2j"), complex(1j), bool(0j), 1j, -1j, 1.5 + 0j, 0j)
print(a ** 0.5, 1j ** 2, 2 ** 1j, complex(1.5, -0.5), repr(1e20j), hash(1j) == hash(1j), 1j != 1, str(2 - 3.5j))
for f in (lambda: a < b, lambda: a // b, lambda: a % b, lambda: int(a), lambda: float(a), lambda: complex("x"), lambda: a & 1, lambda: 1j / 0, lambda: divmod(a, b), lambda: abs("x"), lambda: ~a, lambda: a.x):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: math_builtin
print(abs(-5), abs(5.5), abs(-2 ** 70), min(1, 2.0, -3), max([1, 5, 2]), max("abc"), min("b", "a"), max(1, 2, key=lambda x: -x), min([], default=7), max([3], default=0), sum([1, 2, 3]), sum([1.5], 2), sum([[1], [2]], []), divmod(7, 3), divmod(-7, 3), divmod(7.5, 2), pow(2, 3))
for f in (lambda: max([]), lambda: min(()), lambda: max(), lambda: max(1), lambda: min(1, "a"), lambda: sum(["a"]), lambda: sum([1], "a"), lambda: divmod(1, 0), lambda: divmod("a", 1), lambda: max(1, 2, foo=1)):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: mixed_ops
vals = (0, 1, -2, 1.5, True, 2 ** 70, 1j, "a", None, [1], (1,))
import sys
for op in ("+", "-", "*", "/", "//", "%", "&", "<<"):
    for a in vals:
        for b in (1, 2.5, "b", [2], (2,), None):
            if op == "<<" and b == 2.5: continue
            try: r = eval("a %s b" % op, {"a": a, "b": b})
            except Exception as e: r = type(e).__name__ + " " + str(e)
            print(a if not isinstance(a, str) else repr(a), op, b, "=", r)
