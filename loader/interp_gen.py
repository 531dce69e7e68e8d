"""Generates the interpreter loops, `loader/_loops.py`, from the opcode table.

Each row of `ops.OPS` becomes a leaf of a decision tree over the opcode byte. A row's
`inline` text, or a call of its `act`, is wrapped in the pops and pushes its `effect` asks for;
what only a tier can know (operand bytes, locals, blocks, jumps) is stated here, once per
operand format and flow. The tree puts frequent opcodes near its root.

Four loops come out: for functions and for generators, each plain and observed (`--trace`,
`--coverage`, `--timeout`). Run `python -m loader.interp_gen` after a change of the table; a
test fails if the file is stale.

Opcodes are read from the map. Operands are read there once, when a function is verified
before its first run: `A` and `N` hold, by the ip behind the opcode, the decoded operand (a
name, a constant, a jump's target) and the ip of the next instruction.

Registers of a loop: `t` the value on top of the stack, `s` the rest of it (its first
element is a dummy, so `len(s)` is the depth), `L` locals, `ip` the next byte to read, `op`
the current opcode, `x y f` scratch that names an instruction's operands for error texts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import indent

from loader.operators import BINARY, IN, IS, MATCH, UNARY
from loader.ops import EFFECTS, OPS, Flow, Fmt, Op

TARGET = Path(__file__).with_name("_loops.py")

# How often opcodes are executed, in tenths of a percent, measured over typical programs.
# Only the shape of the decision tree depends on it.
_WEIGHTS = {
    "LOAD_FAST": 280, "STORE_FAST": 90, "LOAD_CONST_SMALL_INT_MULTI": 100, "BINARY_OP": 130,
    "LOAD_GLOBAL": 50, "LOAD_ATTR": 45, "LOAD_METHOD": 35, "CALL_FUNCTION": 30, "CALL_METHOD": 35,
    "POP_JUMP_IF_TRUE": 45, "POP_JUMP_IF_FALSE": 45, "JUMP": 30, "LOAD_SUBSCR": 40, "POP_TOP": 35,
    "RETURN_VALUE": 25, "STORE_SUBSCR": 20, "DUP_TOP": 25, "DUP_TOP_TWO": 30, "ROT_TWO": 30,
    "FOR_ITER": 20, "STORE_ATTR": 15, "LOAD_CONST_NONE": 10, "LOAD_DEREF": 12, "ROT_THREE": 10,
    "LOAD_CONST_OBJ": 8, "BUILD_TUPLE": 6, "LOAD_CONST_STRING": 8, "UNARY_OP": 6, "LOAD_NAME": 6,
    "YIELD_VALUE": 5, "YIELD_FROM": 3, "LOAD_FAST_N": 12, "STORE_FAST_N": 6, "STORE_NAME": 4,
}  # fmt: skip

_VARUINT = "arg = A[ip]\nip = N[ip]\n"
_NAME = "name = A[ip]\nip = N[ip]\n"
_PUSH = "s.append(t)\n"

_UNBOUND = """\
if t is NULL:
    raise NameError("local variable referenced before assignment")
"""

_LEAVE = """\
while blocks:
    y = blocks[-1]
    if y[2]:
        if y[0] >= ip:
            x = y[1]
            del s[x + 1:]
            s.append(t)
            t = -1
            ip = y[0]
            break
        if type(s.pop()) is int:
            s.pop()
    blocks.pop()
else:
    return t
"""

_UNWIND = """\
while count & 127:
    count -= 1
    y = blocks[-1]
    if y[2]:
        if y[0] >= ip:
            s.append(t)
            t = count
            ip = y[0]
            break
        if type(s.pop()) is int:
            s.pop()
    blocks.pop()
else:
    ip = t
    t = s.pop()
    if count:
        del s[-3:]
        t = s.pop()
"""

_CALL = """\
if arg == 1:
    f = s.pop()
    if type(f) is type:
        f = CONSTRUCT.get(f, f)
    t = f(t)
elif arg == 0:
    f = t
    if type(f) is type:
        f = CONSTRUCT.get(f, f)
    t = f()
elif arg == 2:
    x = s.pop()
    f = s.pop()
    if type(f) is type:
        f = CONSTRUCT.get(f, f)
    t = f(x, t)
elif arg == 3:
    y = s.pop()
    x = s.pop()
    f = s.pop()
    if type(f) is type:
        f = CONSTRUCT.get(f, f)
    t = f(x, y, t)
else:
    s.append(t)
    y = arg & 255
    if arg > 255:
        y += arg >> 7 & 510
    args = s[-y:]
    del s[-y:]
    f = s.pop()
    if type(f) is type:
        f = CONSTRUCT.get(f, f)
    if arg > 255:
        count = arg & 255
        t = f(*args[:count], **keywords(args, count))
    else:
        t = f(*args)
"""

_CALL_METHOD = """\
if arg == 0:
    f = s.pop()
    if t is NULL:
        if type(f) is type:
            f = CONSTRUCT.get(f, f)
        t = f()
    else:
        t = f(t)
elif arg == 1:
    x = s.pop()
    f = s.pop()
    if x is NULL:
        if type(f) is type:
            f = CONSTRUCT.get(f, f)
        t = f(t)
    else:
        t = f(x, t)
elif arg == 2:
    y = s.pop()
    x = s.pop()
    f = s.pop()
    if x is NULL:
        if type(f) is type:
            f = CONSTRUCT.get(f, f)
        t = f(y, t)
    else:
        t = f(x, y, t)
else:
    s.append(t)
    y = arg & 255
    if arg > 255:
        y += arg >> 7 & 510
    args = s[-y:]
    del s[-y:]
    count = arg & 255
    x = s.pop()
    f = s.pop()
    if x is not NULL:
        args.insert(0, x)
        count += 1
    elif type(f) is type:
        f = CONSTRUCT.get(f, f)
    if count < len(args):
        t = f(*args[:count], **keywords(args, count))
    else:
        t = f(*args)
"""

# What a tier knows and the table does not: where values lie. By row name.
_PLACES = {
    "LOAD_CONST_STRING": _PUSH + "t = A[ip]\nip = N[ip]\n",
    "LOAD_NAME": _NAME + _PUSH + """\
t = vm.ns
if name in t:
    t = t[name]
elif name in G:
    t = G[name]
elif name in B:
    t = B[name]
else:
    raise NameError(f"name '{name}' isn't defined")
""",
    "LOAD_GLOBAL": _NAME + _PUSH + """\
if name in G:
    t = G[name]
elif name in B:
    t = B[name]
else:
    raise NameError(f"name '{name}' isn't defined")
""",
    "STORE_NAME": _NAME + "vm.ns[name] = t\nt = s.pop()\n",
    "STORE_GLOBAL": _NAME + "G[name] = t\nt = s.pop()\n",
    "DELETE_NAME": _NAME + "del vm.ns[name]\n",
    "DELETE_GLOBAL": _NAME + "del G[name]\n",
    "IMPORT_NAME": _NAME + "x = s.pop()\nt = vm.import_name(name, G, t, x)\n",
    "IMPORT_STAR": "vm.import_star(t)\nt = s.pop()\n",
    "MAKE_CLOSURE": _VARUINT + """\
y = ops[ip - 1]
s.append(t)
x = tuple(s[-y:])
del s[-y:]
t = make_function(code.children[arg], NULL, NULL, x)
""",
    "MAKE_CLOSURE_DEFARGS": _VARUINT + """\
y = ops[ip - 1]
s.append(t)
x = tuple(s[-y:])
del s[-y:]
t = s.pop()
t = make_function(code.children[arg], s.pop(), t, x)
""",
    "MAKE_FUNCTION": _VARUINT + _PUSH + "t = make_function(code.children[arg], NULL, NULL, ())\n",
    "MAKE_FUNCTION_DEFARGS": _VARUINT + "t = make_function(code.children[arg], s.pop(), t, ())\n",
    "LOAD_CONST_SMALL_INT": _PUSH + "t = A[ip]\nip = N[ip]\n",
    "LOAD_CONST_OBJ": _PUSH + "t = A[ip]\nip = N[ip]\n",
    "LOAD_FAST_N": _VARUINT + _PUSH + "t = L[arg]\n" + _UNBOUND,
    "LOAD_DEREF": _VARUINT + _PUSH + """\
try:
    t = L[arg].cell_contents
except ValueError:
    raise NameError("local variable referenced before assignment") from None
""",
    "STORE_FAST_N": _VARUINT + "L[arg] = t\nt = s.pop()\n",
    "STORE_DEREF": _VARUINT + "L[arg].cell_contents = t\nt = s.pop()\n",
    "DELETE_FAST": _VARUINT + """\
if L[arg] is NULL:
    raise NameError("local variable referenced before assignment")
L[arg] = NULL
""",
    "DELETE_DEREF": _VARUINT + """\
try:
    L[arg].cell_contents
    del L[arg].cell_contents
except ValueError:
    raise NameError("local variable referenced before assignment") from None
""",
    "LOAD_FAST": _PUSH + "t = L[op - 0xB0]\n" + _UNBOUND,
    "STORE_FAST": "L[op - 0xC0] = t\nt = s.pop()\n",
    "LOAD_CONST_SMALL_INT_MULTI": _PUSH + "t = op - 0x80\n",
    "CALL_FUNCTION": _VARUINT + _CALL,
    "CALL_METHOD": _VARUINT + _CALL_METHOD,
    "LOAD_METHOD": _NAME + """\
s.append(getattr(t, name) if name not in GUARDED else load_attr(vm, name, t))
t = NULL
""",
    "LOAD_SUPER_METHOD": _NAME + """\
x = s.pop()
y = s.pop()
x, t = load_super_method(vm, name, y, x, t)
s.append(x)
""",
    "STORE_ATTR": _NAME + """\
x = s.pop()
if x is not NULL and type(type(t)) is GuestType and name not in GUARDED:
    setattr(t, name, x)
else:
    store_attr(vm, name, x, t)
t = s.pop()
""",
    "STORE_SUBSCR": """\
y = s.pop()
x = s.pop()
if x is NULL or type(t) is slice:
    store_subscr(vm, 0, x, y, t)
else:
    y[t] = x
t = s.pop()
""",
    "STORE_COMP": _VARUINT + """\
x = s[-(arg >> 2)]
arg &= 3
if arg == 0:
    x.append(t)
elif arg == 1:
    x[t] = s.pop()
else:
    x.add(t)
t = s.pop()
""",
    "UNPACK_SEQUENCE": _VARUINT + """\
if arg == 2 and type(t) is tuple and len(t) == 2:
    x, t = t
    s.append(t)
    t = x
else:
    s.extend(unpack_sequence(vm, arg, t))
    t = s.pop()
""",
    "UNPACK_EX": _VARUINT + "s.extend(unpack_ex(vm, arg, t))\nt = s.pop()\n",
    "BUILD_TUPLE": _VARUINT + """\
if arg and vm.heap_locks:
    heap_locked()
s.append(t)
if arg:
    t = tuple(s[-arg:])
    del s[-arg:]
else:
    t = ()
""",
    "BUILD_LIST": _VARUINT + """\
if vm.heap_locks:
    heap_locked()
s.append(t)
if arg:
    t = s[-arg:]
    del s[-arg:]
else:
    t = []
""",
    "BUILD_MAP": _VARUINT + """\
if vm.heap_locks:
    heap_locked()
s.append(t)
t = {}
if arg > 2:
    note_display(t, arg)
""",
    "BUILD_SET": _VARUINT + """\
s.append(t)
if arg:
    x = s[-arg:]
    del s[-arg:]
    t = made_set(x, arg)
else:
    t = set()
""",
    "BUILD_SLICE": _VARUINT + """\
x = s.pop()
t = slice(x, t) if arg == 2 else slice(s.pop(), x, t)
""",
    "CALL_FUNCTION_VAR_KW": _VARUINT + """\
s.append(t)
y = (arg & 255) + (arg >> 7 & 510) + 1
args = s[-y:]
del s[-y:]
f = s.pop()
args, x = star_args(args, arg & 255)
if type(f) is type:
    f = CONSTRUCT.get(f, f)
t = f(*args, **x)
""",
    "CALL_METHOD_VAR_KW": _VARUINT + """\
s.append(t)
y = (arg & 255) + (arg >> 7 & 510) + 1
args = s[-y:]
del s[-y:]
t = s.pop()
f = s.pop()
args, x = star_args(args, arg & 255)
if t is not NULL:
    args.insert(0, t)
elif type(f) is type:
    f = CONSTRUCT.get(f, f)
t = f(*args, **x)
""",
    "DUP_TOP": _PUSH,
    "DUP_TOP_TWO": "s += (t, s[-1])\n",
    "POP_TOP": "t = s.pop()\n",
    "ROT_TWO": "x = s.pop()\ns.append(t)\nt = x\n",
    "ROT_THREE": "y = s.pop()\nx = s.pop()\ns += (t, x)\nt = y\n",
    "GET_ITER_STACK": """\
s += ITERATOR_PAD
y = type(t)
if y is list or y is range or y is tuple:
    t = iter(t)
else:
    t = get_iter(vm, 0, t)
""",
    "STORE_MAP": "x = s.pop()\ns[-1][t] = x\nt = s.pop()\n",
    "WITH_CLEANUP": """\
t = with_cleanup(s, t)
""",
    # Flow
    "JUMP": "ip = A[ip]\n",
    "POP_JUMP_IF_TRUE": "ip = A[ip] if t else N[ip]\nt = s.pop()\n",
    "POP_JUMP_IF_FALSE": "ip = N[ip] if t else A[ip]\nt = s.pop()\n",
    "JUMP_IF_TRUE_OR_POP": "if t:\n    ip = A[ip]\nelse:\n    ip = N[ip]\n    t = s.pop()\n",
    "JUMP_IF_FALSE_OR_POP": "if t:\n    ip = N[ip]\n    t = s.pop()\nelse:\n    ip = A[ip]\n",
    "FOR_ITER": """\
x = next(t if t is not NULL else s[-2], NULL)
if x is NULL:
    del s[-3:]
    t = s.pop()
    ip = A[ip]
else:
    s.append(t)
    t = x
    ip = N[ip]
""",
    "SETUP_WITH": """\
f, x, t = setup_with(vm, 0, t)
s += (f, x)
blocks.append([A[ip], len(s) - 1, True, None])
ip = N[ip]
""",
    "SETUP_EXCEPT": "blocks.append([A[ip], len(s), False, None])\nip = N[ip]\n",
    "SETUP_FINALLY": "blocks.append([A[ip], len(s), True, None])\nip = N[ip]\n",
    "POP_EXCEPT_JUMP": "blocks.pop()\nip = A[ip]\n",
    "UNWIND_JUMP": """\
s.append(t)
t = A[ip]
ip = N[ip] - 1
count = ops[ip]
""" + _UNWIND,
    "END_FINALLY": """\
blocks.pop()
if t is None:
    t = s.pop()
elif type(t) is int:
    count = t
    t = s.pop()
    if count < 0:
""" + indent(_LEAVE, " " * 8) + "    else:\n" + indent(_UNWIND, " " * 8) + """\
else:
    raise t
""",
    "RETURN_VALUE": "if not blocks:\n    return t\n" + _LEAVE,
    "RAISE_LAST": "raise last_exception(blocks)\n",
    "RAISE_OBJ": "raise exception_from(t)\n",
    "RAISE_FROM": "x = s.pop()\nraise exception_from(x)\n",
    "YIELD_VALUE": "t = yield t\nif PENDING:\n    raise_pending(sys._getframe())\n",
    "YIELD_FROM": """\
x = s.pop()
t = yield from (x if type(x) is GeneratorType else delegate(x))
if PENDING:
    raise_pending(sys._getframe())
""",
}  # fmt: skip


_OPERATOR_WEIGHTS = {
    "ADD": 20, "INPLACE_ADD": 25, "LESS": 20, "SUBTRACT": 12, "MULTIPLY": 10, "EQUAL": 12,
    "MORE": 6, "AND": 6, "XOR": 6, "IN": 5, "IS": 5,
}  # fmt: skip


def _indent(text: str, levels: int) -> str:
    return indent(text, "    " * levels)


def _operator(op: Op) -> list[tuple[int, int, str, int]]:
    """Leaves for the operators, each its own opcode."""
    leaves = []
    if op.name == "UNARY_OP":
        for n, unary in enumerate(UNARY):
            text = "t = not t\n" if unary.name == "NOT" else f"t = {unary.symbol}t\n"
            if unary.name != "NOT":
                text = "x = NULL\n" + text
            leaves.append((op.code + n, op.code + n, text, 6 if unary.name == "NOT" else 1))
        return leaves
    for n, binary in enumerate(BINARY):
        text = f"x = s.pop()\nt = x {binary.symbol} t\n"
        if n == IN:
            text = "x = s.pop()\nt = x in t\n"
        elif n == IS:
            text = "x = s.pop()\nt = x is t or (type(x) is int and type(t) is int and x == t)\n"
        elif n == MATCH:
            text = "t = matches(s.pop(), t)\n"
        elif binary.name.startswith("INPLACE_"):
            if binary.method not in ("__iadd__", "__isub__") and binary.symbol != "|=":
                text = f"x = s.pop()\nt = x {binary.symbol[:-1]} t\n"
            else:
                text = f"x = y = s.pop()\ny {binary.symbol} t\nt = y\n"
        if binary.symbol.removesuffix("=") in ("&", "|", "^"):
            text += "if t is True or t is False:\n    t = int(t) if type(x) is bool else t\n"
        if binary.symbol in ("/", "/=", "**", "**="):
            helper = "complex_divide" if "/" in binary.symbol else "complex_power"
            sign = binary.symbol.removesuffix("=")
            text = (
                f"x = s.pop()\ny = x {sign} t\n"
                f"t = y if type(y) is not complex else {helper}(x, t)\n"
            )
        if binary.name.endswith("MODULO"):
            text = "x = s.pop()\nt = format_percent(x, t) if type(x) in TEXTS else x % t\n"
        leaves.append((op.code + n, op.code + n, text, _OPERATOR_WEIGHTS.get(binary.name, 2)))
    return leaves


def _act(op: Op) -> str:
    """Body of a row that `effect` and `act` or `inline` define completely."""
    inputs, outputs = EFFECTS[op]
    text = ""
    arg = "0"
    if op.fmt is Fmt.QSTR:
        text, arg = _NAME, "name"
    elif op.fmt is Fmt.VARUINT:
        text, arg = _VARUINT, "arg"
    places = [*("x", "y")[: len(inputs) - 1], "t"] if inputs else []
    text += "".join(f"{place} = s.pop()\n" for place in reversed(places[:-1]))
    if op.inline:
        words = dict(zip(inputs, places, strict=True)) | {"arg": arg}
        value = _substitute(op.inline, words)
    else:
        value = f"{op.act.__name__}(vm, {', '.join([arg, *places])})"
    if len(outputs) == 1:
        return text + ("" if inputs else _PUSH) + f"t = {value}\n"
    if not outputs:
        return text + value + "\n" + "t = s.pop()\n"
    # The last output is the top; those below replace the inputs.
    assert len(outputs) == 2, op.name
    return text + f"x, t = {value}\ns.append(x)\n"


def _substitute(text: str, words: dict[str, str]) -> str:
    return re.sub(r"\b[a-z]\w*\b", lambda m: words.get(m[0], m[0]), text)


def _leaves(generator: bool) -> list[tuple[int, int, str, int]]:
    leaves: list[tuple[int, int, str, int]] = []
    for op in OPS:
        name = op.name
        if op.fmt is Fmt.PACKED and name == "LOAD_CONST_SMALL_INT":
            name = "LOAD_CONST_SMALL_INT_MULTI"
        if op.name in ("UNARY_OP", "BINARY_OP"):
            leaves += _operator(op)
            continue
        if op.flow is Flow.YIELD and not generator:
            body = 'raise BytecodeError("yield outside a generator", ip=ip - 1, op=op)\n'
        else:
            body = _PLACES.get(name) or _act(op)
        leaves.append((op.code, op.code + op.span - 1, body, _WEIGHTS.get(name, 1)))
    leaves.sort()
    return leaves


def _tree(leaves: list[tuple[int, int, str, int]], level: int) -> str:
    """The decision tree over a run of leaves, split where the weights balance best."""
    if len(leaves) == 1:
        return _indent(leaves[0][2], level)
    total = sum(leaf[3] for leaf in leaves)
    best, at, left = total + 1, 1, 0
    for index in range(1, len(leaves)):
        left += leaves[index - 1][3]
        if abs(total - 2 * left) < best:
            best, at = abs(total - 2 * left), index
    pad = "    " * level
    low, high = leaves[:at], leaves[at:]
    test = f"op < {high[0][0]:#04x}"
    if len(low) == 1 and low[0][0] == low[0][1]:
        test = f"op == {low[0][0]:#04x}"
    elif len(high) == 1 and high[0][0] == high[0][1]:
        test = f"op == {high[0][0]:#04x}"
        low, high = high, low
    first, second = _tree(low, level + 1), _tree(high, level + 1)
    return f"{pad}if {test}:\n{first}{pad}else:\n{second}"


_HEAD = '''\
# Generated by loader/interp_gen.py from loader/ops.py; do not edit.
# ruff: noqa
# mypy: ignore-errors
"""The interpreter loops: one decision tree per kind of frame. See `interp_gen`."""

from __future__ import annotations

from loader.loops_support import *
'''

_BEGIN = """\
L += code.pad
for x in code.cells:
    L[x] = Cell() if L[x] is NULL else Cell(L[x])
s = []
t = NULL
ip = 0
blocks = []
"""

# A frame the translator ran a loop for goes on where the loop ends, see `tiering`.
_RESUME = "if resume is not None:\n    s, t, ip, blocks = resume\nelse:\n" + indent(_BEGIN, "    ")

# No handler of a generator runs when nobody refers to it any more.
_ABANDONED = """\
            if type(exc) is GeneratorExit and not CLOSING:
                blocks = []
"""

_LOOP = '''

def {name}(code, L{resume}):
    """{doc}"""
    if code.pad is None:
        prepare(code)
    ops, A, N, G, B, vm = code.frame
{begin}{start}    while True:
        try:
            while True:
{observe}                op = ops[ip]
                ip += 1
{tree}        except BaseException as caught:
            exc = caught
        if exc.__traceback__.tb_next is None:
            # Raised by an instruction itself: MicroPython may do better, or say it otherwise.
{abandoned}            y = recover(vm, op, x, t, exc)
            if type(y) is Replaced:
                exc = y.exc
            elif y is not FAILED:
                t = y
                continue
        leave_frame(exc, code, ip, op)
        while blocks and blocks[-1][0] < ip:
            blocks.pop()
        if not blocks or is_host_fault(exc):
            try:
                raise exc
            finally:
                exc = caught = None
        exc = visible(exc)
        y = blocks[-1]
        x = y[1]
        if len(s) == x:
            s.append(t)
        else:
            del s[x + 1:]
        y[3] = t = exc
        ip = y[0]
        exc = None
'''


def generate() -> str:
    """Text of the module with the loops."""
    parts = [_HEAD]
    for generator in (False, True):
        tree = _tree(_leaves(generator), 4)
        for observed in (False, True):
            name = ("generate" if generator else "run") + ("_observed" if observed else "")
            doc = f"Run a {'generator' if generator else 'function'} frame with these parameters."
            observe = "                vm.observe(code, ip, s, t)\n" if observed else ""
            start = "    if PENDING:\n        raise_pending(sys._getframe())\n" if generator else ""
            if generator:
                start = "    x = NULL\n" + start
            else:
                start = "    x = NULL\n"
            parts.append(
                _LOOP.format(
                    name=name,
                    doc=doc,
                    tree=tree,
                    observe=observe,
                    abandoned=_ABANDONED if generator else "",
                    start=start,
                    resume="" if generator else ", resume=None",
                    begin=_indent(_BEGIN if generator else _RESUME, 1),
                )
            )
    return "".join(parts)


def main() -> int:
    """Write the file; `--check` only says whether it is up to date."""
    text = generate()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
