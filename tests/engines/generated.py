"""Random programs: expressions, and control flow that crosses try, with and loops.

Every function a program defines ends after few steps and prints what it does, so that two
engines that disagree anywhere print different text. `random.Random` makes them from a
seed; hypothesis only chooses seeds.
"""

from __future__ import annotations

from random import Random

_HEADER = """\
class Cm:
    def __init__(self, name, hide):
        self.name = name
        self.hide = hide
    def __enter__(self):
        print("enter", self.name)
        return self.name
    def __exit__(self, kind, value, trace):
        print("exit", self.name, kind)
        return self.hide
def show(e):
    # What a TypeError says is the subject of other programs.
    return "TypeError" if isinstance(e, TypeError) else repr(e)
class Err(Exception):
    pass
steps = 0
def tick(x):
    global steps
    steps += 1
    if steps > 150:
        raise SystemExit("enough")
    return x
"""

_ATOMS = (
    "0", "1", "-1", "2", "7", "255", "1.5", "-0.25", "2 ** 70", "-3 ** 30", "True", "False",
    "None", '"a"', '"bc"', '""', 'b"x"', "[1, 2]", "(3,)", "()", "[]", "{1: 2}", "{4, 5}",
)  # fmt: skip
_BINARY = ("+", "-", "*", "//", "/", "%", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=", "in")
_ERRORS = ("ValueError", "KeyError", "Err", "ZeroDivisionError", "LookupError", "TypeError")


class Writer:
    """Writes one program.

    Args:
        rng: Source of every choice.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.lines: list[str] = []
        self.names = ["a", "b", "c"]
        self.count = 0

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def expression(self, depth: int = 3) -> str:
        """Any expression over the names in scope; it may raise."""
        rng = self.rng
        kind = rng.randrange(10) if depth else rng.randrange(3)
        if kind < 2:
            return rng.choice(_ATOMS)
        if kind < 4:
            return rng.choice(self.names)
        one, two = self.expression(depth - 1), self.expression(depth - 1)
        if kind < 7:
            return f"({one} {rng.choice(_BINARY)} {two})"
        return rng.choice(
            (
                f"({one} if {two} else {self.expression(depth - 1)})",
                f"({one} and {two})",
                f"({one} or {two})",
                f"(not {one})",
                f"(-{one})",
                f"str({one})",
                f"[{one}, {two}]",
                f"({one}, {two})",
                f"({one} < {two} <= {self.expression(depth - 1)})",
                f"[x for x in range(3) if x != {one}]",
                f"(lambda q: {one})(0)",
                f"len({one})",
                f"({one})[{two}]",
            )
        )

    def block(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        """Statements of one suite.

        Args:
            depth: Indentation.
            budget: How deep it may nest further.
            loop: Loops around it in the same function.
            generator: Whether it may yield.
        """
        for _ in range(self.rng.randint(1, 3)):
            self.statement(depth, budget, loop, generator)

    def statement(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        rng = self.rng
        self.count += 1
        simple = [
            lambda: self.line(depth, f'print("p{self.count}", {self.expression(2)})'),
            lambda: self.line(depth, f"{rng.choice(self.names)} = {self.expression()}"),
            lambda: self.line(depth, f"{rng.choice(self.names)} += {self.expression(1)}"),
            lambda: self.line(depth, f"raise {rng.choice(_ERRORS)}({self.count})"),
            lambda: self.line(depth, f"if {self.expression(1)}: return {self.expression(1)}"),
            lambda: self.line(depth, f"del {rng.choice(self.names)}"),
        ]
        if loop:
            simple += [
                lambda: self.line(depth, f"if {self.expression(1)}: break"),
                lambda: self.line(depth, f"if {self.expression(1)}: continue"),
            ]
        if generator:
            simple.append(lambda: self.line(depth, f"a = yield {self.expression(1)}"))
        if budget == 0 or rng.random() < 0.45:
            weights = [5, 5, 2, 1, 1, 0.3, 1, 1, 2][: len(simple)]
            rng.choices(simple, weights)[0]()
            return
        compound = rng.choice(
            (self.if_, self.for_, self.range_, self.while_, self.try_, self.finally_, self.with_)
        )
        compound(depth, budget - 1, loop, generator)

    def if_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        self.line(depth, f"if {self.expression(2)}:")
        self.block(depth + 1, budget, loop, generator)
        if self.rng.random() < 0.5:
            self.line(depth, "else:")
            self.block(depth + 1, budget, loop, generator)

    def for_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        items = self.rng.choice(("[1, 2, 3]", '"xy"', "(0, None)", "range(2)", "{7: 8}"))
        self.line(depth, f"for {self.rng.choice(self.names)} in {items}:")
        self.loop_body(depth, budget, loop, generator)

    def range_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        bounds = self.rng.choice(("3", "1, 4", "5, 0, -2", "len([1, 2])"))
        self.line(depth, f"for i{depth} in range({bounds}):")
        self.loop_body(depth, budget, loop, generator)

    def while_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        name = f"w{self.count}"
        self.line(depth, f"{name} = 0")
        self.line(depth, f"while {name} < 3:")
        self.line(depth + 1, f"{name} += 1")
        self.loop_body(depth, budget, loop, generator)

    def loop_body(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        self.line(depth + 1, "tick(0)")
        self.block(depth + 1, budget, loop + 1, generator)
        if self.rng.random() < 0.3:
            self.line(depth, "else:")
            self.block(depth + 1, budget, loop, generator)

    def try_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        self.line(depth, "try:")
        self.block(depth + 1, budget, loop, generator)
        for _ in range(self.rng.randint(1, 2)):
            name = self.rng.choice(("", " as e"))
            kind = self.rng.choice((*_ERRORS, "(KeyError, Err)", "Exception"))
            self.line(depth, f"except {kind}{name}:")
            if name:
                self.line(depth + 1, 'print("caught", show(e))')
            self.block(depth + 1, budget, loop, generator)
            if self.rng.random() < 0.2:
                self.line(depth + 1, "raise")
        if self.rng.random() < 0.3:
            self.line(depth, "else:")
            self.block(depth + 1, budget, loop, generator)
        if self.rng.random() < 0.3:
            self.line(depth, "finally:")
            self.block(depth + 1, 0, 0, generator)

    def finally_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        self.line(depth, "try:")
        self.block(depth + 1, budget, loop, generator)
        self.line(depth, "finally:")
        self.block(depth + 1, budget, 0, False)

    def with_(self, depth: int, budget: int, loop: int, generator: bool) -> None:
        hide = self.rng.choice(("True", "False", "0"))
        self.line(depth, f'with Cm("m{self.count}", {hide}) as b:')
        self.block(depth + 1, budget, loop, generator)


def program(seed: int) -> str:
    """The program of a seed."""
    rng = Random(seed)
    writer = Writer(rng)
    text = [_HEADER]
    for number in range(3):
        generator = number == 2
        writer.lines = []
        writer.line(0, f"def f{number}(a=1, b=2, c=3):")
        writer.block(1, 4, 0, generator)
        if generator:
            writer.line(1, "yield a")
        text.append("\n".join(writer.lines) + "\n")
    text.append(_CALLS)
    return "".join(text)


_CALLS = """\
for f in (f0, f1):
    for args in ((), (0, None, "s"), ([], 5, 1.5)):
        try:
            print("result", f(*args))
        except (Exception, SystemExit) as e:
            print("raised", show(e))
g = f2()
for sent in (None, 1, "x", None, []):
    try:
        print("yielded", g.send(sent))
    except (Exception, SystemExit) as e:
        print("left", show(e))
        break
try:
    g.throw(Err("thrown"))
except (Exception, SystemExit) as e:
    print("thrown", show(e))
g.close()
"""
