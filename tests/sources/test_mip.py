"""mip packages: resolved from an index on the loopback, locked, verified on every build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from romfs.cli import main
from romfs.errors import BuildError, ConfigError, FetchError, HashMismatch
from romfs.sources import mip
from romfs.sources.base import SourceEntry
from romfs.sources.combined import CombinedSource
from romfs.sources.directory import DirectorySource
from romfs.sources.fetch import Fetcher
from romfs.sources.lock import Lock, LockedFile, LockedPackage, check_path, loads
from romfs.sources.mip import PackageSource, Request, Resolver, locate, parse_request
from tests.sim.mip_index import MipIndex, mip_index


@pytest.fixture
def index() -> Iterator[MipIndex]:
    with mip_index() as running:
        running.publish("base", "0.1", {"base.mpy": b"base 0.1"})
        running.publish("net", "1.0", {"net/__init__.mpy": b"net", "net/tcp.mpy": b"tcp"},
                        deps=[("base", "latest")])  # fmt: skip
        yield running


def resolve(index: MipIndex, *requests: str, known: Lock | None = None, **kw: object) -> Lock:
    fetcher = Fetcher(None)
    options = {"index": index.index, **kw}
    return Resolver(fetcher, known=known, **options).resolve(requests)  # type: ignore[arg-type]


def everything(_path: str, _is_directory: bool) -> bool:
    return True


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("aiorepl", "aiorepl", None),
        ("aiorepl@0.2", "aiorepl", "0.2"),
        ("aiorepl@latest", "aiorepl", None),
        ("github:org/repo@v1", "github:org/repo", "v1"),
        ("gitlab:org/repo/path/x.py", "gitlab:org/repo/path/x.py", None),
        ("https://user@host/x/y.mpy", "https://user@host/x/y.mpy", None),
    ],
)
def test_requests_are_understood(text: str, name: str, version: str | None) -> None:
    assert parse_request(text) == Request(text, name, version)


@pytest.mark.parametrize("text", ["", "a b", "-x", "../x", "github:org", "https://h/x.py@1", "a/b"])
def test_other_requests_are_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_request(text)


def test_hosts_are_those_of_mpremote() -> None:
    theirs = pytest.importorskip("mpremote.mip", reason="mpremote is not installed")
    for name in ("github:o/r/p/x.py", "gitlab:o/r/x.py", "codeberg:o/r/a/b.json", "https://h/x"):
        for ref in (None, "v1"):
            assert locate(name, ref) == theirs._rewrite_url(name, ref)


def test_a_package_and_what_it_needs_are_locked(index: MipIndex) -> None:
    lock = resolve(index, "net")
    assert [(p.name, p.version) for p in lock.packages] == [("base", "0.1"), ("net", "1.0")]
    net = lock.find("net")
    assert net is not None and net.requires == ("base",)
    assert [f.path for f in net.files] == ["net/__init__.mpy", "net/tcp.mpy"]
    assert net.files[1].sha256 == hashlib.sha256(b"tcp").hexdigest()
    assert loads(lock.dumps()) == lock


def test_what_is_locked_stays_until_it_is_upgraded(index: MipIndex) -> None:
    old = resolve(index, "net")
    index.publish("base", "0.2", {"base.mpy": b"base 0.2"})
    index.asked.clear()
    assert resolve(index, "net", known=old).dumps() == old.dumps()
    assert index.asked == []
    assert resolve(index, "net").find("base") != old.find("base")
    pinned = resolve(index, "net", "base@0.2", known=old).find("base")
    assert pinned is not None and pinned.version == "0.2"


def test_source_packages_are_another_edition(index: MipIndex) -> None:
    index.publish("base", "0.1", {"base.py": b"x = 1\n"}, mpy="py")
    lock = resolve(index, "base", mpy="py", known=resolve(index, "base"))
    assert [file.path for file in lock.packages[0].files] == ["base.py"]


def test_a_package_of_urls(index: MipIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative links, links elsewhere, and a branch that all of them follow."""
    monkeypatch.setitem(mip._HOSTS, "github:", index.url + "/raw/{0}/{1}/{ref}/{path}")
    index.put("/raw/org/repo/v1/package.json", {
        "urls": [["a.py", "src/a.py"], ["b.py", "github:org/other/b.py"],
                 ["c.py", f"{index.url}/c.py"]],
        "deps": [["base", "0.1"], ["github:org/more/sub", "main"]], "version": "3"})  # fmt: skip
    index.put("/raw/org/repo/v1/src/a.py", b"a")
    index.put("/raw/org/other/v1/b.py", b"b")
    index.put("/c.py", b"c")
    index.put("/raw/org/more/main/sub/package.json", {"urls": [["d.py", "d.py"]]})
    index.put("/raw/org/more/main/sub/d.py", b"d")
    lock = resolve(index, "github:org/repo@v1", f"{index.url}/c.py")
    assert {p.name: [f.path for f in p.files] for p in lock.packages} == {
        "base": ["base.mpy"],
        "github:org/more/sub": ["d.py"],
        "github:org/repo": ["a.py", "b.py", "c.py"],
        f"{index.url}/c.py": ["c.py"],
    }
    again = resolve(index, "github:org/repo@v1", f"{index.url}/c.py", known=lock)
    assert again == lock
    with pytest.raises(FetchError, match="/v2/"):
        resolve(index, "github:org/repo@v2", known=lock)


def test_versions_that_disagree_are_told(index: MipIndex) -> None:
    index.publish("base", "0.2", {"base.mpy": b"base 0.2"})
    index.publish("old", "1", {"old.mpy": b"o"}, deps=[("base", "0.1")])
    index.publish("new", "1", {"new.mpy": b"n"}, deps=[("base", "0.2")])
    with pytest.raises(ConfigError, match=r"new needs base 0\.2, old 0\.1.*\"base@0\.2\""):
        resolve(index, "old", "new")
    with pytest.raises(ConfigError, match=r"old needs base 0\.1, the project 0\.2"):
        resolve(index, "old", "new", "base@0.2")


def test_packages_that_disagree_about_a_file_are_told(index: MipIndex) -> None:
    index.publish("other", "1", {"base.mpy": b"another"})
    with pytest.raises(ConfigError, match=r"base and other both have base\.mpy"):
        resolve(index, "base", "other")
    index.publish("same", "1", {"base.mpy": b"base 0.1"})
    assert len(resolve(index, "base", "same").packages) == 2


def test_packages_that_need_each_other_end(index: MipIndex) -> None:
    index.publish("a", "1", {"a.mpy": b"a"}, deps=[("b", "latest")])
    index.publish("b", "1", {"b.mpy": b"b"}, deps=[("a", "1")])
    assert [p.name for p in resolve(index, "a").packages] == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"<html>", ConfigError, "not JSON"),
        (b"[]", ConfigError, "not a package description"),
        ({"hashes": [["a.mpy"]]}, ConfigError, "not a pair"),
        ({"hashes": "x"}, ConfigError, "not a pair"),
        ({"deps": [["a b", "1"]]}, ConfigError, "is not a package"),
        ({"urls": [["../a.py", "URL/pi/v2/x.py"]]}, ConfigError, "leads elsewhere"),
        ({"urls": [["/a.py", "URL/pi/v2/x.py"]]}, ConfigError, "leads elsewhere"),
        ({"urls": [["a.py", "file:///etc/passwd"]]}, FetchError, "only http"),
        ({"hashes": [["a.mpy", "00000000"]]}, FetchError, "does not exist"),
    ],
)
def test_bad_descriptions_are_refused(
    index: MipIndex, content: object, error: type[Exception], message: str
) -> None:
    if isinstance(content, dict):
        text = repr(content).replace("'", '"').replace("URL", index.url)
        content = text.encode()
    index.put("/pi/v2/package/6/bad/latest.json", content)
    with pytest.raises(error, match=message):
        resolve(index, "bad")


def test_a_file_that_is_not_what_the_index_says_is_refused(index: MipIndex) -> None:
    short = hashlib.sha256(b"tcp").hexdigest()[:8]
    index.put(f"/pi/v2/file/{short[:2]}/{short}", b"evil")
    with pytest.raises(HashMismatch, match=short):
        resolve(index, "net")


@pytest.mark.parametrize("fault", ["500", "cut", "ftp", "file:///etc/passwd"])
def test_network_faults_are_told_with_the_url(index: MipIndex, fault: str) -> None:
    where = "/pi/v2/package/6/base/latest.json"
    if fault == "ftp":
        fault = "http://127.0.0.1:9/nobody"
    index.faults[where] = fault
    with pytest.raises(FetchError) as caught:
        resolve(index, "base")
    assert caught.value.url.startswith(index.url)


def test_a_redirect_is_followed(index: MipIndex) -> None:
    index.faults["/here.py"] = f"{index.url}/there.py"
    index.put("/there.py", b"x")
    assert Fetcher().get(f"{index.url}/here.py") == b"x"


def test_an_unreachable_host_is_told() -> None:
    with pytest.raises(FetchError, match="cannot be reached"):
        Fetcher().get("http://127.0.0.1:9/x")


def test_a_file_too_large_is_refused(index: MipIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("romfs.sources.fetch.LARGEST", 1 << 20)
    with pytest.raises(FetchError, match="larger than 1 MiB"):
        Fetcher().get(index.put("/big.py", bytes((1 << 20) + 1)))


def entries(lock: Lock, fetcher: Fetcher) -> dict[str, bytes]:
    found = PackageSource(lock, fetcher).entries(everything)
    return {entry.path: entry.load() for entry in found if entry.load is not None}


def test_files_come_verified_and_then_from_the_cache(index: MipIndex, tmp_path: Path) -> None:
    lock = resolve(index, "net")
    fetcher = Fetcher(tmp_path)
    wanted = {
        "lib/base.mpy": b"base 0.1",
        "lib/net/__init__.mpy": b"net",
        "lib/net/tcp.mpy": b"tcp",
    }
    assert entries(lock, fetcher) == wanted
    assert entries(lock, Fetcher(tmp_path, offline=True)) == wanted
    with pytest.raises(FetchError, match="--offline"):
        entries(lock, Fetcher(None, offline=True))


def test_a_damaged_cache_is_not_believed(index: MipIndex, tmp_path: Path) -> None:
    lock = resolve(index, "base")
    assert entries(lock, Fetcher(tmp_path))
    for path in tmp_path.glob("??/*"):
        path.write_bytes(b"damaged")
    assert entries(lock, Fetcher(tmp_path)) == {"lib/base.mpy": b"base 0.1"}


def test_what_changed_since_it_was_locked_is_refused(index: MipIndex) -> None:
    url = index.put("/one.py", b"x = 1")
    lock = resolve(index, url)
    index.put("/one.py", b"x = 2")
    with pytest.raises(HashMismatch, match="romfs lock --upgrade"):
        entries(lock, Fetcher())


def test_packages_join_the_project_and_do_not_replace_its_files(
    index: MipIndex, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "main.py").write_text("")
    packages = PackageSource(resolve(index, "base"), Fetcher())
    both = CombinedSource(DirectorySource(tmp_path), packages)
    assert [e.path for e in both.entries(everything)] == ["lib", "lib/base.mpy", "main.py"]
    (tmp_path / "lib/base.mpy").write_bytes(b"mine")
    with pytest.raises(BuildError, match=r"lib/base\.mpy: is given twice"):
        list(both.entries(everything))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PATHS = st.sampled_from(("a.mpy", "net/b.mpy", "c d.py", "ü.py"))
FILES = st.builds(LockedFile, PATHS, TEXTS, st.binary(max_size=3).map(
    lambda data: hashlib.sha256(data).hexdigest()), st.integers(0, 10**9))  # fmt: skip
PACKAGES = st.builds(LockedPackage, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS).map(tuple),
                     st.lists(FILES, max_size=3).map(tuple))  # fmt: skip
LOCKS = st.builds(Lock, TEXTS, TEXTS, st.lists(TEXTS).map(tuple),
                  st.lists(PACKAGES, max_size=3).map(tuple))  # fmt: skip


@given(LOCKS)
def test_a_lock_is_read_as_written(lock: Lock) -> None:
    assert loads(lock.dumps()) == lock


LOCK = Lock("i", "6", ("a",), (LockedPackage("a", "a", "1", "u", (), (
    LockedFile("a.mpy", "u", "0" * 64, 1),)),))  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1\n", "version = 2\n", "version 2"),
        ('mpy = "6"', "mpy = 6", "mpy is 6"),
        ("index", "indes", "'index' is missing"),
        ('"a",', "1,", "list of strings"),
        ("0" * 64, "0" * 63, "no SHA-256"),
        ("size = 1", "size = -1", "size is -1"),
        ("a.mpy", "../a.mpy", "leads elsewhere"),
        ("[[package]]", "[[package", "romfs.lock:"),
    ],
)
def test_a_damaged_lock_is_refused(old: str, new: str, message: str) -> None:
    text = LOCK.dumps()
    assert old in text
    with pytest.raises(ConfigError, match=message):
        loads(text.replace(old, new))


@pytest.mark.parametrize("path", ["", "/a", "a/", "../a", "a/../b", "./a", "a//b", "a\\b", "a\nb"])
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(ConfigError):
        check_path(path)


def test_a_lock_older_than_the_project_is_told() -> None:
    LOCK.check_answers(("a",))
    with pytest.raises(ConfigError, match="does not have b"):
        LOCK.check_answers(("a", "b"))
    with pytest.raises(ConfigError, match="still has a"):
        LOCK.check_answers(())


@pytest.fixture
def project(tmp_path: Path, index: MipIndex, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROMFS_CACHE", str(tmp_path / ".cache"))
    (tmp_path / "romfs.toml").write_text('packages = ["net"]\nsource = "app"\n')
    (tmp_path / "app").mkdir()
    (tmp_path / "app/main.py").write_text("import net\n")
    return tmp_path


def test_the_command_writes_and_upgrades_the_lock(
    project: Path, index: MipIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lock", "--check"]) == 1
    assert main(["lock", "--index", index.index]) == 0
    assert capsys.readouterr().out == "+ base 0.1\n+ net 1.0\n"
    first = Path("romfs.lock").read_bytes()
    assert main(["lock"]) == 0 and main(["lock", "--check"]) == 0
    assert Path("romfs.lock").read_bytes() == first
    index.publish("base", "0.2", {"base.mpy": b"base 0.2"})
    index.publish("net", "1.1", {"net/__init__.mpy": b"net 1.1"})
    assert main(["lock", "--upgrade", "base"]) == 0
    assert capsys.readouterr().out == "~ base 0.1 -> 0.2\n"
    assert main(["lock", "--upgrade"]) == 0
    assert capsys.readouterr().out == "- base 0.2\n~ net 1.0 -> 1.1\n"
    assert main(["lock", "--upgrade", "none"]) == 1
    Path("romfs.toml").write_text('packages = ["net", "base"]\n')
    assert main(["lock", "--check"]) == 1
    assert "does not have base" in capsys.readouterr().err
    assert main(["lock", "--offline"]) == 1
    assert main(["lock"]) == 0


def test_a_failed_lock_leaves_the_old_one(project: Path, index: MipIndex) -> None:
    assert main(["lock", "--index", index.index]) == 0
    before = Path("romfs.lock").read_bytes()
    Path("romfs.toml").write_text('packages = ["net", "nowhere"]\n')
    assert main(["lock"]) == 1
    assert Path("romfs.lock").read_bytes() == before


def test_entries_are_source_entries(index: MipIndex) -> None:
    found = list(PackageSource(resolve(index, "base"), Fetcher()).entries(everything))
    assert isinstance(found[0], SourceEntry) and found[0].origin.startswith(index.url)


class _Board:
    """As much of mpremote's transport as its mip needs."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def exec(self, code: str) -> None:
        pass

    def eval(self, code: str) -> int:
        return 6

    def fs_exists(self, path: str) -> bool:
        return True

    def fs_hashfile(self, path: str, algorithm: str) -> bytes:
        raise FileNotFoundError(path)

    def fs_writefile(self, path: str, data: bytes, progress_callback: object = None) -> None:
        self.files[path] = data


def test_mpremote_installs_the_same_files(index: MipIndex) -> None:
    """The index here is one for MicroPython's own tool, and means the same to it."""
    theirs = pytest.importorskip("mpremote.mip", reason="mpremote is not installed")
    index.publish("old", "1", {"old.mpy": b"o"}, deps=[("net", "1.0")])
    url = f"{index.url}/pkg/package.json"
    index.put("/pkg/package.json", {"urls": [["u/a.py", "src/a.py"]], "deps": [["old", "1"]]})
    index.put("/pkg/src/a.py", b"a = 1\n")
    board = _Board()
    for request in ("old", url):
        theirs._install_package(board, request, index.index, "lib", None, True)
    assert entries(resolve(index, "old", url), Fetcher()) == board.files
