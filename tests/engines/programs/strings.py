#: methods
s = "Hello, World"
print(s.lower(), s.upper(), s.find("o"), s.rfind("o"), s.find("z"), s.find("o", 5), s.find("o", 5, 7), s.index("W"), s.rindex("l"))
print(s.count("o"), s.count("l", 5), s.count(""), "".count(""), s.replace("o", "0"), s.replace("o", "0", 1), s.replace("", "-"), s.replace("zz", "y"))
print(s.startswith("Hell"), s.startswith("ello", 1), s.endswith("ld"), s.endswith(""), s.startswith(("x", "He")), s.endswith(("x", "y")))
print(s.split(), s.split(","), s.split("l"), s.split("l", 1), s.rsplit("l", 1), s.rsplit("o"), "  a  b ".split(), "  a  b ".split(" "), "".split(), "".split(","), " a b c".split(None, 1))
print(s.partition(","), s.partition("x"), s.rpartition("o"), s.rpartition("x"), "a\nb\r\nc".splitlines(), "a\nb\n".splitlines(True))
print("  x ".strip(), "  x ".lstrip() + "|", "  x ".rstrip() + "|", "xxaxx".strip("x"), "abcba".strip("ab"), "abc".lstrip("a"), "abc".rstrip("c"))
print(",".join(["a", "b"]), "".join([]), "-".join("xyz"), "ab".center(6) + "|", "abc".center(6) + "|", "abc".center(2))
print("abc".isalpha(), "12".isdigit(), " \t".isspace(), "Ab".isupper(), "AB".isupper(), "ab".islower(), "a1".isalpha(), "".isalpha(), "".isdigit(), "".isspace(), "a1".islower())
print("a,b".encode(), "\u1234".encode(), b"abc".decode(), "abc" in "xabcx", "" in "a", "d" not in "abc")
#: errors_methods
for f in (lambda: "a".index("b"), lambda: "a".rindex("b"), lambda: "a".split(""), lambda: "a".partition(""), lambda: "a".rsplit(""), lambda: "a".join(1),
          lambda: "a".replace("b"), lambda: "a".find(), lambda: "a".strip(1), lambda: "a".startswith(), lambda: "a" % 1, lambda: "a".encode(1) and 1,
          lambda: "a".rsplit(None, 1), lambda: "a b c".rsplit(None), lambda: "a".count("a", "x"), lambda: "abc"["x"], lambda: "abc"[3], lambda: "abc"[::2], lambda: "abc"[::-1]):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
#: missing_methods
for n in ("casefold", "title", "capitalize", "swapcase", "zfill", "ljust", "rjust", "expandtabs", "translate", "maketrans", "isalnum", "isidentifier", "isprintable", "istitle", "isdecimal", "isnumeric", "isascii", "removeprefix", "removesuffix", "format_map", "center", "partition", "splitlines", "encode"):
    print(n, hasattr("", n), hasattr(str, n))
#: repr_escapes
for s in ("", "a", "'", '"', "'\"", "\\", "\n\r\t", "\0\x01\x7f", "\x80\xff", "\u1234", "\U0001f600", "a'b", 'a"b', "\a\b\f\v"):
    print(repr(s), ascii(s) if False else "", len(s))
for b in (b"", b"a", b"'", b'"', b"'\"", b"\\", b"\n\r\t", b"\0\x01\x7f\x80\xff"):
    print(repr(b), str(b), len(b))
print(repr(bytearray(b"a'\x00")), [b"x", "y"])
#: unicode
s = "añ€😀z"
print(len(s), s[1], s[2], s[3], s[-1], s[1:4], s.find("€"), s.encode(), list(s), s[::1])
print([ord(c) for c in s], chr(8364), "€" in s, s.index("z"), s.count("ñ"), s.replace("ñ", "n"), s.split("€"), s.upper(), s.lower())
print(s.encode().decode() == s, b"\xe2\x82\xac".decode(), str(b"\xc3\xb1", "utf-8"))
for i in range(-6, 6):
    try: print(i, s[i], s[i:], s[:i])
    except IndexError as e: print(i, e)
for bad in (b"\xff", b"\xe2\x82", b"a\x80b"):
    try: print(repr(bad.decode()))
    except UnicodeError as e: print("UnicodeError", e)
#: comparison
print("a" < "b", "a" < "B", "abc" < "abd", "ab" < "abc", "" < "a", "a" == "a", "a" != "b", "a" >= "a", "z" > "aa", "é" > "z")
print(b"a" < b"b", b"a" == "a", "a" == b"a", b"a" == bytearray(b"a"), bytearray(b"a") == b"a", b"" == "")
#: concat_repeat
print("a" + "b", "ab" * 3, 3 * "ab", "ab" * 0, "ab" * -1, b"a" + b"b", b"ab" * 2, b"a" + bytearray(b"b"), bytearray(b"a") + b"b", "a" "b")
s = "x"
s += "y"; s *= 3
print(s)
#: percent
print("%d %i %u" % (1, 2, 3), "%5d|%-5d|%05d" % (1, 2, 3), "%+d % d" % (4, 5), "%x %X %#x %o %#o" % (255, 255, 255, 8, 8), "%c%c" % ("a", 66))
print("%s %r" % ("a", "a"), "%10s|%-10s|" % ("r", "l"), "%.2s" % "abc", "%%", "%d%%" % 5, "%(a)s %(b)d" % {"a": 1, "b": 2}, "%s" % None, "%s" % [1, "x"], "%s" % ((1, 2),))
print("%f %.2f %e %g" % (1.5, 2.567, 12345.678, 0.0001), "%5.1f|%-8.2f|%+.1f" % (1.25, 2.5, 3.0), "%d" % 3.99, "%s" % 1e10, "%*d" % (5, 42), "%.*f" % (2, 3.14159))
print(b"%d %s" % (1, b"x"), "%s %s" % ("a", b"b"), "%r" % (1,))
for f, a in (("%d", "x"), ("%d", None), ("%s %s", "a"), ("%s", ("a", "b")), ("%", 1), ("%q", 1), ("%(a)s", 1), ("%c", "ab"), ("%c", 1.5), ("%f", "x"), ("%(a", {}), ("%(b)s", {})):
    try: print(f % a)
    except Exception as e: print(type(e).__name__, e)
#: format
print("{} {}".format(1, "a"), "{0} {1} {0}".format(1, 2), "{a} {b}".format(a=1, b=2), "{!r} {!s}".format("x", "y"), "{{}}".format(), "{:>5}|{:<5}|{:^5}|".format(1, 2, 3))
print("{:5d}|{:05d}|{:+d}|{: d}".format(1, 2, 3, 4), "{:x} {:X} {:o} {:b} {:#x} {:#b} {:c}".format(255, 255, 8, 5, 255, 5, 65), "{:,} {:_}".format(1234567, 1234567), "{:*^9}".format("mid"))
print("{:.3f} {:10.2f}| {:<10.1f}| {:e} {:g} {:%}".format(3.14159, 2.5, 1.25, 12345.6, 1e-7, 0.25), "{:.2}".format("abc"), "{:s}".format("s"), "{:10}|".format("s"), "{:10}|".format(5))
print("{:{}}|{:{w}.{p}}".format("a", 5, 3.14159, w=8, p=3), "{:=+6d}".format(42), "{:08.3f}".format(-3.14159), "{:>+8}".format(5), "{}".format([1, "x"]), "{}".format(None), "{:}".format(True), "{:d}".format(True))
#: bytes_methods
b = b"Hello, World"
print(b.lower(), b.find(b"o"), b.split(b","), b.replace(b"o", b"0"), b.startswith(b"He"), b.strip(b"Hd"), b.upper(), b.count(b"l"), b.index(b"W"), b.partition(b","), b"-".join([b"a", b"b"]), b.isalpha(), b"12".isdigit())
print(b[0], b[-1], b[1:3], b[:2] + b[2:4], list(b[:3]), 72 in b, b"ell" in b, len(b), bytes(3), bytes([1, 2, 255]), bytes("é", "utf8"), bytes(range(3)), bytes(b"x"), bytes(bytearray(b"y")), b"a" * 3)
print(b.hex(), b"\x01\xff".hex(), b"\x01\x02".hex(":"), bytes.fromhex("01ff"), bytes.fromhex("01 ff") if 1 else 0, hash(b"a") == hash(b"a"), b"abc".find(b""), b"a,b".rsplit(b","), b"ab".center(6))
#: bytearray_ops
a = bytearray(b"abc")
a.append(100); a.extend(b"ef"); a += b"g"
print(a, len(a), a[0], a[1:3], a == b"abcdefg")
a[0] = 65; a[1:3] = b"XYZ"
print(a, bytes(a), bytearray(3), bytearray([1, 2]), bytearray("é", "utf-8"))
a[2:4] = b""
print(a, a.find(b"d"), a.decode(), a.hex(), list(a)[:2])
for f in (lambda: a.append(256), lambda: a.append(-1), lambda: a.append("a"), lambda: a[100], lambda: bytearray("a"), lambda: a.pop()):
    try: print(f())
    except Exception as e: print(type(e).__name__, e)
try: a[0] = 300; print(a)
except Exception as e: print(type(e).__name__, e)
try: del a[0]
except Exception as e: print(type(e).__name__, e)
#: memoryviews
b = bytearray(b"abcdef")
m = memoryview(b)
print(m[0], m[-1], len(m), bytes(m[1:3]), list(m), m[2:4] == b"cd", m == b)
m[0] = 65
m[1:3] = b"XY"
print(b, bytes(m))
r = memoryview(b"abc")
try: r[0] = 1
except TypeError as e: print("TypeError", e)
try: m[0:2] = b"a"
except ValueError as e: print("ValueError", e)
import array
w = memoryview(array.array("H", [1, 2, 65535]))
print(w[2], len(w), list(w))
w[0] = 500
print(list(w[:2]))
try: m[10]
except IndexError as e: print(e)
#: str_constructor
print(str(), str(1), str(None), str(1.0), str([1, "a"]), str(b"ab"), str(b"ab", "utf8"), str(bytearray(b"x"), "ascii"), str("s"), str(("a",)), str({1: "b"}), str(True), str(...))
for a in (("a", "b"), (1, "utf8"), (b"\xff", "utf8"), (b"a", "utf8", "strict", 1)):
    try: print(str(*a))
    except Exception as e: print(type(e).__name__, e)
#: interning_is
a = "abc"; b = "ab" + "c"
print(a is "abc", a == b, "x" is "x", "".join(["a"]) is "a")
d = {"k": 1}
print(list(d)[0] is "k")
#: large
s = "ab" * 500
print(len(s), s.count("ab"), s.find("ba", 900), s[-3:], len(s.replace("a", "aaa")), len(s.split("b")), s == "ab" * 500, hash(s) == hash("ab" * 500))
