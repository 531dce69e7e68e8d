"""Findings for people and for machines: text, JSON, SARIF, JUnit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from romfs.check.explain import RULES
from romfs.findings import Finding, Severity
from romfs.version import VERSION

SCHEMA = 1
"""Version of the JSON form; a new number means that a field changed its meaning or went."""

Checked = Sequence[tuple[str, Sequence[Finding]]]
"""Name of each image, and what was found in it."""


def text(image: str, findings: Sequence[Finding]) -> Iterator[str]:
    """One line for each finding."""
    for one in findings:
        where = "" if one.offset is None else f" at {one.offset:#x}"
        prefix = f"{image}: " if image else ""
        yield f"{prefix}{one}{where}"


def summary(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 note`, or that nothing was found."""
    count = Counter(one.severity for one in findings)
    parts = [
        f"{count[severity]} {severity}{'s' * (count[severity] > 1)}"
        for severity in Severity
        if count[severity]
    ]
    return ", ".join(parts) or "nothing found"


def as_json(checked: Checked, *, failed: bool) -> dict[str, Any]:
    """The stable form for scripts."""
    return {
        "schema": SCHEMA,
        "tool": f"romfs {VERSION}",
        "ok": not failed,
        "images": [
            {"image": image, "findings": [one._asdict() for one in findings]}
            for image, findings in checked
        ],
    }


_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(checked: Checked, *, sources: str | None = None) -> dict[str, Any]:
    """SARIF 2.1.0, which code hosts show beside the sources.

    Args:
        checked: What was found.
        sources: Directory the images were built from, as the repository names it: findings
            with a line then point into the .py file there. The image itself if None.
    Source: OASIS Static Analysis Results Interchange Format 2.1.0.
    """
    rules = sorted({one.rule for _, findings in checked for one in findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "romfs",
                        "version": VERSION,
                        "rules": [_rule(name) for name in rules],
                    }
                },
                "results": [
                    _result(image, one, rules, sources)
                    for image, findings in checked
                    for one in findings
                ],
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    title, explanation = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": explanation},
    }


def _result(image: str, one: Finding, rules: list[str], sources: str | None) -> dict[str, Any]:
    place: dict[str, Any] = {"physicalLocation": _place(image, one, sources)}
    if one.path:
        name = one.path if one.line is None else f"{one.path}:{one.line}"
        place["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "module"}]
    return {
        "ruleId": one.rule,
        "ruleIndex": rules.index(one.rule),
        "level": _LEVELS[one.severity],
        "message": {"text": f"{one.path}: {one.message}" if one.path else one.message},
        "locations": [place],
    }


def _place(image: str, one: Finding, sources: str | None) -> dict[str, Any]:
    if sources is not None and one.line is not None:
        path = one.path.removesuffix("mpy") + "py" if one.path.endswith(".mpy") else one.path
        return {
            "artifactLocation": {"uri": f"{sources.rstrip('/')}/{path}"},
            "region": {"startLine": one.line},
        }
    place: dict[str, Any] = {"artifactLocation": {"uri": image}}
    if one.offset is not None:
        place["region"] = {"byteOffset": one.offset, "byteLength": 1}
    return place


def junit(checked: Checked, *, strict: bool) -> str:
    """A JUnit report: one test case for each image and rule broken, one for a clean image."""
    suites = []
    for image, findings in checked:
        cases = [_case(image, one, strict) for one in findings]
        failures = sum(_fails(one, strict) for one in findings)
        if not cases:
            cases = [f'    <testcase classname={quoteattr(image)} name="check"/>']
        suites.append(
            f'  <testsuite name={quoteattr(image)} tests="{len(cases)}" '
            f'failures="{failures}">\n' + "\n".join(cases) + "\n  </testsuite>"
        )
    body = "\n".join(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n{body}\n</testsuites>\n'


def _fails(one: Finding, strict: bool) -> bool:
    return one.severity is Severity.ERROR or (strict and one.severity is Severity.WARNING)


def _case(image: str, one: Finding, strict: bool) -> str:
    place = one.path if one.line is None else f"{one.path}:{one.line}"
    head = (
        f"    <testcase classname={quoteattr(image)} "
        f"name={quoteattr(f'{one.rule} {place}'.strip())}>"
    )
    tag = "failure" if _fails(one, strict) else "system-out"
    attributes = f" type={quoteattr(one.rule)}" if tag == "failure" else ""
    return f"{head}\n      <{tag}{attributes}>{escape(str(one))}</{tag}>\n    </testcase>"
