"""Tier 1: runs bytecode where it lies.

The loops are generated (`interp_gen`, `_loops`); this module is their door: it runs a
function's frame, plain or observed, and knows which host functions are guest functions.
"""

from __future__ import annotations

from loader import _loops
from loader.loops_support import code_of, make_function, stub_code

run = _loops.run
run_observed = _loops.run_observed
generate = _loops.generate
generate_observed = _loops.generate_observed

__all__ = [
    "code_of",
    "generate",
    "generate_observed",
    "make_function",
    "run",
    "run_observed",
    "stub_code",
]
