"""The program with which the real MicroPython tries images, as text it is given."""

RUNNER = """\
# Runs under the real MicroPython: mounts images out of a batch one after the other and
# does with each what a program would: lists it, reads it, imports every module.
import gc
import os
import sys

import vfs

batch, progress, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
source = open(batch, "rb")
marks = open(progress, "ab")
keep = []  # names and code of what was imported lie in these buffers for good
resident = set(sys.modules)
sys.path[:] = ["/r", "/r/lib"]


def walk(path):
    for entry in os.ilistdir(path):
        name = path + "/" + entry[0]
        if entry[1] == 0x4000:
            walk(name)
            continue
        os.stat(name)
        with open(name, "rb") as file:
            file.read()
        if name.endswith(".mpy"):
            modules.append(name[:-4])


number = 0
while True:
    head = source.read(4)
    if not head:
        break
    image = source.read(int.from_bytes(head, "little"))
    if number >= first:
        marks.write(b"+")
        keep.append(image)
        modules = []
        try:
            vfs.mount(vfs.VfsRom(image), "/r")
            walk("/r")
            for module in modules:
                name = module[3:]
                if name.startswith("lib/"):
                    name = name[4:]
                try:
                    __import__(name.replace("/", "."))
                except Exception:
                    pass
        except BaseException:
            pass
        try:
            vfs.umount("/r")
        except BaseException:
            pass
        for name in list(sys.modules):
            if name not in resident:
                del sys.modules[name]
        gc.collect()
        marks.write(b"-")
    number += 1
marks.write(b"!")
"""
