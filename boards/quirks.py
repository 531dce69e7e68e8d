"""Every way a board departs from what its flash interface promises, named once.

A quirk is a fact about a firmware, not a class of board: rows of `boards/*.toml` list
them, and the code that plans or writes asks `Quirk.X in partition.quirks` at the one
place where it matters.

Source: MicroPython at 1c3c201149f37fe8d81246191b3127bb198d6306, `ports/*/vfs_rom_ioctl.c`,
`ports/*/*flash*.c` and the linker scripts; read, not tried on hardware.
"""

from __future__ import annotations

from enum import Enum, StrEnum


class Level(Enum):
    """How much a quirk can hurt."""

    DANGER = "danger"
    """An ordinary deploy or firmware update can lose data it was not meant to touch."""
    CARE = "care"
    """Code that ignores it fails, writes wrong bytes or hits the wrong place."""
    NOTE = "note"
    """Good to know; nothing breaks."""


class Quirk(StrEnum):
    """A named departure, with its `level` and a `description` written for users."""

    level: Level
    description: str

    def __new__(cls, value: str, level: Level, description: str) -> Quirk:
        member = str.__new__(cls, value)
        member._value_ = value
        member.level = level
        member.description = description
        return member

    # Other data that may be lost.
    IOCTL_ERASE_HITS_FILESYSTEM = (
        "ioctl_erase_hits_filesystem",
        Level.DANGER,
        "ioctl(6, n) of the ROMFS object erases block n of the user filesystem instead; "
        "only writeblocks(n, buf) with whole blocks and no offset is safe.",
    )
    ROMFS_SHARES_FILESYSTEM = (
        "romfs_shares_filesystem",
        Level.DANGER,
        "ROMFS and the user filesystem are the same flash: deploying one destroys the other.",
    )
    NO_RANGE_CHECK = (
        "no_range_check",
        Level.CARE,
        "The driver does not check the range against the partition: a write that is too "
        "long runs into whatever follows.",
    )
    NEGATIVE_OFFSET_UNCHECKED = (
        "negative_offset_unchecked",
        Level.CARE,
        "Only the end of a range is checked: a negative offset reaches flash before the partition.",
    )
    UNALIGNED_ERASE_WIDENS = (
        "unaligned_erase_widens",
        Level.CARE,
        "An erase that starts inside a sector erases that whole sector, so also bytes before "
        "the start.",
    )
    MAY_OVERLAP_BOOTLOADER = (
        "may_overlap_bootloader",
        Level.DANGER,
        "A bootloader may sit inside the ROMFS or filesystem range; check on the board before "
        "writing there.",
    )
    SHARED_BETWEEN_CORES = (
        "shared_between_cores",
        Level.DANGER,
        "Both cores see the same memory as ROMFS: an image deployed on one replaces the other's.",
    )
    FIRMWARE_UPDATE_ERASES_ROMFS = (
        "firmware_update_erases_romfs",
        Level.DANGER,
        "Loading firmware with the usual tool erases the rest of the flash, so probably ROMFS "
        "too: deploy again afterwards.",
    )
    FILESYSTEM_SIZE_ZERO = (
        "filesystem_size_zero",
        Level.CARE,
        "Firmware and ROMFS fill the flash: the filesystem has no room at all, and erasing "
        "through it falls outside the chip.",
    )

    # What makes a write fail, or succeed in appearance only.
    ALWAYS_REPORTS_SUCCESS = (
        "always_reports_success",
        Level.CARE,
        "Erase and write report success whatever the flash driver said: only reading back shows "
        "what was written.",
    )
    DRIVER_PROBABLY_BROKEN = (
        "driver_probably_broken",
        Level.CARE,
        "The flash driver is built for another chip than the one holding ROMFS: erase and write "
        "probably do not work.",
    )
    PREPARE_IGNORES_OFFSET = (
        "prepare_ignores_offset",
        Level.CARE,
        "rom_ioctl(3) always erases from the partition start: it takes (id, length) only, and "
        "reads a third argument's offset as the length.",
    )
    MIN_PREPARE_ABSENT = (
        "min_prepare_absent",
        Level.CARE,
        "rom_ioctl(6) returns -22 although erasing from an offset works; the erase unit must "
        "come from the board's row.",
    )
    WRITE_LENGTH_MULTIPLE_OF_4_OR_HANG = (
        "write_length_multiple_of_4_or_hang",
        Level.CARE,
        "A write whose offset or length is not a multiple of 4 never returns; the board then "
        "needs a reset.",
    )
    WRITE_READS_PAST_END = (
        "write_reads_past_end",
        Level.CARE,
        "A write rounds its length up to the write unit and so programs stray bytes from behind "
        "the buffer; send whole units.",
    )
    TAIL_BYTES_DROPPED = (
        "tail_bytes_dropped",
        Level.CARE,
        "A write whose length is not a multiple of 4 silently loses its last bytes.",
    )
    WRITE_UNIT_LARGER_THAN_ADVERTISED = (
        "write_unit_larger_than_advertised",
        Level.CARE,
        "rom_ioctl(3) names a smaller write unit than the flash needs; use the row's.",
    )
    PROGRAMS_WHOLE_UNIT_WITHOUT_ERASE = (
        "programs_whole_unit_without_erase",
        Level.CARE,
        "Each write merges into and programs a whole 2048-byte unit without erasing: two writes "
        "into one unit program it twice.",
    )
    ERASE_NOT_SEEN_AS_BLANK = (
        "erase_not_seen_as_blank",
        Level.CARE,
        "After an erase the range may not read as 0xff; writing erases by itself, so rely only "
        "on what was written.",
    )
    WRITEBLOCKS_ERASES_ONE_BLOCK = (
        "writeblocks_erases_one_block",
        Level.CARE,
        "writeblocks(n, buf) erases one block only, however long buf is: write block by block.",
    )
    IOCTL_ERASE_RETURNS_ONE = (
        "ioctl_erase_returns_one",
        Level.CARE,
        "ioctl(6, n) returns 1 on failure, not a negative errno.",
    )
    USABLE_SMALLER_THAN_DECLARED = (
        "usable_smaller_than_declared",
        Level.CARE,
        "The CPU reaches only the first part of the partition: an image beyond it cannot be read.",
    )
    MBOOT_BUILD_HAS_NO_ROMFS = (
        "mboot_build_has_no_romfs",
        Level.CARE,
        "Firmware built with USE_MBOOT=1 uses a linker script without ROMFS.",
    )
    UF2_BASE_DIFFERS = (
        "uf2_base_differs",
        Level.CARE,
        "The upstream UF2 file is addressed to another place than the flash this board runs from.",
    )
    FLASH_OFFSET_SUSPECT = (
        "flash_offset_suspect",
        Level.CARE,
        "The bootloader offset upstream gives for this board differs from all others of its chip.",
    )
    DFU_ID_DIFFERS = (
        "dfu_id_differs",
        Level.CARE,
        "The DFU device id printed in the board's instructions is not the one its makefile uses.",
    )
    DISABLED_ROM_IOCTL = (
        "disabled_rom_ioctl",
        Level.CARE,
        "ROMFS has size 0 here: vfs.rom_ioctl exists but answers -22 to every request.",
    )
    OCTAL_BYTE_ORDER_UNKNOWN = (
        "octal_byte_order_unknown",
        Level.CARE,
        "Which byte order an external programmer must use for this octal flash is not known: "
        "write through the board.",
    )
    PARTITION_CACHED = (
        "partition_cached",
        Level.CARE,
        "The partition is looked up once and kept, with its mapping, until a hard reset; a soft "
        "reset does not see a new partition table.",
    )

    # What a planner or a reader of the row should know.
    WRITE_COMPLETE_ABSENT = (
        "write_complete_absent",
        Level.NOTE,
        "rom_ioctl(5) is not implemented: it always returns -22, which means nothing.",
    )
    READ_ONLY_SEGMENT = (
        "read_only_segment",
        Level.NOTE,
        "The running firmware cannot write this partition; its content is given from outside.",
    )
    NO_ERASE_NEEDED = (
        "no_erase_needed",
        Level.NOTE,
        "The memory (MRAM) is overwritten in place: preparing erases nothing.",
    )
    SEGMENT_ID_UNCHECKED = (
        "segment_id_unchecked",
        Level.NOTE,
        "Any segment id is answered as if it were 0: count segments with rom_ioctl(1).",
    )
    ARGUMENTS_NOT_COUNTED = (
        "arguments_not_counted",
        Level.CARE,
        "rom_ioctl does not count its arguments: a missing one is read from beyond them.",
    )
    PREPARE_ROUNDS_TO_4096 = (
        "prepare_rounds_to_4096",
        Level.NOTE,
        "rom_ioctl(3) rounds its length up to 4096.",
    )
    SIZE_AT_RUN_TIME = (
        "size_at_run_time",
        Level.NOTE,
        "The size follows the chip found at run time; the row gives the smallest. Ask the board.",
    )
    BOOTS_FROM_ROMFS = (
        "boots_from_romfs",
        Level.NOTE,
        "The current directory at boot is /rom, so boot.py and main.py of the image run.",
    )
    UNALIGNED_ACCESS_UNKNOWN = (
        "unaligned_access_unknown",
        Level.NOTE,
        "How byte and unaligned reads of mapped flash behave here is not established.",
    )
