"""Generated parts are fresh, links lead somewhere, tables match the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from romfs.cli import exit_codes
from tests.docs.commands import ROOT, documents
from tests.docs.reference import generated

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def test_generated_parts_are_fresh() -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in generated()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert not stale, f"run `python -m tests.docs.reference`: {stale}"


def _pages() -> list[Path]:
    return [*documents(), ROOT / "boards/README.md", ROOT / "flash/board/README.md"]


@pytest.mark.parametrize("page", _pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in _anchors(path.read_text("utf-8")), f"{page}: {target}"


def _anchors(text: str) -> set[str]:
    """As code hosts make them of headings."""
    found = set(re.findall(r'<a id="([^"]+)">', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


def test_the_table_of_exit_codes_is_whole() -> None:
    text = (ROOT / "docs/exit-codes.md").read_text("utf-8")
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    known = [value for name, value in vars(exit_codes).items() if name.isupper()]
    assert sorted(listed) == sorted(known)


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def test_every_port_has_its_page() -> None:
    import boards

    index = (ROOT / "docs/ports/README.md").read_text("utf-8")
    for port in boards.ports():
        assert (ROOT / "docs/ports" / f"{port}.md").exists() and f"({port}.md)" in index, port


def test_prose_fits_100_columns() -> None:
    for page in documents():
        if page.name == "commands.md":
            continue
        for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
            long = (
                len(line) > 100
                and not line.startswith(("|", "  ", "- <a", "<!--"))
                and "://" not in line
            )
            assert not long, f"{page}:{number}: {len(line)} columns"
