from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from romfs.errors import BuildError
from romfs.sources import open_source
from romfs.sources.directory import DirectorySource


def everything(path: str, is_directory: bool) -> bool:
    return True


def listing(root: Path) -> dict[str, bytes | None]:
    entries = DirectorySource(root).entries(everything)
    return {entry.path: entry.load() if entry.load else None for entry in entries}


def test_files_directories_and_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_bytes(b"f")
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True)
    (root / "b").write_bytes(b"")
    (root / "a.bin").write_bytes(bytes(100_000))
    (root / "linked").symlink_to(outside)
    (root / "file-link").symlink_to(outside / "f")
    assert listing(root) == {
        "a.bin": bytes(100_000),
        "b": b"",
        "empty": None,
        "file-link": b"f",
        "linked": None,
        "linked/f": b"f",
    }


def test_order_is_by_bytes_whatever_the_locale(tmp_path: Path) -> None:
    for name in ("b", "B", "ä", "a", "Z"):
        (tmp_path / name).write_bytes(b"")
    assert list(listing(tmp_path)) == ["B", "Z", "a", "b", "ä"]


def test_what_is_not_selected_is_not_even_looked_at(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    os.mkfifo(tmp_path / ".venv" / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    entries = DirectorySource(tmp_path).entries(lambda path, is_directory: False)
    assert list(entries) == []


def test_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildError, match="pipe: is a FIFO"):
        listing(tmp_path)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket has little room
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("sock")
        with pytest.raises(BuildError, match="sock: is a socket"):
            listing(tmp_path)


def test_a_link_to_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    with pytest.raises(BuildError, match="null: is a character device"):
        listing(tmp_path)


def test_links_in_a_circle_and_to_nowhere(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "up").symlink_to(tmp_path / "a")
    with pytest.raises(BuildError, match="a/b/up: symbolic links lead in a circle"):
        listing(tmp_path)
    (inner / "up").unlink()
    (inner / "self").symlink_to("self")
    with pytest.raises(BuildError, match="a/b/self: symbolic links lead in a circle"):
        listing(tmp_path)
    (inner / "self").unlink()
    (inner / "lost").symlink_to("nowhere")
    with pytest.raises(BuildError, match="a/b/lost: symbolic link to nowhere"):
        listing(tmp_path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"bad\xff")).write_bytes(b"")
    except OSError as error:
        pytest.skip(f"this file system refuses such names itself: {error}")
    with pytest.raises(BuildError, match=r"bad\\xff: name is not UTF-8"):
        listing(tmp_path)


def test_a_missing_source_and_one_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "none")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(BuildError, match=r"file\.txt: not a directory"):
        open_source(tmp_path / "file.txt")
