"""Modules that make a hundred objects of one sort."""

from __future__ import annotations

BODIES = {
    "str": "x = [" + ", ".join(f"'a constant that is long {n:03}'" for n in range(100)) + "]",
    "bytes": "x = [" + ", ".join(f"b'{n:03}'" for n in range(100)) + "]",
    "float": "x = [" + ", ".join(f"{n}.5" for n in range(100)) + "]",
    "long": "x = [" + ", ".join(f"{10**20 + n}" for n in range(100)) + "]",
    "tuple": "x = [" + ", ".join(f"({n}, 2, 3)" for n in range(100)) + "]",
    "functions": "\n".join(f"def f{n}(a, b=1, *, c=2): return a" for n in range(100)),
    "closures": "def o(v):\n    return lambda: v\nx = [o(n) for n in range(100)]",
    "classes": "\n".join(f"class C{n}:\n    def m(self): pass" for n in range(100)),
    "subclasses": "\n".join(f"class C{n}(list): y = 1" for n in range(100)),
    "instances": "class C:\n    def __init__(self, v):\n        self.v = self.w = v\n"
    "x = [C(n) for n in range(100)]",
    "nested": "\n".join(
        f"def f{n}():\n    def g():\n        def h(): pass\n    return g" for n in range(100)
    ),
    "dicts": "x = [{'a': n} for n in range(100)]",
    "bytearrays": "x = [bytearray(n) for n in range(100)]",
    "sets": "x = [{n, n + 1, n + 2} for n in range(100)]",
}
