"""Tier 2: bytecode functions translated to host functions.

The stages, each a module: `graph` decodes a function into basic blocks and gives optimised
range loops their header back; `fold` turns blocks that only compute a value into parts of
the instruction lists around them; `shape` finds dominators and loops; `emit` walks the
blocks and writes host statements, `values` what single opcodes become; `dispatch` writes a
function whose jumps no host statement can express as a loop over its blocks; `unit` makes
code objects of it all. `tiers` decides when, `store` keeps results on disk.
"""
