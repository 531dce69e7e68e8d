#: sources0
for src in ('def f():\n nonlocal x', 'nonlocal x', 'def f():\n global x\n nonlocal x', 'def f(x):\n global x', 'x=1\ndef f():\n print(x)\n global x', 'class A:\n return 1', 'def f():\n yield\n return 5\nprint(list(f()))', 'a,b', '*a=1', '*a,=[1,2]\nprint(a)', 'del f()', 'def f(a,a): pass'):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources1
for src in ('f(a=1,2)', 'f(**1,*2)', 'lambda: (yield)', 'async def f():\n await x', 'await x', 'for i in 1: pass', 'while', 'if 1:\npass', 'x = 1 +', "print('a' 'b')", '0x', '1__0'):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources2
for src in ("'\\xZ'", "b'é'", 'import', 'from x import', 'from . import', 'try: pass', 'raise', 'assert', '@x', 'class', 'def', 'f(x for x in y, 1)'):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources3
for src in ('{1:2, 3}', '{**{1:2}}', '[*[1]]', 'x: int = 5\nprint(x)', 'def f(a:int)->int: return a\nprint(f(1))', 'print(1 if 2)', 'not', 'x = yield', 'with x', 'with x as 1: pass', 'None = 1', 'True = 1'):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources4
for src in ('f() = 1', 'f() += 1', '(a,b) += 1', 'a = b = 3\nprint(a,b)', '\tx=1', 'if True:\n  a=1\n b=2', 'continue', 'else: pass', 'print(-2**2)', 'print(2**-1)', 'print(1_000)', "print('''a\nb''')"):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources5
for src in ('x=(1,)\nprint(x)', 'print(0o7,0b1)', 'print(07)', '1 = x', 'a + b = c', '[a,b] = 1,2\nprint(a,b)', 'x[0] = 1', 'a.b.c', 'print(...)', "print(f'{1}{2!r}')", "f'{}'", "f'{1'"):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: sources6
for src in ("f'}'", 'def f(*,a): return a\nprint(f(a=1))', 'def f(*): pass', 'def f(**k,a): pass', 'def f(a=1,b): pass', 'lambda x=1,y: 1', '(x:=5)\nprint(x)', 'x:=5', 'print((y:=2)+y)', 'match 1:\n case 1: pass', "print(1,end='')\nprint()"):
    try: exec(src, {})
    except Exception as e: print(repr(src), type(e).__name__, e)
#: failures0
for src in ('1 .a=2', '1[0]=2', 'del 1[0]', '1[0]', '()()', 'None()', '[].a', '1 in 1', '-[]', "~'a'"):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures1
for src in ('not 5', "+'x'", '[1]-[2]', '{}[0]', "b''+1", '1()', '1 .foo()', 'for i in 1: pass', "'a'%()", '[]<{}'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures2
for src in ('(1,)+[1]', 'def f():pass\nf.x=1', 'class A: pass\nA()()', 'class A: pass\nA()[0]', 'class A: pass\nlen(A())', 'class A: pass\nA().x.y', 'class A: pass\nA.x()', 'import sys\nsys.x', 'raise 1', 'raise None'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures3
for src in ('assert 0', '[1,2][2]', '(1)[0]', "''['a']", "{}['a']", "int('a')", "float('a')", '1/0', '1%0', '[][0]'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures4
for src in ('1<<-1', 'max()', 'min([])', 'chr(-1)', "ord('')", 'bytes([300])', "''.join([1])", 'next(iter([]))', 'range(1,2,0)', 'list(1)'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures5
for src in ('dict([1])', 'set([[]])', 'hash([])', "sum(['a'])", 'isinstance(1,1)', 'super().x', 'f()', 'x.y', 'x[0]', 'x()'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures6
for src in ('del x', 'global x\ndel x', 'import x', 'from sys import x', 'from . import x', "eval('')", "exec('(')", 'exit()', '[].append()', '[].append(1,2)'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures7
for src in ('{}.pop()', "''.split(1)", "''.replace(1,2)", 'print(1,sep=1)', 'print(x=1)', 'open()', 'type()', 'type(1,2)', 'object(1)', 'property().fget'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures8
for src in ('staticmethod(1)()', 'classmethod(1).x', 'iter(1)', 'zip(1)', 'map()', 'filter()', 'enumerate()', 'reversed(1)', 'sorted(1)', "abs('')"):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures9
for src in ("round('')", "divmod(1,'')", "pow('',1)", "bin('')", "hex('')", "oct('')", 'id()', 'len()', 'repr()', 'str(1,2)'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures10
for src in ('bytes(1,2)', 'int(1,2)', 'float(1,2)', "complex('a','b')", 'bool(1,2)', 'list(1,2)', 'tuple(1,2)', 'dict(1,2)', 'set(1,2)', 'frozenset(1,2)'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
#: failures11
for src in ('bytearray(1,2)', 'memoryview()', 'memoryview(1)', 'slice()', 'range()'):
    try:
        exec(src, {})
        print(repr(src), "ok")
    except SystemExit: print("SystemExit")
    except BaseException as e: print(repr(src), type(e).__name__, e)
