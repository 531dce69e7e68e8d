"""The container: an ordinary image that fills the partition, with two slots inside it.

Its records come first: the updater, its configuration, and files whose data pointers lead
into one padding record that spans the rest. There, aligned to erase blocks, lie two banks
of state records and the slots, which the updater erases and writes one by one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources

from flash.ota import cbor, state
from flash.ota.manifest import Manifest, trailer
from flash.target import Erasing, Target
from romfs.compile import CompileOptions, Compiler, Job
from romfs.errors import BuildError, DoesNotFit
from romfs.image import Image
from romfs.records import MAGIC, Kind, encode_record
from romfs.sizes import show_size
from romfs.varuint import encode_varuint

FORMAT = 1
CONFIG_NAME = "ota.cfg"
PACKAGE_NAME = "romfs_ota"
_WIDTH = 4
_KINDS = {
    Erasing.RANGE: 0,
    Erasing.BLOCK: 1,
    Erasing.WHOLE: 2,
    Erasing.NONE: 3,
    Erasing.START: 4,
}
FROM_START = _KINDS[Erasing.START]
SLOT_FILES = ("a.romfs", "b.romfs")


@dataclass(frozen=True, slots=True)
class Segment:
    """A partition as the updater must treat it.

    Attributes:
        index: Segment id.
        kind: 0 range erase, 1 block device, 2 whole blocks only, 3 overwritten in place,
            4 erased from the start only, which leaves room for a single slot.
        unit: Block size of a block device; 0: a memoryview.
        write: Write unit.
        block: What is erased, or put at risk by a write, together.
        size: Bytes.
    """

    index: int
    kind: int
    unit: int
    write: int
    block: int
    size: int

    @classmethod
    def of(cls, target: Target) -> Segment:
        """A segment from what is known of a partition."""
        units = [region.block_size for region in target.erase]
        block = math.lcm(*units, target.block_size or 1, target.write, max(target.at_risk, 1))
        return cls(
            target.index,
            _KINDS[target.erasing],
            target.block_size,
            target.write,
            block,
            target.size // block * block,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a segment, or a file that stands for one."""

    segment: int | str
    offset: int
    size: int

    def fields(self) -> cbor.Value:
        """As the configuration holds it."""
        return [self.segment, self.offset, self.size]


BANK_FILES = (Place("ota.0", 0, state.SIZE), Place("ota.1", 0, state.SIZE))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a device is told once.

    Attributes:
        product: Packages for other products are refused.
        board: Its name; packages name the boards they are for.
        accepts: Names under which it takes packages; empty: just `board`.
        keys: Trusted public keys, (algorithm, bytes) each.
        trials: Boots an image has to be confirmed in.
        url: Where `romfs_ota.fetch()` looks.
        channel: Of that repository.
        device_key: For encrypted payloads.
    """

    product: str
    board: str
    keys: tuple[tuple[int, bytes], ...]
    accepts: tuple[str, ...] = ()
    trials: int = 3
    url: str | None = None
    channel: str = "stable"
    device_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything lies.

    Attributes:
        segments: Partitions used.
        block: Erase grain common to all of them.
        header: Bytes of partition 0 for records and updater.
        banks: Of state records.
        slots: For images.
    """

    segments: tuple[Segment, ...]
    block: int
    header: int
    banks: tuple[Place, Place]
    slots: tuple[Place, ...]

    @property
    def largest_image(self) -> int:
        """Bytes an image may have, roughly: what its hashes need is taken off."""
        room = min(slot.size for slot in self.slots)
        return room - 32 * (room // self.block) - 1024


def common_block(segments: Sequence[Segment]) -> int:
    """What is erased together on all of them."""
    return math.lcm(*(one.block for one in segments))


def plan(
    segments: Sequence[Segment], header: int, *, slot: int | None = None, bank: int | None = None
) -> Plan:
    """Divide one partition, or two.

    Args:
        segments: The first one is mounted at boot; a second one becomes a slot.
        header: Bytes of records and updater.
        slot: Bytes of a slot; None: as many as there are.
        bank: Bytes of a bank; None: one block.
    Raises:
        DoesNotFit: There is too little room.
    """
    first = segments[0]
    if any(one.kind == FROM_START for one in segments):
        raise DoesNotFit(
            f"the firmware of this board erases partition {first.index} from its start only: it "
            "cannot keep one image while it writes another; use single-slot mode"
        )
    block = common_block(segments)
    head = _up(header, block)
    bank = _up(max(bank or 0, state.step(first.write) * 2), block)
    banks = (Place(first.index, head, bank), Place(first.index, head + bank, bank))
    start = head + 2 * bank
    rest = first.size - start
    share = rest if len(segments) > 1 else rest // 2
    room = share // block * block
    if slot is not None:
        if _up(slot, block) > room:
            raise DoesNotFit(f"slots of {show_size(slot)}: there is room for {show_size(room)}")
        room = _up(slot, block)
    least = _up(1024, block) if block < 1024 else block
    if room < least:
        raise DoesNotFit(
            f"partition of {show_size(first.size)} in blocks of {show_size(block)}: updater "
            f"{show_size(head)} and state {show_size(2 * bank)} leave no room for two slots; "
            "use single-slot mode"
        )
    slots = [Place(first.index, start, room)]
    if len(segments) > 1:
        other = segments[1].size // block * block
        slots.append(Place(segments[1].index, 0, other if slot is None else min(other, room)))
    else:
        slots.append(Place(first.index, start + room, room))
    return Plan(tuple(segments), block, head, banks, tuple(slots))


def updater(options: CompileOptions | None = None) -> dict[str, bytes]:
    """The updater's modules, compiled: path in the image -> content.

    Raises:
        BuildError: The compiler is missing or fails.
    """
    options = CompileOptions(optimize=3) if options is None else options
    jobs = []
    for entry in sorted(resources.files("flash.device.ota").iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".py") and entry.name != "__init__.py":
            name = "__init__.py" if entry.name == f"{PACKAGE_NAME}.py" else entry.name
            jobs.append(Job(f"{PACKAGE_NAME}/{name}", entry.read_bytes(), options))
    found = {}
    for job, result in zip(jobs, Compiler().compile(jobs, cache=None), strict=True):
        if result.error is not None:
            raise result.error
        found[f"lib/{job.path.removesuffix('.py')}.mpy"] = result.content
    return found


@dataclass(frozen=True, slots=True)
class Container:
    """A container, ready to be flashed.

    Attributes:
        plan: Its division.
        content: What partition 0 shall hold, all of it.
        others: What other partitions shall hold, by segment id.
    """

    plan: Plan
    content: bytes
    others: Mapping[int, bytes] = field(default_factory=dict)


def build(
    segments: Sequence[Segment],
    settings: Settings,
    modules: Mapping[str, bytes],
    *,
    app: tuple[Manifest, bytes, bytes] | None = None,
    slot: int | None = None,
    bank: int | None = None,
    floor: int = 0,
    files: Mapping[str, bytes] | None = None,
) -> Container:
    """Build a container.

    Args:
        modules: The updater, from `updater`.
        app: Manifest, table and image of a first application, put into slot a.
        slot, bank: Sizes; see `plan`.
        floor: Least sequence number ever to be accepted.
        files: More files for the root: boot.py, where firmware runs that of ROMFS.
    Raises:
        DoesNotFit: Updater and slots, or the application, are too large.
        BuildError: A setting is out of range.
    """
    _check(settings)
    size = segments[0].size
    # Numbers of full width: the records cannot become longer than this.
    widest = Place(9, 0xFFFF_FFFF, 0xFFFF_FFFF)
    wide = Plan(tuple(segments), 0xFFFF_FFFF, 0, (widest, widest), (widest, widest))
    more = {} if files is None else files
    bound = len(_records(wide, settings, modules, more, size))
    layout = plan(segments, bound + 16, slot=slot, bank=bank)
    head = _records(layout, settings, modules, more, size)
    content = bytearray(b"\xff" * size)
    content[: len(head)] = head
    first = state.Record(counter=1, floor=floor)
    if app is not None:
        manifest, table, image = app
        place = layout.slots[0]
        at = place.offset
        tail = trailer(manifest.encode(), table)
        _fits(image, tail, place, segments[0])
        content[at : at + len(image)] = image
        content[at + place.size - len(tail) : at + place.size] = tail
        name = hashlib.sha256(manifest.encode()).digest()
        entry = state.Slot(state.Status.READY, manifest.sequence, len(image), name)
        first = replace(first, active=0, slots=(entry, state.Slot()))
    at = layout.banks[0].offset
    content[at : at + state.SIZE] = first.pack()
    Image(bytes(content))
    return Container(layout, bytes(content))


def _check(settings: Settings) -> None:
    if not 0 < len(settings.keys) <= state.MAX_KEYS:
        raise BuildError(f"{len(settings.keys)} public keys; a device holds 1 to {state.MAX_KEYS}")
    if not 1 <= settings.trials <= 250:
        raise BuildError(f"{settings.trials} trial boots; 1 to 250 can be counted")
    if settings.device_key is not None and len(settings.device_key) != 32:
        raise BuildError(f"a device key of {len(settings.device_key)} bytes; AES-256 has 32")


def _fits(image: bytes, tail: bytes, place: Place, segment: Segment) -> None:
    need = _up(len(image), segment.write) + _up(len(tail), segment.write)
    if need > place.size:
        raise DoesNotFit(
            f"application of {show_size(len(image))} and its hashes need {show_size(need)}, "
            f"a slot has {show_size(place.size)} ({show_size(need - place.size)} over)"
        )


def single(
    segment: Segment, settings: Settings, modules: Mapping[str, bytes], *, floor: int = 0
) -> dict[str, bytes]:
    """What the read-write file system must hold for a single slot: path -> content.

    There is no container then: the image has the partition to itself, and while it is
    being replaced there is none.

    Raises:
        BuildError: A setting is out of range.
    """
    _check(settings)
    size = segment.size // segment.block * segment.block
    layout = Plan((segment,), segment.block, 0, BANK_FILES, (Place(segment.index, 0, size),))
    files = dict(modules)
    files[CONFIG_NAME] = config(layout, settings)
    files[str(BANK_FILES[0].segment)] = state.Record(counter=1, floor=floor).pack()
    return files


def config(layout: Plan, settings: Settings) -> bytes:
    """The configuration file."""
    fields: dict[int, cbor.Value] = {
        1: FORMAT,
        2: settings.product,
        3: settings.board,
        4: layout.block,
        5: [[one.index, one.kind, one.unit, one.write] for one in layout.segments],
        6: [bank.fields() for bank in layout.banks],
        7: [slot.fields() for slot in layout.slots],
        8: [[algorithm, key] for algorithm, key in settings.keys],
        9: settings.trials,
    }
    if settings.url is not None:
        fields[10] = settings.url
    fields[11] = settings.channel
    if settings.device_key is not None:
        fields[12] = settings.device_key
    if settings.accepts:
        fields[13] = list(settings.accepts)
    return cbor.encode(fields)


def _records(
    layout: Plan,
    settings: Settings,
    modules: Mapping[str, bytes],
    files: Mapping[str, bytes],
    size: int,
) -> bytes:
    """The image up to the padding record's header; that record ends with the partition."""
    payload = len(MAGIC) + _WIDTH
    body = _directory("lib", [_directory(PACKAGE_NAME, _module_files(modules))])
    body += _file(CONFIG_NAME, encode_record(Kind.DATA_VERBATIM, config(layout, settings)))
    for name, data in files.items():
        body += _file(name, encode_record(Kind.DATA_VERBATIM, data))
    for name, slot in zip(SLOT_FILES, layout.slots, strict=True):
        if slot.segment == layout.segments[0].index:
            pointer = encode_varuint(slot.size) + encode_varuint(
                slot.offset - payload & 0xFFFF_FFFF
            )
            body += _file(name, encode_record(Kind.DATA_POINTER, pointer))
    size -= size % 2
    rest = size - payload - len(body) - 1 - _WIDTH
    if rest < 0:
        raise DoesNotFit(
            f"the updater alone needs {show_size(payload + len(body))}, the partition has "
            f"{show_size(size)}"
        )
    body += encode_varuint(Kind.PADDING) + encode_varuint(rest, _WIDTH)
    return MAGIC + encode_varuint(size - payload, _WIDTH) + body


def _module_files(modules: Mapping[str, bytes]) -> list[bytes]:
    # A package's __init__ first: it is looked for before every other file of it.
    names = sorted(modules, key=lambda path: (not path.endswith("/__init__.mpy"), path))
    return [
        _file(path.rpartition("/")[2], encode_record(Kind.DATA_VERBATIM, modules[path]))
        for path in names
    ]


def _named(kind: Kind, name: str, content: bytes) -> bytes:
    text = name.encode()
    return encode_record(kind, encode_varuint(len(text)) + text + content)


def _file(name: str, data: bytes) -> bytes:
    return _named(Kind.FILE, name, data)


def _directory(name: str, entries: Sequence[bytes]) -> bytes:
    return _named(Kind.DIRECTORY, name, b"".join(entries))


def _up(value: int, unit: int) -> int:
    return -(-value // unit) * unit


def read_config(content: bytes) -> dict[int, cbor.Value]:
    """The configuration of a container.

    Raises:
        ImageError, PathNotFound: It is not one.
    """
    fields = cbor.decode(Image(content).file(CONFIG_NAME).data)
    assert isinstance(fields, dict)
    return fields
