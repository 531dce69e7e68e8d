"""Every command that README.md and docs/ show does what they say."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

from romfs.cli import VERBS, make_parser
from tests.docs.commands import ROOT, Block, Session, blocks, commands, documents, matches, spans

_HAND = [path for path in documents() if path.name != "commands.md"]


@pytest.mark.parametrize("document", _HAND, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.timeout(300)
def test_commands_work_as_shown(document: Path, tmp_path: Path) -> None:
    session = Session(tmp_path)
    shutil.copytree(
        ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__")
    )
    problems = []
    for block in blocks(document):
        where = f"{document.relative_to(ROOT)}:{block.line}"
        for name, argument in block.directives:
            if name == "setup":
                session.hidden(argument, where)
        saved = block.directive("save")
        if saved is not None:
            session.save(saved, block.text)
        elif block.language in ("sh", "console") and block.directive("no") is None:
            if block.directive("parse") is not None:
                problems += unparsable(block)
            else:
                session.show(block)
    problems += session.follow()
    assert not problems, "\n\n".join(problems)


def unparsable(block: Block) -> list[str]:
    """Commands of a block that the parser refuses."""
    problems = []
    for command in commands(block):
        words = shlex.split(command.text, comments=True)
        for stop in ("|", "&&", ">", "&"):
            words = words[: words.index(stop)] if stop in words else words
        if not words or words[0] != "romfs":
            continue
        said = io.StringIO()
        chosen = next((word for word in words if word in VERBS), None)
        with contextlib.redirect_stderr(said):
            try:
                make_parser(chosen).parse_args(words[1:])
            except SystemExit:
                problems.append(f"{block.document}:{command.line}: {said.getvalue()}")
    return problems


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_sentences_have_verbs_and_options_that_exist(document: Path) -> None:
    for line, text in spans(document):
        words = re.findall(r"[^\s,;|\[\]]+", text)
        verb = words[1]
        if verb.startswith("-") or verb.isupper():
            continue
        assert verb in VERBS, f"{document}:{line}: {text}"
        known = _options(verb)
        for word in words[2:]:
            option = word.partition("=")[0]
            if option.startswith("--") and len(option) > 2:
                assert option in known, f"{document}:{line}: {text}: no {option}"


def _options(verb: str) -> set[str]:
    from romfs.cli.completion import _parsers

    parser = make_parser(verb)
    return {
        option for one in _parsers(parser) for action in one._actions
        for option in action.option_strings
    }  # fmt: skip


def test_no_block_of_commands_is_missed() -> None:
    """An indented or unmarked block with a command in it would not be run."""
    for document in _HAND:
        text = document.read_text("utf-8")
        fenced = "\n".join(
            line for block in blocks(document) if block.language in ("sh", "console")
            for line in block.text.splitlines()
        )  # fmt: skip
        for line in text.splitlines():
            if re.match(r"\s*(\$ )?romfs [a-z]", line) and (line[:4] == "    " or "$" in line[:2]):
                assert line.strip() in fenced, f"{document}: {line}"


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "..."], ["b"], False),
        (["took 1.5 s"], ["took 27.1 s"], True),
        (["a"], ["a", "", ""], True),
        (["a"], [], False),
    ],
)
def test_comparison(expected: list[str], printed: list[str], same: bool) -> None:
    assert matches(expected, printed) is same


def test_a_wrong_document_is_found_out(tmp_path: Path) -> None:
    document = ROOT / "wrong.md"
    block = Block(document, 1, "console", "$ echo one\ntwo\n$ false", ())
    session = Session(tmp_path)
    session.show(block)
    problems = session.follow()
    assert len(problems) == 2 and "but prints\n    one" in problems[0]
    assert "exit code 1: false" in problems[1]
