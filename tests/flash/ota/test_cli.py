"""`romfs ota`, as a user types it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from flash.board.virtual import VirtualBoard
from romfs.cli import main
from romfs.image import Image
from tests.flash.ota import boards, fleet
from tests.real import needs_micropython

NAME = "PYBD_SF6"
SECRET = "only for tests"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with two releases and a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROMFS_OTA_PASSPHRASE", SECRET)
    for number in (1, 2):
        (tmp_path / f"v{number}.romfs").write_bytes(fleet.app(number, boards.SIZE))
    # The slower algorithm, which boards need, is for the tests that have one.
    assert main(["ota", "keygen", "key", "--algorithm", "ed25519"]) == 0
    return tmp_path


@pytest.fixture
def shop_for_boards(shop: Path) -> Path:
    """The same with a key whose signatures every board can check."""
    (shop / "key").unlink()
    assert main(["ota", "keygen", "key"]) == 0
    return shop


def pack(number: int, *more: str) -> int:
    return main(
        [
            "ota",
            "pack",
            f"v{number}.romfs",
            "-o",
            f"v{number}.ota",
            "--product",
            "shop",
            "--board",
            NAME,
            "--version",
            f"{number}.0",
            "--sequence",
            str(number),
            "--key",
            "key",
            *more,
        ]
    )


def test_a_key_is_private_and_never_overwritten(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = shop / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    assert main(["ota", "keygen", "key"]) == 1
    assert key.read_bytes() == before
    assert SECRET not in before.decode() + "".join(capsys.readouterr())


def test_pack_verify_extract_and_inspect(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack(2, "--base", "v1.romfs", "--notes", "better") == 0
    words = ["ota", "verify", "v2.ota", "--trust", "key.pub", "--base", "v1.romfs"]
    assert main([*words, "--extract", "out.romfs"]) == 0
    assert (shop / "out.romfs").read_bytes() == (shop / "v2.romfs").read_bytes()
    capsys.readouterr()
    assert main(["ota", "inspect", "v2.ota", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["version"], facts["sequence"], facts["notes"]) == ("2.0", 2, "better")
    assert len(facts["payloads"]) == 2
    data = bytearray((shop / "v2.ota").read_bytes())
    data[60] ^= 1
    (shop / "bad.ota").write_bytes(data)
    assert main(["ota", "verify", "bad.ota", "--trust", "key.pub"]) == 1
    assert "no trusted key" in capsys.readouterr().err


def test_keys_come_from_the_environment_and_from_files(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI_KEY", (shop / "key").read_text())
    (shop / "key").unlink()
    assert (
        main(
            [
                "ota",
                "pack",
                "v1.romfs",
                "-o",
                "x.ota",
                "--product",
                "p",
                "--board",
                "own-board",
                "--block",
                "4K",
                "--version",
                "1",
                "--sequence",
                "1",
                "--key",
                "env:CI_KEY",
            ]
        )
        == 0
    )
    monkeypatch.delenv("ROMFS_OTA_PASSPHRASE")
    assert pack(1) == 1  # neither key nor passphrase
    (shop / "wrong").write_text("wrong\n")
    capsys.readouterr()
    words = ["ota", "pack", "v1.romfs", "-o", "y.ota", "--product", "p", "--board", NAME]
    words += ["--version", "1", "--sequence", "1", "--key", "env:CI_KEY"]
    assert main([*words, "--passphrase-file", "wrong"]) == 1
    said = "".join(capsys.readouterr())
    assert "wrong passphrase" in said and not (shop / "y.ota").exists()


def test_a_container_for_production(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ota", "init", "--board", NAME, "--product", "shop", "--trust", "key.pub"]
    assert main([*words, "--app", "v1.romfs", "--sequence", "1", "-o", "c.romfs"]) == 0
    image = Image((shop / "c.romfs").read_bytes())
    assert bytes(image.file("a.romfs").data).startswith((shop / "v1.romfs").read_bytes())
    capsys.readouterr()
    assert main(["ota", "inspect", "c.romfs", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["active"] == "a" and facts["holds"][0].startswith("a: ready, sequence 1")
    assert main([*words, "--slot", "99M", "-o", "d.romfs"]) == 5  # does not fit


@needs_micropython
def test_from_an_empty_board_to_an_update(
    shop_for_boards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pack(2) == 0
    with VirtualBoard(NAME) as board:
        port = ["--port", board.port]
        words = ["ota", "init", *port, "--product", "shop", "--trust", "key.pub", "--boot-py"]
        assert main([*words, "--app", "v1.romfs", "--sequence", "1"]) == 0
        assert main(["ota", "push", "v2.ota", *port]) == 0
        capsys.readouterr()
        assert main(["ota", "status", *port, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["active"], facts["trial"], facts["running"]) == ("a", "b", "b")
        assert main(["ota", "push", "v2.ota", *port, "--json"]) == 0


@needs_micropython
def test_a_single_slot_where_only_all_can_be_erased(
    shop_for_boards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board_name = "EK_RA6M2"
    for number in (1, 2):
        words = ["ota", "pack", f"v{number}.romfs", "-o", f"v{number}.ota", "--product", "shop"]
        words += ["--board", board_name, "--version", "1", "--sequence", str(number)]
        assert main([*words, "--key", "key"]) == 0
    with VirtualBoard(board_name) as board:
        port = ["--port", board.port]
        words = ["ota", "init", *port, "--product", "shop", "--trust", "key.pub"]
        assert main(words) == 5  # two slots cannot be had here
        assert main([*words, "--single-slot", "--boot-py"]) == 0
        assert main(["ota", "push", "v2.ota", *port]) == 0
        assert main(["ota", "push", "v1.ota", *port]) == 1
        assert "sequence 1 is older than 2" in capsys.readouterr().err
        assert main(["ota", "status", *port, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["active"] == "a"


def test_publishing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pack(2) == 0
    words = ["ota", "publish", "site", "v2.ota", "--key", "key", "--rollout", "12.5"]
    assert main([*words, "--days", "30", "--fat", "card.img"]) == 0
    index = f"site/index/shop/{NAME}/stable.idx"
    capsys.readouterr()
    assert main(["ota", "inspect", index, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["version"] == 1 and "for 12.5%" in facts["releases"][0]
    assert (shop / "card.img").stat().st_size >= 1 << 20
