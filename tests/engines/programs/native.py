#: user_file_system
import io
import sys

import vfs


class UserFile(io.IOBase):
    def __init__(self, data):
        self.data = memoryview(data)
        self.pos = 0

    def readinto(self, buf):
        n = min(len(buf), len(self.data) - self.pos)
        for i in range(n):
            buf[i] = self.data[self.pos + i]
        self.pos += n
        return n

    def ioctl(self, req, arg):
        return 0


class UserFS:
    def __init__(self, files):
        self.files = files

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        if path in self.files:
            return (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def open(self, path, mode):
        return UserFile(self.files[path])


good = bytes([77, 6, sys.implementation._mpy >> 8 & 0xFF, 31])
bad = bytes([77, 6, 4 << 2 | 3, 31])
name = b"\x01\x00\x0emod1.py\x00"
two = b"\x5c\x08\x02\x00\x32\x00\x59\x32\x01\x59\x51\x63\x02"
one = b"\x44\x08\x02\x00\x32\x00\x59\x51\x63\x01"
viper = b"\x22\x00\x00\x00\x00\x00"
asm = b"\x23\x00\x00\x00\x00\x00\x00\x00"
data = b"\x42" + b"\x00" * 8 + b"\x70\x04\x04rodt" + b"\x01\x00\xff"
files = {
    "/mod0.mpy": bad + name + one + viper,
    "/mod1.mpy": good + name + two + viper + asm,
    "/mod2.mpy": good + name + one + data,
}
vfs.mount(UserFS(files), "/userfs")
sys.path.append("/userfs")
for m in ("mod0", "mod1", "mod2"):
    try:
        __import__(m)
        print(m, "OK")
    except ValueError as e:
        print(m, "ValueError", e)
vfs.umount("/userfs")
sys.path.pop()
#: bad_headers
import io
import sys

import vfs


class F(io.IOBase):
    def __init__(self, d):
        self.d = d
        self.p = 0

    def readinto(self, b):
        n = min(len(b), len(self.d) - self.p)
        b[:n] = self.d[self.p : self.p + n]
        self.p += n
        return n

    def ioctl(self, r, a):
        return 0


class FS:
    def __init__(self, d):
        self.d = d

    def mount(self, r, m):
        pass

    def umount(self):
        pass

    def stat(self, p):
        if p == "/m.mpy":
            return (0x8000,) + (0,) * 9
        raise OSError(2)

    def open(self, p, m):
        return F(self.d)


body = b"\x01\x00\x06m.py"
for head in (
    b"N\x06\x00\x1f",
    b"M\x05\x00\x1f",
    b"M\x07\x00\x1f",
    b"M\x06\x00\x50",
    b"M\x06\x13\x1f",
    b"M\x06\x1b\x1f",
    b"M\x06\x0a\x1f",
):
    vfs.mount(FS(head + body), "/u")
    sys.path.append("/u")
    try:
        import m
    except Exception as e:
        print(head, type(e).__name__, e)
    sys.path.pop()
    vfs.umount("/u")
print("m" in sys.modules)
