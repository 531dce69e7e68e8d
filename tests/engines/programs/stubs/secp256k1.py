"""The curve module that firmware for embit has in C: what deriving keys asks of it."""

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
EC_COMPRESSED = 258
EC_UNCOMPRESSED = 2


def _add(one, other):
    if one is None:
        return other
    if other is None:
        return one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * pow(2 * one[1], P - 2, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], P - 2, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def _times(point, factor):
    total = None
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _pack(point):
    return point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


def _unpack(data):
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")


def ec_seckey_verify(secret):
    return 0 < int.from_bytes(secret, "big") < N


def ec_pubkey_create(secret):
    return _pack(_times(G, int.from_bytes(secret, "big")))


def ec_pubkey_serialize(pubkey, flag=EC_COMPRESSED):
    if flag == EC_UNCOMPRESSED:
        return b"\x04" + pubkey
    return bytes([2 + (pubkey[63] & 1)]) + pubkey[:32]


def ec_pubkey_parse(data):
    if data[0] == 4:
        return data[1:]
    x = int.from_bytes(data[1:], "big")
    y = pow((pow(x, 3, P) + 7) % P, (P + 1) // 4, P)
    if y & 1 != data[0] & 1:
        y = P - y
    return _pack((x, y))


def ec_privkey_add(secret, tweak):
    value = (int.from_bytes(secret, "big") + int.from_bytes(tweak, "big")) % N
    return value.to_bytes(32, "big")


def ec_pubkey_add(pubkey, tweak):
    return _pack(_add(_unpack(pubkey), _times(G, int.from_bytes(tweak, "big"))))
