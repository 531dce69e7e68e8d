# A segment that vfs.rom_ioctl erases and writes and that is read as a memoryview.
# The host sets ID, and OFF: whether op 3 takes an offset.
from vfs import rom_ioctl as R


def erase(o, n):
    r = R(3, ID, o, n) if OFF else R(3, ID, n)
    return r if r < 0 else 0


def prog(o, b):
    return R(4, ID, o, b)


def look(o, n):
    # A new view each time: an old one may have been handed out before a remapping.
    return memoryview(R(2, ID))[o : o + n]
