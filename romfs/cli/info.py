"""`romfs info`: what an image is, and what it says of itself."""

from __future__ import annotations

import argparse
import json
from typing import Any

from romfs import build_info
from romfs.cli import exit_codes
from romfs.cli._inspect import add_image_arguments, shown
from romfs.errors import MpyError
from romfs.image import Image
from romfs.mpy import parse_mpy
from romfs.sizes import show_size


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_image_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Describe the image; exit 1 if it is not as it was built."""
    with Image.open(args.image) as image:
        report = describe(image)
    report = {"image": args.image, **report}
    if args.json:
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(_lines(report)))
    return exit_codes.FAILED if report["damage"] else exit_codes.OK


def describe(image: Image) -> dict[str, Any]:
    """Everything `info` tells, as plain values."""
    import hashlib

    info = build_info.read(image)
    files = dict(image.files())
    return {
        "size": image.size,
        "trailing": image.trailing,
        "sha256": hashlib.sha256(image.data).hexdigest(),
        "build": None if info is None else dict(info.fields),
        "damage": [] if info is None else list(build_info.verify(image, info)),
        "files": len(files),
        "directories": sum(1 for _ in image.walk()) - len(files),
        "data": sum({f.data_offset: len(f.data) for f in files.values()}.values()),
        "modules": [_module(path, file.data) for path, file in files.items() if _is_mpy(path)],
    }


def _is_mpy(path: str) -> bool:
    return path.endswith(".mpy")


def _module(path: str, data: memoryview) -> dict[str, Any]:
    try:
        mpy = parse_mpy(data)
    except MpyError as error:
        return {"path": path, "size": len(data), "error": str(error)}
    header = mpy.header
    return {
        "path": path,
        "size": len(data),
        "version": f"{header.version}.{header.sub_version}",
        "arch": header.arch_name,
        "small_int_bits": header.small_int_bits,
        "functions": sum(1 for _ in mpy.root.walk()),
        "qstrs": len(mpy.qstrs),
        "constants": len(mpy.objects),
    }


def _lines(report: dict[str, Any]) -> list[str]:
    build = report["build"]
    rows = [
        ("size", f"{show_size(report['size'])} ({report['size']} bytes)"),
        ("sha256", report["sha256"]),
        ("files", f"{report['files']} in {report['directories']} directories"),
        ("data", show_size(report["data"])),
    ]
    if report["trailing"]:
        rows.append(("followed by", f"{report['trailing']} bytes that are not part of it"))
    if build is None:
        rows.append(("built by", "unknown: the image has no build information"))
    else:
        rows += [(name, str(value)) for name, value in build.items()]
        rows.append(("intact", "no" if report["damage"] else "yes, as it was built"))
    lines = [shown(report["image"])]
    lines += [f"  {shown(name):<12} {shown(text)}" for name, text in rows]
    lines += [f"  damage       {shown(text)}" for text in report["damage"]]
    if report["modules"]:
        lines.append("  modules")
    for module in report["modules"]:
        name = shown(module["path"])
        if "error" in module:
            lines.append(f"    {name}: {module['error']}")
            continue
        native = "" if module["arch"] == "none" else f", {module['arch']} native code"
        lines.append(
            f"    {name}: {show_size(module['size'])}, {module['functions']} functions{native}"
        )
    return lines
