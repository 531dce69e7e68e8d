#: basics
class A:
    x = 1
    def __init__(self, y): self.y = y
    def get(self): return self.x + self.y
a = A(2)
print(a.get(), A.get(a), A.x, a.x)
a.x = 5
print(a.get(), A.x)
A.x = 7
print(A(1).get(), A.__name__, A.__qualname__, A.__module__, type(a), a.__class__)
print(isinstance(a, A), isinstance(a, object), isinstance(1, A), issubclass(A, object))
print(A.__bases__, type(A), a.__module__, a.__qualname__)
#: inheritance
class A:
    def __init__(self): print("A init")
    def f(self): return "A.f"
    def g(self): return self.f()
class B(A):
    def f(self): return "B.f+" + super().f()
class C(B):
    def __init__(self):
        super().__init__()
        print("C init")
    def f(self): return "C.f+" + super().f()
c = C()
print(c.g(), isinstance(c, A), issubclass(C, (int, A)), C.__bases__)
#: diamond
class X:
    def f(self): return "X"
    def g(self): return "Xg"
class L(X):
    pass
class R(X):
    def f(self): return "R"
    def g(self): return "Rg"
class D(L, R): pass
print(D().f(), D().g())
class L2(X):
    def g(self): return "L2g " + super().g()
class D2(L2, R):
    def g(self): return "D2 " + super().g()
print(D2().g())
class M(R, L): pass
print(M().f())
#: odd_mro
class A: pass
class B(A): pass
try:
    class C(A, B):
        pass
    print("made", C())
except TypeError as e: print(e)
class P:
    def f(self): return "P"
class Q(P):
    def f(self): return "Q"
class Z(P, Q): pass
print(Z().f())
#: super_forms
class A:
    def f(self, x): return x
    @classmethod
    def c(cls): return cls.__name__
    @staticmethod
    def s(): return "s"
    attr = 5
    @property
    def p(self): return 9
class B(A):
    def f(self, x):
        s = super()
        return s.f(x) + super(B, self).f(x) + s.attr
    @classmethod
    def c(cls): return "B" + super().c()
    @staticmethod
    def s(): return "Bs"
    def t(self): return super().s(), super().p
    def missing(self): return super().nope
b = B()
print(b.f(3), B.c(), b.c(), B.s(), b.t())
try: b.missing()
except AttributeError as e: print(e)
#: super_in_comprehension_args
class A:
    def v(self, *a, **k): return (a, sorted(k.items()))
class B(A):
    def v(self, *a, **k): return super().v(0, *a, z=1, **k)
print(B().v(1, 2, q=3))
#: properties
class A:
    def __init__(self): self._x = 1
    @property
    def x(self):
        print("get")
        return self._x
    @x.setter
    def x(self, v):
        print("set", v)
        self._x = v
    @x.deleter
    def x(self):
        print("del")
    y = property(lambda self: 42)
a = A()
print(a.x)
a.x = 5
print(a.x, a.y)
del a.x
try: a.y = 1
except AttributeError as e: print(e)
try: del a.y
except AttributeError as e: print(e)
class B(A): pass
b = B()
b.x = 8
print(b.x)
#: descriptors
class D:
    def __get__(self, obj, typ): return ("get", obj is None, typ.__name__)
    def __set__(self, obj, v): print("set", v)
    def __delete__(self, obj): print("delete")
    def __set_name__(self, owner, name): print("name", owner.__name__, name)
class A:
    d = D()
a = A()
print(a.d)
a.d = 4
del a.d
print(A.d)
#: getattr_hooks
class A:
    z = 1
    def __getattr__(self, n):
        if n == "bad": raise AttributeError("no " + n)
        return "got " + n
a = A()
print(a.q, a.z, getattr(a, "w"), hasattr(a, "bad"), hasattr(a, "ok"))
try: a.bad
except AttributeError as e: print(e)
class B:
    def __setattr__(self, n, v):
        print("set", n, v)
        object.__setattr__(self, n, v * 2)
    def __delattr__(self, n):
        print("del", n)
        object.__delattr__(self, n)
b = B()
b.x = 2
print(b.x)
del b.x
print(hasattr(b, "x"))
#: attribute_errors
class A: pass
a = A()
for f in (lambda: a.x, lambda: A.x, lambda: (1).x, lambda: "".x, lambda: [].x, lambda: None.x, lambda: len.x,
          lambda: (lambda: 0).x, lambda: a.f(), lambda: int.x, lambda: type.x, lambda: object().x, lambda: ().x, lambda: {}.x, lambda: (1.5).x):
    try: f()
    except AttributeError as e: print(e)
for f in (lambda: setattr(1, "x", 1), lambda: setattr([], "x", 1), lambda: setattr(int, "x", 1), lambda: setattr(len, "x", 1),
          lambda: setattr(object(), "x", 1), lambda: setattr(None, "x", 1), lambda: delattr(a, "x"), lambda: delattr(A, "x"), lambda: delattr([], "x"), lambda: setattr("", "x", 2)):
    try: f()
    except AttributeError as e: print(e)
#: special_arith
class V:
    def __init__(self, v): self.v = v
    def __repr__(self): return "V(%r)" % self.v
    def __add__(self, o): return V(self.v + (o.v if isinstance(o, V) else o))
    def __radd__(self, o): return V(o + self.v)
    def __sub__(self, o): return V(self.v - o.v)
    def __mul__(self, o): return V(self.v * o)
    def __rmul__(self, o): return V(o * self.v * 10)
    def __neg__(self): return V(-self.v)
    def __invert__(self): return "inv"
    def __pos__(self): return "pos"
    def __abs__(self): return abs(self.v)
    def __iadd__(self, o):
        self.v += 100
        return self
    def __eq__(self, o): return isinstance(o, V) and self.v == o.v
    def __lt__(self, o): return self.v < o.v
    def __le__(self, o): return self.v <= o.v
    def __divmod__(self, o): return "dm", o
    def __matmul__(self, o): return "mat"
    def __pow__(self, o): return "pow", o
    def __truediv__(self, o): return "td"
    def __floordiv__(self, o): return "fd"
    def __mod__(self, o): return "mod"
    def __lshift__(self, o): return "ls"
    def __rshift__(self, o): return "rs"
    def __and__(self, o): return "and"
    def __or__(self, o): return "or"
    def __xor__(self, o): return "xor"
a, b = V(1), V(2)
print(a + b, a + 1, 1 + a, a - b, a * 3, 3 * a, -a, ~a, +a, abs(V(-5)))
print(a == V(1), a != V(1), a < b, b > a, a <= b, a >= b if 0 else "", divmod(a, 2), a @ b, a ** 2, a / 1, a // 1, a % 1)
print(a << 1, a >> 1, a & 1, a | 1, a ^ 1)
c = a
c += 1
print(c, a is c)
c -= V(1)
print(c, a is c)
print(sorted([V(3), V(1), V(2)]), min([V(3), V(1)]), max(V(1), V(2)), V(1) in [V(0), V(1)], [V(1), V(2)].index(V(2)))
#: special_errors
class E: pass
e = E()
for f in (lambda: e + 1, lambda: 1 + e, lambda: -e, lambda: e < e, lambda: e[0], lambda: len(e), lambda: e(), lambda: iter(e), lambda: next(e),
          lambda: 1 in e, lambda: abs(e), lambda: int(e), lambda: float(e), lambda: e @ e, lambda: ~e, lambda: e ** 2, lambda: "a" + e, lambda: [1] + e, lambda: [] * e, lambda: hash(e) and 0, lambda: {e: 1}[E()] ):
    try: print(f())
    except (TypeError, KeyError) as x: print(type(x).__name__, x if not isinstance(x, KeyError) else "")
def dele(): del e[0]
def sete(): e[0] = 1
for f in (dele, sete):
    try: f()
    except TypeError as x: print(x)
#: containers
class S:
    def __init__(self): self.d = {}
    def __getitem__(self, k): return self.d[k]
    def __setitem__(self, k, v): self.d[k] = v
    def __delitem__(self, k): del self.d[k]
    def __len__(self): return len(self.d)
    def __contains__(self, k): return k == "magic" or k in self.d
    def __iter__(self): return iter(sorted(self.d))
    def __bool__(self): return True
    def __call__(self, *a, **k): return a, k
s = S()
s["a"] = 1
s["b"] = 2
s["a"] += 10
print(s["a"], len(s), "magic" in s, "z" not in s, list(s), bool(s), s(1, x=2))
del s["b"]
print(list(s))
try: s["zz"]
except KeyError as e: print(repr(e))
#: bool_len
class B:
    def __init__(self, v): self.v = v
    def __bool__(self): return self.v
class L:
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
for o in (B(True), B(False), L(0), L(3), object()):
    print(bool(o), not o, "T" if o else "F", o and 1 or 2)
#: repr_str
class A:
    def __repr__(self): return "repr"
class B:
    def __str__(self): return "str"
class C(A, B): pass
for c in (A, B, C):
    o = c()
    print(str(o)[:4], "%s" % o if c is not B else "", [o] if c is not B else "", "{}".format(o))
class D: pass
print(str(D())[:10], repr(D())[:10])
#: hash_eq
class K:
    def __init__(self, v): self.v = v
    def __hash__(self): return self.v
    def __eq__(self, o): return self.v == o.v
d = {K(1): "a"}
print(d[K(1)], K(2) in d, len({K(1), K(1), K(2)}), hash(K(5)))
class U:
    def __eq__(self, o): return True
try: hash(U())
except TypeError as e: print(e)
try: {U(): 1}
except TypeError as e: print(e)
#: new_init
class A:
    def __new__(cls, *a):
        print("new", cls.__name__, a)
        return super().__new__(cls)
    def __init__(self, *a): print("init", a)
A(1, 2)
class B:
    def __new__(cls): return 42
    def __init__(self): print("never")
print(B())
class C:
    def __init__(self): return 1
try: C()
except TypeError as e: print(e)
class N:
    pass
print(type(N(1, 2)) is N)
class S:
    inst = None
    def __new__(cls):
        if cls.inst is None: cls.inst = object.__new__(cls)
        return cls.inst
print(S() is S())
#: static_class_methods
class A:
    n = 0
    @staticmethod
    def s(x): return x * 2
    @classmethod
    def c(cls, x=1):
        cls.n += x
        return cls.__name__, cls.n
    def plain(x): return x
    lam = lambda self: 7
    builtin = len
    fn = str
class B(A): pass
print(A.s(2), A().s(3), A.c(), B.c(5), A.n, B.n, B().c(), A.plain(9), A().lam(), A().builtin([1, 2]), A().fn(5))
f = A.c
print(f(2))
#: class_body
x = "global"
class A:
    x = "class"
    y = x
    z = [x for i in range(1)]
    def f(self): return x
    for i in range(3):
        pass
    if True:
        w = i
    class In:
        v = 5
        def g(self): return "inner"
    print(sorted(k for k in locals() if not k.startswith("_")))
print(A.y, A.z, A().f(), A.w, A.In.v, A.In().g(), A.In.__qualname__)
def mk(v):
    class L:
        w = v
        def f(self): return v
    return L
print(mk(3).w, mk(4)().f())
#: class_cell
class A:
    def f(self): return __class__
    def g(self): return lambda: __class__.__name__
print(A().f() is A, A().g()())
#: type_call
def f(self): return self.v
T = type("T", (), {"v": 3, "f": f})
print(T().f(), T.__name__, T)
U = type("U", (T,), {"v": 4})
print(U().f(), issubclass(U, T), type(T), type(type))
for a in ((), ("a",), ("a", ()), ("a", (), {}, 1), (1, 2, 3)):
    try: print(type(*a))
    except TypeError as e: print("TypeError", e)
for base in (bool, type(lambda: 0), 5, None):
    try: type("X", (base,), {})
    except TypeError as e: print(e)
#: instance_dict
class A:
    def __init__(self):
        self.a = 1
        self.b = 2
o = A()
print(o.__dict__ == {"a": 1, "b": 2})
d = o.__dict__
try:
    d["c"] = 3
except TypeError as e: print("TypeError", e)
print(hasattr(o, "c"))
print("__module__" in A.__dict__, "__init__" in A.__dict__)
#: dir_instances
class A:
    k = 1
    def __init__(self): self.z = 1
    def m(self): pass
print([n for n in sorted(dir(A())) if n[0] != "_"], [n for n in sorted(dir(A)) if n[0] != "_"])
print("append" in dir([]), "casefold" in dir(""), "x" in dir())
#: list_subclass
class L(list):
    def first(self): return self[0]
    def __len__(self): return 99
l = L([3, 1, 2])
l.append(0)
l.sort()
print(l, l.first(), len(l), l[1:], isinstance(l, list), list(l), l == [0, 1, 2, 3], 3 in l)
class I(list):
    def __init__(self, *a):
        super().__init__(a)
        self.extra = len(a)
i = I(1, 2, 3)
print(i, i.extra, i + [4], [x for x in i])
class N(list):
    def __init__(self, x): self.x = x
n = N([5, 6])
print(n, n.x)
#: dict_subclass
class D(dict):
    def __getitem__(self, k): return "got " + k
    def extra(self): return len(self)
d = D()
d["a"] = 1
d["b"] = 2
print(d["a"], d.get("a"), d.extra(), "a" in d, sorted(d.keys()), sorted(d))
class M(dict):
    def __missing__(self, k): return 5
try: print(M()["x"])
except KeyError as e: print("KeyError", e)
#: tuple_str_int_subclass
class T(tuple):
    def total(self): return sum(self)
t = T((1, 2, 3))
print(t, t.total(), t[1], len(t), t == (1, 2, 3), t + (4,))
class S(str):
    def shout(self): return self.upper() + "!"
s = S("abc")
print(s, s.shout(), s + "d", len(s), s == "abc", "b" in s, s[0], repr(s))
class N(int):
    def double(self): return self * 2
n = N(21)
print(n.double(), n + 1, n == 21, int(n), n < 50)
#: exception_subclass
class E(Exception):
    def __init__(self, a, b):
        super().__init__(a)
        self.b = b
    def __str__(self): return "E!" + str(self.b)
try: raise E(1, 2)
except E as e: print(e, repr(e), e.args, e.b)
class F(ValueError): pass
try: raise F("x", 1)
except ValueError as e: print(e, repr(e), e.args, type(e))
class G(Exception):
    def __init__(self, x): self.x = x
g = G(5)
print(g.args, g.x, repr(g))
#: context_manager
class C:
    def __init__(self, sup): self.sup = sup
    def __enter__(self):
        print("enter")
        return self
    def __exit__(self, t, v, tb):
        print("exit", t, v, tb)
        return self.sup
with C(False) as c: print("body", c.sup)
with C(True): raise ValueError("hidden")
try:
    with C(False): raise ValueError("seen")
except ValueError as e: print(e)
with C(0), C(1) as d: raise KeyError(1)
#: iter_protocol
class R:
    def __init__(self, n): self.n = n; self.i = 0
    def __iter__(self): return self
    def __next__(self):
        if self.i >= self.n: raise StopIteration
        self.i += 1
        return self.i
print(list(R(3)), sum(R(4)), [x for x in R(2)], 2 in R(3), tuple(R(1)), sorted(R(3), reverse=True), max(R(3)))
a, b = R(2)
print(a, b, *R(2))
class G:
    def __getitem__(self, i):
        if i > 2: raise IndexError
        return i * 10
print(list(G()), 20 in G(), [x for x in G()])
#: self_type_check
for f in (lambda: list.append(1, 2), lambda: str.upper(1), lambda: dict.get([], 1)):
    try: f()
    except TypeError as e: print("TypeError")
print(str.upper("a"), list.index([1, 2], 2), dict.get({1: 2}, 1), "".join(map(str.lower, "AB")))
#: operators_reverse_only
class R:
    def __radd__(self, o): return ("radd", o)
    def __rsub__(self, o): return ("rsub", o)
    def __rtruediv__(self, o): return ("rtd", o)
    def __rpow__(self, o): return ("rpow", o)
    def __rmod__(self, o): return ("rmod", o)
r = R()
print(1 + r, 2 - r, "a" + r, [1] + r, 3 / r, 2 ** r, 5 % r)
try: r + 1
except TypeError as e: print(e)
#: notimplemented
class A:
    def __add__(self, o): return NotImplemented
    def __eq__(self, o): return NotImplemented
    def __lt__(self, o): return NotImplemented
class B:
    def __radd__(self, o): return "B.radd"
    def __gt__(self, o): return "B.gt"
print(A() + B(), A() == A(), A() != 5)
for f in (lambda: A() + 1, lambda: A() < 1):
    try: print(f())
    except TypeError as e: print(e)
#: class_attr_store
class A:
    x = 1
class B(A): pass
B.x = 2
print(A.x, B.x)
del B.x
print(B.x)
A.m = lambda self: "added"
print(B().m())
b = B()
A.x = [1]
b.x.append(2)
print(A.x)
B.new = staticmethod(lambda: "st")
print(b.new(), B.new())
#: name_no_mangling
class A:
    __secret = 5
    def __init__(self): self.__x = 1
a = A()
print(a._A__x if hasattr(a, "_A__x") else a.__x, A.__secret)
#: multiple_native_bases
try:
    class X(list, dict): pass
except TypeError as e: print(e)
class Mix:
    def hello(self): return "hi"
class Y(Mix, list): pass
y = Y([1])
print(y.hello(), y)
class Z(list, Mix): pass
print(Z([2]).hello())
