#: float_and_int_formats
def t(f,*a,**k):
    try: print(repr(f),a,'->',repr(f.format(*a,**k)))
    except BaseException as e: print(repr(f),a,'->',repr(e))
vals=(0,5,-5,255,1<<70,-(1<<70),True,1.0,-1.5,3.14159,1e10,1e-5,1e100,123456789.0,float('inf'),float('nan'),-0.0,'abc','',None,[1],1+2j)
for sp in ('','d','x','X','o','b','n','e','E','f','F','g','G','%','s','5','05','<5','>5','^5','*^9','+','-',' ','+d',' d','#x','#o','#b','#X','08x','+08d',',','_',',d','.2','.2f','10.3f','010.2f','<10.2f','.3s','10s','<10s','>10s','^10s','=5','=+5','0=5','x<5','.0f','.10g','e','.3e','+.2e','#010x','.0e','.1g','{','a','5.','.','0','020','=','<','10,','12,.2f','_x','!','+s','#s','=s','05s','-5d','.20f','#.3g','+#x'):
    for v in vals: t('{:'+sp+'}',v)
for f,a,k in (('{}{}',(1,2),{}),('{0}{1}{0}',(1,2),{}),('{a}',(),{'a':1}),('{}',(),{}),('{1}',(1,),{}),('{a}',(),{}),('{0}{}',(1,2),{}),('{}{0}',(1,2),{}),('{{}}',(),{}),('{',(),{}),('}',(),{}),('{!r}',('a',),{}),('{!s}',('a',),{}),('{!x}',('a',),{}),('{!r:>6}',('a',),{}),('{0.x}',(1,),{}),('{0[1]}',([1,2],),{}),('{:{}}',(1,5),{}),('{:{w}.{p}f}',(1.5,),{'w':8,'p':2}),('{0:{1}}',(1,5),{}),('{:>{}}',('a',5),{}),('{!}',(1,),{}),('{:}',(1,),{}),('{!r:}',(1,),{}),('{a!r}',(),{'a':'x'}),('{a:5}',(),{'a':1}),('{0!r:{1}}',('a',6),{}),('{-1}',(1,),{}),('{ }',(1,),{}),('{0:}}',(1,),{}),('a{}b{}c',(1,2),{}),('{}}',(1,),{}),('{{{}}}',(1,),{}),('{:{}{}}',(1,'>',5),{}),('{!r',(1,),{}),('{:',(1,),{}),('{0',(1,),{}),('{a.b}',(),{'a':1}),('{!rs}',(1,),{}),('\u1234{}',('\u1234',),{}),('{:5}|',('\u1234',),{})): t(f,*a,**k)
#: percent_formats
def t(f,a):
    try: print(repr(f),repr(a),'->',repr(f%a))
    except BaseException as e: print(repr(f),repr(a),'->',repr(e))
vals=(0,5,-5,255,1<<70,True,1.0,-1.5,1e10,float('inf'),float('nan'),'abc','a','',None,[1],(1,),(1,2),(),{'a':1},b'b',1+2j)
for f in '%d %i %u %x %X %o %s %r %a %e %E %f %F %g %G %% %5d %-5d %05d %+d %\x20d %#x %#o %.2f %10.2f %-10.2f| %+.1e %5s %-5s| %.2s %5.1s %y % %( %(a)s %(a)d %(b)s %ld %hd %5 %.f %08.3f %#X %5% %-05d| %+5d %x%x %s%s a%sb %d%% %.3d %.10d %#.3x %s%% %b %+s %05s %010x %i%% %-#6x| %e%%'.split(' '):
    for v in vals: t(f,v)
for f,a in (('%*d',(5,1)),('%-*d|',(5,1)),('%.*f',(2,1.234)),('%*.*f',(8,2,1.234)),('%s %s',('a',)),('%s',('a','b')),('%(a)s %(b)d',{'a':1,'b':2}),('%(a',{'a':1}),('%(a)',{'a':1}),('%s',{'a':1}),('%d','1'),('%s',('x',)),('%s %%',1),('%',()),('abc',()),('abc',1),('abc',(1,)),('abc',{}),('%(a)s %s',{'a':1}),('%c','ab'),('%*d',(1,)),('%*d',('a',1)),('%s'*3,(1,2,3)),('%r',"it's"),('%s',"\u1234")): t(f,a)
for f,a in ((b'%d',1),(b'%s',b'a'),(b'%s','a'),(b'%x',255),(b'%c',65),(b'%c',b'a'),(b'%r','a')): t(f,a)
#: starred_method_calls
def a(f,v): return f.format(v)
def b(f,v): return f.format(*v)
def c(f,v): return f.format(**v)
def d(f,v): return f.format(x=v)
def e(s,v): return s.join(v)
def g(s,v): return s.join(*v)
def h(s): return s.upper()
def k(s): return s.upper(*())
def l(d,v): return d.update(*v)
for fn,ar in ((a,('{:5}',1.0)),(b,('{:5}',(1.0,))),(c,('{x:5}',{'x':1.0})),(d,('{x:5}',1.0)),(h,('é',)),(k,('é',)),(g,(',',[{'b':1,'a':2}])),(e,(',',{'b':1,'a':2})),(l,({},[[(1,2)]]))):
    try: print(fn.__name__, fn(*ar))
    except Exception as e: print(repr(e))
#: methods_as_values
f='{:5}'.format
print(f(1.0))
def q(): 
    g='{:5}'.format; h='é'.upper; j=','.join
    return g(1.0),h(),j({'b':1,'a':2})
print(q())
print(list(map('{:5}'.format,[1.0])), list(map(str.upper,['é'])), sorted(['é','É'],key=str.lower))
class A:
    u='é'.upper
    v=str.upper
print(A.u(), A().u(), A.v('é'))
print(getattr('é','upper')(), getattr('{:5}','format')(1.0))
def s(a): return a.sort(key=lambda x:-x)
l=[1,2]; s(l); print(l)
def z(d,k): return d.pop(k), d.popitem()
print(z({1:2,3:4,5:6},1))
def n(x): return x.to_bytes(2,'big'), int.from_bytes(b'ab','big')
print(n(5))
#: maths_tables
import math,cmath
vals=(0,1,-1,0.5,-0.5,1.5,-1.5,2,10,100,1e10,1e300,float('inf'),-float('inf'),float('nan'),-0.0,True,'a',None,1<<70,1j)
for n in 'sqrt pow exp expm1 log log2 log10 cosh sinh tanh acosh asinh atanh cos sin tan acos asin atan atan2 ceil copysign fabs fmod floor isfinite isinf isnan trunc modf frexp ldexp degrees radians erf erfc gamma lgamma factorial isclose e pi inf nan tau gcd lcm prod dist hypot comb cbrt fsum'.split():
    if not hasattr(math,n): print('no',n); continue
    f=getattr(math,n)
    if not callable(f): print(n,f); continue
    for v in vals:
        try: print(n,v,f(v))
        except BaseException as e: print(n,v,repr(e))
    for v in ((1,2),(2.5,-1),(0,0),(-1,0.5),(float('inf'),1),(5,3),(-5,3),(1,'a'),(2,0),(0,-1),(1e300,10),(float('nan'),1),(2,1000),(1,float('inf')),(),(1,2,3),(0.0,-0.0),(-0.0,-0.0),(8,2)):
        try: print(n,v,f(*v))
        except BaseException as e: print(n,v,repr(e))
for k in ({'rel_tol':1e-5},{'abs_tol':1},{'rel_tol':-1},{'foo':1}):
    try: print(math.isclose(1,1.000001,**k))
    except BaseException as e: print(repr(e))
for i in range(0,30,3): print(math.factorial(i))
for n in 'cos sin exp log log10 phase polar rect sqrt e pi tan'.split():
    if not hasattr(cmath,n): print('no',n); continue
    f=getattr(cmath,n)
    if not callable(f): print(n,f); continue
    for v in (0,1,-1,1j,-1j,1+2j,-1.5-2.5j,0.5,'a',None,float('inf'),10):
        try: r=f(v); print(n,v, r)
        except BaseException as e: print(n,v,repr(e))
    try: print(f(1,2))
    except BaseException as e: print(repr(e))
#: small_flows
for i in range(3):
    for j in range(3):
        if j==1: continue
        if i==2: break
        print(i,j)
    else: print('e')
i=0
while i<5:
    i+=1
    if i==2: continue
    if i==4: break
else: print('no')
print(i)
for x in 1,2: pass
print(x)
for i in []: pass
else: print('empty')
for i in range(10,0,-3): print(i,end=' ')
for i in range(0): pass
print(i)
for i in range(3): i=10; print(i)
def f(n):
    for i in range(n): 
        if i==2: return i
    return 'end'
print(f(5),f(1))
n=3
for i in range(n): n=1; print(i)
try:
    for i in range(1.5): pass
except TypeError as e: print(e)
try:
    for i in range('a'): pass
except TypeError as e: print(e)
def st(a,b,s): 
    for i in range(a,b,s): print(i,end=',')
    print()
st(0,5,2); st(5,0,-2)
try: st(0,1,0)
except ValueError as e: print(e)
a,(b,c),*d=1,(2,3),4,5; print(a,b,c,d)
print(1<2<3,1<3<2,1==1!=2,1 in [1] in [[1]],not 1==2)
x=5; x+=1; x-=2; x*=3; x//=2; x**=2; x%=7; x<<=2; x>>=1; x|=8; x&=12; x^=5; x/=2; print(x)
print(1 if 0 else 2, (lambda a,*b,c=3,**d:(a,b,c,d))(1,2,c=4,e=5))
print([x for x in range(5) if x%2],[(x,y) for x in range(2) for y in 'ab'],{x:x*x for x in range(3)},{x%2 for x in range(5)},list(x for x in (y for y in range(3))))
class C:
    def __enter__(s): print('enter'); return s
    def __exit__(s,*a): print('exit',a[0],a[1]); return True
with C() as c, C(): print('in'); raise ValueError(5)
with C(): pass
def g():
    with C(): return 1
print(g())
for i in range(2):
    with C():
        if i: break
        continue
class D:
    def __enter__(s): raise KeyError('en')
    def __exit__(s,*a): print('never')
try:
    with D(): pass
except KeyError as e: print(repr(e))
class E:
    def __enter__(s): return 1
    def __exit__(s,*a): raise IndexError('ex')
try:
    with E(): raise ValueError
except IndexError as e: print(repr(e))
for ob in (1,object(),None):
    try:
        with ob: pass
    except Exception as e: print(repr(e))
def rec(n): return rec(n+1)
try: rec(0)
except RuntimeError as e: print(repr(e))
class R:
    def __repr__(s): return repr(s)
    def __getattr__(s,n): return getattr(s,n+'x')
    def __eq__(s,o): return s==o
    def __len__(s): return len(s)
    def __iter__(s): return iter(s)
    def __hash__(s): return hash(s)
    def __call__(s): return s()
    def __add__(s,o): return s+o
for fn in (lambda:repr(R()),lambda:R().a,lambda:R()==1,lambda:len(R()),lambda:list(R()),lambda:hash(R()),lambda:R()(),lambda:R()+1,lambda:str(R()),lambda:[R()]==[R()],lambda:sorted([R(),R()],key=repr)):
    try: fn()
    except RuntimeError as e: print(repr(e))
    except Exception as e: print(repr(e))
def gr(n): yield from gr(n+1)
try: next(gr(0))
except RuntimeError as e: print(repr(e))
def m(): return max([1],key=lambda x:m())
try: m()
except RuntimeError as e: print(repr(e))
def mm(x): return list(map(mm,[x]))
try: mm(1)
except RuntimeError as e: print(repr(e))
d={}; d['a']=d
try: repr(d)
except RuntimeError as e: print(repr(e))
try: exec('('*300+')'*300)
except Exception as e: print(type(e))
print(eval('+'.join(['1']*300)))
try: print(eval('-'*100+'1'))
except Exception as e: print(repr(e))
import sys
def deep(n): return 0 if n==0 else 1+deep(n-1)
print(deep(60))
def deepgen(n):
    if n: yield from deepgen(n-1)
    yield n
print(sum(deepgen(100)))
nest=[]
for i in range(100): nest=[nest]
print(len(str(nest)))
print(list(range(2000))[-1], sum(range(10000)), len('x'*10000))
dd={i:i for i in range(2000)}; print(len(dd), sum(dd.values())); dd2=dd.copy(); print(dd2==dd)
import time
print(sorted(range(1000),key=lambda x:-x)[:3])
#: error_texts
import sys
def t(s):
    try: print(s,'->',eval(s))
    except BaseException as e: print(s,'->',repr(e))
class S:
    def __delattr__(self,n): object.__delattr__(self,n)
    def __setattr__(self,n,v): object.__setattr__(self,n,v)
s=S()
try: del s.q
except AttributeError as e: print(repr(e))
class N: pass
try: del N().q
except AttributeError as e: print(repr(e))
try: object.__setattr__(5,'x',1)
except Exception as e: print(repr(e))
try: object.__setattr__(s,1,1)
except Exception as e: print(repr(e))
for x in '''min(1,'a') 1<'a' 'a'<1 None<None []<{} 1+None None+1 'a'+None None+'a' [1]+None (1,)+[1] {}+{} 1[0] None[0] (1).x None.x None() 1() ''() len(1) 1_in_2 for_ -'a' ~'a' +None not+1 abs('a') 1@2 'a'%1 '%d'%'a' 1.5|2 1<<'a' [1]*'a' 'a'*1.5 (1,2)['a'] {1}[0] set()+set() b'a'+1 1/'a' 1//None 1%[] 2**'a' divmod('a',1) int('x') float('x') chr('a') round('a') sum('ab') max(None) sorted(5) list(5) tuple(5) set(5) dict(5) iter(5) next(5) reversed(5) enumerate(5) zip(5) map(int,5) filter(int,5) any(5) all(5) bytes('a') bytearray('a') memoryview('a') hash([]) id() type() isinstance(1,2) issubclass(1,2) getattr(1) hasattr(1) setattr(1) open() print(1,foo=2) input(1,2) globals(1) locals(1) dir(1,2) callable() repr() str(1,2,3,4) format(1) vars() ascii(1) delattr(1) exec() eval() compile() __import__() super() object(1,2) slice() (lambda:0)(1) (lambda_a:0)() [].append() {}.get() ''.join() ''.format(1) '{}'.format() (1).to_bytes() b''.decode(1) ().index() [].pop(1) {}.popitem() set().pop() ''.split('') ''.index('a') [].index(1) [].remove(1) (1,).index(2) {}.pop(1) {1}.remove(2) '{:d}'.format('a') '{:x}'.format(1.5) '%c'%'ab' '%x'%1.5 1.0.x'''.split(' '): t(x.replace('_in_',' in ').replace('lambda_','lambda '))
