# ruff: noqa
# mypy: ignore-errors
"""Runs in MicroPython before anything else: makes the unix engine look like the board.

What only the host side knows goes over one socket. A request is eight 32-bit words: sequence
number, call, count of arguments, four arguments, length of the payload in the shared stage
or -1. An answer is three: sequence number, how, value. The numbers are those of
flash/board/protocol.py.
"""

import builtins
import gc
import struct
import sys
import uctypes
import vfs

READY, USER, ROM_IOCTL, IOCTL, WRITEBLOCKS, STDOUT, RESET = range(7)
VALUE, NONE, OS_ERROR, SEGMENT, TYPE_ERROR = range(5)

_head = bytearray(32)
_reply = bytearray(12)
_link = None
_stage = None
_seq = 0
_filler = None
segments = []
views = []
blocks = []


def call(number, count=0, a=0, b=0, c=0, d=0, payload=None):
    # Ctrl-C may be raised anywhere in here. Before the one write nothing has been asked; after
    # it the board acts, and the interrupt waits for the answer, as it would for a C function
    # of the firmware. A read that is interrupted may have happened: `_reply` tells. An answer
    # that nobody waited for is known by its number and dropped by the next call.
    global _seq
    _seq = (_seq + 1) & 0x3FFFFFFF
    length = -1
    if payload is not None:
        length = len(payload)
        _stage[:length] = payload
    struct.pack_into("<8i", _head, 0, _seq, number, count, a, b, c, d, length)
    interrupt = None
    try:
        _link.write(_head)
    except KeyboardInterrupt as e:
        interrupt = e
    while struct.unpack_from("<i", _reply)[0] != _seq:
        try:
            _link.readinto(_reply)
        except KeyboardInterrupt as e:
            interrupt = e
    if interrupt:
        raise interrupt
    seq, how, value = struct.unpack("<3i", _reply)
    if how == VALUE:
        return value
    if how == OS_ERROR:
        raise OSError(value)
    if how == SEGMENT:
        return segments[value]
    if how == TYPE_ERROR:
        raise TypeError(
            "can't convert to int" if payload else "object with buffer protocol required"
        )
    return None


def _bytes(buf):
    # len() of other views counts items, and the wire needs bytes.
    if isinstance(buf, str):
        return buf.encode()
    if isinstance(buf, (bytes, bytearray, memoryview)):
        return buf
    return memoryview(bytearray(memoryview(buf)))


def rom_ioctl(op, *args):
    count = len(args)
    if count > 3:
        raise TypeError("function expected at most 4 arguments, got %d" % (count + 1))
    payload = None
    if count and not isinstance(args[-1], int):
        payload = _bytes(args[-1])
        args = args[:-1]
    a, b, c = (args + (0, 0, 0))[:3]
    return call(ROM_IOCTL, count + 1, op, a, b, c, payload)


class Flash(memoryview):
    # A block-device segment: has the buffer protocol, but neither a length nor items.

    def __len__(self):
        raise TypeError("object of type '%s' has no len()" % type(self).__name__)

    def __getitem__(self, index):
        raise TypeError("'%s' object isn't subscriptable" % type(self).__name__)

    def ioctl(self, op, arg):
        return call(IOCTL, 3, _index(self), op, arg)

    def readblocks(self, number, buf, offset=0):
        index = _index(self)
        at = number * blocks[index] + offset
        view = memoryview(buf)
        view[:] = views[index][at : at + len(view)]

    def writeblocks(self, number, buf, offset=None):
        call(
            WRITEBLOCKS,
            2 if offset is None else 3,
            _index(self),
            number,
            offset or 0,
            0,
            _bytes(buf),
        )


class Disk:
    # The user filesystem's block device.

    def __init__(self, view, block):
        self.view = view
        self.block = block

    def ioctl(self, op, arg):
        return call(IOCTL, 3, -1, op, arg)

    def readblocks(self, number, buf, offset=0):
        at = number * self.block + offset
        view = memoryview(buf)
        view[:] = self.view[at : at + len(view)]

    def writeblocks(self, number, buf, offset=None):
        call(WRITEBLOCKS, 2 if offset is None else 3, -1, number, offset or 0, 0, buf)


class Partition(Flash):
    # esp32.Partition; `info` of the one ROMFS partition.
    details = None

    def info(self):
        return self.details


def _index(segment):
    for index, one in enumerate(segments):
        if one is segment:
            return index
    raise OSError(19)


def _hide(names):
    original = builtins.__import__

    def replacement(name, *args):
        if name in names:
            raise ImportError("no module named '%s'" % name)
        return original(name, *args)

    builtins.__import__ = replacement


def _fill(free):
    # Leaves `free` bytes of heap in one piece: keeps them, fills the rest down to the last
    # small hole, lets them go. A chain rather than a list, which would have to grow.
    global _filler
    gc.collect()
    kept = bytearray(free)
    for size in (4096, 512, 64, 1, 0):
        try:
            while True:
                _filler = (_filler, bytearray(size)) if size else (_filler,)
        except MemoryError:
            pass
    del kept
    gc.collect()


def _segment(address, size, kind, block, details):
    view = memoryview(uctypes.bytearray_at(address, size))
    views.append(view)
    blocks.append(block)
    if kind == "memoryview":
        segments.append(view)
    else:
        segment = (Partition if kind == "Partition" else Flash)(view)
        if details:
            Partition.details = details
        segments.append(segment)


def boot(handle):
    raw, heap_free = _set_up(handle)
    if heap_free is not None:
        _fill(heap_free)
    gc.collect()
    _run("boot.py")
    if not raw:
        _run("main.py")
    call(READY)


def _set_up(handle):
    global _link, _stage, rom_ioctl
    with open(handle, "r") as f:
        config, memories = eval(f.read())
    _link = open(config["link"], "r+b")
    _stage = memoryview(uctypes.bytearray_at(*memories.pop()))
    for memory, segment in zip(memories, config["segments"]):
        _segment(*(memory + segment))
    if not config["rom_ioctl"]:
        rom_ioctl = None
    settings.update(config)

    import _machine, _os, _sys, _vfs

    settings.clear()
    for name, module in (("machine", _machine), ("os", _os), ("sys", _sys), ("vfs", _vfs)):
        module.__name__ = name
        for alias in (name, "u" + name):
            sys.modules[alias] = module
        sys.modules.pop("_" + name)
    sys.modules.pop("_board")
    path = _mount(config, memories)
    _os.chdir("/" if config["cwd"] == "/rom" and "/rom" not in path else config["cwd"])
    sys.path[:] = path + config["path"]
    if config["hide"]:
        _hide(config["hide"])
    return config["raw"], config["heap_free"]


def _mount(config, memories):
    path = ["", ".frozen"]
    if config["automount"]:
        try:
            vfs.mount(vfs.VfsRom(rom_ioctl(2, 0)), "/rom")
            path += ["/rom", "/rom/lib"]
        except Exception:
            pass  # as in firmware: no message, no entries, boot goes on
    vfs.umount("/")
    if config["disk"]:
        disk = Disk(memoryview(uctypes.bytearray_at(*memories[-1])), config["disk"])
        try:
            filesystem = vfs.VfsLfs2(disk, progsize=256)
        except OSError:
            vfs.VfsLfs2.mkfs(disk, progsize=256)
            filesystem = vfs.VfsLfs2(disk, progsize=256)
        vfs.mount(filesystem, config["mount"])
    elif config["filesystem"] is not None:
        vfs.mount(vfs.VfsPosix(config["filesystem"]), config["mount"])
    return path


settings = {}


def _run(name):
    import __main__
    import micropython

    try:
        with open(name) as f:
            source = f.read()
    except OSError:
        return
    __main__.__file__ = name
    call(USER, 1, 1)
    try:
        micropython.kbd_intr(3)
        try:
            exec(compile(source, name, "exec"), __main__.__dict__)
        except Exception as e:
            _print(e)
        micropython.kbd_intr(-1)
        for _ in (0,):
            pass  # a jump: an interrupt still pending is raised here
    except KeyboardInterrupt as e:
        micropython.kbd_intr(-1)
        _print(e)
    call(USER, 1, 0)


def _print(e):
    # Without this file's own frame.
    import io

    out = io.StringIO()
    sys.print_exception(e, out)
    for line in out.getvalue().splitlines():
        if "/_board.py" not in line:
            print(line)
