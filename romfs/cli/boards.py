"""`romfs boards`: list the known boards, or tell all that is known of one."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from romfs.cli import exit_codes

if TYPE_CHECKING:
    from boards import Board, Flashing, Partition, Region

_MAX_WIDTH = 100  # longer lines of prose are hard to read
_LABEL = 16
_REACH = {True: "yes", False: "no", None: "not known"}


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "board",
        nargs="?",
        metavar="NAME",
        help="describe this one: BOARD, BOARD-VARIANT, port/BOARD, or a .toml file of your own",
    )
    parser.add_argument("--port", help="only boards of this port: rp2, stm32, esp32 ...")
    parser.add_argument("--json", action="store_true", help="machine-readable output")


def run(args: argparse.Namespace) -> int:
    """List, or describe."""
    import boards

    if args.board is None:
        listed = boards.all_boards(args.port)
        _list_json(listed) if args.json else _list_text(listed)
        return exit_codes.OK
    name = args.board
    if args.port is not None and "/" not in name and ".toml" not in name:
        name = f"{args.port}/{name}"
    board = boards.load(name)
    if args.json:
        print(json.dumps(as_json(board), indent=2, ensure_ascii=False))
    else:
        width = min(_terminal_width(), _MAX_WIDTH)
        print("\n".join(line for section in describe(board, width) for line in section))
    return exit_codes.OK


def _terminal_width() -> int:
    return shutil.get_terminal_size(fallback=(_MAX_WIDTH, 24)).columns


# The list.


class _Column(NamedTuple):
    title: str
    cells: list[str]
    spare: int  # columns with a higher number go first when the terminal is narrow

    @property
    def width(self) -> int:
        return max(map(len, (self.title, *self.cells)))


def _list_text(listed: Sequence[Board]) -> None:
    marks = ["!" if _dangers(board) else "" for board in listed]
    columns = [
        _Column("BOARD", [board.id for board in listed], 0),
        _Column("ROMFS", [board.status for board in listed], 1),
        _Column("SIZE", [_sizes(board) for board in listed], 2),
        _Column("", marks, 0),
        _Column("NATIVE", [board.native_arch or "-" for board in listed], 3),
        _Column("MCU", [board.mcu or "" for board in listed], 4),
        _Column("PRODUCT", [board.product or "" for board in listed], 5),
    ]
    if not any(marks):
        columns = [column for column in columns if column.cells is not marks]
    for row in table(columns, _terminal_width()):
        print(row)
    notes = [f"{len(listed)} boards; `romfs boards NAME` describes one"]
    if any(marks):
        notes.append("! deploying or updating can lose data outside ROMFS: see the board's hazards")
    if any(board.status == "opt-in" for board in listed):
        notes.append("opt-in: upstream's own firmware has no ROMFS, a build option adds it")
    print(*(f"romfs: {note}" for note in notes), sep="\n", file=sys.stderr)


def table(columns: Sequence[_Column], width: int) -> Iterable[str]:
    """Aligned rows; what does not fit is left out column by column, never cut."""
    kept = list(columns)
    while sum(column.width + 2 for column in kept) - 2 > width and len(kept) > 1:
        dearest = max(kept, key=lambda column: column.spare)
        if not dearest.spare:
            break
        kept.remove(dearest)
    for row in zip(*([column.title, *column.cells] for column in kept), strict=True):
        cells = (cell.ljust(column.width) for cell, column in zip(row, kept, strict=True))
        yield "  ".join(cells).rstrip()


def _sizes(board: Board) -> str:
    """`16 + 1 MiB`: shorter than `show_size`, so that the list fits 80 columns."""
    from romfs.sizes import show_size

    shown = []
    for part in board.partitions:
        if part.capacity is None:
            return "build option"
        number, unit = show_size(part.capacity).split()
        shown.append((number.removesuffix(".00").removesuffix(".0"), unit))
    if len({unit for _, unit in shown}) == 1:
        return " + ".join(number for number, _ in shown) + f" {shown[0][1]}"
    return " + ".join(f"{number} {unit}" for number, unit in shown)


def _dangers(board: Board) -> list[str]:
    from boards import Level

    return [quirk.value for quirk in board.quirks if quirk.level is Level.DANGER]


def _list_json(listed: Sequence[Board]) -> None:
    rows = [
        {
            "id": board.id,
            "port": board.port,
            "board": board.board,
            "variant": board.variant,
            "core": board.core,
            "vendor": board.vendor,
            "product": board.product,
            "mcu": board.mcu,
            "status": board.status,
            "native_arch": board.native_arch,
            "partitions": [
                {"name": part.name, "size": part.size, "usable_size": part.usable_size}
                for part in board.partitions
            ],
            "dangers": _dangers(board),
        }
        for board in listed
    ]
    print(json.dumps(rows, indent=2, ensure_ascii=False))


# One board.


def as_json(board: Board) -> dict[str, object]:
    """Everything known, under the names of the model's attributes, and what follows from it."""
    facts = asdict(board)
    facts["mpy"]["accepted_archs"] = board.mpy.accepted_archs
    facts["mpy"]["mpy_value"] = board.mpy.mpy_value()
    facts["quirks"] = [
        {"name": quirk.value, "level": quirk.level.value, "description": quirk.description}
        for quirk in board.quirks
    ]
    return {
        "id": board.id,
        **facts,
        "transports": board.transports,
        "layout": [asdict(region) for region in board.layout()],
    }


def describe(board: Board, width: int) -> Iterable[list[str]]:
    """Sections of text, each a list of lines."""
    yield _identity(board, width)
    yield _section("Compiling", _compiling(board), width)
    for part in board.partitions:
        title = f"Partition {part.index}" + ("" if part.name.startswith("romfs") else " (romfs)")
        yield _section(f"{title}: {part.name}", _partition(part, board), width)
    if board.flash.regions:
        yield _layout(board, width)
    for way in board.flashing:
        yield _section(f"Flashing with {way.method}", _flashing(way), width)
    yield _section("At boot", _boot(board), width)
    if board.quirks:
        order = ["danger", "care", "note"]
        hazards = sorted(board.quirks, key=lambda quirk: order.index(quirk.level.value))
        yield _section(
            "Hazards", [(q.level.value, f"{q.description} [{q}]") for q in hazards], width
        )
    if board.notes:
        yield _section("Notes", [("-", note) for note in board.notes], width, label=1)
    if board.source:
        at = "" if board.commit is None else f" at MicroPython {board.commit[:12]}"
        yield _section(f"Read from{at}", [("", path) for path in board.source], width, label=0)


def _identity(board: Board, width: int) -> list[str]:
    made_by = " ".join(word for word in (board.vendor, board.product) if word)
    lines = [board.id] + ([made_by] if made_by else [])
    state = {
        "default": "in upstream's own firmware",
        "opt-in": "only in firmware built for it",
        "disabled": "switched off in upstream's firmware",
    }[board.status]
    rows = [("MCU", _with(board.mcu, board.mcu_family)), ("page", board.url)]
    if board.name is not None:
        rows.append(("reports itself", f"{board.name} with {board.mcu_name or '(MCU)'}"))
    rows.append(("ROMFS", f"{state} ({board.status})"))
    rows.append(("to change" if board.status == "default" else "to enable", board.how))
    return lines + _rows(rows, width)


def _with(main: str | None, other: str | None) -> str | None:
    if main is None or other is None or other.casefold() in main.casefold():
        return main or other
    return f"{main} ({other})"


def _compiling(board: Board) -> list[tuple[str, str | None]]:
    mpy = board.mpy
    accepted = [arch for arch in mpy.accepted_archs if arch != mpy.native_arch]
    flags = ",".join(mpy.flags)
    cost = mpy.word + mpy.qstr_hash_bytes + mpy.qstr_len_bytes
    ints = f"{mpy.small_int_bits} bits; {mpy.word * 8}-bit words, object representation {mpy.repr}"
    return [
        (
            "native code",
            f"mpy-cross -march={mpy.native_arch}"
            if mpy.native_arch
            else "refused: compile to bytecode only",
        ),
        ("extensions", f"may be used: -march-flags={flags}" if flags else None),
        ("loads also", ", ".join(accepted) or None),
        ("frozen code", mpy.upstream_flags and f"upstream uses {mpy.upstream_flags}"),
        (".mpy", f"{mpy.version}.{mpy.sub_version} (sys.implementation._mpy = {mpy.mpy_value()})"),
        ("small int", ints),
        ("float", mpy.float),
        ("a new qstr", f"costs {cost} bytes of RAM; its text stays in ROM"),
    ]


def _partition(part: Partition, board: Board) -> list[tuple[str, str | None]]:
    from romfs.sizes import show_size

    size = "set by a build option: give --size" if part.size is None else _bytes(part.size)
    if part.size is not None and part.size_configurable:
        size += ", unless a build option says otherwise"
    address = None
    if part.address is not None and part.end is not None:
        address = f"{part.address:#x} to {part.end - 1:#x}"
    elif part.address is not None or part.end is not None:
        address = (
            f"starts at {part.address:#x}" if part.end is None else f"ends before {part.end:#x}"
        )
    elif not part.address_static:
        address = "chosen at run time"
    runs = [
        f"{run.block_size} bytes" + (f" x {run.count}" if run.count is not None else "")
        for run in part.erase
    ]
    if part.is_block_device:
        access = f"block device {part.segment}, {part.block_size}-byte blocks"
    elif part.writable:
        takes = "id, offset, length" if part.prepare_takes_offset else "id, length"
        access = (
            f"memoryview; rom_ioctl(3, {takes}) returns {part.prepare_returns}, "
            f"rom_ioctl(6) {part.min_prepare or -22}"
        )
    else:
        access = "memoryview, read-only"
    example = None
    if part.example_size is not None:
        built = part.with_size(part.example_size)
        example = f"{show_size(part.example_size)} would be at {built.address or 0:#x}"
    write = None
    if part.write is not None:
        write = "any length" if part.write == 1 else f"{part.write} bytes"
    short = part.usable_size is not None and part.usable_size != part.size
    return [
        ("size", size),
        ("usable", _bytes(part.usable_size or 0) if short else None),
        ("address", address),
        ("example", example),
        ("memory", part.device),
        ("flash offset", None if part.flash_offset is None else f"{part.flash_offset:#x}"),
        ("erase unit", ", then ".join(runs) or "none"),
        ("write unit", write),
        ("", part.write_note),
        ("access", access),
        ("note", part.note),
    ]


def _bytes(size: int) -> str:
    from romfs.sizes import show_size

    return show_size(size) if size < 1024 else f"{show_size(size)} ({size} bytes)"


def _layout(board: Board, width: int) -> list[str]:
    from romfs.sizes import show_size

    def place(region: Region) -> str:
        return "-" if region.start is None else f"{region.start:#010x}"

    def length(region: Region) -> str:
        return "-" if region.size is None else show_size(region.size)

    regions = board.layout()
    flash = board.flash
    title = "Memory" + ("" if flash.size is None else f": {flash.device}, {show_size(flash.size)}")
    columns = [
        _Column("", [""] * len(regions), 0),
        _Column("start", [place(region) for region in regions], 0),
        _Column("size", [length(region).rjust(9) for region in regions], 0),
        _Column("kind", [region.kind for region in regions], 0),
        _Column("name", [region.name for region in regions], 2),
        _Column("memory", [region.device or "" for region in regions], 1),
    ]
    note = _rows([("", flash.note)], width, label=0)
    return ["", title, *table(columns, width), *note]


def _flashing(way: Flashing) -> list[tuple[str, str | None]]:
    family = None
    if way.uf2_family is not None:
        family = f"{way.uf2_family:#010x}" + (f" ({way.uf2_name})" if way.uf2_name else "")
    return [
        ("command", way.command),
        ("firmware at", None if way.address is None else f"{way.address:#x}"),
        ("UF2 family", family),
        ("erase unit", None if way.erase is None else f"{way.erase} bytes"),
        ("reaches ROMFS", _REACH[way.reaches_romfs]),
        ("note", way.note),
    ]


def _boot(board: Board) -> list[tuple[str, str | None]]:
    boot = board.boot
    mounted = "nothing"
    if boot.mount_point is not None:
        mounted = f"partition {boot.mounted_segment} at {boot.mount_point}"
    path = None if boot.sys_path is None else ", ".join(repr(entry) for entry in boot.sys_path)
    return [
        ("ROMFS", mounted),
        ("filesystem", boot.filesystem_mount or "none"),
        ("sys.path", path),
        ("directory", boot.initial_cwd),
    ]


def _section(
    title: str, rows: Sequence[tuple[str, str | None]], width: int, *, label: int = _LABEL
) -> list[str]:
    return ["", title, *_rows(rows, width, label=label)]


def _rows(rows: Sequence[tuple[str, str | None]], width: int, *, label: int = _LABEL) -> list[str]:
    """Lines `  label  text`, the text wrapped beside its label; rows without text left out."""
    lines: list[str] = []
    for name, text in rows:
        if not text:
            continue
        head = f"  {name.ljust(label)}".ljust(label + 2) + (" " if label else "")
        wrapped = textwrap.wrap(
            text,
            max(width - len(head), 20),
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines.append(head + wrapped[0])
        lines.extend(" " * len(head) + more for more in wrapped[1:])
    return lines
