#: import_forms
import sys
import math as m
from math import pi, sqrt as s
from sys import *
print(m is __import__("math"), pi == m.pi, s(4), platform == sys.platform)
import collections, io
print(collections.deque is not None, io.StringIO)
#: from_star
from math import *
print(floor(2.5), ceil(2.5), "pi" in globals(), "__name__" in globals())
#: module_dict
import sys
M = type(sys)
print(M, M is type(__import__("math")))
print("path" in dir(sys), "__name__" in dir(sys), sys.__dict__ is sys.__dict__ or True)
#: import_in_function
def f():
    import math
    from math import floor as fl
    return fl(3.7), math.ceil(3.2)
print(f(), "math" in globals())
#: reimport
import sys
import math
print(sys.modules.get("math") is None or sys.modules["math"] is math)
#: missing
for src in ("import no_such", "from no_such import x", "from sys import no_such", "import sys.no", "from math import no_such as z", "import no.such.thing"):
    try: exec(src)
    except ImportError as e: print(src, "->", type(e).__name__, e)
#: relative_toplevel
for src in ("from . import a", "from .x import b", "from .. import c"):
    try: exec(src)
    except ImportError as e: print(e)
#: dunder_import
print(__import__("sys").platform is not None, __import__("math", None, None, ["pi"], 0).pi > 3)
for a in ((), ("sys", {}, {}, None, -1), (1,), ("",)):
    try: print(__import__(*a).__name__)
    except Exception as e: print(type(e).__name__, e)
