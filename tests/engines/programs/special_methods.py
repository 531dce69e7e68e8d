#: init_subclass
class Base:
    def __init_subclass__(cls, **k): print("init_subclass")
    def __class_getitem__(cls, i): return i
class Sub(Base): pass
try: print(Base[1])
except TypeError as e: print(e)
#: getattribute
class G:
    def __getattribute__(self, n): return "ga"
    x = 1
print(G().x)
#: plain
class S:
    __slots__ = ("a",)
s = S(); s.b = 2; print(s.b, S.__slots__)
#: index
class I:
    def __index__(self): return 2
try: print([1,2,3][I()])
except TypeError as e: print(e)
#: int
class N:
    def __int__(self): return 2
try: print([1,2,3][N()])
except TypeError as e: print(e)
print(int(N()), range(5)[N()] , "abc"[N()], [0]*N(), b"abc"[N()], chr(N()) == "\x02")
#: format
class F:
    def __format__(self, s): return "fmt"
    def __str__(self): return "str"
print("{}".format(F()), f"{F()}")
#: del
class D:
    def __del__(self): print("del")
d = D(); del d
#: bytes
class B:
    def __bytes__(self): return b"bytes"
    def __len__(self): return 2
    def __iter__(self): return iter([1,2])
print(bytes(B()))
#: round
class R:
    def __round__(self): return 5
try: print(round(R()))
except TypeError as e: print(e)
#: length_hint
class L:
    def __length_hint__(self): return 5
    def __len__(self): raise ValueError("len")
try: len(L())
except ValueError as e: print(e)
#: contains
class C:
    def __contains__(self, x): raise KeyError(x)
try: 1 in C()
except KeyError as e: print(repr(e))
#: init
class Cmp:
    def __init__(s, v): s.v = v
    def __lt__(s, o): return s.v < o.v
    def __gt__(s, o): return s.v > o.v
print(sorted([Cmp(2), Cmp(1)])[0].v, max(Cmp(1), Cmp(3)).v, min([Cmp(4), Cmp(2)]).v)
#: eq
class Eq:
    def __eq__(s, o): return "eq"
    def __ne__(s, o): return "ne"
    def __hash__(s): return 5
print(Eq() == 1, Eq() != 1, 1 == Eq(), 1 != Eq(), Eq() in [2], [Eq()] == [3])
#: add
class A:
    def __add__(s, o): return "add"
    def __radd__(s, o): return "radd"
    def __iadd__(s, o): return "iadd"
    def __imul__(s, o): return "imul"
    def __mul__(s, o): return "mul"
a = A(); print(a + 1, 1 + a, sum([a]), sum([1, a]))
b = a; b += 1; print(b)
b = a; b *= 2; print(b)
#: call
class Call:
    def __call__(self, *a, **k): return self, a, sorted(k)
c = Call(); print(c(1, x=2)[1:], callable(c), list(map(c, [1]))[0][1])
c.__call__ = lambda: 5
print(c()[1:])
#: iter
class It:
    def __iter__(self): yield from (1, 2)
print(list(It()), sum(It()), dict(zip(It(), "ab")))
#: reversed
class Rev:
    def __reversed__(self): return iter("rev")
print(list(reversed(Rev())))
#: enter
class Ctx:
    def __enter__(s): return s
    def __exit__(s, *a): return a[0] is ValueError
with Ctx(): raise ValueError
try:
    with Ctx(): raise KeyError
except KeyError: print("through")
#: plain_19
class Q:
    x = property(lambda s: s.y)
try: Q().x
except AttributeError as e: print(e)
#: m
class T:
    def m(self): return type(self).__name__
class U(T): pass
print(U().m(), U.m(T()), super(U, U()).m())
#: f
class V:
    a = b = 1
    def f(s): return s.a
    g = f
print(V().g(), V.g(V()))
#: init_22
class W:
    def __init__(self, **k):
        for n in k: setattr(self, n, k[n])
print(W(q=1).q)
#: new
class X:
    def __new__(cls, *a): return object.__new__(cls)
    def __init__(self, *a): self.a = a
print(X(1, 2).a)
class Y(X):
    def __new__(cls, v): o = super().__new__(cls); o.v = v; return o
print(Y(3).v, Y(3).a)
print(isinstance(Y(1), X), type(Y(1)) is Y, Y.__bases__, issubclass(Y, (int, X)))
#: deco
def deco(c): c.tag = 1; return c
@deco
class Z: pass
print(Z.tag)
#: plain_25
class M(type(Z) if 0 else object): pass
#: init_26
class E1(Exception):
    def __init__(self, msg): self.msg = msg
    def __str__(self): return "E1:" + self.msg
try: raise E1("q")
except E1 as e: print(e, repr(e), e.args)
class E2(E1): pass
try: raise E2("w")
except E1 as e: print(e, type(e))
