"""The whole check of a finished image, put together from the parts of each layer.

`check` shows what it finds; `build`, `flash` and `ota pack` refuse on errors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from romfs.findings import Finding, Severity
from romfs.target import Target

# The rest is imported where it is needed: most builds have nothing to check.
if TYPE_CHECKING:
    from romfs.build import Built
    from romfs.check.structure import Found, Scan
    from romfs.image import File


@dataclass(frozen=True, slots=True)
class Expectations:
    """What an image is held against.

    Attributes:
        target: The device, as far as known.
        port: Its MicroPython port, or None.
        allowed_imports: Patterns of modules that are elsewhere on the device.
        accepted: Rules whose findings are dropped.
        alignments: gitignore-style pattern and the alignment matching files need.
    """

    target: Target = field(default_factory=Target)
    port: str | None = None
    allowed_imports: tuple[str, ...] = ()
    accepted: frozenset[str] = frozenset()
    alignments: tuple[tuple[str, int], ...] = ()


def examine(
    data: bytes | bytearray | memoryview, expect: Expectations | None = None
) -> list[Finding]:
    """Every finding about an image, errors first, then in the order of paths.

    Args:
        data: The image; it may go on after it.
        expect: What it is held against; nothing in particular if None.
    """
    from romfs.check.structure import scan

    expect = expect or Expectations()
    result = scan(data)
    found = [*result.findings]
    if result.end:
        found += _contents(memoryview(data), result, expect)
    found = [one for one in found if one.rule not in expect.accepted]
    order = list(Severity)
    found.sort(key=lambda one: (order.index(one.severity), one.path, one.offset or 0))
    return found


def examine_module(
    name: str, data: bytes | memoryview, expect: Expectations | None = None
) -> list[Finding]:
    """Findings about a .mpy file that is in no image yet; its imports are not resolved.

    Args:
        name: Its file name.
        data: The file.
        expect: What it is held against.
    """
    from romfs.layout import build_image

    image = build_image({name: bytes(data)})
    start = image.index(bytes(data)) if data else 0
    return [
        one if one.offset is None else one._replace(offset=one.offset - start)
        for one in examine(image, expect)
        if not one.rule.startswith("import-")
    ]


def errors(findings: Sequence[Finding], *, strict: bool = False) -> list[Finding]:
    """Those that must stop a deployment."""
    stopping = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return [one for one in findings if one.severity in stopping]


def require(
    data: bytes | bytearray | memoryview,
    expect: Expectations | None = None,
    *,
    strict: bool = False,
) -> list[Finding]:
    """Refuse an image with errors, before it reaches a device.

    Returns:
        Findings that do not stop it, for the user to see.
    Raises:
        ImageError: It has errors, or warnings with `strict`; the message names the first.
    """
    from romfs.errors import ImageError

    found = examine(data, expect)
    stopping = errors(found, strict=strict)
    if stopping:
        more = f" and {len(stopping) - 1} more" if len(stopping) > 1 else ""
        raise ImageError(f"the image fails its check: {stopping[0]}{more}; see `romfs check`")
    return found


def require_for_device(data: bytes | memoryview) -> list[Finding]:
    """Refuse an image with errors, unless `romfs build` made it and so looked at it before.

    That it is as it was built, its build information tells in a hundredth of the time.

    Raises:
        ImageError: As `require`.
    """
    from romfs import build_info
    from romfs.image import Image

    image = Image(data)
    info = build_info.read(image)
    if info is not None and not list(build_info.verify(image, info)):
        return []
    return require(data)


def checked(built: Built, accepted: Collection[str] = ()) -> Built:
    """A new image with the findings about modules that its build did not compile itself.

    What mpy-cross has just written needs no second look, which would take longer than
    the build; what somebody else wrote does.

    Raises:
        BuildFailed: One of them is an error.
    """
    from dataclasses import replace

    from romfs.build import BuildFailed
    from romfs.image import Image

    ready = [file.path for file in built.files if file.path.endswith(".mpy") and not file.compiled]
    if not ready:
        return built
    image = Image(built.image)
    known = {(finding.rule, finding.path) for finding in built.findings}
    found = [
        finding
        for path in ready
        for finding in _safety(path, image.file(path))
        if (finding.rule, finding.path) not in known and finding.rule not in accepted
    ]
    if stopping := errors(found):
        raise BuildFailed(stopping)
    return replace(built, findings=(*built.findings, *found))


def _safety(path: str, file: File) -> list[Finding]:
    """Findings about one module of an image, with offsets in the image."""
    return [
        one._replace(
            path=path, offset=None if one.offset is None else one.offset + file.data_offset
        )
        for one in examine_module(file.name, file.data)
    ]


def expectations(
    board_name: str | None,
    *,
    size: int | None = None,
    partition: int = 0,
    allowed_imports: Sequence[str] = (),
    accepted: Collection[str] = (),
    alignments: Sequence[tuple[str, int]] = (),
) -> Expectations:
    """What the user said, as `Expectations`.

    Raises:
        BoardError: No such board, or it cannot have that size.
    """
    from romfs.cli._target import make_target

    port = None
    if board_name is not None:
        import boards

        port = boards.load(board_name).port
    target = make_target(board_name, size=size, partition=partition)
    return Expectations(
        target, port, tuple(allowed_imports), frozenset(accepted), tuple(alignments)
    )


def _contents(data: memoryview, result: Scan, expect: Expectations) -> Iterator[Finding]:
    from romfs.check import contents, digests
    from romfs.image import Image
    from romfs.rules import examine_names

    files = result.files
    if result.sound:
        yield from digests.stale(Image(data))
    yield from contents.too_large(result.end, expect.target.capacity)
    yield from contents.source_left(files)
    yield from contents.nested_image_misaligned(files)
    yield from contents.misaligned(files, _matching(files, expect.alignments))
    yield from examine_names({path: file.data for path, file in files.items()}, expect.target)
    yield from _modules(files, expect)


def _matching(
    files: Mapping[str, Found], alignments: Sequence[tuple[str, int]]
) -> list[tuple[list[str], int]]:
    if not alignments:
        return []
    from pathspec import GitIgnoreSpec

    matched = []
    for pattern, align in alignments:
        spec = GitIgnoreSpec.from_lines([pattern])
        # The image holds x.mpy where the source, which patterns are written for, has x.py.
        matched.append(
            (
                [
                    path
                    for path in files
                    if spec.match_file(path)
                    or (path.endswith(".mpy") and spec.match_file(path[:-3] + "py"))
                ],
                align,
            )
        )
    return matched


def _modules(files: Mapping[str, Found], expect: Expectations) -> Iterator[Finding]:
    """Every .mpy file: its form, whether it is safe to run, what it imports."""
    from loader.functions import module_function
    from loader.imports import surface
    from loader.safety import faults
    from romfs.check import contents, imports
    from romfs.mpy import parse_mpy
    from romfs.rules import mpy_files

    sites: list[imports.Site] = []
    defines: dict[str, frozenset[str] | None] = {}
    parsed: dict[tuple[int, int], list[Finding]] = {}
    for path, file in files.items():
        if not path.endswith(".mpy"):
            continue
        same = parsed.get((file.offset, len(file.data)))
        form = list(mpy_files({path: file.data}, expect.target))
        yield from form
        if any(one.rule == "bad-mpy" for one in form):
            continue
        mpy = parse_mpy(file.data)
        yield from contents.unreadable_constants(path, mpy, file.offset)
        root = module_function(mpy)
        if same is None:
            same = [
                Finding(
                    fault.rule,
                    Severity.ERROR if fault.certain else Severity.WARNING,
                    path,
                    f"{fault.function.name}: {fault.message}",
                    file.offset + fault.offset,
                    fault.line,
                )
                for fault in faults(root)
            ]
            parsed[file.offset, len(file.data)] = same
        yield from (one._replace(path=path) for one in same)
        if any(one.severity is Severity.ERROR for one in same):
            continue  # what does not decode imports nothing
        seen = surface(root)
        defines[path] = None if seen.open_ended else frozenset(seen.defines)
        sites += [
            imports.Site(
                path,
                one.name,
                one.level,
                one.names,
                one.guarded,
                one.always,
                one.line,
                file.offset + one.offset,
            )
            for one in seen.imports
        ]
    world = imports.World(
        files.keys(), defines, expect.port, expect.target.frozen, expect.allowed_imports
    )
    yield from imports.unresolved(sites, world)
