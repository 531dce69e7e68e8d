import cmath
import math

from probe import show

inf, nan = float("inf"), float("nan")
ARGUMENTS = (
    (), ("a",), (1, 2, 3, 4), (0,), (-1,), (1,), (2.5,), (1e308,), (inf,), (-inf,), (nan,), (710,),
    (1, 2), (0, -1), (2.5, 0), (-8, 1 / 3), (None,), (1j,), (True,), (171,), (5, "a"), (8, 2),
    (-5, 3), (1, 0), (1, 1), (0, 0), (3, -3),
)  # fmt: skip
for name in sorted(dir(math)):
    function = getattr(math, name)
    if name[0] == "_" or not callable(function):
        continue
    for args in ARGUMENTS:
        print(name, args, end=" ")
        show(function, *args)
for name in sorted(dir(cmath)):
    function = getattr(cmath, name)
    if name[0] == "_" or not callable(function):
        continue
    for args in ((), ("a",), (0,), (-1,), (1,), (2.5,), (1j,), (-2j + 1,), (1, 2), (1, 2, 3), (True,)):
        print(name, args, end=" ")
        show(function, *args)
show(math.isclose, 1, 1.0000001, rel_tol=1e-3)
show(math.isclose, 1, 2, abs_tol=3)
show(math.isclose, 1, 2, -1)
show(math.isclose, 1, 2, rel_tol=-1)
show(math.factorial, 25)
