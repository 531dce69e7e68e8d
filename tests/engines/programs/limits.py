#: l0
def make_id(n, base="a"): return "".join(chr(ord(base) + i % 26) for i in range(n))
for l in range(254, 259):
    g = {}
    var = make_id(l)
    try: exec(var + "=1", g)
    except RuntimeError as er: print("RuntimeError", er, l); continue
    print(var in g)
#: l1
def make_id(n, base="a"): return "".join(chr(ord(base) + i % 26) for i in range(n))
def f(**k): print(len(list(k)[0]))
for l in range(254, 259):
    try: exec("f({}=1)".format(make_id(l)))
    except RuntimeError as er: print("RuntimeError", er, l)
#: l2
def make_id(n, base="a"): return "".join(chr(ord(base) + i % 26) for i in range(n))
class A: pass
for l in range(254, 259):
    id = make_id(l)
    a = A()
    try: setattr(a, id, 123)
    except RuntimeError as er: print("RuntimeError", er, l)
    try: print(len(dir(a)) > 0)
    except RuntimeError as er: print("RuntimeError", er, l)
#: l3
def make_id(n, base="a"): return "".join(chr(ord(base) + i % 26) for i in range(n))
for l in range(254, 259):
    try: print("%" + "(" + make_id(l) + ")d" if 0 else ("%(" + make_id(l) + ")d") % {make_id(l): l})
    except RuntimeError as er: print("RuntimeError", er, l)
#: l4
def make_id(n, base="a"): return "".join(chr(ord(base) + i % 26) for i in range(n))
for l in range(150, 155): 
    try: __import__(make_id(l*2))
    except Exception as er: print(type(er).__name__, l)
#: l5
def g(n):
    try: exec("def f(" + ",".join("a%d" % i for i in range(n)) + "): return 1\nprint(f(" + ",".join("1" for i in range(n)) + "))")
    except Exception as e: print(n, type(e).__name__, e)
for n in (1, 100, 200, 255, 256, 300): g(n)
#: l6
for n in (10, 100, 300):
    try: exec("x=[" + ",".join(str(i) for i in range(n)) + "]\nprint(len(x))")
    except Exception as e: print(n, e)
#: l7
try: exec("x=" + "(" * 60 + "1" + ")" * 60 + "\nprint(x)")
except Exception as e: print(type(e), e)
#: l8
try: exec("a=0\nfor i in range(3):\n" + " a+=1\n" * 3000 + "print(a)")
except Exception as e: print(type(e), e)
#: l9
d = {}
for i in range(500): d["k%d" % i] = i
print(sum(d.values()), len(d.copy()))
#: l10
import gc
class N:
    def __init__(self, d): self.c = [N(d - 1) for _ in range(2)] if d else []
    def n(self): return 1 + sum(x.n() for x in self.c)
print(N(7).n()); gc.collect()
#: l11
l = list(range(2000)); l.sort(key=lambda x: -x); print(l[0], l[-1])
print(sorted(str(i) for i in range(30))[:3])
#: l12
def depth(n): return n if n == 0 else depth(n - 1)
try: depth(10**5)
except RuntimeError as e: print(e)
#: l13
try: eval("1" + "+1" * 500)
except Exception as e: print(type(e), e)
print(eval("1" + "+1" * 200))
