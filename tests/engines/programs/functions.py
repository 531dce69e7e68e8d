#: defaults
def f(a, b=2, c=3): return a, b, c
print(f(1), f(1, 5), f(1, c=7), f(c=1, a=2), f(b=1, a=0, c=2))
def g(a=[]):
    a.append(1)
    return a
g(); print(g())
x = 1
def h(a=x): return a
x = 2
print(h())
#: varargs
def f(*a): return a
def g(a, *b): return a, b
def h(a, *b, c=1, **d): return a, b, c, sorted(d.items())
print(f(), f(1), f(1, 2), f(*[1, 2], *(3,)), f(*"ab"), f(*{1: 2}))
print(g(1), g(1, 2, 3), h(1), h(1, 2, c=3, z=4, y=5), h(*[1, 2], **{"c": 5, "k": 6}))
print(f(*range(3), 7), f(0, *[1], 2, *[3, 4]))
#: keyword_only
def f(a, *, b, c=3): return a, b, c
print(f(1, b=2), f(1, b=2, c=4), f(b=1, a=2))
for call in (lambda: f(1), lambda: f(1, 2), lambda: f(1, b=1, d=2), lambda: f(b=1), lambda: f(1, c=1)):
    try: print(call())
    except TypeError as e: print(e)
#: binding_errors
def f0(): pass
def f1(a): pass
def f2(a, b): pass
def d(a, b=1): pass
def va(a, *b): pass
def kw(a, **k): pass
for call in (
    lambda: f0(1), lambda: f0(x=1), lambda: f1(), lambda: f1(1, 2), lambda: f2(1), lambda: f2(1, 2, 3),
    lambda: d(), lambda: d(1, 2, 3), lambda: va(), lambda: kw(), lambda: kw(1, 2), lambda: f1(a=1, b=2),
    lambda: f1(1, a=1), lambda: f2(a=1), lambda: f2(b=1), lambda: d(b=3), lambda: kw(1, a=2), lambda: f2(1, 2, a=3),
    lambda: f1(*[1, 2]), lambda: f2(*[1]), lambda: f2(**{"a": 1}), lambda: f1(**{"z": 1}), lambda: f0(*[1], **{"q": 1})):
    try: call(); print("ok")
    except TypeError as e: print(e)
#: method_binding_errors
class A:
    def m(self): pass
    def n(self, a, b=2): pass
    @staticmethod
    def s(a): pass
    @classmethod
    def c(cls, a): pass
a = A()
for call in (lambda: a.m(1), lambda: a.n(), lambda: a.n(1, 2, 3), lambda: a.s(), lambda: a.c(), lambda: A.m(),
             lambda: A.n(a), lambda: a.m(x=1), lambda: a.n(1, a=2), lambda: a.c(1, 2)):
    try: call(); print("ok")
    except TypeError as e: print(e)
#: builtin_binding_errors
for call in (lambda: len(), lambda: len(1, 2), lambda: abs(), lambda: [].append(), lambda: [].append(1, 2),
             lambda: {}.get(), lambda: {}.get(1, 2, 3), lambda: "".join(), lambda: int(1, 2, 3), lambda: ord("ab"),
             lambda: chr(-1), lambda: len(x=1), lambda: [].pop(1, 2), lambda: isinstance(1), lambda: getattr(1),
             lambda: list(1, 2), lambda: dict(1, 2), lambda: range(), lambda: range(1, 2, 3, 4), lambda: "".upper(1),
             lambda: sorted(), lambda: divmod(1), lambda: pow(1), lambda: iter(), lambda: next()):
    try: print(call())
    except (TypeError, ValueError) as e: print(type(e).__name__, e)
#: star_errors
def f(*a, **k): return a, k
for call in (lambda: f(*1), lambda: f(**1), lambda: f(**{1: 2}), lambda: f(a=1, **{"a": 2}), lambda: f(**{"a": 1}, **{"a": 2})):
    try: print(call())
    except (TypeError, AttributeError) as e: print(type(e).__name__, e)
#: star_mapping
class M:
    def keys(self): return ["x", "y"]
    def __getitem__(self, k): return k * 2
def f(**k): return sorted(k.items())
print(f(**M()), f(a=1, **M(), **{"z": 3}))
#: star_iterators
def g():
    yield 1
    yield 2
class I:
    def __iter__(self): return iter([7, 8])
def f(*a): return a
print(f(*g()), f(*I()), f(*[], *()), f(*map(str, [1, 2])))
#: lambdas
print((lambda: 1)(), (lambda x, y=2: x + y)(1), (lambda *a, **k: (a, k))(1, z=2))
print(list(map(lambda x: x * x, range(4))), sorted([3, 1, 2], key=lambda x: -x))
f = lambda n: 1 if n < 2 else n * f(n - 1)
print(f(20))
#: function_attributes
def foo(): pass
print(foo.__name__, (lambda: 0).__name__)
for name in ("__doc__", "__dict__", "__code__x", "__defaults__", "x"):
    print(name, hasattr(foo, name))
try: foo.x = 1
except AttributeError as e: print(e)
print(callable(foo), type(foo), foo == foo, foo != len)
#: recursion
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(15))
def ack(m, n):
    if m == 0: return n + 1
    if n == 0: return ack(m - 1, 1)
    return ack(m - 1, ack(m, n - 1))
print(ack(2, 3))
def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
print(depth(50))
def forever(): return forever()
try: forever()
except RuntimeError as e: print(e)
#: closures_star
def outer(a, *b, c=1, **d):
    def inner():
        return a, b, c, sorted(d)
    return inner
print(outer(1, 2, 3, c=4, e=5)())
def deep(x):
    def l1():
        def l2():
            def l3(): return x
            return l3
        return l2
    return l1
print(deep(9)()()())
#: closure_kw
def f(a, b):
    def g(c, d=a, *, e=b):
        return a, b, c, d, e
    return g
g = f(1, 2)
print(g(3), g(3, 4), g(3, e=5))
for call in (lambda: g(), lambda: g(1, 2, 3), lambda: g(1, x=1)):
    try: call()
    except TypeError as e: print(e)
#: decorators
def deco(f):
    print("deco", f.__name__)
    def w(*a, **k):
        print("call", a, sorted(k))
        return f(*a, **k)
    return w
def param(n):
    def d(f):
        def w(*a): return [f(*a)] * n
        return w
    return d
@deco
def add(a, b=1): return a + b
print(add(1), add(1, b=5))
@param(2)
@deco
def one(x): return x
print(one(3))
@deco
class K: pass
print(type(K()))
#: global_statement
x = 1
def f():
    global x, y
    x += 1
    y = x
f()
print(x, y)
def g():
    x = 10
    def h():
        global x
        x = 20
    h()
    return x
print(g(), x)
#: locals_globals
a = 1
def f():
    b = 2
    return "a" in locals(), "b" in locals(), "a" in globals(), "b" in globals()
print(f())
globals()["dyn"] = 5
print(dyn, "dyn" in locals())
class C:
    z = 1
    print("z" in locals(), "a" in locals(), "a" in globals())
#: call_order
def t(x):
    print(x, end=" ")
    return x
def f(*a, **k): print(a, sorted(k.items()))
f(t(1), t(2), a=t(3), b=t(4))
f(*[t(1)], t(2), **{"x": t(3)}, y=t(4))
t([1])[t(0)]
d = {}
d[t(1)] = t(2)
print()
#: not_callable
class A: pass
for x in (1, "a", None, [], A(), 1.5, (1,)):
    try: x()
    except TypeError as e: print(e)
    try: x(1, 2, 3, a=1)
    except TypeError as e: print(e)
#: return_values
def f(x):
    if x: return
    return 1, 2
print(f(0), f(1))
def g():
    for i in range(5):
        for j in range(5):
            if i * j == 6: return i, j
print(g())
#: default_mutation
def f(a, d={}):
    d[a] = 1
    return d
f(1)
print(f(1) is f(1))
#: bound_methods
class A:
    def __init__(self, v): self.v = v
    def get(self, k=0): return self.v + k
m = A(5).get
print(m(), m(1), m(k=2), [m() for _ in range(2)])
print(A.get(A(7)), A.get(A(7), 1))
l = [3, 1, 2]
s = l.sort
s()
print(l, list(map("a{}".format, [1, 2])))
print([].append == [].append, A(1).get == A(1).get)
