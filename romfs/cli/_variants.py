"""Which images a configuration describes: one, or a matrix of images and boards."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from romfs.config import Config, ImageTable
from romfs.errors import BuildError, ConfigError

OUTPUT_FOLDER = "build"
_SUFFIXES = {"hex": ".hex", "uf2": ".uf2", "dfu": ".dfu", "fat": ".img"}


@dataclass(frozen=True, slots=True)
class Variant:
    """One image to build.

    Attributes:
        config: The configuration as it holds for this image.
        place: What it is built from.
        board: Board name or board file, or None.
        size: Partition size, where the board leaves it open.
        partition: Which of the board's partitions.
        output: Where it goes.
    """

    config: Config
    place: Path
    board: str | None
    size: int | None
    partition: int
    output: Path


def single(args: argparse.Namespace, config: Config) -> Variant:
    """The one image of a build without `--all`.

    Raises:
        BuildError: The output is a directory.
    """
    if args.source is None and (config.images or config.boards):
        raise ConfigError(f"{config.path}: describes several images; build them with --all")
    place = _place(args, config, None)
    output = Path(args.check or args.output or f"{_name(place)}.romfs")
    if output.is_dir():
        raise BuildError("is a directory; name a file with -o", path=str(output))
    board = args.board or _near(config, config.board)
    return Variant(config, place, board, args.size or config.size, args.partition or 0, output)


def matrix(args: argparse.Namespace, config: Config) -> Iterator[Variant]:
    """Every combination of image and board of the configuration.

    Raises:
        ConfigError: It describes none, or one output would be written twice.
    """
    if not config.images and not config.boards:
        raise ConfigError(
            f"{config.path or 'no configuration'}: --all needs boards = [...] or [[images]]"
        )
    folder = Path(args.check or args.output or OUTPUT_FOLDER)
    outputs: set[Path] = set()
    for image in config.images or (ImageTable(_name(_place(args, config, None))),):
        merged = replace(
            config,
            include=(*config.include, *image.include),
            exclude=(*config.exclude, *image.exclude),
            budget=image.budget or config.budget,
        )
        boards = image.boards or config.boards or ((config.board,) if config.board else (None,))
        for board in [args.board] if args.board else boards:
            label = image.name if board is None else f"{image.name}-{_label(board)}"
            output = folder / f"{label}{_SUFFIXES.get(args.format, '.romfs')}"
            if output in outputs:
                raise ConfigError(f"{config.path}: two images would be written to {output}")
            outputs.add(output)
            yield Variant(
                merged,
                _place(args, config, image.source),
                board if args.board else _near(config, board),
                args.size or image.size or config.size,
                image.partition if args.partition is None else args.partition,
                output,
            )


def _place(args: argparse.Namespace, config: Config, source: str | None) -> Path:
    """The source: of the image, of the command line, of the configuration, or here."""
    chosen = source or (None if args.source else config.source)
    if chosen is not None and config.path is not None:
        return config.path.parent / chosen
    return Path(args.source or ".")


def _name(place: Path) -> str:
    """What to call an image of this source."""
    path = place.resolve()
    return path.parent.name if path.name == "manifest.py" else path.name


def _near(config: Config, board: str | None) -> str | None:
    """A board file is named relative to the configuration file that names it."""
    if board is None or config.path is None or ".toml" not in board:
        return board
    return str(config.path.parent / board)


def _label(board: str) -> str:
    """A board's name as part of a file name."""
    name = board.rpartition(".toml:")[2] if ".toml:" in board else Path(board).name
    return name.removesuffix(".toml").rpartition("/")[2].replace(":", "-")
