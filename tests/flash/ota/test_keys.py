"""Keys: encrypted at rest, never shown; signatures by every way of signing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import slhdsa

from flash.ota.keys import (
    CONTEXT,
    Algorithm,
    ExternalSigner,
    PrivateKey,
    PublicKey,
)
from romfs.errors import BadSignature, ConfigError
from tests.flash.ota import device, fleet


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_file_gives_back_its_key_for_the_passphrase_only(algorithm: Algorithm) -> None:
    key = fleet.key(0, algorithm)
    text = key.lock("open sesame")
    again = PrivateKey.unlock(text, "open sesame")
    assert again == key
    assert key._secret.hex() not in text and key._secret[:16].hex() not in text
    assert key._secret.hex() not in repr(key) + str(key.public)
    for wrong in ("", "Open sesame", "open sesame "):
        with pytest.raises(ConfigError, match="wrong passphrase"):
            PrivateKey.unlock(text, wrong)
    with pytest.raises(ConfigError):
        key.lock("")


def test_a_key_file_cannot_be_given_another_public_key() -> None:
    mine, other = fleet.key(0, Algorithm.ED25519), fleet.key(1, Algorithm.ED25519)
    text = mine.lock("x").replace(str(mine.public), str(other.public))
    with pytest.raises(ConfigError, match="wrong passphrase, or the key file is damaged"):
        PrivateKey.unlock(text, "x")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": "romfs-ota-key-2"}', "x" * 99])
def test_what_is_no_key_file_is_said_so(text: str) -> None:
    with pytest.raises(ConfigError):
        PrivateKey.unlock(text, "x")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_signature_holds_for_its_message_only(algorithm: Algorithm) -> None:
    key, other = fleet.key(0, algorithm), fleet.key(1, algorithm)
    signature = key.sign(b"message")
    assert key.public.verify(b"message", signature)
    assert not key.public.verify(b"messagE", signature)
    assert not other.public.verify(b"message", signature)
    assert not key.public.verify(b"message", signature[:-1])
    assert not key.public.verify(b"message", signature[:-1] + bytes((signature[-1] ^ 1,)))


def test_public_keys_are_read_as_written() -> None:
    key = fleet.key().public
    assert PublicKey.parse(f"{key} made for tests") == key
    for text in ("", "rsa:00", "ed25519:0011", "slh-dsa-sha2-128s:zz"):
        with pytest.raises(ConfigError):
            PublicKey.parse(text)


def reader(data: bytes):  # type: ignore[no-untyped-def]
    at = 0

    def read(size: int) -> memoryview:
        nonlocal at
        at += size
        return memoryview(data)[at - size : at]

    return read


@pytest.mark.parametrize("size", [0, 5000])
def test_the_device_verifies_what_an_independent_implementation_signed(size: int) -> None:
    """slh-dsa of PyPI, as the other side of FIPS 205."""
    pair = slhdsa.KeyPair.gen(slhdsa.sha2_128s)  # type: ignore[attr-defined]
    message = bytes(n * 7 & 255 for n in range(size))
    signature = pair.sec.sign_pure(message, randomize=size % 2 == 0, ctx=CONTEXT)
    public = pair.pub.digest()
    slh = device.part("slh")
    assert len(signature) == slh.SIZE
    halves = (message[: size // 2], message[size // 2 :])
    assert slh.verify(public, halves, reader(signature))
    assert not slh.verify(public, (message + b"x",), reader(signature))
    assert not slh.verify(public, (message,), reader(signature), b"other use")
    assert not slh.verify(bytes(32), (message,), reader(signature))
    # One bit in every kind of part: randomiser, FORS keys and paths, and each layer.
    for at in [*range(0, 16, 5), *range(20, len(signature), 1009), len(signature) - 1]:
        damaged = bytearray(signature)
        damaged[at] ^= 1 << at % 8
        assert not slh.verify(public, (message,), reader(bytes(damaged)))


def test_a_command_signs(tmp_path: Path) -> None:
    key = fleet.key(0, Algorithm.ED25519)
    (tmp_path / "key").write_bytes(key._secret)
    program = tmp_path / "hsm.py"
    program.write_text(
        "import os, sys\n"
        "from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as K\n"
        "assert os.environ['ROMFS_OTA_ALGORITHM'] == 'ed25519'\n"
        "key = K.from_private_bytes(open(sys.argv[1], 'rb').read())\n"
        "sys.stdout.buffer.write(key.sign(sys.stdin.buffer.read()))\n"
    )
    command = (sys.executable, str(program), str(tmp_path / "key"))
    signer = ExternalSigner(key.public, command)
    assert key.public.verify(b"message", signer.sign(b"message"))
    other = ExternalSigner(fleet.key(1, Algorithm.ED25519).public, command)
    with pytest.raises(BadSignature, match="not a signature by"):
        other.sign(b"message")
    for broken in ((sys.executable, "-c", "raise SystemExit('no card')"), ("/no/such/program",)):
        with pytest.raises(BadSignature):
            ExternalSigner(key.public, broken).sign(b"message")
