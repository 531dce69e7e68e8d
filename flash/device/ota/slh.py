"""Verification of SLH-DSA-SHA2-128s signatures with SHA-256 alone, in constant memory.

The signature is read once, front to back, sixteen bytes at a time. Source: FIPS 205,
algorithms 8, 10, 11, 13, 17, 20 and 24, parameter set of section 11, SHA2 of category 1.
"""

from hashlib import sha256

SIZE = 7856
# Of this set: n = 16, h = 63, d = 7, h' = 9, a = 12, k = 14, w = 16, len = 35.
_WOTS, _WOTS_KEY, _TREE, _FORS, _FORS_ROOTS = range(5)


class _Hasher:
    """The tweakable hash: key, address and message to sixteen bytes."""

    def __init__(self, seed):
        self.head = bytes(seed) + bytes(48)
        self.address = bytearray(22)  # layer 1, tree 8, type 1, key pair 4, a word, a word

    def kind(self, kind, pair):
        self.address[9] = kind
        self.address[10:14] = pair.to_bytes(4, "big")
        self.address[14:22] = bytes(8)

    def words(self, first, second):
        self.address[14:18] = first.to_bytes(4, "big")
        self.address[18:22] = second.to_bytes(4, "big")

    def start(self):
        state = sha256(self.head)
        state.update(self.address)
        return state

    def __call__(self, message):
        state = sha256(self.head)
        state.update(self.address)
        state.update(message)
        return state.digest()[:16]


def verify(key, parts, read, context=b"romfs-ota"):
    """Whether a signature is right.

    Args:
        key: The public key, 32 bytes.
        parts: The message, as a sequence of buffers.
        read: `read(16)` gives the next bytes of the signature.
        context: What the signature is for; part of what is signed.
    """
    seed, root = key[:16], key[16:]
    random = bytes(read(16))
    state = sha256(random + key)
    state.update(bytes((0, len(context))))
    state.update(context)
    for part in parts:
        state.update(part)
    digest = sha256(random + seed + state.digest() + bytes(4)).digest()
    tree = int.from_bytes(digest[21:28], "big") & ((1 << 54) - 1)
    leaf = int.from_bytes(digest[28:30], "big") & 511
    hasher = _Hasher(seed)
    hasher.address[1:9] = tree.to_bytes(8, "big")
    node = _fors(hasher, digest[:21], leaf, read)
    for layer in range(7):
        hasher.address[0] = layer
        hasher.address[1:9] = tree.to_bytes(8, "big")
        node = _wots(hasher, node, leaf, read)
        hasher.kind(_TREE, 0)
        node = _climb(hasher, node, leaf, 9, 0, read)
        leaf = tree & 511
        tree >>= 9
    return node == root


def _climb(hasher, node, index, height, base, read):
    """From a leaf to the root of its tree, along the path in the signature."""
    for level in range(1, height + 1):
        other = read(16)
        pair = node + other if not index & 1 else bytes(other) + node
        index >>= 1
        hasher.words(level, (base >> level) + index)
        node = hasher(pair)
    return node


def _fors(hasher, digest, leaf, read):
    bits = int.from_bytes(digest, "big")
    hasher.kind(_FORS_ROOTS, leaf)
    roots = hasher.start()
    hasher.kind(_FORS, leaf)
    for i in range(14):
        index = (bits >> (156 - 12 * i)) & 4095
        base = i << 12
        hasher.words(0, base + index)
        roots.update(_climb(hasher, hasher(read(16)), index, 12, base, read))
    return roots.digest()[:16]


def _wots(hasher, message, leaf, read):
    total = 0
    for byte in message:
        total += 30 - (byte >> 4) - (byte & 15)
    digits = bytes(message) + (total << 4).to_bytes(2, "big")
    hasher.kind(_WOTS_KEY, leaf)
    ends = hasher.start()
    hasher.kind(_WOTS, leaf)
    for i in range(35):
        digit = digits[i >> 1] >> (0 if i & 1 else 4) & 15
        node = read(16)
        for step in range(digit, 15):
            hasher.words(i, step)
            node = hasher(node)
        ends.update(node)
    return ends.digest()[:16]
