"""Devices and releases for tests: small images, one key, containers on many geometries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from flash.board.nor import NorFlash, Supply
from flash.geometry import Geometry
from flash.ota import container, package
from flash.ota.keys import Algorithm, PrivateKey
from romfs.layout import build_image
from tests.flash.ota import device as host

PRODUCT, BOARD = "thermostat", "TEST_BOARD"


def key(number: int = 0, algorithm: Algorithm = Algorithm.SLH_DSA) -> PrivateKey:
    """A key of the test run."""
    return _key(number, algorithm)


@cache
def _key(number: int, algorithm: Algorithm) -> PrivateKey:
    return PrivateKey.generate(algorithm)


@cache
def app(number: int, size: int = 6000) -> bytes:
    """Release `number`: a sixth of it its own, the rest as in all others; compressible."""
    common, own = random.Random(0), random.Random(number)
    words = [common.randbytes(6) for _ in range(64)]
    sixth = size // 36
    shared = b"".join(common.choice(words) for _ in range(5 * sixth))
    fresh = b"".join(own.choice(words) for _ in range(sixth))
    return build_image({"version": b"%d" % number, "lib/a.bin": fresh, "lib/b.bin": shared})


@dataclass(frozen=True)
class Kind:
    """One sort of flash behind one sort of firmware.

    Attributes:
        block: Erase unit.
        write: Write unit the updater is told.
        kind: How segments are erased; see device.py.
        unit: Block size of a block device; 0: a memoryview.
        physical: Erase unit of the chip where it is not `block`.
        slots: Blocks of a slot.
        pages: Bytes of one program operation.
        segments: Partitions.
    """

    name: str
    block: int
    write: int
    kind: int = host.RANGE
    unit: int = 0
    physical: int = 0
    slots: int = 3
    pages: int = 256
    segments: int = 1

    @property
    def size(self) -> int:
        """Of partition 0."""
        return self.block * (3 + self.slots * (2 if self.segments == 1 else 1))

    def segment(self, index: int = 0) -> container.Segment:
        size = self.size if index == 0 else self.block * self.slots
        return container.Segment(index, self.kind, self.unit, self.write, self.block, size)

    def geometry(self, index: int = 0) -> Geometry:
        return Geometry.uniform(
            self.segment(index).size,
            self.physical or self.block,
            write=1 if self.kind == host.WHOLE else self.write,
            page=self.pages,
            overwrites=self.kind == host.OVER,
        )


KINDS = (
    Kind("nor 1 KiB, bytes", 1024, 1, slots=9),
    Kind("nor 1 KiB, words of 4", 1024, 4, slots=9),
    Kind("nor 2 KiB, words of 8", 2048, 8, slots=6),
    Kind("nor 4 KiB, words of 4", 4096, 4),
    Kind("nor 4 KiB, pages of 256", 4096, 256),
    Kind("nor 8 KiB, words of 16", 8192, 16, slots=2),
    Kind("nor 16 KiB, words of 32", 16384, 32, slots=1),
    Kind("nor 32 KiB, words of 4", 32768, 4, slots=1),
    Kind("nor 64 KiB, pages of 256", 65536, 256, slots=1),
    Kind("nor 128 KiB, words of 32", 131072, 32, slots=1),
    Kind("block device 4 KiB, pages of 256", 4096, 256, host.BLOCK, 4096),
    Kind("block device 1 KiB, pages of 256", 1024, 256, host.BLOCK, 1024, slots=9),
    Kind(
        "block device 2 KiB rewriting units of 8 KiB",
        8192,
        2048,
        host.WHOLE,
        2048,
        slots=2,
        pages=2048,
    ),
    Kind("memory overwritten, words of 16", 4096, 16, host.OVER),
    Kind("two partitions, 4 KiB, pages of 256", 4096, 256, segments=2),
)


@cache
def release(
    number: int,
    block: int,
    *,
    bases: tuple[int, ...] = (),
    full: bool = True,
    size: int = 6000,
    floor: int = 0,
) -> package.Release:
    """What says everything but the image."""
    return package.Release(
        PRODUCT,
        (BOARD,),
        f"1.{number}",
        number,
        block,
        bases=tuple(app(base, size) for base in bases),
        full=full,
        floor=floor,
    )


@cache
def packed(
    number: int,
    block: int,
    bases: tuple[int, ...] = (),
    full: bool = True,
    size: int = 6000,
    algorithm: Algorithm = Algorithm.SLH_DSA,
) -> bytes:
    """A signed package of release `number`."""
    return package.pack(
        app(number, size),
        release(number, block, bases=bases, full=full, size=size),
        [key(0, algorithm)],
    )


@cache
def settings() -> container.Settings:
    """Devices trust one key of each algorithm."""
    keys = tuple(key(0, algorithm).public.pair for algorithm in Algorithm)
    return container.Settings(PRODUCT, BOARD, keys)


@cache
def blank_content(kind: Kind, installed: int, size: int = 6000) -> dict[int, bytes]:
    """What the partitions of a device hold when it leaves the factory."""
    image = app(installed, size)
    manifest, table, _ = package.compose(image, release(installed, kind.block, size=size))
    built = container.build(
        [kind.segment(index) for index in range(kind.segments)],
        settings(),
        {"lib/romfs_ota/__init__.mpy": b"M\x06\x00\x1f"},
        app=(manifest, table, image),
    )
    blank = b"\xff" * kind.segment(1).size
    return {0: built.content} | ({1: blank} if kind.segments == 2 else {})


def make(
    kind: Kind, content: dict[int, bytes], supply: Supply | None = None
) -> tuple[host.Device, dict[int, bytearray]]:
    """A device whose flash holds this; its memories change in place."""
    supply = Supply() if supply is None else supply
    memories = {index: bytearray(data) for index, data in content.items()}
    segments = {
        index: (
            NorFlash(kind.geometry(index), memory, supply=supply, name=f"romfs{index}"),
            kind.kind,
            kind.unit,
        )
        for index, memory in memories.items()
    }
    return host.Device(segments), memories
