"""`romfs query`: the connected device, its ROMFS partitions, and what is in them."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._device import add_port_arguments, options_of

if TYPE_CHECKING:
    from flash.execute import Connected


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_port_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Ask and print."""
    from romfs.cli._device import connected
    from romfs.errors import NoPartition

    seen: dict[str, Any] = {}

    def tell(name: str, facts: dict[str, Any]) -> None:
        if name == "device":
            seen.update(facts)

    try:
        with connected(args, tell) as device:
            report = _report(device, args)
    except NoPartition:
        # What is connected is worth knowing all the same.
        if args.json:
            print(json.dumps({**seen, "remarks": []}, indent=2))
        else:
            print("\n".join(_device_lines({**seen, "port": args.port})))
        raise
    print(json.dumps(report, indent=2) if args.json else _text(report))
    return exit_codes.OK


def _report(device: Connected, args: argparse.Namespace) -> dict[str, Any]:
    from flash.checks import abi
    from flash.contents import look
    from flash.execute import describe
    from flash.target import resolve

    report = describe(device.info, device.board)
    report["port"] = device.repl.link.name
    loads = abi(device.info, device.board)
    report["mpy"]["small_int_bits"] = None if loads is None else loads.small_int_bits
    report["remarks"] = device.remarks
    for segment, row in zip(device.info.segments, report["partitions"], strict=True):
        device.options = replace(options_of(args), partition=segment.index)
        device.target = resolve(device.info, segment, device.board)
        transport = device.open(reading=True)
        try:
            found = look(transport.read, segment.size)
        finally:
            transport.close()
        row.update(
            state=found.state,
            image_bytes=found.size,
            build=dict(found.info),
            erasing=device.target.erasing.value,
            erase_units=sorted({size for _, size in device.target.blocks(device.target.size)}),
            write_unit=device.target.write,
            usable=device.target.size,
        )
    return report


def _text(report: dict[str, Any]) -> str:
    from romfs.sizes import show_size

    lines = _device_lines(report)
    for row in report["partitions"]:
        units = "/".join(show_size(size) for size in row["erase_units"])
        lines += [
            f"  romfs{row['index']}       {show_size(row['usable'])} {row['kind']}, "
            f"erase {units}, write {row['write_unit']} B",
            f"               {_content(row)}",
        ]
    lines += [f"  note         {remark}" for remark in report["remarks"]]
    return "\n".join(lines)


def _device_lines(report: dict[str, Any]) -> list[str]:
    from romfs.sizes import show_size

    mpy = report["mpy"]
    loads = f".mpy {mpy['version']}.{mpy['sub_version']}, {mpy['arch']}"
    if mpy.get("small_int_bits"):
        loads += f", {mpy['small_int_bits']}-bit small ints"
    return [
        f"{report['port']}: {report['machine'] or 'a board that does not say what it is'}",
        f"  board        {report['board'] or 'not in the board list'}",
        f"  firmware     MicroPython {report['micropython']} ({report['platform']})",
        f"  loads        {loads}",
        f"  free heap    {show_size(report['free_heap'])}",
    ]


def _content(row: dict[str, Any]) -> str:
    from romfs.sizes import show_size

    if row["state"] != "image":
        return {
            "erased": "erased",
            "unfinished": "an image not completely written: flash it again",
        }.get(row["state"], "no image")
    share = 100 * row["image_bytes"] / row["usable"]
    text = f"image of {show_size(row['image_bytes'])} ({share:.0f} %)"
    build = row["build"]
    facts = [f"{key} {build[key]}" for key in ("version", "board", "tool") if build.get(key)]
    return f"{text}: {', '.join(facts)}" if facts else text
