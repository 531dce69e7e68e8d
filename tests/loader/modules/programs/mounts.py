import os

import vfs
from probe import each, show


class Recorder:
    def mount(self, readonly, mkfs):
        print("mount", readonly, mkfs)

    def umount(self):
        print("umount")

    def stat(self, path):
        print("stat", path)
        return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path, mode):
        print("open", path, mode)
        return "file"

    def ilistdir(self, path):
        print("ilistdir", path)
        return iter([("a", 0x4000, 0), ("b", 0x8000, 0, 5)])

    def chdir(self, path):
        print("chdir", path)

    def getcwd(self):
        print("getcwd")
        return "/x"

    def mkdir(self, path):
        print("mkdir", path)

    def rename(self, old, new):
        print("rename", old, new)

    def remove(self, path):
        print("remove", path)

    def rmdir(self, path):
        print("rmdir", path)

    def statvfs(self, path):
        print("statvfs", path)
        return (1,)


fs = Recorder()
each(vfs.mount, (fs, "/m"), (fs, "/m"), (fs, "/m/n"), (fs,), (fs, 3), (3, "/q"), (fs, "/q", 1))
show(vfs.mount, fs, "q", readonly=True)
show(vfs.mount, fs, "/q", readonly=1, mkfs=2)
show(vfs.mount, fs, "/z", foo=1)
print([point for _, point in vfs.mount()])
each(os.stat, ("/m",), ("/m/",), ("/m/a/b",), ("/mm",), ("/",), (5,))
each(os.listdir, ("/m",), ("/m/z",), ("/nope",))
show(lambda: list(os.ilistdir("/m")))
show(lambda: sorted(e for e in os.ilistdir("/") if e[0] in ("m", "q")))
show(os.chdir, "/m/z")
show(os.getcwd)
show(os.listdir)
each(open, ("foo",), ("foo", "rb"))
each(os.mkdir, ("/m",), ("/m/",), ("w",))
each(os.rename, ("a", "/b"), ("a", "/m/b"))
each(os.statvfs, ("/m",))
for change in (os.remove, os.unlink, os.rmdir):
    show(change, "x")
show(vfs.umount, "/m")
show(os.getcwd)
each(vfs.umount, ("/m",), (fs,), (fs,), (5,))
show(os.stat, "/q")

# Only a file system that is not at the root.
vfs.mount(fs, "/m")
show(os.chdir, "/m")
show(vfs.umount, "/")
for call in (os.stat, os.listdir, os.mkdir, os.remove, os.rmdir, open, os.chdir):
    each(call, ("/",), ("/none",))
show(os.rename, "/", "/")
show(os.getcwd)
