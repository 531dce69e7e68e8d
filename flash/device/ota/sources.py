"""Where a package comes from. All have one method: `readinto(offset, buffer)`, which fills
the buffer from that offset of the package or raises OSError."""


class File:
    """A file of any mounted file system: an SD card, a FAT drive, the board's own."""

    def __init__(self, name):
        self.file = open(name, "rb")

    def readinto(self, offset, buffer):
        self.file.seek(offset)
        if self.file.readinto(buffer) != len(buffer):
            raise OSError("the package ends early")

    def close(self):
        self.file.close()


class Cursor:
    """Reads a stretch of a package front to back, through one small buffer.

    Args:
        decrypt: Called with each full buffer, which it turns into plain text; the stretch
            is then a whole number of 16-byte units.
    """

    def __init__(self, source, offset, length, buffer, decrypt=None):
        self.source = source
        self.offset = offset
        self.left = length
        self.buffer = memoryview(buffer)
        self.decrypt = decrypt
        self.at = self.end = 0

    def _fill(self):
        size = min(self.left, len(self.buffer))
        if size <= 0:
            raise ValueError("the payload ends early")
        self.source.readinto(self.offset, self.buffer[:size])
        if self.decrypt:
            self.decrypt(self.buffer[:size])
        self.offset += size
        self.left -= size
        self.at = 0
        self.end = size

    def byte(self):
        if self.at == self.end:
            self._fill()
        self.at += 1
        return self.buffer[self.at - 1]

    def read(self, size):
        """The next bytes: a view of the buffer where possible, good until the next call."""
        if self.at == self.end:
            self._fill()
        if self.end - self.at >= size:
            self.at += size
            return self.buffer[self.at - size : self.at]
        out = bytearray(size)
        self.readinto(out)
        return out

    def readinto(self, out):
        at = 0
        while at < len(out):
            if self.at == self.end:
                self._fill()
            size = min(self.end - self.at, len(out) - at)
            out[at : at + size] = self.buffer[self.at : self.at + size]
            self.at += size
            at += size
