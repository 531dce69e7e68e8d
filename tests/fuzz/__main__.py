"""`python -m tests.fuzz NAME ...`: the long random tests, each a module here with `main(argv)`.

Without a name, as in `python -m tests.fuzz --minutes 10`, the loader's.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_HELPERS = {"__init__", "__main__", "mutate", "runner"}


def main(words: list[str]) -> int:
    """Run the one named, with the rest of the words."""
    names = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _HELPERS
    )
    if words and words[0].startswith("--") and words[0] != "--help":
        words = ["loader", *words]
    if not words or words[0] not in names:
        print(f"usage: python -m tests.fuzz {{{','.join(names)}}} ...", file=sys.stderr)
        return 2
    code: int = importlib.import_module(f"tests.fuzz.{words[0]}").main(words[1:])
    return code


sys.exit(main(sys.argv[1:]))
