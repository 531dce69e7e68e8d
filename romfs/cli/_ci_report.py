"""What `romfs ci` found: for a terminal, a review, a test reporter and a script."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from romfs.cli._ci import Image, Step

SCHEMA = 1
"""Of the JSON form; a new number means that a field changed its meaning or went."""

_STEPS = ("build", "check", "run", "ram", "diff")
_CONTROL = dict.fromkeys(
    (n for n in range(32) if chr(n) not in "\t\n\r"), "\N{REPLACEMENT CHARACTER}"
)
_MOST_OUTPUT = 60_000  # characters; a step summary may have 1 MiB. Source: GitHub's limits


def _columns(images: Sequence[Image]) -> list[str]:
    """The steps that any image went through."""
    present = {step.name for image in images for step in image.steps}
    return [name for name in _STEPS if name in present]


def _cell(image: Image, name: str) -> str:
    step = _step(image, name)
    if step is None:
        return "-"
    if step.ok:
        return step.text
    return f"FAILED: {step.text}" if step.text else "FAILED"


def _step(image: Image, name: str) -> Step | None:
    return next((step for step in image.steps if step.name == name), None)


def table(images: Sequence[Image]) -> Iterator[str]:
    """Rows for a terminal: one an image, or a block an image where that is too wide."""
    names = _columns(images)
    rows = [[image.path.name, *(_cell(image, name) for name in names)] for image in images]
    head = ["image", *names]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    if sum(widths) + 2 * len(widths) <= shutil.get_terminal_size(fallback=(100, 24)).columns:
        for row in (head, *rows):
            cells = zip(row, widths, strict=True)
            yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()
    else:
        for row in rows:
            yield row[0]
            for name, cell in zip(names, row[1:], strict=True):
                yield f"  {name:<6} {cell}"
    failed = sum(not image.ok for image in images)
    yield f"{failed} of {len(images)} images failed" if failed else "all passed"


def markdown(images: Sequence[Image]) -> str:
    """A table, and behind it what failed and what changed."""
    names = _columns(images)
    lines = ["## ROMFS images", "", f"| image | {' | '.join(names)} |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for image in images:
        cells = []
        for name in names:
            step = _step(image, name)
            mark = "" if step is None or step.ok else "❌ "
            cells.append("" if step is None else f"{mark}{step.text}".rstrip())
        lines.append(f"| `{image.path.name}` | {' | '.join(cells)} |")
    for image in images:
        for step in image.steps:
            text = step.output.strip()[:_MOST_OUTPUT]
            if not text or (step.ok and step.name != "diff"):
                continue
            if step.name == "diff":
                lines += ["", text]
                continue
            fence = "`" * max(3, _longest_run(text, "`") + 1)
            lines += ["", f"### {image.path.name}: {step.name} failed", "", fence, text, fence]
    return "\n".join(lines) + "\n\n"


def _longest_run(text: str, char: str) -> int:
    longest = run = 0
    for one in text:
        run = run + 1 if one == char else 0
        longest = max(longest, run)
    return longest


def junit(images: Sequence[Image]) -> str:
    """A test suite an image, a test case a step."""
    suites = []
    for image in images:
        name = quoteattr(image.path.name)
        failures = sum(not step.ok for step in image.steps)
        cases = [_case(image, step) for step in image.steps]
        suites.append(
            f'  <testsuite name={name} tests="{len(cases)}" failures="{failures}" '
            f'time="{sum(step.seconds for step in image.steps):.3f}">\n'
            + "\n".join(cases)
            + "\n  </testsuite>"
        )
    body = "\n".join(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{body}\n</testsuites>\n'


def _case(image: Image, step: Step) -> str:
    head = (
        f"    <testcase classname={quoteattr(image.path.name)} name={quoteattr(step.name)} "
        f'time="{step.seconds:.3f}">'
    )
    # XML 1.0 has no control characters, not even escaped.
    output = escape(step.output.translate(_CONTROL))
    inner = f"<system-out>{output}</system-out>" if output else ""
    if not step.ok:
        inner = f"<failure message={quoteattr(step.text)}>{output}</failure>"
    return f"{head}{inner}</testcase>"


def as_json(images: Sequence[Image]) -> dict[str, Any]:
    """The stable form for scripts."""
    return {
        "schema": SCHEMA,
        "ok": all(image.ok for image in images),
        "images": [
            {
                "image": str(image.path),
                "board": image.board,
                "ok": image.ok,
                "steps": [
                    {
                        "name": step.name,
                        "ok": step.ok,
                        "text": step.text,
                        "seconds": round(step.seconds, 3),
                        "output": step.output,
                        "report": step.facts,
                    }
                    for step in image.steps
                ],
            }
            for image in images
        ],
    }
