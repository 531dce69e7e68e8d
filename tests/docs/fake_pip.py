"""Stands for `pip install` in the documents: holds what is asked for against pyproject.toml."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(words: list[str]) -> int:
    """0 if every requirement is this package, with extras it has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if words[:1] != ["install"]:
        return 2
    for word in words[1:]:
        if word.startswith("-"):
            continue
        found = re.fullmatch(r"(\.|[\w-]+)(?:\[([\w,-]+)\])?", word)
        if found is None or found[1] not in (".", project["name"], "pytest"):
            print(f"no requirement of this project: {word}")
            return 1
        unknown = set((found[2] or "").split(",")) - {"", *project["optional-dependencies"]}
        if unknown:
            print(f"no such extra: {unknown}")
            return 1
    return 0


sys.exit(main(sys.argv[1:]))
