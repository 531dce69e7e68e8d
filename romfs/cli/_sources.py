"""From the command line and the configuration to what an image is built from."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from romfs.config import Config
    from romfs.sources import Source
    from romfs.sources.base import SourceEntry
    from romfs.sources.lock import Lock
    from romfs.sources.manifest import ManifestOptions


def variable_argument(text: str) -> tuple[str, str]:
    """argparse type for NAME=DIR."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=DIR, like PORT_DIR=ports/rp2")
    return name, value


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments for manifests and packages."""
    group = parser.add_argument_group("manifest and packages")
    group.add_argument(
        "--manifest-var",
        action="append",
        default=[],
        type=variable_argument,
        metavar="NAME=DIR",
        help="what $(NAME) stands for in a manifest.py; NAME= skips what is named through it",
    )
    group.add_argument(
        "--manifest-allow",
        action="append",
        default=[],
        metavar="DIR",
        help="let a manifest.py read from this directory, too",
    )
    group.add_argument("--offline", action="store_true", help="take packages from the cache only")


@dataclass
class Sources:
    """What an image is built from.

    Attributes:
        source: All of it.
        lock_path: The lock file used, or None.
    """

    source: Source
    lock_path: Path | None = None

    def notes(self) -> list[str]:
        """What a user should know, once the build has asked for the entries."""
        from romfs.sources.combined import CombinedSource
        from romfs.sources.manifest import ManifestSource

        whole = self.source
        parts = whole.sources if isinstance(whole, CombinedSource) else (whole,)
        return [note for part in parts if isinstance(part, ManifestSource) for note in part.notes]


def make_sources(args: argparse.Namespace, config: Config, place: Path) -> Sources:
    """The source at a place, together with the packages of the configuration.

    Raises:
        BuildError: It is nothing an image can be built from.
        ConfigError: There are packages, and no lock file or an older one.
    """
    from romfs.sources import open_source

    lock, path = _lock(config)
    options = None if place.is_dir() else _manifest_options(args, config, lock)
    source = open_source(place, manifest=options)
    if lock is None:
        return Sources(source)
    from romfs.sources.combined import CombinedSource
    from romfs.sources.fetch import Fetcher, default_cache
    from romfs.sources.mip import PackageSource

    packages = PackageSource(lock, Fetcher(default_cache(), offline=args.offline))
    return Sources(CombinedSource(source, packages), path)


def _lock(config: Config) -> tuple[Lock | None, Path | None]:
    """The lock file of a configuration that has packages."""
    if config.path is None or not config.packages:
        return None, None
    from romfs.errors import ConfigError
    from romfs.sources.lock import NAME, loads

    path = config.path.parent / NAME
    if not path.exists():
        raise ConfigError(f"{path}: missing, and {config.path} has packages; run `romfs lock`")
    lock = loads(path.read_text("utf-8"), str(path))
    lock.check_answers(config.packages)
    return lock, path


def _manifest_options(
    args: argparse.Namespace, config: Config, lock: Lock | None
) -> ManifestOptions:
    from romfs.sources.manifest import ManifestOptions

    near = config.path.parent if config.path is not None else Path()
    variables = {name: near / value if value else None for name, value in config.manifest_variables}
    variables |= {name: Path(value) if value else None for name, value in args.manifest_var}

    def require(name: str, version: str | None) -> list[SourceEntry] | None:
        package = None if lock is None else lock.find(name)
        if package is None or version not in (None, "", package.version):
            return None
        return []  # its files are in the image already, with all other packages

    return ManifestOptions(
        variables,
        (*(near / path for path in config.manifest_allow), *map(Path, args.manifest_allow)),
        require,
    )
