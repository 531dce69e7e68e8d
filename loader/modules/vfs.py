"""Guest module `vfs`: mounting, and the file systems that can be mounted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules._posix_fs import VfsPosix
from loader.modules._rom_fs import VfsRom
from loader.modules.native import REQUIRED, check_count, get_str, os_error, parse_args, type_name

if TYPE_CHECKING:
    from loader.vm import VM

_MOUNT = (("", REQUIRED), ("", REQUIRED), ("readonly", False), ("mkfs", False))
ENODEV, ENOTSUP = 19, 95


def _block_file_system(name: str) -> type:
    """A class for a file system on a block device, which the host does not run."""

    def refuse(self: object, *args: Any, **named: Any) -> None:
        raise NotImplementedError(
            f"{name}: block device file systems are not supported on the host; "
            "mount a VfsRom, a VfsPosix or a file system class of your own"
        )

    return type(name, (), {"__init__": refuse, "mkfs": staticmethod(refuse), "__slots__": ()})


VfsFat = _block_file_system("VfsFat")
VfsLfs1 = _block_file_system("VfsLfs1")
VfsLfs2 = _block_file_system("VfsLfs2")


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict, over the mount table of `vm`."""

    def mount(*args: Any, **named: Any) -> Any:
        if not args:
            return [(row.fs, row.point) for row in vm.vfs.mounts]
        fs, point, readonly, mkfs = parse_args(args, named, _MOUNT, 2)
        point = get_str(point)
        if not hasattr(fs, "mount"):
            if not hasattr(fs, "readblocks"):
                raise AttributeError(f"'{type_name(fs)}' object has no attribute 'readblocks'")
            raise os_error(ENODEV)
        vm.vfs.mount(fs, point, readonly, mkfs)
        return None

    def umount(*args: Any) -> None:
        check_count(len(args), 1, 1)
        vm.vfs.umount(args[0])

    return {
        "mount": mount,
        "umount": umount,
        "VfsRom": VfsRom,
        "VfsPosix": VfsPosix,
        "VfsFat": VfsFat,
        "VfsLfs1": VfsLfs1,
        "VfsLfs2": VfsLfs2,
    }
