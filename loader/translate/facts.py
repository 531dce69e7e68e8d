"""What one pass over all functions of a file tells about its names.

Generated code is faster where it need not ask whether a callable is a built-in type (see
`values`). These facts say for which names the question cannot arise within the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from loader.code import Code, NativeCode
from loader.ops import instructions


@dataclass(slots=True)
class Facts:
    """Facts about a file.

    Attributes:
        defined: Global and class-level names that only `def`, `class` and `import module` bind.
        rebound: Those that something else binds.
        attributes: Attribute names that are stored anywhere.
        fields: Attribute names that are stored on a function's first parameter.
        bare: Names of classes without bases, `__init__` and `__new__`.
        complex: Whether complex numbers may come up.
        bytearrays: Whether the file names a type whose `append` cuts numbers to its size.
        suffix: What makes reserved names differ from every name in the file.
    """

    defined: set[str] = field(default_factory=set)
    rebound: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    complex: bool = False
    bytearrays: bool = False
    suffix: str = ""


_RESERVED = re.compile(r"(?:local|cell|temp|function|namespace)\d+(_\d+)?(x*)")


def facts_of(root: Code) -> Facts:
    """Facts about the file of a module body.

    Args:
        root: The module body, or any function if its module is not at hand.
    """
    found = Facts()
    longest = -1
    for text in root.context.names:
        if match := _RESERVED.fullmatch(text):
            longest = max(longest, len(match[2]))
    found.suffix = "x" * (longest + 1)
    names = set(root.context.names)
    found.complex = bool(names & {"complex", "cmath"}) or any(
        type(value) is complex for value in root.context.objects
    )
    found.bytearrays = bool(names & {"bytearray", "array"})
    for code in root.walk():
        if isinstance(code, Code):
            _scan(code, found)
    found.defined -= found.rebound
    found.bare -= found.rebound
    return found


_MODULES_WITHOUT_TYPES = frozenset(
    """math cmath time utime micropython struct ustruct binascii ubinascii random urandom gc json
    ujson os uos errno uerrno select machine""".split()
)


def _scan(code: Code, found: Facts) -> None:
    names = code.context.names
    before = ""
    before_arg = 0
    pending_class = imported = ""
    classes: list[tuple[str, Code | NativeCode]] = []
    for ins in instructions(code.ops):
        op = ins.op.name
        if op == "STORE_NAME" or op == "STORE_GLOBAL":
            text = names[ins.arg]
            plain = before.startswith("MAKE_") or before == "IMPORT_NAME"
            if before == "CALL_FUNCTION" and classes and classes[-1][0] == text:
                _, body = classes.pop()
                plain = True
                if before_arg == _NO_BASES and isinstance(body, Code) and _makes_nothing(body):
                    found.bare.add(text)
            if before == "IMPORT_FROM" and imported in _MODULES_WITHOUT_TYPES:
                plain = True
            (found.defined if plain else found.rebound).add(text)
        elif op == "STORE_ATTR":
            text = names[ins.arg]
            found.attributes.add(text)
            if (before == "LOAD_FAST" and before_arg == 0) or before == "ROT_TWO":
                found.fields.add(text)
        elif op == "LOAD_BUILD_CLASS":
            pending_class = "?"
        elif op == "LOAD_CONST_STRING" and pending_class and before.startswith("MAKE_"):
            classes.append((names[ins.arg], code.children[before_arg]))
            pending_class = ""
        elif op == "IMPORT_NAME":
            imported = names[ins.arg]
        before, before_arg = op, ins.arg


_NO_BASES = 2
"""Arguments of the class builder for a class without bases."""


def _makes_nothing(body: Code) -> bool:
    """Whether a class body defines neither `__init__` nor `__new__`."""
    names = body.context.names
    return not any(
        ins.op.name == "STORE_NAME" and names[ins.arg] in ("__init__", "__new__")
        for ins in instructions(body.ops)
    )
