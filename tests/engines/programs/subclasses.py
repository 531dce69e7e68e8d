#: dict_d
class D(dict):
    def __init__(self): super().__init__(); self.z=1
    def foo(self): return self['q']
d=D(); d['q']=5; print(d.foo(), d, d.z, len(d), 'q' in d, list(d), d.get('w'), d=={'q':5}, {'q':5}==d)
for k in d: print(k)
#: tuple_t
class T(tuple): pass
t=T([1,2]); print(t, t[0], t==(1,2), (1,2)==t, hash(t)==hash((1,2)), t+(3,), len(t), t<(1,3), T())
#: exception_e
class E(Exception):
    pass
try: raise E('x',1)
except E as e: print(repr(e), e.args, str(e))
#: exception_e2
class E2(Exception):
    def __init__(self,*a): self.q=1
print(E2(1,2).args, repr(E2(3)), str(E2(4)), E2(5).q)
#: oserror_os
class OS(OSError): pass
print(repr(OS(2)), str(OS(2)), OS(2).errno, isinstance(OS(2),OSError))
#: stopiteration_st
class St(StopIteration): pass
def g():
    try: yield 1
    except St as e: print('St')
x=g(); next(x)
try: x.throw(St(3))
except StopIteration as e: print('stop', e.value)
#: bytearray_by
class By(bytearray): pass
b=By(b'abc'); b[0]=65; print(b, len(b), b[1:], b==b'Abc')
#: float_f
class F(float): pass
print(F(1.5)+1, F(2.5), repr(F(0.5)))
#: set_set
class Set(set): pass
s=Set([1,2]); s.add(3); print(len(s), 3 in s, s=={1,2,3}, sorted(s|{9}))
#: object_g
class G(object):
    pass
print(G().__class__, G.__bases__, isinstance(G(),object), G.__name__)
#: c15
class Bm:
    def __init__(self): self.l=[]
    def __getitem__(self,i): return self.l[i]
    def __setitem__(self,i,v): self.l.insert(i,v)
m=Bm(); m[0]=1; m[0]=2; print(m[0],m[1], list(m))
