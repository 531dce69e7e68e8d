"""`romfs disasm`: list the bytecode of a module."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.errors import PathNotFound

if TYPE_CHECKING:
    from loader.code import Code


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="an image, or a .mpy file")
    parser.add_argument("path", nargs="?", metavar="PATH", help="the module inside the image")
    parser.add_argument(
        "function", nargs="?", metavar="FUNCTION", help="only this one; dots lead to inner ones"
    )
    parser.add_argument("--json", action="store_true", help="instructions as JSON")
    parser.add_argument(
        "--python", action="store_true", help="the Python functions the translator makes of it"
    )


def run(args: argparse.Namespace) -> int:
    """Print the listing."""
    from loader.code import Code
    from loader.disasm import listing, module_listing, native_listing

    root, function = _open(args)
    if args.python:
        return _print_python(root, function)
    lines = module_listing(root)
    if function:
        found = root.find(function.split("."))
        if found is None:
            raise PathNotFound(f"no function {function} in it", path=root.context.file)
        lines = listing(found) if isinstance(found, Code) else native_listing(found)
        if args.json and isinstance(found, Code):
            print(json.dumps(_as_json(found), indent=2))
            return 0
    elif args.json:
        print(json.dumps([_as_json(c) for c in root.walk() if isinstance(c, Code)], indent=2))
        return 0
    for line in lines:
        print(line)
    return 0


def _print_python(root: Code, function: str | None) -> int:
    """Print translations: of one function, or of the module and what it defines."""
    from loader.code import Code
    from loader.tiering import python_text

    if function:
        found = root.find(function.split("."))
        if not isinstance(found, Code):
            raise PathNotFound(f"no bytecode function {function} in it", path=root.context.file)
        print(python_text(found))
        return 0
    print(python_text(root))
    for child in root.children:
        if isinstance(child, Code):
            print(python_text(child))
    return 0


def _open(args: argparse.Namespace) -> tuple[Code, str | None]:
    """The module to list, and the function asked for."""
    from loader.loose import load_loose
    from romfs.image import Image

    path = Path(args.image)
    with path.open("rb") as file:
        magic = file.read(1)
    if magic == b"M":
        return load_loose(memoryview(path.read_bytes())), args.path
    if args.path is None:
        raise PathNotFound("name a module inside the image", path=args.image)
    image = Image.open(path)
    entry = image.file(args.path)
    return load_loose(entry.data, offset=entry.data_offset), args.function


def _as_json(code: Code) -> dict[str, Any]:
    from loader.disasm import operand_text
    from loader.ops import instructions

    return {
        "file": code.context.file,
        "name": code.name,
        "path": list(code.path),
        "offset": code.offset,
        "instructions": [
            {
                "ip": ins.ip,
                "line": code.line(ins.ip),
                "bytes": code.ops[ins.ip : ins.next].hex(),
                "op": ins.op.name,
                "operand": operand_text(code, ins),
            }
            for ins in instructions(code.ops)
        ],
    }
