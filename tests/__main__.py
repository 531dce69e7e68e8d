"""`python -m tests`: everything a change must pass, as one command.

Runs ruff, mypy and pytest, prints what failed. Most tests run on all cores at once; those
that talk to a virtual board against a clock follow, one by one. With `--all`
the tests marked slow run too; other arguments go to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NO_TESTS = 5  # pytest's exit code


def main(arguments: list[str]) -> int:
    """Run the three in turn, whatever the one before said."""
    everything = "--all" in arguments
    rest = [word for word in arguments if word != "--all"]
    steps = {
        "ruff": ["ruff", "check", "."],
        "format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
    }
    chosen = "" if everything else " and not slow"
    steps["pytest"] = ["pytest", "-q", "-n", "auto", "--dist", "worksteal"]
    steps["pytest"] += ["-m", "not alone" + chosen, *rest]
    # A machine that stalls for a second breaks such a conversation; a rerun is reported as one.
    steps["pytest, one by one"] = ["pytest", "-q", "-m", "alone" + chosen, "--reruns", "2", *rest]
    failed = []
    for name, command in steps.items():
        print(f"== {name}", flush=True)
        code = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode
        # With paths of one's own, one of the two runs may have nothing to do.
        if code and not (code == NO_TESTS and rest):
            failed.append(name)
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return len(failed)


sys.exit(main(sys.argv[1:]))
