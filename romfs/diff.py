"""What two images have in common and what not: files, sizes, erase blocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from romfs.blocks import changed_blocks
from romfs.image import File, Image

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"


class FileChange(NamedTuple):
    """A file that is not the same in both images.

    Attributes:
        path: In the image.
        change: "added", "removed" or "changed"; "moved" where only its place is another.
        old: The file before, or None.
        new: The file after, or None.
    """

    path: str
    change: str
    old: File | None
    new: File | None

    @property
    def old_size(self) -> int:
        """Bytes before; 0 if added."""
        return 0 if self.old is None else len(self.old.data)

    @property
    def new_size(self) -> int:
        """Bytes after; 0 if removed."""
        return 0 if self.new is None else len(self.new.data)

    @property
    def growth(self) -> int:
        """Bytes more."""
        return self.new_size - self.old_size


@dataclass(frozen=True, slots=True)
class ImageDiff:
    """The difference of two images.

    Attributes:
        old_size: Bytes of the old image.
        new_size: Bytes of the new one.
        files: What changed, by path.
        renamed: New path -> old path of files whose content only has another name.
        same: Number of files that did not change.
        erase: Bytes of an erase block.
        blocks: Erase blocks the new image takes.
        changed_blocks: Numbers of those that must be rewritten.
    """

    old_size: int
    new_size: int
    files: tuple[FileChange, ...]
    renamed: dict[str, str]
    same: int
    erase: int
    blocks: int
    changed_blocks: tuple[int, ...]

    @property
    def identical(self) -> bool:
        """Whether the partition would not change at all."""
        return not self.changed_blocks and self.old_size == self.new_size

    def of(self, change: str) -> list[FileChange]:
        """The changes of one sort."""
        return [one for one in self.files if one.change == change]


def compare(old: Image, new: Image, *, erase: int) -> ImageDiff:
    """Compare two images.

    Args:
        old: What a device has.
        new: What it shall have.
        erase: Bytes of an erase block of the partition.
    """
    before, after = dict(old.files()), dict(new.files())
    changes: list[FileChange] = []
    same = 0
    for path in sorted(before.keys() | after.keys()):
        one, two = before.get(path), after.get(path)
        if one is None or two is None:
            changes.append(FileChange(path, ADDED if one is None else REMOVED, one, two))
        elif one.data != two.data:
            changes.append(FileChange(path, CHANGED, one, two))
        elif one.data_offset != two.data_offset and one.data:
            changes.append(FileChange(path, MOVED, one, two))
        else:
            same += 1
    blocks = changed_blocks(old.data, new.data, erase)
    return ImageDiff(
        old.size,
        new.size,
        tuple(changes),
        _renamed(changes),
        same,
        erase,
        -(-new.size // erase),
        tuple(blocks),
    )


def _renamed(changes: list[FileChange]) -> dict[str, str]:
    gone = {
        hashlib.sha256(one.old.data).digest(): one.path
        for one in changes
        if one.change == REMOVED and one.old is not None and one.old.data
    }
    return {
        one.path: gone[digest]
        for one in changes
        if one.change == ADDED
        and one.new is not None
        and (digest := hashlib.sha256(one.new.data).digest()) in gone
    }
