#: s0
def gen_rec():
    yield from gen_rec()
try: list(gen_rec())
except RuntimeError as e: print('RT', e)
#: s1
l=None
for i in range(2000): l=[l]
try: print(len(repr(l)))
except RuntimeError as e: print('RT', e)
#: s2
class A:
    def __getattr__(self, n): return getattr(self, n)
try: A().x
except RuntimeError as e: print('RT', e)
#: s3
class B:
    def __repr__(self): return repr(self)
try: repr(B())
except RuntimeError as e: print('RT', e)
#: s4
def f(*a, **k): return f(*a, **k)
try: f(1, x=2)
except RuntimeError as e: print('RT', e)
#: s5
class C:
    def __init__(self): C()
try: C()
except RuntimeError as e: print('RT', e)
#: s6
class D:
    def __eq__(self, o): return self == o
try: D() == D()
except RuntimeError as e: print('RT', e)
#: s7
class E:
    def __iter__(self): return iter(E())
try: list(E())
except RuntimeError as e: print('RT', e)
#: s8
l=[]
l.append(l)
try: repr(l)
except RuntimeError as e: print('RT', e)
try: l==[l]
except RuntimeError as e: print('RT', e)
#: s9
def g(n): return 0 if n==0 else 1+g(n-1)
print(g(100))
#: s10
x=(1,)
for i in range(1500): x=(x,)
try: hash(x); print('hashed')
except RuntimeError as e: print('RT', e)
# int limits
#: s11
def big(n):
    r=1
    for i in range(n): r*=3
    return r
print(len(str(big(2000))))
#: s12
print(sum(range(10000)))
#: s13
s=set()
for i in range(1000): s.add(i*7%1000)
print(len(s))
#: s14
d={}
for i in range(1000): d[str(i)]=i
#: s15
print(sum(d.values()), len(d), d['999'])
for i in range(0,1000,2): del d[str(i)]
print(len(d), sum(d.values()))
