"""Keys that sign packages: made, kept encrypted, used, and never shown.

A private key is a small JSON file: scrypt from a passphrase, AES-256-GCM around the key,
the public half as associated data. CI gives the same text in an environment variable. A
key that must not leave its hardware signs through a command (`ExternalSigner`).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from romfs.errors import BadSignature, ConfigError, MissingExtra, PackageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CONTEXT = b"romfs-ota"
SIGNER_TIMEOUT = 300.0
_KDF = {"n": 1 << 15, "r": 8, "p": 1}
_FORMAT = "romfs-ota-key-1"


class Algorithm(IntEnum):
    """Signature algorithms, by their number in packages."""

    SLH_DSA = 1
    ED25519 = 2


NAMES = {Algorithm.SLH_DSA: "slh-dsa-sha2-128s", Algorithm.ED25519: "ed25519"}
SIGNATURE_SIZES = {Algorithm.SLH_DSA: 7856, Algorithm.ED25519: 64}
PUBLIC_SIZE = 32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half.

    Attributes:
        algorithm: What it is for.
        data: Its 32 bytes.
    """

    algorithm: Algorithm
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != PUBLIC_SIZE:
            raise PackageError(f"a public key of {len(self.data)} bytes; it has {PUBLIC_SIZE}")

    @property
    def id(self) -> bytes:
        """Eight bytes by which packages name it."""
        return hashlib.sha256(bytes((self.algorithm,)) + self.data).digest()[:8]

    @property
    def pair(self) -> tuple[int, bytes]:
        """As manifests and configurations hold it."""
        return int(self.algorithm), self.data

    def __str__(self) -> str:
        return f"{NAMES[self.algorithm]}:{self.data.hex()}"

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """From its text form, algorithm:hex; anything after a space is a comment.

        Raises:
            ConfigError: It is not of that form.
        """
        word = (text.split() or [""])[0]
        name, _, digits = word.partition(":")
        for algorithm, known in NAMES.items():
            if name == known:
                try:
                    return cls(algorithm, bytes.fromhex(digits))
                except (ValueError, PackageError) as error:
                    raise ConfigError(f"public key {word[:40]!r}: {error}") from None
        raise ConfigError(f"public key {word[:40]!r} is not {' or '.join(NAMES.values())}:HEX")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether this key's private half made the signature over the message."""
        if len(signature) != SIGNATURE_SIZES[self.algorithm]:
            return False
        if self.algorithm is Algorithm.SLH_DSA:
            slhdsa = _slhdsa()
            key = slhdsa.PublicKey.from_digest(self.data, slhdsa.sha2_128s)
            try:
                return bool(key.verify_pure(message, signature, ctx=CONTEXT))
            except slhdsa.SLHDSAException:
                return False
        ed25519 = _ed25519()
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.data).verify(
                signature, CONTEXT + hashlib.sha256(message).digest()
            )
        except _invalid_signature():
            return False
        return True


class Signer(Protocol):
    """Whatever can sign."""

    @property
    def public(self) -> PublicKey:
        """The key others check with."""

    def sign(self, message: bytes) -> bytes:
        """A signature over the message."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key in memory; its text never shows the secret."""

    public: PublicKey
    _secret: bytes

    def __repr__(self) -> str:
        return f"PrivateKey({self.public})"

    @classmethod
    def generate(cls, algorithm: Algorithm = Algorithm.SLH_DSA) -> PrivateKey:
        """A new key."""
        if algorithm is Algorithm.SLH_DSA:
            slhdsa = _slhdsa()
            pair = slhdsa.KeyPair.gen(slhdsa.sha2_128s)
            return cls(PublicKey(algorithm, pair.pub.digest()), pair.sec.digest())
        key = _ed25519().Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes_raw()
        return cls(PublicKey(algorithm, public), key.private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """A signature over the message: about three seconds for SLH-DSA."""
        if self.public.algorithm is Algorithm.SLH_DSA:
            slhdsa = _slhdsa()
            key = slhdsa.SecretKey.from_digest(self._secret, slhdsa.sha2_128s)
            return bytes(key.sign_pure(message, randomize=True, ctx=CONTEXT))
        key = _ed25519().Ed25519PrivateKey.from_private_bytes(self._secret)
        return bytes(key.sign(CONTEXT + hashlib.sha256(message).digest()))

    def lock(self, passphrase: str) -> str:
        """The key file: JSON text, useless without the passphrase.

        Raises:
            ConfigError: The passphrase is empty.
        """
        if not passphrase:
            raise ConfigError("a private key needs a passphrase")
        salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
        cipher = _aesgcm(_derive(passphrase, salt, _KDF))
        name = str(self.public)
        fields = {
            "format": _FORMAT,
            "public": name,
            "scrypt": {**_KDF, "salt": salt.hex()},
            "nonce": nonce.hex(),
            "secret": cipher.encrypt(nonce, self._secret, name.encode()).hex(),
        }
        return json.dumps(fields, indent=1) + "\n"

    @classmethod
    def unlock(cls, text: str, passphrase: str) -> PrivateKey:
        """From a key file.

        Raises:
            ConfigError: It is not one, or the passphrase is not its own.
        """
        try:
            fields = json.loads(text)
            if fields["format"] != _FORMAT:
                raise ConfigError(f"key file of format {fields['format']!r}")
            kdf = fields["scrypt"]
            if kdf["n"] > 1 << 20 or kdf["r"] > 32 or kdf["p"] > 16:
                raise ConfigError("key file asks for more work than any key needs")
            cipher = _aesgcm(_derive(passphrase, bytes.fromhex(kdf["salt"]), kdf))
            nonce, secret = bytes.fromhex(fields["nonce"]), bytes.fromhex(fields["secret"])
            public = PublicKey.parse(fields["public"])
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"not a key file ({error})") from None
        from cryptography.exceptions import InvalidTag

        try:
            return cls(public, cipher.decrypt(nonce, secret, str(public).encode()))
        except InvalidTag:
            raise ConfigError("wrong passphrase, or the key file is damaged") from None


@dataclass(frozen=True, slots=True)
class ExternalSigner:
    """A command that signs: gets the message on stdin, gives the raw signature on stdout.

    Attributes:
        public: Whose signature it will be.
        command: Program and arguments. It gets the algorithm as ROMFS_OTA_ALGORITHM and, for
            Ed25519, the 41 bytes that are to be signed as they are.
    """

    public: PublicKey
    command: tuple[str, ...]

    def sign(self, message: bytes) -> bytes:
        """Run the command and check what it gives.

        Raises:
            BadSignature: It failed, or its signature is not by that key.
        """
        data = message
        if self.public.algorithm is Algorithm.ED25519:
            data = CONTEXT + hashlib.sha256(message).digest()
        env = {
            **os.environ,
            "ROMFS_OTA_ALGORITHM": NAMES[self.public.algorithm],
            "ROMFS_OTA_CONTEXT": CONTEXT.decode(),
        }
        try:
            done = subprocess.run(
                self.command, input=data, capture_output=True, timeout=SIGNER_TIMEOUT, env=env
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BadSignature(f"signing command {self.command[0]}: {error}") from None
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()[-200:]
            raise BadSignature(f"signing command {self.command[0]} failed: {words}")
        if not self.public.verify(message, done.stdout):
            raise BadSignature(
                f"signing command {self.command[0]} gave {len(done.stdout)} bytes that are not "
                f"a signature by {self.public}"
            )
        return done.stdout


def _derive(passphrase: str, salt: bytes, kdf: dict[str, int]) -> bytes:
    n, r, p = kdf["n"], kdf["r"], kdf["p"]
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=32
    )


# Imported late: a host that only reads packages needs neither.


def _slhdsa() -> Any:
    try:
        import slhdsa
    except ImportError:
        raise MissingExtra("SLH-DSA", extra="ota") from None
    return slhdsa


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtra("Ed25519", extra="ota") from None
    return ed25519


def _invalid_signature() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def _aesgcm(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MissingExtra("an encrypted key file", extra="ota") from None
    return AESGCM(key)
