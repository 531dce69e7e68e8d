# Takes frames from stdin, carries them out, and answers with checked lines.
#
# The host puts a driver in front (erase, prog, look) and sets FRAME, CHUNK and LOOK: the
# largest payload, write, and look(). PROTOCOL.md describes every byte.
import sys, gc
from io import BytesIO
from micropython import kbd_intr


def say(s):
    print("%s~%04x" % (s, crc32(s.encode()) & 65535))


def total(a, n):
    c = 0
    while n:
        k = min(n, LOOK)
        c = crc32(look(a, k), c)
        a += k
        n -= k
    return c


def put(a, b):
    c = crc32(b)
    r = prog(a, b)
    if r:
        raise OSError(r)
    if total(a, len(b)) != c:
        raise ValueError("reads back wrong")


def serve(c):
    read = sys.stdin.buffer.readinto
    box = memoryview(bytearray(FRAME + 8))
    buf = memoryview(bytearray(CHUNK))
    fifo = src = BytesIO(CHUNK + 256)
    seq = quit = 0
    bad = ""
    keep = {}

    def get(i, j):
        while i < j:
            k = read(box[i:j])
            if not k:
                raise EOFError
            i += k

    def num(i, n=4):
        return int.from_bytes(box[i : i + n], "little")

    def pour(m, b):
        fifo.write(b)
        k = fifo.tell()
        fifo.seek(0)
        if src.readinto(m) != len(m):
            raise ValueError("stream ends early")
        # A byte or two may belong to what follows.
        k = fifo.read(k - fifo.tell())
        fifo.seek(0)
        fifo.write(k)

    say("R%d:%x" % (gc.mem_free(), c))
    while 1:
        get(0, 1)
        # Three in a row: one alone may be in what is left of a damaged frame.
        quit = quit + 1 if box[0] == 3 else 0
        if quit > 2:
            return
        if box[0] != 126:
            continue
        get(1, 4)
        n = num(2, 2)
        if n <= FRAME:
            get(4, n + 8)
        n += 4
        if n > FRAME + 4 or crc32(box[:n]) != num(n):
            say("N%d" % seq)
            continue
        if bad:
            say("X" + bad)
            continue
        o = seq - box[1] & 255
        if o:
            say(("N%d" if o > 127 else "A%d") % seq)
            continue
        o = box[4]
        a = num(5)
        k = num(9)
        try:
            if o == 100:  # d: compressed bytes
                fifo.write(box[5:n])
            elif o == 119:  # w: the last of them, then write
                i = buf[: num(9, 2)]
                pour(i, box[11:n])
                put(a, i)
            elif o == 107:  # k: keep what is there
                keep[a] = s = bytearray()
                while k:
                    i = min(k, LOOK)
                    s += look(a, i)
                    a += i
                    k -= i
            elif o == 111:  # o: lay the next bytes of the stream over it
                i = num(11, 2)
                pour(memoryview(keep[a])[i : i + num(9, 2)], box[13:n])
            elif o == 98:  # b: and put it back
                s = keep.pop(a)
                s[:k] = b"\xff" * k
                put(a, s)
            elif o == 112:  # p: program these bytes
                put(a, box[9:n])
            elif o == 118:  # v: spoil, as far as the memory allows
                try:
                    prog(a, box[9:n])
                except OSError:
                    pass
            elif o == 101:  # e: erase
                i = erase(a, k)
                if i:
                    raise OSError(i)
            elif o == 104:  # h: checksums
                k += a
                while a < k:
                    s = "H%x:" % a
                    for i in range(16):
                        if a < k:
                            s += "%08x" % total(a, min(num(13), k - a))
                            a += num(13)
                    say(s)
            elif o == 115:  # s: one strong hash
                k += a
                s = sha256()
                while a < k:
                    i = min(LOOK, k - a)
                    s.update(look(a, i))
                    a += i
                say("S" + "".join(["%02x" % i for i in s.digest()]))
            elif o == 122:  # z: a new stream; 0 is an uncompressed one
                src = fifo
                fifo.seek(0)
                i = 1
                if a:
                    from deflate import DeflateIO, RAW

                    gc.collect()
                    try:
                        # What the stream will take at its first read, and state beside it.
                        bytearray((1 << a) + 3072)
                        gc.collect()
                        src = DeflateIO(fifo, RAW, a)
                    except MemoryError:
                        i = 0
                say("Z%d" % i)
            elif o == 117:  # u: let go of /rom
                import vfs

                try:
                    vfs.umount("/rom")
                except OSError:
                    pass
            else:
                extra(o, a, k)
        except Exception as e:
            bad = "%d %r" % (o, e)
            say("X" + bad)
            continue
        seq = seq + 1 & 255
        say("A%d" % seq)


i = crc32(SRC)  # of this program, as it arrived
SRC = 0
gc.collect()
kbd_intr(-1)
try:
    serve(i)
finally:
    kbd_intr(3)
