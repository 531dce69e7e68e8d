"""`python -m tests.docs.reference` writes the generated parts of docs/ anew.

What parsers, board data and the table of exit codes say is not said again by hand: the CLI
reference is a whole file, the rest stands between markers in files that people write:

    <!-- generated: boards rp2 -->
    ...
    <!-- end -->
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import boards
from boards import Board, Level, Partition, Quirk
from romfs.cli import VERBS, make_parser
from romfs.cli._version import SCHEMAS
from romfs.sizes import show_size
from tests.docs import schemas

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_MARKED = re.compile(r"(<!-- generated: (\S+) ?(\S*) -->\n).*?(<!-- end -->)", re.DOTALL)

_INTRODUCTION = """\
# Commands

Made from the parsers by `python -m tests.docs.reference`; `romfs COMMAND --help` says the same.

Results go to stdout, progress and notes to stderr. Sizes and addresses are written `4096`,
`0x1000`, `4K` or `1M`. Before the command, `--debug` makes an error show where in romfs it
arose. [Exit codes](exit-codes.md), [JSON output](json.md).

"""


def main() -> int:
    """Write every generated file or part that differs; name them."""
    for path, text in generated():
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
            print(path.relative_to(ROOT))
    return 0


def generated() -> Iterator[tuple[Path, str]]:
    """Every file with generated content, and what it must contain."""
    yield DOCS / "commands.md", commands()
    for name in schemas.FORMS:
        path = DOCS / "schemas" / f"{name}-{SCHEMAS[name]}.json"
        yield path, json.dumps(schemas.schema(name), indent=2) + "\n"
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text("utf-8")
        if "<!-- generated:" in text:
            yield path, _MARKED.sub(_fill, text)


def _fill(found: re.Match[str]) -> str:
    makers: dict[str, Callable[[str], Iterable[str]]] = {
        "boards": board_table,
        "quirks": quirk_list,
        "ports": lambda _: port_table(),
        "form": schemas.table,
    }
    lines = makers[found[2]](found[3])
    return found[1] + "\n" + "\n".join(lines) + "\n\n" + found[4]


# Commands.


def commands() -> str:
    """The whole reference."""
    parser = make_parser(whole=True)
    (verbs,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    lines = ["| | |", "|---|---|"]
    lines += [f"| [`{name}`](#romfs-{name}) | {VERBS[name]} |" for name in verbs.choices]
    for name, sub in verbs.choices.items():
        lines += _verb(f"romfs {name}", sub)
    return _INTRODUCTION + "\n".join(lines) + "\n"


def _verb(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from ("", f"## {name}", "")
    if parser.description:
        yield from (_sentence(parser.description), "")
    yield f"    {' '.join([name, *_usage(parser)])}"
    nested = None
    for group in parser._action_groups:
        rows = [one for one in group._group_actions if one.help != argparse.SUPPRESS]
        rows = [one for one in rows if not isinstance(one, argparse._HelpAction)]
        subs = [one for one in rows if isinstance(one, argparse._SubParsersAction)]
        if subs:
            nested = subs[0]
        rows = [one for one in rows if one not in subs]
        if rows:
            yield from _group(group.title or "", rows)
    if parser.epilog:
        yield ""
        yield from _epilog(parser)
    if nested is not None:
        for sub, one in nested.choices.items():
            yield from _verb(f"{name} {sub}", one)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else text + "."


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    options = [one for one in parser._actions if one.option_strings]
    required = [one for one in options if one.required]
    if len(options) - len(required) > 1:  # more than --help
        yield "[OPTIONS]"
    yield from (f"{one.option_strings[-1]} {_value(one)}" for one in required)
    for one in parser._actions:
        if not one.option_strings and one.help != argparse.SUPPRESS:
            yield _positional(one)


def _positional(action: argparse.Action) -> str:
    name = _value(action)
    if isinstance(action, argparse._SubParsersAction):
        return "COMMAND"
    several = action.nargs in ("*", "+", argparse.REMAINDER)
    text = f"{name}..." if several else name
    return f"[{text}]" if action.nargs in ("?", "*", argparse.REMAINDER) else text


def _value(action: argparse.Action) -> str:
    """How an argument's value is shown."""
    if isinstance(action.metavar, tuple):
        return " ".join((action.metavar[0], *(f"[{word}...]" for word in action.metavar[1:])))
    if action.metavar:
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper().replace("_", "-")


def _group(title: str, rows: list[argparse.Action]) -> Iterator[str]:
    plain = title in ("positional arguments", "options", "optional arguments")
    yield from ("", "| | |" if plain else f"| {title} | |", "|---|---|")
    for one in rows:
        name = ", ".join(f"`{word}`" for word in one.option_strings)
        if not one.option_strings:
            name = f"`{_value(one)}`"
        elif one.nargs != 0:
            name = name[:-1] + f" {_value(one)}`"
        yield f"| {_cell(name)} | {_cell((one.help or '') % vars(one))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _epilog(parser: argparse.ArgumentParser) -> Iterator[str]:
    text = (parser.epilog or "").replace("%%", "%").replace("%(prog)s", parser.prog)
    yield from ("```text", *text.strip("\n").splitlines(), "```")


# Boards.


def port_table() -> Iterable[str]:
    """One row a port: boards, whether ROMFS is on, what the segment object is."""
    yield "| port | boards | ROMFS in upstream's firmware | partition |"
    yield "|---|--:|---|---|"
    for port in boards.ports():
        rows = boards.all_boards(port)
        count = {kind: sum(row.status == kind for row in rows) for kind in _STATUS}
        status = ", ".join(f"{_STATUS[kind]} {n}" for kind, n in count.items() if n)
        if len([n for n in count.values() if n]) == 1:
            status = next(_STATUS[kind] for kind, n in count.items() if n)
        where = f"[{port}]({port}.md)" if (DOCS / "ports" / f"{port}.md").exists() else port
        yield f"| {where} | {len(rows)} | {status} | {_sizes(rows)} |"


_STATUS = {"default": "on", "opt-in": "opt-in", "disabled": "off"}


def _sizes(rows: Iterable[Board]) -> str:
    sizes = [part.capacity for row in rows for part in row.partitions]
    known = sorted({size for size in sizes if size is not None})
    if not known:
        return "chosen in the firmware's build"
    low, high = show_size(known[0]), show_size(known[-1])
    return low if low == high else f"{low} to {high}"


def board_table(port: str) -> Iterable[str]:
    """Rows of a port's boards; boards with the same facts share one."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in boards.all_boards(port):
        name = row.id.partition("/")[2]
        for part in row.partitions or (None,):
            found.setdefault(_facts(row, part), []).append(name)
    yield "| boards | ROMFS | partition | address | erase | native code | hazards |"
    yield "|---|---|--:|---|--:|---|---|"
    for facts, names in found.items():
        shown = ", ".join(f"`{name}`" for name in names)
        yield f"| {shown} | {' | '.join(facts)} |"


def _facts(row: Board, part: Partition | None) -> tuple[str, ...]:
    status = _STATUS[row.status]
    native = row.native_arch or "no"
    if part is None:
        return status, "", "", "", native, ""
    dangers = [one for one in part.quirks if one.level is Level.DANGER]
    return (
        status,
        "open" if part.capacity is None else show_size(part.capacity),
        _address(part),
        _erase(part),
        native,
        ", ".join(f"[{_words(one)}](#{one.value})" for one in dangers),
    )


def _words(quirk: Quirk) -> str:
    return quirk.value.replace("_", " ")


def _address(part: Partition) -> str:
    if part.address is not None:
        return f"`{part.address:#010x}`"
    if part.end is not None:
        return f"up to `{part.end:#010x}`"
    return "found at boot"


def _erase(part: Partition) -> str:
    sizes = sorted({region.block_size for region in part.erase})
    return "/".join(show_size(size) for size in sizes) or "none"


def quirk_list(port: str) -> Iterable[str]:
    """What the port's boards do that their interface does not promise, worst first."""
    rows = boards.all_boards(port)
    present = {quirk for row in rows for quirk in row.quirks}
    order = list(Level)
    for quirk in sorted(present, key=lambda one: (order.index(one.level), one.value)):
        names = [row.id.partition("/")[2] for row in rows if quirk in row.quirks]
        which = "all boards" if len(names) == len(rows) else _some(names)
        yield f'- <a id="{quirk.value}"></a>**{_words(quirk)}** ({quirk.level.value}; {which}):'
        yield f"  {quirk.description}"


def _some(names: list[str]) -> str:
    if len(names) > 6:
        return f"{len(names)} boards"
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.exit(main())
