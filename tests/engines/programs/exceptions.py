#: basics
try: raise ValueError
except ValueError as e: print(repr(e), str(e), e.args)
try: raise ValueError("a", 1)
except (KeyError, ValueError) as e: print(repr(e), str(e), e.args)
for c in (KeyError, OSError, StopIteration, SystemExit, Exception, BaseException, ImportError):
    for a in ((), (1,), ("x",), (1, "y"), (2, 3, 4)):
        e = c(*a)
        print(repr(e), str(e), e.args, end="; ")
    print()
#: attributes
for e in (OSError(2), OSError(2, "x"), OSError(), OSError("t"), StopIteration(5), StopIteration(), ValueError(3), OSError(9999)):
    print(repr(e), str(e), e.errno, e.value, e.args)
try: e.foo = 1
except AttributeError as x: print(x)
try: e.foo
except AttributeError as x: print(x)
e.__traceback__ = None
#: hierarchy
for c in (ArithmeticError, AssertionError, AttributeError, EOFError, GeneratorExit, ImportError, IndentationError, IndexError, KeyError,
          KeyboardInterrupt, LookupError, MemoryError, NameError, NotImplementedError, OSError, OverflowError, RuntimeError, StopIteration,
          StopAsyncIteration, SyntaxError, SystemExit, TypeError, UnicodeError, ValueError, ZeroDivisionError):
    print(c.__name__, c.__bases__, issubclass(c, Exception), c)
#: try_else_finally
def f(x):
    try:
        if x == 1: raise ValueError
        if x == 2: return "ret"
        if x == 3: raise KeyError
    except ValueError:
        print("ve")
    else:
        print("else")
    finally:
        print("fin")
    return "end"
for i in range(4):
    try: print(f(i))
    except KeyError: print("KeyError out")
#: nested_finally
def f():
    try:
        try:
            try: 1 / 0
            finally: print("a")
        finally: print("b")
    except ZeroDivisionError as e: print("c", e)
    finally: print("d")
f()
def g():
    for i in range(3):
        try:
            try:
                if i == 0: continue
                if i == 1: raise ValueError(i)
                return i
            finally: print("in", i)
        except ValueError as e: print("caught", e)
        finally: print("out", i)
print(g())
#: finally_overrides
def a():
    try: return 1
    finally: return 2
def b():
    try: raise ValueError
    finally: return 3
def c():
    while True:
        try: return 1
        finally: break
    return 4
def d():
    for i in range(3):
        try: raise ValueError
        finally: continue
    return i
def e():
    try:
        try: raise ValueError(1)
        finally: raise KeyError(2)
    except KeyError as x: return repr(x)
print(a(), b(), c(), d(), e())
#: finally_values
def f(n):
    for i in range(n):
        try:
            try:
                if i == 2: return i
            finally:
                print("f", i)
                if i == 3: break
        finally:
            print("g", i)
    return "done"
print(f(2), f(5))
def g():
    x = []
    try:
        x.append(1)
        return x
    finally:
        x.append(2)
print(g())
def h():
    for x in [1, 2]:
        for y in [3, 4]:
            try:
                if y == 4: break
            finally:
                for z in (5, 6):
                    try: continue
                    finally: print(x, y, z)
h()
#: reraise
def f():
    try: raise ValueError("one")
    except ValueError:
        try: raise KeyError("two")
        except KeyError: pass
        raise
try: f()
except Exception as e: print(repr(e))
def g():
    try:
        try: raise ValueError("a")
        except ValueError as e: raise e
    except ValueError as e2: print(repr(e2))
g()
def h(): raise
try: h()
except RuntimeError as e: print(e)
try:
    try: 1 / 0
    except ZeroDivisionError: h()
except RuntimeError as e: print("inner", e)
#: raise_forms
for x in (ValueError, ValueError(), ValueError("m"), 5, None, "s", int, [], type):
    try: raise x
    except TypeError as e: print("TypeError", e)
    except ValueError as e: print("ValueError", e.args)
try: raise ValueError("x") from None
except ValueError as e: print(e)
try: raise ValueError("x") from KeyError("y")
except ValueError as e: print(e)
class E(Exception):
    def __init__(self): print("made"); super().__init__("q")
try: raise E
except E as e: print(e)
#: except_tuple
for x in (ValueError, KeyError, IndexError, TypeError):
    try: raise x
    except (ValueError, KeyError): print("1")
    except LookupError: print("2")
    except: print("3")
try:
    try: raise ValueError
    except (5, ValueError): pass
except TypeError as e: print("TypeError")
try:
    try: raise ValueError
    except "str": pass
except TypeError as e: print("TypeError")
try:
    try: raise ValueError("v")
    except (ValueError, 5) as e: print(e)
except TypeError as e: print("TypeError")
#: except_name
e = 5
try: raise ValueError
except ValueError as e: pass
try: print(e)
except NameError as x: print(x)
def f():
    e = 1
    try: raise KeyError("k")
    except KeyError as e:
        print(repr(e))
    try: return e
    except NameError as x: return str(x)
print(f())
def g():
    for i in range(3):
        try: raise ValueError(i)
        except ValueError as e:
            if e.args[0] == 1: continue
            if e.args[0] == 2: break
        print("loop", i)
g()
#: host_errors
import sys
tests = """1/0
1//0
1%0
1.0/0
0.0//0
5%0.0
divmod(1,0)
2**-1
0**-1
[][0]
()[1]
''[0]
b''[0]
{}[1]
{}['a']
[1,2][5]
[].pop()
{}.pop(1)
set().pop()
[].remove(1)
[].index(1)
'a'.index('b')
b'a'.index(b'b')
int('x')
int('')
int('12', 3)
int('9', 8)
int('1', 1)
int(None)
int([])
float('x')
float([])
1+'a'
'a'+1
[]+()
{}+{}
None+1
1<'a'
[]<1
-'a'
~1.5
not_defined
(1).foo
5()
5[0]
len(5)
iter(5)
next(5)
next(iter([]))
for_x(5)
ord('')
ord('ab')
chr(0x110000)
chr('a')
hash([])
{[]: 1}
{1}|5
'%d'%'a'
'%d %d'%1
'%d'%(1,2)
'{}'.format()
'{a}'.format()
'abc'.split('')
[1,2,3][::0]
range(1,2,0)
'a'*'b'
[1]*1.5
1<<-1
1>>-1
1&1.0
1|None
isinstance(1,2)
issubclass(1,int)
abs('a')
round('a')
sum(['a'])
sum(5)
max([])
min()
sorted([1,'a'])
[3,'x'].sort()
dict([1])
dict([(1,2,3)])
list(5)
tuple(1)
set([[]])
bytes('a')
bytes([256])
bytes([-1])
bytes(-1)
bytearray([1000])
bytes(['a'])
str(b'\\xff', 'utf8')
b'\\xff'.decode()
'a'.join([1])
b''.join(['a'])
''.join(5)
1 in 5
1 in 'abc'
'a' in b'abc'
slice(1)
type('x')()
object().x
memoryview(5)
eval('1+')
eval('x y')
exec('for')
compile('1','f','bad')
__import__('nope')
getattr(1,2)
getattr(1,'x')
setattr(1,'x',2)
pow(2,-1,5)
pow(2,3,0)
pow('a',1)
zip(1)
map(1)
list(map(1,[1]))
enumerate(5)
reversed(5)
list(reversed({}))
filter(None)
bin('a')
hex(1.5)
complex('x')
1j<2j
1j//2
int(1j)
float('inf')//1
int(float('inf'))
int(float('nan'))
(1).to_bytes(0,'big')
(300).to_bytes(1,'big')
int.from_bytes('a','big')
'abc'.foo()
[1,2].append()
(lambda x: x)()
open('/no/such/file')
"a".center('x')
'abc'.find(1)
'abc'.replace(1,2)
'abc'.startswith(1)
'abc'.count(1)
'a'.split(1)
'abc'['a']
'abc'[1.0]
[1][None]
(1,)['x']
[1]['a':]
{}.fromkeys()
{}.update(1)
{}.update([1])
dict(a=1).x
set().add([])
frozenset().add(1)
frozenset([1]).remove(1)
range(5)[10]
range(5)['a']
1 if [] < [None] else 2
[1]<[None]
(1,2)<(1,'a')
next(zip())
input(1,2)
globals(1)
id()
callable()
all(1)
any(1)
all([1],2)
dir(1,2)
chr()
super()
super(1,2)
property(1).foo
staticmethod()
[].sort(1)
sorted([1],lambda x:x)
sorted([2,1],key=5)
print(foo=1)
print(sep=1)
print(1,end=5)
int.foo
str.foo
hasattr(1,1)
delattr(1,'a')
(1,2,3).index(9)
bytearray(b'a').append(300)
bytearray(b'a').append('x')
bytearray(b'a')[5]
memoryview(b'abc')[5]
'%c'%'ab'
'%c'%1.5
'%s'
'%'%1
'%z'%1
'{:d}'.format('a')
'{:d}'.format(1.5)
'{:z}'.format(1)
'{!x}'.format(1)
'{'.format(1)
'}'.format(1)
'{0}{}'.format(1)
'{}{0}'.format(1)
"""
for line in tests.split("\n"):
    try: print(line, "->", repr(eval(line)) if not line.startswith("exec") else exec(line[6:-2]))
    except Exception as e: print(line, "->", type(e).__name__, e)
#: tracebacks
import sys
def a(): b()
def b():
    x = 1
    c(x)
def c(y):
    raise ValueError("deep")
try: a()
except ValueError as e: sys.print_exception(e)
class K:
    def m(self):
        return [self.f(i) for i in range(2)]
    def f(self, i):
        return 1 // i
try: K().m()
except ZeroDivisionError as e: sys.print_exception(e)
def gen():
    yield 1
    raise KeyError("g")
try: list(gen())
except KeyError as e: sys.print_exception(e)
f = lambda: undefined_thing
try: f()
except NameError as e: sys.print_exception(e)
#: traceback_reraise
import sys
def a():
    try: b()
    except ValueError as e:
        raise
def b():
    try: c()
    finally:
        x = 1
def c():
    raise ValueError("v")
try: a()
except ValueError as e: sys.print_exception(e)
def d():
    try: c()
    except ValueError as e:
        raise e
try: d()
except ValueError as e: sys.print_exception(e)
saved = ValueError("saved")
for i in range(2):
    try: raise saved
    except ValueError as e: sys.print_exception(e)
with_args = OSError(2)
sys.print_exception(with_args)
sys.print_exception(ValueError())
sys.print_exception(ValueError("a", "b"))
sys.print_exception(KeyError("k"))
sys.print_exception(SystemExit(3))
class My(Exception): pass
sys.print_exception(My("x"))
class My2(Exception):
    def __str__(self): return "custom"
sys.print_exception(My2("x"))
#: traceback_multiline
import sys
def f(a,
      b):
    return (a +
            b +
            undefined)
try:
    f(1,
      2)
except NameError as e: sys.print_exception(e)
def g():
    x = [
        1,
        2,
        1 // 0,
    ]
try: g()
except ZeroDivisionError as e: sys.print_exception(e)
#: with_statement
class C:
    def __init__(self, n, sup=False): self.n = n; self.sup = sup
    def __enter__(self): print("enter", self.n); return self.n
    def __exit__(self, t, v, tb): print("exit", self.n, t, v); return self.sup
def f(how):
    for i in range(2):
        with C(i) as n:
            if how == "break": break
            if how == "continue": continue
            if how == "return": return "r"
            if how == "raise": raise ValueError("w")
        print("after", i)
    return "end"
for how in ("break", "continue", "return", "none"): print(f(how))
try: f("raise")
except ValueError as e: print(e)
with C(1, True), C(2): raise KeyError
with C("x", True) as x: 1 / 0
print("on")
#: with_errors
class NoExit:
    def __enter__(self): print("no")
class NoEnter:
    def __exit__(self, *a): pass
class BadEnter:
    def __enter__(self): raise ValueError("enter")
    def __exit__(self, *a): print("exit")
class BadExit:
    def __enter__(self): pass
    def __exit__(self, *a): raise KeyError("exit")
for c in (NoExit, NoEnter, BadEnter, BadExit, int):
    try:
        with c(): print("body")
    except Exception as e: print(type(e).__name__, e)
try:
    with BadExit(): raise ValueError("body")
except Exception as e: print(repr(e))
#: assertions
try: assert 0
except AssertionError as e: print(repr(e))
try: assert 1 == 2, "msg"
except AssertionError as e: print(repr(e))
assert True, "never"
#: exception_in_handler
try:
    try: 1 / 0
    except ZeroDivisionError: [][1]
except IndexError as e: print(e)
def f():
    try: raise ValueError
    except ValueError:
        try: return 1
        finally: print("inner fin")
    finally: print("outer fin")
print(f())
#: stack_depth_on_error
def f(*a): return a
def boom(): raise ValueError
for i in range(3):
    try: x = f(1, [2, 3], {4: boom()})
    except ValueError: x = "caught"
    print(x, [i, [i, "ok"]])
#: systemexit
import sys
for a in ((), (0,), (3,), ("text",), (None,)):
    try: sys.exit(*a)
    except SystemExit as e: print(repr(e), e.args, e.value)
try: raise SystemExit
except BaseException as e: print(type(e))
#: keyboard_base
try: raise KeyboardInterrupt
except Exception: print("no")
except BaseException as e: print(repr(e))
try: raise GeneratorExit
except Exception: print("Exception")
except BaseException as e: print(repr(e))
