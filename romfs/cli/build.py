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
    from romfs.build import BuildFailed, TooBig
    from romfs.cli._variants import Variant
    from romfs.config import Config
    from romfs.image import Image


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        nargs="?",
        metavar="SRC",
        help="directory, manifest.py, or FAT image dumped from a board "
        "(default: the configured source, or .)",
    )
    parser.add_argument("--from", dest="source_from", metavar="SRC", help="the same as SRC")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="the image to write (default: NAME.romfs)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="build every image for every board of the configuration; OUT is a directory",
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
    target.add_argument("--partition", type=int, metavar="N", help="which partition (default: 0)")
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
    """Build, report, write: one image, or all that the configuration describes."""
    from romfs.cli._variants import matrix, single

    args.source = args.source or args.source_from
    config = _config(args)
    if not args.all:
        return _build(args, single(args, config))
    variants = list(matrix(args, config))
    reports: list[dict[str, Any]] = []
    codes = [_build(args, variant, reports) for variant in variants]
    if args.json:
        print(json.dumps(reports, indent=2))
    return max(codes)


def _build(
    args: argparse.Namespace, variant: Variant, reports: list[dict[str, Any]] | None = None
) -> int:
    """Build one image; with `reports`, its report is added there for later."""
    from romfs.build import BuildFailed, TooBig, build
    from romfs.cache import Cache, default_directory
    from romfs.cli import _build_report as build_report
    from romfs.cli._checking import checked
    from romfs.cli._progress import Progress
    from romfs.compile import Compiler
    from romfs.errors import BuildError

    target = make_target(
        variant.board,
        size=variant.size,
        march=args.march,
        march_flags=args.march_flags,
        partition=variant.partition,
        align=args.align,
    )
    sources = make_sources(args, variant.config, variant.place)
    previous = _previous(args, variant)
    with Progress("compiling") as progress:
        try:
            built = build(
                sources.source,
                target,
                config=variant.config,
                optimize=args.optimize,
                compiler=Compiler(args.mpy_cross),
                cache=None if args.no_cache else Cache(default_directory()),
                workers=args.jobs,
                previous=previous,
                never=_never(args, variant),
                progress=progress.update,
            )
            built = checked(built, variant.config.allow)
        except (BuildFailed, TooBig) as failure:
            return _failed(failure, args, variant, reports)
    warnings = [finding for finding in built.findings if finding.severity == "warning"]
    if not args.json:
        for finding in built.findings:
            print(f"romfs: {finding}", file=sys.stderr)
        for note in sources.notes():
            print(f"romfs: note: {note}", file=sys.stderr)
    if args.strict and warnings:
        raise BuildError(f"{len(warnings)} warning(s) and --strict; nothing written")
    report = build_report.collect(built, target, variant.output, previous)
    data = image_file(
        built.image,
        variant.output,
        args,
        board_name=variant.board,
        size=variant.size,
        partition=variant.partition,
    )
    _write_or_check(args, variant.output, data, report)
    if reports is not None:
        reports.append(report)
    if not args.json:
        print(build_report.table(report))
    elif reports is None:
        print(json.dumps(report, indent=2))
    if report.get("reproduced", True):
        return exit_codes.OK
    print(f"romfs: error: {variant.output} is not what this source builds", file=sys.stderr)
    return exit_codes.FAILED


def _write_or_check(
    args: argparse.Namespace, output: Path, data: bytes, report: dict[str, Any]
) -> None:
    if args.check:
        report["reproduced"] = output.read_bytes() == data
        return
    from romfs.output import atomic_write

    if args.all:
        output.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(output, data)


def _previous(args: argparse.Namespace, variant: Variant) -> Image | None:
    """The previous image; with several images, the one of the same name in a directory."""
    if args.previous is None:
        return None
    from romfs.image import Image

    path = _previous_path(args, variant)
    if args.all and not path.exists():
        return None
    return Image(path.read_bytes())


def _previous_path(args: argparse.Namespace, variant: Variant) -> Path:
    path = Path(args.previous)
    return path / variant.output.name if args.all else path


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


def _never(args: argparse.Namespace, variant: Variant) -> list[str]:
    """Files of the build itself that may lie in the source tree."""
    own = [variant.output]
    if args.previous is not None:
        own.append(_previous_path(args, variant))
    if (config := variant.config.path) is not None:
        own += [config, config.parent / "romfs.lock"]
    root = variant.place.resolve()
    return [
        path.resolve().relative_to(root).as_posix()
        for path in own
        if path.resolve().is_relative_to(root)
    ]


def _failed(
    failure: BuildFailed | TooBig,
    args: argparse.Namespace,
    variant: Variant,
    reports: list[dict[str, Any]] | None,
) -> int:
    """Say why there is no image."""
    from romfs.build import TooBig
    from romfs.findings import Finding

    if isinstance(failure, TooBig) and reports is None:
        raise failure
    problems = () if isinstance(failure, TooBig) else failure.problems
    report = {
        "image": str(variant.output),
        "error": str(failure),
        "problems": [
            {"path": problem.path, "line": problem.line, "message": str(problem)}
            for problem in problems
        ],
    }
    if reports is not None:
        reports.append(report)
    elif args.json:
        print(json.dumps(report, indent=2))
    for problem in problems:
        prefix = "" if isinstance(problem, Finding) else "error: "
        print(f"romfs: {prefix}{problem}", file=sys.stderr)
    label = f"{variant.output}: " if reports is not None else ""
    print(f"romfs: {label}{failure}", file=sys.stderr)
    return exit_codes.FAILED
