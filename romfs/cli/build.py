"""`romfs build`: an image from a source tree."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from romfs.cli import exit_codes
from romfs.cli._formats import add_format_arguments, image_file
from romfs.cli._sources import add_source_arguments, make_sources
from romfs.cli._target import make_target, size_argument

if TYPE_CHECKING:
    from romfs.build import BuildFailed
    from romfs.config import Config


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SRC",
        help="directory, manifest.py, or FAT image dumped from a board "
        "(default: the configured source, or .)",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the image to write (default: NAME.romfs)"
    )
    parser.add_argument(
        "--check",
        metavar="OUT",
        help="write nothing; fail unless OUT is exactly what would be built",
    )
    target = parser.add_argument_group("target")
    target.add_argument("--board", help="board name (see `romfs boards`) or your own .toml file")
    target.add_argument(
        "--size",
        type=size_argument,
        metavar="BYTES",
        help="partition size, where the board leaves it to a build option: 131072, 0x20000, 128K",
    )
    target.add_argument("--partition", type=int, default=0, metavar="N", help="default: 0")
    target.add_argument("--march", metavar="ARCH", help="native architecture, as mpy-cross has it")
    target.add_argument("--march-flags", metavar="FLAGS", help="its extensions, for RISC-V")
    target.add_argument(
        "--align", type=size_argument, metavar="BYTES", help="align every file's data to this"
    )
    content = parser.add_argument_group("content")
    content.add_argument(
        "--config", metavar="FILE", help="romfs.toml or pyproject.toml (default: nearest to SRC)"
    )
    content.add_argument(
        "--include", action="append", default=[], metavar="PATTERN", help="take only these"
    )
    content.add_argument(
        "--exclude", action="append", default=[], metavar="PATTERN", help="leave these out"
    )
    content.add_argument(
        "-O",
        "--optimize",
        type=int,
        choices=range(4),
        default=0,
        help="mpy-cross optimisation level",
    )
    content.add_argument(
        "--app-version", metavar="TEXT", help="your version, kept in the build information"
    )
    content.add_argument(
        "--budget", type=size_argument, metavar="BYTES", help="fail if the image is larger"
    )
    content.add_argument(
        "--allow", action="append", default=[], metavar="RULE", help="accept findings of this rule"
    )
    content.add_argument("--strict", action="store_true", help="warnings are errors")
    content.add_argument(
        "--previous",
        metavar="IMAGE",
        help="keep unchanged data where this image has it; report the erase blocks that change",
    )
    add_source_arguments(parser)
    add_format_arguments(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--mpy-cross", metavar="PATH", help="use your own mpy-cross")
    how.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="compilers at once (default: cores)"
    )
    how.add_argument("--no-cache", action="store_true", help="compile everything anew")
    how.add_argument("--json", action="store_true", help="report as JSON")


def run(args: argparse.Namespace) -> int:
    """Build, report, write."""
    from romfs.build import BuildFailed, build
    from romfs.cache import Cache, default_directory
    from romfs.cli import _build_report as build_report
    from romfs.cli._progress import Progress
    from romfs.compile import Compiler
    from romfs.errors import BuildError
    from romfs.output import atomic_write

    config = _config(args)
    place = _source_path(args, config)
    output = Path(args.check or args.output or f"{_name(place)}.romfs")
    if output.is_dir():
        raise BuildError("is a directory; name a file with -o", path=str(output))
    target = make_target(
        args.board or config.board,
        size=args.size or config.size,
        march=args.march,
        march_flags=args.march_flags,
        partition=args.partition,
        align=args.align,
    )
    sources = make_sources(args, config, place)
    previous = None if args.previous is None else _image(args.previous)
    cache = None if args.no_cache else Cache(default_directory())
    with Progress("compiling") as progress:
        try:
            built = build(
                sources.source,
                target,
                config=config,
                optimize=args.optimize,
                compiler=Compiler(args.mpy_cross),
                cache=cache,
                workers=args.jobs,
                previous=previous,
                never=_never(place, output, config),
                progress=progress.update,
            )
        except BuildFailed as failure:
            return _failed(failure, args)
    warnings = [finding for finding in built.findings if finding.severity == "warning"]
    if not args.json:
        for finding in built.findings:
            print(f"romfs: {finding}", file=sys.stderr)
        for note in sources.notes():
            print(f"romfs: note: {note}", file=sys.stderr)
    if args.strict and warnings:
        raise BuildError(f"{len(warnings)} warning(s) and --strict; nothing written")
    report = build_report.collect(built, target, output, previous)
    data = image_file(
        built.image, output, args, args.board or config.board, args.size or config.size
    )
    if args.check:
        same = output.read_bytes() == data
        report["reproduced"] = same
    else:
        atomic_write(output, data)
    print(json.dumps(report, indent=2) if args.json else build_report.table(report))
    if args.check and not report["reproduced"]:
        print(f"romfs: error: {output} is not what this source builds", file=sys.stderr)
        return exit_codes.FAILED
    return exit_codes.OK


def _config(args: argparse.Namespace) -> Config:
    """The configuration file, with the command line on top."""
    from dataclasses import replace

    from romfs.config import find_config, load_config
    from romfs.errors import ConfigError

    if args.config is None:
        config = find_config(Path(args.source or "."))
    else:
        found = load_config(Path(args.config))
        if found is None:
            raise ConfigError(f"{args.config}: has no [tool.romfs]")
        config = found
    return replace(
        config,
        include=(*config.include, *args.include),
        exclude=(*config.exclude, *args.exclude),
        allow=(*config.allow, *args.allow),
        version=args.app_version or config.version,
        budget=args.budget or config.budget,
    )


def _source_path(args: argparse.Namespace, config: Config) -> Path:
    if args.source is not None:
        return Path(args.source)
    if config.source is not None and config.path is not None:
        return config.path.parent / config.source
    return Path()


def _name(place: Path) -> str:
    """What to call an image of this source."""
    path = place.resolve()
    return path.parent.name if path.name == "manifest.py" else path.name


def _never(place: Path, output: Path, config: Config) -> list[str]:
    """Files of the build itself that may lie in the source tree."""
    own = [output, *([config.path, config.path.parent / "romfs.lock"] if config.path else [])]
    root = place.resolve()
    return [
        path.resolve().relative_to(root).as_posix()
        for path in own
        if path.resolve().is_relative_to(root)
    ]


def _image(path: str) -> Any:
    from romfs.image import Image

    return Image(Path(path).read_bytes())


def _failed(failure: BuildFailed, args: argparse.Namespace) -> int:
    from romfs.findings import Finding

    if args.json:
        problems = [
            {"path": problem.path, "line": problem.line, "message": str(problem)}
            for problem in failure.problems
        ]
        print(json.dumps({"error": str(failure), "problems": problems}, indent=2))
    for problem in failure.problems:
        prefix = "" if isinstance(problem, Finding) else "error: "
        print(f"romfs: {prefix}{problem}", file=sys.stderr)
    print(f"romfs: {failure}", file=sys.stderr)
    return exit_codes.FAILED
