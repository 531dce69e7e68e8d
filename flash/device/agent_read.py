# For the agent, where a partition is read through the link.
def text(b):
    try:
        return b64(b)[:-1].decode()
    except NameError:
        return "".join(["%02x" % i for i in b]) + "."


def extra(o, a, n):
    while n:
        k = min(LOOK, n, 192)
        say("D%x:%s" % (a, text(look(a, k))))
        a += k
        n -= k
