from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

from romfs.sources.lock import Lock, LockedFile, LockedPackage
from tests.cli.run import romfs


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a locked package whose files lie in its tree as `build` would put them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "app/lib/aiorepl").mkdir(parents=True)
    (tmp_path / "app/main.py").write_text("print('hello')\n")
    (tmp_path / "app/lib/aiorepl/__init__.py").write_text("x = 1\n")
    (tmp_path / "app/lib/deep.py").write_text("y = 2\n")
    (tmp_path / "romfs.lock").write_text(_lock().dumps())
    (tmp_path / "romfs.toml").write_text('version = "2.1"\n')
    assert romfs("build", "app", "-o", "app.romfs").code == 0
    return tmp_path


def _lock() -> Lock:
    def file(path: str) -> LockedFile:
        return LockedFile(path, f"https://example.com/{path}", "0" * 64, 4)

    packages = (
        LockedPackage(
            "aiorepl",
            "aiorepl",
            "0.2.2",
            "https://example.com/aiorepl.json",
            ("github:org/deep@v3",),
            (file("aiorepl/__init__.py"),),
        ),
        LockedPackage("github:org/deep@v3", "deep", "v3", "", (), (file("deep.py"),)),
        LockedPackage("unused", "unused", "1", "", (), (file("unused.py"),)),
    )
    return Lock("https://example.com", "py", ("aiorepl", "unused"), packages)


def _document(*more: str) -> Any:
    done = romfs("sbom", "app.romfs", "--lock", "romfs.lock", *more)
    assert done.code == 0, done.err
    return done.json


@pytest.mark.parametrize("spec", ["1.5", "1.6", "1.7"])
@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_document_is_valid(project: Path, spec: str, form: str) -> None:
    done = romfs(
        "sbom", "app.romfs", "--lock", "romfs.lock", "--spec", spec, "--format", form,
        "-o", "out.bom",
    )  # fmt: skip
    assert done.code == 0, done.err
    validator = make_schemabased_validator(
        OutputFormat[form.upper()], SchemaVersion.from_version(spec)
    )
    assert validator.validate_str((project / "out.bom").read_text()) is None


def test_it_names_the_image_its_files_and_packages(project: Path) -> None:
    found = _document()
    image = (project / "app.romfs").read_bytes()
    about = found["metadata"]["component"]
    assert (about["name"], about["version"], about["type"]) == ("app", "2.1", "firmware")
    assert about["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(image).hexdigest()}]
    tools = {tool["name"] for tool in found["metadata"]["tools"]["components"]}
    assert tools == {"romfs", "mpy-cross"}
    rows = {row["bom-ref"]: row for row in found["components"]}
    assert set(rows) == {
        "package:aiorepl",
        "package:deep",
        "file:main.mpy",
        "file:lib/aiorepl/__init__.mpy",
        "file:lib/deep.mpy",
    }  # `unused` is locked, but not in this image
    assert rows["package:deep"]["purl"] == "pkg:github/org/deep@v3"
    assert rows["package:aiorepl"]["purl"].startswith("pkg:generic/mip/aiorepl@0.2.2?")
    needs = {row["ref"]: row.get("dependsOn", []) for row in found["dependencies"]}
    assert needs["image"] == ["file:main.mpy", "package:aiorepl", "package:deep"]
    assert needs["package:aiorepl"] == ["file:lib/aiorepl/__init__.mpy", "package:deep"]


def test_the_same_image_gives_the_same_document(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _document() == _document()
    assert "timestamp" not in _document()["metadata"]
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert _document()["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"


def test_a_missing_package_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx.model.bom", None)
    done = romfs("sbom", "app.romfs")
    assert done.code == 1 and "micropython-romfs[sbom]" in done.err


def test_without_a_lock_there_are_files_only(project: Path) -> None:
    done = romfs("sbom", "app.romfs", "--no-lock")
    assert done.code == 0
    kinds = {row["type"] for row in json.loads(done.out)["components"]}
    assert kinds == {"file"}
