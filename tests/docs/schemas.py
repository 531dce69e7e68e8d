"""The JSON forms, written once: from here come docs/schemas/*.json and the tables of json.md.

A field is `name: (type, meaning)`. Types: `str int number bool any`, with `?` for null as well, a
tuple of allowed strings, a list of one type, a dict of fields, or `Map(type)` for an object whose
names are data. A name that ends in `?` may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Fields = dict[str, Any]


class Map(NamedTuple):
    """An object whose names are data."""

    values: Any


FINDING: Fields = {
    "rule": ("str", "stable name; `romfs check --explain RULE`"),
    "severity": (("error", "warning", "note"), "how much it matters"),
    "path": ("str", "in the image; empty for the image itself"),
    "message": ("str", "what, where, and what to do"),
    "offset": ("int?", "from image start"),
    "line": ("int?", "of the source"),
}

_MODULE_ERROR = "of a damaged module, in place of what follows"

FORMS: dict[str, tuple[str, Any]] = {
    "version": (
        "`romfs --version --json`",
        {
            "schema": ("int", "1"),
            "romfs": ("str", "version"),
            "python": ("str", "version of the Python it runs in"),
            "platform": ("str", "operating system and processor"),
            "formats": (Map("int"), "versions of `.mpy`, build information and lock file"),
            "schemas": (Map("int"), "version of each form on this page"),
            "compiler": ("str?", "what mpy-cross says of itself"),
            "extras": (Map(Map("str?")), "packages of each extra, with the version installed"),
        },
    ),
    "build": (
        "`romfs build --json`; with `--all` a list of these",
        {
            "image": ("str", "the file written"),
            "size": ("int", "bytes"),
            "sha256": ("str", "of the image"),
            "board": ("str?", "board it was built for"),
            "capacity": ("int?", "bytes of the partition"),
            "bytes": (Map("int"), "by kind: `bytecode`, `native`, `source`, `data`"),
            "metadata": ("int", "bytes of records and build information"),
            "padding": ("int", "bytes that no file uses"),
            "files": (
                [
                    {
                        "path": ("str", "in the image"),
                        "origin": ("str", "where it came from"),
                        "kind": (("bytecode", "native", "source", "data"), "what becomes of it"),
                        "size": ("int", "bytes"),
                        "offset": ("int", "of its data; 0 for an empty file"),
                        "sha256": ("str", "of its data"),
                        "compiled": ("bool", "whether it was compiled from source"),
                        "cached": ("bool", "whether compiling it was spared"),
                    }
                ],
                "every file",
            ),
            "findings": ([FINDING], "warnings and notes"),
            "changed?": (
                {
                    "erase": ("int", "bytes of an erase block"),
                    "blocks": ("int", "erase blocks the image takes"),
                    "changed": (["int"], "numbers of those that differ"),
                },
                "with `--previous`",
            ),
            "reproduced?": ("bool", "with `--check`: whether the file is what would be built"),
        },
    ),
    "build-failed": (
        "`romfs build --json`, exit code 1",
        {
            "image": ("str", "the file that was not written"),
            "error": ("str", "summary"),
            "problems": (
                [
                    {
                        "path": ("str", "source file"),
                        "line": ("int?", "in it"),
                        "message": ("str", "as printed"),
                    }
                ],
                "every problem",
            ),
        },
    ),
    "info": (
        "`romfs info --json`",
        {
            "image": ("str", "as named"),
            "size": ("int", "bytes"),
            "trailing": ("int", "bytes in the file behind the image"),
            "sha256": ("str", "of the image"),
            "build": ("any", "fields of the build information; null without"),
            "damage": (["str"], "what is not as it was built"),
            "files": ("int", "how many"),
            "directories": ("int", "how many"),
            "data": ("int", "bytes of files; equal contents once"),
            "modules": (
                [
                    {
                        "path": ("str", "in the image"),
                        "size": ("int", "bytes"),
                        "error?": ("str", _MODULE_ERROR),
                        "version?": ("str", "`.mpy` version and sub-version"),
                        "arch?": ("str", "of native code, or `none`"),
                        "small_int_bits?": ("int", "a device needs"),
                        "functions?": ("int", "how many"),
                        "qstrs?": ("int", "how many names"),
                        "constants?": ("int", "how many objects"),
                    }
                ],
                "every `.mpy` file",
            ),
        },
    ),
    "ls": (
        "`romfs ls --json`, a list of these",
        {
            "path": ("str", "a directory's ends in `/`"),
            "type": (("file", "directory"), ""),
            "size?": ("int", "bytes"),
            "offset?": ("int", "of the data"),
            "sha256?": ("str", "of the data"),
        },
    ),
    "extract": (
        "`romfs extract --json`",
        {
            "directory": ("str", "where files went"),
            "files": (["str"], "paths below it"),
        },
    ),
    "dump": (
        "`romfs dump --json`, a list of these",
        {
            "offset": ("int", "of the bytes explained"),
            "depth": ("int", "of nesting"),
            "data": ("str", "the bytes, in hexadecimal"),
            "text": ("str", "what they are"),
        },
    ),
    "disasm": (
        "`romfs disasm --json`, a list of these",
        {
            "file": ("str", "source file, as the compiler was told"),
            "name": ("str", "of the function"),
            "path": (["int"], "child numbers that lead to it"),
            "offset": ("int", "of its first instruction"),
            "instructions": (
                [
                    {
                        "ip": ("int", "from the first instruction"),
                        "line": ("int?", "of the source"),
                        "bytes": ("str", "in hexadecimal"),
                        "op": ("str", "name"),
                        "operand": ("str", "in words"),
                    }
                ],
                "of the function",
            ),
        },
    ),
    "check": (
        "`romfs check --json`",
        {
            "schema": ("int", "1"),
            "tool": ("str", "name and version"),
            "ok": ("bool", "whether the exit code is 0"),
            "images": (
                [
                    {
                        "image": ("str", "as named"),
                        "findings": ([FINDING], "errors first"),
                    }
                ],
                "every image",
            ),
        },
    ),
    "ram": (
        "`romfs ram --json`",
        {
            "schema": ("int", "1"),
            "image": ("str", "as named"),
            "board": ("str?", "whose heap: its id"),
            "word": ("int", "bytes of a word there"),
            "total": (Map("int"), "sums over all modules: `rom`, `mpy`, `frozen`"),
            "budget": ("int?", "as given"),
            "modules": (
                [
                    {
                        "path": ("str", "in the image"),
                        "module": ("str", "name it is imported by"),
                        "rom": ("int", "bytes that stay when it is imported from this image"),
                        "peak": ("int", "bytes an import needs before garbage is collected"),
                        "mpy": ("int", "bytes that stay from a read-write file system"),
                        "py": ("int", "bytes that stay from source"),
                        "frozen": ("int", "bytes that stay if it is frozen"),
                        "file": (Map("int"), "what its file brings, by purpose"),
                        "objects": (Map("int"), "bytes its body makes and keeps, by type"),
                        "code": ("int", "bytes of function records that stay"),
                        "bytecode": ("int", "bytes of bytecode that stay outside a ROMFS"),
                        "measured": ("bool", "false: the body did not run to its end; estimated"),
                        "note": ("str", "why not, or what was guessed"),
                    }
                ],
                "the largest first",
            ),
        },
    ),
    "diff": (
        "`romfs diff --json`",
        {
            "schema": ("int", "1"),
            "old": ({"image": ("str", ""), "size": ("int", "")}, "the image a device has"),
            "new": ({"image": ("str", ""), "size": ("int", "")}, "the image it shall have"),
            "identical": ("bool", "whether the partition would stay as it is"),
            "files": (
                [
                    {
                        "path": ("str", "in the image"),
                        "change": (("added", "removed", "changed", "moved"), ""),
                        "old_size": ("int", "0 where it is new"),
                        "new_size": ("int", "0 where it is gone"),
                        "renamed_from": ("str?", "the path with the same content before"),
                        "ram": ("any", "bytes an import takes, `old` and `new`; null if no module"),
                        "functions": (
                            [
                                {
                                    "name": ("str", "qualified"),
                                    "change": (("added", "removed", "changed"), ""),
                                    "old_size": ("int", "bytes"),
                                    "new_size": ("int", "bytes"),
                                    "lines": (["str"], "of the listing's difference"),
                                }
                            ],
                            "of a changed module",
                        ),
                    }
                ],
                "that differ",
            ),
            "same_files": ("int", "how many did not change"),
            "erase": ("int", "bytes of an erase block"),
            "blocks": ("int", "erase blocks the new image takes"),
            "changed_blocks": (["int"], "numbers of those to be rewritten"),
        },
    ),
    "convert": (
        "`romfs convert --json`",
        {
            "output": ("str", "the file written"),
            "format": ("str", "of it"),
            "bytes": ("int", "its size"),
            "pieces": (
                [
                    {
                        "address": ("int?", "of the first byte"),
                        "bytes": ("int", "how many"),
                        "part": ("str", "of the file, where it has several"),
                    }
                ],
                "runs of bytes",
            ),
        },
    ),
    "query": (
        "`romfs query --json`",
        {
            "port": ("str", "serial port"),
            "machine": ("str", "what the device calls itself"),
            "board": ("str?", "id in the board list"),
            "micropython": ("str", "version"),
            "platform": ("str", "`sys.platform`"),
            "mpy": (
                {
                    "version": ("int", ""),
                    "sub_version": ("int", ""),
                    "arch": ("str?", "of native code it loads"),
                    "small_int_bits": ("int?", ""),
                },
                "what `.mpy` files it loads",
            ),
            "free_heap": ("int", "bytes"),
            "mounted_payload": ("int?", "bytes of the image at `/rom`"),
            "remarks": (["str"], "sentences for people"),
            "partitions": (
                [
                    {
                        "index": ("int", "segment id"),
                        "size": ("int", "bytes"),
                        "kind": ("str", "class of a block device, or `memoryview`"),
                        "unit": ("int", "its block size or smallest erase; not positive: none"),
                        "state": (("image", "erased", "unfinished", "unknown"), "what it holds"),
                        "image_bytes": ("int", "of the image, 0 without"),
                        "build": (Map("any"), "its build information"),
                        "erasing": ("str", "how it is erased, in words"),
                        "erase_units": (["int"], "sizes"),
                        "write_unit": ("int", "bytes"),
                        "usable": ("int", "bytes an image may have"),
                    }
                ],
                "by segment id",
            ),
        },
    ),
    "emulate": (
        "`romfs emulate --json`",
        {
            "port": ("str", "serial port"),
            "board": ("str", "id"),
            "partitions": (
                [
                    {
                        "index": ("int", "segment id"),
                        "size": ("int", "bytes"),
                        "segment": ("str", "class of its object"),
                    }
                ],
                "ROMFS partitions",
            ),
            "filesystem": ("str", "directory that is the read/write file system"),
            "pid": ("int", "process id"),
        },
    ),
    "ci": (
        "`romfs ci --json`",
        {
            "schema": ("int", "1"),
            "ok": ("bool", "whether the exit code is 0"),
            "images": (
                [
                    {
                        "image": ("str", "the file"),
                        "board": ("str?", "it was built for"),
                        "ok": ("bool", "whether all its steps are"),
                        "steps": (
                            [
                                {
                                    "name": (("build", "check", "run", "ram", "diff"), ""),
                                    "ok": ("bool", "whether it was as demanded"),
                                    "text": ("str", "result in a few words"),
                                    "seconds": ("number", "it took"),
                                    "output": ("str", "what it printed"),
                                    "report": ("any", "the form of that command, or null"),
                                }
                            ],
                            "in order",
                        ),
                    }
                ],
                "the whole matrix",
            ),
        },
    ),
}

_TYPES = {
    "str": "string",
    "int": "integer",
    "number": "number",
    "bool": "boolean",
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one form."""
    title, fields = FORMS[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **_object(fields),
    }


def _object(fields: Fields, *, strict: bool = False) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            key.rstrip("?"): {**_type(kind), **({"description": text} if text else {})}
            for key, (kind, text) in fields.items()
        },
        "required": [key for key in fields if not key.endswith("?")],
    }


def _type(kind: Any) -> dict[str, Any]:
    if isinstance(kind, tuple) and not isinstance(kind, Map):
        return {"enum": list(kind)}
    if isinstance(kind, Map):
        return {"type": "object", "additionalProperties": _type(kind.values)}
    if isinstance(kind, list):
        return {"type": "array", "items": _type(kind[0])}
    if isinstance(kind, dict):
        return _object(kind)
    if kind == "any":
        return {}
    plain = _TYPES[kind.rstrip("?")]
    return {"type": [plain, "null"] if kind.endswith("?") else plain}


def table(name: str) -> Iterator[str]:
    """The form as rows of Markdown."""
    yield "| field | | |"
    yield "|---|---|---|"
    yield from _rows("", FORMS[name][1])


def _rows(before: str, fields: Fields) -> Iterator[str]:
    for key, (kind, text) in fields.items():
        place = before + key.rstrip("?")
        inner, shown = kind, ""
        if isinstance(kind, list):
            place += "[]"
            inner = kind[0]
        if isinstance(inner, dict):
            yield f"| `{place}` | | {text} |"
            yield from _rows(f"{place}.", inner)
            continue
        shown = _shown(inner)
        if key.endswith("?"):
            shown += ", may be missing"
        yield f"| `{place}` | {shown} | {text} |"


def _shown(kind: Any) -> str:
    if isinstance(kind, Map):
        return "object"
    if isinstance(kind, tuple):
        return ", ".join(f"`{word}`" for word in kind)
    if kind == "any":
        return "any"
    words = {"str": "text", "int": "integer", "number": "number", "bool": "boolean"}
    return words[kind.rstrip("?")] + (" or null" if kind.endswith("?") else "")
