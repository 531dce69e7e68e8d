"""Firmware and image in one file, for a production line or drag and drop.

Where the image goes is read from the firmware when that says so: RP2 firmware in its
binary info, ESP32 firmware in its partition table.
"""

from __future__ import annotations

from dataclasses import dataclass

from romfs.errors import DoesNotFit, FormatError, OverlapError
from romfs.formats import esp
from romfs.formats.binary_info import read_binary_info
from romfs.formats.container import BinFile, Content, Part, parts
from romfs.formats.dfu import DfuFile
from romfs.formats.memory import Memory
from romfs.formats.uf2 import RP2_FAMILIES, Uf2File, family_name
from romfs.image import Image
from romfs.sizes import show_size


@dataclass(frozen=True)
class Place:
    """Where an image goes.

    Attributes:
        address: Of its first byte, as the file counts (flash offset for ESP32).
        size: Bytes it may have, or None if unknown.
        source: Who says so, for messages.
    """

    address: int
    size: int | None
    source: str


@dataclass(frozen=True)
class Expected:
    """What the user's board is, to find firmware of another.

    Attributes:
        name: Of the board, for messages.
        port: MicroPython port.
        chip: Chip name as `esp.CHIPS` has it, or None.
        place: Where the board's data has the partition; used for firmware that cannot
            say itself, as only that knows how it was built.
        family: UF2 family id, or None.
    """

    name: str
    port: str
    chip: str | None = None
    place: Place | None = None
    family: int | None = None


@dataclass(frozen=True)
class NewPartition:
    """A partition to add to an ESP32 table; see `esp.with_romfs`."""

    size: int
    offset: int | None = None
    shrink: str | None = None


@dataclass(frozen=True)
class Merged:
    """What was done.

    Attributes:
        content: The file.
        place: Where the image went.
        parts: Names of the parts that got it; one empty name where there is only one.
        notes: What the user should know.
    """

    content: Content
    place: Place
    parts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_place(memory: Memory) -> Place | None:
    """Where firmware expects a ROMFS image, if it says so.

    Raises:
        FormatError: Its binary info or partition table is damaged.
    """
    table = esp.table_of(memory)
    if table is not None:
        esp.check_firmware(memory, table)
        if table.romfs is None:
            return None
        return Place(table.romfs.offset, table.romfs.size, "the partition table of the firmware")
    info = read_binary_info(memory)
    if info is None or info.romfs is None:
        return None
    return Place(info.romfs.address, info.romfs.size, "the binary info of the firmware")


def add_partition(memory: Memory, new: NewPartition) -> tuple[str, ...]:
    """Put a partition "romfs" into the table of ESP32 flash content.

    Returns:
        Notes for the user.
    Raises:
        FormatError: There is no table, it is signed, or the partition cannot be placed.
        DoesNotFit: There is no room for it.
    """
    table = esp.table_of(memory)
    if table is None:
        raise FormatError(
            "the firmware has no ESP32 partition table at flash offset "
            f"{esp.TABLE_OFFSET:#x}, so no partition can be added"
        )
    first = esp.check_firmware(memory, table)
    signature = memory.window(esp.TABLE_OFFSET + esp.TABLE_SIZE, esp.TABLE_OFFSET + esp.SECTOR)
    if any(set(piece.data) - {0xFF} for piece in signature):
        raise FormatError("the partition table is signed; only its signer can change it")
    used = [(row.label, _used(memory, row)) for row in table.rows]
    made = esp.with_romfs(
        table,
        new.size,
        flash_size=None if first is None else first.flash_size,
        offset=new.offset,
        shrink=new.shrink,
        used=used,
    )
    memory.remove(esp.TABLE_OFFSET, esp.TABLE_OFFSET + esp.TABLE_SIZE)
    memory.add(esp.TABLE_OFFSET, made.pack())
    notes = []
    if made.end != table.end and table.find("vfs") is None:
        notes.append(
            f"the file system begins at {made.end:#x} now, not at {table.end:#x}: "
            "what a device has stored there is lost"
        )
    return tuple(notes)


def _used(memory: Memory, row: esp.EspPartition) -> int:
    """Bytes of a partition that the file fills."""
    window = memory.window(row.offset, row.end)
    return window.end - row.offset if window else 0


def merge(
    firmware: Content,
    image: bytes,
    *,
    at: Place | None = None,
    board: Expected | None = None,
    family: int | None = None,
    alternate: int | None = None,
    add: NewPartition | None = None,
    replace: bool = False,
) -> Merged:
    """Put an image into a firmware file. The content given is changed.

    Args:
        firmware: The firmware file.
        image: A ROMFS image; it is checked.
        at: Where the user wants it, whatever else says.
        board: What the firmware must be for.
        family: UF2 family that must be in the file; the image goes to it alone. Without
            it and a board, to every family of the file.
        alternate: DfuSe target it goes to.
        add: A partition to add first.
        replace: Whether an image that is there already may be replaced.
    Raises:
        FormatError: No place is known, or firmware, board and image do not belong together.
        DoesNotFit: The image is larger than the place.
        OverlapError: The firmware itself is where the image should go.
    """
    size = Image(image).size
    if isinstance(firmware, BinFile) and firmware.base is None:
        raise FormatError(
            "nothing in this raw binary says at which address it begins; give --base, or --board"
        )
    if family is None and board is not None:
        family = board.family
    fallback = None if board is None else board.place
    chosen = _choose(firmware, family, alternate, at or fallback)
    notes: list[str] = []
    if size < len(image):
        image = image[:size]
    place = None
    for part in chosen:
        if add is not None:
            notes.extend(note for note in add_partition(part.memory, add) if note not in notes)
        if board is not None:
            _check_board(part.memory, board)
        here = at or find_place(part.memory)
        if here is None and not _describes_itself(part.memory):
            here = fallback
        if here is None:
            raise FormatError(_no_place(part, board))
        if place is not None and (here.address, here.size) != (place.address, place.size):
            raise FormatError(
                f"{chosen[0].name} has the image at {place.address:#x}, {part.name} at "
                f"{here.address:#x}; name one with --family"
            )
        place = here
        _insert(part, image, here, replace=replace)
    assert place is not None, "there is at least one part"
    return Merged(firmware, place, tuple(part.name for part in chosen), tuple(notes))


def _choose(
    firmware: Content, family: int | None, alternate: int | None, place: Place | None
) -> tuple[Part, ...]:
    """The parts that get the image."""
    found = parts(firmware)
    if isinstance(firmware, Uf2File):
        if family is not None:
            chosen = tuple(part for part in found if part.key == family)
            if not chosen:
                names = ", ".join(part.name for part in found) or "nothing for flash"
                raise FormatError(
                    f"the firmware is for {names}, not {family_name(family)}: a different board"
                )
            return chosen
        if len(found) > 1 and not all(part.key in RP2_FAMILIES for part in found):
            names = ", ".join(part.name for part in found)
            raise FormatError(f"the firmware is for several chips, {names}; name one with --family")
        if len(found) > 1:
            # Beside programs there may be blocks of data, such as a partition table.
            found = tuple(part for part in found if _describes_itself(part.memory)) or found
    if isinstance(firmware, DfuFile) and len(found) > 1:
        if alternate is not None:
            found = tuple(part for part in found if part.key == alternate)
        elif place is not None:
            # One memory is one target: take that with data in the same 256 MiB window.
            near = place.address >> 28
            found = tuple(
                part for part in found if any(s.address >> 28 == near for s in part.memory)
            )
        if len(found) != 1:
            raise FormatError(
                "the DfuSe file has several targets; name the image's with --alternate"
            )
    if not found:
        raise FormatError("the firmware file holds nothing for flash")
    return found


def _describes_itself(memory: Memory) -> bool:
    """Whether firmware would name its ROMFS partition if it had one."""
    return esp.table_of(memory) is not None or read_binary_info(memory) is not None


def _no_place(part: Part, board: Expected | None) -> str:
    of = f" for {part.name}" if part.name else ""
    message = f"nothing says where the image goes: the firmware{of} names no ROMFS partition"
    if esp.table_of(part.memory) is not None:
        return message + "; --add-partition SIZE makes one"
    info = read_binary_info(part.memory)
    if info is not None and info.devices:
        have = ", ".join(
            f"{device.name!r} at {device.address:#x} with {show_size(device.size)}"
            for device in info.devices
        )
        return f"{message}, only {have}; build it with MICROPY_HW_ROMFS_BYTES, or give --at"
    if board is not None and board.port == "esp32":
        return (
            f"{message}: the file holds the program alone, without a partition table; take "
            "firmware.bin, or give --at"
        )
    return message + ("; give --at" if board is not None else "; give --board or --at")


def _check_board(memory: Memory, board: Expected) -> None:
    """Refuse firmware that says it is for something else.

    Raises:
        FormatError: It does.
    """
    table = esp.table_of(memory)
    port = "esp32" if table is not None else "rp2" if read_binary_info(memory) else None
    if port is not None and port != board.port:
        raise FormatError(f"this is {port} firmware, and {board.name} is a board of {board.port}")
    image = None if table is None else esp.check_firmware(memory, table)
    if image is not None and board.chip is not None and image.chip_name != board.chip:
        raise FormatError(
            f"the firmware is for {image.chip_name}, and {board.name} has an {board.chip}"
        )


def _insert(part: Part, image: bytes, place: Place, *, replace: bool) -> None:
    memory = part.memory
    if place.size is not None and len(image) > place.size:
        raise DoesNotFit(
            f"image is {show_size(len(image))}, the partition holds {show_size(place.size)} "
            f"({show_size(len(image) - place.size)} over; size by {place.source}); nothing written"
        )
    span = (place.address, place.address + (place.size or len(image)))
    before = memory.window(*span)
    if before:
        erased = all(not piece.data.strip(b"\xff") for piece in before)
        if not erased and not (replace and _is_image(before, place.address)):
            first = next(piece for piece in before if piece.data.strip(b"\xff"))
            hint = "; --replace puts the new one there" if _is_image(before, span[0]) else ""
            raise OverlapError(
                f"the firmware has data at {first.address:#x}..{first.end:#x}, inside the ROMFS "
                f"partition {span[0]:#x}..{span[1]:#x}{hint}",
                address=first.address,
                length=len(first.data),
            )
        # A file of a whole flash chip stays one: what an old image left is erased.
        memory.remove(*span)
        for piece in before:
            blank = Memory([(piece.address, b"\xff" * len(piece.data))])
            for rest in blank.without(place.address, place.address + len(image)):
                memory.add(*rest)
    memory.add(place.address, image, what="the image")


def _is_image(memory: Memory, address: int) -> bool:
    return memory.read(address, 3) == b"\xd2\xcd\x31"
