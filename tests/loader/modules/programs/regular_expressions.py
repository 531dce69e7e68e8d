import re

from probe import each, show

PATTERNS = (
    "a abc a* a+b a?b a*?b a+? a?? (a)(b) (a|b)+ (?:ab)+c a|b|c ^a a$ ^$ . .. [abc] [^abc] [a-c]+"
    " []a] [a (a a) *a + ? a** a{2} \\d+ \\D \\w+ \\W \\s \\S+ \\. \\n [\\d]+ [\\w.]+ [^\\s] (|a) ()"
    " a||b (a)|(b) x* \\b \\1 (?P<n>a) (?=a) [a-] [-a] [^] [] [a-\\d] \\ ( ((a)b) a(?: ^* (a)(?:b)(c)"
    " $ a$b ^^a [[] [.] [*+?] (a+)(a+) (a+?)(a+) (.*)b .*?b \\x41 \u00e9 a.c [\\]] [\\-] [a\\-z]"
    " \\(a\\) (a(b(c(d)))) [^a-z0-9] | a| |a"
).split(" ")
SUBJECTS = ("", "a", "b", "ab", "abc", "aab", "aaa", "hello world", "a.c", "1 2", "\n", "\u00e9", "]",
            "xabcd", "(a)", "A")  # fmt: skip


def groups(match):
    found = []
    try:
        while True:
            found.append(match.group(len(found)))
    except IndexError:
        return found


for pattern in PATTERNS:
    try:
        compiled = re.compile(pattern)
    except ValueError as error:
        print(pattern, error)
        continue
    for subject in SUBJECTS:
        for how in (compiled.match, compiled.search):
            try:
                match = how(subject)
                print(pattern, repr(subject), match and groups(match))
            except Exception as error:
                print(pattern, repr(subject), type(error).__name__, error)
each(
    re.sub,
    ("a", "b", "banana"), ("(a)(n)", "\\2\\1", "banana"), ("a", "\\0x", "banana"),
    ("a", lambda m: m.group(0) + "!", "banana"), ("a", "b", "banana", 2), ("a", "b", "banana", -1),
    ("(a)", "[\\g<1>]", "banana"), ("a", "\\1", "banana"), ("x*", "-", "abc"), ("a", b"b", "banana"),
    (b"a", b"b", b"banana"), ("a", "\\\\", "banana"), ("a", "\\n", "banana"), ("a", 5, "banana"),
    ("a", "b", 5), ("a", "b"), ("a", lambda m: 5, "banana"), ("^a", "b", "aaa"), ("a$", "b", "aaa"),
    ("(a)|(b)", "[\\2]", "ab"), ("a", "\\g<9>", "banana"), ("a", "\\", "banana"),
)  # fmt: skip
for pattern, args in ((",", ("a,b,c",)), (",", ("a,b,c", 1)), (",", ("",)), ("(,)", ("a,b",)),
                      ("x*", ("axb",)), (",", (b"a,b",)), (",", ("a,b,c", -1)), (" *", ("a  b",))):  # fmt: skip
    show(re.compile(pattern).split, *args)
match = re.match("(a)(b)?", "a")
each(match.group, (), (0,), (1,), (2,), (3,), (-1,), ("a",), (0, 1))
show(lambda: match.groups)
each(re.match, ("a",), (5, "a"), ("a", 5), (".", "\u00e9"))
found = re.compile("b")
for args in (("abab", 2), ("abab", 0, 1), ("abab", -1), ("ab", 10)):
    print(found.search(*args) is None)
