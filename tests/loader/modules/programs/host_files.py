import os

from probe import each, show

NAME = "romfs-modules-test.txt"


def calls(file, *steps):
    for name, args in steps:
        print(name, args, end=" ")
        show(getattr(file, name), *args)


calls(open(NAME, "w"), ("write", ("h\u00e9llo\nworld\r\nx",)), ("write", (b"abc",)), ("read", ()),
      ("tell", ()), ("seek", (0,)), ("flush", ()), ("close", ()), ("close", ()), ("write", ("a",)),
      ("seek", (0,)), ("fileno", ()), ("flush", ()))  # fmt: skip
calls(open(NAME), ("read", (2,)), ("read", (1,)), ("readline", ()), ("readlines", ()),
      ("readinto", (bytearray(2),)), ("seek", (1,)), ("read", (1,)), ("seek", (2,)), ("read", (1,)),
      ("seek", (-1, 2)), ("read", ()), ("seek", (0,)), ("write", ("a",)), ("close", ()),
      ("read", ()))  # fmt: skip
calls(open(NAME, "rb"), ("read", (3,)), ("read", ()), ("seek", (-2, 2)), ("tell", ()), ("read", ()),
      ("seek", (-100, 2)), ("readline", ()), ("__exit__", ()), ("__exit__", (None, None, None)),
      ("read", ()))  # fmt: skip
for mode in ("r+", "w+", "a", "x", "rb+", "", "rw", "U", "b", "t", "bt", "tb"):
    file = open(NAME, mode)
    print(mode, type(file))
    show(file.write, "ab")
    show(file.read)
    file.close()
each(open, ("/nope/nope",), ("/",), (5.0,), ("/nope", "z"))
show(open, NAME, foo=3)
show(os.stat, "/nope")
show(os.remove, "/nope")
show(os.mkdir, "/")
os.mkdir("romfs-modules-dir")
os.rename("romfs-modules-dir", "romfs-modules-other")
print(os.stat("romfs-modules-other")[0] & 0xF000)
os.rmdir("romfs-modules-other")
print(NAME in os.listdir(), NAME.encode() in os.listdir(b"."))
os.remove(NAME)
print(NAME in os.listdir())
each(os.urandom, (0,), (-1,), (4.0,))
print(len(os.urandom(5)))
os.putenv("ROMFS_T", "b")
each(os.getenv, ("ROMFS_T",), ("ROMFS_NOT",), ("ROMFS_NOT", 5))
os.unsetenv("ROMFS_T")
show(os.getenv, "ROMFS_T")
show(os.system, "exit 3")
