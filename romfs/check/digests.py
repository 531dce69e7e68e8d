"""Whether an image still is what its build information says was built."""

from __future__ import annotations

from collections.abc import Iterator

from romfs import build_info
from romfs.errors import ImageError
from romfs.findings import Finding, Severity
from romfs.image import Image


def stale(image: Image) -> Iterator[Finding]:
    """A finding for each digest that does not match."""
    try:
        info = build_info.read(image)
        problems = [] if info is None else list(build_info.verify(image, info))
    except ImageError as error:
        yield Finding(
            "bad-build-info", Severity.ERROR, "", f"build information: {error}", error.offset
        )
        return
    for problem in problems:
        yield Finding(
            "digest-mismatch", Severity.ERROR, "", f"{problem}; rebuild, or flash it again"
        )
