"""Building a source tree for the device that is connected, rather than for a named board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boards import Board
    from flash.probe import DeviceInfo
    from flash.target import Target
    from romfs.build import Built
    from romfs.config import Config
    from romfs.image import Image
    from romfs.target import Target as BuildTarget


def build_for(
    args: argparse.Namespace,
    place: Path,
    target: BuildTarget,
    previous: Image | None = None,
) -> Built:
    """Build what is at a place, with its configuration and packages.

    Args:
        args: With the arguments of `add_source_arguments`.
        place: Directory, manifest or FAT image.
        target: See `target_of`.
        previous: An image whose unchanged data shall stay where it is.

    Raises:
        BuildError: There is nothing to build, or it cannot be built.
    """
    from romfs.build import build
    from romfs.cache import Cache, default_directory
    from romfs.cli._checking import checked
    from romfs.cli._sources import make_sources
    from romfs.config import find_config

    config = find_config(place)
    built = build(
        make_sources(args, config, place).source,
        target,
        config=config,
        cache=Cache(default_directory()),
        previous=previous,
        never=_own(config, place),
    )
    return checked(built, config.allow)


def _own(config: Config, place: Path) -> list[str]:
    """Files of the build itself that lie in the source, as paths there."""
    from romfs.sources.lock import NAME

    if config.path is None:
        return []
    root = place.resolve()
    files = (config.path.resolve(), config.path.resolve().parent / NAME)
    return [path.relative_to(root).as_posix() for path in files if path.is_relative_to(root)]


def target_of(info: DeviceInfo, target: Target, board: Board | None) -> BuildTarget:
    """The build target that a connected device is."""
    from flash.checks import abi
    from romfs.mpy import Header
    from romfs.target import Target as BuildTarget

    device = abi(info, board)

    def refuses(header: Header) -> str | None:
        if device is None:
            return "incompatible .mpy file"
        return device.accepts(
            header.arch,
            header.sub_version,
            header.arch_flags,
            header.small_int_bits,
            header.version,
        )

    return BuildTarget(
        board=None if board is None else board.key,
        march=None if device is None else device.native_arch,
        march_flags=None if device is None else ",".join(device.flags) or None,
        refuses=refuses,
        capacity=target.size,
        erase=max(size for _, size in target.blocks(target.size)),
        frozen=frozenset((board.frozen or ()) if board is not None else ()),
    )
