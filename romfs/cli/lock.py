"""`romfs lock`: settle which packages a project uses, to the byte."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from romfs.cli import exit_codes

if TYPE_CHECKING:
    from romfs.sources.lock import Lock, LockedPackage


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--config", metavar="FILE", help="romfs.toml or pyproject.toml (default: nearest to here)"
    )
    parser.add_argument(
        "--upgrade",
        nargs="*",
        metavar="PACKAGE",
        help="take the newest of these packages, or of all, instead of keeping what is locked",
    )
    parser.add_argument(
        "--index", metavar="URL", help="package index (default: as locked, or mip's)"
    )
    parser.add_argument(
        "--mpy",
        choices=("6", "py"),
        help="take compiled modules of this bytecode version, or source (default: as locked, or 6)",
    )
    parser.add_argument(
        "--offline", action="store_true", help="do not use the network; fail if it is needed"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if the lock is not up to date"
    )
    parser.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Resolve, report, write."""
    from dataclasses import replace

    from romfs.errors import ConfigError
    from romfs.output import atomic_write
    from romfs.sources import mip
    from romfs.sources.fetch import Fetcher, default_cache
    from romfs.sources.lock import NAME, Lock, loads

    path, packages = _project(args.config)
    place = path.parent / NAME
    before = loads(place.read_text("utf-8"), str(place)) if place.exists() else None
    if args.check:
        if before is None:
            raise ConfigError(f"{place}: missing; write it with `romfs lock`")
        before.check_answers(packages)
        return exit_codes.OK
    known = before
    if args.upgrade is not None and before is not None:
        names = {mip.parse_request(text).name for text in args.upgrade}
        unknown = sorted(names - {package.name for package in before.packages})
        if unknown:
            raise ConfigError(f"--upgrade {unknown[0]}: {place} has no such package")
        kept = tuple(package for package in before.packages if names and package.name not in names)
        known = replace(before, packages=kept)
    index = args.index or (before.index if before else mip.INDEX)
    mpy = args.mpy or (before.mpy if before else mip.MPY)
    fetcher = Fetcher(default_cache(), offline=args.offline)
    lock = mip.Resolver(fetcher, index=index, mpy=mpy, known=known).resolve(packages)
    text = lock.dumps()
    changed = before is None or text != before.dumps()
    if changed:
        atomic_write(place, text.encode())
    changes = _changes(before or Lock(index, mpy), lock)
    if args.json:
        print(json.dumps({"lock": str(place), "changed": changed, "changes": changes}, indent=2))
    else:
        for change in changes:
            print(_line(change))
        count = len(lock.packages)
        state = "written" if changed else "is up to date"
        print(f"{place} {state}: {count} package{'' if count == 1 else 's'}", file=sys.stderr)
    return exit_codes.OK


def _project(chosen: str | None) -> tuple[Path, tuple[str, ...]]:
    """The configuration file and its packages."""
    from romfs.config import find_config, load_config
    from romfs.errors import ConfigError

    config = load_config(Path(chosen)) if chosen is not None else find_config(Path())
    if config is None or config.path is None:
        raise ConfigError("there is no romfs.toml or [tool.romfs] here, so no `packages` to lock")
    return config.path, config.packages


def _changes(before: Lock, after: Lock) -> list[dict[str, str | None]]:
    """What differs, by package name."""
    rows: list[dict[str, str | None]] = []
    names = {package.name for lock in (before, after) for package in lock.packages}
    for name in sorted(names):
        old, new = before.find(name), after.find(name)
        if (old and old.files) != (new and new.files):
            rows.append(_change(name, old, new))
    return rows


def _change(
    name: str, old: LockedPackage | None, new: LockedPackage | None
) -> dict[str, str | None]:
    return {
        "name": name,
        "from": None if old is None else old.version or "?",
        "to": None if new is None else new.version or "?",
    }


def _line(change: dict[str, str | None]) -> str:
    if change["from"] is None:
        return f"+ {change['name']} {change['to']}"
    if change["to"] is None:
        return f"- {change['name']} {change['from']}"
    return f"~ {change['name']} {change['from']} -> {change['to']}"
