"""Guest module `cryptolib`: AES in the modes ECB, CBC and, as on boards, CTR.

Source: FIPS 197 (the cipher), NIST SP 800-38A (the modes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loader.modules.native import buffer_of, check_count, get_int

if TYPE_CHECKING:
    from loader.vm import VM

ECB, CBC, CTR = 1, 2, 6


def _times2(value: int) -> int:
    """Multiplication by x in the cipher's field."""
    return (value << 1 ^ (0x11B if value & 0x80 else 0)) & 0xFF


def _product(one: int, two: int) -> int:
    result = 0
    while two:
        if two & 1:
            result ^= one
        one, two = _times2(one), two >> 1
    return result


def _substitution() -> tuple[bytes, bytes]:
    """The cipher's substitution table and its inverse."""
    forward, backward = bytearray(256), bytearray(256)
    for value in range(256):
        inverse = next((x for x in range(256) if _product(value, x) == 1), 0)
        result = 0x63
        for turn in range(5):
            result ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
        forward[value], backward[result] = result, value
    return bytes(forward), bytes(backward)


_tables: dict[str, Any] = {}


def _table(name: str) -> Any:
    """Tables are made when first needed: making them takes some milliseconds."""
    if not _tables:
        _tables["sub"], _tables["inv"] = _substitution()
        for factor in (2, 3, 9, 11, 13, 14):
            _tables[str(factor)] = bytes(_product(value, factor) for value in range(256))
    return _tables[name]


_SHIFT = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11]
_UNSHIFT = [_SHIFT.index(at) for at in range(16)]


class Cipher:
    """AES for one key, a block at a time."""

    def __init__(self, key: bytes) -> None:
        sub = _table("sub")
        words = [key[at : at + 4] for at in range(0, len(key), 4)]
        size = len(words)
        rounds = size + 6
        constant = 1
        for at in range(size, 4 * (rounds + 1)):
            word = words[-1]
            if at % size == 0:
                word = bytes(sub[byte] for byte in word[1:] + word[:1])
                word = bytes((word[0] ^ constant, *word[1:]))
                constant = _times2(constant)
            elif size == 8 and at % size == 4:
                word = bytes(sub[byte] for byte in word)
            words.append(bytes(a ^ b for a, b in zip(words[-size], word, strict=True)))
        self._keys = [b"".join(words[at : at + 4]) for at in range(0, len(words), 4)]

    def encrypt(self, block: bytes) -> bytes:
        """Encrypt 16 bytes."""
        sub, by2, by3 = _table("sub"), _table("2"), _table("3")
        state = _xor(block, self._keys[0])
        for number, key in enumerate(self._keys[1:], 1):
            state = bytes(sub[state[at]] for at in _SHIFT)
            if number < len(self._keys) - 1:
                mixed = bytearray()
                for at in range(0, 16, 4):
                    a, b, c, d = state[at : at + 4]
                    mixed += bytes((
                        by2[a] ^ by3[b] ^ c ^ d, a ^ by2[b] ^ by3[c] ^ d,
                        a ^ b ^ by2[c] ^ by3[d], by3[a] ^ b ^ c ^ by2[d],
                    ))  # fmt: skip
                state = bytes(mixed)
            state = _xor(state, key)
        return state

    def decrypt(self, block: bytes) -> bytes:
        """Decrypt 16 bytes."""
        inv = _table("inv")
        by9, by11, by13, by14 = (_table(name) for name in ("9", "11", "13", "14"))
        state = block
        for number in range(len(self._keys) - 1, 0, -1):
            state = _xor(state, self._keys[number])
            if number < len(self._keys) - 1:
                mixed = bytearray()
                for at in range(0, 16, 4):
                    a, b, c, d = state[at : at + 4]
                    mixed += bytes((
                        by14[a] ^ by11[b] ^ by13[c] ^ by9[d], by9[a] ^ by14[b] ^ by11[c] ^ by13[d],
                        by13[a] ^ by9[b] ^ by14[c] ^ by11[d], by11[a] ^ by13[b] ^ by9[c] ^ by14[d],
                    ))  # fmt: skip
                state = bytes(mixed)
            state = bytes(inv[state[at]] for at in _UNSHIFT)
        return _xor(state, self._keys[0])


def _xor(one: bytes, two: bytes) -> bytes:
    size = len(one)
    return (int.from_bytes(one, "big") ^ int.from_bytes(two, "big")).to_bytes(size, "big")


class aes:
    """A cipher object: `aes(key, mode[, IV])`; it is for one direction, the first used."""

    def __init__(self, *args: Any, **named: Any) -> None:
        check_count(len(args), 2, 3, named)
        self._mode = get_int(args[1])
        if self._mode not in (ECB, CBC, CTR):
            raise ValueError("mode")
        key = bytes(buffer_of(args[0]))
        if len(key) not in (16, 32):
            raise ValueError("key")
        vector = b""
        if len(args) == 3 and args[2] is not None:
            vector = bytes(buffer_of(args[2]))
            if len(vector) != 16:
                raise ValueError("IV")
        elif self._mode != ECB:
            raise ValueError("IV")
        self._cipher = Cipher(key)
        self._vector = vector
        self._direction = ""
        self._stream = b""

    def _apply(self, direction: str, args: tuple[Any, ...]) -> Any:
        check_count(len(args) + 1, 2, 3)
        data = bytes(buffer_of(args[0]))
        if self._mode != CTR and len(data) % 16:
            raise ValueError("blksize % 16")
        target = buffer_of(args[1], writable=True) if len(args) == 2 else None
        if target is not None and len(target) < len(data):
            raise ValueError("output too small")
        if not self._direction:
            self._direction = direction
        elif self._direction != direction and self._mode != CTR:
            raise ValueError("can't encrypt & decrypt")
        result = self._counter(data) if self._mode == CTR else self._blocks(direction, data)
        if target is None:
            return result
        target[: len(result)] = result
        return args[1]

    def _blocks(self, direction: str, data: bytes) -> bytes:
        result = bytearray()
        for at in range(0, len(data), 16):
            block = data[at : at + 16]
            if direction == "encrypt":
                if self._mode == CBC:
                    block = _xor(block, self._vector)
                self._vector = block = self._cipher.encrypt(block)
                result += block
            else:
                plain = self._cipher.decrypt(block)
                if self._mode == CBC:
                    plain = _xor(plain, self._vector)
                    self._vector = block
                result += plain
        return bytes(result)

    def _counter(self, data: bytes) -> bytes:
        while len(self._stream) < len(data):
            self._stream += self._cipher.encrypt(self._vector)
            number = (int.from_bytes(self._vector, "big") + 1) % (1 << 128)
            self._vector = number.to_bytes(16, "big")
        used, self._stream = self._stream[: len(data)], self._stream[len(data) :]
        return _xor(data, used)

    def encrypt(self, *args: Any) -> Any:
        return self._apply("encrypt", args)

    def decrypt(self, *args: Any) -> Any:
        return self._apply("decrypt", args)

    def _guest_repr_(self) -> str:
        return "<aes>"


def namespace(vm: VM) -> dict[str, object]:
    """The guest module's dict."""
    return {"aes": aes}
