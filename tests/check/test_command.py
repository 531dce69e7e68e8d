"""`romfs check` as a user and as CI sees it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loader
import romfs
from romfs.check.explain import RULES
from romfs.check.report import sarif
from romfs.cli import main
from romfs.cli._checking import Expectations, errors, examine, expectations, require
from romfs.errors import ImageError
from romfs.findings import Severity
from romfs.layout import Content, build_image, lay_out
from romfs.target import Target
from romfs.varuint import encode_varuint
from tests.check.test_imports import compiled


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """An image with an error, a warning and a note."""
    tree = compiled(
        {"a.py": "\nimport nowhere\n", "b.py": "try: import maybe\nexcept ImportError: pass\n"}
    )
    tree["c.py"] = b"print(1)\n"
    path = tmp_path / "broken.romfs"
    path.write_bytes(build_image(tree))
    return str(path)


@pytest.fixture
def clean(tmp_path: Path) -> str:
    """An image without a flaw."""
    path = tmp_path / "clean.romfs"
    path.write_bytes(build_image(compiled({"a.py": "import sys\n"})))
    return str(path)


def test_text_and_exit_codes(broken: str, clean: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", clean]) == 0
    assert "nothing found" in capsys.readouterr().err
    assert main(["check", broken]) == 1
    shown = capsys.readouterr()
    assert "error: a.mpy:2: import nowhere" in shown.out
    assert shown.err.endswith("1 error, 1 warning, 1 note\n")


def test_a_module_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data,) = compiled({"a.py": "\nimport nowhere\n"}).values()
    assert data is not None
    path = tmp_path / "a.mpy"
    path.write_bytes(data)
    assert main(["check", str(path)]) == 0
    path.write_bytes(data[:-2] + b"\x00" + data[-1:])
    assert main(["check", str(path)]) == 1
    assert f"at {len(data) - 2:#x}" in capsys.readouterr().out
    path.write_bytes(data[:-4])
    assert main(["check", str(path)]) == 1
    assert "bad-mpy" in capsys.readouterr().out


def test_warnings_stop_only_on_request(broken: str) -> None:
    allowed = ["check", broken, "--allow-import", "nowhere"]
    assert main(allowed) == 0
    assert main([*allowed, "--strict"]) == 1
    assert main([*allowed, "--strict", "--allow", "source-left"]) == 0


def test_json(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", broken, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["schema"] == 1 and report["ok"] is False
    rules = [one["rule"] for one in report["images"][0]["findings"]]
    assert rules == ["import-missing", "source-left", "import-missing"]


def test_sarif_has_what_code_hosts_need(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", broken, "--sarif"])
    log = json.loads(capsys.readouterr().out)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == broken
        assert place["region"]["byteOffset"] >= 0


def test_sarif_can_point_into_the_sources(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", broken, "--sarif", "--source-root", "src/"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 2}}


def test_junit(broken: str, clean: str, tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    assert main(["check", broken, clean, "--junit", str(report)]) == 1
    suites = ElementTree.parse(report).getroot().findall("testsuite")
    assert [suite.get("failures") for suite in suites] == ["1", "0"]
    assert [len(suite.findall("testcase")) for suite in suites] == [3, 1]


def test_explanations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--explain", "bad-mpy"]) == 0
    assert "hangs on a file cut short" in " ".join(capsys.readouterr().out.split())
    assert main(["check", "--explain", "bad-mpi"]) == 2
    assert "did you mean bad-mpy?" in capsys.readouterr().err
    assert main(["check", "--explain", "all"]) == 0
    assert set(re.findall(r"^[a-z0-9-]+", capsys.readouterr().out, re.MULTILINE)) == set(RULES)


def test_every_rule_is_explained() -> None:
    """Rules are named in the code by string; each must have its entry, and no entry more."""
    named = set()
    for package in (romfs, loader):
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            if path.name == "explain.py":
                continue
            text = path.read_text("utf-8")
            if "Finding" in text or "fault(" in text or "Unsafe(" in text or "Fault(" in text:
                named |= {rule for rule in RULES if f'"{rule}"' in text}
                calls = r'(?:Finding|find|fault|Unsafe|Fault)\(\s*"([a-z0-9]+(?:-[a-z0-9]+)+)"'
                assert set(re.findall(calls, text)) <= set(RULES), path
    assert named == set(RULES)


def test_board_and_size() -> None:
    image = build_image({"a.bin": bytes(5000)})
    small = Expectations(target=Target(capacity=4096))
    (finding,) = errors(examine(image, small))
    assert finding.rule == "does-not-fit"
    assert examine(image, Expectations(target=Target(capacity=8192))) == []


def test_alignment_as_configured() -> None:
    image = build_image({"a.bin": b"x" * 5, "fb.raw": b"y" * 8})
    found = examine(image, Expectations(alignments=(("*.raw", 1024),)))
    assert [(one.rule, one.path) for one in found] == [("misaligned", "fb.raw")]
    assert examine(image, Expectations(alignments=(("*.raw", 1),))) == []


def test_digests() -> None:
    import hashlib

    data = b"some content"
    content = Content("a", data, hashlib.sha256(data).digest())
    image = bytearray(lay_out([content], info={"tool": "x"}).image)
    assert examine(image) == []
    image[image.index(data)] ^= 1
    assert {one.rule for one in examine(image)} == {"digest-mismatch"}


def test_findings_come_errors_first(broken: str) -> None:
    found = examine(Path(broken).read_bytes())
    assert [one.severity for one in found] == [
        Severity.ERROR,
        Severity.WARNING,
        Severity.NOTE,
    ]
    assert sarif([("x", found)])["runs"][0]["results"][0]["level"] == "error"


def test_an_image_with_errors_is_refused(broken: str, clean: str) -> None:
    with pytest.raises(ImageError, match=r"import nowhere.*see `romfs check`"):
        require(Path(broken).read_bytes())
    assert require(Path(clean).read_bytes()) == []


def test_every_rule_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "checking.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", text, re.MULTILINE))
    assert listed == {rule: title for rule, (title, _) in RULES.items()}


NATIVE = """
import micropython

@micropython.viper
def add(a: int) -> int:
    return a + 1

@micropython.native
def outer(a, b=2):
    def inner():
        return a + b
    return inner

class C:
    @micropython.native
    def method(self):
        yield super().x()
"""


def test_machine_code_is_noted_and_held_against_the_board() -> None:
    from romfs.compile import CompileOptions, Compiler, Job

    job = Job("n.py", NATIVE.encode(), CompileOptions(march="armv7m"))
    (done,) = Compiler().compile([job], cache=None)
    image = build_image({"n.mpy": done.content})
    assert [one.rule for one in examine(image)] == ["native-code"]
    assert [one.rule for one in examine(image, expectations("RPI_PICO2"))] == ["native-code"]
    found = errors(examine(image, expectations("RPI_PICO")))
    assert [one.rule for one in found] == ["incompatible-mpy"]


def test_a_module_written_in_c_is_no_error() -> None:
    """Such a file has machine code for a body, linked with relocations."""
    code = bytes(16)
    header = b"M\x06" + bytes((5 << 2 | 3, 31))
    table = b"\x01\x00" + bytes((6 << 1,)) + b"mod.py\0"
    body = encode_varuint(len(code) << 3 | 2) + code + b"\x10" + b"\xff"
    data = header + table + body
    image = build_image({"mod.mpy": data})
    assert [one.rule for one in examine(image)] == ["native-code"]


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_upset_the_check(data: bytes, with_magic: bool) -> None:
    examine((b"\xd2\xcd\x31" if with_magic else b"") + data)
