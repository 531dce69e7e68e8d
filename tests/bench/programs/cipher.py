# Byte work in the manner of AES: substitution, shifting rows, mixing columns.


def make_box():
    box = bytearray(256)
    p = q = 1
    while True:
        p = p ^ ((p << 1) & 0xFF) ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        if q & 0x80:
            q ^= 0x09
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (x ^ 0x63) & 0xFF
        if p == 1:
            break
    box[0] = 0x63
    return box


BOX = make_box()


def double(a):
    a <<= 1
    return (a ^ 0x11B) & 0xFF if a & 0x100 else a


def substitute(state):
    for i in range(16):
        state[i] = BOX[state[i]]


def shift_rows(state):
    state[1], state[5], state[9], state[13] = state[5], state[9], state[13], state[1]
    state[2], state[6], state[10], state[14] = state[10], state[14], state[2], state[6]
    state[3], state[7], state[11], state[15] = state[15], state[3], state[7], state[11]


def mix_column(state, at):
    a, b, c, d = state[at], state[at + 1], state[at + 2], state[at + 3]
    every = a ^ b ^ c ^ d
    state[at] = a ^ every ^ double(a ^ b)
    state[at + 1] = b ^ every ^ double(b ^ c)
    state[at + 2] = c ^ every ^ double(c ^ d)
    state[at + 3] = d ^ every ^ double(d ^ a)


def add_key(state, key, round_):
    for i in range(16):
        state[i] ^= key[(i + round_ * 7) % len(key)]


def encrypt(block, key):
    state = bytearray(block)
    add_key(state, key, 0)
    for round_ in range(1, 10):
        substitute(state)
        shift_rows(state)
        for at in range(0, 16, 4):
            mix_column(state, at)
        add_key(state, key, round_)
    return state


def work(size):
    key = b"a key of sixteen"
    block = bytearray(16)
    total = 0
    for i in range(size):
        block[i & 15] ^= i & 0xFF
        block = encrypt(block, key)
        total += block[0]
    return total
