"""The build: from a source to a finished image, or to reasons why there is none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from romfs.cache import Cache
from romfs.compile import CompileError, CompileOptions, Compiler, Job
from romfs.config import Config
from romfs.errors import BuildError
from romfs.findings import Finding, Severity
from romfs.image import Image
from romfs.layout import Content, Geometry, Layout, lay_out
from romfs.rules import examine_names, mpy_files
from romfs.select import selector
from romfs.sizes import show_size
from romfs.sources.base import Source, SourceEntry
from romfs.target import Target
from romfs.version import VERSION

# Without one of these decorators a source cannot hold native code, and then its .mpy is
# the same for every architecture and shared between boards in the cache.
_NATIVE = re.compile(rb"micropython\s*\.\s*(?:native|viper|asm_)")

_BYTECODE = b"M\x06\x00"
"""How a .mpy file without native code begins; one that our compiler made is trusted then,
all else is parsed."""

_LARGEST_SHOWN = 5


class BuiltFile(NamedTuple):
    """A file of the finished image.

    Attributes:
        path: In the image.
        origin: Where it came from.
        kind: "bytecode" executes in place, "native" is .mpy with machine code, "source"
            is .py, all else is "data".
        size: Bytes.
        offset: Of its data, from image start; 0 for an empty file.
        sha256: Of its data, in hexadecimal.
        compiled: Whether it was compiled from source, now or for the cache.
        cached: Whether compiling it was spared.
    """

    path: str
    origin: str
    kind: str
    size: int
    offset: int
    sha256: str
    compiled: bool
    cached: bool


@dataclass(frozen=True, slots=True)
class Built:
    """A finished image.

    Attributes:
        image: Its bytes.
        files: What is in it.
        findings: Warnings and notes.
        metadata: Bytes of headers and records before the data.
        padding: Bytes of the data region that no file uses.
    """

    image: bytes
    files: tuple[BuiltFile, ...]
    findings: tuple[Finding, ...]
    metadata: int
    padding: int

    def bytes_of(self, *kinds: str) -> int:
        """Bytes in the image that files of these kinds take; equal contents count once."""
        sizes = {file.offset: file.size for file in self.files if file.kind in kinds}
        return sum(sizes.values())


class BuildFailed(BuildError):
    """No image, for every reason found.

    Attributes:
        problems: Compile errors, then findings of severity error.
    """

    def __init__(self, problems: Sequence[CompileError | Finding]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' * (count > 1)}, no image written")
        self.problems = tuple(problems)


class TooBig(BuildError):
    """The image exceeds its partition or budget.

    Attributes:
        size: Bytes it would have.
        limit: Bytes it may have.
    """

    def __init__(self, message: str, *, size: int, limit: int) -> None:
        super().__init__(message)
        self.size = size
        self.limit = limit


class _Input(NamedTuple):
    """A file of the source and what the rules say about it."""

    entry: SourceEntry
    data: bytes
    target_path: str
    options: CompileOptions | None  # None: not to be compiled
    align: int
    order: int


def build(
    source: Source,
    target: Target,
    *,
    config: Config | None = None,
    optimize: int = 0,
    compiler: Compiler | None = None,
    cache: Cache | None = None,
    workers: int | None = None,
    previous: Image | None = None,
    never: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Build an image.

    Args:
        source: Where the files come from.
        target: The device.
        config: Patterns, rules and limits.
        optimize: For mpy-cross, where no rule says otherwise.
        compiler: The mpy-cross to use.
        cache: Of compiled modules; None to compile all.
        workers: Compilers run at once; by default one for each core.
        previous: An image whose unchanged data shall stay where it is.
        never: Source paths to leave out whatever the patterns say.
        progress: Told jobs done and jobs in all, from any thread.
    Raises:
        BuildFailed: Files do not compile, or break a rule of severity error.
        TooBig: The image exceeds the partition or the budget.
        BuildError: The source holds something that no image can.
    """
    config = config or Config()
    compiler = compiler or Compiler()
    entries = list(source.entries(selector(config.include, config.exclude, never)))
    inputs = _read(entries, config, target, optimize)
    contents, cached, fresh, errors = _compile(inputs, compiler, cache, workers, progress)

    files = {content.path: content.data for content in contents}
    findings = [*_twice(inputs), *examine_names(files, target)]
    findings += mpy_files(
        {p: data for p, data in files.items() if p not in fresh or data[:3] != _BYTECODE}, target
    )
    findings = [finding for finding in findings if finding.rule not in config.allow]
    fatal = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors or fatal:
        raise BuildFailed([*errors, *fatal])

    directories = [entry.path for entry in entries if entry.load is None]
    if config.include:
        # Directories that only hold files nobody asked for would come out empty.
        directories = []
    layout = lay_out(
        contents,
        directories,
        info=_info(config, target, compiler if fresh else None),
        geometry=_geometry(target, config),
        previous=previous,
    )
    _check_size(layout, target, config)
    origins = {item.target_path: item.entry.origin for item in inputs}
    built = tuple(
        BuiltFile(
            content.path,
            origins[content.path],
            _kind(content.path, content.data),
            len(content.data),
            layout.places[content.path][0],
            content.digest.hex(),
            content.path in fresh,
            content.path in cached,
        )
        for content in contents
    )
    used = sum(dict(layout.places.values()).values())
    padding = len(layout.image) - layout.metadata - used
    return Built(layout.image, built, tuple(findings), layout.metadata, padding)


def _read(
    entries: Sequence[SourceEntry], config: Config, target: Target, optimize: int
) -> list[_Input]:
    default = CompileOptions(None, None, target.small_int_bits, optimize)
    settings = _Settings(config)
    inputs = []
    for entry in entries:
        if entry.load is None:
            continue
        data = entry.load()
        options, align, order, path = default, target.align, 0, entry.path
        keep = entry.keep or not path.endswith(".py")
        if entry.optimize is not None:
            options = replace(options, optimize=entry.optimize)
        march = target.march
        for rule in settings.matching(path):
            align = align if rule.align is None else max(rule.align, target.align)
            order = order if rule.order is None else rule.order
            keep = keep if rule.keep is None or not path.endswith(".py") else rule.keep
            march = rule.march or march
            if rule.optimize is not None:
                options = replace(options, optimize=rule.optimize)
        if keep:
            inputs.append(_Input(entry, data, path, None, align, order))
            continue
        if march and _NATIVE.search(data):
            options = replace(options, march=march, march_flags=target.march_flags)
        inputs.append(_Input(entry, data, path[:-3] + ".mpy", options, align, order))
    return inputs


class _Settings:
    """The rules of a configuration that match a path."""

    def __init__(self, config: Config) -> None:
        self.rules: list[tuple[Any, Any]] = []
        if config.rules:
            from pathspec import GitIgnoreSpec

            self.rules = [(GitIgnoreSpec.from_lines([rule.match]), rule) for rule in config.rules]

    def matching(self, path: str) -> list[Any]:
        return [rule for spec, rule in self.rules if spec.match_file(path)]


def _compile(
    inputs: Sequence[_Input],
    compiler: Compiler,
    cache: Cache | None,
    workers: int | None,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[Content], set[str], set[str], list[CompileError]]:
    """Contents, and the paths that came from the cache, that were compiled, that failed."""
    contents: list[Content] = []
    todo: list[tuple[_Input, Job]] = []
    for item in inputs:
        if item.options is None:
            digest = hashlib.sha256(item.data).digest()
            contents.append(Content(item.target_path, item.data, digest, item.align, item.order))
        else:
            todo.append((item, Job(item.entry.path, item.data, item.options)))
    total = len(todo)
    report = None if progress is None else lambda done: progress(done, total)
    results = compiler.compile(
        [job for _, job in todo], cache=cache, workers=workers, progress=report
    )
    cached: set[str] = set()
    errors: list[CompileError] = []
    for (item, _), result in zip(todo, results, strict=True):
        if result.error is not None:
            errors.append(result.error)
            continue
        path = item.target_path
        if result.cached:
            cached.add(path)
        contents.append(Content(path, result.content, result.digest, item.align, item.order))
    return contents, cached, {item.target_path for item, _ in todo}, errors


def _twice(inputs: Sequence[_Input]) -> Iterable[Finding]:
    """A compiled x.py and a ready x.mpy would have one name."""
    seen: dict[str, str] = {}
    for item in inputs:
        other = seen.setdefault(item.target_path, item.entry.path)
        if other != item.entry.path:
            yield Finding(
                "py-beside-mpy",
                Severity.ERROR,
                item.entry.path,
                f"both this and {other} would become {item.target_path}; leave one of them out",
            )


def _kind(path: str, data: bytes) -> str:
    if path.endswith(".mpy"):
        return "bytecode" if data[:3] == _BYTECODE else "native"
    return "source" if path.endswith(".py") else "data"


def _geometry(target: Target, config: Config) -> Geometry | None:
    """Of the partition; slack must not use up a budget either."""
    geometry = target.geometry
    if geometry is None or config.budget is None:
        return geometry
    return replace(geometry, capacity=min(geometry.capacity, config.budget))


def _info(config: Config, target: Target, compiler: Compiler | None) -> dict[str, Any]:
    fields = {
        "tool": f"romfs {VERSION}",
        "compiler": None if compiler is None else compiler.version,
        "board": target.board,
        "version": config.version,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _check_size(layout: Layout, target: Target, config: Config) -> None:
    size = len(layout.image)
    where = f"partition of {target.board}" if target.board else "partition"
    for limit, what in ((target.capacity, where), (config.budget, "budget")):
        if limit is not None and size > limit:
            largest = sorted(layout.places.items(), key=lambda item: -item[1][1])
            shown = ", ".join(
                f"{path} {show_size(place[1])}" for path, place in largest[:_LARGEST_SHOWN]
            )
            raise TooBig(
                f"image is {show_size(size)}, the {what} holds {show_size(limit)}: "
                f"{size - limit} bytes over; nothing written. Largest files: {shown}",
                size=size,
                limit=limit,
            )
