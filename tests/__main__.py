"""`python -m tests`: everything a change must pass, as one command.

Runs ruff, mypy and pytest, the last over both cores; prints what failed. With `--all`
the tests marked slow run too; other arguments go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Run the three in turn, whatever the one before said."""
    everything = "--all" in arguments
    rest = [word for word in arguments if word != "--all"]
    steps = {
        "ruff": ["ruff", "check", "."],
        "format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "pytest": ["pytest", "-q", "-n", "auto", "--dist", "worksteal"],
    }
    if not everything:
        steps["pytest"] += ["-m", "not slow"]
    steps["pytest"] += rest
    failed = []
    for name, command in steps.items():
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return len(failed)


sys.exit(main(sys.argv[1:]))
