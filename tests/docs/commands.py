"""Commands out of README.md and docs/: found, run in order, their output compared.

What is run is what a reader sees: fenced blocks marked `sh`, every line a command, and
`console`, where lines with `$ ` are commands and the others what they print (a line `...`
stands for any lines; sizes and times need not be the same). One document is one shell
session in a directory of its own.

A comment before a block, invisible to readers, says what a test needs to know:

    <!-- test: setup COMMAND -->     run this first, as often as given
    <!-- test: save PATH -->         the next block is a file that the reader makes
    <!-- test: stop after N -->      commands that run on are interrupted after N seconds
    <!-- test: fails -->             the commands are to fail
    <!-- test: parse REASON -->      hardware is needed: hold the words against the parser only
    <!-- test: no REASON -->         not a command of ours
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^( *)(`{3,})(\w*)[^\n]*\n(.*?)^\1\2 *$", re.DOTALL | re.MULTILINE)
_DIRECTIVE = re.compile(r"<!-- test: (\w+) ?(.*?) ?-->", re.DOTALL)
_SPAN = re.compile(r"(?<!`)`(romfs [^`\n]*(?:\n[^`\n]+)?)`(?!`)")
_HEREDOC = re.compile(r"<<\s*'?(\w+)'?")
_MARK = "\x1e"
LIMIT = 240  # seconds for one document


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        document: The file.
        line: Of its first line.
        language: Its info string.
        text: Its content.
        directives: Name and argument of each comment before it.
    """

    document: Path
    line: int
    language: str
    text: str
    directives: tuple[tuple[str, str], ...]

    def directive(self, name: str) -> str | None:
        """The argument of a comment, None without it."""
        return next((argument for key, argument in self.directives if key == name), None)


class Command(NamedTuple):
    """One command of a block.

    Attributes:
        line: In the document.
        text: As the shell gets it.
        expected: What it prints; None: anything.
    """

    line: int
    text: str
    expected: list[str] | None


def documents() -> list[Path]:
    """Every document with commands for readers."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(document: Path) -> Iterator[Block]:
    """The fenced blocks of a document."""
    text = document.read_text("utf-8")
    last = 0
    for found in _FENCE.finditer(text):
        between = text[last : found.start()]
        # Comments count if nothing but space is between them and the block, setups always.
        tail = re.search(r"((?:<!-- test: .*?-->\s*)+)\Z", between, re.DOTALL)
        given = _DIRECTIVE.findall(tail[1]) if tail else []
        given += [
            one for one in _DIRECTIVE.findall(between) if one[0] == "setup" and one not in given
        ]
        last = found.end()
        indent = len(found[1])
        content = "\n".join(line[indent:] for line in found[4].splitlines())
        line = text.count("\n", 0, found.start()) + 2
        yield Block(document, line, found[3], content, tuple(given))


def spans(document: Path) -> Iterator[tuple[int, str]]:
    """Commands in running text, with their lines."""
    text = document.read_text("utf-8")
    prose = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in _SPAN.finditer(prose):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found[1].split())


def commands(block: Block) -> Iterator[Command]:
    """The commands of a `sh` or `console` block."""
    lines = block.text.splitlines()
    at = 0
    while at < len(lines):
        first, text = at, lines[at]
        at += 1
        if block.language == "console":
            assert text.startswith("$ "), f"{block.document}:{block.line + first}: no command"
            text = text[2:]
        while text.endswith("\\") and at < len(lines):
            text += "\n" + lines[at]
            at += 1
        if heredoc := _HEREDOC.search(text):
            while lines[at] != heredoc[1]:
                text += "\n" + lines[at]
                at += 1
            text += "\n" + lines[at]
            at += 1
        expected = None
        if block.language == "console":
            expected = []
            while at < len(lines) and not lines[at].startswith("$ "):
                expected.append(lines[at])
                at += 1
        if text.strip() and not text.lstrip().startswith("#"):
            yield Command(block.line + first, text, expected)


class Session:
    """A shell session in which a document is followed.

    Args:
        directory: Where it takes place; gets a copy of examples/.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._bin = directory / ".bin"
        self._bin.mkdir()
        self._script: list[str] = []
        self._checks: list[tuple[str, Command, bool, bool]] = []
        # Installing and the whole test suite are what this test itself runs in.
        self._tool("pip", f'exec "{sys.executable}" -m tests.docs.fake_pip "$@"')
        self._tool(
            "python",
            'case "$1 $2" in "-m tests"|"-m tests.bench") exit 0;; esac\n'
            f'exec "{sys.executable}" "$@"',
        )

    def _tool(self, name: str, body: str) -> None:
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def hidden(self, text: str, where: str) -> None:
        """A command the reader does not see."""
        self._add(where, Command(0, text, None))

    def save(self, path: str, text: str) -> None:
        """A file the reader makes."""
        target = shlex.quote(path)
        self._script.append(f"mkdir -p $(dirname {target})")
        self._script.append(f"printf '%s\\n' {shlex.quote(text)} > {target}")

    def show(self, block: Block) -> None:
        """The commands of a block."""
        stop = block.directive("stop")
        for command in commands(block):
            text = command.text
            if stop is not None:
                seconds = stop.removeprefix("after ")
                text = f"timeout --signal=INT {seconds} {text}"
            where = f"{block.document.relative_to(ROOT)}:{command.line}"
            self._add(
                where,
                command._replace(text=text),
                fails=block.directive("fails") is not None,
                stopped=stop is not None,
            )

    def _add(
        self, where: str, command: Command, *, fails: bool = False, stopped: bool = False
    ) -> None:
        number = len(self._checks)
        self._checks.append((where, command, fails, stopped))
        self._script += [
            f"printf '{_MARK}B{number}\\n'",
            command.text,
            f"printf '\\n{_MARK}E{number} %d\\n' $?",
        ]

    def follow(self) -> list[str]:
        """Run it all; returns what did not go as the document says."""
        environment = {
            **os.environ,
            "PATH": os.pathsep.join(
                (str(self._bin), str(Path(sys.executable).parent), os.environ["PATH"])
            ),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
            "GIT_CONFIG_GLOBAL": os.devnull,
            # Other plugins of the environment only cost time.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "romfs.cli.pytest_plugin",
            "GITHUB_STEP_SUMMARY": str(self.directory / "summary.md"),
        }
        shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", "\n".join(self._script)],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
        stopper = _End(shell)
        assert shell.stdout is not None
        printed: dict[int, list[str]] = {}
        codes: dict[int, int] = {}
        current = -1
        for line in shell.stdout:
            if line.startswith(f"{_MARK}B"):
                current = int(line[2:])
                printed[current] = []
            elif line.startswith(f"{_MARK}E"):
                number, code = line[2:].split()
                codes[int(number)] = int(code)
                if int(number) == len(self._checks) - 1:
                    break  # a board in the background would keep the pipe open
            elif current >= 0:
                printed[current].append(line.rstrip("\n"))
        stopper.end()
        return [
            problem
            for number, check in enumerate(self._checks)
            for problem in _judge(check, codes.get(number), printed.get(number, []))
        ]


class _End:
    """Ends a session's processes, at the latest after the time limit."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        import threading

        self._shell = shell
        self._timer = threading.Timer(LIMIT, self._kill)
        self._timer.start()

    def _kill(self) -> None:
        try:
            os.killpg(self._shell.pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def end(self) -> None:
        self._timer.cancel()
        self._kill()
        assert self._shell.stdout is not None
        self._shell.stdout.close()
        self._shell.wait(10)


def _judge(
    check: tuple[str, Command, bool, bool], code: int | None, printed: list[str]
) -> Iterator[str]:
    where, command, fails, stopped = check
    shown = "\n    ".join(printed)
    if code is None:
        yield f"{where}: did not end: {command.text}\n    {shown}"
    elif fails != (code != 0) and not (stopped and code == 124):
        yield f"{where}: exit code {code}: {command.text}\n    {shown}"
    elif command.expected is not None and not matches(command.expected, printed):
        wanted = "\n    ".join(command.expected)
        yield f"{where}: {command.text}\n  shows\n    {wanted}\n  but prints\n    {shown}"


# What differs from run to run or from one version of the compiler to the next.
_UNSTABLE = (
    (re.compile(r"\b\d+(\.\d+)? (B|KiB|MiB)\b"), "SIZE"),
    (re.compile(r"\b\d+\.\d+s\b"), "N s"),
    (re.compile(r"\b\d+\.\d+ s\b"), "N s"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
)


def matches(expected: list[str], printed: list[str]) -> bool:
    """Whether lines are as shown; a line `...` stands for any, sizes and times may differ."""
    parts = []
    for line in _trim(expected):
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(re.escape(_stable(line)) + r"\n")
    text = "".join(_stable(line) + "\n" for line in _trim(printed))
    return re.fullmatch("".join(parts), text) is not None


def _trim(lines: list[str]) -> list[str]:
    text = [line.rstrip() for line in lines]
    while text and not text[-1]:
        text.pop()
    return text


def _stable(line: str) -> str:
    for pattern, name in _UNSTABLE:
        line = pattern.sub(name, line)
    return " ".join(line.split())
