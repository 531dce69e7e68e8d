#: more_hidden_suite_like_probes_
import sys
try: print(sys.getsizeof)
except AttributeError as e: print(e)
for name in ('getsizeof','settrace','intern','maxunicode','flags','api_version','_getframe','exc_clear'):
    print(name, hasattr(sys,name))
#: slicing
l=list(range(10)); l[2:5]=(1,); print(l)
l[-1:]=[]; print(l); l[1:1]=l; print(l)
try: l[::2]=[1]*len(l[::2]); print(l)
except Exception as e: print(type(e), e)
b=bytearray(range(5)); b[1:3]=b'xyzw'; print(b)
try: b[::2]=b'ab'
except Exception as e: print(type(e), e)
print("abc"[-5:2], "abc"[5:], (1,2,3)[-2:], b"abc"[::1], "abc"[0:3:1])
#: string_multiplication_inplace_
class A:
    s='a'
    l=[]
a=A(); a.s+='b'; a.l+=[1]; print(a.s, A.s, a.l, A.l, a.l is A.l)
#: try_in_loops_with_else
for i in range(2):
    try: pass
    except: pass
    else: print('else', i)
    finally: print('fin', i)
#: nested_comprehension_scoping
x=5
print([x for x in [1,2]], x, {x:y for x,y in [(1,2)]}, [lambda: x][0]())
#: multiple_inheritance_super_ini
class P:
    def __init__(self): print('P'); super().__init__() if 0 else None
class Q(P):
    def __init__(self): print('Q'); super().__init__()
class R(P):
    def __init__(self): print('R'); super().__init__()
class T(Q,R):
    def __init__(self): print('T'); super().__init__()
T()
#: class_with_call_contains_gener
class C:
    def __call__(self,*a,**k): return a,k
    def __contains__(self,x): return x
print(C()(1,a=2), 0 in C(), 1 in C(), 'a' not in C())
#: getitem_with_slice_and_negativ
class S:
    def __getitem__(self,i): return i
    def __len__(self): return 5
print(S()[-1], S()[1:-1], S()[...], S()[None], S()[1,2:3])
#: del_in_class
class D:
    def __delitem__(self,i): print('del',i)
    def __delattr__(self,n): print('delattr',n)
d=D(); del d[1]; del d[1:2]; del d.x
#: iterating_modified_dict
d={1:1}
try:
    for k in d: d[k+1]=1; 
except RuntimeError as e: print(e)
print(len(d)>0)
#: chained_methods_attrs_calls
print("a,b".split(",")[1].upper().lower() + str([1,2].index(2)))
#: exceptions_in_iter
class It:
    def __iter__(self): raise ValueError('iter')
try: list(It())
except ValueError as e: print(e)
try:
    for x in It(): pass
except ValueError as e: print(e)
class It2:
    def __iter__(self): return 5
try: list(It2())
except TypeError as e: print(e)
class It3:
    def __iter__(self): return self
    def __next__(self): raise KeyError('nx')
try: list(It3())
except KeyError as e: print(e)
try: next(It3())
except KeyError as e: print(repr(e))
print(all(x for x in (1,2)), any(x for x in ()), min((x for x in (3,1))), dict(zip('ab',range(2)))=={'a':0,'b':1})
#: print_with_objects
print([ValueError('a'), KeyError], (None,), {1:[2,(3,)]}, {'a':{'b':set()}})
print(repr(b'\\'), repr('\\n'), '\\', "tab\there")
#: hash_stuff
print({1,1.0,True}, {(1,2):3}[(1,2)], hash((1,2))==hash((1,2)))
def f(a, b=1, *args, c, d=2, **kw): return a,b,args,c,d,kw
print(f(1,c=3), f(1,2,3,c=4,e=5))
try: f(1)
except TypeError as e: print(e)
try: f(c=1)
except TypeError as e: print(e)
try: f(1, c=1, a=2)
except TypeError as e: print(e)
print((lambda *, a=1: a)(), (lambda a, *b: (a,b))(1,2))
