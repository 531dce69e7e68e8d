"""Finding boards by name, in this package's files or a user's own.

Reads nothing but `boards/*.toml` and the file a caller names. Start-up matters: a file is
cut into its tables by their header lines, and only the tables a board needs are parsed.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from boards.model import Board
from boards.rows import SHARED, Table, flatten, merge, split_key, to_board
from romfs.errors import BoardError

_HERE = Path(__file__).parent
_HEADER = re.compile(r'^\[(?:"(?P<quoted>[^"\n]+)"|(?P<bare>[^\].\n]+))[^\]\n]*\]$', re.MULTILINE)
_NAME = re.compile(r'^name = "(?P<name>.*)"$', re.MULTILINE)


class _PortFile(NamedTuple):
    """One of our own files, cut but not parsed.

    Attributes:
        shared: Text of `[defaults]` and all families.
        rows: Text of each board's table, by key, in file order.
    """

    shared: str
    rows: dict[str, str]


@cache
def ports() -> tuple[str, ...]:
    """Names of the ports that have a file."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.toml")))


@cache
def _port_file(port: str) -> _PortFile:
    text = (_HERE / f"{port}.toml").read_text(encoding="utf-8")
    heads = list(_HEADER.finditer(text))
    shared, rows = [], {}
    for index, head in enumerate(heads):
        stop = heads[index + 1].start() if index + 1 < len(heads) else len(text)
        name = head["quoted"] or head["bare"]
        if name in SHARED:
            shared.append(text[head.start() : stop])
        else:
            rows[name] = text[head.start() : stop]
    return _PortFile("".join(shared), rows)


@cache
def _port_shared(port: str) -> Table:
    return tomllib.loads(_port_file(port).shared)


def _flat_row(port: str, key: str) -> Table:
    (row,) = tomllib.loads(_port_file(port).rows[key]).values()
    return flatten(row, _port_shared(port))


@cache
def _built_in(port: str, key: str) -> Board:
    try:
        return to_board(port, key, _flat_row(port, key))
    except BoardError as error:
        raise BoardError(f"boards/{port}.toml: {key}: {error}") from error


def names(port: str | None = None) -> tuple[str, ...]:
    """Full ids, `port/BOARD[-VARIANT][:CORE]`, of all boards or one port's.

    Raises:
        BoardError: There is no such port.
    """
    if port is not None and port not in ports():
        raise BoardError(f"no port {port!r}; there are {', '.join(ports())}")
    wanted = ports() if port is None else (port,)
    return tuple(f"{one}/{key}" for one in wanted for key in _port_file(one).rows)


def all_boards(port: str | None = None) -> tuple[Board, ...]:
    """Every board, or every one of a port, in the order of `names`."""
    return tuple(_built_in(*name.split("/", 1)) for name in names(port))


def load(name: str | Path) -> Board:
    """Find one board.

    Args:
        name: In any case: a full id `port/BOARD-VARIANT:CORE`, or less as long as only one
            board fits (`BOARD` alone means the plain build where there is one). Or a path
            to a TOML file of the user's own; where it holds several boards,
            `FILE.toml:BOARD`.
    Raises:
        BoardError: No board of that name, or several; or the file holds a mistake.
        OSError: The file cannot be read.
    """
    text = str(name)
    path, _, key = text.partition(".toml:")
    if key:
        return _user_board(Path(f"{path}.toml"), key)
    if isinstance(name, Path) or text.endswith(".toml"):
        return _user_board(Path(name), None)
    return _built_in(*_resolve(text))


def _resolve(name: str) -> tuple[str, str]:
    """Port and key of the one built-in board that `name` can mean."""
    wanted_port, slash, wanted = name.casefold().rpartition("/")
    if slash and wanted_port not in ports():
        raise BoardError(f"{name}: no port {wanted_port!r}; there are {', '.join(ports())}")
    found: list[tuple[str, str]] = []
    for port in (wanted_port,) if slash else ports():
        for key in _port_file(port).rows:
            if key.casefold() == wanted:
                return port, key
            board, variant, core = split_key(key)
            # What was not said may be anything: the variant, the core, or both.
            variants = {"", f"-{variant}" if variant else ""}
            cores = {"", f":{core}" if core else ""}
            if wanted in {f"{board}{v}{c}".casefold() for v in variants for c in cores}:
                found.append((port, key))
    if len(found) == 1:
        return found[0]
    if found:
        raise BoardError(
            f"{name} may mean {_either([f'{port}/{key}' for port, key in found])}; say which"
        )
    raise BoardError(f"no board {name!r}{_suggest(wanted, wanted_port)}")


def _either(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def _suggest(wanted: str, port: str) -> str:
    """Names that contain the wanted one, then names spelt nearly so."""
    known = {name.casefold(): name for name in names(port or None)}
    short = {name.split("/", 1)[1]: name for name in known}
    near = [short[key] for key in short if wanted and wanted in key]
    near += [short[key] for key in difflib.get_close_matches(wanted, short, n=3, cutoff=0.6)]
    unique = list(dict.fromkeys(near))[:4]
    if not unique:
        return "; `romfs boards` lists them all"
    return f"; did you mean {_either([known[name] for name in unique])}?"


def _user_board(path: Path, key: str | None) -> Board:
    """Load a board of a user's file, which may build upon the ones here."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BoardError(f"{path}: {error}") from error
    rows = {name: row for name, row in tables.items() if name not in SHARED}
    by_fold = {name.casefold(): name for name in rows}
    if key is None and len(rows) == 1:
        key = next(iter(rows))
    elif key is None:
        names_ = ", ".join(rows) or "none"
        raise BoardError(f"{path} holds {len(rows)} boards ({names_}); name one: {path}:BOARD")
    elif key.casefold() not in by_fold:
        raise BoardError(f"{path} has no board {key!r}; it has {', '.join(rows) or 'none'}")
    else:
        key = by_fold[key.casefold()]
    try:
        return _user_row(tables, key, rows[key])
    except BoardError as error:
        raise BoardError(f"{path}: {key}: {error}") from error


def _user_row(tables: Table, key: str, row: object) -> Board:
    if not isinstance(row, dict):
        raise BoardError(f"{row!r} is not a table; a board is [{key}]")
    row = dict(row)
    like, port = row.pop("like", None), row.pop("port", None)
    for field, value in (("like", like), ("port", port)):
        if value is not None and not isinstance(value, str):
            raise BoardError(f"{field}: {value!r} is not a string")
    under: Table = {}
    if like is not None:
        base_port, base_key = _resolve(str(like))
        # The user's firmware has ROMFS, however upstream's is built, and reports its own name.
        under = _without(_flat_row(base_port, base_key), "status", "how", "name")
        under["source"] = list(_built_in(base_port, base_key).source)
        port = port or base_port
    shared: Table = {name: tables[name] for name in SHARED if name in tables}
    if port in ports() and like is None:
        built_in = _port_shared(str(port))
        # Where upstream's facts are from says nothing of the user's board.
        own = ("status", "how", "source", "commit")
        families = {
            name: _without(_mapping(_mapping(built_in, "family"), name), *own)
            for name in _mapping(built_in, "family")
        }
        defaults = _without(_mapping(built_in, "defaults"), *own)
        shared = {
            "defaults": merge(_mapping(shared, "defaults"), defaults),
            "family": {**families, **_mapping(shared, "family")},
        }
    return to_board(str(port or "custom"), key, merge(flatten(row, shared), under))


def _without(table: Table, *keys: str) -> Table:
    return {key: value for key, value in table.items() if key not in keys}


def _mapping(tables: Table, name: str) -> Table:
    value = tables.get(name, {})
    if not isinstance(value, dict):
        raise BoardError(f"{name}: {value!r} is not a table")
    return value


def match(machine: str, mpy: int | None = None) -> tuple[Board, ...]:
    """Find what a connected device may be.

    Args:
        machine: Its `os.uname().machine` or `sys.implementation._machine`,
            "<board name> with <mcu>".
        mpy: Its `sys.implementation._mpy`, which tells builds of one board apart.
    Returns:
        Boards that report so, the plain build first; none if it is a board of the user's own.
    """
    found = [
        _built_in(port, key)
        for port in ports()
        for key, text in _port_file(port).rows.items()
        if (name := _NAME.search(text)) and machine.startswith(f"{name['name']} with ")
    ]
    exact = [board for board in found if machine == f"{board.name} with {board.mcu_name}"]
    found = exact or found
    if mpy is not None:
        # Only the architecture: an older firmware of the same board has another sub-version.
        arch = mpy >> 10 & 0xF
        found = [board for board in found if board.mpy.mpy_value() >> 10 & 0xF == arch] or found
    return tuple(sorted(found, key=lambda board: (board.variant is not None, board.id)))
