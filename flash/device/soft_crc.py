# For firmware without binascii.crc32: the same checksum, four bits at a time.
T = []
for i in range(16):
    for k in range(4):
        i = i >> 1 ^ (0xEDB88320 if i & 1 else 0)
    T.append(i)


def crc32(b, c=0):
    c ^= 0xFFFFFFFF
    for x in b:
        c ^= x
        c = c >> 4 ^ T[c & 15]
        c = c >> 4 ^ T[c & 15]
    return c ^ 0xFFFFFFFF
