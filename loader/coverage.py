"""`--coverage`: which source lines ran, from the line tables, in lcov's format."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from loader.code import Code
from loader.ops import instructions


class Coverage:
    """Counts how often each line was reached."""

    def __init__(self) -> None:
        self._first_ips: dict[Code, dict[int, int]] = {}
        self.hits: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self.calls: dict[tuple[str, str, int], int] = defaultdict(int)

    def observe(self, code: Code, ip: int, stack: list[Any], top: Any) -> None:
        """Called before each instruction."""
        lines = self._first_ips.get(code)
        if lines is None:
            lines = self._first_ips[code] = _line_starts(code)
        line = lines.get(ip)
        if line is not None:
            self.hits[code.context.file][line] += 1
        if ip == 0:
            self.calls[(code.context.file, code.name, first_line(code))] += 1

    def report(self, vm: Any) -> str:
        """The report, with the lines of loaded modules that never ran."""
        lines: dict[str, dict[int, int]] = defaultdict(dict)
        functions: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
        for root in vm.tables.values():
            for code in root.walk():
                if isinstance(code, Code):
                    file = code.context.file
                    for line in _line_starts(code).values():
                        lines[file].setdefault(line, 0)
                    key = (file, code.name, first_line(code))
                    functions[file][key[2], key[1]] = self.calls.get(key, 0)
        for file, hits in self.hits.items():
            lines[file].update(hits)
        out = []
        for file in sorted(lines):
            out += ["TN:", f"SF:{file}"]
            for (line, name), calls in sorted(functions[file].items()):
                out += [f"FN:{line},{name}", f"FNDA:{calls},{name}"]
            out += [f"FNF:{len(functions[file])}"]
            out += [f"FNH:{sum(1 for calls in functions[file].values() if calls)}"]
            out += [f"DA:{line},{count}" for line, count in sorted(lines[file].items())]
            out += [f"LF:{len(lines[file])}"]
            out += [f"LH:{sum(1 for count in lines[file].values() if count)}", "end_of_record"]
        return "\n".join(out) + "\n"

    def write(self, vm: Any, path: Path) -> None:
        """Write the report to a file."""
        path.write_text(self.report(vm))


def _line_starts(code: Code) -> dict[int, int]:
    """ip -> line, for the instructions with which a line begins."""
    starts: dict[int, int] = {}
    table = code.lines()
    known = {ins.ip for ins in instructions(code.ops)}
    for (ip, line), following in zip(table, [*table[1:], None], strict=True):
        if ip in known and (following is None or following[0] != ip):
            starts[ip] = line
    return starts


def first_line(code: Code) -> int:
    """The line a function's code begins in."""
    return code.line(0)
