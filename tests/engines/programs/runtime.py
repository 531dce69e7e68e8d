#: sys_module
import sys
print(sys.implementation[0], sys.implementation.name, sys.implementation._mpy, sys.byteorder, sys.maxsize, sys.platform, sys.version_info, sys.version[:18])
print(type(sys.path), type(sys.argv), type(sys.modules), "sys" in sys.modules, sys.exc_info())
print(sys.stdout, sys.stdin, hasattr(sys, "exit"), sys.ps1)
sys.stdout.write("written\n")
sys.stdout.buffer.write(b"bytes\n")
print("to stdout", file=sys.stdout)
#: print_forms
print()
print(1, 2, sep="")
print(1, 2, sep=", ", end="!\n")
print("a", end="")
print("b")
print(None, True, 1.0, [1], (1,), {1: 2}, b"x", sep="|")
class F:
    def write(self, s): pass
print(*[1, 2], *"ab")
#: eval_exec
print(eval("1 + 2"), eval("x + 1", {"x": 5}), eval("[i for i in range(3)]"), eval("  3  "))
exec("y = 7")
print(y)
d = {}
exec("a = 1\ndef f(): return a + 1\nb = f()", d)
print(d["a"], d["b"], "__builtins__" in d)
g, l = {"q": 1}, {}
exec("z = q + 1", g, l)
print(l, "z" in g)
def f():
    x = 5
    try: return eval("x")
    except NameError as e: return str(e)
print(f())
exec("print('in exec')")
c = compile("1 + 1", "f", "eval")
print(eval(c), type(c))
exec(compile("w = 3", "f", "exec"))
print(w)
for bad in ("1 +", "for", "x y", "(", "'a", "def f(:", "1 = 2", "return 1", "yield", "break", "a b c", "\t x"):
    try: exec(bad); print("ok", bad)
    except SyntaxError as e: print(repr(bad), type(e).__name__, e)
#: eval_scope
x = "mod"
def f():
    global x
    exec("x = 'changed'")
    return x
print(f())
class A:
    exec("inner = 5")
    v = eval("inner + 1")
print(A.inner, A.v)
print(eval("lambda a: a * 2")(4), eval("x", {"x": 1}, {"x": 2}))
try: eval("undefined_zz")
except NameError as e: print(e)
#: builtins_override
import builtins
builtins.custom = 42
print(custom)
old = builtins.len if hasattr(builtins, "len") else len
def mylen(x): return 99
builtins.len = mylen
print(len([1]))
builtins.len = old
print(len([1]))
del builtins.custom
try: custom
except NameError as e: print(e)
orig = __import__
def imp(*a):
    print("import", a[0], a[3], a[4])
    return orig(*a)
builtins.__import__ = imp
import gc
from sys import path
builtins.__import__ = orig
#: build_class_override
import builtins
orig = builtins.__build_class__
def bc(f, name, *bases):
    print("class", name, len(bases))
    return orig(f, name, *bases)
builtins.__build_class__ = bc
class A: x = 1
class B(A): pass
builtins.__build_class__ = orig
print(B.x)
#: getattr_funcs
class A: x = 1
a = A()
print(getattr(a, "x"), getattr(a, "y", 5), hasattr(a, "x"), hasattr(a, "y"), setattr(a, "z", 3), a.z, delattr(a, "z"), hasattr(a, "z"))
for f in (lambda: getattr(a, "q"), lambda: getattr(a), lambda: getattr(a, 1), lambda: setattr(a, "x"), lambda: delattr(a, "nope")):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: type_funcs
print(type(1), type("a"), type([]), type(type), type(None), type(lambda: 0), type(len), type(print), type(range(1)), type(...), type(NotImplemented), type(1.0), type(1j), type(b""), type(bytearray()), type({}), type(set()), type(frozenset()), type(()), type(object()), type(ValueError()), type(ValueError), type([].append), type(iter([])), type(x for x in []), type(zip()), type(map(len, [])), type(enumerate([])), type(memoryview(b"")), type(property()))
print(isinstance(1, int), isinstance("a", (int, str)), isinstance([], object), isinstance(int, type), isinstance(ValueError(), Exception), issubclass(int, object), issubclass(ValueError, Exception), issubclass(bool, int), isinstance(True, bool), isinstance(len, type(len)), callable(len), callable(int), callable(1), callable(lambda: 0))
for f in (lambda: isinstance(1, 1), lambda: isinstance(1, (int, 1)), lambda: issubclass(1, int), lambda: issubclass(int, 1), lambda: isinstance()):
    try: print(f())
    except TypeError as e: print(e)
print(int is type(1), str is "a".__class__, list == type([]), {int: 1}[type(5)])
#: hash_id
print(hash(1), hash(0), hash(-1), hash(-2), hash(True), hash("a") == hash("a"), hash("") != 0, hash(1.0), hash(2 ** 61), hash("abc"), hash(b"abc"), hash(""), hash("hello world"), hash(10 ** 18))
a = []
print(id(a) == id(a), id(a) != id([]), id(1) == id(1))
#: round_etc
print(chr(65), chr(8364), ord("A"), ord("€"), ord(b"a"), bin(5), hex(255), oct(8), bin(-5), abs(-3), all([1, 2]), any([0]), bool(""), len("abc"), len({1: 2}), repr("a"), sorted([2, 1]), sum((1, 2)), min(3, 1), max("ab"), pow(2, 3), divmod(7, 2), round(1.5), len(range(10)), list(reversed([1, 2])))
#: input_output
import io
s = io.StringIO("line1\nline2\n")
print(s.readline(), s.read(), s.getvalue())
o = io.StringIO()
print("x", 1, file=o)
o.write("y")
print(repr(o.getvalue()))
b = io.BytesIO(b"abc")
print(b.read(2), b.read(), b.seek(0), b.read(1), b.tell())
with io.StringIO() as z: z.write("q"); print(z.getvalue())
#: micropython_module
import micropython
print(micropython.const(5), micropython.opt_level(), type(micropython.mem_info).__name__)
micropython.opt_level(0)
def cb(x): print("cb", x)
micropython.schedule(cb, 1)
for i in range(5): pass
@micropython.bytecode
def f(): return 1
print(f())
#: gc_module
import gc
print(gc.isenabled(), gc.collect() >= 0, gc.mem_free() > 0, gc.mem_alloc() > 0)
gc.disable(); print(gc.isenabled()); gc.enable()
gc.threshold(1000); print(gc.threshold()); gc.threshold(-1); print(gc.threshold())
#: modules_attrs
import sys, math
print(sys.__name__, math.__name__, type(sys), sys, math)
try: math.nope
except AttributeError as e: print(e)
try:
    from math import nope
except ImportError as e: print(e)
try: import nope_module
except ImportError as e: print(e)
try: import sys.foo
except ImportError as e: print(e)
try: from . import x
except ImportError as e: print(e)
try: sys.newattr = 3; print(sys.newattr)
except AttributeError as e: print(e)
#: dunder_name
print(__name__ == "__main__" or __name__.startswith("runtime"), type(__name__))
def f(): return __name__
print(f() == __name__)
#: property_builtin
p = property(lambda self: 1)
class A:
    x = p
    y = property()
    z = property(None, lambda s, v: print("setz", v))
a = A()
print(a.x)
a.z = 4
for f in (lambda: a.y, lambda: a.z):
    try: f()
    except AttributeError as e: print(e)
try: a.x = 3
except AttributeError as e: print(e)
print(p, type(p))
#: errno_oserror
import errno
try: open("/no/such/file")
except OSError as e: print(e.errno == errno.ENOENT, e, repr(e), e.args)
print(errno.errorcode[errno.ENOENT], errno.EEXIST)
#: ellipsis_notimpl
print(..., Ellipsis is ..., NotImplemented, repr(...), bool(...), [...], type(...))
try: NotImplemented()
except TypeError as e: print(e)
#: collections_abc_like
class Seq:
    def __init__(self, d): self.d = d
    def __len__(self): return len(self.d)
    def __getitem__(self, i): return self.d[i]
s = Seq([3, 1, 2])
print(list(s), sorted(s), 1 in s, list(reversed(s)), sum(s), max(s), list(enumerate(s)), list(zip(s, s)), tuple(s), set(s) == {1, 2, 3}, dict(zip(s, "abc")) == {3: "a", 1: "b", 2: "c"})
#: sort_stability_and_cmp
class K:
    def __init__(self, k, n): self.k, self.n = k, n
    def __lt__(self, o): return self.k < o.k
    def __repr__(self): return "%d%s" % (self.k, self.n)
l = [K(2, "a"), K(1, "b"), K(3, "d")]
print(sorted(l), sorted(l, reverse=True), min(l), sorted(l, key=lambda x: -x.k))
l.sort(key=lambda x: x.n)
print(l)
#: const_folding
print(1 + 2 * 3, (4 << 2) | 1, not (1 and 0), -5 // 2, 7 % -3, 2 ** 10, ~7, 1 if True else 2, "a" "b", 1 < 2 < 3, 0xFF & 0x0F, 1.5 + 2, 1_000_000)
#: unicode_idents
ñ = 5
λ = lambda x: x + ñ
print(λ(1), "ñ" in globals())
class Ünï: pass
print(Ünï.__name__)
