# A segment that is a block device. The host sets ID, BS: its block size, and WHOLE:
# only writeblocks() of a whole block is safe, which erases by itself; ioctl(6) is not.
from vfs import rom_ioctl as R

D = R(2, ID)
BUF = memoryview(bytearray(min(BS, 512)))


def erase(o, n):
    for i in range(o // BS, (o + n) // BS):
        r = WHOLE or D.ioctl(6, i)
        if r:
            return r


def prog(o, b):
    return D.writeblocks(o // BS, b) if WHOLE else D.writeblocks(o // BS, b, o % BS)


def look(o, n):
    D.readblocks(o // BS, BUF[:n], o % BS)
    return BUF[:n]
