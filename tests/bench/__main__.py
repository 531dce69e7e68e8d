"""`python -m tests.bench NAME`: figures side by side with a peer, in one run.

Absolute times mean little on a shared machine; every benchmark prints ratios, each
against a peer that ran interleaved with ours.
"""

from __future__ import annotations

import importlib
import sys

BENCHES = {
    "build": "tests.bench.build",
    "flash": "tests.bench.flash",
    "run": "tests.bench.run",
    "import": "tests.bench.imports",
    "ota": "tests.bench.ota",
}


def main(argv: list[str]) -> int:
    """Run one benchmark with the rest of the arguments."""
    if not argv or argv[0] not in BENCHES:
        print(f"usage: python -m tests.bench {{{','.join(BENCHES)}}} [OPTION ...]", file=sys.stderr)
        return 2
    code: int = importlib.import_module(BENCHES[argv[0]]).main(argv[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
