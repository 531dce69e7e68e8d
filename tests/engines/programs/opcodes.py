#: constants
print("a", "", 0, -1, 47, 48, -16, -17, 64, -65, 1073741823, 1073741824, -1073741825)
print(12345678901234567890, 1.5, -0.0, 1e100, 3j, b"", b"ab\x00\xff", ..., None, True, False)
print(((1, 2), ("x", (3.5, b"y"))), (), "a string longer than ten bytes")
#: locals_many
def f():
    a0 = 0; a1 = 1; a2 = 2; a3 = 3; a4 = 4; a5 = 5; a6 = 6; a7 = 7; a8 = 8; a9 = 9
    a10 = 10; a11 = 11; a12 = 12; a13 = 13; a14 = 14; a15 = 15; a16 = 16; a17 = 17
    del a3, a17
    a3 = a16 + a15
    try:
        a17
    except NameError as e:
        print("NameError", e)
    return a0 + a1 + a2 + a3 + a14 + a15 + a16
print(f())
#: unbound_local
def f(x):
    if x:
        y = 1
    print(y)
f(1)
try:
    f(0)
except NameError as e:
    print(type(e), e)
def g():
    del z
    z = 1
try:
    g()
except NameError as e:
    print(repr(e))
#: rotations
a, b, c = 1, 2, 3
a, b = b, a
a, b, c = c, a, b
print(a, b, c)
x = y = z = []
x.append(1)
print(y, z, x is z)
l = [1, 2, 3]
l[0], l[1] = l[1], l[0]
print(l)
#: aug_assign
x = 5
x += 2; x -= 1; x *= 3; x //= 2; x %= 7; x **= 3; x <<= 2; x >>= 1; x |= 9; x &= 13; x ^= 6
print(x)
f = 7.0
f /= 2
print(f)
class A:
    v = 1
o = A()
o.v += 10
print(o.v, A.v)
d = {1: 2}
d[1] += 5
l = [1]
l += (2, 3)
l *= 2
print(d, l)
#: compare_chain
def p(x):
    print(x, end=" ")
    return x
print(p(1) < p(2) < p(3))
print(p(1) < p(1) < p(3))
print(1 < 2 > 1 != 3 == 3)
print(1 in [1] in [[1]])
#: bool_ops
for a in (0, 1, "", "x"):
    for b in (0, 5):
        print(a and b, a or b, not a, a and not b, (a or b) and a, 1 if a else 2)
#: subscripts
l = list(range(10))
print(l[0], l[-1], l[2:5], l[:3], l[7:], l[-3:-1], l[::2], l[::-1], l[8:2:-2])
l[2:4] = [20, 30, 40]
print(l)
del l[0]
del l[1:3]
print(l)
t = (1, 2, 3)
print(t[1:], t[-1], "abc"[1], "abc"[1:], b"abc"[1], b"abc"[:2])
d = {(1, 2): 3}
print(d[1, 2])
class S:
    def __getitem__(self, i):
        return i
print(S()[1], S()[1:2], S()[1:2:3], S()[:], S()[1, 2], S()[::2, 1])
#: jumps_far
def f(n):
    t = 0
    while n:
        n -= 1
        if n % 2:
            t += 1; t += 2; t += 3; t += 4; t += 5; t += 6; t += 7; t += 8; t += 9; t += 10
            t -= 1; t -= 2; t -= 3; t -= 4; t -= 5; t -= 6; t -= 7; t -= 8; t -= 9; t -= 10
            t += 1; t += 2; t += 3; t += 4; t += 5; t += 6; t += 7; t += 8; t += 9; t += 10
            t -= 1; t -= 2; t -= 3; t -= 4; t -= 5; t -= 6; t -= 7; t -= 8; t -= 9; t -= 10
            continue
        if n == 4:
            break
        t += 1000
    else:
        print("else")
    return t
print(f(3), f(10))
#: unpack
a, b = [1, 2]
(a, (b, c)), d = (1, (2, 3)), 4
print(a, b, c, d)
a, *b = [1, 2, 3]
print(a, b)
*a, b = "xyz"
print(a, b)
a, *b, c = range(6)
print(a, b, c)
a, *b, c = (1, 2)
print(a, b, c)
[a, b] = {5: 1, 6: 2}
print(sorted([a, b]))
for bad in ([1], [1, 2, 3], 5, "a", {}, iter([1]), iter([1, 2, 3])):
    try:
        a, b = bad
    except (ValueError, TypeError) as e:
        print(type(e).__name__, e)
try:
    a, *b, c = [1]
except ValueError as e:
    print(e)
#: build
print([], (), {}, [1], (1,), {1}, {1: 2}, [1, [2, [3]]], {"a": [1, {"b": 2}]})
print(len({1, 1, 2}), set([3]), frozenset((4,)))
print({i: i * i for i in range(4)}, [i for i in range(5) if i % 2], {i % 2 for i in range(5)})
print([(i, j) for i in range(3) for j in range(i)])
print(list(i for i in (1, 2)), sum(i * j for i in range(4) for j in range(4) if i != j))
print({k: [v for v in range(k)] for k in range(3)})
#: dict_display_order
def v(x):
    print(x, end=" ")
    return x
d = {v(1): v(2), v(3): v(4)}
print(d[1], d[3])
#: range_loops
for i in range(3): print(i, end=" ")
for i in range(2, 5): print(i, end=" ")
for i in range(10, 0, -3): print(i, end=" ")
for i in range(0): print("no")
else: print("else")
n = 4
for i in range(n):
    n = 2
    i = 7
    print(i, n, end=" ")
print(i)
for i in range(5):
    if i == 2: continue
    if i == 4: break
    print(i, end=";")
else:
    print("not")
print()
#: range_loop_order
def a(): print("start"); return 0
def b(): print("stop"); return 2
for i in range(a(), b()):
    print(i)
#: range_loop_types
try:
    for i in range(1.5): pass
except TypeError as e: print("TypeError")
r = range
for i in range(2 ** 62, 2 ** 62 + 2): print(i)
def f():
    range = lambda n: [7, 8]
    for i in range(2): print(i)
f()
#: while_else
i = 0
while i < 3:
    i += 1
else:
    print("done", i)
while True:
    i += 1
    if i > 6: break
else:
    print("never")
print(i)
while 0: print("no")
else: print("zero")
#: conditional_import_star
from micropython import const
X = const(5)
_Y = const(6)
print(X + _Y)
import sys as s, micropython as m
print(s.platform, m.const(3))
from sys import platform as p, maxsize
print(p, maxsize)
#: is_identity
a = 1000
b = 1000
print(a is b, a + 1 is 1001, None is None, "ab" is "ab", () is (), True is True, a is not None)
x = []
print(x is x, x is [], [] is not [])
#: delete
x = 1
del x
try: x
except NameError as e: print(e)
try:
    del x
except KeyError as e: print("KeyError", e)
def f():
    global gg
    gg = 1
    del gg
    try: del gg
    except KeyError as e: print("KeyError", e)
f()
class A: pass
a = A(); a.x = 1
del a.x
try: del a.x
except AttributeError as e: print(e)
try: a.x
except AttributeError as e: print(e)
l = [1, 2]
del l[0], l[0]
print(l)
d = {1: 1}
del d[1]
try: del d[1]
except KeyError as e: print("KeyError", e)
#: walrus
if (n := 10) > 5: print(n)
print([y := 1, y ** 2])
print([(z := i) for i in range(3)], z)
def f():
    return [last := x for x in range(4)], last
print(f())
while (n := n - 4) > 0: print(n)
#: fstrings
a, b = 5, "x"
print(f"{a} {b!r} {a + 1:>4} {a:03d} {{}} {b:*^5} {3.14159:.2f}")
print(f"{'nested ' + str(a)}")
w = 6
print(f"{a:{w}}|{b:<{w}}|")
#: nonlocal_cells
def counter():
    n = 0
    def inc(by=1):
        nonlocal n
        n += by
        return n
    def get():
        return n
    return inc, get
i, g = counter()
i(); i(5)
print(g())
def late():
    def f(): return x
    try: f()
    except NameError as e: print(type(e).__name__, e)
    x = 3
    print(f())
    del x
    try: f()
    except NameError as e: print(type(e).__name__, e)
late()
#: loop_closures
fs = []
for i in range(3):
    def f(i=i): return i
    fs.append(f)
print([f() for f in fs])
def mk():
    out = []
    for i in range(3):
        out.append(lambda: i)
    return [f() for f in out]
print(mk())
print([f() for f in [lambda: i for i in range(3)]])
#: deep_expressions
print(((((1 + 2) * 3 - 4) // 5) ** 2) | 8 & 12 ^ 3 << 2 >> 1)
print(-2 ** 2, (-2) ** 2, not 1 == 2, ~5, +-3, - - 3, 7 // -2, -7 // 2, 7 % -3, -7 % 3)
print(1 + 2 if 0 else 3 + 4, [1, 2, 3][1] + (4, 5)[0])
print(1 < 2 and 2 < 3 or 0, 1 and 0 or 5)
#: many_args
def f(*a, **k): return len(a), sorted(k)
print(f(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, x=1, y=2, z=3))
def g(a, b, c, d, e, f, g, h): return [a, b, c, d, e, f, g, h]
print(g(1, 2, 3, 4, 5, 6, 7, 8))
class C:
    def m(self, *a, **k): return len(a), sorted(k)
c = C()
print(c.m(), c.m(1), c.m(1, 2), c.m(1, 2, 3), c.m(1, 2, 3, 4, k=1), c.m(a=1), c.m(1, a=1), c.m(1, 2, a=1))
print(f(), f(1), f(a=1), f(1, a=1), f(1, 2, a=1), f(1, 2, 3, a=1, b=2))
