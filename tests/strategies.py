"""hypothesis strategies for trees and images."""

from __future__ import annotations

from hypothesis import strategies as st

Tree = dict[str, bytes | None]

_ALPHABET = st.characters(codec="utf-8", exclude_characters="/\0")


def names() -> st.SearchStrategy[str]:
    """Names a device can resolve."""
    return st.text(_ALPHABET, min_size=1, max_size=12).filter(lambda name: name not in (".", ".."))


def contents() -> st.SearchStrategy[bytes]:
    """File contents: mostly short, now and then past the sizes at which varuints widen."""
    return st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"same", b"", bytes(127), bytes(128), bytes(16384)]),
    )


@st.composite
def trees(draw: st.DrawFn, max_entries: int = 12) -> Tree:
    """Path -> content; None for a directory. Every directory is listed."""
    tree: Tree = {}
    folders = [""]
    for _ in range(draw(st.integers(0, max_entries))):
        path = draw(st.sampled_from(folders)) + draw(names())
        if path in tree:
            continue
        if draw(st.booleans()):
            tree[path] = draw(contents())
        else:
            tree[path] = None
            folders.append(path + "/")
    return tree
