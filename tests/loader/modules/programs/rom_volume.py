import os

import vfs
from probe import each, show

# file a = "hi", directory d with empty file e, file p pointing at the bytes of a
IMAGE = (
    b"\xd2\xcd1\x1a\x05\x06\x01a\x02\x02hi\x04\x08\x01d\x05\x04\x01e\x02\x00\x05\x06\x01p\x03\x02"
    b"\x02\x06"
)

each(vfs.VfsRom, (), (5,), (b"abc",), (b"abcde",), ("abcd",))
rom = vfs.VfsRom(IMAGE)
print(rom)
vfs.mount(rom, "/r")
show(os.listdir, "/r")
show(lambda: list(os.ilistdir("/r")))
show(lambda: list(os.ilistdir(b"/r/d")))
each(os.stat, ("/r",), ("/r/a",), ("/r/d",), ("/r/p",), ("/r/a/",), ("/r/d/",), ("/r/d//",), ("/r/n",))
show(os.statvfs, "/r")
for call in (os.mkdir, os.remove, os.rmdir):
    show(call, "/r/x")
show(os.rename, "/r/a", "/r/b")
each(os.chdir, ("/r/d",), ("/r",))
show(os.getcwd)
each(os.listdir, (), ("d",), ("a",))
each(rom.open, ("a",), ("a", "r"), ("a", 5), ("d", "r"), (5, "r"))
each(rom.ilistdir, (), (5,))
each(rom.mount, (0, 1), (1, 0))
show(rom.umount)
show(rom.getcwd)
show(rom.chdir, "d")
os.chdir("/")
for mode in ("w", "a", "r+", "x", "rbt", "rt", "b", "rtb"):
    show(open, "/r/a", mode)
each(open, ("/r/d",), ("/r/zz",), ("/r/",))

file = open("/r/a", "rb")
show(file.read, 1)
show(file.tell)
each(file.seek, (-5, 2), (50,), (-1, 1), (0, 7))
show(file.read)
show(file.readline)
show(lambda: file.write)
show(lambda: file.flush)
show(file.close)
show(file.seek, 0)
show(file.read)
show(lambda: bytes(memoryview(file)))
show(lambda: bytes(file))
show(lambda: bytearray(file))
buffer = bytearray(5)
file.seek(0)
show(file.readinto, buffer)
print(buffer)
text = open("/r/p")
show(lambda: memoryview(text))
show(text.read, 1)
show(text.readlines)
each(vfs.VfsRom, (file,), (text,))

# An image inside an image, mounted in place.
nested = (
    b"\xd2\xcd1" + bytes([4 + len(IMAGE) + 2 + 0])
    + b"\x05" + bytes([4 + len(IMAGE)]) + b"\x01n\x02" + bytes([len(IMAGE)]) + IMAGE
)  # fmt: skip
vfs.mount(vfs.VfsRom(nested), "/outer")
vfs.mount(vfs.VfsRom(open("/outer/n", "rb")), "/inner")
show(os.listdir, "/inner")
show(lambda: open("/inner/p").read())
vfs.mount(vfs.VfsRom(memoryview(open("/outer/n", "rb"))), "/again")
show(lambda: open("/again/a", "rb").read())
