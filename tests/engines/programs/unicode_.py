#: part0
# unicode file & misc
#: part1
print("héllo".encode(), "日本".encode('utf-8'), "日本"[1], len("日本"), "日本語".find("語"), "aé日😀"[::1], [hex(ord(c)) for c in "aé日😀"])
#: part2
print(repr("aé日😀"), str(b'\xe6\x97\xa5', 'utf8'), "é" < "z", "é" > "z", sorted("éaz"), "Éé".lower(), "é".isalpha(), "1²".isdigit())
#: part3
for s in ("a\u0300", "\ud800" if 0 else "x", "\U00010000"): print(s, len(s), repr(s))
#: part4
try: "é".encode("ascii"); print("ok")
except Exception as e: print(type(e), e)
#: part5
try: "abc".index("é")
except ValueError as e: print(e)
#: part6
try: print("é日"[5])
except IndexError as e: print(e)
#: part7
print("é日😀z"[1:3], "é日😀z"[-2:], "é日😀z"[:-1], "é日😀z"[2], "é日😀z"[-3])
#: part8
print(b"\xc3\xa9".decode(), bytes("é", "utf8"), bytearray("é", "utf8"), "é".encode() in "été".encode())
#: part9
d = {"é": 1, "日": 2}; print(d["é"], "日" in d)
class Ä: ö = 1
#: part11
print(Ä.ö, Ä().ö, Ä.__name__, getattr(Ä, "ö"))
#: part12
print("{:>5}|{:^5}|{:<5}|{!r}".format("é", "日", "😀", "é"), "%5s|%-5s|" % ("é", "日"), f"{'é':*^5}")
#: part13
print(*"é日", sep=",")
#: part14
print(hash("é") == hash("é"), "é".join(["a", "b"]), ",".join("é日"))
#: part15
import io
s = io.StringIO("é日\nz"); print(s.read(1), s.read(), s.getvalue())
b = io.BytesIO("é".encode()); print(b.read())
#: part16
print("\x00\x01".encode(), "\xff".encode(), len("\xff".encode()))
#: part17
print("a\tb\\n", r"\é", "\é" if 0 else "")
#: part18
print("ab\u0000cd", len("ab\u0000cd"), repr("\u0000"))
