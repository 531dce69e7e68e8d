"""What must hold before the first erase: the image, the device and the board fit together."""

from __future__ import annotations

from dataclasses import replace

from boards import Board, MpyAbi, Quirk
from flash.plan import check_size
from flash.probe import DeviceInfo, Segment
from flash.target import Target
from romfs import build_info
from romfs.errors import BoardError, FlashError, ImageError, IncompatibleMpy, MpyError, NoPartition
from romfs.image import Image
from romfs.mpy import parse_header
from romfs.records import Kind, read_record

_REFUSED = (Quirk.ROMFS_SHARES_FILESYSTEM, Quirk.MAY_OVERLAP_BOOTLOADER)
_WARNED = (
    Quirk.DRIVER_PROBABLY_BROKEN,
    Quirk.SHARED_BETWEEN_CORES,
    Quirk.USABLE_SMALLER_THAN_DECLARED,
)


class HazardRefused(FlashError):
    """Writing would endanger something outside the partition; `--force` does it all the same.

    Attributes:
        quirk: What the board is known for.
    """

    def __init__(self, message: str, *, quirk: Quirk) -> None:
        super().__init__(message)
        self.quirk = quirk


def segment(info: DeviceInfo, index: int, board: Board | None) -> Segment:
    """The partition to work on.

    Raises:
        NoPartition: There is none of that number; says which firmware option makes one.
    """
    for one in info.segments:
        if one.index == index and one.size > 0:
            return one
    device = info.machine or "the device"
    if info.segments:
        have = ", ".join(str(one.index) for one in info.segments)
        raise NoPartition(f"{device} has no ROMFS partition {index}, only {have}")
    if index in info.refused:
        raise NoPartition(
            f"{device} does not hand out ROMFS partition {index} (error {info.refused[index]})"
        )
    how = board.how if board is not None and board.how else None
    if "vfs.rom_ioctl" not in info.features:
        missing = "its firmware was built without ROMFS"
    else:
        missing = "its firmware has a ROMFS partition of size 0"
    advice = f"; to have one: {how}" if how else _general_advice(info)
    raise NoPartition(f"{device} has no ROMFS partition: {missing}{advice}")


def _general_advice(info: DeviceInfo) -> str:
    if info.version and [int(part) for part in info.version[:2]] < [1, 25]:
        return f"; ROMFS came with MicroPython 1.25, this is {info.firmware}"
    return "; build it with MICROPY_VFS_ROM_IOCTL and a partition (MICROPY_HW_ROMFS_BYTES)"


def choose_board(info: DeviceInfo, wanted: Board | None) -> tuple[Board | None, list[str]]:
    """The row that describes the device, and remarks.

    Args:
        wanted: What the user says it is; None: go by what the device says.
    """
    found = info.boards()
    if wanted is not None:
        if found and wanted.id not in {board.id for board in found}:
            return wanted, [f"the device calls itself {info.machine!r}, not {wanted.id}"]
        return wanted, []
    if not found:
        return None, []
    # Builds of one board differ in what matters here only in partitions: take one that fits.
    fitting = [board for board in found if _matches(board, info)]
    return (fitting or list(found))[0], []


def _matches(board: Board, info: DeviceInfo) -> bool:
    if len(board.partitions) != len(info.segments):
        return False
    return all(
        part.is_block_device == bool(one.block_device) and part.size in (None, one.size)
        for part, one in zip(board.partitions, info.segments, strict=True)
    )


def abi(info: DeviceInfo, board: Board | None) -> MpyAbi | None:
    """What .mpy files the device loads; None: none at all."""
    if not info.mpy:
        return None
    own = None if info.arch == "none" else info.arch
    if board is not None and board.mpy.loader_arch == own:
        return replace(board.mpy, sub_version=info.mpy_sub_version)
    word = 8 if own in ("x64", "rv64imc") else 4
    return MpyAbi(
        native_arch=own,
        loader_arch=own,
        sub_version=info.mpy_sub_version,
        word=word,
        small_int_bits=63 if word == 8 else 31,
    )


def check_modules(image: Image, info: DeviceInfo, board: Board | None) -> None:
    """Refuse an image with a module the device would refuse.

    Raises:
        IncompatibleMpy: Names the first file and counts the rest.
    """
    device = abi(info, board)
    problems: list[tuple[str, str]] = []
    for path, file in image.files():
        if not path.endswith(".mpy"):
            continue
        try:
            header = parse_header(file.data)
        except MpyError as error:
            problems.append((path, f"not a .mpy file: {error}"))
            continue
        if device is None:
            problems.append((path, "this firmware loads no .mpy files"))
        elif header.version != info.mpy_version:
            problems.append((path, f"version {header.version}, the device has {info.mpy_version}"))
        else:
            refusal = device.accepts(
                header.arch, header.sub_version, header.arch_flags, header.small_int_bits
            )
            if refusal is not None:
                what = (
                    f"native code for {header.arch_name} (version {header.sub_version}), the "
                    f"device is {info.arch} (version {info.mpy_sub_version})"
                    if header.arch
                    else f"needs {header.small_int_bits}-bit small ints, the device has "
                    f"{device.small_int_bits}"
                )
                problems.append((path, f"{refusal}: {what}"))
    if problems:
        path, why = problems[0]
        more = f" (and {len(problems) - 1} more files)" if len(problems) > 1 else ""
        raise IncompatibleMpy(f"{path}: {why}{more}; nothing erased")


def preflight(
    image: Image,
    info: DeviceInfo,
    target: Target,
    board: Board | None,
    *,
    force: bool = False,
) -> list[str]:
    """Everything that must hold before the first erase; returns warnings.

    Args:
        force: Turn refusals that concern the board into warnings.
    Raises:
        DoesNotFit: The image is too large.
        IncompatibleMpy: The device would refuse a module of it.
        BoardError: It was built for another board.
        HazardRefused: Writing is dangerous on this board.
    """
    check_size(bytes(image.data), target)
    check_modules(image, info, board)
    warnings = []
    other = _built_for_another(image, info, board)
    if other is not None:
        if not force:
            raise BoardError(f"{other}; nothing erased (--force to write it all the same)")
        warnings.append(other)
    warnings += check_board(target, board, force=force)
    if target.at_risk and not _padded(image, target.at_risk):
        warnings.append(
            f"on this board the last {target.at_risk} bytes written are not all or nothing: after "
            "a power cut in that instant, write again before use"
        )
    if info.in_use:
        warnings.append(f"modules in use from the old image: {', '.join(info.in_use[:4])}")
    if "vfs.VfsRom" not in info.features:
        warnings.append("this firmware has no vfs.VfsRom: it cannot mount the image")
    return warnings


def _padded(image: Image, size: int) -> bool:
    """Whether nothing but padding lies in the first `size` bytes: they may be half written."""
    if image.payload == image.size:
        return True
    first = read_record(image.data, image.payload, image.size)
    return first.kind == Kind.PADDING and first.end >= size


def check_board(target: Target, board: Board | None, *, force: bool) -> list[str]:
    """Refuse what is dangerous on this board; returns warnings.

    Raises:
        HazardRefused: Something outside the partition is at risk, and `force` is not set.
    """
    if board is None or target.index >= len(board.partitions):
        return []
    warnings = []
    for quirk in board.partitions[target.index].quirks:
        if quirk in _REFUSED and not force:
            raise HazardRefused(
                f"{board.id}: {quirk.description} Nothing erased (--force to go on all the same)",
                quirk=quirk,
            )
        if quirk in _REFUSED or quirk in _WARNED:
            warnings.append(quirk.description)
    return warnings


def _built_for_another(image: Image, info: DeviceInfo, board: Board | None) -> str | None:
    try:
        record = build_info.read(image)
    except ImageError:
        return None  # damaged information about an image that is itself sound
    made_for = None if record is None else record.fields.get("board")
    if not isinstance(made_for, str):
        return None
    candidates = {board} if board is not None else set()
    names = {name for one in [*candidates, *info.boards()] for name in (one.key, one.id)}
    if not names or made_for in names:
        return None
    return f"the image was built for {made_for}, this is {info.machine or sorted(names)[0]}"
