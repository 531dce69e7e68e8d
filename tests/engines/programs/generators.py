#: basics
def g(n):
    for i in range(n): yield i
print(list(g(3)), sum(g(4)), [x for x in g(2)], tuple(g(0)), 2 in g(5), max(g(3)), *g(2))
a, b = g(2)
print(a, b)
x = g(1)
print(next(x))
for i in range(2):
    try: next(x)
    except StopIteration as e: print("stop", e.value, e.args)
print(iter(x) is x, type(x))
#: send
def acc():
    t = 0
    while True:
        v = yield t
        if v is None: return t
        t += v
a = acc()
print(next(a), a.send(5), a.send(7))
try: next(a)
except StopIteration as e: print(e.value)
b = acc()
try: b.send(1)
except TypeError as e: print(e)
print(b.send(None), b.send(3))
#: throw
def g():
    while True:
        try: v = yield 1
        except ValueError as e:
            print("caught", repr(e))
            yield 2
        except KeyError: return "key"
x = g(); next(x)
print(x.throw(ValueError), next(x), x.throw(ValueError("m")), next(x), x.throw(ValueError, ValueError("n")))
next(x)
try: x.throw(KeyError)
except StopIteration as e: print(e.value)
try: x.throw(ValueError)
except (StopIteration, ValueError) as e: print(type(e).__name__)
y = g()
try: y.throw(TypeError("unstarted"))
except TypeError as e: print(e)
try: next(y)
except StopIteration: print("done")
z = g(); next(z)
for bad in (5, None, "x", int):
    try: z.throw(bad)
    except Exception as e: print(type(e).__name__, e)
#: close
def g():
    try:
        yield 1
        yield 2
    except GeneratorExit:
        print("exit")
        raise
    finally: print("fin")
x = g(); next(x); print(x.close(), x.close())
x = g(); print(x.close())
try: next(x)
except StopIteration: print("stop")
def bad():
    try: yield 1
    except GeneratorExit: yield 2
x = bad(); next(x)
try: x.close()
except RuntimeError as e: print(e)
def ret():
    try: yield 1
    except GeneratorExit: return 5
x = ret(); next(x); print(x.close())
def other():
    try: yield 1
    finally: raise ValueError("in close")
x = other(); next(x)
try: x.close()
except ValueError as e: print(e)
#: yield_from
def inner():
    r = yield 1
    print("inner got", r)
    yield 2
    return "ret"
def outer():
    v = yield from inner()
    print("v", v)
    w = yield from [10, 20]
    print("w", w)
    yield from range(2)
    return "end"
o = outer()
print(next(o), o.send("hi"), list(o))
def f():
    x = yield from ()
    return x
try: next(f())
except StopIteration as e: print(e.value)
#: yield_from_throw
def inner():
    try:
        yield 1
        yield 2
    except ValueError as e:
        print("in", e)
        yield 3
    finally: print("infin")
def outer():
    try: yield from inner()
    except KeyError as e: print("out", repr(e)); yield 9
    print("after")
o = outer(); next(o); print(o.throw(ValueError("v")), list(o))
o = outer(); next(o); print(o.throw(KeyError("k")), list(o))
o = outer(); next(o); o.close(); print("closed")
def it():
    yield from iter([1, 2])
i = it(); next(i)
try: i.throw(ValueError("list"))
except ValueError as e: print(e)
#: yield_from_custom
class It:
    def __init__(self): self.n = 0
    def __iter__(self): return self
    def __next__(self):
        self.n += 1
        if self.n > 3: raise StopIteration("val")
        return self.n
    def send(self, v): print("send", v); return next(self)
    def throw(self, *a): print("throw", a[0] if isinstance(a[0], type) else type(a[0])); return "thrown"
    def close(self): print("close")
def g():
    r = yield from It()
    print("r", r)
x = g()
print(next(x), x.send(5), x.throw(ValueError), next(x))
try: next(x)
except StopIteration: print("end")
y = g(); next(y); y.close()
#: yield_from_errors
def g(): yield from 5
try: next(g())
except TypeError as e: print(e)
def h(): yield from h2()
def h2():
    yield 1
    raise KeyError("h2")
try: print(list(h()))
except KeyError as e: print(repr(e))
#: stopiteration_inside
def g():
    yield 1
    raise StopIteration("x")
try: list(g())
except RuntimeError as e: print(e)
def h():
    yield next(iter([]))
try: list(h())
except RuntimeError as e: print(e)
def k():
    try: yield next(iter([]))
    except StopIteration: yield "ok"
print(list(k()))
#: recursion_executing
def g():
    global x
    yield next(x)
x = g()
try: next(x)
except ValueError as e: print(e)
#: genexpr
g = (i * 2 for i in range(3))
print(next(g), list(g), type(g))
print(list((a, b) for a in "xy" for b in range(2)), sum(x for x in (y * y for y in range(4))))
def f(n): return (i + n for i in range(3) if i != 1)
print(list(f(10)))
try: (x for x in 5)
except TypeError as e: print(e)
e = (1 // x for x in (1, 0))
print(next(e))
try: next(e)
except ZeroDivisionError as z: print(z)
try: next(e)
except StopIteration: print("finished")
#: yield_expressions
def g():
    x = (yield 1) or (yield 2)
    y = [(yield), (yield 3)]
    z = (yield (yield 4))
    print(x, y, z)
    return x
it = g()
out = [next(it)]
for v in (0, "a", "b", "c", "d", "e"):
    try: out.append(it.send(v))
    except StopIteration as e: out.append(e.value)
print(out)
#: in_loops_and_try
def g():
    for i in range(3):
        try:
            if i == 1: continue
            yield i
        finally: yield "f%d" % i
    else: yield "else"
print(list(g()))
def h():
    with C() as c:
        yield c
        yield 2
class C:
    def __enter__(self): print("enter"); return 1
    def __exit__(self, *a): print("exit", a[0])
print(list(h()))
x = h(); next(x); x.close()
#: closures
def mk(n):
    def g():
        nonlocal n
        while n:
            n -= 1
            yield n
    return g
g = mk(3)
print(list(g()), list(g()))
class K:
    def __init__(self): self.v = 2
    def it(self):
        for i in range(self.v): yield self, i
print([i for _, i in K().it()])
#: args
def g(a, b=2, *c, d=4, **e): yield a, b, c, d, sorted(e)
print(next(g(1)), next(g(1, 3, 5, d=6, z=1)))
try: g()
except TypeError as e: print(e)
#: infinite
def fib():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b
print([x for x, _ in zip(fib(), range(15))])
def take(n, it): return [x for _, x in zip(range(n), it)]
def primes():
    d = {}; q = 2
    while True:
        if q not in d: yield q; d[q * q] = [q]
        else:
            for p in d[q]: d.setdefault(p + q, []).append(p)
            del d[q]
        q += 1
print(take(10, primes()))
#: tree
class T:
    def __init__(self, v, l=None, r=None): self.v, self.l, self.r = v, l, r
    def __iter__(self):
        if self.l: yield from self.l
        yield self.v
        if self.r: yield from self.r
print(list(T(5, T(2, T(1), T(3)), T(8))))
#: pend_throw
def g():
    i = 0
    while True:
        try: yield i
        except ValueError: print("pend")
        i += 1
x = g()
if hasattr(x, "pend_throw"):
    print(next(x), next(x))
    print(x.pend_throw(ValueError()))
    print(next(x))
    v = ValueError("q")
    x.pend_throw(v)
    print(x.pend_throw(None) is v, next(x))
#: async_basic
async def a(): return 5
async def b():
    x = await a()
    return x + 1
def run(c):
    try:
        while True: print("yield", c.send(None))
    except StopIteration as e: return e.value
print(run(b()), type(a()), type(a))
class Aw:
    def __iter__(self):
        x = yield "w"
        return 7
async def c(): return await Aw()
print(run(c()))
async def d():
    try: await e()
    except ValueError as x: return "caught " + str(x)
async def e(): raise ValueError("async")
print(run(d()))
#: async_with
class CM:
    def __init__(self, sup=False): self.sup = sup
    async def __aenter__(self): print("aenter"); return 3
    async def __aexit__(self, t, v, tb): print("aexit", t, v); return self.sup
async def f(how):
    for i in range(2):
        async with CM(how == "sup") as x:
            if how == "ret": return x
            if how == "break": break
            if how == "cont": continue
            if how in ("raise", "sup"): raise ValueError("v")
            print("body", x)
        print("after")
    return "end"
def run(c):
    try:
        while True: c.send(None)
    except StopIteration as e: return e.value
for how in ("none", "ret", "break", "cont", "sup"): print(how, run(f(how)))
try: run(f("raise"))
except ValueError as e: print("out", e)
#: async_for
class AI:
    def __init__(self, n): self.n = n; self.i = 0
    def __aiter__(self): return self
    async def __anext__(self):
        if self.i >= self.n: raise StopAsyncIteration
        self.i += 1
        return self.i
async def f():
    async for x in AI(3): print(x)
    else: print("else")
    async for x in AI(5):
        if x == 2: continue
        if x == 4: break
        print("b", x)
    else: print("never")
    try:
        async for x in AI(2): raise ValueError(x)
    except ValueError as e: print(repr(e))
def run(c):
    try:
        while True: c.send(None)
    except StopIteration as e: return e.value
run(f())
