"""The UF2 route: a bootloader that shows itself as a drive, and a file copied onto it.

A drive takes whole files and answers nothing, so a write cannot be read back: the
bootloader restarting the board is the only sign that it took the file. Nothing more is
reported than that. Nor can a copy that is cut short be made harmless, as the order in
which a host writes blocks is its own: then the partition must be written again.

Source: UF2 specification (github.com/microsoft/uf2), "Files exposed by bootloaders".
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from boards import Board
from flash.plan import Commit, Erase, Spoil, Step, Verify, Write
from flash.transport import Capability, Done
from romfs.errors import BoardError, FlashError, FormatError, NoPort, TransportError, WriteRefused
from romfs.formats.memory import Memory
from romfs.formats.uf2 import RP2350_FAMILIES, Uf2File, family_name, read_uf2, write_uf2

INFO = "INFO_UF2.TXT"
CURRENT = "CURRENT.UF2"
FILE = "ROMFS.UF2"
PATIENCE = 15.0
"""Seconds a bootloader has to take a file and restart; erasing and writing 1 MiB of the
slowest flash here takes about twelve."""
_POLL = 0.05
_CHUNK = 64 << 10

# Beginning of a Board-ID -> families that bootloader takes. Source: RP2040 and RP2350
# datasheets (boot ROM); uf2-samdx1 and TinyUF2 name boards by chip first.
_FAMILIES = {
    "RPI-RP2": {0xE48BFF56},
    "RP2350": set(RP2350_FAMILIES),
    "SAMD21": {0x68ED2B88},
    "SAMD51": {0x55114460},
    "SAME51": {0x55114460},
    "SAME54": {0x55114460},
    "MIMXRT": {0x4FB2D5BD},
    "ESP32S2": {0xBFDD4EEE},
    "ESP32S3": {0xC47E5767},
}
# The drive went away, or was never whole: what a restart of the board looks like.
_GONE = {errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.ESTALE, errno.ENOTCONN}


@dataclass(frozen=True)
class Drive:
    """A UF2 drive.

    Attributes:
        path: Where it is mounted.
        bootloader: First line of its information.
        model: What it says the board is.
        board_id: For programs: chip, board, revision, with dashes between.
    """

    path: Path
    bootloader: str
    model: str
    board_id: str

    @property
    def families(self) -> set[int] | None:
        """UF2 families its bootloader takes, or None if that is not known."""
        plain = self.board_id.upper().replace("ESP32-", "ESP32")
        found = (ids for head, ids in _FAMILIES.items() if plain.startswith(head))
        return next(found, None)


def parse_info(path: Path, text: str) -> Drive:
    """Understand INFO_UF2.TXT."""
    lines = text.splitlines()
    facts = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            facts[name.strip().lower()] = value.strip()
    head = lines[0].strip() if lines else ""
    return Drive(path, head, facts.get("model", ""), facts.get("board-id", ""))


def mounted_volumes() -> list[Path]:
    """Places where a drive may be mounted on this host."""
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    if os.name == "nt":
        return [Path(f"{letter}:\\") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
    try:
        rows = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return sorted(Path("/media").glob("*/*"))
    found = []
    for row in rows:
        _, place, kind, *_ = row.split(" ")
        if kind in ("vfat", "msdos", "fuseblk", "exfat"):
            # Spaces and the like stand as octal escapes.
            place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place)
            found.append(Path(place))
    return found


def find_drives(volumes: Callable[[], Iterable[Path]] = mounted_volumes) -> Iterator[Drive]:
    """All UF2 drives that are mounted now."""
    for volume in volumes():
        with contextlib.suppress(OSError):
            # FAT does not care for case, other file systems do.
            info = next((path for path in volume.iterdir() if path.name.upper() == INFO), None)
            if info is not None:
                yield parse_info(volume, info.read_text("utf-8", "replace"))


def choose_drive(
    family: int, where: Path | None = None, volumes: Callable[[], Iterable[Path]] = mounted_volumes
) -> Drive:
    """The drive of a board that takes a family.

    Args:
        family: UF2 family id of the board.
        where: The drive the user named; None: the only one that fits.
        volumes: Where to look.
    Raises:
        NoPort: There is none, or several.
        BoardError: The one named is of another family.
    """
    drives = list(find_drives((lambda: [where]) if where is not None else volumes))
    if not drives:
        place = f"{where} is not a UF2 drive: it has no {INFO}" if where else "no UF2 drive found"
        raise NoPort(f"{place}; put the board into its bootloader (hold BOOTSEL, or reset twice)")
    fitting = [drive for drive in drives if drive.families is None or family in drive.families]
    if not fitting:
        drive = drives[0]
        raise BoardError(
            f"the drive at {drive.path} is {drive.board_id or drive.model}, which does not take "
            f"{family_name(family)}: a different board; nothing written"
        )
    if len(fitting) > 1:
        names = ", ".join(f"{drive.path} ({drive.board_id})" for drive in fitting)
        raise NoPort(f"several UF2 drives fit: {names}; name one with --port")
    return fitting[0]


def uf2_family(board: Board) -> int:
    """The UF2 family of a board.

    Raises:
        BoardError: Its bootloader does not take UF2.
    """
    for way in board.flashing:
        if way.uf2_family is not None:
            return way.uf2_family
    raise BoardError(f"{board.id} has no UF2 bootloader")


class Uf2Transport:
    """A partition behind a UF2 drive.

    Args:
        drive: The drive.
        address: Of the partition.
        size: Of the partition in bytes.
        family: UF2 family id.
        patience: Seconds the bootloader has to take a file.

    Attributes:
        remark: What a user should know of a copy that was made.
        carried: Bytes of the file copied.
    """

    def __init__(
        self, drive: Drive, address: int, size: int, family: int, *, patience: float = PATIENCE
    ) -> None:
        self.name = str(drive.path)
        self.drive = drive
        self.address = address
        self.size = size
        self.family = family
        self.patience = patience
        self.remark = ""
        self.carried = 0
        self._current: Memory | None = None
        self.capabilities = Capability(0)
        if (drive.path / CURRENT).is_file():
            self.capabilities |= Capability.SUMS

    def sums(self, blocks: Iterable[tuple[int, int]]) -> list[int]:
        """CRC-32 of stretches, from the file in which some bootloaders show their flash."""
        return [zlib.crc32(self.read(offset, length)) for offset, length in blocks]

    def read(self, offset: int, length: int, done: Callable[[int], None] | None = None) -> bytes:
        """What the partition held when the drive appeared.

        Raises:
            TransportError: The bootloader does not show it.
        """
        if self._current is None:
            try:
                shown = read_uf2((self.drive.path / CURRENT).read_bytes())
            except (OSError, FormatError) as error:
                raise TransportError(f"{self.name}: {CURRENT} cannot be read: {error}") from error
            self._current = next(iter(shown.families.values()), Memory())
        data = self._current.window(self.address, self.address + self.size).flat(
            start=self.address + offset, end=self.address + offset + length
        )
        if done is not None:
            done(length)
        return data

    def apply(self, steps: Iterable[Step], done: Done | None = None) -> None:
        """Copy everything the steps write as one file, and wait for the board to restart.

        Raises:
            WriteRefused: The bootloader did not take the file.
            TransportError: The drive went away before the file was complete.
        """
        memory = Memory()
        writes: list[Step] = []
        for step in steps:
            if isinstance(step, Write | Commit):
                memory.add(self.address + step.address, step.data, what="image")
                writes.append(step)
            elif isinstance(step, Verify):
                raise FlashError(f"{self.name}: a UF2 drive cannot be read back")
            else:
                assert isinstance(step, Erase | Spoil)  # writing erases
        data = write_uf2(Uf2File({self.family: memory}))
        complete = self._copy(data)
        self._wait(complete=complete)
        self.carried += len(data)
        for step in writes:
            if done is not None:
                done(step, step.length)

    def _copy(self, data: bytes) -> bool:
        """Write the file; False if the drive went away at its end, as restarting makes it."""
        sent = 0
        try:
            with (self.drive.path / FILE).open("wb", buffering=0) as out:
                while sent < len(data):
                    sent += out.write(data[sent : sent + _CHUNK])
                os.fsync(out.fileno())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise WriteRefused(f"{self.name}: the drive is full") from error
            if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
                raise WriteRefused(f"{self.name}: cannot be written: {error.strerror}") from error
            if error.errno not in _GONE:
                raise TransportError(f"{self.name}: {error}") from error
            if sent < len(data):
                raise TransportError(
                    f"{self.name}: the drive went away after {sent} of {len(data)} bytes; the "
                    "partition may be half written: enter the bootloader and write again"
                ) from error
            self.remark = (
                "the drive went away while the end of the file was on its way, as when the board "
                "restarts; `romfs verify` tells whether it has all of it"
            )
            return False
        return True

    def _wait(self, *, complete: bool) -> None:
        """Wait until the board has restarted.

        Raises:
            WriteRefused: It has not.
        """
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if not any(drive.path == self.drive.path for drive in find_drives(self._here)):
                return
            time.sleep(_POLL)
        how = "all of the file is on the drive" if complete else "the copy ended with an error"
        raise WriteRefused(
            f"{self.name}: {how}, but the bootloader has not restarted the board in "
            f"{self.patience:.0f} s: it did not take the file (wrong family, or an address it "
            "does not write)"
        )

    def _here(self) -> list[Path]:
        return [self.drive.path]

    def close(self) -> None:
        """Nothing to leave: the board has restarted, or waits for a file."""
