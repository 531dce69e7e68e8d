"""What `romfs build` tells about a finished image."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from romfs.blocks import changed_blocks
from romfs.build import Built
from romfs.image import Image
from romfs.sizes import show_size
from romfs.target import Target

DEFAULT_ERASE = 4096  # for the count of changed blocks, where no board says otherwise
_BAR = 20  # characters

# Kind of file -> its row: name, noun, what becomes of it.
_KINDS = {
    "bytecode": ("in place", "module", "executed from flash"),
    "native": ("to RAM", "module", "with native code"),
    "source": ("source", ".py file", "compiled on the device"),
    "data": ("data", "file", ""),
}


def collect(built: Built, target: Target, output: Path, previous: Image | None) -> dict[str, Any]:
    """The report as plain values: what `--json` prints."""
    report: dict[str, Any] = {
        "image": str(output),
        "size": len(built.image),
        "sha256": hashlib.sha256(built.image).hexdigest(),
        "board": target.board,
        "capacity": target.capacity,
        "bytes": {kind: built.bytes_of(kind) for kind in _KINDS},
        "metadata": built.metadata,
        "padding": built.padding,
        "files": [file._asdict() for file in built.files],
        "findings": [finding._asdict() for finding in built.findings],
    }
    if previous is not None:
        erase = target.erase or DEFAULT_ERASE
        report["changed"] = {
            "erase": erase,
            "blocks": -(-len(built.image) // erase),
            "changed": changed_blocks(previous.data, built.image, erase),
        }
    return report


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    board = f" for {report['board']}" if report["board"] else ""
    total = _number(len(report["files"]), "file")
    lines = [f"{report['image']}: {show_size(report['size'])}, {total}{board}"]
    for kind, (name, noun, fate) in _KINDS.items():
        count = sum(file["kind"] == kind for file in report["files"])
        if count or kind == "bytecode":
            lines.append(_row(name, report["bytes"][kind], f"{_number(count, noun)} {fate}"))
    lines.append(_row("metadata", report["metadata"], "names, records, build information"))
    if report["padding"]:
        lines.append(_row("padding", report["padding"], "alignment, and room to grow in"))
    if report["capacity"]:
        free = report["capacity"] - report["size"]
        share = report["size"] / report["capacity"]
        filled = round(share * _BAR)
        bar = "#" * filled + "." * (_BAR - filled)
        text = f"[{bar}] {share:.0%} used, {show_size(free)} free"
        lines.append(_row("partition", report["capacity"], text))
    elif report["board"]:
        lines.append(
            "  partition      unknown  a build option of the firmware: tell it with --size"
        )
    if "changed" in report:
        what = report["changed"]
        changed = f"{len(what['changed'])} of {what['blocks']} erase blocks"
        lines.append(f"  changed   {changed} of {show_size(what['erase'])}")
    if "reproduced" in report:
        lines.append("  check     " + ("identical" if report["reproduced"] else "DIFFERENT"))
    return "\n".join(lines)


def _row(name: str, size: int, text: str) -> str:
    return f"  {name:<10}{show_size(size):>11}  {text}".rstrip()


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
