"""`dfu-util` over the simulated device: a port of it, run as a command of its own.

    python -m tests.sim.dfu_command STATE [arguments of dfu-util]

STATE is a file that keeps the flash between calls. `STATE.fail` makes writing fail.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from tests.sim.dfu_device import EXTERNAL, Backend, DfuDevice


def main() -> int:
    """One call of the command."""
    state = Path(sys.argv[1])
    tool = import_module("pydfuutil.__main__")
    device = DfuDevice((EXTERNAL,))
    memory = device.banks[0].flash
    if state.exists():
        memory.load(state.read_bytes())
    if Path(f"{state}.fail").exists():
        memory.supply.fail = frozenset(range(1, 10_000))
    bus = Backend(device)
    for name, module in list(sys.modules.items()):
        if name.startswith("pydfuutil") and hasattr(module, "DEFAULT_BACKEND"):
            module.DEFAULT_BACKEND = bus  # type: ignore[attr-defined]
    sys.argv = ["dfu-util", *sys.argv[2:]]
    try:
        tool.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    state.write_bytes(memory.read())
    with Path(f"{state}.log").open("a") as log:
        log.write("".join(f"{line}\n" for line in device.log if not line.startswith("addr")))
    return code


if __name__ == "__main__":
    sys.exit(main())
