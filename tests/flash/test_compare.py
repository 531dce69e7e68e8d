"""Comparing in few questions finds what comparing every block would."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from flash.compare import sums
from flash.transport import Capability


class Held:
    """A transport that only answers checksums, and counts them."""

    name = "held"
    capabilities = Capability.SUMS

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        wanted = list(blocks)
        self.asked += len(wanted)
        return [zlib.crc32(self.content[at : at + size]) for at, size in wanted]

    def read(self, *_: object) -> bytes:
        raise NotImplementedError

    def apply(self, *_: object) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


BLOCK = 64


def _blocks(length: int) -> list[tuple[int, int]]:
    return [(at, min(BLOCK, length - at)) for at in range(0, length, BLOCK)]


@given(
    st.integers(1, 100 * BLOCK),
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from([b"\xff", b"\0"])), max_size=30),
)
def test_the_same_as_asking_for_each(length: int, changes: list[tuple[int, bytes]]) -> None:
    image = bytes(at * 7 & 0xFF for at in range(length))
    content = bytearray(image)
    for number, fill in changes:
        content[number * BLOCK : (number + 1) * BLOCK] = (fill * BLOCK)[
            : max(0, min(BLOCK, length - number * BLOCK))
        ]
    held = Held(bytes(content))
    assert sums(held, image, _blocks(length)) == Held(bytes(content)).sums(_blocks(length))


def test_few_questions_where_all_is_as_it_should_be_or_blank() -> None:
    image = bytes(range(256)) * 256
    for content in (image, b"\xff" * len(image)):
        held = Held(content)
        sums(held, image, _blocks(len(image)))
        assert held.asked == len(image) // BLOCK // 16
