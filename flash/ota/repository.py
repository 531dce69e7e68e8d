"""A repository that any web server, CDN or memory card can serve: files, one of them signed.

    index/PRODUCT/BOARD/CHANNEL.idx    which release for whom; signed, versioned, dated
    packages/SHA256.ota                packages, under the hash of their content

Publishing only adds and replaces files, the index last, so a reader sees the old state or
the new one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flash.ota import cbor
from flash.ota.keys import PublicKey, Signer
from flash.ota.manifest import Delta, Full
from flash.ota.package import INDEX, Envelope, open_package, seal
from romfs.errors import PackageError, RollbackRefused
from romfs.output import atomic_write

FORMAT = 1
MAX_SIZE = 8192
FULL_ROLLOUT = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One package of a channel.

    Attributes:
        sequence, version: Of its release.
        rollout: Share of devices that get it, in hundredths of a percent.
        salt: Hashed with a device's id to decide whether it is one of them; all packages of
            a release have the same.
        manifest: SHA-256 of the package's manifest.
        path: From the repository's root.
        size: Bytes.
        bases: SHA-256 of the images it has a delta for.
        full: Whether every other device can use it, too.
    """

    sequence: int
    version: str
    rollout: int
    salt: bytes
    manifest: bytes
    path: str
    size: int
    bases: tuple[bytes, ...]
    full: bool

    def fields(self) -> cbor.Value:
        """As the index holds it."""
        return {
            1: self.sequence,
            2: self.version,
            3: self.rollout,
            4: self.salt,
            5: self.manifest,
            6: self.path,
            7: self.size,
            8: list(self.bases),
            9: self.full,
        }


@dataclass(frozen=True, slots=True)
class Index:
    """What a channel offers the boards of one sort.

    Attributes:
        product, board, channel: Whom it is for.
        version: Rises with each change; a device refuses a lower one than it has seen.
        expires: Seconds since 1970 after which a device with a clock refuses it; 0: never.
        entries: Newest release first.
    """

    product: str
    board: str
    channel: str
    version: int = 0
    expires: int = 0
    entries: tuple[Entry, ...] = ()

    @property
    def path(self) -> str:
        """From the repository's root."""
        return f"index/{self.product}/{self.board.replace(':', '_')}/{self.channel}.idx"

    def encode(self) -> bytes:
        """As the bytes that are signed.

        Raises:
            PackageError: There is more in it than a device takes.
        """
        data = cbor.encode(
            {
                1: FORMAT,
                2: self.product,
                3: self.board,
                4: self.channel,
                5: self.version,
                6: self.expires,
                7: [entry.fields() for entry in self.entries],
            }
        )
        if len(data) > MAX_SIZE:
            raise PackageError(f"an index of {len(data)} bytes; devices take {MAX_SIZE}")
        return data

    @classmethod
    def decode(cls, data: bytes) -> Index:
        """From the signed bytes; call it only when their signature is right."""
        fields: Any = cbor.decode(data)
        try:
            if fields[1] != FORMAT:
                raise PackageError(f"index format {fields[1]}, this is for {FORMAT}")
            entries = tuple(
                Entry(e[1], e[2], e[3], e[4], e[5], e[6], e[7], tuple(e[8]), e[9])
                for e in fields[7]
            )
            return cls(fields[2], fields[3], fields[4], fields[5], fields[6], entries)
        except (KeyError, TypeError) as error:
            raise PackageError(f"index: a field is missing or wrong ({error!r})") from None


@dataclass(frozen=True, slots=True)
class Change:
    """What publishing did to one index.

    Attributes:
        index: As it is now.
        packages: Paths of the packages it brought.
    """

    index: Index
    packages: tuple[str, ...]


class Repository:
    """A directory of that form.

    Args:
        root: The directory; made when first published to.
        keys: Of whoever may sign here: an index signed by anyone else is not built upon.
    """

    def __init__(self, root: Path, keys: Sequence[PublicKey]) -> None:
        self.root = root
        self.keys = tuple(keys)

    def read(self, product: str, board: str, channel: str) -> Index:
        """The index in force; an empty one if there is none.

        Raises:
            BadSignature, PackageError: There is one, but not to be trusted.
        """
        _check_names(product, board, channel)
        empty = Index(product, board, channel)
        path = self.root / empty.path
        if not path.exists():
            return empty
        envelope = Envelope.parse(path.read_bytes())
        envelope.check(self.keys)
        if envelope.kind != INDEX:
            raise PackageError(f"{path}: not an index")
        index = Index.decode(envelope.body)
        if (index.product, index.board, index.channel) != (product, board, channel):
            raise PackageError(f"{path}: the index of {index.path}")
        return index

    def publish(
        self,
        packages: Sequence[bytes],
        signers: Sequence[Signer],
        *,
        channel: str = "stable",
        rollout: int = FULL_ROLLOUT,
        lifetime: int = 0,
        now: int | None = None,
    ) -> list[Change]:
        """Add packages to a channel, or change how many devices get them.

        Args:
            packages: All for one product.
            rollout: In hundredths of a percent.
            lifetime: Seconds after which the index must have been renewed; 0: for ever.
        Raises:
            BadSignature: A package is not signed by a key of this repository.
            RollbackRefused: One is older than what the channel has for all devices.
            PackageError: A figure is out of range, or the index would become too large.
        """
        if not 0 <= rollout <= FULL_ROLLOUT:
            raise PackageError(f"a rollout of {rollout / 100}%")
        now = int(time.time()) if now is None else now
        expires = now + lifetime if lifetime else 0
        groups: dict[tuple[str, str], list[tuple[Entry, bytes]]] = {}
        for data in packages:
            opened = open_package(data, self.keys)
            manifest = opened.manifest
            entry = Entry(
                manifest.sequence,
                manifest.version,
                rollout,
                b"",
                hashlib.sha256(opened.envelope.body).digest(),
                f"packages/{hashlib.sha256(data).hexdigest()}.ota",
                len(data),
                tuple(way.base for way in manifest.payloads if isinstance(way, Delta)),
                any(isinstance(way, Full) for way in manifest.payloads),
            )
            for board in manifest.boards:
                groups.setdefault((manifest.product, board), []).append((entry, data))
        changes = []
        for (product, board), brought in groups.items():
            index = self.read(product, board, channel)
            for entry, _ in brought:
                index = _with(index, entry)
            index = replace(index, version=index.version + 1, expires=expires)
            changes.append(Change(index, tuple(entry.path for entry, _ in brought)))
        sealed = [(change.index, seal(INDEX, change.index.encode(), signers)) for change in changes]
        for brought in groups.values():
            for entry, data in brought:
                self._write(entry.path, data)
        for index, data in sealed:
            self._write(index.path, data)
        return changes

    def renew(
        self, index: Index, signers: Sequence[Signer], lifetime: int, now: int | None = None
    ) -> Index:
        """Sign an index again, with a later expiry."""
        now = int(time.time()) if now is None else now
        fresh = replace(index, version=index.version + 1, expires=now + lifetime)
        self._write(fresh.path, seal(INDEX, fresh.encode(), signers))
        return fresh

    def _write(self, path: str, data: bytes) -> None:
        place = self.root / path
        if place.exists() and place.read_bytes() == data:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(place, data)

    def files(self) -> dict[str, bytes]:
        """Everything in it, path -> content."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.suffix in (".idx", ".ota")
        }


def _with(index: Index, entry: Entry) -> Index:
    """The index with one entry more or changed, without those nobody needs any longer."""
    settled = [e.sequence for e in index.entries if e.rollout == FULL_ROLLOUT and e.full]
    if settled and entry.sequence < max(settled):
        raise RollbackRefused(
            f"sequence {entry.sequence} is older than {max(settled)}, which channel "
            f"{index.channel} has for all devices of {index.board}"
        )
    same = [e for e in index.entries if e.sequence == entry.sequence]
    salt = same[0].salt if same else secrets.token_bytes(8)
    entry = replace(entry, salt=salt)
    kept = [
        replace(e, rollout=entry.rollout) if e.sequence == entry.sequence else e
        for e in index.entries
        if e.manifest != entry.manifest
    ]
    entries = sorted([*kept, entry], key=lambda e: (-e.sequence, e.path))
    for_all = [e.sequence for e in entries if e.rollout == FULL_ROLLOUT and e.full]
    if for_all:
        entries = [e for e in entries if e.sequence >= max(for_all)]
    return replace(index, entries=tuple(entries))


def _check_names(*names: str) -> None:
    for name in names:
        if not _NAME.match(name):
            raise PackageError(f"{name!r} cannot be part of a path in a repository")
