"""A repository, and devices that fetch from it: over HTTP, and from a FAT drive."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flash.ota import cbor, package
from flash.ota.keys import Algorithm, PrivateKey
from flash.ota.repository import FULL_ROLLOUT, Index, Repository
from flash.serial_repl import DeviceError
from romfs.errors import BadSignature, PackageError, RollbackRefused
from romfs.formats.fat import write_fat
from tests.flash.ota import boards, device, fleet
from tests.real import needs_micropython

ED = Algorithm.ED25519
BLOCK = fleet.KINDS[4].block


def key() -> PrivateKey:
    return fleet.key(0, ED)


def packed(number: int, *bases: int, **change: object) -> bytes:
    release = replace(fleet.release(number, BLOCK, bases=bases, full=not bases), **change)  # type: ignore[arg-type]
    return package.pack(fleet.app(number), release, [key()])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", [key().public])


@pytest.fixture
def board() -> Iterator[device.Device]:
    """A device with release 2 that can check Ed25519."""
    module = device.part("package")
    module.ed25519 = device.ed25519
    yield fleet.make(fleet.KINDS[4], fleet.blank_content(fleet.KINDS[4], 2))[0]
    module.ed25519 = None


def fetch(board: device.Device, root: Path, **options: object) -> object:
    main, _ = board.mount()
    return main.fetch(str(root), **{"device": b"me", "now": 1000, **options})


def test_the_newest_release_is_fetched_once(repository: Repository, board: device.Device) -> None:
    repository.publish([packed(3), packed(4)], [key()])
    assert fetch(board, repository.root) == "1.4"
    main, image = board.mount()
    assert image == fleet.app(4) and main.confirm()
    assert fetch(board, repository.root) is None


def test_a_delta_for_the_image_here_is_preferred(
    repository: Repository, board: device.Device
) -> None:
    full, delta, other = packed(3), packed(3, 2), packed(3, 1)
    repository.publish([full, delta, other], [key()])
    index = repository.read(fleet.PRODUCT, fleet.BOARD, "stable")
    for entry in index.entries:
        if entry.size != len(delta):
            (repository.root / entry.path).unlink()  # whoever took another one would fail
    assert fetch(board, repository.root) == "1.3"


def test_a_rollout_reaches_its_share_of_devices(
    repository: Repository, board: device.Device
) -> None:
    repository.publish([packed(3)], [key()], rollout=3000)
    module = device.part("repository")
    index = cbor.decode(repository.read(fleet.PRODUCT, fleet.BOARD, "stable").encode())
    entries = index[7]  # type: ignore[index]
    board.boot()
    store = device.part("store").Store(device._load().config())

    def reached() -> int:
        ids = [b"device %d" % n for n in range(1000)]
        return sum(module._choose(store, entries, one) is not None for one in ids)

    assert 240 < reached() < 360
    before = {n for n in range(300) if module._choose(store, entries, b"device %d" % n)}
    repository.publish([packed(3)], [key()], rollout=6000)
    index = cbor.decode(repository.read(fleet.PRODUCT, fleet.BOARD, "stable").encode())
    entries = index[7]  # type: ignore[index]
    assert 540 < reached() < 660
    after = {n for n in range(300) if module._choose(store, entries, b"device %d" % n)}
    assert before <= after  # who had it keeps it


def test_devices_outside_the_rollout_keep_getting_the_release_for_all(
    repository: Repository, board: device.Device
) -> None:
    repository.publish([packed(3)], [key()])
    repository.publish([packed(4)], [key()], rollout=0)
    assert fetch(board, repository.root) == "1.3"
    repository.publish([packed(5)], [key()])
    index = repository.read(fleet.PRODUCT, fleet.BOARD, "stable")
    assert [entry.sequence for entry in index.entries] == [5]


def test_stale_expired_swapped_and_forged_indexes_are_refused(
    repository: Repository, board: device.Device, tmp_path: Path
) -> None:
    refused = device.part("store").Refused
    repository.publish([packed(3)], [key()], lifetime=500, now=1000)
    place = repository.root / Index(fleet.PRODUCT, fleet.BOARD, "stable").path
    old = place.read_bytes()
    repository.publish([packed(4)], [key()], lifetime=500, now=1000)
    new = place.read_bytes()
    with pytest.raises(refused, match="expired"):
        fetch(board, repository.root, now=1501)
    assert fetch(board, repository.root, now=1500) == "1.4"
    board.mount()[0].confirm()
    place.write_bytes(old)
    with pytest.raises(refused, match="index 1 is older than 2"):
        fetch(board, repository.root)
    beta = place.with_name("beta.idx")
    beta.write_bytes(new)
    with pytest.raises(refused, match="for something else"):
        fetch(board, repository.root, channel="beta")
    for bit in range(0, len(new) * 8, 37):
        damaged = bytearray(new)
        damaged[bit // 8] ^= 1 << bit % 8
        place.write_bytes(damaged)
        with pytest.raises((refused, OSError)):
            fetch(board, repository.root)
    place.write_bytes(packed(5))
    with pytest.raises(refused, match="another kind"):
        fetch(board, repository.root)


def test_packages_cannot_be_mixed_and_matched(repository: Repository, board: device.Device) -> None:
    """A good package under the name of another good one."""
    changes = repository.publish([packed(4)], [key()])
    (repository.root / changes[0].packages[0]).write_bytes(packed(3))
    with pytest.raises(device.part("store").Refused, match="not the package"):
        fetch(board, repository.root)


def test_a_release_that_failed_is_not_fetched_again(
    repository: Repository, board: device.Device
) -> None:
    repository.publish([packed(3)], [key()])
    assert fetch(board, repository.root) == "1.3"
    for _ in range(4):
        board.mount()
    assert fetch(board, repository.root) is None
    repository.publish([packed(4)], [key()])
    assert fetch(board, repository.root) == "1.4"


def test_publishing_refuses_what_devices_would(repository: Repository) -> None:
    repository.publish([packed(4)], [key()])
    with pytest.raises(RollbackRefused, match="older than 4"):
        repository.publish([packed(3)], [key()])
    stranger = fleet.key(5, ED)
    foreign = package.pack(fleet.app(5), fleet.release(5, BLOCK), [stranger])
    with pytest.raises(BadSignature):
        repository.publish([foreign], [key()])
    with pytest.raises(PackageError, match="path"):
        repository.publish([packed(6, product="../escape")], [key()])
    with pytest.raises(PackageError, match="rollout"):
        repository.publish([packed(6)], [key()], rollout=FULL_ROLLOUT + 1)
    assert not (repository.root / "packages" / "..").resolve().parent.joinpath("escape").exists()


def test_an_index_signed_by_someone_else_is_not_built_upon(
    repository: Repository, tmp_path: Path
) -> None:
    repository.publish([packed(3)], [key()])
    other = Repository(repository.root, [fleet.key(5, ED).public])
    with pytest.raises(BadSignature):
        other.read(fleet.PRODUCT, fleet.BOARD, "stable")


# In the real engine.


class Server(ThreadingHTTPServer):
    """Serves files and ranges; hangs up after so many bytes of a package."""

    def __init__(self, root: Path, cut: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.cut = cut
        self.ranges: list[int] = []
        self.sent = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.server.root / self.path.strip("/")
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
            return
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.server.ranges.append(start)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        body = data[start:]
        if self.server.cut and path.suffix == ".ota":
            body = body[: self.server.cut]
        self.wfile.write(body)
        self.server.sent += len(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(root: Path, cut: int = 0) -> Iterator[Server]:
    server = Server(root, cut)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


NAME = "PYBD_SF6"


@needs_micropython
@pytest.mark.parametrize(
    "cut",
    [3000, pytest.param(0, marks=pytest.mark.slow)],
    ids=["cut off every 3000 bytes", "whole"],
)
def test_a_board_fetches_over_http(tmp_path: Path, cut: int) -> None:
    signer = fleet.key(0, Algorithm.SLH_DSA)
    repository = Repository(tmp_path / "repo", [signer.public])
    data = boards.packed(NAME, 2)
    repository.publish([data], [signer])
    with serving(repository.root, cut) as server:
        url = f"http://127.0.0.1:{server.server_port}/moved"
        with boards.board(NAME, tmp_path, url=url) as one:
            with boards.repl(one) as repl:
                said = repl.run("import romfs_ota\nprint(romfs_ota.fetch())", timeout=30)
                assert said == b"1.2\r\n"
            assert boards.reboot(one) == "b 2"
            with boards.repl(one) as repl:
                repl.run("import romfs_ota\nromfs_ota.mount()\nromfs_ota.confirm()")
                assert repl.run("print(romfs_ota.fetch())", timeout=30) == b"None\r\n"
                with pytest.raises(DeviceError, match="404"):
                    repl.run(f"romfs_ota.fetch('{url}', channel='beta')", timeout=30)
    if cut:
        assert sorted(set(server.ranges))[1:] and max(server.ranges) > 3000
    assert server.sent < 4 * len(data)


@needs_micropython
def test_a_board_fetches_from_a_fat_drive(tmp_path: Path) -> None:
    signer = fleet.key(0, Algorithm.SLH_DSA)
    repository = Repository(tmp_path / "repo", [signer.public])
    repository.publish([boards.packed(NAME, 2)], [signer])
    write_fat(tmp_path / "card.img", repository.files().items())
    with boards.board(NAME, tmp_path, heap_free=2 << 20) as one:
        (one.filesystem / "card.img").write_bytes((tmp_path / "card.img").read_bytes())
        sectors = (tmp_path / "card.img").stat().st_size // 512
        with boards.repl(one) as repl:
            repl.run(
                "import vfs, romfs_ota\n"
                "class Card:\n"
                " def __init__(self): self.f=open('card.img','rb')\n"
                " def readblocks(self,n,b): self.f.seek(n*512);self.f.readinto(b)\n"
                " def writeblocks(self,n,b): raise OSError(30)\n"
                " def ioctl(self,op,a):\n"
                f"  return {sectors} if op==4 else 512 if op==5 else 0\n"
                "vfs.mount(Card(),'/sd',readonly=True)\n"
            )
            assert repl.run("print(romfs_ota.fetch('/sd'))", timeout=30) == b"1.2\r\n"
        assert boards.reboot(one) == "b 2"
