import io
import sys

import vfs

SOURCE = b"print('hello from', __name__)\n" + b"x = 1\n" * 50


class File(io.IOBase):
    def __init__(self, data, answer):
        self.data = data
        self.answer = answer

    def readinto(self, buffer):
        part = self.data[: len(buffer)]
        buffer[: len(part)] = part
        self.data = self.data[len(part) :]
        print("readinto", len(buffer), len(part))
        return len(part)

    def ioctl(self, request, argument):
        print("ioctl", request, argument)
        return self.answer(request)


class Silent(io.IOBase):
    def readinto(self, buffer):
        return 0


class Volume:
    def __init__(self, files):
        self.files = files

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        print("stat", path)
        if path in self.files:
            return (32768, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError

    def open(self, path, mode):
        print("open", path, mode)
        return self.files[path]()


volume = Volume(
    {
        "/plain.py": lambda: File(SOURCE, lambda request: 0),
        "/large.py": lambda: File(SOURCE, lambda request: 100 if request == 11 else 0),
        "/memory.py": lambda: io.BytesIO(SOURCE),
        "/text.py": lambda: io.StringIO("print('text')"),
        "/number.py": lambda: 5,
        "/silent.py": Silent,
        "/broken.mpy": lambda: io.BytesIO(b"M\x05\x00\x1f"),
    }
)
vfs.mount(volume, "/volume")
sys.path.append("/volume")
for name in ("plain", "large", "memory", "text", "number", "silent", "broken", "absent"):
    print("==", name)
    try:
        __import__(name)
    except Exception as error:
        print(type(error).__name__, error.args)
print(open("/volume/memory.py").read(5))
