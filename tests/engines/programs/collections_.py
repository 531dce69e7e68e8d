#: list_methods
l = [3, 1, 2]
l.append(4); l.extend([5, 6]); l.extend("ab"); l.extend(()); l.insert(0, 0); l.insert(100, "end"); l.insert(-1, "m")
print(l, l.pop(), l.pop(0), l.pop(-2), l, l.index(1), l.count(1), len(l))
l.remove("a"); l.reverse()
print(l, l.copy(), l.copy() is l)
l.clear(); print(l, l == [])
for f in (lambda: [].pop(), lambda: [1].pop(5), lambda: [].remove(1), lambda: [1].index(2), lambda: [1, 2, 1].index(1, 1), lambda: [1].index(1, 5), lambda: [].extend(5), lambda: [1, 2].count()):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: list_sort
l = [5, 3, 8, 1]
l.sort(); print(l)
l.sort(reverse=True); print(l)
l.sort(key=lambda x: -x if x % 2 else x); print(l)
print(sorted("hello"), sorted({3: 1, 1: 2}), sorted((2, 1), reverse=True), sorted([[2], [1, 5], [1]]), sorted(["b", "A", "a"]), sorted([1.5, 1, -2]), sorted(["bb", "a"], key=len), sorted([]))
print(sorted([(1, "b"), (1, "a"), (0, "z")]), sorted([(i % 3, i) for i in range(9)]), [None] * 3)
#: list_ops
print([1] + [2], [1, 2] * 2, 2 * [0], [1] == [1], [1] != [2], [1, 2] < [1, 3], [1] < [1, 0], [] < [1], [2] > [1, 5], [1, 2] >= [1, 2], [1, [2]] == [1, [2]], 1 in [1], [] in [[]])
l = [1, 2, 3]
l += [4]; l += "x"; l *= 2
print(l, l[1:3], l[-2:], l[::3], l[::-2])
l[0:2] = []; print(l)
l[1:1] = [7, 8]; print(l)
l[:] = [1]; print(l)
l[5:] = [9]; print(l)
l[0] = "z"; l[-1] = "y"; print(l)
del l[0]; print(l)
for f in (lambda: [1][1], lambda: [1][-2], lambda: [1]["a"], lambda: [1][1.0], lambda: [1] + (2,), lambda: [1] * "a", lambda: [1] - [1], lambda: [1] < 1, lambda: [1][None:], lambda: [1, 2][::0]):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
def s1(): l[0] = 1; l[9] = 1
def s2(): del l[9]
def s3(): l["a"] = 1
def s4(): l[0:1] = 5
def s5(): l[::2] = [1]
def s6(): del l[::2]
for f in (s1, s2, s3, s4, s5, s6):
    try: f(); print(l)
    except Exception as e: print(type(e).__name__, e)
#: list_recursion
l = [1]
l.append(l)
print(l[1] is l, len(l))
a = [[0] * 2] * 2
a[0][0] = 1
print(a)
l = [1, 2, 3, 4]
for x in l:
    if x == 2: l.remove(x)
print(l)
#: tuples
t = (1, 2, 3)
print(t + (4,), t * 2, t[0], t[-1], t[1:], len(t), 2 in t, t.count(1), t.index(3), t == (1, 2, 3), t < (1, 3), (1,) < (1, 0), () == (), hash(t) == hash((1, 2, 3)), {t: 1}[(1, 2, 3)], tuple("ab"), tuple([1]), tuple(range(3)), tuple(), min(t), sum(t), (1, (2, 3)), ((),))
for f in (lambda: t[3], lambda: t["a"], lambda: t + [1], lambda: t.index(9), lambda: t.append(1), lambda: t < 1, lambda: hash(([],))):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
def s(): t[0] = 1
def d(): del t[0]
for f in (s, d):
    try: f()
    except TypeError as e: print(e)
t += (9,)
print(t, t.count(9))
#: dict_methods
d = {"a": 1}
d["b"] = 2
print(d.get("a"), d.get("z"), d.get("z", 5), d.setdefault("a", 9), d.setdefault("c", 3), d.pop("c"), d.pop("zz", None), "a" in d, 1 in d, len(d))
d.update({"x": 1}); d.update([("y", 2)]); d.update(z=3); d.update(d)
print(sorted(d.items()), sorted(d.keys()), sorted(d.values()), d.copy() == d, d.copy() is d)
print(dict(a=1) == {"a": 1}, dict([(1, 2)]), dict({3: 4}), dict(), dict([[5, 6]], k=7) == {5: 6, "k": 7}, dict.fromkeys([1]), dict.fromkeys("a", 0), {}.fromkeys((1,), 2))
k = {1: "x"}; print(k.popitem(), k)
d.clear(); print(d)
del k
for f in (lambda: {}["a"], lambda: {}[1], lambda: {}.pop(1), lambda: {}.popitem(), lambda: {[]: 1}, lambda: {} < {}, lambda: {} + {}, lambda: dict(1), lambda: dict([1]), lambda: dict([(1,)]), lambda: {}.update(5), lambda: {1: 2}.foo):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: dict_order
print({"z": 1, "a": 2, "m": 3}, {3: 1, 1: 2, 2: 3}, {"b": 1, "a": 2}, dict(x=1, y=2, z=3))
d = {}
for w in "the quick brown fox jumps over lazy dogs".split(): d[w] = len(w)
print(d)
for k in d: print(k, end=" ")
print(list(d.values()), list(d.items())[:2])
d = {i: i for i in range(20)}
print(d)
d = {str(i): i for i in range(12)}
print(d, list(d))
def f(**k): return k
print(f(one=1, two=2, three=3, four=4))
class A: pass
a = A(); a.x = 1; a.y = 2; a.name = 3
print(a.__dict__)
#: dict_views
d = {"a": 1}
print(d.keys(), d.values(), d.items(), len(d.keys()) if 0 else "", "a" in d.keys(), list(d.keys()), type(d.keys()), ("a", 1) in d.items(), 1 in d.values())
v = d.keys()
d["b"] = 2
print(sorted(v), [k for k in d.items()] != [])
for x in d.items(): print(type(x))
#: dict_ops
print({1: 2} == {1: 2.0}, {1: 2} != {1: 3}, {} == {}, {1: {2: 3}} == {1: {2: 3}}, {"a": 1} | {"b": 2} == {"a": 1, "b": 2}, not {}, bool({1: 1}))
d = {"a": 1}
d |= {"b": 2}
print(sorted(d.items()), {1: "int", 1.0: "float", True: "bool"}, {0: "a", False: "b"}, {(): 1, (1,): 2}[()], {None: 1}[None])
#: sets
s = {1, 2, 3}
s.add(4); s.add(1); s.discard(9); s.remove(4)
print(sorted(s), len(s), 1 in s, s == {3, 2, 1}, sorted(s | {9}), s & {1, 9}, sorted(s - {1}), sorted(s ^ {1, 9}), s <= {1, 2, 3, 4}, s < s, s >= {1}, s > {1}, {1} != {2}, set("aab") == {"a", "b"})
print(sorted(s.union([7])), sorted(s.intersection((1, 5))), sorted(s.difference({1})), sorted(s.symmetric_difference([1, 8])), s.isdisjoint([9]), s.issubset([1, 2, 3]), s.issuperset([1]), s.copy() == s)
s.update([5, 6], (7,)); print(sorted(s))
s.intersection_update([1, 5, 6]); print(sorted(s))
s.difference_update([1]); print(sorted(s))
s.symmetric_difference_update([5, 9]); print(sorted(s))
s |= {1}; s &= {1, 9}; s -= {9}; s ^= {3}
print(sorted(s), sorted(set([1]).pop() for _ in range(1)))
s.clear(); print(s, set(), frozenset(), frozenset([1]), {frozenset([1]): 2}[frozenset([1])], frozenset([1]) == {1}, frozenset([1]) | {2} == {1, 2}, hash(frozenset([1])) == hash(frozenset([1])), type(frozenset([1]) | {2}), type({2} | frozenset([1])))
for f in (lambda: set().pop(), lambda: set().remove(1), lambda: {[]}, lambda: {1} | [2], lambda: {1} + {2}, lambda: frozenset().add(1), lambda: set(5), lambda: {1}[0], lambda: hash(set()), lambda: {1} < [1], lambda: [] in {1}, lambda: set([1]).union(5)):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: set_order
print({3, 1, 2}, {"b", "a", "c"}, {i * 7 for i in range(8)}, set("hello world"), list({5, 4, 3, 2, 1}))
#: ranges
r = range(2, 10, 3)
print(r, list(r), len(r), r[0], r[-1], r[1:], 5 in r, 6 in r, r.start, r.stop, r.step, list(range(5, 0, -2)), range(3), range(1, 3), bool(range(0)), list(reversed(range(4))), range(10)[::2], range(10)[2:5][1])
for f in (lambda: range(5)[5], lambda: range("a"), lambda: range(1.5), lambda: range(), lambda: range(1, 2, 0), lambda: range(3) + range(2), lambda: range(3).foo, lambda: range(1, 2, 3, 4)):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
def s(): range(3)[0] = 1
try: s()
except TypeError as e: print(e)
#: slices
class S:
    def __getitem__(self, i): return i
s = S()[1:2:3]
print(s, s.start, s.stop, s.step, type(s), S()[:], S()[::])
try: slice(1)
except TypeError as e: print(e)
for i in ((None, None, None), (1, -1, None), (-3, None, None), (None, None, -1), (5, 1, -2), (-1, -9, -1), (100, None, None), (None, -100, None)):
    class X: pass
    l = list(range(8)); t = tuple(l)
    print(l[i[0]:i[1]:i[2]])
#: comprehension_nesting
print([[j for j in range(i)] for i in range(4)], {i: {j for j in range(i)} for i in range(3)}, [x for y in [[1, 2], [3]] for x in y if x != 2])
print(list(x for x in range(5) if x if x % 2), [i for i in range(3) for i in range(i)], sum(x for x in range(10)), dict((i, i * 2) for i in range(2)), set(i // 2 for i in range(4)) == {0, 1})
x = "outer"
print([x for x in range(2)], x)
def f(n): return [n * i for i in range(3) if (lambda: i > 0)()]
print(f(2), any(i > 2 for i in range(4)), all(i for i in [1, 0]))
#: builtins_iter
print(list(enumerate("ab")), list(enumerate("ab", 5)), list(zip("ab", [1, 2, 3])), list(zip()), list(zip([1])), list(map(lambda a, b: a + b, [1, 2], [3, 4])), list(filter(None, [0, 1, "", "a"])), list(filter(lambda x: x > 1, [1, 2])), list(reversed([1, 2])), list(reversed("ab")), all([]), any([]), sum([]), list(map(str, (1, 2))), dict(zip("ab", (1, 2))) == {"a": 1, "b": 2})
it = iter([1, 2]); print(next(it), next(it), next(it, "d"))
try: next(it)
except StopIteration as e: print("stop", e.value)
print(list(iter("ab")), list(iter({1: 2})), iter(it) is it, zip, map, type(zip()), type(iter([])), type(enumerate([])))
#: namedtuple_deque
from collections import namedtuple, deque, OrderedDict
P = namedtuple("P", "x y")
p = P(1, y=2)
print(p, p.x, p[1], p == (1, 2), len(p), list(p), P(3, 4).y, isinstance(p, tuple), p + (3,), P._fields if hasattr(P, "_fields") else "")
for f in (lambda: P(1, z=2), lambda: p.q):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
def s(): p.x = 5
try: s()
except AttributeError as e: print(e)
d = deque((), 3)
for i in range(5): d.append(i)
print(len(d), d.popleft(), list(d), d.pop(), bool(d))
d.appendleft(9); d.extend([1]); print(list(d), d[0])
o = OrderedDict([("z", 1), ("a", 2)])
o["m"] = 3
print(o, list(o), list(o.items()), o.popitem(), o == {"z": 1, "a": 2})
#: array_ops
import array
a = array.array("i", [1, 2, 3])
a.append(4); a.extend(array.array("i", [5]))
print(a, len(a), a[0], a[-1], a[1:3], list(a), a == array.array("i", [1, 2, 3, 4, 5]), a + array.array("i", [6]))
a[0] = -7; print(a, bytes(array.array("H", [1, 256])), array.array("B", b"ab"), array.array("f", [1.5]), array.array("d", (0.25,)))
for f in (lambda: array.array("i", ["a"]), lambda: a[10], lambda: array.array(), lambda: array.array("B", [1])[5]):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
