"""Code objects of a file that nobody runs: for listings and tools."""

from __future__ import annotations

import io

from loader.code import Code, link
from romfs.mpy import parse_mpy


def load_loose(data: memoryview, *, offset: int | None = None) -> Code:
    """The code of a .mpy file, linked to an empty module.

    Raises:
        MpyError: It is not well-formed.
    """
    from loader.vfs import MountTable
    from loader.vm import VM

    vm = VM(stdin=io.BytesIO(), stdout=io.BytesIO(), stderr=io.BytesIO(), vfs=MountTable())
    return link(parse_mpy(data), data, {}, vm, offset=offset)
