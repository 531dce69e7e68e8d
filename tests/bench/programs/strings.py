# Strings: words, templates, caesar cipher, a small tokenizer.
TEXT = (
    "It was a bright cold day in April, and the clocks of the town were striking; "
    "the wind drove leaves along the gate, and dust came with them. "
)


def caesar(text, shift):
    out = []
    for char in text:
        code = ord(char)
        if 97 <= code <= 122:
            code = (code - 97 + shift) % 26 + 97
        elif 65 <= code <= 90:
            code = (code - 65 + shift) % 26 + 65
        out.append(chr(code))
    return "".join(out)


def tokens(text):
    found = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char.isdigit():
            start = at
            while at < len(text) and text[at].isdigit():
                at += 1
            found.append(int(text[start:at]))
        elif char.isalpha():
            start = at
            while at < len(text) and (text[at].isalpha() or text[at] == "_"):
                at += 1
            found.append(text[start:at])
        else:
            found.append(char)
            at += 1
    return found


def work(size):
    total = 0
    for i in range(size):
        words = TEXT.lower().replace(",", "").replace(".", "").split()
        line = " ".join([word for word in words if not word.startswith("t")])
        total += len(line) + line.find("gate")
        coded = caesar(TEXT, i % 26)
        total += len(caesar(coded, 26 - i % 26))
        total += len(tokens("let x_y = 12 + foo(bar, 345) * %d ;" % i))
        total += len("%s-%05d|%x" % (words[i % len(words)], i, i))
        total += len(f"{i}:{words[0]}")
    return total
