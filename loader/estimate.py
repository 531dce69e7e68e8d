"""What a module body makes, guessed from its bytecode where it cannot be run.

Every function and class that the body and its class bodies make is counted once; lists,
dicts and instances are not seen.

Source: MicroPython py/objfun.h, py/objtype.h.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from loader.functions import Function
from romfs.errors import BytecodeError
from romfs.ram.device import Device
from romfs.ram.load import children_cost, code_cost, record_cost


class Estimate(NamedTuple):
    """A guess.

    Attributes:
        globals: Entries of the module's dict.
        objects: Bytes by type.
        code: Bytes of function records that stay.
        bytecode: Bytes of bytecode that stays, where it is copied.
    """

    globals: int
    objects: dict[str, int]
    code: int
    bytecode: int


def estimate(root: Function, device: Device) -> Estimate:
    """Guess what a module keeps."""
    objects: Counter[str] = Counter()
    code = bytecode = 0
    pending = [root]
    while pending:
        body = pending.pop()
        bodies = _class_bodies(body)
        for number, child in enumerate(body.children):
            if number in bodies:
                entries = len(_stored(child))
                header = 20 if device.word == 4 else 24
                objects["class"] += device.heap(header + 11 * device.word)
                objects["class"] += device.words(4) + device.table(entries)
                pending.append(child)
            else:
                defaults = child.prelude.n_def_pos_args if child.prelude else 0
                objects["function"] += device.words(4 + defaults)
                below = (one for inner in child.raw.children for one in inner.walk())
                code += children_cost(child.raw, device)
                code += sum(record_cost(one, device) for one in below)
                bytecode += sum(code_cost(one, device) for one in child.raw.walk())
    return Estimate(len(_stored(root)) + 2, dict(objects), code, bytecode)


def _stored(body: Function) -> set[int]:
    """Names a body stores, by number."""
    try:
        return {ins.arg for ins in body.decoded if ins.op.name == "STORE_NAME"}
    except BytecodeError:
        return set()  # `romfs check` says what is wrong with it


def _class_bodies(body: Function) -> set[int]:
    """Child numbers handed to the class builder: made right after it is loaded."""
    found = set()
    waiting = False
    try:
        for ins in body.decoded:
            if ins.op.name == "LOAD_BUILD_CLASS":
                waiting = True
            elif waiting and ins.op.name.startswith("MAKE_"):
                found.add(ins.arg)
                waiting = False
    except BytecodeError:
        return found
    return found
