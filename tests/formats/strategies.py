"""Hypothesis strategies for what firmware files hold."""

from __future__ import annotations

from hypothesis import strategies as st

from romfs.errors import OverlapError
from romfs.formats.memory import Memory

# Around the seams: 64 KiB of HEX records, pages and sectors of UF2, the end of 32 bits.
ADDRESSES = st.one_of(
    st.integers(0, 0xFFFF_F000),
    st.sampled_from((0, 0xFFFE, 0x1_0000 - 3, 0x1000_00F0, 0x9000_0000, 0xFFFF_EFFF)),
)


@st.composite
def memories(draw: st.DrawFn, *, min_pieces: int = 1) -> Memory:
    """A memory of one to five pieces, some touching, none overlapping."""
    memory = Memory()
    pieces = draw(
        st.lists(st.tuples(ADDRESSES, st.binary(min_size=1, max_size=700)), min_size=1, max_size=5)
    )
    for address, data in pieces:
        try:
            memory.add(address, data)
        except OverlapError:
            continue
    assert len(memory.segments) >= min(min_pieces, 1)
    return memory
